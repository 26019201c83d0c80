/* SPDX-License-Identifier: GPL-2.0-only */
/* Where tunnels go: the parsers of what they say. test_tunnel_live.c has tunnels that run. */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/wireguard.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/base.h"
#include "discovery/tunnel_parts.h"
#include "tests/unit/tunnel_shown.h"

#define KEY "e84b5a6d2717c1003a13b431570353dbaca9146cf150c5f8575680feba52027a"

static int uapi(const char *text, struct discovery_tunnel *t)
{
	return discovery_parse_wireguard_uapi(text, strlen(text), t);
}

static void test_uapi(void **state)
{
	struct discovery_tunnel t = { .rx_bytes = 42 };

	(void)state;
	assert_int_equal(uapi("private_key=" KEY "\nlisten_port=12912\nfwmark=1\n"
			      "public_key=" KEY "\npreshared_key=" KEY "\n"
			      "endpoint=192.0.2.7:3233\nallowed_ip=0.0.0.0/0\n"
			      "last_handshake_time_sec=100\nlast_handshake_time_nsec=5\n"
			      "rx_bytes=10\ntx_bytes=1\n"
			      "public_key=" KEY "\nendpoint=[2001:db8::7]:51820\n"
			      "last_handshake_time_sec=99\nlast_handshake_time_nsec=999999999\n"
			      "rx_bytes=20\ntx_bytes=2\nfuture_word=x\n"
			      "public_key=" KEY "\nendpoint=[fe80::1%eth0]:1\n"
			      "last_handshake_time_sec=0\nlast_handshake_time_nsec=0\n"
			      "errno=0\n\n",
			      &t),
			 0);
	assert_int_equal(t.kind, DISCOVERY_TUNNEL_WIREGUARD_GO);
	assert_string_equal(shown(&t), "udp 192.0.2.7 3233, udp 2001:db8::7 51820, udp fe80::1 1");
	assert_int_equal(t.last_handshake_real_ns, 100000000005);
	assert_int_equal(t.rx_bytes, 30);
	assert_int_equal(t.tx_bytes, 3);
	assert_int_equal(uapi("listen_port=1\nerrno=0\n\n", &t), 0);
	assert_int_equal(t.n_endpoints, 0);
	assert_int_equal(t.last_handshake_real_ns, 0);
}

static void test_uapi_bad(void **state)
{
	static const char *const bad[] = {
		"",
		"\n",
		"errno=1\n\n",
		"errno=\n",
		"listen_port=1\n", /* cut off */
		"endpoint=vpn.example:51820\nerrno=0\n\n",
		"endpoint=192.0.2.1\nerrno=0\n\n",
		"endpoint=192.0.2.1:65536\nerrno=0\n\n",
		"endpoint=192.0.2.1:-1\nerrno=0\n\n",
		"endpoint=:1\nerrno=0\n\n",
		"endpoint=[:1\nerrno=0\n\n",
		"endpoint=[]:1\nerrno=0\n\n",
		"rx_bytes=99999999999999999999\nerrno=0\n\n",
		"rx_bytes=9999999999999999999\nerrno=0\n\n",
		"rx_bytes=1x\nerrno=0\n\n",
		"last_handshake_time_sec=9223372036854775807\nerrno=0\n\n",
		"last_handshake_time_nsec=1000000000\nerrno=0\n\n",
		"no equals sign\nerrno=0\n\n",
		"HTTP/1.1 400 Bad Request\n\n",
		"errno=0", /* no end of line */
	};
	struct discovery_tunnel t = { .rx_bytes = 42 };
	char endless[4096];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (uapi(bad[i], &t) != -EBADMSG)
			fail_msg("accepted: %s", bad[i]);
	}
	memset(endless, 'a', sizeof(endless));
	assert_int_equal(discovery_parse_wireguard_uapi(endless, sizeof(endless), &t), -EBADMSG);
	assert_int_equal(discovery_parse_wireguard_uapi("a=\0\nerrno=0\n\n", 14, &t), -EBADMSG);
	assert_int_equal(t.rx_bytes, 42);
}

/* Nothing that cannot be a VPN's server gets on the list, and the list has an end. */
static void test_endpoints(void **state)
{
	static const char *const bad[] = { "0.0.0.0",	"0.1.2.3",   "127.0.0.1",	"127.9.9.9",
					   "224.0.0.1", "240.0.0.1", "255.255.255.255", "::",
					   "::1",	"ff02::1",   "::ffff:127.0.0.1" };
	struct discovery_tunnel t = { 0 };
	uint8_t addr[16];
	int family;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		family = discovery_address(bad[i], addr);
		assert_int_not_equal(family, 0);
		discovery_endpoint_add(&t, family, addr, 1, IPPROTO_UDP, "x");
		if (t.n_endpoints)
			fail_msg("taken: %s", bad[i]);
	}
	assert_int_equal(discovery_address("::ffff:192.0.2.1", addr), 6);
	discovery_endpoint_add(&t, 6, addr, 0, IPPROTO_UDP, "x");
	assert_int_equal(t.n_endpoints, 0);
	discovery_endpoint_add(&t, 6, addr, 7, IPPROTO_UDP, "a\x1b[b");
	discovery_endpoint_add(&t, 4, addr + 12, 7, IPPROTO_UDP, "again");
	assert_string_equal(shown(&t), "udp 192.0.2.1 7");
	assert_string_equal(t.endpoint[0].source, "a\\x1b[b");
	for (uint16_t port = 1; port < 100; port++)
		discovery_endpoint_add(&t, 4, addr + 12, port, IPPROTO_TCP, "x");
	assert_int_equal(t.n_endpoints, DISCOVERY_MAX_ENDPOINTS);
}

static void ovpn(const char *text, const char *want)
{
	struct discovery_tunnel t;

	assert_int_equal(discovery_parse_openvpn(text, strlen(text), &t), 0);
	assert_int_equal(t.kind, DISCOVERY_TUNNEL_OPENVPN);
	if (strcmp(shown(&t), want))
		fail_msg("%s\nis %s, not %s", text, shown(&t), want);
}

static void test_openvpn(void **state)
{
	struct discovery_tunnel t = { .rx_bytes = 42 };

	(void)state;
	/* as Gluetun writes it */
	ovpn("client\nnobind\ntls-exit\ndev tun0\nproto udp\nremote 198.51.100.7 1194\n"
	     "<ca>\nremote 203.0.113.9 1\n</ca>\n",
	     "udp 198.51.100.7 1194");
	ovpn("proto tcp-client\nremote 198.51.100.7 443", "tcp 198.51.100.7 443");
	/* general words count wherever they stand */
	ovpn("remote 198.51.100.7\nremote 198.51.100.8 53 tcp4\nport 99\nproto udp4\n",
	     "udp 198.51.100.7 99, tcp 198.51.100.8 53");
	ovpn("remote 2001:db8::7 1195 udp6\r\n", "udp 2001:db8::7 1195");
	ovpn("remote 198.51.100.7\n", "udp 198.51.100.7 1194");
	/* names are not resolved */
	ovpn("remote vpn.example.net 1194\nremote 198.51.100.9 1194\n", "udp 198.51.100.9 1194");
	ovpn("remote localhost 1194\nremote 127.0.0.1 1194\nremote 0.0.0.0 1\n", "");
	ovpn("<connection>\nremote 198.51.100.1 1\nproto tcp\n</connection>\n"
	     "<connection>\nremote 198.51.100.2\nport 2\n</connection>\nproto udp\n",
	     "tcp 198.51.100.1 1, udp 198.51.100.2 2");
	ovpn("# remote 198.51.100.1 1\n ;remote 198.51.100.2 2\n"
	     "\t--remote \"198.51.100.3\" '3' # why\n",
	     "udp 198.51.100.3 3");
	ovpn("remote 198.51.100.1 1 udp\nremote 198.51.100.1 1 tcp\nproto-force tcp\n",
	     "tcp 198.51.100.1 1");
	ovpn("remote 198.51.100.1 0\nremote 198.51.100.1 65536\nremote 198.51.100.1 -1\n"
	     "remote 198.51.100.1 http\nremote 198.51.100.1 1 sctp\nremote\n",
	     "");
	/* where the packets go is not what `remote` says */
	ovpn("remote 198.51.100.1 1\nhttp-proxy 203.0.113.1 3128\n", "");
	ovpn("remote 198.51.100.1 1\nsocks-proxy 203.0.113.1\n", "");
	ovpn("remote 198.51.100.1 1\nproto sctp\n", "");
	ovpn("<ca>\nremote 198.51.100.1 1\n", "");
	ovpn("", "");
	assert_int_equal(discovery_parse_openvpn("remote\0", 7, &t), -EBADMSG);
	assert_int_equal(t.rx_bytes, 42);
}

static void args(const char *words, size_t len, const char *want)
{
	_free_ char *lines = NULL;

	assert_int_equal(discovery_openvpn_from_args(words, len, &lines), 0);
	ovpn(lines, want);
}
#define ARGS(words, want) args(words, sizeof(words), want)

static void test_openvpn_args(void **state)
{
	(void)state;
	ARGS("openvpn\0--remote\0"
	     "198.51.100.1\0"
	     "1\0tcp-client\0--dev\0tun0",
	     "tcp 198.51.100.1 1");
	ARGS("openvpn\0file\0--remote\0"
	     "198.51.100.1\0--rport\0"
	     "7",
	     "udp 198.51.100.1 7");
	ARGS("openvpn\0--setenv\0a b\nremote 203.0.113.1 9\0\"x\\", "");
	ARGS("openvpn", "");
	args("", 0, "");
}

static void test_sockets(void **state)
{
	static const uint64_t ours[] = { 100, 200, 300 };
	struct discovery_tunnel t = { 0 };

	(void)state;
	discovery_openvpn_sockets(
		"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid"
		"  timeout inode\n"
		"   0: 0A00A8C0:C350 076433C6:01BB 01 00000000:00000000 00:00000000 00000000     0"
		"        0 200 1 0000000000000000 20 4 30 10 -1\n"
		"   1: 0A00A8C0:C350 086433C6:01BB 01 00000000:00000000 00:00000000 00000000     0"
		"        0 201 1 0000000000000000 20 4 30 10 -1\n" /* somebody else's */
		"   2: 00000000:01BB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0"
		"        0 100 1 0000000000000000 100 0 0 10 0\n" /* listens */
		"   3: short\n",
		IPPROTO_TCP, ours, 3, &t);
	assert_string_equal(shown(&t), "tcp 198.51.100.7 443");
	assert_string_equal(t.endpoint[0].source, "openvpn socket");
	discovery_openvpn_sockets(
		"   0: 00000000000000000000000000000000:C350 B80D0120000000000000000007000000:04AA"
		" 01 00000000:00000000 00:00000000 00000000     0        0 300 2 0000 0\n",
		IPPROTO_UDP, ours, 3, &t);
	assert_string_equal(shown(&t), "tcp 198.51.100.7 443, udp 2001:db8::7 1194");
}

static void put_peer(struct nlmsghdr *nlh, const void *sa, size_t len, int64_t sec, uint64_t rx)
{
	struct nlattr *peer = mnl_attr_nest_start(nlh, 0);
	int64_t when[2] = { sec, 7 };

	mnl_attr_put(nlh, WGPEER_A_ENDPOINT, len, sa);
	mnl_attr_put(nlh, WGPEER_A_LAST_HANDSHAKE_TIME, sizeof(when), when);
	mnl_attr_put_u64(nlh, WGPEER_A_RX_BYTES, rx);
	mnl_attr_put_u64(nlh, WGPEER_A_TX_BYTES, 1);
	mnl_attr_nest_end(nlh, peer);
}

/* The kernel's answer, in two messages; this machine's kernel has no WireGuard to ask. */
static void test_kernel_message(void **state)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(51820) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(443) };
	struct discovery_tunnel t = { 0 };
	struct nlattr *peers;
	struct nlmsghdr *nlh;
	char buf[2048];

	(void)state;
	inet_pton(AF_INET, "198.51.100.7", &in.sin_addr);
	inet_pton(AF_INET6, "2001:db8::7", &in6.sin6_addr);
	for (int i = 0; i < 2; i++) {
		nlh = mnl_nlmsg_put_header(buf);
		mnl_nlmsg_put_extra_header(nlh, sizeof(struct genlmsghdr));
		peers = mnl_attr_nest_start(nlh, WGDEVICE_A_PEERS);
		if (i == 0)
			put_peer(nlh, &in, sizeof(in), 100, 10);
		else
			put_peer(nlh, &in6, sizeof(in6), 99, 20);
		put_peer(nlh, &in, 3, -1, 0); /* cut short */
		mnl_attr_nest_end(nlh, peers);
		assert_int_equal(discovery_wireguard_message(nlh, &t), 0);
	}
	assert_int_equal(t.kind, DISCOVERY_TUNNEL_WIREGUARD);
	assert_string_equal(shown(&t), "udp 198.51.100.7 51820, udp 2001:db8::7 443");
	assert_int_equal(t.last_handshake_real_ns, 100000000007);
	assert_int_equal(t.rx_bytes, 30);
	nlh->nlmsg_len = NLMSG_HDRLEN;
	assert_int_equal(discovery_wireguard_message(nlh, &t), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uapi),	       cmocka_unit_test(test_uapi_bad),
		cmocka_unit_test(test_endpoints),      cmocka_unit_test(test_openvpn),
		cmocka_unit_test(test_openvpn_args),   cmocka_unit_test(test_sockets),
		cmocka_unit_test(test_kernel_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
