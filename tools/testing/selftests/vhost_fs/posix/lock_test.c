// SPDX-License-Identifier: GPL-2.0-only
/*
 * Locks of fcntl(2) and flock(2): which exclude which, within a directory and
 * against the other side of it, and when they go. On a share they need --locks
 * remote; then the other side may as well be another mount of the share.
 */
#include <sys/file.h>
#include <sys/select.h>
#include <sys/time.h>

#define POSIX_OWN_FIXTURE
#include "posix.h"

/* A process that locks when told to, and says what came of it. */
struct other {
	pid_t pid;
	int orders, answers;
};

struct order {
	enum { FLOCK, FCNTL, OPEN_FILE, CLOSE_ANY, LEAVE } how;
	int type;		/* F_RDLCK, F_WRLCK, F_UNLCK */
	bool wait;
	off_t start, len;
};

static int do_flock(int fd, int type, bool wait)
{
	int op = type == F_RDLCK ? LOCK_SH : type == F_WRLCK ? LOCK_EX : LOCK_UN;

	return flock(fd, op | (wait ? 0 : LOCK_NB)) ? errno : 0;
}

static int do_fcntl(int fd, const struct order *o)
{
	struct flock lock = {
		.l_type = o->type, .l_start = o->start, .l_len = o->len,
	};
	int command = o->how == OPEN_FILE ?
		(o->wait ? F_OFD_SETLKW : F_OFD_SETLK) :
		(o->wait ? F_SETLKW : F_SETLK);

	return fcntl(fd, command, &lock) ? errno : 0;
}

static int do_order(int fd, const char *path, const struct order *o)
{
	switch (o->how) {
	case FLOCK:
		return do_flock(fd, o->type, o->wait);
	case CLOSE_ANY:
		return opens(path, O_RDONLY) ? errno : 0;
	default:
		return do_fcntl(fd, o);
	}
}

static void serve(const char *path, int orders, int answers)
{
	int fd = open(path, O_RDWR | O_CLOEXEC), answer;
	struct order o;

	while (read(orders, &o, sizeof(o)) == sizeof(o) && o.how != LEAVE) {
		answer = do_order(fd, path, &o);
		if (write(answers, &answer, sizeof(answer)) < 0)
			break;
	}
	_exit(0);
}

/* A process that has @path open. */
static struct other start(const char *path)
{
	struct other p = { };
	int orders[2], answers[2];

	if (pipe2(orders, O_CLOEXEC) || pipe2(answers, O_CLOEXEC))
		_exit(KSFT_FAIL);
	p.pid = fork();
	if (!p.pid) {
		close(orders[1]);
		close(answers[0]);
		serve(path, orders[0], answers[1]);
	}
	close(orders[0]);
	close(answers[1]);
	p.orders = orders[1];
	p.answers = answers[0];
	return p;
}

static void tell(struct other *p, struct order o)
{
	if (write(p->orders, &o, sizeof(o)) != sizeof(o))
		_exit(KSFT_FAIL);
}

static int answer(struct other *p)
{
	int answer = -1;

	return read(p->answers, &answer, sizeof(answer)) == sizeof(answer) ?
		answer : -1;
}

static int ask(struct other *p, int how, int type, off_t from, off_t len)
{
	tell(p, (struct order){
		.how = how, .type = type, .start = from, .len = len });
	return answer(p);
}

/* Processes that came after it have its pipes, too, so it is told. */
static void stop(struct other *p, int sig)
{
	if (sig)
		kill(p->pid, sig);
	else
		tell(p, (struct order){ .how = LEAVE });
	close(p->orders);
	close(p->answers);
	waitpid(p->pid, NULL, 0);
}

/* Whether another process, on either side, could have a lock. */
static int could(const char *path, int how, int type, off_t from, off_t len)
{
	struct other p = start(path);
	int ret = ask(&p, how, type, from, len);

	stop(&p, 0);
	return ret;
}

FIXTURE(locks)
{
	char file[2][PATH_MAX];	/* here, and on the other side */
};

FIXTURE_VARIANT(locks)
{
	bool other_side;
};

FIXTURE_VARIANT_ADD(locks, one_side) { .other_side = false };
FIXTURE_VARIANT_ADD(locks, both_sides) { .other_side = true };

FIXTURE_SETUP(locks)
{
	enter_directory(_metadata);
	ASSERT_EQ(0, put("f", "0123456789"));
	snprintf(self->file[0], PATH_MAX, "%s/f", here);
	snprintf(self->file[1], PATH_MAX, "%s/f",
		 variant->other_side ? other : here);
}

FIXTURE_TEARDOWN(locks)
{
	leave_directory(_metadata);
}

TEST_F(locks, which_exclude_which)
{
	static const int hows[] = { FLOCK, FCNTL, OPEN_FILE };
	struct other p;
	int i, way;

	for (i = 0; i < 6; i++) {
		way = i % 2;
		p = start(self->file[way]);
		EXPECT_EQ(0, ask(&p, hows[i / 2], F_RDLCK, 0, 0));
		EXPECT_EQ(0, could(self->file[!way], hows[i / 2], F_RDLCK, 0, 0));
		EXPECT_EQ(EAGAIN, could(self->file[!way], hows[i / 2], F_WRLCK, 0, 0));
		EXPECT_EQ(0, ask(&p, hows[i / 2], F_WRLCK, 0, 0));
		EXPECT_EQ(EAGAIN, could(self->file[!way], hows[i / 2], F_RDLCK, 0, 0));
		EXPECT_EQ(0, ask(&p, hows[i / 2], F_RDLCK, 0, 0));
		EXPECT_EQ(0, could(self->file[!way], hows[i / 2], F_RDLCK, 0, 0));
		EXPECT_EQ(0, ask(&p, hows[i / 2], F_UNLCK, 0, 0));
		EXPECT_EQ(0, could(self->file[!way], hows[i / 2], F_WRLCK, 0, 0));
		stop(&p, 0);
	}
}

/* The two ways of fcntl(2) know each other, and not flock(2). */
TEST_F(locks, of_different_kinds)
{
	struct other p = start(self->file[1]);

	EXPECT_EQ(0, ask(&p, FCNTL, F_WRLCK, 0, 0));
	EXPECT_EQ(EAGAIN, could(self->file[0], OPEN_FILE, F_RDLCK, 0, 0));
	EXPECT_EQ(0, could(self->file[0], FLOCK, F_WRLCK, 0, 0));
	stop(&p, 0);
}

TEST_F(locks, ranges)
{
	struct other p = start(self->file[1]);

	EXPECT_EQ(0, ask(&p, FCNTL, F_WRLCK, 10, 20));
	EXPECT_EQ(0, could(self->file[0], FCNTL, F_WRLCK, 0, 10));
	EXPECT_EQ(EAGAIN, could(self->file[0], FCNTL, F_WRLCK, 0, 11));
	EXPECT_EQ(EAGAIN, could(self->file[0], FCNTL, F_WRLCK, 29, 1));
	EXPECT_EQ(0, could(self->file[0], FCNTL, F_WRLCK, 30, 0));
	/* A hole in the middle, and half of it for readers. */
	EXPECT_EQ(0, ask(&p, FCNTL, F_UNLCK, 15, 5));
	EXPECT_EQ(0, could(self->file[0], FCNTL, F_WRLCK, 15, 5));
	EXPECT_EQ(EAGAIN, could(self->file[0], FCNTL, F_WRLCK, 15, 6));
	EXPECT_EQ(0, ask(&p, FCNTL, F_RDLCK, 10, 2));
	EXPECT_EQ(0, could(self->file[0], FCNTL, F_RDLCK, 10, 2));
	EXPECT_EQ(EAGAIN, could(self->file[0], FCNTL, F_RDLCK, 10, 3));
	/* To the end of all files. */
	EXPECT_EQ(0, ask(&p, FCNTL, F_WRLCK, 100, 0));
	EXPECT_EQ(EAGAIN, could(self->file[0], FCNTL, F_RDLCK, LONG_MAX - 1, 1));
	stop(&p, 0);
}

TEST_F(locks, who_holds_it)
{
	int fd = open(self->file[0], O_RDWR | O_CLOEXEC);
	struct other p = start(self->file[1]);
	struct flock lock = { .l_type = F_WRLCK };

	EXPECT_EQ(0, ask(&p, FCNTL, F_RDLCK, 10, 20));
	OK(fcntl(fd, F_GETLK, &lock));
	EXPECT_EQ(F_RDLCK, lock.l_type);
	EXPECT_EQ(SEEK_SET, lock.l_whence);
	EXPECT_EQ(10, lock.l_start);
	EXPECT_EQ(20, lock.l_len);
	/* Over a border, processes have no numbers. */
	if (!variant->other_side)
		EXPECT_EQ(p.pid, lock.l_pid);
	lock = (struct flock){ .l_type = F_RDLCK };
	OK(fcntl(fd, F_GETLK, &lock));
	EXPECT_EQ(F_UNLCK, lock.l_type);
	lock = (struct flock){ .l_type = F_WRLCK };
	OK(fcntl(fd, F_OFD_GETLK, &lock));
	EXPECT_EQ(F_RDLCK, lock.l_type);
	stop(&p, 0);
	close(fd);
}

/* By closing any descriptor of the file; the last one; by exit; by a signal. */
TEST_F(locks, when_they_go)
{
	struct other p = start(self->file[1]);

	EXPECT_EQ(0, ask(&p, FCNTL, F_WRLCK, 0, 0));
	EXPECT_EQ(0, ask(&p, CLOSE_ANY, 0, 0, 0));
	EXPECT_EQ(0, could(self->file[0], FCNTL, F_WRLCK, 0, 0));
	EXPECT_EQ(0, ask(&p, OPEN_FILE, F_WRLCK, 0, 0));
	EXPECT_EQ(0, ask(&p, FLOCK, F_WRLCK, 0, 0));
	EXPECT_EQ(0, ask(&p, CLOSE_ANY, 0, 0, 0));
	EXPECT_EQ(EAGAIN, could(self->file[0], FCNTL, F_WRLCK, 0, 0));
	EXPECT_EQ(EAGAIN, could(self->file[0], FLOCK, F_RDLCK, 0, 0));
	stop(&p, 0);
	/* What the guest closes, the host learns of a moment later. */
	p = start(self->file[0]);
	tell(&p, (struct order){ .how = FLOCK, .type = F_WRLCK, .wait = true });
	EXPECT_EQ(0, answer(&p));
	tell(&p, (struct order){ .how = FCNTL, .type = F_WRLCK, .wait = true });
	EXPECT_EQ(0, answer(&p));
	stop(&p, SIGKILL);
	p = start(self->file[1]);
	tell(&p, (struct order){ .how = FLOCK, .type = F_WRLCK, .wait = true });
	EXPECT_EQ(0, answer(&p));
	tell(&p, (struct order){ .how = FCNTL, .type = F_WRLCK, .wait = true });
	EXPECT_EQ(0, answer(&p));
	stop(&p, 0);
}

/* Who waits gets the lock, and not before it is let go. */
TEST_F(locks, waiting)
{
	static const int hows[] = { FLOCK, FCNTL, OPEN_FILE };
	bool *free = mmap(NULL, 1, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct order o = { .wait = true, .type = F_WRLCK };
	struct other p;
	int i, status, fd;
	pid_t pid;

	for (i = 0; i < 6; i++) {
		o.how = hows[i / 2];
		*free = false;
		p = start(self->file[i % 2]);
		EXPECT_EQ(0, ask(&p, o.how, F_WRLCK, 0, 0));
		pid = fork();
		if (!pid) {
			fd = open(self->file[!(i % 2)], O_RDWR);
			_exit(do_order(fd, "", &o) || !*free);
		}
		/* Whether or not it waits by now. */
		EXPECT_EQ(EAGAIN, could(self->file[!(i % 2)], o.how, F_WRLCK, 0, 0));
		*free = true;
		EXPECT_EQ(0, ask(&p, o.how, F_UNLCK, 0, 0));
		waitpid(pid, &status, 0);
		EXPECT_EQ(0, status);
		stop(&p, 0);
	}
}

/* Which of several has something to say. */
static int who_answers(struct other **p, int nr)
{
	fd_set set;
	int i;

	FD_ZERO(&set);
	for (i = 0; i < nr; i++)
		FD_SET(p[i]->answers, &set);
	if (select(FD_SETSIZE, &set, NULL, NULL, NULL) <= 0)
		_exit(KSFT_FAIL);
	for (i = 0; !FD_ISSET(p[i]->answers, &set); i++)
		;
	return i;
}

/* Each has what the other wants: one of them is told. */
TEST_F(locks, deadlock)
{
	struct order o = { .how = FCNTL, .type = F_WRLCK, .wait = true, .len = 1 };
	struct other a = start(self->file[0]), b = start(self->file[1]);
	int first, second;

	EXPECT_EQ(0, ask(&a, FCNTL, F_WRLCK, 0, 1));
	EXPECT_EQ(0, ask(&b, FCNTL, F_WRLCK, 1, 1));
	o.start = 1;
	tell(&a, o);
	o.start = 0;
	tell(&b, o);
	/* Closing lets go of what it has, and lets the other have it. */
	first = who_answers((struct other *[]){ &a, &b }, 2);
	EXPECT_EQ(EDEADLK, answer(first ? &b : &a));
	stop(first ? &b : &a, 0);
	second = answer(first ? &a : &b);
	EXPECT_EQ(0, second);
	stop(first ? &a : &b, 0);
}

/* Each has what the next one wants, whichever side they are on. */
TEST_F(locks, deadlock_of_three)
{
	struct order o = { .how = FCNTL, .type = F_WRLCK, .wait = true, .len = 1 };
	struct other p[3], *waiting[3];
	int i, first;

	for (i = 0; i < 3; i++) {
		p[i] = start(self->file[i % 2]);
		waiting[i] = &p[i];
		EXPECT_EQ(0, ask(&p[i], FCNTL, F_WRLCK, i, 1));
	}
	for (i = 0; i < 3; i++) {
		o.start = (i + 1) % 3;
		tell(&p[i], o);
	}
	first = who_answers(waiting, 3);
	EXPECT_EQ(EDEADLK, answer(&p[first]));
	stop(&p[first], 0);
	/* What it had the one before it wanted, and so on. */
	for (i = 1; i < 3; i++) {
		struct other *next = &p[(first + 3 - i) % 3];

		EXPECT_EQ(0, answer(next));
		stop(next, 0);
	}
}

/* Two readers that both want to write can't have it both. */
TEST_F(locks, deadlock_of_readers)
{
	struct order o = { .how = FCNTL, .type = F_WRLCK, .wait = true };
	struct other a = start(self->file[0]), b = start(self->file[1]);
	int first;

	EXPECT_EQ(0, ask(&a, FCNTL, F_RDLCK, 0, 0));
	EXPECT_EQ(0, ask(&b, FCNTL, F_RDLCK, 0, 0));
	tell(&a, o);
	tell(&b, o);
	first = who_answers((struct other *[]){ &a, &b }, 2);
	EXPECT_EQ(EDEADLK, answer(first ? &b : &a));
	EXPECT_EQ(EAGAIN, could(self->file[0], FCNTL, F_WRLCK, 0, 0));
	stop(first ? &b : &a, 0);
	EXPECT_EQ(0, answer(first ? &a : &b));
	stop(first ? &a : &b, 0);
}

#define READERS	4

/* When a writer goes, all readers come; when they go, the next writer does. */
TEST_F(locks, many_waiters)
{
	static const int hows[] = { FLOCK, FCNTL, OPEN_FILE };
	struct other writer, readers[READERS];
	struct order o = { .wait = true };
	int i, how;

	for (how = 0; how < 3; how++) {
		o.how = hows[how];
		o.type = F_RDLCK;
		writer = start(self->file[how % 2]);
		EXPECT_EQ(0, ask(&writer, o.how, F_WRLCK, 0, 0));
		for (i = 0; i < READERS; i++) {
			readers[i] = start(self->file[i % 2]);
			tell(&readers[i], o);
		}
		EXPECT_EQ(0, ask(&writer, o.how, F_UNLCK, 0, 0));
		for (i = 0; i < READERS; i++)
			EXPECT_EQ(0, answer(&readers[i]));
		o.type = F_WRLCK;
		tell(&writer, o);
		for (i = 0; i < READERS; i++)
			stop(&readers[i], i % 2 ? SIGKILL : 0);
		EXPECT_EQ(0, answer(&writer));
		stop(&writer, 0);
	}
}

/* A range that several hold parts of is free when the last of them lets go. */
TEST_F(locks, parts_of_a_range)
{
	struct order o = { .how = FCNTL, .type = F_WRLCK, .wait = true, .len = 30 };
	struct other p[3], whole = start(self->file[0]);
	struct flock found = { .l_type = F_WRLCK, .l_len = 30 };
	int i, fd = open(self->file[1], O_RDWR | O_CLOEXEC);

	for (i = 0; i < 3; i++) {
		p[i] = start(self->file[i % 2]);
		EXPECT_EQ(0, ask(&p[i], i == 1 ? OPEN_FILE : FCNTL, F_WRLCK, i * 10, 10));
	}
	tell(&whole, o);
	for (i = 0; i < 3; i++) {
		/* It has none of it before it has all. */
		OK(fcntl(fd, F_GETLK, &found));
		EXPECT_EQ(i * 10, found.l_start);
		EXPECT_EQ(10, found.l_len);
		EXPECT_EQ(0, ask(&p[i], i == 1 ? OPEN_FILE : FCNTL, F_UNLCK, 0, 0));
		found = (struct flock){ .l_type = F_WRLCK, .l_len = 30 };
	}
	EXPECT_EQ(0, answer(&whole));
	OK(fcntl(fd, F_GETLK, &found));
	EXPECT_EQ(0, found.l_start);
	EXPECT_EQ(30, found.l_len);
	for (i = 0; i < 3; i++)
		stop(&p[i], 0);
	stop(&whole, 0);
	close(fd);
}

/* Ranges of one process that touch are one; a lock is changed in one step. */
TEST_F(locks, joined_ranges)
{
	struct flock found = { .l_type = F_WRLCK };
	struct other p = start(self->file[0]);
	int fd = open(self->file[1], O_RDWR | O_CLOEXEC);

	EXPECT_EQ(0, ask(&p, FCNTL, F_RDLCK, 0, 10));
	EXPECT_EQ(0, ask(&p, FCNTL, F_RDLCK, 20, 10));
	EXPECT_EQ(0, ask(&p, FCNTL, F_RDLCK, 10, 10));
	OK(fcntl(fd, F_GETLK, &found));
	EXPECT_EQ(F_RDLCK, found.l_type);
	EXPECT_EQ(0, found.l_start);
	EXPECT_EQ(30, found.l_len);
	EXPECT_EQ(0, ask(&p, FCNTL, F_WRLCK, 5, 20));
	found = (struct flock){ .l_type = F_RDLCK };
	OK(fcntl(fd, F_GETLK, &found));
	EXPECT_EQ(F_WRLCK, found.l_type);
	EXPECT_EQ(5, found.l_start);
	EXPECT_EQ(20, found.l_len);
	EXPECT_EQ(0, could(self->file[1], FCNTL, F_RDLCK, 0, 5));
	stop(&p, 0);
	close(fd);
}

/* A child has none of its parent's, and loses none of them by closing. */
TEST_F(locks, of_children)
{
	struct flock lock = { .l_type = F_WRLCK };
	int fd = open(self->file[0], O_RDWR | O_CLOEXEC), status;
	pid_t pid;

	OK(fcntl(fd, F_SETLK, &lock));
	pid = fork();
	if (!pid) {
		FAILS(EAGAIN, fcntl(fd, F_SETLK, &lock));
		OK(fcntl(fd, F_GETLK, &lock));
		EXPECT_EQ(F_WRLCK, lock.l_type);
		EXPECT_EQ(getppid(), lock.l_pid);
		lock.l_type = F_UNLCK;
		OK(fcntl(fd, F_SETLK, &lock));
		close(fd);
		_exit(_metadata->exit_code);
	}
	waitpid(pid, &status, 0);
	EXPECT_EQ(0, status);
	EXPECT_EQ(EAGAIN, could(self->file[1], FCNTL, F_RDLCK, 0, 0));
	/* That of an open file both have, and either may drop. */
	lock.l_type = F_UNLCK;
	OK(fcntl(fd, F_SETLK, &lock));
	OK(flock(fd, LOCK_EX));
	pid = fork();
	if (!pid)
		_exit(flock(fd, LOCK_UN) != 0);
	waitpid(pid, &status, 0);
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, could(self->file[1], FLOCK, F_WRLCK, 0, 0));
	close(fd);
}

static void on_signal(int sig)
{
	(void)sig;
}

TEST_F(locks, interrupted)
{
	struct order o = { .how = FCNTL, .type = F_WRLCK, .wait = true };
	struct sigaction action = { .sa_handler = on_signal };
	struct itimerval soon = { { 0, 20000 }, { 0, 20000 } }, never = { };
	struct other p;
	int fd, ret;

	/* No driver of Linux tells the host to give up. */
	if (through_fuse())
		return;
	p = start(self->file[1]);
	fd = open(self->file[0], O_RDWR | O_CLOEXEC);
	EXPECT_EQ(0, ask(&p, FCNTL, F_WRLCK, 0, 0));
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	ret = do_order(fd, "", &o);
	setitimer(ITIMER_REAL, &never, NULL);
	EXPECT_EQ(EINTR, ret);
	stop(&p, 0);
}

TEST_F(locks, arguments)
{
	int rd = open("f", O_RDONLY), wr = open("f", O_WRONLY);
	int fd = open("f", O_RDWR), path = open("f", O_PATH);
	struct flock lock = { .l_type = F_WRLCK };

	FAILS(EBADF, fcntl(rd, F_SETLK, &lock));
	FAILS(EBADF, fcntl(path, F_SETLK, &lock));
	FAILS(EBADF, flock(path, LOCK_EX));
	lock.l_type = F_RDLCK;
	FAILS(EBADF, fcntl(wr, F_SETLK, &lock));
	OK(flock(rd, LOCK_EX | LOCK_NB));
	FAILS(EWOULDBLOCK, flock(wr, LOCK_SH | LOCK_NB));
	FAILS(EINVAL, flock(fd, 0));
	lock.l_type = 77;
	FAILS(EINVAL, fcntl(fd, F_SETLK, &lock));
	lock = (struct flock){ .l_type = F_WRLCK, .l_start = -1 };
	FAILS(EINVAL, fcntl(fd, F_SETLK, &lock));
	lock = (struct flock){ .l_type = F_WRLCK, .l_start = 5, .l_len = -6 };
	FAILS(EINVAL, fcntl(fd, F_SETLK, &lock));
	lock = (struct flock){
		.l_type = F_WRLCK, .l_start = LONG_MAX, .l_len = 2
	};
	FAILS(EOVERFLOW, fcntl(fd, F_SETLK, &lock));
	lock = (struct flock){ .l_type = F_WRLCK, .l_pid = 1 };
	FAILS(EINVAL, fcntl(fd, F_OFD_SETLK, &lock));
	/* The last five bytes of the file. */
	lock = (struct flock){
		.l_type = F_WRLCK, .l_whence = SEEK_END, .l_len = -5
	};
	OK(fcntl(fd, F_SETLK, &lock));
	EXPECT_EQ(0, could(self->file[1], FCNTL, F_WRLCK, 0, 5));
	EXPECT_EQ(EAGAIN, could(self->file[1], FCNTL, F_WRLCK, 5, 1));
	EXPECT_EQ(EAGAIN, could(self->file[1], FCNTL, F_WRLCK, 9, 1));
	EXPECT_EQ(0, could(self->file[1], FCNTL, F_WRLCK, 10, 0));
}

/* One process: an open file has its own, however it came to be shared. */
TEST_F(locks, of_open_files)
{
	struct order write = { .how = OPEN_FILE, .type = F_WRLCK };
	int a = open("f", O_RDWR), b = open(self->file[1], O_RDWR), c = dup(a);
	struct flock plain = { .l_type = F_WRLCK };

	EXPECT_EQ(0, do_order(a, "", &write));
	EXPECT_EQ(EAGAIN, do_order(b, "", &write));
	EXPECT_EQ(0, do_order(c, "", &write));
	FAILS(EAGAIN, fcntl(b, F_SETLK, &plain));
	EXPECT_EQ(0, do_flock(a, F_WRLCK, false));
	EXPECT_EQ(EAGAIN, do_flock(b, F_RDLCK, false));
	close(a);
	EXPECT_EQ(EAGAIN, do_order(b, "", &write));
	EXPECT_EQ(EAGAIN, do_flock(b, F_RDLCK, false));
	close(c);
	write.wait = true;
	EXPECT_EQ(0, do_order(b, "", &write));
	EXPECT_EQ(0, do_flock(b, F_RDLCK, true));
}

POSIX_MAIN
