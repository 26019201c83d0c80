// SPDX-License-Identifier: GPL-2.0-only
/* What a good policy becomes, how it is printed, and how errors are. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/policy.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct policy *parse(const char *text)
{
	struct policy_errors errs;
	struct policy *p = NULL;

	if (policy_parse(text, strlen(text), &p, &errs))
		policy_errors_print(&errs, "unexpected", stderr);
	policy_errors_free(&errs);
	assert_non_null(p);
	return p;
}

static const char everything[] = "version: 1\n"
				 "guards:\n"
				 "  - name: vpn\n"
				 "    cgroup: a-b.slice\n"
				 "    mode: audit\n"
				 "    gateway:\n"
				 "      address: [172.30.0.2, \"fd00::2\"]\n"
				 "      interface: tun0\n"
				 "      container: gluetun\n"
				 "    local: [172.30.0.0/24,\n"
				 "            \"fd00::/64\"]\n"
				 "    dns: {mode: strict, server: 172.30.0.3, tls: deny}\n"
				 "    kill_switch: {lease: 5s, on_down: deny}\n"
				 "    tests:\n"
				 "      - {to: 172.30.0.9:80, via: on-link, expect: allow}\n"
				 "      - to: \"[2001:db8::1]:53/udp\"\n"
				 "        via: fd00::9\n"
				 "        namespace: host\n"
				 "        vpn: down\n"
				 "        expect: deny\n"
				 "        reason: next_hop\n";

static void test_everything(void **state)
{
	struct policy *p = parse(everything);
	const struct policy_guard *g = &p->guards[0];
	char buf[64];

	(void)state;
	assert_int_equal(p->version, 1);
	assert_int_equal(p->n_guards, 1);
	assert_string_equal(g->name, "vpn");
	assert_string_equal(g->cgroup, "a-b.slice");
	assert_int_equal(g->mode, POLICY_AUDIT);
	assert_int_equal(g->n_gateway, 2);
	assert_string_equal(policy_addr_format(&g->gateway[1], buf, sizeof(buf)), "fd00::2");
	assert_string_equal(g->gateway_interface, "tun0");
	assert_string_equal(g->gateway_container, "gluetun");
	assert_int_equal(g->n_local, 2);
	assert_int_equal(g->local[1].len, 64);
	assert_int_equal(g->local[1].addr.pos.line, 11);
	assert_int_equal(g->local[1].addr.pos.column, 13);
	assert_int_equal(g->dns, POLICY_DNS_STRICT);
	assert_int_equal(g->n_dns_server, 1);
	assert_true(g->dns_server_given && g->dns_tls_deny && g->lease_given);
	assert_int_equal(g->lease_ms, 5000);
	assert_int_equal(g->n_tests, 2);
	assert_int_equal(g->tests[0].via, POLICY_VIA_ON_LINK);
	assert_true(g->tests[0].expect_allow && !g->tests[0].host_namespace &&
		    !g->tests[0].vpn_down);
	assert_string_equal(g->tests[0].reason, "");
	assert_int_equal(g->tests[1].pos.line, 16);
	assert_int_equal(g->tests[1].via, POLICY_VIA_ADDRESS);
	assert_string_equal(policy_addr_format(&g->tests[1].via_addr, buf, sizeof(buf)), "fd00::9");
	assert_true(g->tests[1].host_namespace && g->tests[1].vpn_down &&
		    !g->tests[1].expect_allow);
	assert_string_equal(g->tests[1].reason, "next_hop");
	/* Lines of the keys, for `why`. */
	assert_int_equal(g->pos.line, 3);
	assert_int_equal(g->pos_cgroup.line, 4);
	assert_int_equal(g->pos_mode.line, 5);
	assert_int_equal(g->pos_gateway.line, 6);
	assert_int_equal(g->pos_local.line, 10);
	assert_int_equal(g->pos_dns.line, 12);
	assert_int_equal(g->pos_lease.line, 13);
	policy_free(p);
}

static void test_defaults(void **state)
{
	struct policy *p =
		parse("version: 1\nguards:\n  - name: vpn\n    cgroup: /a\n"
		      "    gateway: {address: 172.30.0.2}\n    local: [172.30.0.0/24]\n");
	const struct policy_guard *g = &p->guards[0];

	(void)state;
	assert_int_equal(g->mode, POLICY_ENFORCE);
	assert_int_equal(g->dns, POLICY_DNS_GATEWAY);
	assert_int_equal(g->n_dns_server, 1);
	assert_memory_equal(g->dns_server[0].bytes, g->gateway[0].bytes, 16);
	assert_false(g->dns_server_given || g->dns_tls_deny || g->lease_given);
	assert_true(g->lease_ms == 0);
	assert_int_equal(g->n_tests, 0);
	assert_int_equal(g->pos_mode.line, 0);
	policy_free(p);
}

/* What may be: small prefixes have no network address, public space may be local. */
static void test_edges(void **state)
{
	static const char *const good[][2] = {
		{ "10.0.0.0", "10.0.0.0/31" },		{ "10.0.0.1", "10.0.0.0/31" },
		{ "10.0.0.5", "10.0.0.5/32" },		{ "\"fd00::\"", "\"fd00::/127\"" },
		{ "\"fd00::5\"", "\"fd00::5/128\"" },	{ "8.8.8.8", "8.0.0.0/8" },
		{ "\"fd00::ffff\"", "\"fd00::/112\"" }, /* IPv6 has no broadcast */
		{ "169.253.0.1", "169.253.0.0/24" },	/* beside 169.254.0.0/16 */
		{ "10.254.0.1", "10.254.0.0/24" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		char text[256];

		snprintf(text, sizeof(text),
			 "version: 1\nguards:\n  - name: vpn\n    cgroup: /a\n"
			 "    gateway: {address: %s}\n    local: [%s]\n",
			 good[i][0], good[i][1]);
		policy_free(parse(text));
	}
}

/* Characters beside those that nobody sees, and the first of each length in UTF-8. */
static void test_comments(void **state)
{
	static const char *const good[] = {
		"# \x20\x7e\xc2\xa0\xe0\xa0\x80\xf0\x90\x80\x80\n",
		"# \xe2\x80\x8a\xe2\x80\x90\xe2\x80\xa7\xe2\x80\xaf\n",
		"# \xe2\x81\x9f\xe2\x81\xaa\xef\xbb\xbe\xef\xbf\xbd\n",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		char text[256];

		snprintf(text, sizeof(text),
			 "%sversion: 1\nguards:\n  - name: vpn\n    cgroup: /a\n"
			 "    gateway: {address: 10.0.0.2}\n    local: [10.0.0.0/24]\n",
			 good[i]);
		policy_free(parse(text));
	}
}

/* What a gateway that can be watched switches on by itself. */
static void test_watched(void **state)
{
	static const struct {
		const char *gateway, *more;
		uint64_t lease_ms, every_ms;
		bool uplink, seal;
	} cases[] = {
		{ "address: 10.0.0.2", "", 0, 0, false, false },
		{ "address: 10.0.0.2, container: gw", "", 5000, 1000, true, true },
		{ "address: 10.0.0.2, netns: /n", "", 5000, 1000, true, true },
		{ "interface: tun0, container: gw", "", 5000, 1000, true, false },
		{ "interface: tun0, netns: /n", "", 5000, 1000, true, false },
		{ "interface: tun0, address: 10.0.0.2, netns: /n", "", 5000, 1000, true, true },
		{ "address: 10.0.0.2, container: gw", "kill_switch: {lease: off}", 0, 0, true,
		  true },
		{ "address: 10.0.0.2, container: gw", "kill_switch: {lease: 1s}", 1000, 500, true,
		  true },
		{ "address: 10.0.0.2, container: gw", "kill_switch: {lease: 2s}", 2000, 1000, true,
		  true },
		{ "address: 10.0.0.2, container: gw", "uplink: {guard: off}", 5000, 1000, false,
		  true },
		{ "address: 10.0.0.2, container: gw", "link: {seal: off}", 5000, 1000, true,
		  false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct policy_guard *g;
		struct policy *p;
		char text[300];

		snprintf(text, sizeof(text),
			 "version: 1\nguards:\n  - name: vpn\n    cgroup: /a\n"
			 "    gateway: {%s}\n    local: [10.0.0.0/8]\n    dns: {server: 10.0.0.3}\n"
			 "    %s\n",
			 cases[i].gateway, cases[i].more);
		p = parse(text);
		g = &p->guards[0];
		assert_true(g->lease_ms == cases[i].lease_ms);
		assert_true(g->probe.every_ms == cases[i].every_ms);
		assert_int_equal(g->uplink.off, !cases[i].uplink);
		assert_int_equal(g->link.off, !cases[i].seal);
		assert_int_equal(g->probe.n_icmp, cases[i].lease_ms ? 2 : 0);
		assert_int_equal(g->probe.n_tcp, cases[i].lease_ms ? 2 : 0);
		assert_true(g->uplink.endpoints_auto);
		assert_int_equal(g->on_down, POLICY_ON_DOWN_DENY);
		policy_free(p);
	}
}

static const char watched[] =
	"version: 1\n"
	"guards:\n"
	"  - name: vpn\n"
	"    cgroup: /a\n"
	"    gateway:\n"
	"      address: 10.0.0.2\n"
	"      container: gluetun\n"
	"      control: {port: 8000, auth: basic, secret_file: /k}\n"
	"    local: [10.0.0.0/24, 1.1.1.0/24]\n"
	"    uplink:\n"
	"      interface: eth1\n"
	"      network: up\n"
	"      bridge: br-up\n"
	"      endpoints: [203.0.113.9:1, \"[2001:db8::9]:2/tcp\"]\n"
	"      outbound: [192.168.0.0/16]\n"
	"    link: {network: vpn, bridge: br-vpn}\n"
	"    kill_switch: {on_down: stop, probe: {icmp: 9.9.9.9, every: 2s}}\n";

static void test_watched_fields(void **state)
{
	struct policy *p = parse(watched);
	const struct policy_guard *g = &p->guards[0];
	char buf[64];

	(void)state;
	assert_string_equal(g->gateway_container, "gluetun");
	assert_int_equal(g->control.port, 8000);
	assert_int_equal(g->control.auth, POLICY_AUTH_BASIC);
	assert_string_equal(g->control.secret_file, "/k");
	assert_string_equal(g->uplink.interface, "eth1");
	assert_string_equal(g->uplink.network, "up");
	assert_string_equal(g->uplink.bridge, "br-up");
	assert_false(g->uplink.endpoints_auto);
	assert_int_equal(g->uplink.n_endpoints, 2);
	assert_int_equal(g->uplink.endpoint[0].proto, 17);
	assert_int_equal(g->uplink.endpoint[0].port, 1);
	assert_int_equal(g->uplink.endpoint[1].proto, 6);
	assert_string_equal(policy_addr_format(&g->uplink.endpoint[1].addr, buf, sizeof(buf)),
			    "2001:db8::9");
	assert_int_equal(g->uplink.n_outbound, 1);
	assert_int_equal(g->uplink.outbound[0].len, 16);
	assert_int_equal(g->uplink.pos.line, 10);
	assert_int_equal(g->link.pos.line, 16);
	assert_string_equal(g->link.network, "vpn");
	assert_string_equal(g->link.bridge, "br-vpn");
	assert_int_equal(g->on_down, POLICY_ON_DOWN_STOP);
	assert_true(g->probe.given);
	assert_int_equal(g->probe.n_icmp, 1);
	/* a default target that is a neighbour proves nothing */
	assert_int_equal(g->probe.n_tcp, 1);
	assert_int_equal(g->probe.tcp[0].addr.bytes[0], 8);
	assert_int_equal(g->probe.tcp[0].port, 443);
	assert_int_equal(g->probe.every_ms, 2000);
	policy_free(p);
}

static char *print(const struct policy *p)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	policy_print(p, f);
	fclose(f);
	return text;
}

static void fixed_point(const char *text)
{
	struct policy *first = parse(text), *second;
	char *a = print(first), *b;

	second = parse(a);
	b = print(second);
	assert_string_equal(a, b);
	free(a);
	free(b);
	policy_free(first);
	policy_free(second);
}

static void test_fixed_point(void **state)
{
	(void)state;
	fixed_point(everything);
	fixed_point(watched);
}

static void test_errors_print(void **state)
{
	struct policy_errors errs;
	struct policy *p;
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	(void)state;
	assert_int_equal(policy_parse("version: 2\n", 11, &p, &errs), -EINVAL);
	policy_errors_print(&errs, "p.yaml", f);
	fclose(f);
	assert_string_equal(
		text, "p.yaml:1:1: the policy has no 'guards' (add `guards:` with one guard)\n"
		      "p.yaml:1:10: version '2' is not known to this program "
		      "(write `version: 1`)\n");
	free(text);
	policy_errors_free(&errs);
	policy_free(NULL);
}

/* A long token is cut between characters: what is printed is UTF-8. */
static void test_long_token(void **state)
{
	static const char *const begin[] = { "version: ", "version: a", "version: ab" };

	(void)state;
	for (size_t i = 0; i < COUNT(begin); i++) {
		char text[512];
		struct policy_errors errs;
		struct policy *p;

		strcpy(text, begin[i]);
		for (int j = 0; j < 100; j++)
			strcat(text, "\xe2\x82\xac");
		assert_int_equal(policy_parse(text, strlen(text), &p, &errs), -EINVAL);
		assert_int_equal(errs.n, 2);
		assert_non_null(strstr(errs.list[1].what, "\xe2\x82\xac...'"));
		policy_errors_free(&errs);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything),     cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_edges),	       cmocka_unit_test(test_comments),
		cmocka_unit_test(test_fixed_point),    cmocka_unit_test(test_errors_print),
		cmocka_unit_test(test_long_token),     cmocka_unit_test(test_everything),
		cmocka_unit_test(test_defaults),       cmocka_unit_test(test_watched),
		cmocka_unit_test(test_watched_fields), cmocka_unit_test(test_edges),
		cmocka_unit_test(test_fixed_point),    cmocka_unit_test(test_errors_print),
		cmocka_unit_test(test_long_token),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
