// SPDX-License-Identifier: GPL-2.0-only
/*
 * WireGuard in a program: its control socket, as https://www.wireguard.com/xplatform has it. The
 * answer holds the private key, so nothing of it stays in memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/base.h"
#include "discovery/tunnel_parts.h"

#define ANSWER_MAX (1u << 20)

static bool number(const char *text, uint64_t max, uint64_t *ret)
{
	uint64_t n = 0;

	if (!text[0] || strlen(text) > 19)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		n = n * 10 + (uint64_t)(*text - '0');
	}
	if (n > max)
		return false;
	*ret = n;
	return true;
}

/* 192.0.2.1:51820, [2001:db8::1]:51820, [fe80::1%eth0]:51820 */
static bool read_endpoint(char *value, struct discovery_tunnel *t)
{
	char *colon = strrchr(value, ':'), *address = value;
	uint8_t addr[16];
	uint64_t port;
	int family;

	if (!colon || !number(colon + 1, UINT16_MAX, &port))
		return false;
	*colon = '\0';
	if (value[0] == '[') {
		if (colon[-1] != ']')
			return false;
		colon[-1] = '\0';
		address = value + 1;
		address[strcspn(address, "%")] = '\0';
	}
	family = discovery_address(address, addr);
	if (!family)
		return false;
	discovery_endpoint_add(t, family, addr, (uint16_t)port, IPPROTO_UDP, "wireguard-go");
	return true;
}

struct uapi {
	struct discovery_tunnel t;
	uint64_t sec; /* of the peer that is being told of */
	bool ended;
};

static bool read_pair(struct uapi *u, const char *key, char *value)
{
	struct discovery_tunnel *t = &u->t;
	uint64_t n;

	if (strcmp(key, "endpoint") == 0)
		return read_endpoint(value, t);
	if (strcmp(key, "errno") == 0) {
		u->ended = true;
		return strcmp(value, "0") == 0;
	}
	if (strcmp(key, "public_key") == 0)
		u->sec = 0;
	if (strcmp(key, "last_handshake_time_sec") == 0)
		return number(value, INT64_MAX / 1000000000 - 1, &u->sec);
	if (strcmp(key, "last_handshake_time_nsec") == 0) {
		if (!number(value, 999999999, &n))
			return false;
		n += u->sec * 1000000000;
		if (n > t->last_handshake_real_ns)
			t->last_handshake_real_ns = n;
	} else if (strcmp(key, "rx_bytes") == 0) {
		if (!number(value, INT64_MAX, &n))
			return false;
		t->rx_bytes += n;
	} else if (strcmp(key, "tx_bytes") == 0) {
		if (!number(value, INT64_MAX, &n))
			return false;
		t->tx_bytes += n;
	}
	return true;
}

/* Keys that are not known are passed over; without `errno=0` at the end it is no answer. */
int discovery_parse_wireguard_uapi(const char *text, size_t len, struct discovery_tunnel *ret)
{
	struct uapi u = { .t.kind = DISCOVERY_TUNNEL_WIREGUARD_GO };
	char line[256], *equals;
	bool ok = true;

	for (size_t at = 0; ok && !u.ended && at < len;) {
		const char *end = memchr(text + at, '\n', len - at);
		size_t n = end ? (size_t)(end - text) - at : len - at;

		ok = end && n > 0 && n < sizeof(line) && !memchr(text + at, '\0', n);
		if (!ok)
			break;
		memcpy(line, text + at, n);
		line[n] = '\0';
		equals = strchr(line, '=');
		ok = equals != NULL;
		if (ok) {
			*equals = '\0';
			ok = read_pair(&u, line, equals + 1);
		}
		at += n + 1;
	}
	explicit_bzero(line, sizeof(line));
	if (!ok || !u.ended)
		return -EBADMSG;
	*ret = u.t;
	return 0;
}

static int wait_for(int fd, short events, uint64_t deadline)
{
	struct pollfd p = { .fd = fd, .events = events };
	int left = discovery_left_ms(deadline);

	return left && poll(&p, 1, left) > 0 ? 0 : -ETIMEDOUT;
}

static bool answer_complete(const char *buf, size_t len)
{
	return (len >= 2 && memcmp(buf + len - 2, "\n\n", 2) == 0);
}

/* Reads to the empty line that ends an answer, or to the end. */
static int converse(int fd, uint64_t deadline, char *buf, size_t *ret_len)
{
	static const char question[] = "get=1\n\n";
	size_t len = 0;
	ssize_t n;
	int err;

	/* One that hung up already may have said something before. */
	n = send(fd, question, sizeof(question) - 1, MSG_NOSIGNAL);
	if (n < 0 && errno != EPIPE && errno != ECONNRESET)
		return -errno;
	while (!answer_complete(buf, len)) {
		err = wait_for(fd, POLLIN, deadline);
		if (err)
			return err;
		n = recv(fd, buf + len, ANSWER_MAX - len, 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n == 0 || (n < 0 && errno == ECONNRESET))
			break; /* what was said before counts */
		if (n < 0 || len + (size_t)n >= ANSWER_MAX)
			return -EBADMSG;
		len += (size_t)n;
	}
	*ret_len = len;
	return 0;
}

/* A full queue of callers answers EAGAIN, and nothing tells when it has room again. */
static int call(int path_fd, uint64_t deadline, int *ret)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	snprintf(sa.sun_path, sizeof(sa.sun_path), "/proc/self/fd/%d", path_fd);
	while (connect(fd, (struct sockaddr *)&sa, sizeof(sa))) {
		if (errno != EAGAIN && errno != EINTR)
			return -ENOENT; /* a socket file that outlived its program */
		if (!discovery_left_ms(deadline))
			return -ETIMEDOUT;
		poll(NULL, 0, 10);
	}
	*ret = TAKE_FD(fd);
	return 0;
}

static int find_socket(int root, const char *name)
{
	static const char *const dirs[] = { "var/run/wireguard", "run/wireguard" };
	char path[64];
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		_close_ int fd = -1;

		snprintf(path, sizeof(path), "%s/%s.sock", dirs[i], name);
		fd = discovery_open_inside(root, path, true);
		if (fd >= 0 && !fstat(fd, &st) && S_ISSOCK(st.st_mode))
			return TAKE_FD(fd);
	}
	return -ENOENT;
}

int discovery_wireguard_go(int root, const char *name, uint64_t deadline,
			   struct discovery_tunnel *ret)
{
	_close_ int path_fd = find_socket(root, name), fd = -1;
	_free_ char *buf = NULL;
	size_t len = 0;
	int err;

	if (path_fd < 0)
		return path_fd;
	err = call(path_fd, deadline, &fd);
	if (err)
		return err;
	buf = calloc(1, ANSWER_MAX);
	if (!buf)
		return -ENOMEM;
	err = converse(fd, deadline, buf, &len);
	if (!err)
		err = discovery_parse_wireguard_uapi(buf, len, ret);
	explicit_bzero(buf, ANSWER_MAX);
	return err;
}
