/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Faults on demand: the n-th step at which a task could fail does, be it a memory
 * allocation, a copy from or to user space or a read of a block device. Needs a
 * kernel with CONFIG_FAULT_INJECTION, FAILSLAB, FAIL_PAGE_ALLOC, FAIL_MAKE_REQUEST and
 * FAULT_INJECTION_USERCOPY; vm/uml has them.
 */
#ifndef VHOST_FS_TEST_FAULTS_H
#define VHOST_FS_TEST_FAULTS_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FAULTS_DIR "/sys/kernel/debug/"

/* Nothing comes to so many places that can fail. */
#define FAULTS_MAX 1000

static inline bool faults_exist(void)
{
	return !access("/proc/self/fail-nth", F_OK);
}

static inline int faults_write(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CLOEXEC);
	int ret = fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return ret;
}

/*
 * Allocations that could wait fail too, and nothing is printed when they do; or all is as
 * it was. 0 or a negative errno, which is also explained on stderr.
 */
static inline int faults_allow(bool on)
{
	static const struct {
		const char *name, *on, *off;
	} knobs[] = {
		{ "failslab/ignore-gfp-wait", "N", "Y" },
		{ "failslab/verbose", "0", "2" },
		{ "fail_page_alloc/ignore-gfp-wait", "N", "Y" },
		{ "fail_page_alloc/ignore-gfp-highmem", "N", "Y" },
		{ "fail_page_alloc/min-order", "0", "1" },
		{ "fail_page_alloc/verbose", "0", "2" },
		{ "fail_usercopy/verbose", "0", "2" },
		{ "fail_make_request/verbose", "0", "2" },
	};
	char name[128];
	unsigned int i;
	int ret;

	for (i = 0; i < sizeof(knobs) / sizeof(knobs[0]); i++) {
		snprintf(name, sizeof(name), FAULTS_DIR "%s", knobs[i].name);
		ret = faults_write(name, on ? knobs[i].on : knobs[i].off);
		if (ret) {
			fprintf(stderr, "# %s: %s\n", name, strerror(-ret));
			return ret;
		}
	}
	return 0;
}

/* The caller's own knob, to be closed; its n-th step from faults_arm() on fails. */
static inline int faults_open(void)
{
	int knob = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);

	return knob < 0 ? -errno : knob;
}

static inline int faults_arm(int knob, unsigned int nth)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%u", nth);

	return pwrite(knob, text, n, 0) == n ? 0 : -errno;
}

/* From now on none does; whether one did. */
static inline bool faults_disarm(int knob)
{
	char text[16] = "";
	/* If this fails, it was the number's last, and there is none any more. */
	ssize_t n = pread(knob, text, sizeof(text) - 1, 0);

	faults_arm(knob, 0);
	return n > 0 && !atoi(text);
}

#endif /* VHOST_FS_TEST_FAULTS_H */
