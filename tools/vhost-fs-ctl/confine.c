// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a process that talks to a VMM gives up once its socket and its device
 * are open. The guest's requests are the kernel's, and run with the share's
 * credentials, which this doesn't touch.
 */
#include "confine.h"

#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>

#include "caps.h"
#include "msg.h"

/* Whoever may not have them goes without: he had no rights to begin with. */
static int leave_namespaces(void)
{
	if (unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) < 0)
		return errno == EPERM ? 0 :
		       refused("can't have namespaces of its own: %s", strerror(errno));
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return refused("can't have mounts of its own: %s", strerror(errno));
	return 0;
}

/* The device is open, and no group's rights are of use any more. */
static int leave_groups(void)
{
	if (setgroups(0, NULL) < 0 && errno != EPERM)
		return refused("can't drop supplementary groups: %s", strerror(errno));
	return 0;
}

int confine(void)
{
	int err = leave_namespaces();

	if (!err)
		err = leave_groups();
	if (err)
		return err;
	err = caps_drop_all();
	if (err)
		return err;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return refused("can't give up new privileges: %s", strerror(errno));
	return 0;
}
