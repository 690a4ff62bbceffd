// SPDX-License-Identifier: GPL-2.0-only
/*
 * The server of a connection; see vu-server.h.
 */
#include "vu-server.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "msg.h"
#include "vhost-user.h"
#include "vu-link.h"

/* Returns when the keeper has closed the link, or has died. */
static int serve_tasks(struct vu_session *session, int link)
{
	static struct vu_result result;
	struct pollfd fds[] = {
		{ .fd = link, .events = POLLIN },
		{ .fd = session->rings.broken, .events = POLLIN },
	};

	for (;;) {
		if (poll(fds, 2, -1) < 0) {
			if (errno == EINTR)
				continue;
			return refused("can't wait: %s", strerror(errno));
		}
		if (fds[1].revents)
			vu_session_broken(session);
		if (!fds[0].revents)
			continue;
		if (!vu_link_receive_task(link, &session->conn))
			return 0;
		vu_session_serve(session, &result);
		if (!vu_link_send_result(link, &result))
			return 0;
		if (result.fd >= 0)
			close(result.fd);
	}
}

/* What can't be served for a reason of ours is no reason to try again. */
static void tell_status(int link, int status)
{
	static struct vu_result result;

	result.status = status;
	result.fd = -1;
	vu_link_send_result(link, &result);
}

static int serve(int link, const struct vu_service *service, const struct vu_record *record)
{
	/* Too large for the stack. */
	static struct vu_session session;
	int err = service->confine ? service->confine(service->ctx) : 0;

	/* The next process would have another share, and be given this one silently. */
	if (!err)
		err = vu_session_begin(&session, service->tag, service->share, record);
	if (err) {
		tell_status(link, err);
		return err;
	}
	err = serve_tasks(&session, link);
	vu_session_end(&session);
	return err;
}

int vu_server_start(struct vu_server *server, const struct vu_service *service,
		    const struct vu_record *record, const int *fds, unsigned int nr_fds)
{
	pid_t keeper = getpid();
	unsigned int i;
	int pair[2];

	if (vu_link_open(pair) < 0)
		return -1;
	server->pid = fork();
	if (server->pid < 0) {
		close(pair[0]);
		close(pair[1]);
		return -1;
	}
	if (server->pid) {
		close(pair[1]);
		server->link = pair[0];
		return 0;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != keeper)
		_exit(EXIT_REFUSED);
	close(pair[0]);
	for (i = 0; i < nr_fds; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	_exit(serve(pair[1], service, record));
}

void vu_server_release(struct vu_server *server)
{
	if (server->link >= 0)
		close(server->link);
	server->link = -1;
}

void vu_server_kill(struct vu_server *server)
{
	if (server->pid)
		kill(server->pid, SIGKILL);
	vu_server_release(server);
}
