// SPDX-License-Identifier: GPL-2.0-only
/*
 * vu-link.c: what a server says that can't be is not believed.
 */
#include "vu-link.h"

#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "unit.h"
#include "vu-record.h"

/* What the keeper gets of it. */
static struct vu_result *pass(struct vu_result *result)
{
	static struct vu_result got;
	int pair[2];

	assert_int_equal(0, vu_link_open(pair));
	assert_true(vu_link_send_result(pair[0], result));
	assert_true(vu_link_receive_result(pair[1], &got));
	close(pair[0]);
	close(pair[1]);
	return &got;
}

static struct vu_result *make(void)
{
	static struct vu_result result;

	memset(&result, 0, sizeof(result));
	result.fd = -1;
	vu_record_init(&result.record, -1);
	return &result;
}

static void test_counts(void **state)
{
	struct vu_result *result = make();

	(void)state;
	result->size = sizeof(result->payload);
	result->record.nr_regions = VU_MAX_REGIONS;
	assert_int_equal(0, pass(result)->status);
	result->size++;
	assert_int_not_equal(0, pass(result)->status);
	result->size = 0;
	result->record.nr_regions++;
	assert_int_not_equal(0, pass(result)->status);
	result->record.nr_regions = 1U << 31;
	assert_int_not_equal(0, pass(result)->status);
}

static void test_descriptor(void **state)
{
	struct vu_result *result = make();
	int free_fd = dup(0), fd;

	(void)state;
	close(free_fd);
	result->fd = eventfd(0, EFD_CLOEXEC);
	result->answers = true;
	result->request = VU_GET_CONFIG;
	assert_int_equal(-1, pass(result)->fd);
	result->request = VU_GET_INFLIGHT_FD;
	fd = pass(result)->fd;
	assert_true(fd >= 0);
	close(fd);
	result->answers = false;
	assert_int_equal(-1, pass(result)->fd);
	close(result->fd);
	/* Those that weren't taken are closed. */
	fd = dup(0);
	assert_int_equal(free_fd, fd);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
