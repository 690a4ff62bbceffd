// SPDX-License-Identifier: GPL-2.0-only
/*
 * vhost-fs-virtiofsd: takes virtiofsd's place where a management tool starts one
 * for each share of each guest. Makes a share that has no name for others, has
 * the kernel serve it to one VMM, and ends with it.
 */
#include "virtiofsd.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <syslog.h>
#include <unistd.h>

#include "args.h"
#include "confine.h"
#include "dev.h"
#include "msg.h"
#include "virtiofsd-options.h"
#include "virtiofsd-share.h"
#include "vu-serve.h"
#include "vu-upgrade.h"

#define PROGRAM "vhost-fs-virtiofsd"

static int print_capabilities(void)
{
	puts("{\n"
	     "  \"type\": \"fs\",\n"
	     "  \"features\": [\n"
	     "    \"migrate-precopy\",\n"
	     "    \"separate-options\"\n"
	     "  ]\n"
	     "}");
	return 0;
}

static void tell_of_ignored(const struct virtiofsd_options *options)
{
	char list[256] = "";
	unsigned int i;

	if (options->compat)
		notice("-o is deprecated: give the options without it");
	for (i = 0; i < options->nr_ignored; i++) {
		size_t used = strlen(list);

		snprintf(list + used, sizeof(list) - used, "%s--%s", i ? ", " : "",
			 options->ignored[i]);
	}
	if (*list)
		notice("without effect, as the kernel answers the guest: %s", list);
}

/* Nothing of the kernel's counts against it, but who asks for it gets it. */
static int set_rlimit(const struct virtiofsd_options *options)
{
	struct rlimit limit = { options->rlimit_nofile, options->rlimit_nofile };

	if (!options->has_rlimit || !options->rlimit_nofile)
		return 0;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return refused("can't set the limit of open files to %llu: %s",
			       (unsigned long long)options->rlimit_nofile, strerror(errno));
	return 0;
}

/* What is given up first takes system calls that are given up then. */
static int confine_keeper(const void *ctx)
{
	const struct virtiofsd_options *options = ctx;
	int err = confine();

	return err ? err : seccomp_confine_keeper(options->seccomp, options->syslog);
}

static int confine_server(const void *ctx)
{
	const struct virtiofsd_options *options = ctx;

	return seccomp_confine_server(options->seccomp, options->syslog);
}

static int serve(struct virtiofsd_options *options)
{
	struct vu_service service = {
		.path = options->socket,
		.group = options->group,
		.fd = options->fd,
		.tag = options->tag,
		.once = true,
		.talks = true,
		.signal_status = EXIT_REFUSED,
		.ready = confine_keeper,
		.confine = confine_server,
		.ctx = options,
	};
	int err;

	if (vu_upgrade_is_next())
		return vu_serve(&service);
	tell_of_ignored(options);
	err = virtiofsd_options_check(options);
	if (!err)
		err = set_rlimit(options);
	if (err)
		return err;
	service.device = dev_open();
	if (service.device < 0)
		return EXIT_REFUSED;
	err = virtiofsd_make_share(options, service.device);
	return err ? err : vu_serve(&service);
}

int virtiofsd_main(int argc, char **argv)
{
	/* Too large for the stack, and zero. */
	static struct virtiofsd_options options;
	int err;

	/* Whoever reads what is printed may end before the guest does. */
	signal(SIGPIPE, SIG_IGN);
	/* And whoever starts us may not wait for children; we do. */
	signal(SIGCHLD, SIG_DFL);
	msg_use(PROGRAM, LOG_DEBUG, false);
	err = virtiofsd_options_parse(&options, argc, argv);
	if (err)
		return err;
	if (options.print_capabilities)
		return print_capabilities();
	msg_use(PROGRAM, options.log_level, options.syslog);
	return serve(&options);
}
