// SPDX-License-Identifier: GPL-2.0-only
/*
 * The decision, case by case, against what the design says (sections 1, 5, 6): the property test
 * only shows that kernel and user space agree, not that they are right.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/verdict_flow.h"

static struct loader_image plain, dual, tunnel, names, leased;

static int set_up(void **state)
{
	static const char off[] = "    kill_switch: {lease: off}\n";
	char text[256];

	(void)state;
	plain = compile(off, "{address: 10.0.9.1}", "");
	dual = compile(off, "{address: [10.0.9.1, \"fd00::1\"]}", ", \"fd00::/64\"");
	snprintf(text, sizeof(text), "%s    dns: {server: 10.0.9.3}\n", off);
	tunnel = compile(text, "{interface: tun0}", "");
	snprintf(text, sizeof(text), "%s    dns: {mode: local-names, tls: deny}\n", off);
	names = compile(text, "{address: 10.0.9.1}", "");
	leased = compile("    kill_switch: {lease: 5s}\n", "{address: 10.0.9.1, netns: /n}", "");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	loader_image_free(&plain);
	loader_image_free(&dual);
	loader_image_free(&tunnel);
	loader_image_free(&names);
	loader_image_free(&leased);
	return 0;
}

struct one {
	const struct loader_image *img;
	const char *to, *via;
	uint16_t flags;
	uint8_t proto;
	uint16_t port;
	uint8_t reason; /* below BG_R_FIRST_DENY: allowed */
};

static const struct one packets[] = {
	/* a: loopback, and Docker's resolver cut out of it */
	{ &plain, "127.0.0.1", "", P | BG_F_LOOPBACK, 6, 80, BG_R_LOOPBACK },
	{ &plain, "10.0.4.4", "", P | BG_F_LOOPBACK, 6, 80, BG_R_LOOPBACK },
	{ &plain, "127.0.0.53", "", P | BG_F_LOOPBACK, 17, 53, BG_R_LOOPBACK },
	{ &plain, "127.0.0.11", "", P | BG_F_LOOPBACK, 17, 39999, BG_R_DNS_ELSEWHERE },
	{ &plain, "127.0.0.11", "", P | BG_F_LOOPBACK, 6, 80, BG_R_DNS_ELSEWHERE },
	{ &names, "127.0.0.11", "", P | BG_F_LOOPBACK, 17, 39999, BG_R_DNS_ELSEWHERE },
	{ &names, "127.0.0.11", "", P | BG_F_LOOPBACK | BG_F_DNS_SINGLE, 17, 39999, BG_R_LOOPBACK },
	{ &names, "127.0.0.11", "", P | BG_F_LOOPBACK | BG_F_DNS_SINGLE, 6, 53,
	  BG_R_DNS_ELSEWHERE },
	{ &plain, "127.0.0.11", "", P | BG_F_LOOPBACK | BG_F_DNS_SINGLE, 17, 53,
	  BG_R_DNS_ELSEWHERE },
	{ &names, "127.0.0.11", "10.0.9.1", P | BG_F_DNS_SINGLE, 17, 53, BG_R_DNS_ELSEWHERE },
	{ &plain, "127.0.0.1", "10.0.9.1", P, 6, 80, BG_R_MARTIAN },
	/* b: local and on-link, both */
	{ &plain, "10.0.9.0", "", P, 6, 80, BG_R_LOCAL },
	{ &plain, "10.0.9.255", "", P, 6, 80, BG_R_LOCAL },
	{ &plain, "10.0.8.255", "", P, 6, 80, BG_R_LOCAL_NOT_LISTED },
	{ &plain, "10.0.10.0", "", P, 6, 80, BG_R_LOCAL_NOT_LISTED },
	{ &plain, "10.0.9.7", "10.0.9.2", P, 6, 80, BG_R_NEXT_HOP },
	{ &plain, "8.8.8.8", "", P, 6, 443, BG_R_LOCAL_NOT_LISTED },
	/* c: the next hop is the gateway's */
	{ &plain, "8.8.8.8", "10.0.9.1", P, 6, 443, BG_R_GATEWAY },
	{ &plain, "8.8.8.8", "10.0.9.1", R, 1, 0, BG_R_GATEWAY },
	{ &plain, "8.8.8.8", "10.0.9.2", P, 6, 443, BG_R_NEXT_HOP },
	{ &plain, "8.8.8.8", "10.0.9.0", P, 6, 443, BG_R_NEXT_HOP },
	{ &plain, "8.8.8.8", "fd00::1", P, 6, 443, BG_R_NEXT_HOP },
	{ &dual, "8.8.8.8", "fd00::1", P, 6, 443, BG_R_GATEWAY },
	{ &plain, "8.8.8.8", "10.0.9.1", BG_F_PORTS, 6, 443, BG_R_NO_ROUTE_TO_GATEWAY },
	{ &plain, "169.254.1.1", "10.0.9.1", P, 6, 80, BG_R_MARTIAN },
	{ &plain, "224.0.0.251", "10.0.9.1", P, 17, 5353, BG_R_MARTIAN },
	{ &plain, "255.255.255.255", "10.0.9.1", P, 17, 67, BG_R_MARTIAN },
	{ &plain, "0.1.2.3", "10.0.9.1", P, 6, 80, BG_R_MARTIAN },
	{ &dual, "ff02::1", "fd00::1", P, 17, 9, BG_R_MARTIAN },
	{ &dual, "fe80::1", "fd00::1", P, 17, 9, BG_R_MARTIAN },
	{ &dual, "fec0::1", "fd00::1", P, 17, 9, BG_R_GATEWAY },
	/* the tunnel's device instead of a next hop */
	{ &tunnel, "8.8.8.8", "", P | BG_F_TUNNEL | BG_F_ENCAP, 6, 443, BG_R_GATEWAY },
	{ &tunnel, "8.8.8.8", "", P | BG_F_ENCAP, 6, 443, BG_R_ENCAPSULATION },
	{ &tunnel, "8.8.8.8", "10.0.9.1", P, 6, 443, BG_R_NEXT_HOP },
	{ &tunnel, "2606:4700::1", "", P | BG_F_TUNNEL | BG_F_ENCAP, 6, 443, BG_R_GATEWAY },
	{ &plain, "10.0.9.7", "", P | BG_F_ENCAP, 6, 80, BG_R_ENCAPSULATION },
	/* IPv6 obeys the same rule */
	{ &plain, "2606:4700::1", "fd00::1", P, 6, 443, BG_R_IPV6_NO_GATEWAY },
	{ &plain, "fd00::7", "", P, 6, 443, BG_R_IPV6_NO_GATEWAY },
	{ &dual, "2606:4700::1", "fd00::1", P, 6, 443, BG_R_GATEWAY },
	{ &dual, "2606:4700::1", "fd00::2", P, 6, 443, BG_R_NEXT_HOP },
	{ &dual, "2606:4700::1", "fe80::1", P, 6, 443, BG_R_NEXT_HOP },
	{ &dual, "fd00::7", "", P, 6, 443, BG_R_LOCAL },
	{ &dual, "fd00:0:0:1::7", "", P, 6, 443, BG_R_LOCAL_NOT_LISTED },
	{ &dual, "::ffff:8.8.8.8", "fd00::1", P, 6, 443, BG_R_MARTIAN },
	{ &dual, "ff02::1", "", R | BG_F_NEIGHBOUR, 58, 0, BG_R_NEIGHBOUR },
	{ &dual, "ff02::16", "", R | BG_F_NEIGHBOUR | BG_F_OPTIONS, 0, 0, BG_R_NEIGHBOUR },
	{ &dual, "fe80::1", "fd00::1", R | BG_F_NEIGHBOUR, 58, 0, BG_R_MARTIAN },
	{ &plain, "ff02::1", "", R | BG_F_NEIGHBOUR, 58, 0, BG_R_IPV6_NO_GATEWAY },
	/* names are asked of the guard's resolver only */
	{ &plain, "10.0.9.1", "", P, 17, 53, BG_R_LOCAL },
	{ &plain, "10.0.9.2", "", P, 17, 53, BG_R_DNS_ELSEWHERE },
	{ &plain, "8.8.8.8", "10.0.9.1", P, 6, 53, BG_R_DNS_ELSEWHERE },
	{ &plain, "8.8.8.8", "10.0.9.1", P, 6, 853, BG_R_GATEWAY },
	{ &names, "8.8.8.8", "10.0.9.1", P, 6, 853, BG_R_DNS_ELSEWHERE },
	{ &names, "8.8.8.8", "10.0.9.1", P, 6, 443, BG_R_GATEWAY },
	{ &plain, "8.8.8.8", "10.0.9.1", R, 17, 53, BG_R_GATEWAY }, /* its port is not known */
	/* a packet in a packet goes where the inner one says */
	{ &plain, "8.8.8.8", "10.0.9.1", R, 132, 0, BG_R_ODD_PROTOCOL },
	{ &plain, "10.0.9.7", "", R, 4, 0, BG_R_ODD_PROTOCOL },
	{ &dual, "fd00::7", "", R, 41, 0, BG_R_ODD_PROTOCOL },
	{ &dual, "2606:4700::1", "fd00::1", R, 1, 0, BG_R_ODD_PROTOCOL },
	{ &dual, "2606:4700::1", "fd00::1", R, 58, 0, BG_R_GATEWAY },
	{ &plain, "127.0.0.1", "", R | BG_F_LOOPBACK, 132, 0, BG_R_LOOPBACK },
	/* what cannot be trusted */
	{ &plain, "8.8.8.8", "10.0.9.1", P | BG_F_OPTIONS, 6, 443, BG_R_IP_OPTIONS },
	{ &plain, "8.8.8.8", "10.0.9.1", P | BG_F_FRAGMENT, 6, 443, BG_R_IP_OPTIONS },
	{ &plain, "127.0.0.1", "", P | BG_F_LOOPBACK | BG_F_MALFORMED, 6, 1, BG_R_MALFORMED },
};

static void test_packets(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(packets); i++) {
		const struct one *o = &packets[i];
		struct bg_flow f = flow(o->to, o->via, o->flags, o->proto, o->port);
		struct bg_decision d;

		loader_decide(o->img, 0, &f, NULL, NOW, NULL, &d);
		if (d.reason != o->reason || d.verdict != (o->reason < BG_R_FIRST_DENY))
			fail_msg("case %zu: %s via '%s': verdict %u reason %u instead of %u", i,
				 o->to, o->via, d.verdict, d.reason, o->reason);
	}
}

/* No way out of the host's namespaces, or of one that could not be read: not even to loopback. */
static void test_host_namespace(void **state)
{
	static const uint32_t netns[] = { 0, HOST_NETNS, HOST_NETNS + 1 };
	static const char *const via[] = { "", "10.0.9.1" };
	size_t i;

	(void)state;
	for (i = 0; i < 6; i++) {
		struct bg_flow f = flow(i < 3 ? "127.0.0.1" : "8.8.8.8", via[i / 3],
					P | (i < 3 ? BG_F_LOOPBACK : 0), 6, 443);
		struct bg_decision d;

		f.netns = netns[i % 3];
		loader_decide(&plain, 0, &f, NULL, NOW, NULL, &d);
		assert_int_equal(d.verdict, BG_DENY);
		assert_int_equal(d.reason, BG_R_HOST_NAMESPACE);
		f.hook = BG_HOOK_CONNECT4;
		loader_decide(&plain, 0, &f, NULL, NOW, NULL, &d);
		assert_int_equal(d.reason, BG_R_HOST_NAMESPACE);
	}
}

/* Path (c) closes with the lease; a and b stay. */
static void test_lease(void **state)
{
	static const struct {
		uint64_t until;
		uint32_t state;
		uint8_t reason, off_reason; /* with a lease, and with `lease: off` */
	} cases[] = {
		{ NOW + 1, BG_VPN_UP, BG_R_GATEWAY, BG_R_GATEWAY },
		{ NOW, BG_VPN_UP, BG_R_LEASE_EXPIRED, BG_R_GATEWAY },
		{ NOW - 1, BG_VPN_UP, BG_R_LEASE_EXPIRED, BG_R_GATEWAY },
		{ 0, BG_VPN_DOWN, BG_R_VPN_DOWN, BG_R_VPN_DOWN },
		{ NOW + 1, BG_VPN_DOWN, BG_R_VPN_DOWN, BG_R_VPN_DOWN },
		{ BG_LEASE_OFF, 2, BG_R_VPN_DOWN, BG_R_VPN_DOWN },
	};
	struct bg_flow out = flow("8.8.8.8", "10.0.9.1", P, 6, 443);
	struct bg_flow near = flow("10.0.9.7", "", P, 6, 443);
	struct bg_decision d;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bg_lease l = { .until_ns = cases[i].until, .vpn_state = cases[i].state };

		loader_decide(&leased, 0, &out, &l, NOW, NULL, &d);
		assert_int_equal(d.reason, cases[i].reason);
		assert_int_equal(d.verdict, d.reason == BG_R_GATEWAY);
		loader_decide(&plain, 0, &out, &l, NOW, NULL, &d);
		assert_int_equal(d.reason, cases[i].off_reason);
		loader_decide(&leased, 0, &near, &l, NOW, NULL, &d);
		assert_int_equal(d.reason, BG_R_LOCAL);
	}
}

static void test_not_loaded(void **state)
{
	struct bg_flow f = flow("127.0.0.1", "", P | BG_F_LOOPBACK, 6, 80);
	struct loader_image other = plain;
	struct bg_decision d;

	(void)state;
	loader_decide(&plain, 1, &f, NULL, NOW, NULL, &d); /* an empty slot */
	assert_int_equal(d.verdict, BG_DENY);
	assert_int_equal(d.reason, BG_R_NOT_LOADED);
	other.guard[0].abi++;
	loader_decide(&other, 0, &f, NULL, NOW, NULL, &d);
	assert_int_equal(d.reason, BG_R_NOT_LOADED);
	other = plain;
	other.guard[0].generation = 0;
	loader_decide(&other, 0, &f, NULL, NOW, NULL, &d);
	assert_int_equal(d.reason, BG_R_NOT_LOADED);
}

/*
 * connect() and sendmsg() refuse nothing that some route would let the packet hook allow. Here each
 * packet that is allowed above must pass as a call.
 */
static void test_calls_are_no_stricter(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(packets); i++) {
		const struct one *o = &packets[i];
		struct bg_flow f = flow(o->to, "", BG_F_PORTS, o->proto, o->port);
		struct bg_decision d;

		if (o->reason >= BG_R_FIRST_DENY || !(o->flags & BG_F_PORTS))
			continue;
		f.hook = f.family == 4 ? BG_HOOK_CONNECT4 : BG_HOOK_CONNECT6;
		loader_decide(o->img, 0, &f, NULL, NOW, NULL, &d);
		if (d.verdict != BG_ALLOW)
			fail_msg("case %zu: connect to %s refused: %u", i, o->to, d.reason);
	}
}

static void test_capture(void **state)
{
	struct bg_flow f = flow("8.8.8.8", "", BG_F_PORTS, 17, 53);

	(void)state;
	assert_true(loader_capture(&plain, 0, &f));
	assert_int_equal(f.daddr[0], inet_addr("10.0.9.1"));
	assert_false(loader_capture(&plain, 0, &f)); /* it is the resolver's by now */
	f = flow("8.8.8.8", "", BG_F_PORTS, 17, 5353);
	assert_false(loader_capture(&plain, 0, &f));
	f = flow("2606:4700::1111", "", BG_F_PORTS, 6, 53);
	assert_true(loader_capture(&dual, 0, &f));
	assert_int_equal(f.family, 6);
	assert_int_equal(ntohl(f.daddr[3]), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_packets), cmocka_unit_test(test_host_namespace),
		cmocka_unit_test(test_lease),	cmocka_unit_test(test_not_loaded),
		cmocka_unit_test(test_capture), cmocka_unit_test(test_calls_are_no_stricter),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
