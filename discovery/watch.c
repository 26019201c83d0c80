// SPDX-License-Identifier: GPL-2.0-only
/* News of links and routes. */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "base/base.h"
#include "discovery/netlink.h"

#define WATCH_BUFFER (4 << 20)
#define WATCH_BURST  4096 /* datagrams in one call: a busy kernel must not hold the caller */

struct opening {
	uint32_t groups;
	int fd;
};

static int open_watch(void *ctx)
{
	struct sockaddr_nl sa = { .nl_family = AF_NETLINK };
	struct opening *o = ctx;
	int size = WATCH_BUFFER, one = 1;
	_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	sa.nl_groups = o->groups;
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)))
		return -errno;
	o->fd = TAKE_FD(fd);
	return 0;
}

int discovery_watch_open(int netns, uint32_t groups)
{
	struct opening o = { .groups = groups, .fd = -1 };
	int err = discovery_netns_run(netns, open_watch, &o);

	return err ? err : o.fd;
}

typedef void (*change_fn)(enum discovery_change what, const struct discovery_link *l, void *ctx);

/*
 * A bridge tells of its ports by link messages of its own family (net/bridge/br_netlink.c
 * br_ifinfo_notify), and of one that leaves as if the device were gone; the device's own message
 * comes besides.
 */
static void on_link(const struct nlmsghdr *nlh, change_fn fn, void *ctx)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct discovery_link l;

	if (nlh->nlmsg_len < NLMSG_LENGTH(sizeof(*ifi)) || ifi->ifi_family != AF_UNSPEC)
		return;
	if (discovery_link_parse(nlh, &l))
		fn(DISCOVERY_OVERRUN, NULL, ctx);
	else
		fn(nlh->nlmsg_type == RTM_NEWLINK ? DISCOVERY_LINK_NEW : DISCOVERY_LINK_GONE, &l,
		   ctx);
}

static void on_datagram(const char *buf, size_t n, change_fn fn, void *ctx)
{
	const struct nlmsghdr *nlh = (const void *)buf;
	int left = (int)n;

	for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		if (nlh->nlmsg_type == RTM_NEWLINK || nlh->nlmsg_type == RTM_DELLINK)
			on_link(nlh, fn, ctx);
		else if (nlh->nlmsg_type >= NLMSG_MIN_TYPE)
			fn(DISCOVERY_ROUTE, NULL, ctx);
	}
}

int discovery_watch_read(int fd,
			 void (*fn)(enum discovery_change what, const struct discovery_link *l,
				    void *ctx),
			 void *ctx)
{
	char buf[32768] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct sockaddr_nl from = { 0 };
	struct iovec iov = { .iov_base = buf, .iov_len = sizeof(buf) };
	ssize_t n;

	for (int i = 0; i < WATCH_BURST; i++) {
		struct msghdr msg = { .msg_name = &from,
				      .msg_namelen = sizeof(from),
				      .msg_iov = &iov,
				      .msg_iovlen = 1 };

		n = recvmsg(fd, &msg, MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n < 0 && errno != ENOBUFS)
			return -errno;
		if (n < 0 || msg.msg_flags & MSG_TRUNC)
			fn(DISCOVERY_OVERRUN, NULL, ctx);
		else if (from.nl_pid == 0) /* the kernel; others may write to us too */
			on_datagram(buf, (size_t)n, fn, ctx);
	}
	return 0;
}
