// SPDX-License-Identifier: GPL-2.0-only
/*
 * The system calls of the processes that serve a VMM; the only file that uses
 * libseccomp. The guest's requests make none.
 *
 * A list stays in force when the keeper becomes another program, so that list has
 * what a program needs to start. What comes from the VMM is read by the servers,
 * which have a shorter one.
 */
#include "syscalls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <linux/vhost.h>
#include <linux/vhost_fs.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "msg.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* What the kernel takes of an ioctl's number. */
#define IOCTL_MASK 0xffffffffU

static const int of_both[] = {
	/* The link between them, and lines in a log. */
	SCMP_SYS(recvmsg), SCMP_SYS(sendmsg), SCMP_SYS(setsockopt), SCMP_SYS(poll),
	SCMP_SYS(ppoll), SCMP_SYS(read),
	SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(close), SCMP_SYS(eventfd2),
	SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(time),
	/* Files and memory: the guest's, and the C library's. */
	SCMP_SYS(fstat), SCMP_SYS(fstatfs), SCMP_SYS(newfstatat), SCMP_SYS(statx),
	SCMP_SYS(lseek), SCMP_SYS(fcntl), SCMP_SYS(munmap), SCMP_SYS(mremap),
	SCMP_SYS(madvise), SCMP_SYS(brk), SCMP_SYS(futex), SCMP_SYS(getrandom),
	/* The process. */
	SCMP_SYS(getpid), SCMP_SYS(getppid), SCMP_SYS(gettid), SCMP_SYS(getuid),
	SCMP_SYS(geteuid), SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(tgkill),
	SCMP_SYS(restart_syscall), SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigaction), SCMP_SYS(set_robust_list), SCMP_SYS(rseq),
};

static const int of_keeper[] = {
	/* Its servers. */
	SCMP_SYS(clone), SCMP_SYS(clone3), SCMP_SYS(fork), SCMP_SYS(vfork),
	SCMP_SYS(wait4), SCMP_SYS(waitid), SCMP_SYS(pidfd_open), SCMP_SYS(prctl),
	SCMP_SYS(seccomp), SCMP_SYS(kill), SCMP_SYS(socketpair),
	/* The VMM's connection, and the end of it all. */
	SCMP_SYS(accept4), SCMP_SYS(shutdown), SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(pipe2),
	SCMP_SYS(ftruncate),
	SCMP_SYS(dup2), SCMP_SYS(dup3), SCMP_SYS(close_range),
	/* Another program in its place. */
	SCMP_SYS(memfd_create), SCMP_SYS(pread64), SCMP_SYS(pwrite64), SCMP_SYS(execve),
	SCMP_SYS(arch_prctl), SCMP_SYS(set_tid_address), SCMP_SYS(access),
	SCMP_SYS(faccessat), SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(getegid),
	SCMP_SYS(getgid), SCMP_SYS(prlimit64), SCMP_SYS(ugetrlimit), SCMP_SYS(signalfd4),
	SCMP_SYS(uname), SCMP_SYS(sched_getaffinity), SCMP_SYS(sysinfo),
};

/* For syslog(3), which may have to connect anew. */
static const int of_syslog[] = { SCMP_SYS(connect), SCMP_SYS(sendto) };

/*
 * What a server does with the device; the keeper does nothing, but a server has its list
 * too. A share is made, attached and removed before there is a list.
 */
static const unsigned int ioctls[] = {
	VHOST_GET_FEATURES, VHOST_SET_FEATURES, VHOST_SET_OWNER, VHOST_RESET_OWNER,
	VHOST_SET_MEM_TABLE, VHOST_SET_LOG_BASE, VHOST_SET_LOG_FD, VHOST_SET_VRING_NUM,
	VHOST_SET_VRING_ADDR, VHOST_SET_VRING_BASE, VHOST_GET_VRING_BASE,
	VHOST_SET_VRING_KICK, VHOST_SET_VRING_CALL, VHOST_SET_VRING_ERR,
	VHOST_FS_SET_RUNNING, VHOST_FS_SET_DEVICE_STATE_FD, VHOST_FS_CHECK_DEVICE_STATE,
};

/* A system call that is allowed if bits of one of its arguments are as given. */
struct conditional {
	int call;
	unsigned int arg;
	scmp_datum_t mask;
	scmp_datum_t value;
};

static const struct conditional if_both[] = {
	{ SCMP_SYS(openat), 2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY },
	{ SCMP_SYS(open), 1, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY },
};

static const struct conditional if_syslog[] = {
	{ SCMP_SYS(socket), 0, ~(scmp_datum_t)0, AF_UNIX },
};

static const struct conditional if_keeper[] = {
	{ SCMP_SYS(mmap), 2, PROT_EXEC | PROT_WRITE, PROT_EXEC },
	{ SCMP_SYS(mmap), 2, PROT_EXEC, 0 },
	{ SCMP_SYS(mprotect), 2, PROT_EXEC | PROT_WRITE, PROT_EXEC },
	{ SCMP_SYS(mprotect), 2, PROT_EXEC, 0 },
};

/* Nothing that could be run. */
static const struct conditional if_server[] = {
	{ SCMP_SYS(mmap), 2, PROT_EXEC, 0 },
	{ SCMP_SYS(mprotect), 2, PROT_EXEC, 0 },
};

static uint32_t action_of(enum seccomp_action action)
{
	switch (action) {
	case SECCOMP_LOG:
		return SCMP_ACT_LOG;
	case SECCOMP_TRAP:
		return SCMP_ACT_TRAP;
	default:
		return SCMP_ACT_KILL_PROCESS;
	}
}

/* Names that an architecture doesn't have are no error; a negative errno else. */
static int allow(scmp_filter_ctx filter, const int *calls, size_t nr)
{
	int err = 0;
	size_t i;

	for (i = 0; i < nr && !err; i++)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
	return err;
}

static int allow_if(scmp_filter_ctx filter, const struct conditional *rows, size_t nr)
{
	int err = 0;
	size_t i;

	for (i = 0; i < nr && !err; i++)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, rows[i].call, 1,
				       SCMP_CMP(rows[i].arg, SCMP_CMP_MASKED_EQ, rows[i].mask,
						rows[i].value));
	return err;
}

static int allow_ioctls(scmp_filter_ctx filter)
{
	struct conditional row = { SCMP_SYS(ioctl), 1, IOCTL_MASK, 0 };
	int err = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ioctls) && !err; i++) {
		row.value = ioctls[i];
		err = allow_if(filter, &row, 1);
	}
	return err;
}

static int add_rules(scmp_filter_ctx filter, bool keeper, bool syslog)
{
	int err = allow(filter, of_both, ARRAY_SIZE(of_both));

	if (!err)
		err = allow_ioctls(filter);
	if (!err && syslog)
		err = allow(filter, of_syslog, ARRAY_SIZE(of_syslog));
	if (!err && syslog)
		err = allow_if(filter, if_syslog, ARRAY_SIZE(if_syslog));
	if (!err)
		err = allow_if(filter, if_both, ARRAY_SIZE(if_both));
	if (!err && keeper)
		err = allow(filter, of_keeper, ARRAY_SIZE(of_keeper));
	if (!err && keeper)
		return allow_if(filter, if_keeper, ARRAY_SIZE(if_keeper));
	return err ? err : allow_if(filter, if_server, ARRAY_SIZE(if_server));
}

/* The lists have the calls of these: others have more names for some (mmap2, fcntl64). */
static bool has_list(void)
{
	uint32_t arch = seccomp_arch_native();

	return arch == SCMP_ARCH_X86_64 || arch == SCMP_ARCH_AARCH64;
}

static int confine_to(enum seccomp_action action, bool keeper, bool syslog)
{
	scmp_filter_ctx filter;
	int err;

	if (action == SECCOMP_NONE)
		return 0;
	if (!has_list()) {
		if (keeper)
			notice("system calls are not limited: there is no list for this machine");
		return 0;
	}
	filter = seccomp_init(action_of(action));
	if (!filter)
		return refused("can't make a list of system calls: out of memory");
	err = add_rules(filter, keeper, syslog);
	if (!err)
		err = seccomp_load(filter);
	seccomp_release(filter);
	return err ? refused("can't give up system calls: %s", strerror(-err)) : 0;
}

int seccomp_confine_keeper(enum seccomp_action action, bool syslog)
{
	return confine_to(action, true, syslog);
}

int seccomp_confine_server(enum seccomp_action action, bool syslog)
{
	return confine_to(action, false, syslog);
}
