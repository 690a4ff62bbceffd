// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command state: what of a device is moved when its guest moves.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "args.h"
#include "dev.h"
#include "msg.h"
#include "parse.h"
#include "print-state.h"
#include "state-file.h"
#include "state-result.h"

/* Which device; neither is needed to show a file. */
struct state_request {
	const char *share;
	int fd;
};

static int take_share(void *ctx, const struct option_row *row, const char *value)
{
	struct state_request *request = ctx;
	const char *why = parse_share_name(value);

	request->share = value;
	return why ? args_bad_value(row, value, why) : 0;
}

static int take_fd(void *ctx, const struct option_row *row, const char *value)
{
	struct state_request *request = ctx;
	const char *why = parse_fd(value, &request->fd);

	return why ? args_bad_value(row, value, why) : 0;
}

static int show(const struct state_request *request, const char *path, bool json)
{
	struct state_file file = { };
	int err;

	if (request->share || request->fd)
		return usage_error("state show takes a file, and neither --share nor --fd");
	err = state_file_read(&file, path);
	if (!err && json)
		print_state_json(stdout, &file.st);
	else if (!err)
		print_state_text(stdout, &file.st);
	state_file_free(&file);
	return err;
}

/* The device named, owned by this process if it was by nobody; -1 on failure. */
static int open_device(const struct state_request *request, int *err)
{
	int fd = request->fd;

	if (!fd == !request->share) {
		*err = usage_error("state save and load need one of --share NAME and --fd N");
		return -1;
	}
	*err = EXIT_REFUSED;
	if (request->share)
		fd = dev_open();
	if (fd < 0)
		return -1;
	*err = request->share ? dev_attach_share(fd, request->share) : 0;
	if (!*err)
		*err = dev_set_owner(fd);
	if (!*err)
		return fd;
	close(fd);
	return -1;
}

static int bad_result(const char *verb, const struct vhost_fs_device_state_result *result)
{
	char text[STATE_RESULT_MAX];

	return refused("can't %s the device's state: %s", verb, state_result_text(result, text));
}

static void print_result(const struct vhost_fs_device_state_result *result, bool json)
{
	printf(json ? "{\"bytes\": %" PRIu64 ", \"lost_nodes\": %" PRIu64
		      ", \"lost_handles\": %" PRIu64 "}\n" :
		      "%" PRIu64 " bytes; lost: nodes: %" PRIu64 ", open files: %" PRIu64 "\n",
	       (uint64_t)result->bytes, (uint64_t)result->lost_nodes,
	       (uint64_t)result->lost_handles);
}

/* The kernel reads what was found to be a device state, whatever it came from. */
static int memory_file(const struct state_file *file)
{
	int fd = memfd_create("state", MFD_CLOEXEC);
	size_t done = 0;
	ssize_t n = 0;

	for (; fd >= 0 && n >= 0 && done < file->len; done += n > 0 ? n : 0)
		n = write(fd, file->data + done, file->len - done);
	if (fd < 0 || n < 0 || lseek(fd, 0, SEEK_SET) < 0) {
		refused("can't hold the device's state: %s", strerror(errno));
		close(fd);
		return -1;
	}
	return fd;
}

static int load_file(int device, const struct state_file *file, bool json)
{
	struct vhost_fs_device_state_result result;
	int fd = memory_file(file), err;

	if (fd < 0)
		return EXIT_REFUSED;
	err = dev_move_state(device, VHOST_FS_STATE_LOAD, fd, &result);
	close(fd);
	if (!err && result.error)
		err = bad_result("load", &result);
	if (!err)
		print_result(&result, json);
	return err;
}

static int load(const struct state_request *request, const char *path, bool json)
{
	struct state_file file = { };
	int err = state_file_read(&file, path), device;

	if (!err) {
		device = open_device(request, &err);
		if (device >= 0) {
			err = load_file(device, &file, json);
			close(device);
		}
	}
	state_file_free(&file);
	return err;
}

static int save_to(int device, int fd)
{
	struct vhost_fs_device_state_result result;
	int err = dev_move_state(device, VHOST_FS_STATE_SAVE, fd, &result);

	if (!err && result.error)
		err = bad_result("save", &result);
	return err;
}

/* A file that was there is left alone, and none that is no good is left behind. */
static int save_file(int device, const char *path)
{
	int fd, err;

	if (!strcmp(path, "-"))
		return save_to(device, STDOUT_FILENO);
	fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0)
		return refused("can't make %s: %s", path, strerror(errno));
	err = save_to(device, fd);
	close(fd);
	if (err)
		unlink(path);
	return err;
}

static int save(const struct state_request *request, const char *path, bool json)
{
	int err, device;

	if (json)
		return usage_error("state save: there is no JSON output");
	device = open_device(request, &err);
	if (device < 0)
		return err;
	err = save_file(device, path);
	close(device);
	return err;
}

static const struct {
	const char *name;
	int (*run)(const struct state_request *request, const char *path, bool json);
} verbs[] = {
	{ "show", show },
	{ "load", load },
	{ "save", save },
};

static int run_state(const struct command *cmd, struct args *args)
{
	struct state_request request = { };
	int err = args_parse(cmd, args, &request);
	size_t i;

	if (err)
		return err;
	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (!strcmp(verbs[i].name, args->argv[0]))
			return verbs[i].run(&request, args->argv[1], args->json);
	return usage_error("%s: unknown \"%s\"; accepted are show, load and save", cmd->name,
			   args->argv[0]);
}

static const struct option_row state_options[] = {
	{ "share", "NAME", "load into, or save, a new device of this share", take_share, 0 },
	{ "fd", "N", "load into, or save, the device that is open as N", take_fd, 0 },
	{ }
};

const struct command cmd_state = {
	.name = "state",
	.operands = "show|load|save FILE",
	.summary = "show, load or save what moves with a device's guest",
	.details = "Shows the state of a device, which moves with its guest, as vhost_fs or\n"
		   "virtiofsd wrote it to FILE; \"-\" is standard input. What is not one is refused,\n"
		   "with the offset of the first wrong byte and what was expected there. To load one\n"
		   "tells what a guest that came here with it would lose. Saves to a new FILE; \"-\" is\n"
		   "standard output.",
	.options = state_options,
	.min_operands = 2,
	.max_operands = 2,
	.lists = true,
	.run = run_state,
};
