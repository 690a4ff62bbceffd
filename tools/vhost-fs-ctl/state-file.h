/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Device states that lie in files, or come through pipes.
 */
#ifndef CTL_STATE_FILE_H
#define CTL_STATE_FILE_H

#include "state_codec.h"

/**
 * struct state_file - a device state in memory
 * @name: what to call it in messages
 * @data: its bytes, which @st points into
 * @len: how many
 * @st: what they say
 */
struct state_file {
	const char *name;
	unsigned char *data;
	size_t len;
	struct vhost_fs_state st;
};

/*
 * Reads the file @path, or standard input if that is "-", and finds the parts of
 * the stream. Returns 0, or an exit status after an error was printed.
 */
int state_file_read(struct state_file *file, const char *path);
void state_file_free(struct state_file *file);

#endif /* CTL_STATE_FILE_H */
