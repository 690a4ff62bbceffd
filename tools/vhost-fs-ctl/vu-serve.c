// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waits for VMMs, for what they ask, and for the signal to end. Each has a
 * device of its own; who comes while another one is served has to wait.
 *
 * This process is the keeper (vu-record.h): it holds what can't be had twice, and
 * passes messages on to a process that serves. When that one dies, at whatever
 * moment, the next one goes on, and neither VMM nor guest notice.
 */
#include "vu-serve.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dev.h"
#include "msg.h"
#include "vu-link.h"
#include "vu-server.h"
#include "vu-socket.h"

/* So many servers may die in a row, each by its own fault. */
#define MAX_DEATHS 5

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

/**
 * struct keeper - a connection that is being served
 * @service: what to serve
 * @conn: the connection, and the message that is coming in or being done
 * @device: /dev/vhost-fs, attached to a share
 * @signals: descriptor of the signals to end
 * @private: descriptors that no server is to have
 * @nr_private: entries of @private
 * @server: the process that serves
 * @busy: it has been given the message
 * @deaths: servers that have died without having done anything
 * @record: what the next one has to know
 */
struct keeper {
	const struct vu_service *service;
	struct vu_connection conn;
	int device;
	int signals;
	int private[4];
	unsigned int nr_private;
	struct vu_server server;
	bool busy;
	unsigned int deaths;
	struct vu_record record;
};

static int start_server(struct keeper *k)
{
	int fds[sizeof(k->private) / sizeof(k->private[0]) + VU_MAX_FDS];
	unsigned int nr = 0, i;

	for (i = 0; i < k->nr_private; i++)
		fds[nr++] = k->private[i];
	/* Those of the message that is being done come with it. */
	for (i = 0; k->busy && i < k->conn.nr_fds; i++)
		fds[nr++] = k->conn.fds[i];
	k->record.resetting = k->busy && k->conn.header.request == VU_RESET_DEVICE;
	if (vu_server_start(&k->server, k->device, k->service->tag, &k->record, fds, nr) < 0)
		return refused("can't start a process: %s", strerror(errno));
	return 0;
}

/* How it ended: its wait status, or 0 if that can't be known. */
static int reap(struct keeper *k)
{
	int status = 0;

	while (waitpid(k->server.pid, &status, 0) < 0)
		if (errno != EINTR)
			return 0;
	return status;
}

/* Descriptors of the message that the record hasn't taken over. */
static void close_rest(struct keeper *k)
{
	unsigned int i;

	for (i = 0; i < k->conn.nr_fds; i++)
		if (vu_record_has(&k->record, k->conn.fds[i]))
			k->conn.fds[i] = -1;
	vu_next(&k->conn);
}

/*
 * What the dead server began has been cancelled, and may have left a part of the
 * state in the pipe: the front end is told, and may begin anew.
 */
static void give_up_transfer(struct keeper *k)
{
	const union vu_payload failed = { .u64 = VU_STATE_NO_FD | 1 };

	vu_reply(&k->conn, VU_SET_DEVICE_STATE_FD, &failed, sizeof(failed.u64), -1);
	k->busy = false;
	close_rest(k);
}

/*
 * The server is gone, and nobody has told it to. Somebody may have killed it, and
 * may do so as often as he likes; one that dies of what it is given, again and
 * again, is not helped by another.
 */
static int next_server(struct keeper *k)
{
	int status;

	vu_server_release(&k->server);
	status = reap(k);
	if (!WIFSIGNALED(status))
		return refused("the server ended by itself");
	if (WTERMSIG(status) != SIGKILL && ++k->deaths == MAX_DEATHS)
		return refused("the server died of signal %d each time", WTERMSIG(status));
	notice("the server was killed by signal %d; another one goes on", WTERMSIG(status));
	if (start_server(k))
		return EXIT_REFUSED;
	if (k->busy && k->conn.header.request == VU_SET_DEVICE_STATE_FD)
		give_up_transfer(k);
	else if (k->busy)
		vu_link_send_task(k->server.link, &k->conn);
	return 0;
}

/* Returns false if the front end doesn't take its answer. */
static bool pass_answer(struct keeper *k, const struct vu_result *result)
{
	bool sent = !result->answers ||
		    vu_reply(&k->conn, result->request, &result->payload, result->size,
			     result->fd);

	if (result->fd >= 0)
		close(result->fd);
	if (!sent)
		notice("vhost-user: the answer to request %u can't be sent; connection closed",
		       result->request);
	return sent;
}

/* Something came from the server: an answer, or its end. */
static int hear_server(struct keeper *k, bool *over)
{
	static struct vu_result result;

	if (!vu_link_receive_result(k->server.link, &result))
		return next_server(k);
	if (result.status)
		return result.status;
	k->deaths = 0;
	k->busy = false;
	vu_record_close_other(&k->record, &result.record);
	k->record = result.record;
	*over = !pass_answer(k, &result) || result.over;
	close_rest(k);
	return 0;
}

/* Something came from the front end: a part of a message, or its end. */
static void hear_front_end(struct keeper *k, bool *over)
{
	const char *why;
	int ret = vu_receive(&k->conn, &why);

	*over = ret < 0;
	if (ret == -2)
		notice("vhost-user: request %u: %s; connection closed", k->conn.header.request,
		       why);
	if (ret <= 0)
		return;
	k->busy = true;
	/* If it is dead, that is heard too, and the next one gets the message. */
	vu_link_send_task(k->server.link, &k->conn);
}

/* Returns when the session is over; *@ended is set if it was for a signal. */
static int keep_session(struct keeper *k, bool *ended)
{
	bool over = false;
	int err = 0;

	while (!err && !over) {
		struct pollfd fds[] = {
			{ .fd = k->signals, .events = POLLIN },
			{ .fd = k->server.link, .events = POLLIN },
			{ .fd = k->busy ? -1 : k->conn.fd, .events = POLLIN },
		};

		err = wait_for(fds, 3);
		*ended = fds[0].revents;
		if (err || *ended)
			return err;
		if (fds[1].revents)
			err = hear_server(k, &over);
		else if (fds[2].revents)
			hear_front_end(k, &over);
	}
	return err;
}

/*
 * The kernel's threads may be waiting for a file server that doesn't answer, and to
 * stop them is to wait for them; a process that ends kills them.
 */
static int wait_for_end(struct keeper *k, bool *ended)
{
	int pidfd = syscall(SYS_pidfd_open, k->server.pid, 0);
	struct pollfd fds[] = {
		{ .fd = k->signals, .events = POLLIN },
		{ .fd = pidfd, .events = POLLIN },
	};
	int err = pidfd < 0 ? 0 : wait_for(fds, 2);

	*ended = fds[0].revents;
	if (pidfd >= 0)
		close(pidfd);
	return err;
}

static int end_session(struct keeper *k, bool *ended)
{
	struct vu_record none;
	int err = 0;

	if (!*ended) {
		vu_server_release(&k->server);
		err = wait_for_end(k, ended);
	}
	if (*ended)
		vu_server_kill(&k->server);
	reap(k);
	vu_record_init(&none);
	close_rest(k);
	vu_record_close_other(&k->record, &none);
	close(k->conn.fd);
	return err;
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

static int serve_connection(const struct vu_service *service,
			    const struct vu_listener *listener, int fd, int device, int signals,
			    bool *ended)
{
	/* Too large for the stack. */
	static struct keeper k;
	int err, end_err;

	memset(&k, 0, sizeof(k));
	k.service = service;
	k.conn.fd = fd;
	k.device = device;
	k.signals = signals;
	k.private[k.nr_private++] = fd;
	k.private[k.nr_private++] = signals;
	k.private[k.nr_private++] = listener->fd;
	k.private[k.nr_private++] = listener->lock;
	vu_record_init(&k.record);
	err = start_server(&k);
	if (err) {
		close(fd);
		return err;
	}
	if (service->talks)
		notice("client connected");
	err = keep_session(&k, ended);
	end_err = end_session(&k, ended);
	if (service->talks && !*ended)
		notice("client disconnected");
	return err ? err : end_err;
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
			err = serve_connection(service, listener, fd, device, signals, &ended);
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
