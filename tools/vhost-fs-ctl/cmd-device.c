// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands about devices: list-devices.
 */
#include <stdio.h>

#include "args.h"
#include "nl.h"
#include "print.h"

static int run_list_devices(const struct command *cmd, struct args *args)
{
	struct device_list list = { };
	int err;

	err = args_parse(cmd, args, NULL);
	if (err)
		return err;
	err = nl_list_devices(&list);
	if (!err && args->json)
		print_devices_json(stdout, &list);
	else if (!err)
		print_devices_text(stdout, &list);
	device_list_free(&list);
	return err;
}

const struct command cmd_list_devices = {
	.name = "list-devices",
	.operands = "",
	.summary = "show the devices of those shares, with counters",
	.details = "Shows every open /dev/vhost-fs whose share you may attach or remove, and to\n"
		   "root those without a share.",
	.lists = true,
	.run = run_list_devices,
};
