// SPDX-License-Identifier: GPL-2.0-only
/*
 * Becoming another program with all that a keeper holds; see vu-upgrade.h.
 */
#include "vu-upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "msg.h"

/* Says which descriptor the handover is. */
#define VARIABLE "VHOST_FS_HANDOVER"

/* Of a command line, what is read at once. */
#define PIECE 4096

/* The next program has so long to start and answer. */
#define ANSWER_MS 10000

/* Reads /proc/self/cmdline into memory that stays: words, each ended by a NUL. */
static char *read_words(size_t *size)
{
	FILE *file = fopen("/proc/self/cmdline", "re");
	char *text = NULL;
	size_t got;

	if (!file)
		return NULL;
	*size = 0;
	do {
		text = grow_array(text, *size + PIECE, 1);
		got = fread(text + *size, 1, PIECE, file);
		*size += got;
	} while (got);
	fclose(file);
	return text;
}

static char **split_words(char *text, size_t size)
{
	char **words = calloc(size + 1, sizeof(*words));
	size_t at, nr = 0;

	for (at = 0; at < size && words; at += strlen(text + at) + 1)
		words[nr++] = text + at;
	return words;
}

/*
 * A path that it was called by may lead to another file by then, as where versions
 * lie side by side. A mere name was looked up, and isn't again.
 */
static const char *own_path(const char *name)
{
	static char path[PATH_MAX];
	ssize_t len;

	if (*name == '/')
		return name;
	len = readlink("/proc/self/exe", path, sizeof(path) - 1);
	if (len < 0)
		return NULL;
	path[len] = '\0';
	return path;
}

int vu_upgrade_init(struct vu_upgrade *upgrade, const char *program)
{
	sigset_t set;
	size_t size;
	char *text = read_words(&size);

	upgrade->words = text ? split_words(text, size) : NULL;
	if (!upgrade->words)
		return refused("can't read /proc/self/cmdline: %s", strerror(errno));
	upgrade->program = program ? program : own_path(upgrade->words[0]);
	if (!upgrade->program)
		return refused("can't read /proc/self/exe: %s", strerror(errno));
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return refused("can't wait for signals: %s", strerror(errno));
	upgrade->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (upgrade->signals < 0)
		return refused("can't wait for signals: %s", strerror(errno));
	return 0;
}

void vu_upgrade_heard(const struct vu_upgrade *upgrade)
{
	struct signalfd_siginfo info;

	/* It is there, and there may be no second one. */
	while (read(upgrade->signals, &info, sizeof(info)) > 0)
		;
}

bool vu_upgrade_is_next(void)
{
	return getenv(VARIABLE);
}

static int set_cloexec(int fd, bool on)
{
	return fd < 0 ? 0 : fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0);
}

/* All that is named in a handover is closed by execve(), or none of it. */
static int set_all_cloexec(const struct vu_handover *handover, bool on)
{
	int fds[VU_RECORD_FDS];
	unsigned int i, nr = vu_record_fds(&handover->record, fds);
	int err = set_cloexec(handover->listener, on) | set_cloexec(handover->lock, on);

	for (i = 0; i < nr; i++)
		err |= set_cloexec(fds[i], on);
	if (!handover->connected)
		return err;
	err |= set_cloexec(handover->conn.fd, on);
	for (i = 0; i < handover->conn.nr_fds; i++)
		err |= set_cloexec(handover->conn.fds[i], on);
	return err;
}

static bool is_sound(const struct vu_handover *handover)
{
	return handover->form == VU_HANDOVER_FORM && handover->size == sizeof(*handover);
}

int vu_upgrade_take(struct vu_handover *handover)
{
	int fd = atoi(getenv(VARIABLE));
	ssize_t got = pread(fd, handover, sizeof(*handover), 0);

	unsetenv(VARIABLE);
	if (got != sizeof(*handover) || !is_sound(handover))
		return refused("can't go on with what another version of this program did");
	if (handover->question) {
		handover->accepted = true;
		got = pwrite(fd, handover, sizeof(*handover), 0);
		_exit(got == sizeof(*handover) ? EXIT_SUCCESS : EXIT_REFUSED);
	}
	close(fd);
	if (set_all_cloexec(handover, true))
		return refused("a descriptor has not been handed over: %s", strerror(errno));
	return 0;
}

/* Returns the file, with its number in the environment; or -1. */
static int write_handover(struct vu_handover *handover, bool question)
{
	int fd = memfd_create("handover", MFD_CLOEXEC);
	char number[16];

	handover->form = VU_HANDOVER_FORM;
	handover->size = sizeof(*handover);
	handover->question = question;
	handover->accepted = false;
	snprintf(number, sizeof(number), "%d", fd);
	if (fd < 0 || setenv(VARIABLE, number, 1) ||
	    pwrite(fd, handover, sizeof(*handover), 0) != sizeof(*handover)) {
		notice("not upgraded: can't write down what there is: %s", strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

static pid_t start_asked(const struct vu_upgrade *upgrade, int fd)
{
	pid_t keeper = getpid(), pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == keeper && !set_cloexec(fd, false))
		execv(upgrade->program, upgrade->words);
	notice("can't run \"%s\": %s", upgrade->program, strerror(errno));
	_exit(EXIT_REFUSED);
}

/* Waits for the program that was asked, but not for good. */
static void wait_for_asked(pid_t pid, int signals, bool *ended)
{
	int pidfd = syscall(SYS_pidfd_open, pid, 0);
	struct pollfd fds[] = {
		{ .fd = signals, .events = POLLIN },
		{ .fd = pidfd, .events = POLLIN },
	};

	if (pidfd >= 0)
		poll(fds, 2, ANSWER_MS);
	*ended = fds[0].revents;
	if (!fds[1].revents)
		kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (pidfd >= 0)
		close(pidfd);
}

bool vu_upgrade_ask(const struct vu_upgrade *upgrade, struct vu_handover *handover, int signals,
		    bool *ended)
{
	bool accepted = false;
	int fd = write_handover(handover, true);
	pid_t pid;

	if (fd < 0)
		return false;
	pid = start_asked(upgrade, fd);
	unsetenv(VARIABLE);
	if (pid > 0)
		wait_for_asked(pid, signals, ended);
	if (pread(fd, handover, sizeof(*handover), 0) == sizeof(*handover))
		accepted = is_sound(handover) && handover->accepted;
	close(fd);
	if (!accepted && !*ended)
		notice("not upgraded: \"%s\" does not go on with this", upgrade->program);
	return accepted && !*ended;
}

void vu_upgrade_exec(const struct vu_upgrade *upgrade, struct vu_handover *handover)
{
	int fd = write_handover(handover, false);

	if (fd < 0)
		return;
	if (!set_cloexec(fd, false) && !set_all_cloexec(handover, false))
		execv(upgrade->program, upgrade->words);
	notice("not upgraded: can't run \"%s\": %s", upgrade->program, strerror(errno));
	set_all_cloexec(handover, true);
	unsetenv(VARIABLE);
	close(fd);
}
