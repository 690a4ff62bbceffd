// SPDX-License-Identifier: GPL-2.0-only
/*
 * The lists of system calls: what is on one can be done, what isn't can't. Each call is
 * made by a process of its own.
 */
#include "syscalls.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <linux/vhost_fs.h>

#include "unit.h"

/* Do lines go to syslog? */
static bool syslogs;

/* How a process ends that makes the call: 0, an errno, or -SIGSYS. */
static int try(int (*confine)(enum seccomp_action action, bool syslog), enum seccomp_action action,
	       int (*call)(void))
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		/* Else each would leave a file. */
		setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		/* cmocka's own handler takes it for a failed test. */
		signal(SIGSYS, SIG_DFL);
		/* A server is a keeper's child. */
		if (seccomp_confine_keeper(action, syslogs) || confine(action, syslogs))
			_exit(255);
		_exit(call() < 0 ? errno : 0);
	}
	assert_int_equal(pid, waitpid(pid, &status, 0));
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int write_file(void)
{
	return open("/dev/null", O_WRONLY);
}

static int read_file(void)
{
	return open("/dev/null", O_RDONLY);
}

static int make_directory(void)
{
	return mkdir("/dev/null/none", 0700);
}

static int run_program(void)
{
	return execl("/bin/true", "true", NULL);
}

static int map(int prot)
{
	return mmap(NULL, 4096, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0;
}

static int map_code(void)
{
	return map(PROT_READ | PROT_EXEC);
}

static int map_code_to_write(void)
{
	return map(PROT_WRITE | PROT_EXEC);
}

static int map_data(void)
{
	return map(PROT_READ | PROT_WRITE);
}

static int connect_to_network(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static int leave_namespace(void)
{
	return unshare(CLONE_FS);
}

static int become_another(void)
{
	return setgid(1);
}

static int own_ioctl(void)
{
	return ioctl(-1, VHOST_FS_SET_RUNNING, NULL);
}

static int attach_share(void)
{
	return ioctl(-1, VHOST_FS_ATTACH_SHARE, NULL);
}

static int set_share(void)
{
	return ioctl(-1, VHOST_FS_SET_SHARE, NULL);
}

static int make_socket(void)
{
	return socket(AF_UNIX, SOCK_DGRAM, 0);
}

static int other_ioctl(void)
{
	return ioctl(-1, TCGETS, NULL);
}

static int start_process(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	return pid < 0 || waitpid(pid, NULL, 0) != pid ? -1 : 0;
}

static int (*const nobodys[])(void) = {
	write_file, make_directory, map_code_to_write, connect_to_network, leave_namespace,
	become_another, attach_share, set_share, other_ioctl, make_socket,
};

static int (*const keepers[])(void) = { run_program, map_code, start_process };

static int (*const everybodys[])(void) = { read_file, map_data };

#define SIZE(array) (sizeof(array) / sizeof((array)[0]))

static void assert_forbidden(int (*confine)(enum seccomp_action action, bool syslog),
			     int (*call)(void))
{
	assert_int_equal(-SIGSYS, try(confine, SECCOMP_KILL, call));
	assert_int_equal(-SIGSYS, try(confine, SECCOMP_TRAP, call));
	assert_int_not_equal(-SIGSYS, try(confine, SECCOMP_LOG, call));
	assert_int_not_equal(-SIGSYS, try(confine, SECCOMP_NONE, call));
}

static void test_forbidden(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < SIZE(nobodys); i++) {
		assert_forbidden(seccomp_confine_keeper, nobodys[i]);
		assert_forbidden(seccomp_confine_server, nobodys[i]);
	}
	for (i = 0; i < SIZE(keepers); i++)
		assert_forbidden(seccomp_confine_server, keepers[i]);
}

static void test_allowed(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < SIZE(keepers); i++)
		assert_int_equal(0, try(seccomp_confine_keeper, SECCOMP_KILL, keepers[i]));
	for (i = 0; i < SIZE(everybodys); i++) {
		assert_int_equal(0, try(seccomp_confine_keeper, SECCOMP_KILL, everybodys[i]));
		assert_int_equal(0, try(seccomp_confine_server, SECCOMP_KILL, everybodys[i]));
	}
	assert_int_equal(EBADF, try(seccomp_confine_server, SECCOMP_KILL, own_ioctl));
}

static void test_syslog(void **state)
{
	(void)state;
	syslogs = true;
	assert_int_equal(0, try(seccomp_confine_keeper, SECCOMP_KILL, make_socket));
	assert_int_equal(0, try(seccomp_confine_server, SECCOMP_KILL, make_socket));
	assert_forbidden(seccomp_confine_server, connect_to_network);
	syslogs = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forbidden),
		cmocka_unit_test(test_allowed),
		cmocka_unit_test(test_syslog),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
