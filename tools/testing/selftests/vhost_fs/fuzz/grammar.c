// SPDX-License-Identifier: GPL-2.0-only
/*
 * The grammar of requests; see grammar.h. The layouts are <linux/fuse.h>'s.
 */
#include "grammar.h"

#include <linux/fuse.h>
#include <string.h>

#include "../fuse.h"

#define CREATES (BRINGS_NODE | CHANGES)

const struct grammar_op grammar[] = {
	{ FUSE_LOOKUP, "", 1, 0, BRINGS_NODE },
	{ FUSE_FORGET, "t" },
	{ FUSE_GETATTR, "fzh" },
	{ FUSE_SETATTR, "fzhotttt" "sssmzuuz", 0, 0, CHANGES },
	{ FUSE_READLINK, "" },
	{ FUSE_SYMLINK, "", 2, 0, CREATES },
	{ FUSE_MKNOD, "mfmz", 1, 0, CREATES },
	{ FUSE_MKDIR, "mm", 1, 0, CREATES },
	{ FUSE_UNLINK, "", 1, 0, CHANGES },
	{ FUSE_RMDIR, "", 1, 0, CHANGES },
	{ FUSE_RENAME, "n", 2, 0, CHANGES },
	{ FUSE_LINK, "n", 1, 0, CREATES },
	{ FUSE_OPEN, "Of", 0, 0, BRINGS_HANDLE | FILLS },
	{ FUSE_READ, "hosftfz" },
	{ FUSE_WRITE, "hodftfz", 0, DATA_BYTES, FILLS },
	{ FUSE_STATFS, "" },
	{ FUSE_RELEASE, "hfft" },
	{ FUSE_FSYNC, "hfz" },
	{ FUSE_SETXATTR, "dffz", 1, DATA_VALUE, CHANGES },
	{ FUSE_GETXATTR, "sz", 1 },
	{ FUSE_LISTXATTR, "sz" },
	{ FUSE_REMOVEXATTR, "", 1, 0, CHANGES },
	{ FUSE_FLUSH, "hzzt" },
	{ FUSE_INIT, "fffff" "zzzzz" "zzzzzz" },
	{ FUSE_OPENDIR, "Of", 0, 0, BRINGS_HANDLE },
	{ FUSE_READDIR, "hosftfz" },
	{ FUSE_RELEASEDIR, "hfft" },
	{ FUSE_FSYNCDIR, "hfz" },
	{ FUSE_GETLK, "htoosffz" },
	{ FUSE_SETLK, "htoosffz" },
	{ FUSE_SETLKW, "htoosffz", 0, 0, WAITS },
	{ FUSE_ACCESS, "fz" },
	{ FUSE_CREATE, "Ommf", 1, 0, CREATES | BRINGS_HANDLE },
	{ FUSE_INTERRUPT, "t" },
	{ FUSE_BMAP, "osz" },
	{ FUSE_DESTROY, "" },
	{ FUSE_IOCTL, "hfctds", 0, DATA_BYTES, FILLS },
	{ FUSE_POLL, "htff" },
	{ FUSE_NOTIFY_REPLY, "tottt" },
	{ FUSE_BATCH_FORGET, "dz", 0, DATA_FORGETS },
	{ FUSE_FALLOCATE, "hoofz", 0, 0, FILLS },
	{ FUSE_READDIRPLUS, "hosftfz", 0, 0, BRINGS_NODE },
	{ FUSE_RENAME2, "nfz", 2, 0, CHANGES },
	{ FUSE_LSEEK, "hofz" },
	{ FUSE_COPY_FILE_RANGE, "honhoot", 0, 0, FILLS },
	{ FUSE_SETUPMAPPING, "hooto" },
	{ FUSE_REMOVEMAPPING, "dz", 0, DATA_FORGETS },
	{ FUSE_SYNCFS, "t" },
	{ FUSE_TMPFILE, "Ommf", 1, 0, CREATES | BRINGS_HANDLE },
	{ FUSE_STATX, "fzhff" },
	{ FUSE_COPY_FILE_RANGE_64, "honhoot", 0, 0, FILLS },
	{ 55, "tttt" },
};

const unsigned int grammar_size = sizeof(grammar) / sizeof(grammar[0]);

const char *grammar_name(unsigned int number)
{
	static const char *const names[] = {
		"f", "d", "l", "x", "p", "out", "a", "b", "c", ".", "..", "", "/", "d/f",
		"../f", "/etc/passwd", "user.x", "user.y", "system.posix_acl_access",
		"system.posix_acl_default", "security.capability", "trusted.overlay.opaque",
		"security.selinux", "user.", "trusted.x", "system.x", "user.g.trusted.x",
	};
	static char longer[3][300];
	const unsigned int nr = sizeof(names) / sizeof(names[0]);

	if (number < nr)
		return names[number];
	if (number < nr + 3) {
		/* The longest that a file may have, and one more; the same for attributes. */
		memset(longer[number - nr], 'n', 254 + number - nr);
		return longer[number - nr];
	}
	return names[number % nr];
}
