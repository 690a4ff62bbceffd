/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A keeper's way to become another program, a newer one of the same name, with all
 * that it holds. Process, descriptors and command line stay; what it knew is in a
 * file in memory, whose number is in the environment.
 *
 * The next program is first run beside the old one, to be asked whether it can read
 * that. One that doesn't start, or knows another form of it, replaces nothing.
 */
#ifndef CTL_VU_UPGRADE_H
#define CTL_VU_UPGRADE_H

#include <stdbool.h>

#include "vu-record.h"
#include "vu-socket.h"

/**
 * struct vu_handover - what a program leaves to the next one
 * @form: VU_HANDOVER_FORM
 * @size: of this structure
 * @question: the reader is only asked whether it could go on with it
 * @accepted: the answer to that
 * @listener: socket that VMMs connect to
 * @lock: lock of its path, or -1
 * @connected: there is a connection; only @record.device counts if there is none
 * @busy: its message has been complete, and isn't known to be done
 * @deaths: servers that have died in a row
 * @conn: the connection
 * @record: the session
 *
 * Descriptors have the same numbers in both programs.
 */
struct vu_handover {
	uint32_t form;
	uint32_t size;
	bool question;
	bool accepted;
	int listener;
	int lock;
	bool connected;
	bool busy;
	unsigned int deaths;
	struct vu_connection conn;
	struct vu_record record;
};

/*
 * To be raised when what a record or a connection says changes its meaning, and when a
 * keeper makes a system call that it didn't make before: an earlier list stays in force.
 */
#define VU_HANDOVER_FORM 2

/**
 * struct vu_upgrade - what is needed to become another program
 * @signals: descriptor by which to hear that it is wanted (SIGUSR2)
 * @program: where it is
 * @words: the command line, the program's name first
 */
struct vu_upgrade {
	int signals;
	const char *program;
	char **words;
};

/*
 * Finds out how this process was started; @program is NULL, or what to run instead
 * of the same program. Returns 0 or an exit status after an error was printed.
 */
int vu_upgrade_init(struct vu_upgrade *upgrade, const char *program);

/* To be called when @upgrade->signals can be read. */
void vu_upgrade_heard(const struct vu_upgrade *upgrade);

/* Is this program to go on with what another one did? */
bool vu_upgrade_is_next(void);

/*
 * Then fills @handover. Returns 0, or an exit status after an error was printed;
 * doesn't return if the program was only asked.
 */
int vu_upgrade_take(struct vu_handover *handover);

/*
 * Asks the program whether it would go on with @handover. Returns whether it would;
 * a line has been printed if not. *@ended is set if one of the signals came that
 * @signals has.
 */
bool vu_upgrade_ask(const struct vu_upgrade *upgrade, struct vu_handover *handover, int signals,
		    bool *ended);

/* Becomes it. Returns if that isn't possible, after a line was printed. */
void vu_upgrade_exec(const struct vu_upgrade *upgrade, struct vu_handover *handover);

#endif /* CTL_VU_UPGRADE_H */
