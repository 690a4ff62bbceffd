// SPDX-License-Identifier: GPL-2.0-only
/*
 * The share of one vhost-fs-virtiofsd. A share serves with the credentials of
 * the process that adds it, so a child takes them on, adds the share, attaches
 * the device that it shares with its parent, takes the name away again, and
 * ends: from then on the share is the device's alone.
 *
 * Without root's rights, the child enters a user namespace first, in which it
 * has the rights of a file server over the ids that are mapped.
 */
#include "virtiofsd-share.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dev.h"
#include "msg.h"

extern char **environ;

/* Words of newuidmap: its name, a process id, three for each range. */
#define MAP_WORDS (3 + 3 * ID_MAP_MAX)
#define NUMBER_TEXT 12

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return refused("can't wait for a process: %s", strerror(errno));
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_REFUSED;
}

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return done;
}

/* The caller's own id, as itself: nobody needs help for that. */
static bool map_self(const char *path, unsigned int id)
{
	char text[2 * NUMBER_TEXT + 4];

	snprintf(text, sizeof(text), "%u %u 1", id, id);
	return write_text(path, text);
}

/* Ranges that /etc/subuid gives, by a program that may. */
static int map_with(const char *program, pid_t pid, const struct id_map *map)
{
	static char numbers[MAP_WORDS][NUMBER_TEXT];
	char *words[MAP_WORDS] = { (char *)program };
	unsigned int nr = 1;
	pid_t helper;
	size_t i;
	int err;

	snprintf(numbers[nr], NUMBER_TEXT, "%d", (int)pid);
	words[nr] = numbers[nr];
	nr++;
	for (i = 0; i < map->nr; i++) {
		const uint32_t values[] = {
			map->rows[i].guest, map->rows[i].host, map->rows[i].count
		};
		int j;

		for (j = 0; j < 3; j++, nr++) {
			snprintf(numbers[nr], NUMBER_TEXT, "%u", values[j]);
			words[nr] = numbers[nr];
		}
	}
	err = posix_spawnp(&helper, program, NULL, NULL, words, environ);
	if (err)
		return refused("can't run %s: %s", program, strerror(err));
	return wait_for(helper) ? refused("%s refuses", program) : 0;
}

static int map_ids(const struct virtiofsd_options *o, pid_t pid)
{
	char path[64];
	int err = 0;

	if (o->share.sandbox.gids.nr) {
		err = map_with("newgidmap", pid, &o->share.sandbox.gids);
	} else {
		snprintf(path, sizeof(path), "/proc/%d/setgroups", (int)pid);
		if (!write_text(path, "deny"))
			return refused("can't map group ids: %s", strerror(errno));
		snprintf(path, sizeof(path), "/proc/%d/gid_map", (int)pid);
		if (!map_self(path, getegid()))
			return refused("can't map group ids: %s", strerror(errno));
	}
	if (err)
		return err;
	if (o->share.sandbox.uids.nr)
		return map_with("newuidmap", pid, &o->share.sandbox.uids);
	snprintf(path, sizeof(path), "/proc/%d/uid_map", (int)pid);
	if (!map_self(path, geteuid()))
		return refused("can't map user ids: %s", strerror(errno));
	return 0;
}

static bool wants_namespace(const struct virtiofsd_options *o)
{
	return geteuid() && o->sandbox == VIRTIOFSD_NAMESPACE;
}

/* The child's half: its own namespace, whose ids the parent maps. */
static int enter_namespace(const struct virtiofsd_options *o, int up, int down)
{
	char byte = 0;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return refused("can't make a user namespace: %s", strerror(errno));
	if (write(up, &byte, 1) != 1 || read(down, &byte, 1) != 1)
		return EXIT_REFUSED;
	if (o->share.sandbox.gids.nr && setresgid(0, 0, 0) < 0 && errno != EINVAL)
		return refused("can't become group 0 of the namespace: %s", strerror(errno));
	if (o->share.sandbox.uids.nr && setresuid(0, 0, 0) < 0 && errno != EINVAL)
		return refused("can't become user 0 of the namespace: %s", strerror(errno));
	return 0;
}

/* Opening by handle takes a capability over the file system itself. */
static void choose_handles(struct virtiofsd_options *o)
{
	const uint64_t bit = 1ULL << CAP_DAC_READ_SEARCH;
	struct vhost_fs_add_share *share = &o->share.share;

	if (share->inode_file_handles == VHOST_FS_HANDLES_PREFER &&
	    (geteuid() || o->share.process.drop & bit))
		share->inode_file_handles = VHOST_FS_HANDLES_NEVER;
	if (share->inode_file_handles != VHOST_FS_HANDLES_NEVER ||
	    share->migration & VHOST_FS_MIGRATION_FILE_HANDLES) {
		o->share.process.drop &= ~bit;
		o->share.process.keep |= bit;
	}
}

/* No signal comes between adding and removing: the name would stay. */
static int borrow_name(struct vhost_fs_add_share *share, int device)
{
	const char *name = (const char *)share->name;
	sigset_t all;
	int err;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	err = dev_add_share_anyhow(device, share);
	if (err)
		return err;
	err = dev_attach_share(device, name);
	return dev_remove_share(device, name) ?: err;
}

/* Nobody can take a name that nobody can know, to keep this from its share. */
static int add_share(struct virtiofsd_options *o, int device)
{
	struct share_request *request = &o->share;
	unsigned long long number;

	/* Ids are mapped by the namespace, not by the mount. */
	request->sandbox.uids.nr = 0;
	request->sandbox.gids.nr = 0;
	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return refused("can't make up a name: %s", strerror(errno));
	snprintf((char *)request->share.name, sizeof(request->share.name),
		 "virtiofsd-%d-%016llx", (int)getppid(), number);
	request->share.root_fd = sandbox_open(request->path, &request->sandbox);
	if (request->share.root_fd < 0)
		return EXIT_REFUSED;
	share_request_point(request);
	return caps_become_share(&request->process) ?: borrow_name(&request->share, device);
}

static int child(struct virtiofsd_options *o, int device, int up, int down)
{
	int err = 0;

	choose_handles(o);
	if (wants_namespace(o))
		err = enter_namespace(o, up, down);
	else if (o->share.sandbox.uids.nr || o->share.sandbox.gids.nr)
		err = refused("--uid-map and --gid-map are for users other than root");
	if (geteuid() && o->sandbox == VIRTIOFSD_CHROOT)
		err = refused("--sandbox chroot is for root");
	return err ? err : add_share(o, device);
}

int virtiofsd_make_share(struct virtiofsd_options *o, int device)
{
	int up[2], down[2], err = 0;
	char byte = 0;
	pid_t pid;

	if (pipe2(up, O_CLOEXEC) < 0 || pipe2(down, O_CLOEXEC) < 0)
		return refused("can't make a pipe: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		return refused("can't start a process: %s", strerror(errno));
	if (!pid) {
		close(up[0]);
		close(down[1]);
		_exit(child(o, device, up[1], down[0]));
	}
	close(up[1]);
	close(down[0]);
	/* Nothing comes from a child that needs no namespace, or has none. */
	if (read(up[0], &byte, 1) == 1)
		err = map_ids(o, pid);
	if (!err && wants_namespace(o) && write(down[1], &byte, 1) != 1)
		err = EXIT_REFUSED;
	close(up[0]);
	close(down[1]);
	return wait_for(pid) ?: err;
}
