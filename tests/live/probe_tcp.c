// SPDX-License-Identifier: GPL-2.0-only
/* TCP: connect, write in different ways, wait for the echo. */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/time.h>
#include <unistd.h>

#define CONNECT_S 3

/* As event loops do it: the result comes when the socket is writable. */
static int connect_later(int fd, const struct probe_to *to)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	int flags = fcntl(fd, F_GETFL), err = 0;
	socklen_t len = sizeof(err);

	fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	if (connect(fd, (const struct sockaddr *)&to->addr, to->len) && errno != EINPROGRESS)
		return errno;
	if (poll(&p, 1, CONNECT_S * 1000) != 1)
		return ETIMEDOUT;
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
	fcntl(fd, F_SETFL, flags);
	return err;
}

static int start(int fd, const struct probe_to *to, const struct probe_opts *o, const char *data,
		 size_t len)
{
	int n;

	if (o->nonblock)
		return connect_later(fd, to);
	if (o->tfo)
		return sendto(fd, data, len, MSG_FASTOPEN, (const struct sockaddr *)&to->addr,
			      to->len) < 0
			       ? errno
			       : 0;
	if (o->uring) {
		n = probe_uring_connect(fd, to);
		return n < 0 ? -n : 0;
	}
	return connect(fd, (const struct sockaddr *)&to->addr, to->len) ? errno : 0;
}

static int put_file(int fd, const char *data, size_t len, bool with_splice)
{
	int file = memfd_create("probe", MFD_CLOEXEC), pipes[2], err = 0;
	off_t at = 0;

	if (file < 0 || write(file, data, len) != (ssize_t)len || pipe2(pipes, O_CLOEXEC))
		live_die("memfd");
	if (!with_splice)
		err = sendfile(fd, file, &at, len) < 0 ? errno : 0;
	else if (splice(file, &at, pipes[1], NULL, len, 0) < 0 ||
		 splice(pipes[0], NULL, fd, NULL, len, 0) < 0)
		err = errno;
	close(file);
	close(pipes[0]);
	close(pipes[1]);
	return err;
}

static int put(int fd, const struct probe_opts *o, const char *data, size_t len)
{
	struct iovec iov = { (char *)data, len };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	int n;

	if (o->tfo)
		return 0; /* went with the SYN */
	if (o->sendfile || o->splice)
		return put_file(fd, data, len, o->splice);
	if (o->uring) {
		n = probe_uring_sendmsg(fd, &m);
		return n < 0 ? -n : 0;
	}
	return sendmsg(fd, &m, MSG_NOSIGNAL) < 0 ? errno : 0;
}

int probe_tcp(int argc, char **argv)
{
	struct timeval limit = { .tv_sec = CONNECT_S };
	struct probe_opts o;
	struct probe_to to;
	uint64_t began = live_ms();
	const char *call = "socket", *data;
	size_t len;
	int fd, err;

	if (probe_parse(argc, argv, &to, &o))
		return 64;
	data = probe_payload((size_t)o.size, &len);
	fd = socket(to.family, SOCK_STREAM | SOCK_CLOEXEC, o.mptcp ? IPPROTO_MPTCP : 0);
	err = fd < 0 ? errno : probe_setsockopt(fd, to.family, &o, &call);
	if (!err) {
		call = "connect";
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
		began = live_ms();
		err = start(fd, &to, &o, data, len);
	}
	if (!err) {
		call = "send";
		err = put(fd, &o, data, len);
	}
	if (!err && o.echo) {
		call = "echo";
		err = probe_echo(fd);
	}
	probe_say(call, err, began);
	return 0;
}
