// SPDX-License-Identifier: GPL-2.0-only
/*
 * The link's decisions where no frame of tests/link/frames.c can go: tables that lie about their
 * size, other layouts, no guard at all; and how a place is called.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "bpf/link_verdict.bpf.h"
#include "loader/link.h"

BG_INLINE bool bg_prefix_find(const struct bg_guard *g, __u32 slot, const struct bg_flow *f,
			      __u32 *line)
{
	(void)g, (void)slot, (void)f, (void)line;
	return false;
}

static struct bg_guard guard(void)
{
	return (struct bg_guard){ .abi = BG_ABI, .generation = 1, .n_gw4 = 1, .gw4 = { 7 } };
}

static const struct bg_frame ip4 = { .type = BG_ETH_IP4, .flags = BG_L_READ };

static void uplink_without_guard(void **state)
{
	struct bg_flow f = { .family = 4 };
	struct bg_guard g = guard();
	struct bg_decision d;

	(void)state;
	bg_decide_uplink(NULL, 0, &ip4, &f, &d);
	assert_int_equal(d.reason, BG_R_NOT_LOADED);
	g.abi++;
	bg_decide_uplink(&g, 0, &ip4, &f, &d);
	assert_int_equal(d.reason, BG_R_NOT_LOADED);
	g.abi = BG_ABI;
	g.generation = 0;
	bg_decide_uplink(&g, 0, &ip4, &f, &d);
	assert_int_equal(d.reason, BG_R_NOT_LOADED);
	g.generation = 1;
	bg_decide_uplink(&g, 0, &ip4, &f, &d);
	assert_int_equal(d.verdict, BG_DENY);
	assert_int_equal(d.reason, BG_R_UPLINK_ELSEWHERE);
}

/* Entries behind the number are not entries; a number too large is not followed. */
static void uplink_sizes(void **state)
{
	struct bg_flow f = { .family = 4, .proto = 17, .dport = 9, .flags = BG_F_PORTS };
	struct bg_guard g = guard();
	struct bg_uplink up = { 0 };
	struct bg_decision d;

	(void)state;
	f.daddr[0] = 5;
	bg_decide_uplink(&g, bg_fits_uplink(&up, &f), &ip4, &f, &d);
	assert_int_equal(d.verdict, BG_DENY);
	/* the last of the table counts as the first does */
	up.endpoint[BG_MAX_ENDPOINTS - 1] =
		(struct bg_endpoint){ .family = 4, .proto = 17, .port = 9, .addr = { 5 } };
	bg_decide_uplink(&g, bg_fits_uplink(&up, &f), &ip4, &f, &d);
	assert_int_equal(d.reason, BG_R_ENDPOINT);
	f.family = 6; /* an address that begins as the IPv4 one does */
	assert_int_equal(bg_fits_uplink(&up, &f), BG_R_NONE);
	f.family = 4;
	up.n_endpoints = up.n_outbound = ~0u; /* ASan would see it */
	f.daddr[0] = 6;
	bg_decide_uplink(&g, bg_fits_uplink(&up, &f), &ip4, &f, &d);
	assert_int_equal(d.verdict, BG_DENY);
}

/* A zeroed entry of a table, and a zero MAC, match nothing. */
static void zeroes(void **state)
{
	struct bg_flow f = { .family = 4, .proto = 17, .flags = BG_F_PORTS };
	struct bg_guard g = guard();
	struct bg_uplink up = { .n_endpoints = 1, .n_outbound = 1 };
	struct bg_port port = { 0 };
	struct bg_decision d;

	(void)state;
	bg_decide_uplink(&g, bg_fits_uplink(&up, &f), &ip4, &f, &d);
	assert_int_equal(d.reason, BG_R_UPLINK_ELSEWHERE);
	bg_decide_port(&g, 0, &port, true, &ip4, &f, &d);
	assert_int_equal(d.reason, BG_R_LINK_OTHER_NETWORK);
	bg_decide_port(&g, 0, NULL, true, &ip4, &f, &d);
	assert_int_equal(d.reason, BG_R_LINK_OTHER_NETWORK);
}

static void gateway_count(void **state)
{
	struct bg_guard g = guard();

	(void)state;
	assert_true(bg_is_gateway4(&g, 7));
	assert_false(bg_is_gateway4(&g, 0));
	g.n_gw4 = ~0u;
	assert_false(bg_is_gateway4(&g, 8));
}

static void arp_length(void **state)
{
	struct bg_arp a = {
		.htype = { 0, 1 }, .ptype = { 8, 0 }, .hlen = 6, .plen = 4, .op = { 0, 1 }
	};
	struct bg_frame fr = { .flags = BG_L_READ };

	(void)state;
	assert_false(bg_is_arp(&a, &fr, 41, 0));
	assert_true(bg_is_arp(&a, &fr, 42, 0));
	assert_true(bg_is_arp(&a, &fr, 60, 0));
	assert_false(bg_is_arp(&a, &fr, 60, 1));
	assert_false(bg_is_arp(&a, &fr, 61, 0));
}

/* One bit of one byte makes another MAC. */
static void macs(void **state)
{
	static const __u8 a[6] = { 2, 4, 8, 16, 32, 64 };
	unsigned int i, bit;
	__u8 b[6];

	(void)state;
	assert_true(bg_same_mac(a, a));
	for (i = 0; i < 48; i++) {
		bit = 1u << i % 8;
		memcpy(b, a, sizeof(b));
		b[i / 8] ^= bit;
		assert_false(bg_same_mac(a, b));
	}
}

/* No branch in it, so its edges are not plain to see. */
static void if_zero(void **state)
{
	static const __u64 others[] = { 1, 2, 1ull << 31, 1ull << 32, 1ull << 63, ~0ull };
	size_t i;

	(void)state;
	assert_true(bg_if_zero(0) == ~0ull);
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_true(bg_if_zero(others[i]) == 0);
}

/* A frame that could not be read, and one with a VLAN tag beside it: nothing else is looked at. */
static void unread_and_tagged(void **state)
{
	static const __u16 flags[] = { 0, BG_L_READ | BG_L_VLAN };
	static const __u8 reason[] = { BG_R_MALFORMED, BG_R_LINK_PROTOCOL };
	struct bg_flow f = { .family = 4 };
	struct bg_port port = { .flags = BG_PORT_VPN };
	struct bg_guard g = guard();
	struct bg_frame fr = ip4;
	struct bg_decision d;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		fr.flags = flags[i];
		bg_decide_uplink(&g, BG_R_ENDPOINT, &fr, &f, &d);
		assert_int_equal(d.verdict, BG_DENY);
		assert_int_equal(d.reason, reason[i]);
		bg_decide_port(&g, 0, &port, true, &fr, &f, &d);
		assert_int_equal(d.verdict, BG_DENY);
		assert_int_equal(d.reason, reason[i]);
	}
	fr.flags = BG_L_READ;
	bg_decide_port(&g, 0, &port, true, &fr, &f, &d);
	assert_int_equal(d.verdict, BG_ALLOW);
}

static void outbound_last(void **state)
{
	struct bg_flow f = { .family = 6, .daddr = { 1, 2, 3, 4 } };
	struct bg_uplink up = { 0 };
	struct bg_outbound *o = &up.outbound[BG_MAX_OUTBOUND - 1];
	unsigned int i;

	(void)state;
	*o = (struct bg_outbound){ .family = 6, .addr = { 1, 2, 3, 4 } };
	for (i = 0; i < 4; i++)
		o->mask[i] = ~0u;
	assert_int_equal(bg_fits_uplink(&up, &f), BG_R_LOCAL);
	for (i = 0; i < 4; i++) {
		f.daddr[i] ^= 1;
		assert_int_equal(bg_fits_uplink(&up, &f), BG_R_NONE);
		f.daddr[i] ^= 1;
	}
	f.flags = BG_F_PORTS | BG_F_FRAGMENT; /* ports of a first fragment count */
	up.endpoint[0] = (struct bg_endpoint){ .family = 6, .port = 9, .addr = { 1, 2, 3, 4 } };
	assert_int_equal(bg_fits_uplink(&up, &f), BG_R_LOCAL);
	f.flags = BG_F_FRAGMENT;
	assert_int_equal(bg_fits_uplink(&up, &f), BG_R_ENDPOINT);
}

static void names(void **state)
{
	(void)state;
	assert_string_equal(loader_place_name(LOADER_UPLINK), "uplink");
	assert_string_equal(loader_place_name(LOADER_SEAL_PORT), "seal_port");
	assert_null(loader_place_name(LOADER_PLACES));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uplink_without_guard),
		cmocka_unit_test(uplink_sizes),
		cmocka_unit_test(zeroes),
		cmocka_unit_test(gateway_count),
		cmocka_unit_test(arp_length),
		cmocka_unit_test(macs),
		cmocka_unit_test(if_zero),
		cmocka_unit_test(unread_and_tagged),
		cmocka_unit_test(outbound_last),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
