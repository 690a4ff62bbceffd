// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files that are more than data: programs, FIFOs, sockets, descriptors without
 * access, restricted lookups, and handles.
 */
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/swap.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "posix.h"

static int copy_self(const char *to)
{
	char buf[65536];
	int in = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int out = open(to, O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
	ssize_t n;

	while ((n = read(in, buf, sizeof(buf))) > 0)
		if (write(out, buf, n) != n)
			return -1;
	close(in);
	return n ?: close(out);
}

/* Exit status of @path, run with one argument; 200 + errno if it isn't. */
static int run(const char *path, const char *arg)
{
	char *argv[] = { (char *)path, (char *)arg, NULL };
	int status;
	pid_t pid = fork();

	if (!pid) {
		execv(path, argv);
		_exit(200 + errno);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(posix, programs)
{
	/* Without a directory this program says how it is used. */
	OK(copy_self("program"));
	EXPECT_EQ(2, run("./program", "relative"));
	OK(put("script", "#!/bin/sh\nexit 7\n"));
	EXPECT_EQ(200 + EACCES, run("./script", "x"));
	OK(chmod("script", 0755));
	EXPECT_EQ(7, run("./script", "x"));
	OK(put("interpreted", "#!./script\n"));
	OK(chmod("interpreted", 0711));
	EXPECT_EQ(7, run("./interpreted", "x"));
	OK(put("garbage", "\x7f" "ELF but not quite"));
	OK(chmod("garbage", 0755));
	EXPECT_EQ(200 + ENOEXEC, run("./garbage", "x"));
	EXPECT_EQ(200 + EACCES, run(".", "x"));
	as_user(ALICE, ALICE, 0);
	EXPECT_EQ(2, run("./program", "relative"));
	as_root();
	OK(chmod("program", 0700));
	as_user(ALICE, ALICE, 0);
	EXPECT_EQ(200 + EACCES, run("./program", "relative"));
}

/* A set-user-ID program: on a mount that allows it, on both sides alike. */
TEST_F(posix, set_user_id_program)
{
	int status;
	pid_t pid;

	OK(put("source", ""));
	OK(make_dir("d", ALICE, ALICE, 0700));
	OK(copy_self("program"));
	OK(give("program", ALICE, ALICE, 04755));
	pid = fork();
	if (!pid) {
		as_user(BOB, BOB, 0);
		execl("./program", "program", "--can-enter", "d", NULL);
		_exit(1);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_F(posix, busy_programs)
{
	int fd, hold[2], started[2];
	pid_t pid;
	char c;

	OK(copy_self("program"));
	fd = open("program", O_RDWR);
	EXPECT_EQ(200 + ETXTBSY, run("./program", "relative"));
	close(fd);
	OK(pipe(hold));
	OK(pipe2(started, O_CLOEXEC));
	pid = fork();
	if (!pid) {
		dup2(hold[0], 0);
		close(hold[1]);
		execl("./program", "program", "--wait", NULL);
		_exit(1);
	}
	close(hold[0]);
	close(started[1]);
	EXPECT_EQ(0, read(started[0], &c, 1));
	FAILS(ETXTBSY, opens("program", O_WRONLY));
	FAILS(ETXTBSY, truncate("program", 0));
	FAILS(ETXTBSY, opens("program", O_RDWR | O_TRUNC));
	OK(rename("program", "moved"));
	OK(unlink("moved"));
	close(hold[1]);
	EXPECT_EQ(pid, waitpid(pid, NULL, 0));
}

TEST_F(posix, fifos)
{
	int rd, wr, status;
	char buf[8];
	pid_t pid;

	OK(mkfifo("p", 0644));
	pid = fork();
	if (!pid) {
		wr = open("p", O_WRONLY);
		_exit(write(wr, "through", 7) != 7);
	}
	rd = open("p", O_RDONLY);
	EXPECT_EQ(7, read(rd, buf, 8));
	EXPECT_EQ(0, memcmp(buf, "through", 7));
	EXPECT_EQ(0, read(rd, buf, 8));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	FAILS(ESPIPE, lseek(rd, 0, SEEK_SET));
	EXPECT_EQ(0, size_of("p"));
	OK(link("p", "q"));
	wr = open("q", O_WRONLY | O_NONBLOCK);
	OK(wr);
	EXPECT_EQ(1, write(wr, "x", 1));
	EXPECT_EQ(1, read(rd, buf, 8));
}

TEST_F(posix, sockets)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = "s" };
	int server = socket(AF_UNIX, SOCK_STREAM, 0);
	int client = socket(AF_UNIX, SOCK_STREAM, 0), peer;
	char buf[4];

	OK(bind(server, (void *)&addr, sizeof(addr)));
	FAILS(EADDRINUSE, bind(client, (void *)&addr, sizeof(addr)));
	EXPECT_TRUE(S_ISSOCK(stat_of("s").st_mode));
	FAILS(ECONNREFUSED, connect(client, (void *)&addr, sizeof(addr)));
	OK(listen(server, 2));
	OK(connect(client, (void *)&addr, sizeof(addr)));
	peer = accept(server, NULL, NULL);
	EXPECT_EQ(2, write(client, "hi", 2));
	EXPECT_EQ(2, read(peer, buf, 4));
	FAILS(ENXIO, opens("s", O_RDWR));
	OK(rename("s", "t"));
	strcpy(addr.sun_path, "t");
	close(client);
	client = socket(AF_UNIX, SOCK_STREAM, 0);
	OK(connect(client, (void *)&addr, sizeof(addr)));
	OK(unlink("t"));
}

TEST_F(posix, descriptors_without_access)
{
	int f, d, l;
	struct stat st;
	char path[64], buf[8];

	OK(make_file("f", ALICE, ALICE, 0));
	OK(mkdir("d", 0755));
	OK(put("d/x", "1"));
	OK(symlink("f", "l"));
	f = open("f", O_PATH);
	d = open("d", O_PATH | O_DIRECTORY);
	l = open("l", O_PATH | O_NOFOLLOW);
	OK(f);
	OK(fstat(l, &st));
	EXPECT_TRUE(S_ISLNK(st.st_mode));
	EXPECT_EQ(1, readlinkat(l, "", buf, 8));
	OK(openat(d, "x", O_RDWR));
	OK(fchdir(d));
	OK(chdir(here));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", f);
	OK(chmod(path, 0640));
	EXPECT_EQ(0640, mode_of("f"));
	OK(opens(path, O_RDWR));
	OK(fchownat(f, "", BOB, -1, AT_EMPTY_PATH));
	EXPECT_EQ(BOB, stat_of("f").st_uid);
	OK(linkat(f, "", AT_FDCWD, "g", AT_EMPTY_PATH));
	OK(unlink("f"));
	OK(fstat(f, &st));
	EXPECT_EQ(1, st.st_nlink);
}

static int open2(int dir, const char *path, __u64 flags, __u64 resolve)
{
	struct open_how how = { .flags = flags, .resolve = resolve };

	return syscall(SYS_openat2, dir, path, &how, sizeof(how));
}

TEST_F(posix, restricted_lookups)
{
	int d;

	OK(mkdir("d", 0755));
	OK(mkdir("d/e", 0755));
	OK(put("d/e/f", "1"));
	OK(put("f", "2"));
	OK(symlink("e/f", "d/in"));
	OK(symlink("../f", "d/out"));
	OK(symlink("/e/f", "d/root"));
	d = open("d", O_PATH | O_DIRECTORY);
	OK(open2(d, "in", O_RDONLY, RESOLVE_BENEATH));
	FAILS(EXDEV, open2(d, "out", O_RDONLY, RESOLVE_BENEATH));
	FAILS(EXDEV, open2(d, "root", O_RDONLY, RESOLVE_BENEATH));
	FAILS(EXDEV, open2(d, "..", O_RDONLY, RESOLVE_BENEATH));
	FAILS(EXDEV, open2(d, "/", O_RDONLY, RESOLVE_BENEATH));
	OK(open2(d, "e/../e/f", O_RDONLY, RESOLVE_BENEATH));
	OK(open2(d, "root", O_RDONLY, RESOLVE_IN_ROOT));
	OK(open2(d, "../../../e/f", O_RDONLY, RESOLVE_IN_ROOT));
	FAILS(ENOENT, open2(d, "out", O_RDONLY, RESOLVE_IN_ROOT));
	FAILS(ELOOP, open2(d, "in", O_RDONLY, RESOLVE_NO_SYMLINKS));
	OK(open2(d, "e/f", O_RDWR, RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV));
	FAILS(EXDEV, open2(d, "/proc/self/stat", O_RDONLY, RESOLVE_NO_XDEV));
	FAILS_OR(0, EAGAIN, open2(d, "e/f", O_RDONLY, RESOLVE_CACHED));
}

TEST_F(posix, handles)
{
	struct {
		struct file_handle h;
		unsigned char bytes[MAX_HANDLE_SZ];
	} handle = { .h.handle_bytes = MAX_HANDLE_SZ };
	int id, fd, root = open(".", O_RDONLY);
	char buf[8];

	OK(put("f", "text"));
	OK(name_to_handle_at(AT_FDCWD, "f", &handle.h, &id, 0));
	fd = open_by_handle_at(root, &handle.h, O_RDONLY);
	OK(fd);
	EXPECT_EQ(4, read(fd, buf, 8));
	OK(rename("f", "g"));
	OK(open_by_handle_at(root, &handle.h, O_RDWR));
	close(fd);
	handle.h.handle_bytes = 0;
	FAILS(EOVERFLOW, name_to_handle_at(AT_FDCWD, "g", &handle.h, &id, 0));
	FAILS(ENOENT, name_to_handle_at(AT_FDCWD, "f", &handle.h, &id, 0));
}

TEST_F(posix, locks_of_descriptors)
{
	int a = open("f", O_CREAT | O_RDWR, 0644), b = open("f", O_RDWR);

	OK(flock(a, LOCK_SH));
	OK(flock(b, LOCK_SH));
	FAILS(EWOULDBLOCK, flock(b, LOCK_EX | LOCK_NB));
	OK(flock(a, LOCK_UN));
	OK(flock(b, LOCK_EX | LOCK_NB));
	FAILS(EWOULDBLOCK, flock(a, LOCK_SH | LOCK_NB));
	close(b);
	OK(flock(a, LOCK_EX | LOCK_NB));
}

static int set_lock(int fd, int cmd, short type, off_t from, off_t len)
{
	struct flock lock = {
		.l_type = type, .l_start = from, .l_len = len,
	};

	return fcntl(fd, cmd, &lock);
}

/* What another process gets for a lock: 0 or an errno. */
static int other_lock(short type, off_t from, off_t len)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		int fd = open("f", O_RDWR);

		_exit(set_lock(fd, F_SETLK, type, from, len) ? errno : 0);
	}
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

TEST_F(posix, locks_of_processes)
{
	struct flock lock = { .l_type = F_RDLCK, .l_start = 20, .l_len = 5 };
	int fd = open("f", O_CREAT | O_RDWR, 0644), rd = open("f", O_RDONLY);
	int second = open("f", O_RDWR);

	OK(set_lock(fd, F_SETLK, F_WRLCK, 10, 20));
	EXPECT_EQ(EAGAIN, other_lock(F_WRLCK, 0, 0));
	EXPECT_EQ(EAGAIN, other_lock(F_RDLCK, 29, 1));
	EXPECT_EQ(0, other_lock(F_WRLCK, 0, 10));
	EXPECT_EQ(0, other_lock(F_WRLCK, 30, 0));
	OK(set_lock(fd, F_SETLK, F_UNLCK, 15, 5));
	EXPECT_EQ(0, other_lock(F_WRLCK, 15, 5));
	EXPECT_EQ(EAGAIN, other_lock(F_WRLCK, 15, 6));
	OK(set_lock(fd, F_SETLK, F_RDLCK, 20, 10));
	EXPECT_EQ(0, other_lock(F_RDLCK, 20, 10));
	EXPECT_EQ(EAGAIN, other_lock(F_WRLCK, 20, 10));
	FAILS(EBADF, set_lock(rd, F_SETLK, F_WRLCK, 0, 1));
	FAILS(EINVAL, set_lock(fd, F_SETLK, 99, 0, 1));
	/* One's own locks are in nobody's way. */
	OK(fcntl(second, F_GETLK, &lock));
	EXPECT_EQ(F_UNLCK, lock.l_type);
	/* Closing any descriptor of the file lets go of all of them. */
	close(second);
	EXPECT_EQ(0, other_lock(F_WRLCK, 0, 0));
	OK(set_lock(fd, F_OFD_SETLK, F_WRLCK, 0, 0));
	second = open("f", O_RDWR);
	FAILS(EAGAIN, set_lock(second, F_OFD_SETLK, F_RDLCK, 0, 0));
	close(second);
	EXPECT_EQ(EAGAIN, other_lock(F_WRLCK, 0, 0));
}

/* Waits for an event, past others. */
static bool comes(int watch, uint32_t mask, const char *name)
{
	static char buf[4096] __attribute__((aligned(8)));
	static ssize_t at, end;
	struct inotify_event *e;

	for (;;) {
		if (at >= end) {
			at = 0;
			end = read(watch, buf, sizeof(buf));
			if (end <= 0)
				return false;
		}
		e = (struct inotify_event *)(buf + at);
		at += sizeof(*e) + e->len;
		if ((e->mask & mask) && (!name || (e->len && !strcmp(e->name, name))))
			return true;
	}
}

/* Who watches the host's directory sees what is done in it, by guests too. */
TEST_F(posix, watchers)
{
	int watch = inotify_init1(IN_CLOEXEC), fd;

	OK(inotify_add_watch(watch, through_fuse() ? other : here, IN_ALL_EVENTS));
	fd = open("f", O_CREAT | O_RDWR, 0644);
	EXPECT_TRUE(comes(watch, IN_CREATE, "f"));
	EXPECT_TRUE(comes(watch, IN_OPEN, "f"));
	EXPECT_EQ(4, write(fd, "text", 4));
	EXPECT_TRUE(comes(watch, IN_MODIFY, "f"));
	OK(ftruncate(fd, 2));
	EXPECT_TRUE(comes(watch, IN_MODIFY, "f"));
	OK(fallocate(fd, 0, 0, 100));
	EXPECT_TRUE(comes(watch, IN_MODIFY, "f"));
	OK(fchmod(fd, 0600));
	EXPECT_TRUE(comes(watch, IN_ATTRIB, "f"));
	OK(utimensat(AT_FDCWD, "f", (struct timespec[2]) { { 1, 1 }, { 1, 1 } }, 0));
	EXPECT_TRUE(comes(watch, IN_ATTRIB, "f"));
	close(fd);
	EXPECT_TRUE(comes(watch, IN_CLOSE_WRITE, "f"));
	OK(link("f", "g"));
	EXPECT_TRUE(comes(watch, IN_CREATE, "g"));
	OK(rename("f", "h"));
	EXPECT_TRUE(comes(watch, IN_MOVED_FROM, "f"));
	EXPECT_TRUE(comes(watch, IN_MOVED_TO, "h"));
	OK(mkdir("d", 0755));
	EXPECT_TRUE(comes(watch, IN_CREATE, "d"));
	OK(symlink("x", "l"));
	EXPECT_TRUE(comes(watch, IN_CREATE, "l"));
	OK(rmdir("d"));
	EXPECT_TRUE(comes(watch, IN_DELETE, "d"));
	OK(rename("g", "l"));
	EXPECT_TRUE(comes(watch, IN_MOVED_TO, "l"));
	OK(unlink("h"));
	EXPECT_TRUE(comes(watch, IN_DELETE, "h"));
	fd = open(".", O_TMPFILE | O_RDWR, 0600);
	OK(linkat(AT_FDCWD, ({ static char p[32]; snprintf(p, 32, "/proc/self/fd/%d", fd); p; }),
		  AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
	EXPECT_TRUE(comes(watch, IN_CREATE, "named"));
	close(fd);
	close(watch);
}

/* Where its data lies the guest doesn't know, and can't swap to it. */
TEST_F(posix, places_on_disk)
{
	struct fiemap map = { .fm_length = ~0ULL };
	int fd = open("f", O_CREAT | O_RDWR, 0600), block = 0;

	OK(put("f", "text"));
	OK(fsync(fd));
	if (!through_fuse()) {
		FAILS(stored_on(TMPFS_MAGIC) ? EOPNOTSUPP : 0,
		      ioctl(fd, FS_IOC_FIEMAP, &map));
		return;
	}
	FAILS(EOPNOTSUPP, ioctl(fd, FS_IOC_FIEMAP, &map));
	OK(ioctl(fd, FIBMAP, &block));
	EXPECT_EQ(0, block);
	/* A version, 64 pages less the first, and no bad ones. */
	OK(fallocate(fd, 0, 0, 64 * 4096));
	EXPECT_EQ(10, pwrite(fd, "SWAPSPACE2", 10, 4096 - 10));
	EXPECT_EQ(12, pwrite(fd, "\1\0\0\0\x3f\0\0\0\0\0\0\0", 12, 1024));
	FAILS(EINVAL, swapon("f", 0));
	close(fd);
}

/* Programs of the tests above are this one. */
static int as_program(int argc, char **argv)
{
	char c;

	if (argc > 2 && !strcmp(argv[1], "--can-enter"))
		return access(argv[2], F_OK) || opens(argv[2], O_RDONLY) ?
			3 : 0;
	return read(0, &c, 1) != 0;
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strncmp(argv[1], "--", 2))
		return as_program(argc, argv);
	return posix_main(argc, argv);
}
