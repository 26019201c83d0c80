/* SPDX-License-Identifier: GPL-2.0-only */
/* News of links and routes, in namespaces of our own. Needs root. */
#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/base.h"
#include "discovery/netns.h"
#include "tests/unit/netns_child.h"

static pid_t far;

static int make_world(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNET))
		return -1;
	far = netns_child();
	if (far < 0)
		return -1;
	sh("ip link add br0 type bridge && ip link set br0 up");
	return 0;
}

static int end_world(void **state)
{
	(void)state;
	netns_child_end(far);
	return 0;
}

struct news {
	unsigned int fresh, gone, route, overrun;
	char last[16];
};

static void on_change(enum discovery_change what, const struct discovery_link *l, void *ctx)
{
	struct news *news = ctx;

	assert_int_equal(l != NULL, what == DISCOVERY_LINK_NEW || what == DISCOVERY_LINK_GONE);
	news->fresh += what == DISCOVERY_LINK_NEW;
	news->gone += what == DISCOVERY_LINK_GONE;
	news->route += what == DISCOVERY_ROUTE;
	news->overrun += what == DISCOVERY_OVERRUN;
	if (l)
		snprintf(news->last, sizeof(news->last), "%s", l->name);
}

static void read_news(int fd, struct news *news)
{
	*news = (struct news){ 0 };
	assert_int_equal(discovery_watch_read(fd, on_change, news), 0);
}

static void test_watch(void **state)
{
	_close_ int ns = discovery_netns_of_pid(far);
	_close_ int fd =
		discovery_watch_open(ns, RTMGRP_LINK | RTMGRP_IPV4_ROUTE | RTMGRP_IPV4_IFADDR);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct news news;

	(void)state;
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	read_news(fd, &news);
	assert_int_equal(news.fresh + news.gone + news.route + news.overrun, 0);
	assert_int_equal(poll(&p, 1, 0), 0);

	sh("nsenter -t %d -n ip link add w0 type bridge", far);
	assert_int_equal(poll(&p, 1, 2000), 1);
	read_news(fd, &news);
	assert_true(news.fresh >= 1 && !news.gone && !news.overrun);
	assert_string_equal(news.last, "w0");
	sh("nsenter -t %d -n sh -ec 'ip link set w0 up; ip addr add 10.7.0.1/24 dev w0'", far);
	read_news(fd, &news);
	assert_true(news.route >= 2);
	sh("nsenter -t %d -n ip link del w0", far);
	read_news(fd, &news);
	assert_int_equal(news.gone, 1);
	assert_string_equal(news.last, "w0");
	/* what happens here is no news of over there */
	sh("ip link add w1 type bridge && ip link del w1");
	read_news(fd, &news);
	assert_int_equal(news.fresh + news.gone + news.route + news.overrun, 0);
}

/* A port that leaves its bridge is not gone. */
static void test_watch_bridge(void **state)
{
	_close_ int fd = discovery_watch_open(-1, RTMGRP_LINK);
	struct news news;

	(void)state;
	sh("ip link add p0 type veth peer name p1 netns %d && ip link set p0 master br0 && "
	   "ip link set p0 nomaster",
	   far);
	read_news(fd, &news);
	assert_true(news.fresh >= 2);
	assert_int_equal(news.gone, 0);
	sh("ip link del p0");
	read_news(fd, &news);
	assert_int_equal(news.gone, 1);
}

/* More than fits is told as such, and what comes later is heard again. */
static void test_watch_overrun(void **state)
{
	_close_ int fd = discovery_watch_open(-1, RTMGRP_LINK);
	int small = 1;
	struct news news;

	(void)state;
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
	sh("for i in 1 2 3 4 5 6 7 8; do ip link add o$i type bridge; done");
	read_news(fd, &news);
	assert_true(news.overrun >= 1);
	sh("ip link del o1");
	read_news(fd, &news);
	assert_int_equal(news.gone, 1);
	sh("for i in 2 3 4 5 6 7 8; do ip link del o$i; done");
}

/* Words that do not come from the kernel are not believed. */
static void test_watch_forged(void **state)
{
	_close_ int fd = discovery_watch_open(-1, RTMGRP_LINK);
	_close_ int forger = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct sockaddr_nl to = { .nl_family = AF_NETLINK };
	socklen_t len = sizeof(to);
	struct nlmsghdr forged = { .nlmsg_len = sizeof(forged), .nlmsg_type = RTM_NEWROUTE };
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct news news;

	(void)state;
	assert_int_equal(getsockname(fd, (struct sockaddr *)&to, &len), 0);
	to.nl_groups = 0;
	assert_int_equal(sendto(forger, &forged, sizeof(forged), 0, (struct sockaddr *)&to, len),
			 sizeof(forged));
	assert_int_equal(poll(&p, 1, 2000), 1);
	read_news(fd, &news);
	assert_int_equal(news.fresh + news.gone + news.route + news.overrun, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_watch),
		cmocka_unit_test(test_watch_bridge),
		cmocka_unit_test(test_watch_overrun),
		cmocka_unit_test(test_watch_forged),
	};

	return have_root() ? cmocka_run_group_tests(tests, make_world, end_world) : 1;
}
