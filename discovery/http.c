// SPDX-License-Identifier: GPL-2.0-only
/*
 * HTTP/1.1, one question a connection, over a unix socket or to a numeric address. Not by libcurl:
 * it brings some twenty libraries, 7.5 MB resident for as long as the stream of events is listened
 * to, of the 10 MB that the monitor may have (measured: docs/security.md). TLS, redirects, proxies
 * and names, which is what it would be good for, are not wanted here.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "base/base.h"
#include "discovery/http.h"
#include "discovery/http_parse.h"

#define BEGIN_MS    10000 /* until a stream begins */
#define STEP_MS	    1000  /* how often stop is looked at */
#define BACKLOG_MS  20
#define REQUEST_MAX 4096
#define CHUNK	    4096

struct target {
	char host[64]; /* with the port, as it was written */
	const char *path;
	struct sockaddr_storage sa;
	socklen_t sa_len;
};

/* ---- where to ---- */
static int unix_target(const char *path, struct target *t)
{
	struct sockaddr_un *sa = (struct sockaddr_un *)&t->sa;

	if (strlen(path) >= sizeof(sa->sun_path))
		return -ENOTCONN;
	sa->sun_family = AF_UNIX;
	memcpy(sa->sun_path, path, strlen(path) + 1);
	t->sa_len = sizeof(*sa);
	return 0;
}

/* `127.0.0.1:8000` or `[::1]:8000`: numbers only, nobody is asked for a name. */
static int inet_target(struct target *t)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&t->sa;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&t->sa;
	char text[64], *colon, *end;
	unsigned long port = 80;

	memcpy(text, t->host, sizeof(text));
	colon = strrchr(text, ':');
	if (colon && !strchr(colon, ']')) {
		*colon = '\0';
		port = strtoul(colon + 1, &end, 10);
		if (end == colon + 1 || *end || !port || port > 65535)
			return -EINVAL;
	}
	if (text[0] == '[') {
		end = strchr(text, ']');
		if (!end || end[1])
			return -EINVAL;
		*end = '\0';
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		t->sa_len = sizeof(*v6);
		return inet_pton(AF_INET6, text + 1, &v6->sin6_addr) == 1 ? 0 : -EINVAL;
	}
	v4->sin_family = AF_INET;
	v4->sin_port = htons((uint16_t)port);
	t->sa_len = sizeof(*v4);
	return inet_pton(AF_INET, text, &v4->sin_addr) == 1 ? 0 : -EINVAL;
}

static int find_target(const struct discovery_http *h, struct target *t)
{
	static const char scheme[] = "http://";
	const char *host = h->url + sizeof(scheme) - 1;
	size_t len;

	memset(t, 0, sizeof(*t));
	if (strncmp(h->url, scheme, sizeof(scheme) - 1) != 0)
		return -EINVAL;
	len = strcspn(host, "/");
	if (!len || len >= sizeof(t->host))
		return -EINVAL;
	memcpy(t->host, host, len);
	t->path = host[len] ? host + len : "/";
	return h->unix_socket ? unix_target(h->unix_socket, t) : inet_target(t);
}

/* ---- the question ---- */
static bool clean(const char *s, bool spaces)
{
	for (; *s; s++)
		if ((unsigned char)*s < (spaces ? 0x20 : 0x21) || *s == 0x7f)
			return false;
	return true;
}

/* RFC 4648, section 4 */
static void base64(const char *in, size_t len, char *out)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t i;

	for (i = 0; i < len; i += 3) {
		uint32_t v = (uint32_t)(uint8_t)in[i] << 16;

		v |= i + 1 < len ? (uint32_t)(uint8_t)in[i + 1] << 8 : 0;
		v |= i + 2 < len ? (uint8_t)in[i + 2] : 0;
		*out++ = digits[v >> 18];
		*out++ = digits[v >> 12 & 63];
		*out++ = i + 1 < len ? digits[v >> 6 & 63] : '=';
		*out++ = i + 2 < len ? digits[v & 63] : '=';
	}
	*out = '\0';
}

static int basic_auth(const struct discovery_http *h, char *ret, size_t size)
{
	char both[512], coded[700];
	int n = snprintf(both, sizeof(both), "%s:%s", h->user, h->password ? h->password : "");

	if (n < 0 || n >= (int)sizeof(both))
		return -EINVAL;
	base64(both, (size_t)n, coded);
	n = snprintf(ret, size, "Authorization: Basic %s\r\n", coded);
	explicit_bzero(both, sizeof(both));
	explicit_bzero(coded, sizeof(coded));
	return n >= 0 && n < (int)size ? 0 : -EINVAL;
}

/* Nothing of what others chose may begin a line of its own. */
static int write_request(const struct discovery_http *h, const struct target *t, char *ret,
			 size_t size)
{
	char auth[800] = "";
	int n, err = 0;

	if (!clean(t->path, false) || !clean(t->host, false) ||
	    (h->header && !clean(h->header, true)))
		return -EINVAL;
	if (h->user)
		err = basic_auth(h, auth, sizeof(auth));
	if (err)
		return err;
	n = snprintf(ret, size,
		     "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: bpfguard\r\nAccept: */*\r\n"
		     "Connection: close\r\n%s%s%s%s\r\n",
		     h->post ? "POST" : "GET", t->path, t->host, auth, h->header ? h->header : "",
		     h->header ? "\r\n" : "", h->post ? "Content-Length: 0\r\n" : "");
	explicit_bzero(auth, sizeof(auth));
	return n >= 0 && n < (int)size ? n : -EINVAL;
}

/* ---- the connection ---- */
struct transfer {
	const struct discovery_http *h;
	int fd;
	uint64_t deadline_ns; /* 0: none, the stream has begun */
	struct http_answer answer;
};

static uint64_t now_ns(void)
{
	return base_now_ns(CLOCK_MONOTONIC);
}

/* Until the descriptor is ready, or for that long. -ENOTCONN: time is up; -ECANCELED. */
static int wait_for(struct transfer *t, short events, int longest_ms)
{
	struct pollfd p = { .fd = events ? t->fd : -1, .events = events };
	uint64_t end = now_ns() + (uint64_t)longest_ms * 1000000;

	for (;;) {
		uint64_t now = now_ns(), until = end;
		int n;

		if (t->h->stop && *t->h->stop)
			return -ECANCELED;
		if (t->deadline_ns && now >= t->deadline_ns)
			return -ENOTCONN;
		if (longest_ms && now >= end)
			return 0;
		if (!longest_ms || until > now + STEP_MS * 1000000ull)
			until = now + STEP_MS * 1000000ull;
		if (t->deadline_ns && t->deadline_ns < until)
			until = t->deadline_ns;
		n = poll(&p, 1, (int)((until - now + 999999) / 1000000));
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
	}
}

static int as_errno(int err)
{
	return err == EACCES || err == EPERM ? -EACCES : -ENOTCONN;
}

/* A unix socket whose queue is full says EAGAIN, and nothing says when it no longer is. */
static int open_connection(struct transfer *t, const struct target *to)
{
	socklen_t len = sizeof(int);
	int err = 0;

	t->fd = socket(to->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (t->fd < 0)
		return -errno;
	while (connect(t->fd, (const struct sockaddr *)&to->sa, to->sa_len)) {
		if (errno == EISCONN)
			return 0;
		if (errno == EAGAIN)
			err = wait_for(t, 0, BACKLOG_MS);
		else if (errno == EINPROGRESS)
			break;
		else if (errno != EINTR)
			return as_errno(errno);
		if (err)
			return err;
	}
	if (to->sa.ss_family == AF_UNIX)
		return 0;
	err = wait_for(t, POLLOUT, 0);
	if (err)
		return err;
	if (getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &err, &len))
		return -errno;
	return err ? as_errno(err) : 0;
}

static int send_all(struct transfer *t, const char *data, size_t len)
{
	ssize_t n;
	int err;

	while (len) {
		n = send(t->fd, data, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN) {
			err = wait_for(t, POLLOUT, 0);
			if (err)
				return err;
			continue;
		}
		if (n < 0 && errno != EINTR)
			return -ENOTCONN;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

static int receive(struct transfer *t)
{
	char buf[CHUNK];
	ssize_t n;
	int err;

	while (t->answer.at != HTTP_DONE) {
		err = wait_for(t, POLLIN, 0);
		if (err)
			return err;
		n = recv(t->fd, buf, sizeof(buf), 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n <= 0) /* an answer that breaks off is none */
			return n == 0 && http_answer_whole(&t->answer) ? 0 : -ENOTCONN;
		err = http_answer_feed(&t->answer, buf, (size_t)n, t->h->take, t->h->ctx);
		if (err)
			return err;
		if (!t->h->timeout_ms && t->answer.at > HTTP_HEADER)
			t->deadline_ns = 0;
	}
	return 0;
}

int discovery_http(const struct discovery_http *h, long *ret_status)
{
	struct transfer t = { .h = h, .fd = -1 };
	char request[REQUEST_MAX];
	struct target to;
	int err = find_target(h, &to), n;

	if (err)
		return err;
	n = write_request(h, &to, request, sizeof(request));
	if (n < 0)
		return n;
	t.deadline_ns = now_ns() + (uint64_t)(h->timeout_ms ? h->timeout_ms : BEGIN_MS) * 1000000;
	err = open_connection(&t, &to);
	if (!err)
		err = send_all(&t, request, (size_t)n);
	explicit_bzero(request, sizeof(request));
	if (!err)
		err = receive(&t);
	base_close(&t.fd);
	if (!err)
		*ret_status = t.answer.status;
	return err;
}

static int take_body(long status, const char *data, size_t len, void *ctx)
{
	struct discovery_body *b = ctx;
	char *grown;

	(void)status;
	if (len > b->max - b->len)
		return -EBADMSG;
	grown = realloc(b->data, b->len + len + 1);
	if (!grown)
		return -ENOMEM;
	memcpy(grown + b->len, data, len);
	b->data = grown;
	b->len += len;
	grown[b->len] = '\0';
	return 0;
}

int discovery_http_body(const struct discovery_http *h, struct discovery_body *body,
			long *ret_status)
{
	struct discovery_http all = *h;
	int err;

	all.take = take_body;
	all.ctx = body;
	body->data = NULL;
	body->len = 0;
	err = discovery_http(&all, ret_status);
	if (err) {
		free(body->data);
		body->data = NULL;
		body->len = 0;
	}
	return err;
}
