// SPDX-License-Identifier: GPL-2.0-only
/*
 * loopbackd: makes a virtio-fs device in this kernel by way of
 * vhost_fs_loopback.ko, and joins its rings to a server: vhost_fs.ko, or
 * virtiofsd behind its socket. It plays the VMM, so it does nothing but follow
 * what the driver wants (struct loopback_state), until SIGTERM or SIGINT, when
 * it takes the device away in good order.
 */
#include <err.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "loopbackd.h"

struct options {
	const char *share;
	const char *socket;
	const char *tag;
	const char *ready;
	unsigned int queues;
	unsigned int queue_size;
};

static const char usage[] =
	"usage: loopbackd --share NAME | --socket PATH\n"
	"                 [--tag TAG] [--queues N] [--queue-size N] [--ready FILE]\n";

static void usage_error(const char *text, const char *value)
{
	fprintf(stderr, "loopbackd: %s%s\n", text, value);
	exit(2);
}

static unsigned int parse_number(const char *name, const char *text, unsigned int max)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*end || end == text || !value || value > max) {
		fprintf(stderr, "loopbackd: %s '%s' isn't a number from 1 to %u\n", name, text,
			max);
		exit(2);
	}
	return value;
}

static void set_option(struct options *options, int option)
{
	switch (option) {
	case 's':
		options->share = optarg;
		break;
	case 'u':
		options->socket = optarg;
		break;
	case 't':
		options->tag = optarg;
		break;
	case 'r':
		options->ready = optarg;
		break;
	case 'q':
		options->queues = parse_number("--queues", optarg, LOOPBACK_MAX_QUEUES - 1);
		break;
	case 'z':
		options->queue_size = parse_number("--queue-size", optarg, 1024);
		break;
	case 'h':
		fputs(usage, stdout);
		exit(0);
	default:
		exit(2);
	}
}

static void parse_options(struct options *options, int argc, char **argv)
{
	static const struct option known[] = {
		{ "share", required_argument, NULL, 's' },
		{ "socket", required_argument, NULL, 'u' },
		{ "tag", required_argument, NULL, 't' },
		{ "queues", required_argument, NULL, 'q' },
		{ "queue-size", required_argument, NULL, 'z' },
		{ "ready", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{}
	};
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1)
		set_option(options, option);
	if (optind < argc)
		usage_error("unexpected ", argv[optind]);
	if (!options->share == !options->socket)
		usage_error("either --share or --socket is needed", "");
	if (!*options->tag || strlen(options->tag) > LOOPBACK_TAG_LEN)
		usage_error("a tag has 1 to 36 characters, unlike ", options->tag);
	if (!options->queues)
		options->queues = options->share ? 2 : 1;
}

static int new_eventfd(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0)
		err(1, "eventfd");
	return fd;
}

static void create_device(struct server *server, const struct options *options)
{
	struct loopback_create arg = {
		.num_request_queues = options->queues,
		.queue_size = options->queue_size,
	};

	memcpy(arg.tag, options->tag, strlen(options->tag));
	memcpy(arg.kick, server->kick, sizeof(arg.kick));
	memcpy(arg.call, server->call, sizeof(arg.call));
	if (ioctl(server->memory->fd, LOOPBACK_CREATE, &arg))
		err(1, "can't make the device");
}

/* What the driver queued before the server looked may have gone unnoticed. */
static void kick_all(const struct server *server)
{
	unsigned int i;

	for (i = 0; i < server->nqueues; i++)
		eventfd_write(server->kick[i], 1);
}

static void say_ready(const char *path)
{
	int fd;

	if (!path)
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		err(1, "can't write %s", path);
	close(fd);
}

static void get_state(const struct server *server, struct loopback_state *state)
{
	if (ioctl(server->memory->fd, LOOPBACK_GET_STATE, state))
		err(1, "can't get the device's state");
}

/* Brings about what the driver wants. False when the device is gone. */
static bool follow_driver(struct server *server, bool *running, const char *ready)
{
	struct loopback_state state;

	get_state(server, &state);
	if (*running) {
		server->ops->stop(server);
		*running = false;
	}
	if (state.wanted == LOOPBACK_RUNNING) {
		server->ops->start(server, &state);
		*running = true;
		kick_all(server);
		say_ready(ready);
	}
	if (ioctl(server->memory->fd, LOOPBACK_ACK, &state.generation))
		err(1, "can't acknowledge");
	return state.wanted != LOOPBACK_GONE;
}

static int block_signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (fd < 0)
		err(1, "signalfd");
	return fd;
}

static void leave(int signals, int device)
{
	struct signalfd_siginfo info;

	if (read(signals, &info, sizeof(info)) == sizeof(info))
		ioctl(device, LOOPBACK_DESTROY);
}

/*
 * vhost reports a broken ring and goes on; a closed socket is the end, unless there is
 * somebody to go on.
 */
static void server_failed(struct server *server, bool running, const char *ready)
{
	struct loopback_state state;
	eventfd_t count;

	if (server->error_fd == server->fd) {
		get_state(server, &state);
		if (!running || !server->ops->again || !server->ops->again(server, &state))
			errx(1, "the server closed the connection");
		kick_all(server);
		say_ready(ready);
		return;
	}
	eventfd_read(server->error_fd, &count);
	fprintf(stderr, "loopbackd: the server stopped a ring because of what was in it\n");
}

static void serve(struct server *server, const char *ready)
{
	struct pollfd fds[] = {
		{ .fd = server->memory->fd, .events = POLLIN },
		{ .fd = block_signals(), .events = POLLIN },
		{ .fd = server->error_fd, .events = POLLIN },
	};
	bool running = false;

	for (;;) {
		if (poll(fds, 3, -1) < 0)
			err(1, "poll");
		if (fds[0].revents && !follow_driver(server, &running, ready))
			return;
		if (fds[1].revents)
			leave(fds[1].fd, server->memory->fd);
		if (fds[2].revents)
			server_failed(server, running, ready);
		fds[2].fd = server->error_fd;
	}
}

int main(int argc, char **argv)
{
	struct options options = { .tag = "loopback", .queue_size = 1024 };
	struct memory memory = {};
	struct server server = { .memory = &memory };
	unsigned int i;
	int device;

	parse_options(&options, argc, argv);
	device = open("/dev/vhost-fs-loopback", O_RDWR | O_CLOEXEC);
	if (device < 0)
		err(1, "can't open /dev/vhost-fs-loopback");
	memory_map(&memory, device);
	server.ops = options.share ? &vhost_ops : &vhost_user_ops;
	server.name = options.share ? options.share : options.socket;
	server.nqueues = options.queues + 1;
	for (i = 0; i < server.nqueues; i++) {
		server.kick[i] = new_eventfd();
		server.call[i] = new_eventfd();
	}
	server.ops->open(&server);
	create_device(&server, &options);
	serve(&server, options.ready);
	return 0;
}
