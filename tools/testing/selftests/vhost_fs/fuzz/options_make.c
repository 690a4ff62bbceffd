// SPDX-License-Identifier: GPL-2.0-only
/*
 * Inputs for options_fuzz without libFuzzer: words of the grammars in any order.
 */
#include <string.h>

#include "fuzz.h"

size_t fuzz_make(uint8_t *out)
{
	static const char *const words[] = {
		":", ":", ":", "\n", "\n", "map", "prefix", "ok", "bad", "unsupported", "all",
		"client", "server", "user.", "trusted.", "security.capability", "0", "1", "65536",
		"4294967295", "4294967296", "-1", "guest", "host", "squash-guest", "squash-host",
		"forbid-guest", "--shared-dir", "--socket-path", "--fd", "--tag", "--xattr",
		"--xattrmap", "--translate-uid", "--uid-map", "--cache", "auto", "never", "always",
		"--sandbox", "chroot", "none", "--modcaps", "+sys_admin", "--thread-pool-size",
		"--inode-file-handles=", "prefer", "mandatory", "/tmp", "-o", "cache=none", ",",
		"=", "--log-level", "debug", "--rlimit-nofile", "--help", "/", " ", "\t",
	};
	size_t size = 1, len;
	const char *word;

	out[0] = fuzz_next(4);
	while (size < 200 && fuzz_next(24)) {
		word = words[fuzz_next(sizeof(words) / sizeof(words[0]))];
		len = strlen(word);
		memcpy(out + size, word, len);
		size += len;
	}
	return size;
}
