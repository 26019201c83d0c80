// SPDX-License-Identifier: GPL-2.0-only
#include "send.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define RELAY_MS 100 /* a veth delivers at once; this is for a loaded machine */

static const char *last_call = "nothing"; /* an attack has a process of its own */

struct dest dest4(struct in_addr a, uint16_t port)
{
	struct dest to = { .len = sizeof(to.in) };

	to.in.sin_family = AF_INET;
	to.in.sin_addr = a;
	to.in.sin_port = htons(port);
	return to;
}

struct dest dest6(struct in6_addr a, uint16_t port)
{
	struct dest to = { .len = sizeof(to.in6) };

	to.in6.sin6_family = AF_INET6;
	to.in6.sin6_addr = a;
	to.in6.sin6_port = htons(port);
	return to;
}

struct dest mapped(struct in_addr a, uint16_t port)
{
	struct in6_addr m = { .s6_addr = { [10] = 0xff, [11] = 0xff } };

	memcpy(&m.s6_addr[12], &a, sizeof(a));
	return dest6(m, port);
}

struct dest target4(const struct attack_env *e)
{
	return dest4(e->target4, e->port);
}

struct dest target6(const struct attack_env *e)
{
	return dest6(e->target6, e->port);
}

struct dest target_mapped(const struct attack_env *e)
{
	return mapped(e->target4, e->port);
}

struct in6_addr link_local(const uint8_t m[6])
{
	return (struct in6_addr){ .s6_addr = { 0xfe, 0x80, 0, 0, 0, 0, 0, 0, m[0] ^ 2, m[1], m[2],
					       0xff, 0xfe, m[3], m[4], m[5] } };
}

int step(int fd, const char *call, ssize_t result)
{
	int err = errno;

	if (fd < 0)
		return fd;
	last_call = call;
	/* a connection that is being made has sent its first packet */
	if (result >= 0 || err == EINPROGRESS)
		return fd;
	close(fd);
	return -err;
}

int open_socket(int family, int type, int protocol)
{
	int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);

	last_call = "socket";
	return fd < 0 ? -errno : fd;
}

int set_option(int fd, int level, int name, const void *value, size_t size)
{
	return step(fd, "setsockopt", setsockopt(fd, level, name, value, (socklen_t)size));
}

int set_int(int fd, int level, int name, int value)
{
	return set_option(fd, level, name, &value, sizeof(value));
}

int bind_to(int fd, struct dest to)
{
	return step(fd, "bind", bind(fd, &to.sa, to.len));
}

int connect_to(int fd, struct dest to)
{
	return step(fd, "connect", connect(fd, &to.sa, to.len));
}

/* What a kernel says that was built without it, or is too old for it. */
static bool is_lack(int err)
{
	return err == EAFNOSUPPORT || err == EPFNOSUPPORT || err == EPROTONOSUPPORT ||
	       err == ESOCKTNOSUPPORT || err == ENOPROTOOPT || err == ENOSYS || err == EOPNOTSUPP;
}

int done(int fd)
{
	if (fd >= 0)
		return attack_said(last_call, 0);
	if (is_lack(-fd))
		return attack_skip("%s: %s", last_call, strerror(-fd));
	return attack_said(last_call, -fd);
}

struct iovec payload(const struct attack_env *e, size_t size)
{
	static char buf[65536];

	memset(buf, '.', sizeof(buf));
	memcpy(buf, e->mark, e->mark_len);
	return (struct iovec){ buf, size > e->mark_len ? size : e->mark_len };
}

int send_size(const struct attack_env *e, int fd, struct dest to, size_t size, int flags)
{
	struct iovec data = payload(e, size);

	return done(step(
		fd, "sendto",
		sendto(fd, data.iov_base, data.iov_len, flags, to.len ? &to.sa : NULL, to.len)));
}

int send_mark(const struct attack_env *e, int fd, struct dest to)
{
	return send_size(e, fd, to, 0, 0);
}

int send_connected(const struct attack_env *e, int fd)
{
	return send_mark(e, fd, (struct dest){ .len = 0 });
}

int send_message(const struct attack_env *e, int fd, struct msghdr *m)
{
	struct iovec data = payload(e, 0);

	if (!m->msg_iovlen) {
		m->msg_iov = &data;
		m->msg_iovlen = 1;
	}
	return done(step(fd, "sendmsg", sendmsg(fd, m, 0)));
}

int send_cmsg(const struct attack_env *e, int fd, struct dest to, int level, int type,
	      const void *data, size_t size)
{
	union {
		struct cmsghdr align;
		char buf[256];
	} control = { 0 };
	struct msghdr m = {
		.msg_name = to.len ? &to.sa : NULL,
		.msg_namelen = to.len,
		.msg_control = control.buf,
		.msg_controllen = CMSG_SPACE(size),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(c), data, size);
	return send_message(e, fd, &m);
}

static bool readable(int fd, int other, int ms)
{
	struct pollfd p[] = { { .fd = fd, .events = POLLIN }, { .fd = other, .events = POLLIN } };

	return poll(p, 2, ms) > 0;
}

/* Passes on what is there. */
static void pass_on(const struct attack_env *e, int in, int out, struct iovec what)
{
	static char buf[65536];
	struct dest to = target4(e);
	ssize_t n;

	while ((n = recv(in, buf, sizeof(buf), MSG_DONTWAIT)) >= 0) {
		if (memmem(buf, (size_t)n, what.iov_base, what.iov_len))
			step(out, "sendto", sendto(out, e->mark, e->mark_len, 0, &to.sa, to.len));
	}
}

int relay(const struct attack_env *e, int fd, struct iovec what)
{
	int out = open_socket(AF_INET, SOCK_DGRAM, 0);
	char word;

	if (fd < 0 || out < 0)
		return 1;
	attack_tell(e, "r", 1, -1);
	while (recv(e->helper, &word, 1, MSG_DONTWAIT) != 1) {
		if (readable(fd, e->helper, -1))
			pass_on(e, fd, out, what);
	}
	while (readable(fd, -1, RELAY_MS))
		pass_on(e, fd, out, what);
	attack_tell(e, "d", 1, -1);
	return 0;
}

int relay_frames(const struct attack_env *e, uint16_t ethertype, struct iovec what)
{
	return relay(e, open_socket(AF_PACKET, SOCK_RAW, htons(ethertype)), what);
}

int relay_marked(const struct attack_env *e, uint16_t ethertype)
{
	return relay_frames(e, ethertype, (struct iovec){ (void *)e->mark, e->mark_len });
}

int hear_ip4(const struct attack_env *e)
{
	return relay_marked(e, ETH_P_IP);
}

int hear_ip6(const struct attack_env *e)
{
	return relay_marked(e, ETH_P_IPV6);
}

void relay_begin(const struct attack_env *e)
{
	char word;

	attack_hear(e, &word, 1, NULL);
}

int relay_end(const struct attack_env *e, int tried)
{
	char word;

	attack_tell(e, "s", 1, -1);
	attack_hear(e, &word, 1, NULL);
	return tried;
}

/* Has this process the right to change the namespace? A repaired connection asks for the same. */
static bool is_admin(void)
{
	int fd = set_int(open_socket(AF_INET, SOCK_STREAM, 0), IPPROTO_TCP, TCP_REPAIR, 1);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

int lack(const char *what, int rc)
{
	if (rc == -ENOENT)
		return attack_skip("%s: not installed", what);
	return is_admin() ? attack_skip("%s: not on this kernel", what) : attack_said(what, EPERM);
}

int linger(int fd)
{
	if (fd >= 0)
		readable(fd, -1, RELAY_MS);
	return fd;
}

void ask_in(const struct attack_env *e)
{
	const pid_t pid = getpid();
	char word;

	attack_tell(e, &pid, sizeof(pid), -1);
	attack_hear(e, &word, 1, NULL);
}

int move_in(const struct attack_env *e)
{
	pid_t pid;

	if (attack_hear(e, &pid, sizeof(pid), NULL) != sizeof(pid))
		return 1;
	attack_move(pid, e->cgroup);
	return attack_tell(e, "d", 1, -1);
}
