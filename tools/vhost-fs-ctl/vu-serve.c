// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waits for VMMs, for what they ask, and for the signal to end. Each has a
 * device of its own; who comes while another one is served has to wait.
 */
#include "vu-serve.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dev.h"
#include "msg.h"
#include "vhost-user.h"

/* What is ignored from the beginning stays so: nohup(1) asks for that. */
static int block_signals(void)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	struct sigaction action;
	sigset_t set;
	size_t i;

	sigemptyset(&set);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (sigaction(signals[i], NULL, &action) < 0 || action.sa_handler != SIG_IGN)
			sigaddset(&set, signals[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC);
}

/* Waits for any of @fds; what has to be done is in their revents. */
static int wait_for(struct pollfd *fds, nfds_t nr)
{
	while (poll(fds, nr, -1) < 0)
		if (errno != EINTR)
			return refused("can't wait: %s", strerror(errno));
	return 0;
}

/* Returns when the session is over; *@ended is set if it was for a signal. */
static int serve_session(struct vu_session *session, int signals, bool *ended)
{
	struct pollfd fds[] = {
		{ .fd = signals, .events = POLLIN },
		{ .fd = session->conn.fd, .events = POLLIN },
		{ .fd = session->rings.broken, .events = POLLIN },
	};
	int err;

	for (;;) {
		err = wait_for(fds, 3);
		*ended = fds[0].revents;
		if (err || *ended)
			return err;
		if (fds[2].revents)
			vu_session_broken(session);
		if (fds[1].revents && !vu_session_serve(session))
			return 0;
	}
}

static int open_device(const char *share)
{
	int fd = dev_open();

	if (fd >= 0 && dev_attach_share(fd, share)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static int serve_connection(const struct vu_service *service, int fd, int device, int signals,
			    bool *ended)
{
	/* Too large for the stack. */
	static struct vu_session session;
	int err;

	err = vu_session_begin(&session, fd, device, service->tag);
	if (err)
		return err;
	if (service->talks)
		notice("client connected");
	err = serve_session(&session, signals, ended);
	/*
	 * The kernel's threads may be waiting for a file server that doesn't
	 * answer, and to stop them is to wait for them; a process that ends
	 * kills them.
	 */
	if (!*ended)
		vu_session_end(&session);
	if (service->talks && !*ended)
		notice("client disconnected");
	return err;
}

/* Waits for the next connection: *@fd is -1 if a signal came instead. */
static int next_connection(const struct vu_listener *listener, int signals, int *fd)
{
	struct pollfd fds[] = {
		{ .fd = signals, .events = POLLIN },
		{ .fd = listener->fd, .events = POLLIN },
	};
	int err;

	do {
		err = wait_for(fds, 2);
		*fd = -1;
		if (err || fds[0].revents)
			return err;
		*fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);
	} while (*fd < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED));
	return *fd < 0 ? refused("can't accept a connection: %s", strerror(errno)) : 0;
}

/* The first device is open before anybody connects: errors show at once. */
static int serve_all(const struct vu_service *service, const struct vu_listener *listener,
		     int signals)
{
	int device = service->device, fd, err;
	bool ended = false;

	do {
		if (device < 0)
			device = open_device(service->share);
		if (device < 0)
			return EXIT_REFUSED;
		err = next_connection(listener, signals, &fd);
		if (!err && fd >= 0)
			err = serve_connection(service, fd, device, signals, &ended);
		if (!ended)
			close(device);
		device = -1;
	} while (!err && fd >= 0 && !ended && !service->once);
	if (!err && (fd < 0 || ended))
		return service->signal_status;
	return err;
}

int vu_serve(const struct vu_service *service)
{
	struct vu_listener listener = { .fd = -1, .lock = -1 };
	int signals = block_signals(), err;

	if (signals < 0)
		return refused("can't wait for signals: %s", strerror(errno));
	if (service->path)
		err = vu_listen(&listener, service->path, service->group);
	else
		err = vu_listen_fd(&listener, service->fd);
	if (!err && service->ready)
		err = service->ready();
	if (!err && service->talks)
		notice("waiting for a vhost-user connection");
	if (!err)
		err = serve_all(service, &listener, signals);
	vu_listener_close(&listener);
	return err;
}
