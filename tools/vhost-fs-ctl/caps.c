// SPDX-License-Identifier: GPL-2.0-only
/*
 * The credentials of this process, which the kernel notes with the share it
 * adds: a share can do what this process could do at that moment. This is the
 * only file that uses libcap-ng.
 */
#include "caps.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "msg.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/*
 * What a file server needs to act for every user of a guest. CAP_SYS_ADMIN,
 * CAP_DAC_READ_SEARCH (which opens files by handle, and so outside the share)
 * and CAP_SYS_RESOURCE (quota and reserved blocks) are not among them.
 */
static const unsigned int kept[] = {
	CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID,
	CAP_SETGID, CAP_SETUID, CAP_MKNOD, CAP_SETFCAP,
};

/*
 * A user namespace can forbid setgroups() for good (EPERM despite CAP_SETGID);
 * the groups then stay, which is no more than the caller has anyway.
 */
static int drop_groups(void)
{
	if (!capng_have_capability(CAPNG_EFFECTIVE, CAP_SETGID))
		return 0;
	if (setgroups(0, NULL) < 0 && errno != EPERM)
		return refused("can't drop supplementary groups: %s", strerror(errno));
	return 0;
}

/*
 * Keeps what is both held and in the table: never raises what the caller had
 * put away. The inheritable set, and with it the ambient one, becomes empty.
 */
static void choose_caps(capng_select_t sets)
{
	unsigned int held = 0, bound = 0, i;

	for (i = 0; i < ARRAY_SIZE(kept); i++) {
		if (capng_have_capability(CAPNG_EFFECTIVE, kept[i]))
			held |= 1U << i;
		if (capng_have_capability(CAPNG_BOUNDING_SET, kept[i]))
			bound |= 1U << i;
	}
	capng_clear(sets);
	for (i = 0; i < ARRAY_SIZE(kept); i++) {
		if (held & (1U << i))
			capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, kept[i]);
		if ((sets & CAPNG_SELECT_BOUNDS) && (bound & (1U << i)))
			capng_update(CAPNG_ADD, CAPNG_BOUNDING_SET, kept[i]);
	}
}

int caps_limit_to_share(void)
{
	capng_select_t sets = CAPNG_SELECT_CAPS;
	int err;

	umask(0);
	if (capng_get_caps_process() < 0)
		return refused("can't read this process's capabilities");
	err = drop_groups();
	if (err)
		return err;
	/* Without CAP_SETPCAP the bounding set can't be changed. */
	if (capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP))
		sets = CAPNG_SELECT_BOTH;
	choose_caps(sets);
	if (capng_apply(sets) < 0)
		return refused("can't give up capabilities: %s", strerror(errno));
	return 0;
}

const char *caps_name(unsigned int capability)
{
	const char *name = capng_capability_to_name(capability);
	static char buffer[32];

	/* Newer libraries give an unknown one the name cap_NUMBER themselves. */
	if (name && !strncmp(name, "cap_", 4))
		return name;
	if (name)
		snprintf(buffer, sizeof(buffer), "cap_%s", name);
	else
		snprintf(buffer, sizeof(buffer), "cap_%u", capability);
	return buffer;
}
