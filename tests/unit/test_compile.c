// SPDX-License-Identifier: GPL-2.0-only
/* Policy to kernel configuration: flags, inline lists and prefix table, lines, hashes. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "loader/internal.h"

static struct loader_image compile(const char *text)
{
	struct policy_errors errs = { 0 };
	struct loader_image img;
	struct policy *p = NULL;

	if (policy_parse(text, strlen(text), &p, &errs))
		policy_errors_print(&errs, "policy", stderr);
	assert_non_null(p);
	policy_errors_free(&errs);
	assert_int_equal(loader_compile(p, "/etc/p.yaml", &img), 0);
	policy_free(p);
	return img;
}

/* n IPv4 and m IPv6 prefixes besides the gateway's 10.0.9.0/24. */
static struct loader_image with_prefixes(int n, int m)
{
	char text[4096];
	int len = snprintf(text, sizeof(text),
			   "version: 1\nguards:\n  - name: a\n    cgroup: /a\n"
			   "    gateway: {address: 10.0.9.1}\n    local:\n      - 10.0.9.0/24\n"),
	    i;

	for (i = 0; i < n; i++)
		len += snprintf(text + len, sizeof(text) - len, "      - 11.0.%d.0/25\n", i);
	for (i = 0; i < m; i++)
		len += snprintf(text + len, sizeof(text) - len, "      - \"2001:db8:%d::/47\"\n",
				2 * i);
	return compile(text);
}

static void test_all_fields(void **state)
{
	struct loader_image img = compile("version: 1\n"
					  "guards:\n"
					  "  - name: one\n"
					  "    cgroup: a-b.slice\n"
					  "    mode: audit\n"
					  "    gateway:\n"
					  "      address: [10.0.9.1, \"fd00::1\"]\n"
					  "      interface: tun7\n"
					  "      container: gluetun\n"
					  "    local:\n"
					  "      - 10.0.9.0/24\n"
					  "      - \"fd00::/33\"\n"
					  "    dns: {mode: strict, server: 10.0.9.3, tls: deny}\n"
					  "    kill_switch: {lease: 7s}\n");
	const struct bg_guard *g = &img.guard[0];

	(void)state;
	assert_int_equal(img.n_guards, 1);
	assert_int_equal(img.guard[1].generation, 0);
	assert_int_not_equal(g->generation, 0);
	assert_int_equal(g->abi, BG_ABI);
	assert_int_equal(g->flags,
			 BG_G_AUDIT | BG_G_TUNNEL | BG_G_IPV6 | BG_G_DNS_TLS_DENY | BG_G_LINK);
	assert_int_equal(g->dns_mode, BG_DNS_STRICT);
	assert_int_equal(g->lease_ns, 7000000000ull);
	assert_string_equal(g->name, "one");
	assert_string_equal(g->cgroup, "/a.slice/a-b.slice");
	assert_string_equal(g->interface, "tun7");
	assert_string_equal(g->container, "gluetun");
	assert_string_equal(g->policy_path, "/etc/p.yaml");
	assert_int_equal(g->n_gw4, 1);
	assert_int_equal(g->gw4[0], inet_addr("10.0.9.1"));
	assert_int_equal(g->n_gw6, 1);
	assert_int_equal(ntohl(g->gw6[0][0]), 0xfd000000);
	assert_int_equal(ntohl(g->gw6[0][3]), 1);
	assert_int_equal(g->n_dns4, 1);
	assert_int_equal(g->n_dns6, 0);
	assert_int_equal(g->dns4[0], inet_addr("10.0.9.3"));
	assert_int_equal(g->n_local4, 1);
	assert_int_equal(g->local4[0].addr, inet_addr("10.0.9.0"));
	assert_int_equal(g->local4[0].mask, inet_addr("255.255.255.0"));
	assert_int_equal(g->n_local6, 1);
	assert_int_equal(ntohl(g->local6[0].mask[0]), 0xffffffff);
	assert_int_equal(ntohl(g->local6[0].mask[1]), 0x80000000);
	assert_int_equal(g->local6[0].mask[2] | g->local6[0].mask[3], 0);
	assert_int_equal(g->line_guard, 3);
	assert_int_equal(g->line_mode, 5);
	assert_int_equal(g->line_gateway, 6);
	assert_int_equal(g->line_local, 10);
	assert_int_equal(g->line_local4[0], 11);
	assert_int_equal(g->line_local6[0], 12);
	assert_int_equal(g->line_dns, 13);
	assert_int_equal(g->line_lease, 14);
	loader_image_free(&img);
}

static void test_shortest(void **state)
{
	struct loader_image img = with_prefixes(0, 0);
	const struct bg_guard *g = &img.guard[0];

	(void)state;
	assert_int_equal(g->flags & ~BG_G_LEASE_OFF, 0);
	assert_int_equal(!g->lease_ns, !!(g->flags & BG_G_LEASE_OFF));
	assert_int_equal(g->dns_mode, BG_DNS_GATEWAY);
	assert_int_equal(g->dns4[0], inet_addr("10.0.9.1")); /* the gateway itself */
	assert_int_equal(g->line_dns, g->line_guard); /* nothing said: the guard's own line */
	loader_image_free(&img);
}

/* Exactly BG_INLINE_LOCAL of a family stay inline; one more, and all of that family move. */
static void test_inline_edge(void **state)
{
	static const struct {
		int n, m;
		uint32_t flags, n4, n6, n_prefix;
	} cases[] = {
		{ 7, 0, 0, 8, 0, 0 },	      { 8, 0, BG_G_LPM4, 0, 0, 9 },
		{ 7, 8, 0, 8, 8, 0 },	      { 7, 9, BG_G_LPM6, 8, 0, 9 },
		{ 8, 8, BG_G_LPM4, 0, 8, 9 }, { 20, 20, BG_G_LPM4 | BG_G_LPM6, 0, 0, 41 },
	};
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct loader_image img = with_prefixes(cases[i].n, cases[i].m);
		const struct bg_guard *g = &img.guard[0];

		assert_int_equal(g->flags & (BG_G_LPM4 | BG_G_LPM6), cases[i].flags);
		assert_int_equal(!!(g->flags & BG_G_IPV6), cases[i].m != 0);
		assert_int_equal(g->n_local4, cases[i].n4);
		assert_int_equal(g->n_local6, cases[i].n6);
		assert_int_equal(img.n_prefix, cases[i].n_prefix);
		assert_int_equal(g->prefix_count, cases[i].n_prefix);
		for (k = 0; k < img.n_prefix; k++) {
			const struct bg_prefix_key *key = &img.prefix[k].key;

			assert_int_equal(key->scope, 0);
			bool gateways = key->family == 4 && key->addr[0] == inet_addr("10.0.9.0");

			assert_int_equal(key->prefixlen - 64, key->family == 6 ? 47
							      : gateways       ? 24
									       : 25);
		}
		loader_image_free(&img);
	}
}

/* The hash is of what is enforced: slot, generation and host do not count, everything else does. */
static void test_hash(void **state)
{
	struct loader_image img = with_prefixes(12, 0);
	uint8_t one[32], two[32];
	struct loader_prefix p;

	(void)state;
	loader_hash_guard(&img, 0, one);
	assert_memory_equal(one, img.guard[0].policy_hash, 32);
	img.guard[0].generation = 77;
	img.guard[0].host_netns[0] = 5;
	p = img.prefix[0]; /* another order, as the kernel's trie may give */
	img.prefix[0] = img.prefix[5];
	img.prefix[5] = p;
	for (size_t i = 0; i < img.n_prefix; i++)
		img.prefix[i].key.scope = 77 * BG_MAX_GUARDS;
	loader_hash_guard(&img, 0, two);
	assert_memory_equal(one, two, 32);

	img.prefix[3].key.addr[0] ^= htonl(0x100);
	loader_hash_guard(&img, 0, two);
	assert_memory_not_equal(one, two, 32);
	img.prefix[3].key.addr[0] ^= htonl(0x100);
	img.n_prefix--;
	loader_hash_guard(&img, 0, two);
	assert_memory_not_equal(one, two, 32);
	img.n_prefix++;
	img.guard[0].flags ^= BG_G_AUDIT;
	loader_hash_guard(&img, 0, two);
	assert_memory_not_equal(one, two, 32);
	loader_image_free(&img);
}

/* What only the monitor follows counts as well: reload must see that it changed. */
static void test_hash_of_text(void **state)
{
	static const char *const more[] = {
		"uplink: {outbound: [192.168.1.0/24]}",
		"uplink: {outbound: [192.168.2.0/24]}",
		"uplink: {guard: off}",
		"kill_switch: {probe: {every: 2s}}",
		"kill_switch: {probe: {icmp: 9.9.9.9}}",
		"uplink: {endpoints: 203.0.113.9:1}",
		"link: {bridge: br0}",
		"kill_switch: {on_down: stop}",
	};
	uint8_t seen[ARRAY_SIZE(more)][32];
	struct loader_image img, same;
	char text[300];
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(more); i++) {
		snprintf(text, sizeof(text),
			 "version: 1\nguards:\n  - name: a\n    cgroup: /a\n"
			 "    gateway: {address: 10.0.9.1, container: gw}\n"
			 "    local: [10.0.9.0/24]\n    %s\n",
			 more[i]);
		img = compile(text);
		same = compile(text);
		assert_memory_equal(img.guard[0].policy_hash, same.guard[0].policy_hash, 32);
		memcpy(seen[i], img.guard[0].policy_hash, 32);
		for (k = 0; k < i; k++)
			assert_memory_not_equal(seen[i], seen[k], 32);
		loader_image_free(&img);
		loader_image_free(&same);
	}
}

/* Guards in file order, each with its own slot and prefixes. */
static void test_two_guards(void **state)
{
	struct loader_image img = compile("version: 1\nguards:\n"
					  "  - {name: a, cgroup: /a, gateway: {address: 10.0.9.1}, "
					  "local: [10.0.9.0/24]}\n"
					  "  - {name: b, cgroup: /b, gateway: {address: 10.0.8.1}, "
					  "local: [10.0.8.0/24]}\n");

	(void)state;
	assert_int_equal(img.n_guards, 2);
	assert_string_equal(img.guard[0].name, "a");
	assert_string_equal(img.guard[1].name, "b");
	assert_int_equal(img.guard[1].gw4[0], inet_addr("10.0.8.1"));
	assert_memory_not_equal(img.guard[0].policy_hash, img.guard[1].policy_hash, 32);
	loader_image_free(&img);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_fields),  cmocka_unit_test(test_shortest),
		cmocka_unit_test(test_inline_edge), cmocka_unit_test(test_hash),
		cmocka_unit_test(test_two_guards),  cmocka_unit_test(test_hash_of_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
