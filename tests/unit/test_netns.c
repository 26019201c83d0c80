/* SPDX-License-Identifier: GPL-2.0-only */
/* Namespaces, links and routes, in namespaces of our own. Needs root. */
#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/base.h"
#include "discovery/netns.h"
#include "tests/unit/netns_child.h"

static pid_t app; /* eth0 is the other end of our app0, a port of our br0 */
static pid_t far; /* connected with app by veths, not with us */

/* The test's own process is "the host": a namespace with a bridge. */
static int make_world(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNET))
		return -1;
	app = netns_child();
	far = netns_child();
	if (app < 0 || far < 0)
		return -1;
	sh("ip link set lo up");
	sh("ip link add br0 type bridge && ip link set br0 up");
	sh("ip link add app0 type veth peer name eth0 netns %d", app);
	sh("ip link set app0 master br0 up");
	sh("nsenter -t %d -n ip link set eth0 address 02:42:ac:1e:00:0a up", app);
	sh("nsenter -t %d -n ip addr add 172.30.0.10/24 dev eth0", app);
	sh("nsenter -t %d -n ip link add far0 type veth peer name near0 netns %d", app, far);
	return 0;
}

static int end_world(void **state)
{
	(void)state;
	netns_child_end(app);
	netns_child_end(far);
	return 0;
}

static int inode_here(void *ctx)
{
	*(uint32_t *)ctx = discovery_netns_inode(-1);
	return 7;
}

static void test_enter(void **state)
{
	uint32_t home = discovery_netns_inode(-1), there = 0;
	_close_ int ns = discovery_netns_of_pid(app), plain = -1;

	(void)state;
	assert_true(ns >= 0 && home);
	assert_int_equal(discovery_netns_run(ns, inode_here, &there), 7);
	assert_int_equal(there, discovery_netns_inode(ns));
	assert_int_not_equal(there, home);
	assert_int_equal(discovery_netns_inode(-1), home);
	assert_int_equal(discovery_netns_run(-1, inode_here, &there), 7);
	assert_int_equal(there, home);
	plain = open("/dev/null", O_RDONLY | O_CLOEXEC);
	there = 1;
	assert_int_equal(discovery_netns_run(plain, inode_here, &there), -EINVAL);
	assert_int_equal(there, 1);
}

static int close_way_back(void *ctx)
{
	(void)ctx;
	close_range(3, ~0U, 0);
	return 0;
}

/* A thread that cannot go back must not go on. */
static void test_lost(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		int ns = discovery_netns_of_pid(app);

		signal(SIGABRT, SIG_DFL);
		discovery_netns_run(ns, close_way_back, NULL);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void test_find(void **state)
{
	char path[64];
	struct stat st;
	pid_t gone = netns_child();
	_close_ int ns = -1;

	(void)state;
	snprintf(path, sizeof(path), "/proc/%d/ns/net", app);
	assert_int_equal(stat(path, &st), 0);
	ns = discovery_netns_of_path(path);
	assert_true(ns >= 0);
	assert_int_equal(discovery_netns_inode(ns), (uint32_t)st.st_ino);
	assert_int_equal(discovery_netns_of_path("/nonexistent"), -ENOENT);
	assert_int_equal(discovery_netns_of_path("/dev/null"), -EINVAL);
	assert_int_equal(discovery_netns_of_path("/proc/self/ns/mnt"), -EINVAL);
	assert_int_equal(discovery_netns_of_pid(0), -ESRCH);
	assert_int_equal(discovery_netns_of_pid(-1), -ESRCH);
	kill(gone, SIGKILL);
	assert_int_equal(waitpid(gone, NULL, 0), gone);
	assert_int_equal(discovery_netns_of_pid(gone), -ESRCH);
	assert_int_equal(discovery_nsid_of_pid(gone, &(int32_t){ 0 }), -ESRCH);
}

struct names {
	unsigned int n, stop_after;
	char all[256];
};

static int add_name(const struct discovery_link *l, void *ctx)
{
	struct names *names = ctx;

	strncat(names->all, l->name, sizeof(names->all) - strlen(names->all) - 1);
	strncat(names->all, " ", sizeof(names->all) - strlen(names->all) - 1);
	return ++names->n == names->stop_after ? 42 : 0;
}

static void test_links(void **state)
{
	uint32_t home = discovery_netns_inode(-1);
	struct names here = { 0 }, there = { 0 }, first = { .stop_after = 1 };
	struct discovery_link br, l;
	_close_ int ns = discovery_netns_of_pid(app);

	(void)state;
	assert_int_equal(discovery_links(-1, add_name, &here), 0);
	assert_string_equal(here.all, "lo br0 app0 ");
	assert_int_equal(discovery_links(ns, add_name, &there), 0);
	assert_non_null(strstr(there.all, "eth0 "));
	assert_null(strstr(there.all, "app0"));
	assert_int_equal(discovery_links(-1, add_name, &first), 42);
	assert_int_equal(first.n, 1);
	assert_int_equal(discovery_netns_inode(-1), home);

	assert_int_equal(discovery_link_by_name(-1, "br0", &br), 0);
	assert_string_equal(br.kind, "bridge");
	assert_int_equal(br.peer_nsid, -1);
	assert_int_equal(discovery_link_by_name(-1, "app0", &l), 0);
	assert_string_equal(l.kind, "veth");
	assert_int_equal(l.master, br.ifindex);
	assert_int_equal(l.type, ARPHRD_ETHER);
	assert_true(l.up && l.running && l.peer && l.peer_nsid >= 0);
	assert_int_equal(discovery_link_by_name(ns, "eth0", &l), 0);
	assert_true(l.has_mac && memcmp(l.mac, "\x02\x42\xac\x1e\x00\x0a", 6) == 0);
	assert_int_equal(discovery_link_by_name(-1, "eth0", &l), -ENODEV);
	assert_int_equal(discovery_link_by_name(-1, "", &l), -ENODEV);
	assert_int_equal(discovery_link_by_name(-1, "a-name-of-16-byt", &l), -ENODEV);
	assert_string_equal(l.name, "eth0");
}

/* What was counted is the device's own traffic. */
static void test_counters(void **state)
{
	struct discovery_link before, after;
	_close_ int ns = discovery_netns_of_pid(app);

	(void)state;
	assert_int_equal(discovery_link_by_name(ns, "eth0", &before), 0);
	sh("nsenter -t %d -n ping -q -c 1 -W 1 172.30.0.99 > /dev/null || :", app);
	assert_int_equal(discovery_link_by_name(ns, "eth0", &after), 0);
	assert_true(after.tx_packets > before.tx_packets && after.tx_bytes > before.tx_bytes);
}

static void test_peer(void **state)
{
	struct discovery_link l, peer, want, wrong;
	_close_ int ns = discovery_netns_of_pid(app);
	int32_t nsid = -7;

	(void)state;
	assert_int_equal(discovery_link_by_name(-1, "app0", &l), 0);
	assert_int_equal(discovery_link_by_name(ns, "eth0", &want), 0);
	assert_int_equal(discovery_link_peer(&l, &peer), 0);
	assert_string_equal(peer.name, "eth0");
	assert_int_equal(peer.ifindex, want.ifindex);
	assert_memory_equal(peer.mac, want.mac, 6);
	assert_int_equal(discovery_nsid_of_pid(app, &nsid), 0);
	assert_int_equal(nsid, l.peer_nsid);
	/* we have no link with that one, so no id of it */
	nsid = -7;
	assert_int_equal(discovery_nsid_of_pid(far, &nsid), -ENOENT);
	assert_int_equal(nsid, -7);

	/* both ends here */
	sh("ip link add a0 type veth peer name b0");
	assert_int_equal(discovery_link_by_name(-1, "a0", &l), 0);
	assert_int_equal(l.peer_nsid, -1);
	assert_int_equal(discovery_link_peer(&l, &peer), 0);
	assert_string_equal(peer.name, "b0");
	/* a device, but not the other end of this one; none; a namespace that is not */
	wrong = l;
	wrong.ifindex += 1000;
	assert_int_equal(discovery_link_peer(&wrong, &peer), -ENODEV);
	wrong = l;
	wrong.peer = 0;
	assert_int_equal(discovery_link_peer(&wrong, &peer), -ENODEV);
	wrong = l;
	wrong.peer = 9999;
	assert_int_equal(discovery_link_peer(&wrong, &peer), -ENODEV);
	wrong = l;
	wrong.peer_nsid = 4711;
	assert_int_equal(discovery_link_peer(&wrong, &peer), -ENODEV);
	assert_string_equal(peer.name, "b0");
	sh("ip link del a0");
}

/* A device that is named to deceive a reader's terminal. */
static void test_odd_name(void **state)
{
	struct names here = { 0 };

	(void)state;
	sh("ip link add \"$(printf 'x\\033[2Jy')\" type bridge");
	assert_int_equal(discovery_links(-1, add_name, &here), 0);
	assert_non_null(strstr(here.all, "x?[2Jy "));
	sh("ip link del \"$(printf 'x\\033[2Jy')\"");
}

struct routes {
	unsigned int n, defaults, gatewayed_defaults, by_eth0, by_hop0, table_199;
	uint32_t eth0, hop0;
	bool v6;
};

static int add_route(const struct discovery_net_route *r, void *ctx)
{
	struct routes *routes = ctx;

	routes->n++;
	if (r->dst_len == 0) {
		routes->defaults++;
		routes->gatewayed_defaults += r->gatewayed;
	}
	routes->table_199 += r->table == 199;
	if (r->table == 199 && r->family == 4 && r->dst_len == 0) {
		routes->by_eth0 += r->oif == routes->eth0;
		routes->by_hop0 += r->oif == routes->hop0;
	}
	if (r->family == 6 && r->dst_len == 32 && memcmp(r->dst, "\x20\x01\x0d\xb8", 4) == 0)
		routes->v6 = true;
	return 0;
}

static void test_routes(void **state)
{
	struct routes empty = { 0 }, r = { 0 };
	struct discovery_link l;
	_close_ int ns = discovery_netns_of_pid(far);

	(void)state;
	assert_int_equal(discovery_routes(ns, add_route, &empty), 0);
	assert_int_equal(empty.n, 0);
	sh("nsenter -t %d -n sh -ec '"
	   "ip link set near0 name eth0; ip link set eth0 up; ip link add hop0 type bridge;"
	   "ip link set hop0 up; ip addr add 10.0.0.2/24 dev eth0; ip addr add 10.1.0.2/24 dev "
	   "hop0;"
	   "ip route add default via 10.0.0.1;"
	   "ip route add default table 199 nexthop via 10.0.0.1 nexthop dev hop0;"
	   "ip route add blackhole 10.9.0.0/16; ip route add unreachable default metric 99;"
	   "ip -6 route add 2001:db8::/32 dev hop0'",
	   far);
	assert_int_equal(discovery_link_by_name(ns, "eth0", &l), 0);
	r.eth0 = l.ifindex;
	assert_int_equal(discovery_link_by_name(ns, "hop0", &l), 0);
	r.hop0 = l.ifindex;
	assert_int_equal(discovery_routes(ns, add_route, &r), 0);
	assert_int_equal(r.defaults, 3);
	assert_int_equal(r.gatewayed_defaults, 2);
	assert_int_equal(r.table_199, 2);
	assert_int_equal(r.by_eth0, 1);
	assert_int_equal(r.by_hop0, 1);
	assert_true(r.v6);
}

static void *in_thread(void *ctx)
{
	struct names names = { 0 };
	_close_ int ns = discovery_netns_of_pid(app);

	for (int i = 0; i < 50; i++) {
		names = (struct names){ 0 };
		if (discovery_links(i % 2 ? ns : -1, add_name, &names) ||
		    !strstr(names.all, i % 2 ? "eth0 " : "br0 "))
			return "wrong";
	}
	(void)ctx;
	return NULL;
}

/* Entering is the thread's own affair. */
static void test_threads(void **state)
{
	pthread_t t[4];
	void *wrong;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, in_thread, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		pthread_join(t[i], &wrong);
		assert_null(wrong);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_enter),	 cmocka_unit_test(test_lost),
		cmocka_unit_test(test_find),	 cmocka_unit_test(test_links),
		cmocka_unit_test(test_counters), cmocka_unit_test(test_peer),
		cmocka_unit_test(test_odd_name), cmocka_unit_test(test_routes),
		cmocka_unit_test(test_threads),
	};

	return have_root() ? cmocka_run_group_tests(tests, make_world, end_world) : 1;
}
