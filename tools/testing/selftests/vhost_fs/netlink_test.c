// SPDX-License-Identifier: GPL-2.0-only
/*
 * Listing by generic netlink: the attributes and their values, what requests
 * are refused, dumps of many messages, and who sees what.
 */
#include "bed.h"
#include "dump.h"
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <linux/vhost_fs_netlink.h>

#define NOBODY 65534

/* The record with @value for the name or number @type, or an empty one. */
static const struct record *by_name(const struct dump *dump, int type, const char *value)
{
	static const struct record none;
	int i;

	for (i = 0; i < dump->nr; i++)
		if (!strcmp(get_string(&dump->records[i], type), value))
			return &dump->records[i];
	return &none;
}

/* Whether @name is in a list of shares, read through @fd. */
static int listed(int fd, const char *name)
{
	static struct dump dump;

	dump_start(&dump, fd, VHOST_FS_CMD_SHARE_GET);
	dump_finish(&dump);
	return dump.error ? dump.error : count_share(&dump, name);
}

/* How an attribute must look; @size -1 is a string, -2 a nest. */
struct shape {
	int type;
	int size;
	int min, max;
};

static bool shape_ok(const struct record *record, const struct shape *shape)
{
	const struct nlattr *attr;
	int nr = find(record, shape->type, &attr), len;

	if (nr < shape->min || nr > shape->max)
		return false;
	if (!nr)
		return true;
	len = attr->nla_len - NLA_HDRLEN;
	if (shape->size == -2)
		return attr->nla_type & NLA_F_NESTED;
	if (shape->size == -1)
		return len > 1 && !((const char *)attr)[attr->nla_len - 1];
	return len == shape->size;
}

/* Each attribute as it must be, and none that isn't in the table. */
static int wrong_shape(const struct record *record, const struct shape *shapes, int max_type)
{
	const struct nlattr *attr;
	int type;

	for (; shapes->type; shapes++)
		if (!shape_ok(record, shapes))
			return shapes->type;
	for (type = max_type + 1; type < 64; type++)
		if (find(record, type, &attr))
			return type;
	return find(record, 0, &attr) ? -1 : 0;
}

static const struct shape share_shapes[] = {
	{ VHOST_FS_A_SHARE_NAME, -1, 1, 1 },
	{ VHOST_FS_A_SHARE_OWNER_UID, 4, 1, 1 },
	{ VHOST_FS_A_SHARE_FLAGS, 4, 1, 1 },
	{ VHOST_FS_A_SHARE_CACHE, 4, 1, 1 },
	{ VHOST_FS_A_SHARE_DEVICES, 4, 1, 1 },
	{ VHOST_FS_A_SHARE_MAX_NODES, 8, 1, 1 },
	{ VHOST_FS_A_SHARE_MAX_HANDLES, 8, 1, 1 },
	{ VHOST_FS_A_SHARE_USER, 4, 0, VHOST_FS_MAX_ALLOWED_IDS },
	{ VHOST_FS_A_SHARE_GROUP, 4, 0, VHOST_FS_MAX_ALLOWED_IDS },
	{ VHOST_FS_A_SHARE_FS_ID, 8, 1, 1 },
	{ VHOST_FS_A_SHARE_ROOT_INO, 8, 1, 1 },
	{ VHOST_FS_A_SHARE_CAPABILITIES, 8, 1, 1 },
	{ VHOST_FS_A_SHARE_SUPPLEMENTARY_GROUP, 4, 0, 1024 },
	{ VHOST_FS_A_SHARE_MAX_BLOCKED, 8, 1, 1 },
	{ VHOST_FS_A_SHARE_INODE_FILE_HANDLES, 4, 1, 1 },
	{ VHOST_FS_A_SHARE_LOCKS, 4, 1, 1 },
	{ VHOST_FS_A_SHARE_ENTRY_TIMEOUT, 8, 1, 1 },
	{ VHOST_FS_A_SHARE_ATTR_TIMEOUT, 8, 1, 1 },
	{ VHOST_FS_A_SHARE_NEGATIVE_TIMEOUT, 8, 1, 1 },
	{ VHOST_FS_A_SHARE_UID_RULE, -2, 0, VHOST_FS_MAX_ID_RULES },
	{ VHOST_FS_A_SHARE_GID_RULE, -2, 0, VHOST_FS_MAX_ID_RULES },
	{ VHOST_FS_A_SHARE_MAPPED_MOUNT, 0, 0, 1 },
	{ VHOST_FS_A_SHARE_XATTR_RULE, -2, 0, VHOST_FS_MAX_XATTR_RULES },
	{ VHOST_FS_A_SHARE_OWNER_GID, 4, 1, 1 },
	{ VHOST_FS_A_SHARE_LABEL, -1, 0, 1 },
	{ VHOST_FS_A_SHARE_PRIVATE_MOUNT, 0, 0, 1 },
	{ VHOST_FS_A_SHARE_ROOT_PATH, -1, 0, 1 },
	{ VHOST_FS_A_SHARE_MIGRATION, 4, 1, 1 },
	{ }
};

static const struct shape device_shapes[] = {
	{ VHOST_FS_A_DEVICE_ID, 4, 1, 1 },
	{ VHOST_FS_A_DEVICE_SHARE, -1, 0, 1 },
	{ VHOST_FS_A_DEVICE_OWNER_PID, 4, 0, 1 },
	{ VHOST_FS_A_DEVICE_RUNNING, 0, 0, 1 },
	{ VHOST_FS_A_DEVICE_BROKEN, 0, 0, 1 },
	{ VHOST_FS_A_DEVICE_SESSION, 0, 0, 1 },
	{ VHOST_FS_A_DEVICE_FUSE_MINOR, 4, 0, 1 },
	{ VHOST_FS_A_DEVICE_REQUEST_QUEUES, 4, 1, 1 },
	{ VHOST_FS_A_DEVICE_THREADS, 4, 1, 1 },
	{ VHOST_FS_A_DEVICE_NODES, 8, 1, 1 },
	{ VHOST_FS_A_DEVICE_HANDLES, 8, 1, 1 },
	{ VHOST_FS_A_DEVICE_BYTES_READ, 8, 1, 1 },
	{ VHOST_FS_A_DEVICE_BYTES_WRITTEN, 8, 1, 1 },
	{ VHOST_FS_A_DEVICE_BAD_REQUESTS, 8, 1, 1 },
	{ VHOST_FS_A_DEVICE_OPCODE, -2, 0, 64 },
	{ VHOST_FS_A_DEVICE_BLOCKED, 8, 1, 1 },
	{ }
};

FIXTURE(netlink) {
	struct bed bed;
	struct dump dump;
};

FIXTURE_SETUP(netlink)
{
	struct bed_config config = {
		.flags = VHOST_FS_SHARE_NO_READDIRPLUS,
		.cache = VHOST_FS_CACHE_METADATA,
		.max_nodes = 500, .max_handles = 50, .no_init = true,
	};

	ASSERT_EQ(0, bed_open(&self->bed, &config));
	ASSERT_EQ(0, bed_write_file(&self->bed, "file", "data", 4, 0644));
}

FIXTURE_TEARDOWN(netlink)
{
	bed_close(&self->bed);
}

/* The record of the test's device, read anew. */
static const struct record *device(struct bed *bed, struct dump *dump)
{
	dump_all(dump, VHOST_FS_CMD_DEVICE_GET);
	return by_name(dump, VHOST_FS_A_DEVICE_SHARE, bed->share);
}

TEST_F(netlink, share)
{
	const struct record *share;
	struct stat st;

	dump_all(&self->dump, VHOST_FS_CMD_SHARE_GET);
	ASSERT_EQ(0, self->dump.error);
	ASSERT_EQ(1, count_share(&self->dump, self->bed.share));
	share = by_name(&self->dump, VHOST_FS_A_SHARE_NAME, self->bed.share);
	EXPECT_EQ(0, wrong_shape(share, share_shapes, VHOST_FS_A_SHARE_MAX));
	ASSERT_EQ(0, fstat(self->bed.fd, &st));
	EXPECT_EQ(getuid(), get(share, VHOST_FS_A_SHARE_OWNER_UID));
	EXPECT_EQ(getgid(), get(share, VHOST_FS_A_SHARE_OWNER_GID));
	EXPECT_FALSE(has(share, VHOST_FS_A_SHARE_PRIVATE_MOUNT));
	EXPECT_EQ(VHOST_FS_SHARE_NO_READDIRPLUS, get(share, VHOST_FS_A_SHARE_FLAGS));
	EXPECT_EQ(VHOST_FS_CACHE_METADATA, get(share, VHOST_FS_A_SHARE_CACHE));
	EXPECT_EQ(1, get(share, VHOST_FS_A_SHARE_DEVICES));
	EXPECT_EQ(500, get(share, VHOST_FS_A_SHARE_MAX_NODES));
	EXPECT_EQ(50, get(share, VHOST_FS_A_SHARE_MAX_HANDLES));
	EXPECT_EQ(st.st_dev, get(share, VHOST_FS_A_SHARE_FS_ID));
	EXPECT_EQ(st.st_ino, get(share, VHOST_FS_A_SHARE_ROOT_INO));
}

TEST_F(netlink, device_life)
{
	const struct record *dev = device(&self->bed, &self->dump);

	EXPECT_EQ(0, wrong_shape(dev, device_shapes, VHOST_FS_A_DEVICE_MAX));
	EXPECT_EQ(getpid(), get(dev, VHOST_FS_A_DEVICE_OWNER_PID));
	EXPECT_TRUE(has(dev, VHOST_FS_A_DEVICE_RUNNING));
	EXPECT_FALSE(has(dev, VHOST_FS_A_DEVICE_BROKEN));
	EXPECT_FALSE(has(dev, VHOST_FS_A_DEVICE_SESSION));
	EXPECT_FALSE(has(dev, VHOST_FS_A_DEVICE_FUSE_MINOR));
	EXPECT_EQ(1, get(dev, VHOST_FS_A_DEVICE_REQUEST_QUEUES));
	EXPECT_LT(0, get(dev, VHOST_FS_A_DEVICE_THREADS));

	ASSERT_EQ(0, fuse_init(&self->bed.fuse));
	dev = device(&self->bed, &self->dump);
	EXPECT_EQ(0, wrong_shape(dev, device_shapes, VHOST_FS_A_DEVICE_MAX));
	EXPECT_TRUE(has(dev, VHOST_FS_A_DEVICE_SESSION));
	EXPECT_EQ(self->bed.fuse.init.minor, get(dev, VHOST_FS_A_DEVICE_FUSE_MINOR));
	EXPECT_EQ(1, get(dev, VHOST_FS_A_DEVICE_NODES));

	ASSERT_EQ(0, ring_set_running(&self->bed.dev, false));
	dev = device(&self->bed, &self->dump);
	EXPECT_FALSE(has(dev, VHOST_FS_A_DEVICE_RUNNING));
	EXPECT_TRUE(has(dev, VHOST_FS_A_DEVICE_SESSION));
	EXPECT_EQ(0, get(dev, VHOST_FS_A_DEVICE_THREADS));
}

/* Requests and errors of @opcode; -1 if it isn't listed. */
static int64_t count_opcode(const struct record *dev, uint32_t opcode, int type)
{
	const char *at = (const char *)dev->attrs;
	int left = dev->len;

	while (left >= NLA_HDRLEN) {
		struct nlattr *attr = (void *)at;
		struct record nest = { attr + 1, attr->nla_len - NLA_HDRLEN };

		if ((attr->nla_type & NLA_TYPE_MASK) == VHOST_FS_A_DEVICE_OPCODE &&
		    get(&nest, VHOST_FS_A_OPCODE_NUMBER) == opcode)
			return get(&nest, type);
		at += NLA_ALIGN(attr->nla_len);
		left -= NLA_ALIGN(attr->nla_len);
	}
	return -1;
}

TEST_F(netlink, device_counts)
{
	struct fuse *f = &self->bed.fuse;
	struct fuse_entry_out entry;
	const struct record *dev;
	struct fuse_open_out open;
	char data[4];

	ASSERT_EQ(0, fuse_init(f));
	ASSERT_EQ(0, fuse_lookup(f, FUSE_ROOT_ID, "file", &entry));
	EXPECT_EQ(-ENOENT, fuse_lookup(f, FUSE_ROOT_ID, "none", NULL));
	ASSERT_EQ(0, fuse_open(f, entry.nodeid, O_RDWR, &open));
	ASSERT_EQ(4, fuse_read(f, entry.nodeid, open.fh, 0, data, 4));
	ASSERT_EQ(3, fuse_write(f, entry.nodeid, open.fh, 0, data, 3));
	dev = device(&self->bed, &self->dump);
	EXPECT_EQ(2, get(dev, VHOST_FS_A_DEVICE_NODES));
	EXPECT_EQ(1, get(dev, VHOST_FS_A_DEVICE_HANDLES));
	EXPECT_EQ(4, get(dev, VHOST_FS_A_DEVICE_BYTES_READ));
	EXPECT_EQ(3, get(dev, VHOST_FS_A_DEVICE_BYTES_WRITTEN));
	EXPECT_EQ(0, get(dev, VHOST_FS_A_DEVICE_BAD_REQUESTS));
	EXPECT_EQ(2, count_opcode(dev, FUSE_LOOKUP, VHOST_FS_A_OPCODE_REQUESTS));
	EXPECT_EQ(1, count_opcode(dev, FUSE_LOOKUP, VHOST_FS_A_OPCODE_ERRORS));
	EXPECT_EQ(0, count_opcode(dev, FUSE_READ, VHOST_FS_A_OPCODE_ERRORS));
	EXPECT_EQ(-1, count_opcode(dev, FUSE_MKDIR, VHOST_FS_A_OPCODE_REQUESTS));

	ASSERT_EQ(0, fuse_release(f, entry.nodeid, open.fh));
	ASSERT_EQ(0, fuse_forget(f, entry.nodeid, 1));
	EXPECT_GT(0, fuse_release(f, entry.nodeid, open.fh));
	dev = device(&self->bed, &self->dump);
	EXPECT_EQ(1, get(dev, VHOST_FS_A_DEVICE_NODES));
	EXPECT_EQ(0, get(dev, VHOST_FS_A_DEVICE_HANDLES));
	EXPECT_EQ(1, get(dev, VHOST_FS_A_DEVICE_BAD_REQUESTS));
}

TEST_F(netlink, broken_device)
{
	struct ring_queue *q = &self->bed.dev.queues[RING_REQUEST];

	ring_push_avail(q, q->num);
	ring_kick_always(q);
	ASSERT_EQ(0, ring_wait_error(q));
	EXPECT_TRUE(has(device(&self->bed, &self->dump), VHOST_FS_A_DEVICE_BROKEN));
}

TEST_F(netlink, device_without_share)
{
	int before, fd;

	dump_all(&self->dump, VHOST_FS_CMD_DEVICE_GET);
	before = self->dump.nr;
	fd = open("/dev/vhost-fs", O_RDWR);
	ASSERT_LE(0, fd);
	dump_all(&self->dump, VHOST_FS_CMD_DEVICE_GET);
	ASSERT_EQ(before + 1, self->dump.nr);
	EXPECT_FALSE(has(&self->dump.records[before], VHOST_FS_A_DEVICE_SHARE));
	EXPECT_FALSE(has(&self->dump.records[before], VHOST_FS_A_DEVICE_OWNER_PID));
	EXPECT_EQ(0, wrong_shape(&self->dump.records[before], device_shapes,
				 VHOST_FS_A_DEVICE_MAX));
	close(fd);
	dump_all(&self->dump, VHOST_FS_CMD_DEVICE_GET);
	EXPECT_EQ(before, self->dump.nr);
}

/* What the kernel answers to a request that isn't quite right. */
static int refusal(int command, int flags, const void *attrs, int len, int reserved)
{
	struct request r = { .genl = { .cmd = command, .version = 1, .reserved = reserved } };
	struct dump answer = { .fd = nl_socket(), .error = 1 };
	int err;

	if (len)
		memcpy(r.attrs, attrs, len);
	err = nl_send(answer.fd, &r, family(answer.fd), flags | NLM_F_ACK, len);
	if (err)
		return err;
	dump_finish(&answer);
	close(answer.fd);
	return answer.error;
}

TEST_F(netlink, refused_requests)
{
	static const uint16_t types[] = { 0, 1, 2, 3, VHOST_FS_A_SHARE_MAX, 100 };
	struct nlattr attr[2] = { { .nla_len = 8 } };
	unsigned int i;

	EXPECT_EQ(0, refusal(VHOST_FS_CMD_SHARE_GET, NLM_F_DUMP, NULL, 0, 0));
	EXPECT_EQ(0, refusal(VHOST_FS_CMD_DEVICE_GET, NLM_F_DUMP, NULL, 0, 0));
	EXPECT_EQ(-EOPNOTSUPP, refusal(VHOST_FS_CMD_SHARE_GET, 0, NULL, 0, 0));
	EXPECT_EQ(-EOPNOTSUPP, refusal(VHOST_FS_CMD_DEVICE_GET, 0, NULL, 0, 0));
	EXPECT_EQ(-EOPNOTSUPP, refusal(0, NLM_F_DUMP, NULL, 0, 0));
	EXPECT_EQ(-EOPNOTSUPP, refusal(VHOST_FS_CMD_MAX + 1, NLM_F_DUMP, NULL, 0, 0));
	EXPECT_EQ(-EINVAL, refusal(VHOST_FS_CMD_SHARE_GET, NLM_F_DUMP, NULL, 0, 1));
	for (i = 0; i < sizeof(types) / sizeof(*types); i++) {
		attr[0].nla_type = types[i];
		EXPECT_EQ(-EINVAL, refusal(VHOST_FS_CMD_SHARE_GET, NLM_F_DUMP, attr, 8, 0)) {
			TH_LOG("attribute %d", types[i]);
		}
		EXPECT_EQ(-EINVAL, refusal(VHOST_FS_CMD_DEVICE_GET, NLM_F_DUMP, attr, 8, 0)) {
			TH_LOG("attribute %d", types[i]);
		}
	}
	EXPECT_EQ(-EINVAL, refusal(VHOST_FS_CMD_SHARE_GET, NLM_F_DUMP, attr, 3, 0));
}

static int count_unattached(FIXTURE_DATA(netlink) *self)
{
	int i, nr = 0;

	dump_all(&self->dump, VHOST_FS_CMD_DEVICE_GET);
	for (i = 0; i < self->dump.nr; i++)
		nr += !has(&self->dump.records[i], VHOST_FS_A_DEVICE_SHARE);
	return nr;
}

/* Devices that stay are listed once each, whatever goes and comes meanwhile. */
TEST_F(netlink, many_devices)
{
	int fds[400], i, fd = nl_socket(), last = 0;
	int64_t id;

	for (i = 0; i < 400; i++) {
		fds[i] = open("/dev/vhost-fs", O_RDWR);
		ASSERT_LE(0, fds[i]);
	}
	dump_start(&self->dump, fd, VHOST_FS_CMD_DEVICE_GET);
	dump_read(&self->dump);
	ASSERT_EQ(1, self->dump.error);
	/* Half of what has been listed goes, and half of what hasn't. */
	for (i = 0; i < 400; i += 2)
		close(fds[i]);
	for (i = 0; i < 50; i++)
		fds[2 * i] = open("/dev/vhost-fs", O_RDWR);
	dump_finish(&self->dump);
	ASSERT_EQ(0, self->dump.error);
	EXPECT_LT(1, self->dump.messages);
	for (i = 0; i < self->dump.nr; i++) {
		id = get(&self->dump.records[i], VHOST_FS_A_DEVICE_ID);
		EXPECT_LT(last, id);
		last = id;
	}
	EXPECT_EQ(250, count_unattached(self));
	EXPECT_LE(250, self->dump.nr);
	close(fd);
}

/* A mapping of a device holds none: it could outlive what stops the threads. */
TEST_F(netlink, mapped_device)
{
	int fd = open("/dev/vhost-fs", O_RDWR), before = count_unattached(self);
	void *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

	ASSERT_NE(MAP_FAILED, page);
	EXPECT_LE(1, before);
	close(fd);
	EXPECT_EQ(before - 1, count_unattached(self));
	munmap(page, 4096);
}

static int count_device(const struct dump *dump, const char *share)
{
	int i, nr = 0;

	for (i = 0; i < dump->nr; i++)
		nr += !strcmp(get_string(&dump->records[i], VHOST_FS_A_DEVICE_SHARE), share);
	return nr;
}

#define MANY_SHARES 250

/* Wherever in a record a message is full: it begins the next one, whole. */
TEST_F(netlink, full_anywhere)
{
	static char names[MANY_SHARES][VHOST_FS_SHARE_NAME_MAX + 1];
	struct vhost_fs_share_name attach = { .size = sizeof(attach) };
	uint32_t ids[40] = { 0 };
	struct vhost_fs_add_share arg = {
		.size = sizeof(arg), .root_fd = self->bed.fd,
		.users = (uintptr_t)ids, .groups = (uintptr_t)ids,
	};
	int fds[MANY_SHARES], i;

	for (i = 0; i < MANY_SHARES; i++) {
		snprintf(names[i], sizeof(names[i]), "full-%d-%0*d", getpid(), 4 + i * 7 % 40, i);
		memcpy(arg.name, names[i], sizeof(arg.name));
		arg.nr_users = i % 40;
		arg.nr_groups = i % 7;
		ASSERT_EQ(0, share_add(&arg));
		fds[i] = open("/dev/vhost-fs", O_RDWR | O_CLOEXEC);
		memcpy(attach.name, names[i], sizeof(attach.name));
		ASSERT_EQ(0, ring_ioctl(fds[i], VHOST_FS_ATTACH_SHARE, &attach));
	}
	dump_all(&self->dump, VHOST_FS_CMD_SHARE_GET);
	EXPECT_EQ(0, self->dump.error);
	for (i = 0; i < MANY_SHARES; i++)
		EXPECT_EQ(1, count_share(&self->dump, names[i]));
	dump_all(&self->dump, VHOST_FS_CMD_DEVICE_GET);
	EXPECT_EQ(0, self->dump.error);
	for (i = 0; i < MANY_SHARES; i++) {
		EXPECT_EQ(1, count_device(&self->dump, names[i]));
		close(fds[i]);
		EXPECT_EQ(0, share_remove(names[i]));
	}
}

/* A reader that goes away in the middle leaves nothing behind. */
TEST_F(netlink, dump_given_up)
{
	int fds[100], i, fd;

	for (i = 0; i < 100; i++) {
		fds[i] = open("/dev/vhost-fs", O_RDWR);
		ASSERT_LE(0, fds[i]);
	}
	for (i = 0; i < 20; i++) {
		fd = nl_socket();
		dump_start(&self->dump, fd, i & 1 ? VHOST_FS_CMD_DEVICE_GET :
						    VHOST_FS_CMD_SHARE_GET);
		if (i & 2)
			dump_read(&self->dump);
		close(fd);
	}
	for (i = 0; i < 100; i++)
		close(fds[i]);
}

static bool readable(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	return poll(&poll_fd, 1, 10000) == 1;
}

/*
 * A VMM can keep the thread that reads its rings waiting, for ever and with the
 * ring locked. That must not keep anybody waiting who lists, opens or closes.
 */
TEST_F(netlink, stuck_device)
{
	struct bed_config config = { .ring.queue_size = 1024 };
	struct ring_dev dev;
	struct ring_queue *q = &dev.queues[RING_REQUEST];
	struct fuse fuse;
	int held, pipe_fds[2], i;
	char *page;
	pid_t pid;

	ASSERT_EQ(0, bed_open_device(&self->bed, &dev, &fuse, &config));
	/* The second page of the descriptors, wherever the table begins. */
	page = (char *)(((uintptr_t)q->desc + 8191) & ~4095UL);
	held = ring_hold_pages(page, 4096);
	if (held == -ENOSYS)
		SKIP(goto out, "the kernel has no userfaultfd");
	ASSERT_LE(0, held);
	ring_push_avail(q, (page - (char *)q->desc) / sizeof(*q->desc));
	ring_kick_always(q);
	ASSERT_TRUE(readable(held));

	ASSERT_EQ(0, pipe(pipe_fds));
	pid = fork();
	if (!pid) {
		close(held);
		dump_all(&self->dump, VHOST_FS_CMD_DEVICE_GET);
		for (i = 0; i < 3; i++)
			close(open("/dev/vhost-fs", O_RDWR));
		_exit(write(pipe_fds[1], "", 1) != 1);
	}
	EXPECT_TRUE(readable(pipe_fds[0]));
	close(held);
out:
	ring_close(&dev);
}

/* Both who opened the socket and who reads must be allowed to see the share. */
TEST_F(netlink, opener_and_reader)
{
	int of_root = nl_socket(), of_nobody;
	const char *name = self->bed.share;

	EXPECT_EQ(1, listed(of_root, name));
	ASSERT_EQ(0, seteuid(NOBODY));
	of_nobody = nl_socket();
	EXPECT_EQ(0, listed(of_nobody, name));
	EXPECT_EQ(0, listed(of_root, name));
	dump_all(&self->dump, VHOST_FS_CMD_DEVICE_GET);
	EXPECT_EQ(0, self->dump.nr);
	ASSERT_EQ(0, seteuid(0));
	EXPECT_EQ(0, listed(of_nobody, name));
	EXPECT_EQ(1, listed(of_root, name));
}

static void fill_rule(struct vhost_fs_xattr_rule *rule, int nr)
{
	rule->scope = VHOST_FS_XATTR_SERVER;
	rule->action = VHOST_FS_XATTR_UNSUPPORTED;
	memset(rule->key, 'a' + nr % 26, VHOST_FS_XATTR_STRING_MAX);
	memset(rule->prepend, 'A' + nr % 26, VHOST_FS_XATTR_STRING_MAX);
}

/* Everything that a share can have, as long as it can be, is one record. */
TEST_F(netlink, longest_share)
{
	static struct vhost_fs_xattr_rule rules[VHOST_FS_MAX_XATTR_RULES];
	static uint32_t ids[VHOST_FS_MAX_ALLOWED_IDS];
	static struct vhost_fs_id_rule id_rules[VHOST_FS_MAX_ID_RULES];
	struct vhost_fs_add_share arg = {
		.size = sizeof(arg), .root_fd = self->bed.fd,
		.flags = VHOST_FS_SHARE_XATTR,
		.users = (uintptr_t)ids, .nr_users = VHOST_FS_MAX_ALLOWED_IDS,
		.groups = (uintptr_t)ids, .nr_groups = VHOST_FS_MAX_ALLOWED_IDS,
		.xattr_rules = (uintptr_t)rules,
		.nr_xattr_rules = VHOST_FS_MAX_XATTR_RULES,
		.uid_rules = (uintptr_t)id_rules, .nr_uid_rules = VHOST_FS_MAX_ID_RULES,
		.gid_rules = (uintptr_t)id_rules, .nr_gid_rules = VHOST_FS_MAX_ID_RULES,
	};
	const struct nlattr *attr;
	const struct record *share;
	struct record nest;
	char name[sizeof(arg.name)];
	int i;

	for (i = 0; i < VHOST_FS_MAX_XATTR_RULES; i++)
		fill_rule(&rules[i], i);
	for (i = 0; i < VHOST_FS_MAX_ID_RULES; i++)
		id_rules[i] = (struct vhost_fs_id_rule){ .from = i, .count = 1 };
	snprintf(name, sizeof(name), "netlink-long-%d", getpid());
	memcpy(arg.name, name, strlen(name));
	ASSERT_EQ(0, share_add(&arg));
	dump_all(&self->dump, VHOST_FS_CMD_SHARE_GET);
	EXPECT_EQ(0, share_remove(name));
	ASSERT_EQ(0, self->dump.error);
	share = by_name(&self->dump, VHOST_FS_A_SHARE_NAME, name);
	EXPECT_EQ(0, wrong_shape(share, share_shapes, VHOST_FS_A_SHARE_MAX));
	EXPECT_EQ(VHOST_FS_MAX_ALLOWED_IDS, find(share, VHOST_FS_A_SHARE_USER, &attr));
	EXPECT_EQ(VHOST_FS_MAX_ID_RULES, find(share, VHOST_FS_A_SHARE_GID_RULE, &attr));
	EXPECT_EQ(VHOST_FS_MAX_XATTR_RULES,
		  find(share, VHOST_FS_A_SHARE_XATTR_RULE, &attr));
	nest = (struct record){ (void *)(attr + 1), attr->nla_len - NLA_HDRLEN };
	EXPECT_EQ(VHOST_FS_XATTR_SERVER, get(&nest, VHOST_FS_A_XATTR_RULE_SCOPE));
	EXPECT_EQ(VHOST_FS_XATTR_UNSUPPORTED, get(&nest, VHOST_FS_A_XATTR_RULE_ACTION));
	EXPECT_STREQ((char *)rules[0].key, get_string(&nest, VHOST_FS_A_XATTR_RULE_KEY));
	EXPECT_STREQ((char *)rules[0].prepend,
		     get_string(&nest, VHOST_FS_A_XATTR_RULE_PREPEND));
}

/* A share that is added after the room for the others was made. */
TEST_F(netlink, longer_share_meanwhile)
{
	static struct vhost_fs_xattr_rule rules[VHOST_FS_MAX_XATTR_RULES];
	static char names[300][VHOST_FS_SHARE_NAME_MAX + 1];
	struct vhost_fs_add_share arg = { .size = sizeof(arg), .root_fd = self->bed.fd };
	int i, fd = nl_socket();

	for (i = 0; i < 300; i++) {
		snprintf(names[i], sizeof(names[i]), "netlink-%d-%d", getpid(), i);
		memset(arg.name, 0, sizeof(arg.name));
		memcpy(arg.name, names[i], strlen(names[i]));
		ASSERT_EQ(0, share_add(&arg));
	}
	dump_start(&self->dump, fd, VHOST_FS_CMD_SHARE_GET);
	dump_read(&self->dump);
	ASSERT_EQ(1, self->dump.error);
	ASSERT_EQ(0, share_remove(names[0]));
	for (i = 0; i < VHOST_FS_MAX_XATTR_RULES; i++)
		fill_rule(&rules[i], i);
	memset(arg.name, 0, sizeof(arg.name));
	memcpy(arg.name, names[0], strlen(names[0]));
	arg.flags = VHOST_FS_SHARE_XATTR;
	arg.xattr_rules = (uintptr_t)rules;
	arg.nr_xattr_rules = VHOST_FS_MAX_XATTR_RULES;
	ASSERT_EQ(0, share_add(&arg));
	dump_finish(&self->dump);
	EXPECT_EQ(-EMSGSIZE, self->dump.error);
	EXPECT_EQ(1, count_share(&self->dump, names[299]));
	dump_all(&self->dump, VHOST_FS_CMD_SHARE_GET);
	EXPECT_EQ(0, self->dump.error);
	EXPECT_EQ(1, count_share(&self->dump, names[0]));
	for (i = 0; i < 300; i++)
		EXPECT_EQ(0, share_remove(names[i]));
	close(fd);
}

/* A user that a share names sees it, and its devices, but not where it is. */
TEST_F(netlink, named_user)
{
	uint32_t user = NOBODY;
	struct vhost_fs_add_share arg = {
		.size = sizeof(arg), .root_fd = self->bed.fd,
		.users = (uintptr_t)&user, .nr_users = 1,
	};
	const struct record *share;
	char name[sizeof(arg.name)];

	snprintf(name, sizeof(name), "netlink-test-%d", getpid());
	memcpy(arg.name, name, strlen(name));
	ASSERT_EQ(0, share_add(&arg));
	ASSERT_EQ(0, seteuid(NOBODY));
	dump_all(&self->dump, VHOST_FS_CMD_SHARE_GET);
	ASSERT_EQ(0, seteuid(0));
	EXPECT_EQ(0, count_share(&self->dump, self->bed.share));
	EXPECT_EQ(1, count_share(&self->dump, name));
	share = by_name(&self->dump, VHOST_FS_A_SHARE_NAME, name);
	EXPECT_EQ(NOBODY, get(share, VHOST_FS_A_SHARE_USER));
	EXPECT_FALSE(has(share, VHOST_FS_A_SHARE_ROOT_PATH));
	dump_all(&self->dump, VHOST_FS_CMD_SHARE_GET);
	share = by_name(&self->dump, VHOST_FS_A_SHARE_NAME, name);
	EXPECT_TRUE(has(share, VHOST_FS_A_SHARE_ROOT_PATH));
	EXPECT_EQ(0, share_remove(name));
}

TEST_HARNESS_MAIN
