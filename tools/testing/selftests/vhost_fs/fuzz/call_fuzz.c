// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzz target: system calls of a process without privileges that may open
 * /dev/vhost-fs: ioctls on several devices, in any order and with any arguments, and
 * messages to the generic netlink family.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/vhost.h>
#include <linux/vhost_fs.h>
#include <linux/vhost_fs_netlink.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "coverage.h"
#include "life.h"
#include "steps.h"

#define MAX_STEPS	32
#define NR_VALUES	6
#define NR_DEVICES	3
/* Of the same devices and shares. */
#define NR_INPUTS	8
#define NOBODY		65534
#define MEMORY		(1UL << 20)

struct step {
	uint8_t what;
	uint8_t device;
	uint8_t odd;
	uint8_t name;
	uint64_t values[NR_VALUES];
} __attribute__((packed));

/*
 * A letter for each member: S the structure's size, N a name, d a directory, p a
 * descriptor, a an address in our memory or none, i a small number, w any 32 bits,
 * q any 64, t a time that passes soon.
 */
static const struct call {
	unsigned long number;
	const char *fields;
} calls[] = {
	{ VHOST_FS_GET_INFO, "Swqwwwwww" },
	{ VHOST_FS_ADD_SHARE, "SwNdwaaiiqqqiiqqqaaaiiiw" },
	{ VHOST_FS_ADD_SHARE, "SwNdwaaiiqqqiiqqqaaaiiiw" },
	{ VHOST_FS_REMOVE_SHARE, "SiN" },
	{ VHOST_FS_ATTACH_SHARE, "SiN" },
	{ VHOST_FS_SET_RUNNING, "Si" },
	{ VHOST_FS_SET_SHARE, "SwNqqqqqq" },
	{ VHOST_FS_SET_DEVICE_STATE_FD, "Siiipt" },
	{ VHOST_FS_CHECK_DEVICE_STATE, "Siwwqqqq" },
	{ VHOST_SET_OWNER, "" },
	{ VHOST_RESET_OWNER, "" },
	{ VHOST_GET_FEATURES, "q" },
	{ VHOST_SET_FEATURES, "q" },
	{ VHOST_SET_MEM_TABLE, "iiaqaqaqaq" },
	{ VHOST_SET_LOG_BASE, "a" },
	{ VHOST_SET_LOG_FD, "p" },
	{ VHOST_SET_VRING_NUM, "ii" },
	{ VHOST_SET_VRING_BASE, "ii" },
	{ VHOST_GET_VRING_BASE, "ii" },
	{ VHOST_SET_VRING_ADDR, "iiaaaa" },
	{ VHOST_SET_VRING_KICK, "ip" },
	{ VHOST_SET_VRING_CALL, "ip" },
	{ VHOST_SET_VRING_ERR, "ip" },
	{ VHOST_SET_VRING_ENDIAN, "ii" },
	{ VHOST_SET_VRING_BUSYLOOP_TIMEOUT, "ii" },
	{ 0x4004af99, "ww" },
};

#define NR_CALLS (sizeof(calls) / sizeof(calls[0]))
/* The others: opening, kicking, setting up, and twice netlink. */
#define NR_WHATS (NR_CALLS + 5)

static char *memory;
static int devices[NR_DEVICES] = { -1, -1, -1 }, files[4], directory, netlink_fd;
static uint16_t family;

struct input {
	const uint8_t *data;
	size_t size;
};

static bool is_raw(uint64_t value)
{
	return value >> 60;
}

static uint64_t address(uint64_t value)
{
	if (is_raw(value))
		return value;
	return value ? (uintptr_t)memory + value % (MEMORY - 65536) : 0;
}

static uint32_t narrow(char type, uint64_t value, const struct step *s)
{
	switch (type) {
	case 'd':
		return is_raw(value) ? files[value & 3] : directory;
	case 'p':
		return value & 4 ? -1 : files[value & 3];
	case 'i':
		return is_raw(value) ? value : value & 7;
	case 't':
		return 1 + (value & 3);
	default:
		(void)s;
		return value;
	}
}

static size_t fill(uint8_t *to, const struct step *s, const char *fields)
{
	size_t at = 0, size = 0;
	unsigned int i;

	for (i = 0; fields[i]; i++) {
		uint64_t value = s->values[i % NR_VALUES];
		uint64_t wide = fields[i] == 'a' ? address(value) : value;
		uint32_t word = narrow(fields[i], value, s);

		if (strchr("aq", fields[i])) {
			at = (at + 7) & ~7UL;
			memcpy(to + at, &wide, 8);
			at += 8;
		} else if (fields[i] == 'N') {
			snprintf((char *)to + at, 64, "fuzz-%u", s->name & 3);
			at += 64;
		} else {
			memcpy(to + at, &word, 4);
			at += 4;
		}
	}
	if (fields[0] == 'S') {
		size = (at + 7) & ~7UL;
		if (s->odd & 1)
			size = s->values[5] & 0xfff;
		memcpy(to, &size, 4);
	}
	return at;
}

static void do_ioctl(const struct step *s, const struct call *call)
{
	static uint8_t argument[4096];

	memset(argument, s->odd & 2 ? 0xff : 0, sizeof(argument));
	fill(argument, s, call->fields);
	ioctl(devices[s->device % NR_DEVICES], call->number,
	      s->odd & 4 ? (void *)address(s->values[0]) : argument);
}

static void do_open(const struct step *s)
{
	int *fd = &devices[s->device % NR_DEVICES];

	if (*fd >= 0)
		close(*fd);
	*fd = open("/dev/vhost-fs", O_RDWR | O_CLOEXEC);
}

static void do_message(const struct step *s)
{
	static uint8_t answer[65536];
	struct {
		struct nlmsghdr nl;
		struct genlmsghdr genl;
		uint8_t attrs[64];
	} m = { .genl.cmd = s->values[0], .genl.version = s->values[0] >> 8 };
	unsigned int i;

	memcpy(m.attrs, s->values + 1, 40);
	m.nl.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN) + (s->name & 63);
	m.nl.nlmsg_type = family;
	m.nl.nlmsg_flags = NLM_F_REQUEST | (s->odd & 8 ? s->values[5] : NLM_F_DUMP);
	send(netlink_fd, &m, m.nl.nlmsg_len, MSG_DONTWAIT);
	for (i = 0; i < 4; i++)
		if (recv(netlink_fd, answer, sizeof(answer), MSG_DONTWAIT) < 0)
			break;
}

/* What it takes for a device to run. */
static void set_up(const struct step *s)
{
	struct {
		struct vhost_memory head;
		struct vhost_memory_region region;
	} table = { { 1 }, { 0, MEMORY, (uintptr_t)memory } };
	struct vhost_fs_add_share share = { .size = sizeof(share), .root_fd = directory };
	struct vhost_fs_share_name name = { .size = sizeof(name) };
	struct vhost_fs_running running = { .size = sizeof(running), .running = 1 };
	int i, fd = devices[s->device % NR_DEVICES];
	uint64_t features = 1ULL << 32;

	ioctl(fd, VHOST_SET_OWNER);
	ioctl(fd, VHOST_SET_FEATURES, &features);
	ioctl(fd, VHOST_SET_MEM_TABLE, &table);
	for (i = 0; i < 2; i++) {
		struct vhost_vring_state state = { i, 8 };
		struct vhost_vring_file event = { i, files[2] };
		uintptr_t at = (uintptr_t)memory + i * 0x3000;
		struct vhost_vring_addr addr = { i, 0, at, at + 0x1000, at + 0x2000 };

		ioctl(fd, VHOST_SET_VRING_NUM, &state);
		state.num = 0;
		ioctl(fd, VHOST_SET_VRING_BASE, &state);
		ioctl(fd, VHOST_SET_VRING_ADDR, &addr);
		ioctl(fd, VHOST_SET_VRING_KICK, &event);
	}
	snprintf((char *)share.name, sizeof(share.name), "fuzz-%u", s->name & 3);
	memcpy(name.name, share.name, sizeof(name.name));
	ioctl(fd, VHOST_FS_ADD_SHARE, &share);
	ioctl(fd, VHOST_FS_ATTACH_SHARE, &name);
	ioctl(fd, VHOST_FS_SET_RUNNING, &running);
}

static void run_step(const struct step *s)
{
	unsigned int what = s->what % NR_WHATS;

	if (what < NR_CALLS)
		do_ioctl(s, &calls[what]);
	else if (what == NR_CALLS)
		do_open(s);
	else if (what == NR_CALLS + 1)
		eventfd_write(files[2], 1);
	else if (what == NR_CALLS + 2)
		set_up(s);
	else
		do_message(s);
}

/* They outlive devices, and who made them. */
static void remove_shares(void)
{
	struct vhost_fs_share_name name = { .size = sizeof(name) };
	unsigned int i;
	int fd = open("/dev/vhost-fs", O_RDWR | O_CLOEXEC);

	for (i = 0; i < 4; i++) {
		snprintf((char *)name.name, sizeof(name.name), "fuzz-%u", i);
		ioctl(fd, VHOST_FS_REMOVE_SHARE, &name);
	}
	close(fd);
}

static void begin(void)
{
	unsigned int i;

	for (i = 0; i < NR_DEVICES; i++) {
		if (devices[i] >= 0)
			close(devices[i]);
		devices[i] = open("/dev/vhost-fs", O_RDWR | O_CLOEXEC);
	}
	remove_shares();
	memset(memory, 0, 4096);
}

static void run_input(void *arg)
{
	static unsigned int life, turn;
	const struct input *in = arg;
	struct step s;
	size_t at;

	if (life != life_number)
		turn = 0;
	life = life_number;
	if (turn++ % NR_INPUTS == 0)
		begin();
	for (at = 0; at + sizeof(s) <= in->size && at < MAX_STEPS * sizeof(s); at += sizeof(s)) {
		memcpy(&s, in->data + at, sizeof(s));
		life_steps++;
		run_step(&s);
	}
}

static void find_family(void)
{
	struct {
		struct nlmsghdr nl;
		struct genlmsghdr genl;
		struct nlattr attr;
		char name[16];
	} m = {
		.nl = { .nlmsg_type = GENL_ID_CTRL, .nlmsg_flags = NLM_F_REQUEST },
		.genl = { .cmd = CTRL_CMD_GETFAMILY, .version = 1 },
		.attr = { .nla_type = CTRL_ATTR_FAMILY_NAME },
	};
	uint8_t answer[8192];
	struct nlattr *attr = (void *)(answer + NLMSG_LENGTH(GENL_HDRLEN));
	ssize_t size;

	netlink_fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	strcpy(m.name, VHOST_FS_FAMILY_NAME);
	m.attr.nla_len = NLA_HDRLEN + strlen(m.name) + 1;
	m.nl.nlmsg_len = sizeof(m);
	if (send(netlink_fd, &m, sizeof(m), 0) < 0)
		err(1, "netlink");
	size = recv(netlink_fd, answer, sizeof(answer), 0);
	for (; (uint8_t *)attr < answer + size; attr = (void *)attr + NLA_ALIGN(attr->nla_len))
		if (attr->nla_type == CTRL_ATTR_FAMILY_ID)
			memcpy(&family, attr + 1, sizeof(family));
	if (!family)
		errx(1, "no netlink family");
}

/* The calling thread alone: what libFuzzer writes is root's. */
static void become_nobody(void *unused)
{
	(void)unused;
	if (syscall(SYS_setgroups, 0, NULL) || syscall(SYS_setresgid, NOBODY, NOBODY, NOBODY) ||
	    syscall(SYS_setresuid, NOBODY, NOBODY, NOBODY))
		err(1, "setresuid");
	devices[0] = open("/dev/vhost-fs", O_RDWR | O_CLOEXEC);
	if (devices[0] < 0)
		err(1, "/dev/vhost-fs");
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *top = getenv("TMPDIR");

	(void)argc;
	(void)argv;
	coverage_begin();
	memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	directory = open(top ? top : "/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (memory == MAP_FAILED || directory < 0 || pipe2(files, O_CLOEXEC | O_NONBLOCK))
		err(1, "what calls are given");
	files[2] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	files[3] = memfd_create("state", MFD_CLOEXEC);
	find_family();
	coverage_call(become_nobody, NULL);
	atexit(remove_shares);
	return 0;
}

void target_input(const uint8_t *data, size_t size)
{
	struct input in = { data, size };

	coverage_call(run_input, &in);
}

static void random_step(void *step)
{
	struct step *s = step;
	unsigned int i;

	memset(s, 0, sizeof(*s));
	s->what = rand() % 4 ? rand() % NR_WHATS : NR_CALLS + 2;
	s->device = rand() % 4 ? 0 : rand() % NR_DEVICES;
	s->name = rand() % 4;
	if (rand() % 8 == 0)
		s->odd = 1 << rand() % 4;
	for (i = 0; i < NR_VALUES; i++)
		s->values[i] = rand() % 2 ? rand() % 4 : steps_number();
}

static void change_step(void *step)
{
	struct step *s = step;

	switch (rand() % 6) {
	case 0:
		s->what = rand() % NR_WHATS;
		break;
	case 1:
		s->device = rand() % NR_DEVICES;
		s->name = rand() % 2 ? rand() % 4 : rand();
		break;
	case 2:
		s->odd ^= 1 << rand() % 4;
		break;
	default:
		s->values[rand() % NR_VALUES] = steps_number();
	}
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
	static const struct steps steps = {
		0, sizeof(struct step), MAX_STEPS, random_step, change_step,
	};

	return steps_mutate(&steps, data, size, max, seed);
}
