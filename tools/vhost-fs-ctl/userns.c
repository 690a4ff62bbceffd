// SPDX-License-Identifier: GPL-2.0-only
/*
 * A user namespace that exists only for its id maps, made by a child process
 * that ends as soon as it is open. Mounts use it in this direction: what the
 * file system says is an id inside, what the mount shows is the one outside.
 */
#include "userns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "msg.h"

/* Room for a line of three numbers. */
#define MAP_LINE 34

/* Ids of this process's own namespace, all of them. */
static int own_map(const char *name, struct id_map *map)
{
	char path[64];
	uint32_t inside, outside, count;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/%s", name);
	file = fopen(path, "re");
	if (!file)
		return -1;
	while (map->nr < ID_MAP_MAX &&
	       fscanf(file, "%u %u %u", &inside, &outside, &count) == 3) {
		map->rows[map->nr].guest = inside;
		map->rows[map->nr].host = inside;
		map->rows[map->nr++].count = count;
	}
	fclose(file);
	return map->nr ? 0 : -1;
}

/* The kernel takes a map in one write only. */
static int write_map(pid_t pid, const char *name, const struct id_map *wanted)
{
	struct id_map map = *wanted;
	char text[ID_MAP_MAX * MAP_LINE], path[64];
	size_t i, len = 0;
	ssize_t done;
	int fd;

	if (!map.nr && own_map(name, &map) < 0)
		return -1;
	for (i = 0; i < map.nr; i++)
		len += snprintf(text + len, sizeof(text) - len, "%u %u %u\n", map.rows[i].host,
				map.rows[i].guest, map.rows[i].count);
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	done = write(fd, text, len);
	close(fd);
	return done == (ssize_t)len ? 0 : -1;
}

/* Lives in the new namespace until the parent closes its end. */
static void child(int up, int down)
{
	char byte = 0;

	if (unshare(CLONE_NEWUSER) < 0)
		byte = errno;
	if (write(up, &byte, 1) != 1 || byte)
		_exit(1);
	while (read(down, &byte, 1) < 0 && errno == EINTR)
		;
	_exit(0);
}

static int open_of(pid_t pid, int up, const struct id_map *uids, const struct id_map *gids)
{
	char byte, path[64];
	int fd;

	if (read(up, &byte, 1) != 1)
		byte = EIO;
	if (byte) {
		refused("can't make a user namespace: %s", strerror(byte));
		return -1;
	}
	if (write_map(pid, "uid_map", uids) < 0 || write_map(pid, "gid_map", gids) < 0) {
		refused("can't map ids: %s", errno == EPERM ?
			"you may not use these ids, or lack CAP_SETUID or CAP_SETGID" :
			strerror(errno));
		return -1;
	}
	snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		refused("can't open a user namespace: %s", strerror(errno));
	return fd;
}

int userns_open(const struct id_map *uids, const struct id_map *gids)
{
	int up[2], down[2], fd;
	pid_t pid;

	if (pipe2(up, O_CLOEXEC) < 0 || pipe2(down, O_CLOEXEC) < 0) {
		refused("can't make a pipe: %s", strerror(errno));
		return -1;
	}
	pid = fork();
	if (pid < 0) {
		refused("can't start a process: %s", strerror(errno));
		return -1;
	}
	if (!pid) {
		close(down[1]);
		child(up[1], down[0]);
	}
	close(up[1]);
	close(down[0]);
	fd = open_of(pid, up[0], uids, gids);
	close(down[1]);
	close(up[0]);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return fd;
}
