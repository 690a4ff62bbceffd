// SPDX-License-Identifier: GPL-2.0-only
/*
 * The credentials of this process, which the kernel notes with the share it
 * adds: a share can do what this process could do at that moment. This is the
 * only file that uses libcap-ng.
 */
#include "caps.h"

#include <assert.h>
#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "msg.h"

#define CAP_BIT(cap) (1ULL << (cap))

/*
 * What a file server needs to act for every user of a guest. CAP_SYS_ADMIN,
 * CAP_DAC_READ_SEARCH (which opens files by handle, and so outside the share)
 * and CAP_SYS_RESOURCE (quota and reserved blocks) are not among them.
 */
#define KEPT_CAPS (CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_DAC_OVERRIDE) |	\
		   CAP_BIT(CAP_FOWNER) | CAP_BIT(CAP_FSETID) |		\
		   CAP_BIT(CAP_SETGID) | CAP_BIT(CAP_SETUID) |		\
		   CAP_BIT(CAP_MKNOD) | CAP_BIT(CAP_SETFCAP))

/*
 * A user namespace can forbid setgroups() for good (EPERM despite CAP_SETGID);
 * the groups then stay, which is no more than the caller has anyway. Groups that
 * were asked for must be had.
 */
static int set_groups(const struct process_request *request)
{
	static_assert(sizeof(gid_t) == sizeof(*request->groups), "one is passed as the other");

	if (!request->nr_groups && !capng_have_capability(CAPNG_EFFECTIVE, CAP_SETGID))
		return 0;
	if (!setgroups(request->nr_groups, request->groups))
		return 0;
	if (request->nr_groups)
		return refused("can't take on supplementary groups: %s", errno == EPERM ?
			       "that needs CAP_SETGID" : strerror(errno));
	if (errno != EPERM)
		return refused("can't drop supplementary groups: %s", strerror(errno));
	return 0;
}

/*
 * AppArmor takes a command where others take the label alone, and has a file of
 * its own for it, which can be read only where it is in force.
 */
static int open_label(const char **command)
{
	int fd = open("/proc/thread-self/attr/apparmor/current", O_RDWR | O_CLOEXEC);
	char byte;

	*command = "changeprofile ";
	if (fd >= 0 && read(fd, &byte, 1) == 1)
		return fd;
	if (fd >= 0)
		close(fd);
	*command = "";
	return open("/proc/thread-self/attr/current", O_WRONLY | O_CLOEXEC);
}

static int set_label(const char *label)
{
	const char *command;
	char text[4096];
	ssize_t done = -1;
	int fd, len;

	fd = open_label(&command);
	if (fd >= 0) {
		len = snprintf(text, sizeof(text), "%s%s", command, label);
		done = pwrite(fd, text, len, 0);
	}
	if (done < 0)
		return refused("can't take on the security label \"%s\": %s", label,
			       errno == EINVAL ? "no security module is in force that knows it" :
						 strerror(errno));
	close(fd);
	return 0;
}

static uint64_t caps_held(capng_type_t set)
{
	uint64_t held = 0;
	unsigned int cap;

	for (cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (capng_have_capability(set, cap))
			held |= CAP_BIT(cap);
	return held;
}

/*
 * Keeps what is both held and wanted: never raises what the caller had put
 * away. The inheritable set, and with it the ambient one, becomes empty.
 */
static void choose_caps(capng_select_t sets, uint64_t wanted)
{
	uint64_t held = caps_held(CAPNG_EFFECTIVE) & wanted;
	uint64_t bound = caps_held(CAPNG_BOUNDING_SET) & wanted;
	unsigned int cap;

	capng_clear(sets);
	for (cap = 0; cap <= CAP_LAST_CAP; cap++) {
		if (held & CAP_BIT(cap))
			capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, cap);
		if ((sets & CAPNG_SELECT_BOUNDS) && (bound & CAP_BIT(cap)))
			capng_update(CAPNG_ADD, CAPNG_BOUNDING_SET, cap);
	}
}

/* What was asked for by name must be there to be kept. */
static int check_added(uint64_t add)
{
	uint64_t missing = add & ~caps_held(CAPNG_EFFECTIVE);

	if (missing)
		return refused("can't keep %s: you don't have it",
			       caps_name(__builtin_ctzll(missing)));
	return 0;
}

int caps_become_share(const struct process_request *request)
{
	capng_select_t sets = CAPNG_SELECT_CAPS;
	int err;

	umask(0);
	if (capng_get_caps_process() < 0)
		return refused("can't read this process's capabilities");
	err = check_added(request->add);
	if (!err)
		err = set_groups(request);
	if (!err && request->label)
		err = set_label(request->label);
	if (err)
		return err;
	/* Without CAP_SETPCAP the bounding set can't be changed. */
	if (capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP))
		sets = CAPNG_SELECT_BOTH;
	choose_caps(sets, (KEPT_CAPS | request->add | request->keep) & ~request->drop);
	if (capng_apply(sets) < 0)
		return refused("can't give up capabilities: %s", strerror(errno));
	return 0;
}

int caps_drop_all(void)
{
	capng_select_t sets = CAPNG_SELECT_CAPS;

	if (capng_get_caps_process() < 0)
		return refused("can't read this process's capabilities");
	if (capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP))
		sets = CAPNG_SELECT_BOTH;
	capng_clear(sets);
	if (capng_apply(sets) < 0)
		return refused("can't give up capabilities: %s", strerror(errno));
	return 0;
}

/* The number of a capability named with or without "cap_", or -1. */
static int caps_number(const char *text, size_t len)
{
	char name[32];

	if (len > 4 && !strncasecmp(text, "cap_", 4)) {
		text += 4;
		len -= 4;
	}
	if (!len || len >= sizeof(name))
		return -1;
	memcpy(name, text, len);
	name[len] = '\0';
	return capng_name_to_capability(name);
}

const char *caps_parse(const char *text, uint64_t *add, uint64_t *drop)
{
	const char *accepted = "accepted is a list such as +sys_resource:-mknod";

	for (;;) {
		size_t len = strcspn(text + !!*text, ":");
		int cap = caps_number(text + 1, *text ? len : 0);

		if ((*text != '+' && *text != '-') || cap < 0 || cap > CAP_LAST_CAP)
			return accepted;
		*add &= ~CAP_BIT(cap);
		*drop &= ~CAP_BIT(cap);
		*(*text == '+' ? add : drop) |= CAP_BIT(cap);
		text += 1 + len;
		if (!*text++)
			return NULL;
	}
}

const char *caps_name(unsigned int capability)
{
	const char *name = capng_capability_to_name(capability);
	static char buffer[32];

	/* Newer libraries give an unknown one the name cap_NUMBER themselves. */
	if (name && !strncmp(name, "cap_", 4))
		return name;
	if (name)
		snprintf(buffer, sizeof(buffer), "cap_%s", name);
	else
		snprintf(buffer, sizeof(buffer), "cap_%u", capability);
	return buffer;
}
