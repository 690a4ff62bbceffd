/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small test harness with the interface of the kernel's
 * kselftest_harness.h, as far as these tests use it, for builds that have no
 * kernel source at hand; KSELFTEST_HARNESS names the original's header if there
 * is one. Each test runs in a forked child with a time limit;
 * the parent prints TAP 13 and exits with 1 when a test failed.
 *
 * As in the original, a helper that uses ASSERT_* or EXPECT_* outside a test
 * body takes a parameter "struct __test_metadata *_metadata".
 */
#ifndef VHOST_FS_HARNESS_H
#define VHOST_FS_HARNESS_H

#include <stdlib.h>

#ifdef KSELFTEST_HARNESS
#include KSELFTEST_HARNESS
#else

#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TEST_TIMEOUT_DEFAULT 30

#define KSFT_PASS 0
#define KSFT_FAIL 1
#define KSFT_SKIP 4

struct __test_metadata {
	const char *name;
	const char *fixture;
	const char *variant_name;
	const void *variant;
	size_t fixture_size;
	void (*fn)(struct __test_metadata *_metadata, void *self,
		   const void *variant);
	void (*setup)(struct __test_metadata *_metadata, void *self,
		      const void *variant);
	void (*teardown)(struct __test_metadata *_metadata, void *self,
			 const void *variant);
	int timeout;
	int exit_code;
	bool trigger;
	jmp_buf env;
	char *reason;		/* shared with the parent */
	struct __test_metadata *next;
};

struct __fixture_variant_metadata {
	const char *fixture;
	const char *name;
	const void *data;
	struct __fixture_variant_metadata *next;
};

#define __UNUSED __attribute__((unused))

static struct __test_metadata *__tests, **__tests_tail = &__tests;
static struct __fixture_variant_metadata *__variants;
static struct __fixture_variant_metadata **__variants_tail __UNUSED =
	&__variants;

#define __REASON_SIZE 256

#define TH_LOG(fmt, ...) \
	fprintf(stderr, "# %s:%d:%s:" fmt "\n", __FILE_NAME__, __LINE__, \
		_metadata->name, ##__VA_ARGS__)

#define SKIP(statement, fmt, ...) do { \
	snprintf(_metadata->reason, __REASON_SIZE, fmt, ##__VA_ARGS__); \
	_metadata->exit_code = KSFT_SKIP; \
	statement; \
} while (0)

#define __REGISTER_TEST(id, ...) \
	static struct __test_metadata _##id##_object = { __VA_ARGS__ }; \
	static void __attribute__((constructor)) _register_##id(void) \
	{ \
		*__tests_tail = &_##id##_object; \
		__tests_tail = &_##id##_object.next; \
	}

#define TEST(test_name) \
	static void test_name(struct __test_metadata *_metadata); \
	static void _wrap_##test_name(struct __test_metadata *_metadata, \
				      void *self __UNUSED, \
				      const void *variant __UNUSED) \
	{ \
		test_name(_metadata); \
	} \
	__REGISTER_TEST(test_name, .name = #test_name, .fixture = "global", \
			.fn = _wrap_##test_name, \
			.timeout = TEST_TIMEOUT_DEFAULT) \
	static void test_name(struct __test_metadata *_metadata __UNUSED)

#define FIXTURE_DATA(name) struct _test_data_##name
#define FIXTURE_VARIANT(name) struct _fixture_variant_##name

#define FIXTURE(name) \
	FIXTURE_VARIANT(name); \
	FIXTURE_DATA(name)

#define __FIXTURE_ARGS(name) \
	struct __test_metadata *_metadata __UNUSED, \
	FIXTURE_DATA(name) *self __UNUSED, \
	const FIXTURE_VARIANT(name) *variant __UNUSED

#define FIXTURE_SETUP(name) \
	static void name##_setup(__FIXTURE_ARGS(name)); \
	static void _wrap_##name##_setup(struct __test_metadata *_metadata, \
					 void *self, const void *variant) \
	{ \
		name##_setup(_metadata, self, variant); \
	} \
	static void name##_setup(__FIXTURE_ARGS(name))

#define FIXTURE_TEARDOWN(name) \
	static void name##_teardown(__FIXTURE_ARGS(name)); \
	static void _wrap_##name##_teardown(struct __test_metadata *_metadata, \
					    void *self, const void *variant) \
	{ \
		name##_teardown(_metadata, self, variant); \
	} \
	static void name##_teardown(__FIXTURE_ARGS(name))

#define FIXTURE_VARIANT_ADD(fixture_name, variant_name) \
	extern const FIXTURE_VARIANT(fixture_name) \
		_##fixture_name##_##variant_name##_variant; \
	static struct __fixture_variant_metadata \
		_##fixture_name##_##variant_name##_object = { \
		.fixture = #fixture_name, .name = #variant_name, \
		.data = &_##fixture_name##_##variant_name##_variant, \
	}; \
	static void __attribute__((constructor)) \
	_register_##fixture_name##_##variant_name(void) \
	{ \
		*__variants_tail = &_##fixture_name##_##variant_name##_object; \
		__variants_tail = \
			&_##fixture_name##_##variant_name##_object.next; \
	} \
	const FIXTURE_VARIANT(fixture_name) \
		_##fixture_name##_##variant_name##_variant =

#define TEST_F(fixture_name, test_name) \
	TEST_F_TIMEOUT(fixture_name, test_name, TEST_TIMEOUT_DEFAULT)

#define TEST_F_TIMEOUT(fixture_name, test_name, limit) \
	static void fixture_name##_##test_name(__FIXTURE_ARGS(fixture_name)); \
	static void _wrap_##fixture_name##_##test_name( \
		struct __test_metadata *_metadata, void *self, \
		const void *variant) \
	{ \
		fixture_name##_##test_name(_metadata, self, variant); \
	} \
	__REGISTER_TEST(fixture_name##_##test_name, .name = #test_name, \
			.fixture = #fixture_name, \
			.fixture_size = sizeof(FIXTURE_DATA(fixture_name)), \
			.fn = _wrap_##fixture_name##_##test_name, \
			.setup = _wrap_##fixture_name##_setup, \
			.teardown = _wrap_##fixture_name##_teardown, \
			.timeout = limit) \
	static void fixture_name##_##test_name(__FIXTURE_ARGS(fixture_name))

static inline void __fail(struct __test_metadata *t, bool fatal)
{
	t->exit_code = KSFT_FAIL;
	t->trigger = false;
	if (fatal)
		longjmp(t->env, 1);
}

/* Lets a failed check be followed by a block that says more. */
#define __OPTIONAL_HANDLER(fatal) \
	for (; _metadata->trigger; __fail(_metadata, fatal))

#define __EXPECT(e, e_str, s, s_str, op, fatal) do { \
	__typeof__((e) + 0) __exp = (e); \
	__typeof__((s) + 0) __seen = (s); \
	if (!(__exp op __seen)) { \
		TH_LOG("Expected %s (%lld) " #op " %s (%lld)", e_str, \
		       (long long)(intptr_t)__exp, s_str, \
		       (long long)(intptr_t)__seen); \
		_metadata->trigger = true; \
	} \
} while (0); __OPTIONAL_HANDLER(fatal)

#define __EXPECT_STR(e, s, op, fatal) do { \
	const char *__exp = (e); \
	const char *__seen = (s); \
	if (!(strcmp(__exp, __seen) op 0)) { \
		TH_LOG("Expected '%s' " #op " '%s'", __exp, __seen); \
		_metadata->trigger = true; \
	} \
} while (0); __OPTIONAL_HANDLER(fatal)

#define EXPECT_EQ(e, s) __EXPECT(e, #e, s, #s, ==, false)
#define EXPECT_NE(e, s) __EXPECT(e, #e, s, #s, !=, false)
#define EXPECT_LT(e, s) __EXPECT(e, #e, s, #s, <, false)
#define EXPECT_LE(e, s) __EXPECT(e, #e, s, #s, <=, false)
#define EXPECT_GT(e, s) __EXPECT(e, #e, s, #s, >, false)
#define EXPECT_GE(e, s) __EXPECT(e, #e, s, #s, >=, false)
#define EXPECT_NULL(s) __EXPECT(NULL, "NULL", s, #s, ==, false)
#define EXPECT_TRUE(s) __EXPECT(0, "0", s, #s, !=, false)
#define EXPECT_FALSE(s) __EXPECT(0, "0", s, #s, ==, false)
#define EXPECT_STREQ(e, s) __EXPECT_STR(e, s, ==, false)
#define EXPECT_STRNE(e, s) __EXPECT_STR(e, s, !=, false)
#define ASSERT_EQ(e, s) __EXPECT(e, #e, s, #s, ==, true)
#define ASSERT_NE(e, s) __EXPECT(e, #e, s, #s, !=, true)
#define ASSERT_LT(e, s) __EXPECT(e, #e, s, #s, <, true)
#define ASSERT_LE(e, s) __EXPECT(e, #e, s, #s, <=, true)
#define ASSERT_GT(e, s) __EXPECT(e, #e, s, #s, >, true)
#define ASSERT_GE(e, s) __EXPECT(e, #e, s, #s, >=, true)
#define ASSERT_NULL(s) __EXPECT(NULL, "NULL", s, #s, ==, true)
#define ASSERT_TRUE(s) __EXPECT(0, "0", s, #s, !=, true)
#define ASSERT_FALSE(s) __EXPECT(0, "0", s, #s, ==, true)
#define ASSERT_STREQ(e, s) __EXPECT_STR(e, s, ==, true)
#define ASSERT_STRNE(e, s) __EXPECT_STR(e, s, !=, true)

/* Teardown runs after a failed or skipped test too. */
static void __test_child(struct __test_metadata *t)
{
	void *self = calloc(1, t->fixture_size + 1);
	volatile bool set_up = !t->setup;

	if (!setjmp(t->env)) {
		if (t->setup)
			t->setup(t, self, t->variant);
		set_up = true;
		if (t->exit_code == KSFT_PASS)
			t->fn(t, self, t->variant);
	}
	if (t->teardown && !setjmp(t->env))
		t->teardown(t, self, t->variant);
	fflush(NULL);
	_exit(set_up || t->exit_code == KSFT_SKIP ? t->exit_code : KSFT_FAIL);
}

/* Waits for @pid for @seconds at most, and says whether it ended. */
static bool __test_wait(pid_t pid, int *status, int seconds, sigset_t *chld)
{
	struct timespec limit = { .tv_sec = seconds };
	pid_t ended;

	while ((ended = waitpid(pid, status, WNOHANG)) == 0)
		if (sigtimedwait(chld, NULL, &limit) < 0)
			break;
	return ended == pid || waitpid(pid, status, WNOHANG) == pid;
}

/* A kernel that checks everything it does takes many times as long. */
static int __test_limit(const struct __test_metadata *t)
{
	const char *factor = getenv("TEST_TIMEOUT_FACTOR");

	return t->timeout * (factor && atoi(factor) > 0 ? atoi(factor) : 1);
}

/* A child that even SIGKILL doesn't end is left behind, so that we end. */
static void __test_kill(struct __test_metadata *t, pid_t pid, sigset_t *chld)
{
	int status;

	fprintf(stderr, "# %s: killed after %d s\n", t->name, __test_limit(t));
	kill(-pid, SIGKILL);
	if (!__test_wait(pid, &status, 10, chld))
		fprintf(stderr, "# %s: SIGKILL did not end it\n", t->name);
}

static int __test_run(struct __test_metadata *t)
{
	sigset_t chld;
	pid_t pid;
	int status;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		sigprocmask(SIG_UNBLOCK, &chld, NULL);
		__test_child(t);
	}
	if (pid < 0)
		return KSFT_FAIL;
	setpgid(pid, pid);
	if (!__test_wait(pid, &status, __test_limit(t), &chld)) {
		__test_kill(t, pid, &chld);
		return KSFT_FAIL;
	}
	if (WIFSIGNALED(status)) {
		fprintf(stderr, "# %s: killed by signal %d\n", t->name,
			WTERMSIG(status));
		return KSFT_FAIL;
	}
	return WEXITSTATUS(status);
}

static double __test_seconds(const struct timespec *since)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec - since->tv_sec + (now.tv_nsec - since->tv_nsec) / 1e9;
}

/* How long a test took follows its name, for whoever looks for the slow ones. */
static int __test_report(struct __test_metadata *t, int number)
{
	struct timespec start;
	char name[256];
	int result;

	snprintf(name, sizeof(name), "%s%s%s.%s", t->fixture,
		 t->variant ? "." : "", t->variant ? t->variant_name : "",
		 t->name);
	t->reason[0] = '\0';
	clock_gettime(CLOCK_MONOTONIC, &start);
	result = __test_run(t);
	if (result == KSFT_SKIP)
		printf("ok %d %s # SKIP %s\n", number, name, t->reason);
	else
		printf("%s %d %s # %.2f s\n", result ? "not ok" : "ok", number,
		       name, __test_seconds(&start));
	fflush(stdout);
	return result;
}

/* Calls @fn on @t once for each of its fixture's variants. */
static int __for_each_variant(struct __test_metadata *t,
			      int (*fn)(struct __test_metadata *t, int number),
			      int *number)
{
	struct __fixture_variant_metadata *v;
	int failed = 0, variants = 0;

	for (v = __variants; v; v = v->next) {
		if (strcmp(v->fixture, t->fixture))
			continue;
		variants++;
		t->variant = v->data;
		t->variant_name = v->name;
		if (fn(t, ++*number) == KSFT_FAIL)
			failed++;
	}
	if (!variants && fn(t, ++*number) == KSFT_FAIL)
		failed++;
	return failed;
}

static int __test_count(struct __test_metadata *t __UNUSED,
			int number __UNUSED)
{
	return KSFT_PASS;
}

/* The arguments are names of tests or fixtures to run; without, all run. */
static bool __test_selected(struct __test_metadata *t, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (!strcmp(argv[i], t->name) || !strcmp(argv[i], t->fixture))
			return true;
	return argc < 2;
}

static int test_harness_run(int argc, char **argv)
{
	char *reason = mmap(NULL, __REASON_SIZE, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct __test_metadata *t;
	int planned = 0, number = 0, failed = 0;

	for (t = __tests; t; t = t->next) {
		t->reason = reason;
		if (__test_selected(t, argc, argv))
			__for_each_variant(t, __test_count, &planned);
	}
	printf("TAP version 13\n1..%d\n", planned);
	for (t = __tests; t; t = t->next)
		if (__test_selected(t, argc, argv))
			failed += __for_each_variant(t, __test_report, &number);
	printf("# %d of %d failed\n", failed, number);
	return failed ? KSFT_FAIL : KSFT_PASS;
}

#define TEST_HARNESS_MAIN \
	int main(int argc, char **argv) \
	{ \
		return test_harness_run(argc, argv); \
	}

#endif /* KSELFTEST_HARNESS */

/*
 * How often to do what is done many times in the hope of a rare moment: @nr
 * times, or TEST_ROUNDS_PERCENT per cent of that: less where a kernel is slow or time
 * is short, more to look for the moment. What has to be done as often as it is for
 * another reason, such as reaching a limit, doesn't ask.
 */
static inline int test_rounds(int nr)
{
	const char *percent = getenv("TEST_ROUNDS_PERCENT");
	long wanted = percent ? atol(percent) : 100;

	if (wanted <= 0 || wanted > 1000000)
		return nr;
	return nr * wanted / 100 ? nr * wanted / 100 : 1;
}

#endif /* VHOST_FS_HARNESS_H */
