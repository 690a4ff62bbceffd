/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What tests of generic netlink share: asking for a list of shares or devices, and
 * reading what comes. Written out, so that a test can do it wrong.
 */
#ifndef VHOST_FS_TEST_DUMP_H
#define VHOST_FS_TEST_DUMP_H

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <linux/vhost_fs_netlink.h>

#define MAX_RECORDS 600
#define MAX_MESSAGE (256 * 1024)

/* What one share or device was described by. */
struct record {
	struct nlattr *attrs;
	int len;
};

/* A dump as far as it has been read. */
struct dump {
	int fd;
	int error;	/* that it ended with, or 1 while it goes on */
	int messages;
	int nr;
	struct record records[MAX_RECORDS];
};

/* A request with whatever an evil one could have. */
struct request {
	struct nlmsghdr nl;
	struct genlmsghdr genl;
	unsigned char attrs[64];
};

static inline int nl_socket(void)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct timeval limit = { .tv_sec = 10 };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	int err = 0;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
	    connect(fd, (void *)&kernel, sizeof(kernel)) < 0)
		err = -errno;
	if (err && fd >= 0)
		close(fd);
	return err ? err : fd;
}

static inline int nl_send(int fd, struct request *r, int type, int flags, int attrs_len)
{
	r->nl.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN) + attrs_len;
	r->nl.nlmsg_type = type;
	r->nl.nlmsg_flags = NLM_F_REQUEST | flags;
	return send(fd, r, r->nl.nlmsg_len, 0) < 0 ? -errno : 0;
}

/* The attributes of @type in @record: how many, and the first. */
static inline int find(const struct record *record, int type, const struct nlattr **first)
{
	const char *at = (const char *)record->attrs;
	int left = record->len, nr = 0;

	*first = NULL;
	while (left >= NLA_HDRLEN) {
		const struct nlattr *attr = (const void *)at;
		int step = NLA_ALIGN(attr->nla_len);

		if ((attr->nla_type & NLA_TYPE_MASK) == type && !nr++)
			*first = attr;
		if (attr->nla_len < NLA_HDRLEN)
			break;
		at += step;
		left -= step;
	}
	return nr;
}

static inline bool has(const struct record *record, int type)
{
	const struct nlattr *attr;

	return find(record, type, &attr);
}

static inline const char *get_string(const struct record *record, int type)
{
	const struct nlattr *attr;

	return find(record, type, &attr) ? (const char *)attr + NLA_HDRLEN : "";
}

/* A number of 2, 4 or 8 bytes; -1 if there is none. */
static inline int64_t get(const struct record *record, int type)
{
	const struct nlattr *attr;
	int64_t value = 0;

	if (!find(record, type, &attr) || attr->nla_len > NLA_HDRLEN + sizeof(value))
		return -1;
	memcpy(&value, (const char *)attr + NLA_HDRLEN, attr->nla_len - NLA_HDRLEN);
	return value;
}

static inline void add_record(struct dump *dump, const struct nlmsghdr *nl)
{
	int head = NLMSG_LENGTH(GENL_HDRLEN);
	struct record *record = &dump->records[dump->nr];

	if (dump->nr == MAX_RECORDS)
		return;
	dump->nr++;
	record->len = nl->nlmsg_len - head;
	record->attrs = malloc(record->len + 1);
	memcpy(record->attrs, (const char *)nl + head, record->len);
}

/* Reads one message of a dump. */
static inline void dump_read(struct dump *dump)
{
	static uint64_t buffer[MAX_MESSAGE / sizeof(uint64_t)];
	ssize_t len = recv(dump->fd, buffer, sizeof(buffer), 0);
	struct nlmsghdr *nl = (void *)buffer;

	dump->messages++;
	if (len < 0)
		dump->error = -errno;
	for (; len > 0 && NLMSG_OK(nl, len); nl = NLMSG_NEXT(nl, len)) {
		if (nl->nlmsg_type == NLMSG_DONE || nl->nlmsg_type == NLMSG_ERROR)
			memcpy(&dump->error, NLMSG_DATA(nl), sizeof(dump->error));
		else
			add_record(dump, nl);
	}
}

static inline int family(int fd)
{
	struct request r = { .genl = { .cmd = CTRL_CMD_GETFAMILY, .version = 1 } };
	struct nlattr *attr = (void *)r.attrs;
	struct dump answer = { .fd = fd, .error = 1 };

	attr->nla_type = CTRL_ATTR_FAMILY_NAME;
	attr->nla_len = NLA_HDRLEN + sizeof(VHOST_FS_FAMILY_NAME);
	memcpy(attr + 1, VHOST_FS_FAMILY_NAME, sizeof(VHOST_FS_FAMILY_NAME));
	if (nl_send(fd, &r, GENL_ID_CTRL, 0, NLA_ALIGN(attr->nla_len)) < 0)
		return -EIO;
	dump_read(&answer);
	return answer.nr ? get(&answer.records[0], CTRL_ATTR_FAMILY_ID) : answer.error;
}

/* Asks the family for a dump; dump_read() goes on while error is 1. */
static inline void dump_ask(struct dump *dump, int fd, int id, int command)
{
	struct request r = { .genl = { .cmd = command, .version = 1 } };

	*dump = (struct dump){ .fd = fd, .error = 1 };
	if (nl_send(fd, &r, id, NLM_F_DUMP, 0) < 0)
		dump->error = -errno;
}

static inline void dump_start(struct dump *dump, int fd, int command)
{
	dump_ask(dump, fd, family(fd), command);
}

static inline void dump_finish(struct dump *dump)
{
	while (dump->error == 1)
		dump_read(dump);
}

static inline void dump_all(struct dump *dump, int command)
{
	int fd = nl_socket();

	dump_start(dump, fd, command);
	dump_finish(dump);
	close(fd);
}

static inline int count_share(const struct dump *dump, const char *name)
{
	int i, nr = 0;

	for (i = 0; i < dump->nr; i++)
		nr += !strcmp(get_string(&dump->records[i], VHOST_FS_A_SHARE_NAME), name);
	return nr;
}

#endif /* VHOST_FS_TEST_DUMP_H */
