// SPDX-License-Identifier: GPL-2.0-only
/* The decision: each entry of each list counts, to its last bit; and what calls are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/verdict_flow.h"

static struct loader_image wide, big, half, six, strict, audit, names, leased;

static const char off[] = "    kill_switch: {lease: off}\n";

static int set_up(void **state)
{
	static const char gateways[] =
		"{address: [10.0.9.1, 10.0.9.2, 10.0.9.3, 10.0.9.4, \"fd00::1\", \"fd00::2\", "
		"\"fd00::3\", \"fd00:1:2:3:4:5:6:7\"]}";
	static const char few[] =
		",\n 10.1.0.0/16, 10.2.0.0/16, 10.3.0.0/16, 10.4.0.0/16,\n 10.5.0.0/16, "
		"10.6.0.0/16,"
		"\n 10.7.7.7/32,\n \"fd00::/64\", \"fd02::/64\", \"fd03::/64\", \"fd04::/64\","
		"\n \"fd05::/64\", \"fd06::/64\", \"fd07::/64\",\n \"fd00:1:2:3:4:5:6:7/128\"";
	static const char many[] =
		", 10.8.0.0/16, \"fd08::/64\", 10.1.0.0/16, 10.2.0.0/16, 10.3.0.0/16, 10.4.0.0/16, "
		"10.5.0.0/16, 10.6.0.0/16,\n 10.7.7.0/24, \"fd00::/64\", \"fd02::/64\", "
		"\"fd03::/64\", \"fd04::/64\", \"fd05::/64\", \"fd06::/64\", \"fd07::/64\",\n"
		" \"fd09:1:2:3::/64\"";
	char text[256];

	(void)state;
	snprintf(text, sizeof(text),
		 "%s    dns: {server: [10.0.9.3, 10.7.7.7, \"fd00::3\", \"fd00:1:2:3:4:5:6:7\"]}\n",
		 off);
	wide = compile(text, gateways, few);
	big = compile(off, "{address: 10.0.9.1}", many);
	half = compile(off, "{address: 10.0.9.1}", ", \"fd00::/64\"");
	six = compile(off, "{address: \"fd00::1\"}", ", \"fd00::/64\"");
	snprintf(text, sizeof(text), "%s    dns: {mode: strict}\n", off);
	strict = compile(text, "{address: [10.0.9.1, \"fd00::1\"]}", ", \"fd00::/64\"");
	snprintf(text, sizeof(text), "%s    mode: audit\n", off);
	audit = compile(text, "{address: 10.0.9.1}", "");
	snprintf(text, sizeof(text), "%s    dns: {mode: local-names, tls: deny}\n", off);
	names = compile(text, "{address: 10.0.9.1}", "");
	leased = compile("    kill_switch: {lease: 5s}\n",
			 "{address: [10.0.9.1, \"fd00::1\"], netns: /n}", ", \"fd00::/64\"");
	return 0;
}

static int tear_down(void **state)
{
	struct loader_image *all[] = { &wide, &big, &half, &six, &strict, &audit, &names, &leased };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(all); i++)
		loader_image_free(all[i]);
	return 0;
}

static struct bg_decision decide(const struct loader_image *img, const char *to, const char *via,
				 uint16_t port)
{
	struct bg_flow f = flow(to, via, BG_F_ROUTE | BG_F_PORTS, 6, port);
	struct bg_decision d;

	loader_decide(img, 0, &f, NULL, NOW, NULL, &d);
	return d;
}

#define REASON(img, to, via, port, want)                                                           \
	do {                                                                                       \
		struct bg_decision d_ = decide(img, to, via, port);                                \
		if (d_.reason != (want) || d_.verdict != ((want) < BG_R_FIRST_DENY))               \
			fail_msg("%s via '%s': reason %u instead of %u", to, via, d_.reason,       \
				 want);                                                            \
	} while (0)

static void test_gateways(void **state)
{
	static const char *const last[] = { "10.0.9.1", "10.0.9.4", "fd00::1",
					    "fd00:1:2:3:4:5:6:7" },
				 *const near[] = { "10.0.9.5",		 "fd00:1:2:3:4:5:6:8",
						   "fd00:1:2:3:4:0:6:7", "fd00:1:2:0:4:5:6:7",
						   "fd01:1:2:3:4:5:6:7", "::" };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(last); i++)
		REASON(&wide, "8.8.8.8", last[i], 443, BG_R_GATEWAY);
	for (i = 0; i < ARRAY_SIZE(near); i++)
		REASON(&wide, "8.8.8.8", near[i], 443, BG_R_NEXT_HOP);
	/* a next hop of one family must not be looked for among the other's */
	REASON(&six, "8.8.8.8", "fd00::1", 443, BG_R_GATEWAY);
	REASON(&six, "8.8.8.8", "0.0.0.0", 443, BG_R_NEXT_HOP);
	REASON(&half, "2606:4700::1", "fd00::1", 443, BG_R_IPV6_NO_GATEWAY);
}

static void test_locals(void **state)
{
	static const struct {
		const struct loader_image *img;
		const char *to;
		unsigned int line; /* behind the list's first; 0: not local */
	} cases[] = {
		{ &wide, "10.1.2.3", 2 },
		{ &wide, "10.5.2.3", 3 },
		{ &wide, "10.7.7.7", 4 },
		{ &wide, "10.7.7.8", 0 },
		{ &wide, "fd00::9", 5 },
		{ &wide, "fd05::9", 6 },
		{ &wide, "fd00:1:2:3:4:5:6:7", 7 },
		{ &wide, "fd00:1:2:3:4:5:6:8", 0 },
		{ &wide, "fd00:1:2:3:4:0:6:7", 0 },
		{ &wide, "fd00:1:2:0:4:5:6:7", 0 },
		{ &wide, "fd01:1:2:3:4:5:6:7", 0 },
		{ &big, "10.8.9.9", 1 },
		{ &big, "10.7.7.9", 2 },
		{ &big, "10.7.8.9", 0 },
		{ &big, "fd08::9", 1 },
		{ &big, "fd09:1:2:3::9", 3 },
		{ &big, "fd09:1:2:4::9", 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct loader_image *img = cases[i].img;
		struct bg_decision d = decide(img, cases[i].to, "", 80);
		uint32_t line = img->guard[0].line_local + cases[i].line - 1;

		REASON(img, cases[i].to, "", 80,
		       cases[i].line ? BG_R_LOCAL : BG_R_LOCAL_NOT_LISTED);
		if (cases[i].line)
			assert_int_equal(d.line, line);
	}
}

static void test_resolvers(void **state)
{
	static const char *const good[] = { "10.0.9.3", "10.7.7.7", "fd00::3",
					    "fd00:1:2:3:4:5:6:7" },
				 *const bad[] = { "10.0.9.4", "fd00::4" };
	struct bg_flow f;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		REASON(&wide, good[i], "", 53, BG_R_LOCAL);
		f = flow(good[i], "", BG_F_PORTS, 17, 53);
		assert_false(loader_capture(&wide, 0, &f));
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		REASON(&wide, bad[i], "", 53, BG_R_DNS_ELSEWHERE);
		f = flow(bad[i], "", BG_F_PORTS, 6, 53);
		assert_true(loader_capture(&wide, 0, &f));
	}
	f = flow("8.8.8.8", "", BG_F_PORTS, 17, 53);
	assert_false(loader_capture(&strict, 0, &f));
	assert_false(loader_capture(&audit, 0, &f));
}

/* What `why` points at. */
static void test_lines(void **state)
{
	const struct bg_guard *g = &wide.guard[0];

	(void)state;
	assert_int_not_equal(g->line_gateway, g->line_local);
	assert_int_equal(decide(&wide, "8.8.8.8", "10.0.9.1", 443).line, g->line_gateway);
	assert_int_equal(decide(&wide, "8.8.8.8", "10.0.9.9", 443).line, g->line_gateway);
	assert_int_equal(decide(&wide, "8.8.8.8", "", 443).line, g->line_local);
	assert_int_equal(decide(&wide, "8.8.8.8", "10.0.9.1", 53).line, g->line_dns);
}

static void test_odd_family(void **state)
{
	struct bg_flow f = flow("8.8.8.8", "10.0.9.1", BG_F_ROUTE | BG_F_PORTS, 6, 443);
	struct bg_decision d;

	(void)state;
	f.family = 5;
	loader_decide(&wide, 0, &f, NULL, NOW, NULL, &d);
	assert_int_equal(d.reason, BG_R_MALFORMED);
	assert_int_equal(d.verdict, BG_DENY);
}

enum { UP, EXPIRED, DOWN };

static const struct call {
	const struct loader_image *img;
	const char *to;
	uint8_t hook, proto;
	uint16_t port;
	uint8_t lease, reason; /* BG_R_NONE: the packet hook will tell */
	uint32_t netns;
} calls[] = {
	{ &leased, "8.8.8.8", BG_HOOK_CONNECT4, 6, 443, UP, BG_R_NONE, NETNS },
	{ &leased, "8.8.8.8", BG_HOOK_CONNECT4, 6, 443, EXPIRED, BG_R_LEASE_EXPIRED, NETNS },
	{ &leased, "8.8.8.8", BG_HOOK_CONNECT4, 6, 443, DOWN, BG_R_VPN_DOWN, NETNS },
	{ &leased, "8.8.8.8", BG_HOOK_CONNECT4, 6, 443, DOWN, BG_R_HOST_NAMESPACE, HOST_NETNS },
	{ &leased, "8.8.8.8", BG_HOOK_SENDMSG4, 17, 443, DOWN, BG_R_VPN_DOWN, NETNS },
	{ &leased, "8.8.8.8", BG_HOOK_SENDMSG4, 1, 0, DOWN, BG_R_VPN_DOWN, NETNS },
	{ &leased, "2606:4700::1", BG_HOOK_SENDMSG6, 17, 443, DOWN, BG_R_VPN_DOWN, NETNS },
	/* connecting a datagram socket sends nothing */
	{ &leased, "8.8.8.8", BG_HOOK_CONNECT4, 17, 443, DOWN, BG_R_NONE, NETNS },
	{ &leased, "2606:4700::1", BG_HOOK_CONNECT6, 17, 443, DOWN, BG_R_NONE, NETNS },
	{ &leased, "8.8.8.8", BG_HOOK_CONNECT4, 1, 0, DOWN, BG_R_NONE, NETNS },
	/* what needs no tunnel, or what the route must tell */
	{ &leased, "10.0.9.7", BG_HOOK_CONNECT4, 6, 80, DOWN, BG_R_NONE, NETNS },
	{ &leased, "127.0.0.1", BG_HOOK_CONNECT4, 6, 80, DOWN, BG_R_NONE, NETNS },
	{ &leased, "::1", BG_HOOK_CONNECT6, 6, 80, DOWN, BG_R_NONE, NETNS },
	{ &leased, "169.254.1.1", BG_HOOK_CONNECT4, 6, 80, DOWN, BG_R_NONE, NETNS },
	/* names */
	{ &strict, "8.8.8.8", BG_HOOK_CONNECT4, 6, 53, UP, BG_R_DNS_ELSEWHERE, NETNS },
	{ &strict, "127.0.0.53", BG_HOOK_CONNECT4, 6, 53, UP, BG_R_NONE, NETNS },
	{ &strict, "::5", BG_HOOK_CONNECT6, 6, 53, UP, BG_R_DNS_ELSEWHERE, NETNS },
	{ &strict, "8.8.8.8", BG_HOOK_SENDMSG4, 17, 53, UP, BG_R_NONE, NETNS },
	{ &strict, "127.0.0.11", BG_HOOK_CONNECT4, 6, 8080, UP, BG_R_DNS_ELSEWHERE, NETNS },
	{ &strict, "127.0.0.11", BG_HOOK_SENDMSG4, 17, 8080, UP, BG_R_NONE, NETNS },
	{ &names, "8.8.8.8", BG_HOOK_CONNECT4, 6, 853, UP, BG_R_DNS_ELSEWHERE, NETNS },
	/* IPv6 that has no way out at all */
	{ &names, "2606:4700::1", BG_HOOK_CONNECT6, 6, 443, UP, BG_R_IPV6_NO_GATEWAY, NETNS },
	{ &names, "2606:4700::1", BG_HOOK_SENDMSG6, 17, 443, UP, BG_R_IPV6_NO_GATEWAY, NETNS },
	{ &half, "2606:4700::1", BG_HOOK_CONNECT6, 6, 443, UP, BG_R_NONE, NETNS },
};

static void test_calls(void **state)
{
	static const struct bg_lease leases[] = { { NOW + 1, BG_VPN_UP, 0 },
						  { NOW, BG_VPN_UP, 0 },
						  { NOW + 1, BG_VPN_DOWN, 0 } };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		const struct call *c = &calls[i];
		struct bg_flow f = flow(c->to, "", BG_F_PORTS, c->proto, c->port);
		struct bg_decision d;

		f.hook = c->hook;
		f.netns = c->netns;
		loader_decide(c->img, 0, &f, &leases[c->lease], NOW, NULL, &d);
		if (d.reason != c->reason || d.verdict != (c->reason == BG_R_NONE))
			fail_msg("call %zu to %s: verdict %u reason %u instead of %u", i, c->to,
				 d.verdict, d.reason, c->reason);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gateways),   cmocka_unit_test(test_locals),
		cmocka_unit_test(test_resolvers),  cmocka_unit_test(test_lines),
		cmocka_unit_test(test_odd_family), cmocka_unit_test(test_calls),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
