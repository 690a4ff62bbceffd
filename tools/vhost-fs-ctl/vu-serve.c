// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waits for VMMs, for what they ask, and for the signal to end. Each has a
 * device of its own; who comes while another one is served has to wait.
 *
 * This process is the keeper (vu-record.h): it holds what can't be had twice, and
 * passes messages on to a process that serves. When that one dies, at whatever
 * moment, the next one goes on, and neither VMM nor guest notice. The keeper itself
 * can become another program (vu-upgrade.h).
 */
#include "vu-serve.h"

#include <errno.h>
#include <fcntl.h>
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
#include "vu-upgrade.h"

/* For a server that was killed, if nobody wants to wait. */
#define END_MS 2000

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
 * @listener: where it came from
 * @conn: the connection, and the message that is coming in or being done
 * @signals: descriptor of the signals to end
 * @upgrade: how to become another program
 * @server: the process that serves
 * @busy: it has been given the message
 * @over: the connection is to be closed; a line has been printed
 * @deaths: servers that have died without having done anything
 * @record: what the next one has to know
 */
struct keeper {
	const struct vu_service *service;
	const struct vu_listener *listener;
	struct vu_connection conn;
	int signals;
	const struct vu_upgrade *upgrade;
	struct vu_server server;
	bool busy;
	bool over;
	unsigned int deaths;
	struct vu_record record;
};

/*
 * It can't be served any more. A VMM brings that about if it likes, by cutting its memory
 * short for instance, and the next one is to be served nevertheless.
 */
static int give_up(struct keeper *k, int status)
{
	k->over = true;
	return k->service->once ? status : 0;
}

static int start_server(struct keeper *k)
{
	/*
	 * What no server is to have; a message's own come with it. The connection stays
	 * open there, so that a front end that sees its end when all was killed finds
	 * neither our socket nor the device's owner alive any more.
	 */
	int fds[4 + VU_MAX_FDS] = {
		k->signals, k->upgrade->signals, k->listener->fd, k->listener->lock,
	};
	unsigned int nr = 4, i;

	for (i = 0; i < k->conn.nr_fds; i++)
		fds[nr++] = k->conn.fds[i];
	k->record.resetting = k->busy && k->conn.header.request == VU_RESET_DEVICE;
	if (vu_server_start(&k->server, k->service, &k->record, fds, nr) < 0)
		return refused("can't start a process: %s", strerror(errno));
	return 0;
}

/* How it ended: its wait status, or 0 if that can't be known. */
static int reap(struct keeper *k)
{
	pid_t pid = k->server.pid;
	int status = 0;

	k->server.pid = 0;
	while (pid && waitpid(pid, &status, 0) < 0)
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

/* Is the message that is being done one that begins a transfer? */
static bool is_transfer(const struct keeper *k)
{
	return k->busy && k->conn.header.request == VU_SET_DEVICE_STATE_FD;
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
 * If the server is dead, that is heard too, and the next one gets the message. But it may
 * be the system that takes no more of them.
 */
static void pass_task(struct keeper *k)
{
	if (vu_link_send_task(k->server.link, &k->conn) || errno == EPIPE || errno == ECONNRESET)
		return;
	notice("vhost-user: request %u can't be passed on: %s; connection closed",
	       k->conn.header.request, strerror(errno));
	k->over = true;
}

/* Has a new server go on where the last one was. */
static int go_on(struct keeper *k)
{
	if (start_server(k))
		return EXIT_REFUSED;
	if (is_transfer(k))
		give_up_transfer(k);
	else if (k->busy)
		pass_task(k);
	return 0;
}

/*
 * The kernel's threads may be waiting for a file server that doesn't answer, and to
 * stop them is to wait for them; a process that ends kills them.
 */
static int wait_for_end(struct keeper *k, bool *ended)
{
	/* There is none with number 0. */
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

/*
 * The server is gone, and nobody has told it to. Somebody may have killed it, and
 * may do so as often as he likes; one that dies of what it is given, again and
 * again, is not helped by another.
 */
static int next_server(struct keeper *k, bool *ended)
{
	int status, err;

	vu_server_kill(&k->server);
	err = wait_for_end(k, ended);
	if (err || *ended)
		return err;
	status = reap(k);
	if (!WIFSIGNALED(status))
		return give_up(k, refused("the server ended by itself"));
	if (WTERMSIG(status) != SIGKILL && ++k->deaths == MAX_DEATHS)
		return give_up(k, refused("the server died of signal %d each time",
					  WTERMSIG(status)));
	notice("the server was killed by signal %d; another one goes on", WTERMSIG(status));
	return go_on(k);
}

static void fill_handover(const struct keeper *k, struct vu_handover *h)
{
	*h = (struct vu_handover){
		.listener = k->listener->fd, .lock = k->listener->lock,
		.connected = true, .busy = k->busy, .deaths = k->deaths,
		.conn = k->conn, .record = k->record,
	};
}

/*
 * The server is killed, which the guest doesn't notice, for it to have no part in
 * what the next program does.
 */
static int upgrade(struct keeper *k, bool *ended)
{
	static struct vu_handover h;
	int err;

	vu_upgrade_heard(k->upgrade);
	if (k->record.moving || is_transfer(k)) {
		notice("not upgraded: the device's state is being moved");
		return 0;
	}
	fill_handover(k, &h);
	if (!vu_upgrade_ask(k->upgrade, &h, k->signals, ended))
		return 0;
	vu_server_kill(&k->server);
	err = wait_for_end(k, ended);
	if (err || *ended)
		return err;
	reap(k);
	fill_handover(k, &h);
	vu_upgrade_exec(k->upgrade, &h);
	return go_on(k);
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

/* Nothing of what it says is used; nor is it trusted to end by itself. */
static int distrust(struct keeper *k, const struct vu_result *result)
{
	if (result->fd >= 0)
		close(result->fd);
	vu_server_kill(&k->server);
	return give_up(k, result->status);
}

/* The server knows of no descriptor but those that it was given. */
static bool is_known(const struct keeper *k, const struct vu_record *record)
{
	int fds[VU_RECORD_FDS];
	unsigned int i, j, nr = vu_record_fds(record, fds);

	for (i = 0; i < nr; i++) {
		for (j = 0; j < k->conn.nr_fds && k->conn.fds[j] != fds[i]; j++)
			;
		if (j == k->conn.nr_fds && !vu_record_has(&k->record, fds[i]))
			return false;
	}
	return record->device >= 0;
}

/* Something came from the server: an answer, or its end. */
static int hear_server(struct keeper *k, bool *ended)
{
	static struct vu_result result;

	if (!vu_link_receive_result(k->server.link, &result))
		return next_server(k, ended);
	if (!result.status && !is_known(k, &result.record))
		result.status = refused("the server names descriptors that it wasn't given");
	if (result.status)
		return distrust(k, &result);
	k->deaths = 0;
	k->busy = false;
	vu_record_close_other(&k->record, &result.record);
	k->record = result.record;
	k->over = !pass_answer(k, &result) || result.over;
	close_rest(k);
	return 0;
}

/* Something came from the front end: a part of a message, or its end. */
static void hear_front_end(struct keeper *k)
{
	const char *why;
	int ret = vu_receive(&k->conn, &why);

	k->over = ret < 0;
	if (ret == -2)
		notice("vhost-user: request %u: %s; connection closed", k->conn.header.request,
		       why);
	if (ret <= 0)
		return;
	k->busy = true;
	pass_task(k);
}

/* Returns when the session is over; *@ended is set if it was for a signal. */
static int keep_session(struct keeper *k, bool *ended)
{
	int err = 0;

	while (!err && !k->over && !*ended) {
		struct pollfd fds[] = {
			{ .fd = k->signals, .events = POLLIN },
			{ .fd = k->upgrade->signals, .events = POLLIN },
			{ .fd = k->server.link, .events = POLLIN },
			{ .fd = k->busy ? -1 : k->conn.fd, .events = POLLIN },
		};

		err = wait_for(fds, 4);
		*ended = fds[0].revents;
		if (err || *ended)
			return err;
		if (fds[1].revents)
			err = upgrade(k, ended);
		else if (fds[2].revents)
			err = hear_server(k, ended);
		else if (fds[3].revents)
			hear_front_end(k);
	}
	return err;
}

/*
 * The last one to close a device waits for its threads, and so for a dead file server.
 * That isn't to be this process: another one holds the device until this one has ended.
 */
static void leave_device(const struct keeper *k)
{
	int ended[2];
	char none;

	if (pipe2(ended, O_CLOEXEC) < 0)
		return;
	if (!fork()) {
		dup2(ended[0], STDIN_FILENO);
		dup2(k->record.device, STDOUT_FILENO);
		close_range(STDERR_FILENO, ~0U, 0);
		_exit(read(STDIN_FILENO, &none, 1));
	}
	close(ended[0]);
}

/* One that waits for a dead file server ends when that does, and holds up nobody. */
static void kill_server(struct keeper *k)
{
	int pidfd = syscall(SYS_pidfd_open, k->server.pid, 0);
	struct pollfd fds = { .fd = pidfd, .events = POLLIN };

	vu_server_kill(&k->server);
	if (pidfd < 0)
		return;
	if (!poll(&fds, 1, END_MS))
		leave_device(k);
	close(pidfd);
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
		kill_server(k);
	else
		reap(k);
	vu_record_init(&none, -1);
	close_rest(k);
	vu_record_close_other(&k->record, &none);
	shutdown(k->conn.fd, SHUT_RDWR);
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

/* From the beginning, or from where an earlier program was. */
static int serve_connection(struct keeper *k, bool new, bool *ended)
{
	int err, end_err;

	k->over = false;
	err = go_on(k);
	if (err)
		return err;
	if (k->service->talks && new)
		notice("client connected");
	err = keep_session(k, ended);
	end_err = end_session(k, ended);
	if (k->service->talks && !*ended)
		notice("client disconnected");
	return err ? err : end_err;
}

/* Between two connections there is a device for the next one, and little else. */
static void upgrade_idle(const struct keeper *k, int device, bool *ended)
{
	static struct vu_handover h;

	vu_upgrade_heard(k->upgrade);
	h = (struct vu_handover){ .listener = k->listener->fd, .lock = k->listener->lock };
	vu_record_init(&h.record, device);
	if (vu_upgrade_ask(k->upgrade, &h, k->signals, ended))
		vu_upgrade_exec(k->upgrade, &h);
}

/* Waits for the next connection, @k->conn.fd. *@ended is set if a signal came instead. */
static int next_connection(struct keeper *k, int device, bool *ended)
{
	struct pollfd fds[] = {
		{ .fd = k->signals, .events = POLLIN },
		{ .fd = k->upgrade->signals, .events = POLLIN },
		{ .fd = k->listener->fd, .events = POLLIN },
	};
	int err;

	do {
		k->conn.fd = -1;
		err = wait_for(fds, 3);
		*ended = fds[0].revents;
		if (err || *ended)
			return err;
		if (fds[1].revents)
			upgrade_idle(k, device, ended);
		if (*ended)
			return 0;
		k->conn.fd = accept4(k->listener->fd, NULL, NULL, SOCK_CLOEXEC);
	} while (k->conn.fd < 0 &&
		 (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED));
	return k->conn.fd < 0 ? refused("can't accept a connection: %s", strerror(errno)) : 0;
}

/* The device is open before anybody connects: errors show at once. */
static int begin_connection(struct keeper *k, int device, bool *ended)
{
	int err;

	if (device < 0)
		device = open_device(k->service->share);
	if (device < 0)
		return EXIT_REFUSED;
	err = next_connection(k, device, ended);
	if (err || *ended) {
		close(device);
		return err;
	}
	vu_record_init(&k->record, device);
	k->conn.have = 0;
	k->conn.nr_fds = 0;
	k->busy = false;
	k->deaths = 0;
	return 0;
}

static int serve_all(struct keeper *k, int device, bool connected)
{
	bool ended = false;
	int err = 0;

	do {
		if (!connected)
			err = begin_connection(k, device, &ended);
		if (!err && !ended)
			err = serve_connection(k, !connected, &ended);
		connected = false;
		device = -1;
	} while (!err && !ended && !k->service->once);
	return !err && ended ? k->service->signal_status : err;
}

static int listen_as(const struct vu_service *service, struct vu_listener *listener)
{
	int err;

	if (service->path)
		err = vu_listen(listener, service->path, service->group);
	else
		err = vu_listen_fd(listener, service->fd);
	if (!err && service->ready)
		err = service->ready(service->ctx);
	if (!err && service->talks)
		notice("waiting for a vhost-user connection");
	return err;
}

/* If nobody was connected, *@device is for the next connection. */
static int take_over(struct keeper *k, struct vu_listener *listener, int *device,
		     bool *connected)
{
	static struct vu_handover h;
	int err = vu_upgrade_take(&h);

	if (err)
		return err;
	notice("another program did this before; this one goes on");
	listener->fd = h.listener;
	listener->lock = h.lock;
	listener->path = k->service->path;
	k->conn = h.conn;
	k->busy = h.busy;
	k->deaths = h.deaths;
	k->record = h.record;
	*device = h.record.device;
	*connected = h.connected;
	return 0;
}

int vu_serve(const struct vu_service *service)
{
	/* Too large for the stack. */
	static struct keeper k;
	struct vu_listener listener = { .fd = -1, .lock = -1 };
	struct vu_upgrade upgrade;
	int err, device = service->device;
	bool connected = false;

	/* Who starts us may ignore it, and then there would be no children to wait for. */
	signal(SIGCHLD, SIG_DFL);
	k.service = service;
	k.listener = &listener;
	k.upgrade = &upgrade;
	k.signals = block_signals();
	if (k.signals < 0)
		return refused("can't wait for signals: %s", strerror(errno));
	err = vu_upgrade_init(&upgrade, service->program);
	if (err)
		return err;
	if (vu_upgrade_is_next())
		err = take_over(&k, &listener, &device, &connected);
	else
		err = listen_as(service, &listener);
	if (!err)
		err = serve_all(&k, device, connected);
	vu_listener_close(&listener);
	return err;
}
