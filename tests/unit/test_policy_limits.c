// SPDX-License-Identifier: GPL-2.0-only
/* Every limit of a policy: good at the limit, refused one above it. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/policy.h"

#define GUARD                                                                                      \
	"version: 1\nguards:\n  - name: vpn\n    cgroup: bpfguard.slice\n"                         \
	"    gateway: {address: 10.0.0.2}\n"

#define WATCHED                                                                                    \
	"version: 1\nguards:\n  - name: vpn\n    cgroup: bpfguard.slice\n"                         \
	"    gateway: {address: 10.0.0.2, container: gw}\n    local: [10.0.0.0/8]\n"

/* A text that grows. */
struct text {
	char *buf;
	size_t len;
	FILE *f;
};

static void text_open(struct text *t)
{
	t->f = open_memstream(&t->buf, &t->len);
	assert_non_null(t->f);
}

/* Parses and frees the text. The policy, or NULL with what the first of `n` errors says. */
static struct policy *text_parse(struct text *t, const char *what, size_t n)
{
	struct policy_errors errs;
	struct policy *p = NULL;
	int err;

	fclose(t->f);
	err = policy_parse(t->buf, t->len, &p, &errs);
	if (!what && err)
		policy_errors_print(&errs, "unexpected", stderr);
	assert_int_equal(err, what ? -EINVAL : 0);
	assert_int_equal(errs.n, what ? n : 0);
	if (what && !strstr(errs.list[0].what, what))
		fail_msg("said: %s", errs.list[0].what);
	policy_errors_free(&errs);
	free(t->buf);
	return p;
}

static void good(struct text *t)
{
	struct policy *p = text_parse(t, NULL, 0);

	assert_non_null(p);
	policy_free(p);
}

static void refused(struct text *t, const char *what)
{
	assert_null(text_parse(t, what, 1));
}

static void put_guards(struct text *t, int n)
{
	text_open(t);
	fputs("version: 1\nguards:\n", t->f);
	for (int i = 0; i < n; i++)
		fprintf(t->f,
			"  - {name: g%d, cgroup: /g%d, gateway: {address: 10.0.0.2}, "
			"local: [10.0.0.0/24]}\n",
			i, i);
}

static void test_guards(void **state)
{
	struct text t;

	(void)state;
	put_guards(&t, 16);
	good(&t);
	put_guards(&t, 17);
	refused(&t, "more than 16 guards");
}

static void put_local(struct text *t, int n4, int n6)
{
	text_open(t);
	fputs(GUARD "    local:\n", t->f);
	for (int i = 0; i < n4; i++)
		fprintf(t->f, "      - 10.%d.%d.0/24\n", i / 256, i % 256);
	for (int i = 0; i < n6; i++)
		fprintf(t->f, "      - \"fd00:%x::/32\"\n", i);
}

static void test_local(void **state)
{
	struct policy *p;
	struct text t;

	(void)state;
	put_local(&t, 10000, 0);
	p = text_parse(&t, NULL, 0);
	assert_int_equal(p->guards[0].n_local, 10000);
	assert_int_equal(p->guards[0].local[9999].addr.pos.line, 6 + 10000);
	policy_free(p);
	put_local(&t, 10001, 0);
	refused(&t, "more than 10000 local networks");
	put_local(&t, 5000, 5000); /* both families count */
	good(&t);
	put_local(&t, 5000, 5001);
	refused(&t, "more than 10000 local networks");
}

static void put_cases(struct text *t, int n)
{
	text_open(t);
	fputs(GUARD "    local: [10.0.0.0/8]\n    tests:\n", t->f);
	for (int i = 0; i < n; i++)
		fprintf(t->f, "      - {to: 1.1.1.1:%d, expect: allow}\n", i + 1);
}

static void test_cases(void **state)
{
	struct policy *p;
	struct text t;

	(void)state;
	put_cases(&t, 1000);
	p = text_parse(&t, NULL, 0);
	assert_int_equal(p->guards[0].n_tests, 1000);
	assert_int_equal(p->guards[0].tests[999].port, 1000);
	policy_free(p);
	put_cases(&t, 1001);
	refused(&t, "more than 1000 tests");
}

/* A good policy, filled up to `size` bytes by a comment. */
static void put_size(struct text *t, size_t size)
{
	text_open(t);
	fputs(GUARD "    local: [10.0.0.0/8]\n#", t->f);
	fflush(t->f);
	for (size_t at = t->len; at < size; at++)
		fputc('x', t->f);
}

static void test_bytes(void **state)
{
	struct text t;

	(void)state;
	put_size(&t, 1048576);
	good(&t);
	put_size(&t, 1048577);
	refused(&t, "larger than 1048576 bytes");
}

/* Compact as written, too long in canonical form: `show` could print what `check` refuses. */
static void put_compact(struct text *t, int guards)
{
	text_open(t);
	fputs("version: 1\nguards:\n", t->f);
	for (int i = 0; i < guards; i++) {
		fprintf(t->f,
			"  - {name: g%d, cgroup: /g%d, gateway: {address: 10.0.0.2}, "
			"local: [10.0.0.0/8], tests: [",
			i, i);
		for (int j = 0; j < 1000; j++)
			fprintf(t->f, "{to: 1.1.1.1, expect: deny}%s", j < 999 ? "," : "]}\n");
	}
}

static void test_canonical_bytes(void **state)
{
	struct text t;

	(void)state;
	put_compact(&t, 8);
	good(&t);
	put_compact(&t, 12);
	refused(&t, "the canonical form has");
}

static void put_gateways(struct text *t, int n4, int n6)
{
	text_open(t);
	fputs("version: 1\nguards:\n  - name: vpn\n    cgroup: /a\n    gateway:\n      address:\n",
	      t->f);
	for (int i = 0; i < n4; i++)
		fprintf(t->f, "        - 10.0.0.%d\n", i + 1);
	for (int i = 0; i < n6; i++)
		fprintf(t->f, "        - fd00::%d\n", i + 1);
	fputs("    local: [10.0.0.0/8, \"fd00::/64\"]\n", t->f);
}

static void test_gateways(void **state)
{
	struct policy *p;
	struct text t;

	(void)state;
	put_gateways(&t, 4, 4);
	p = text_parse(&t, NULL, 0);
	assert_int_equal(p->guards[0].n_gateway, 8);
	assert_int_equal(p->guards[0].n_dns_server, 4); /* the default: two of each family */
	assert_false(p->guards[0].dns_server_given);
	policy_free(p);
	put_gateways(&t, 5, 4);
	refused(&t, "more than 4 IPv4 addresses for gateway address");
	put_gateways(&t, 4, 5);
	refused(&t, "more than 4 IPv6 addresses for gateway address");
}

static void put_dns(struct text *t, const char *list)
{
	text_open(t);
	fprintf(t->f, GUARD "    local: [10.0.0.0/8, \"fd00::/64\"]\n    dns: {server: [%s]}\n",
		list);
}

static void test_dns(void **state)
{
	struct text t;

	(void)state;
	put_dns(&t, "9.9.9.9, 9.9.9.10, fd00::1, fd00::2");
	good(&t);
	put_dns(&t, "9.9.9.9, 9.9.9.10, 9.9.9.11");
	refused(&t, "more than 2 IPv4 addresses for dns server");
	put_dns(&t, "fd00::1, fd00::2, fd00::3");
	refused(&t, "more than 2 IPv6 addresses for dns server");
}

static void put_words(struct text *t, int name, int cgroup, int interface, int container,
		      int reason)
{
	static const char a[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
				"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
				"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
				"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

	text_open(t);
	fprintf(t->f,
		"version: 1\nguards:\n  - name: %.*s\n    cgroup: /%.*s\n"
		"    gateway: {interface: %.*s, container: %.*s}\n    dns: {server: 9.9.9.9}\n"
		"    kill_switch: {lease: off}\n"
		"    tests: [{to: 1.1.1.1, expect: deny, reason: %.*s}]\n",
		name, a, cgroup - 1, a, interface, a, container, a, reason, a);
}

static void test_words(void **state)
{
	struct policy *p;
	struct text t;

	(void)state;
	put_words(&t, 31, 255, 15, 127, 31);
	p = text_parse(&t, NULL, 0);
	assert_int_equal(strlen(p->guards[0].name), 31);
	assert_int_equal(strlen(p->guards[0].cgroup), 255);
	assert_int_equal(strlen(p->guards[0].gateway_interface), 15);
	assert_int_equal(strlen(p->guards[0].gateway_container), 127);
	assert_int_equal(strlen(p->guards[0].tests[0].reason), 31);
	policy_free(p);
	put_words(&t, 1, 2, 1, 2, 1);
	good(&t);
	put_words(&t, 32, 255, 15, 127, 31);
	refused(&t, "is not a guard name");
	put_words(&t, 31, 256, 15, 127, 31);
	refused(&t, "is longer than 255 bytes");
	put_words(&t, 31, 255, 16, 127, 31);
	refused(&t, "cannot be a device's name");
	put_words(&t, 31, 255, 15, 128, 31);
	refused(&t, "is not a container name");
	put_words(&t, 31, 255, 15, 127, 32);
	refused(&t, "is not a reason's name");
}

static void put_lease(struct text *t, const char *lease)
{
	text_open(t);
	fprintf(t->f, WATCHED "    kill_switch: {lease: %s}\n", lease);
}

static void test_lease(void **state)
{
	static const struct {
		const char *text;
		uint64_t ms;
	} valid[] = { { "off", 0 },	      { "1s", 1000 },	   { "1000ms", 1000 },
		      { "500000ms", 500000 }, { "2m", 120000 },	   { "60m", 3600000 },
		      { "1h", 3600000 },      { "3600s", 3600000 } };
	static const char *const invalid[] = { "999ms", "500ms", "3600001ms", "3601s",
					       "61m",	"2h",	 "999999999h" };
	struct text t;

	(void)state;
	for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++) {
		struct policy *p;

		put_lease(&t, valid[i].text);
		p = text_parse(&t, NULL, 0);
		assert_true(p->guards[0].lease_ms == valid[i].ms);
		assert_true(p->guards[0].lease_given);
		policy_free(p);
	}
	for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++) {
		put_lease(&t, invalid[i]);
		refused(&t, "is out of range");
	}
	put_lease(&t, "1000000000ms"); /* ten digits */
	refused(&t, "is not a time");
}

static void put_numbered(struct text *t, const char *head, const char *form, int n)
{
	text_open(t);
	fputs(head, t->f);
	for (int i = 1; i <= n; i++) {
		for (const char *s = form; *s; s++) {
			if (*s == '#')
				fprintf(t->f, "%d", i);
			else
				fputc(*s, t->f);
		}
	}
	fputs(strstr(head, "probe") ? "]}}\n" : "]}\n", t->f);
}

/* Of one thing each: as many as fit, and one more. */
static void test_watch_lists(void **state)
{
	static const struct {
		const char *head, *form;
		int max;
		const char *what;
	} lists[] = {
		{ "    uplink: {endpoints: [", "203.0.113.#:1,", 16, "more than 16 endpoints" },
		{ "    uplink: {outbound: [", "11.#.0.0/16,", 16,
		  "more than 16 outbound networks" },
		{ "    kill_switch: {probe: {icmp: [", "9.9.9.#,", 4, "more than 4 icmp targets" },
		{ "    kill_switch: {probe: {tcp: [", "\"9.9.9.#:1\",", 4,
		  "more than 4 tcp targets" },
	};
	struct text t;

	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		char head[300];

		snprintf(head, sizeof(head), WATCHED "%s", lists[i].head);
		put_numbered(&t, head, lists[i].form, lists[i].max);
		good(&t);
		put_numbered(&t, head, lists[i].form, lists[i].max + 1);
		refused(&t, lists[i].what);
		put_numbered(&t, head, lists[i].form, lists[i].max + 5); /* said once */
		refused(&t, lists[i].what);
	}
}

static void put_every(struct text *t, const char *lease, const char *every)
{
	text_open(t);
	fprintf(t->f, WATCHED "    kill_switch: {lease: %s, probe: {every: %s}}\n", lease, every);
}

static void test_every(void **state)
{
	static const struct {
		const char *lease, *every, *what;
	} cases[] = {
		{ "5s", "200ms", NULL },  { "5s", "199ms", "is out of range" },
		{ "5s", "2500ms", NULL }, { "5s", "2501ms", "longer than half the lease of 5s" },
		{ "1s", "500ms", NULL },  { "1s", "501ms", "longer than half the lease of 1s" },
		{ "1h", "30m", NULL },	  { "1h", "1800001ms", "is out of range" },
		{ "off", "30m", NULL },	  { "off", "1800001ms", "is out of range" },
	};
	struct text t;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put_every(&t, cases[i].lease, cases[i].every);
		if (cases[i].what)
			refused(&t, cases[i].what);
		else
			good(&t);
	}
}

static void put_paths(struct text *t, int netns, int secret, int network)
{
	text_open(t);
	fprintf(t->f,
		"version: 1\nguards:\n"
		"  - name: a\n    cgroup: /a\n    local: [10.0.0.0/8]\n"
		"    gateway: {address: 10.0.0.2, netns: /%0*d, control: {port: 1, auth: basic, "
		"secret_file: /%0*d}}\n"
		"  - name: b\n    cgroup: /b\n    local: [10.0.0.0/8]\n"
		"    gateway: {address: 10.0.0.2, container: gw}\n    link: {network: n%0*d}\n",
		netns - 1, 0, secret - 1, 0, network - 1, 0);
}

static void test_paths(void **state)
{
	struct text t;

	(void)state;
	put_paths(&t, 255, 255, 127);
	good(&t);
	put_paths(&t, 256, 255, 127);
	refused(&t, "is longer than 255 bytes");
	put_paths(&t, 255, 256, 127);
	refused(&t, "is longer than 255 bytes");
	put_paths(&t, 255, 255, 128);
	refused(&t, "is not a network name");
}

static void test_prefix_lengths(void **state)
{
	struct text t;

	(void)state;
	text_open(&t);
	fputs(GUARD "    local: [10.0.0.0/8, 11.0.0.0/9, 8.8.8.8/32, \"2001:db8::/32\", "
		    "\"fd00::1/128\"]\n",
	      t.f);
	good(&t); /* the other side, /7 and /31, is in test_policy_refuse.c */
}

/* A hundred errors are shown, and of more the first hundred of the file. */
static void put_errors(struct text *t, int n)
{
	text_open(t);
	fputs("version: 1\n", t->f);
	for (int i = 0; i < n - 1; i++)
		fprintf(t->f, "k%dzzzzzz: x\n", i);
	fputs("guards: [{name: A, cgroup: /a, gateway: {interface: tun0}, dns: {server: "
	      "1.1.1.1}}]\n",
	      t->f);
}

static void test_errors(void **state)
{
	struct policy_errors errs;
	struct policy *p;
	struct text t;

	(void)state;
	for (int n = 100; n <= 101; n++) {
		put_errors(&t, n);
		fclose(t.f);
		assert_int_equal(policy_parse(t.buf, t.len, &p, &errs), -EINVAL);
		assert_int_equal(errs.n, 100);
		assert_int_equal(errs.more, n > 100);
		for (unsigned int i = 0; i < 100; i++)
			assert_int_equal(errs.list[i].pos.line, i + 2);
		policy_errors_free(&errs);
		free(t.buf);
	}
}

/* An error that is found last but stands first in the file is among those that are shown. */
static void test_first_errors_stay(void **state)
{
	struct policy_errors errs;
	char *shown = NULL;
	struct policy *p;
	struct text t;
	size_t len;
	FILE *f;

	(void)state;
	text_open(&t);
	fputs("version: 1\nguards:\n"
	      "  - {name: a, cgroup: /a, gateway: {address: 10.0.0.2}, local: [10.0.0.0/8]}\n"
	      "  - {name: b, cgroup: /a, gateway: {address: 10.0.0.2}, local: [10.0.0.0/8]}\n",
	      t.f);
	for (int i = 0; i < 150; i++)
		fprintf(t.f, "k%dzzzzzz: x\n", i);
	fclose(t.f);
	assert_int_equal(policy_parse(t.buf, t.len, &p, &errs), -EINVAL);
	free(t.buf);
	assert_int_equal(errs.n, 100);
	assert_true(errs.more);
	assert_non_null(strstr(errs.list[0].what, "guarded already"));
	assert_int_equal(errs.list[0].pos.line, 4);
	assert_int_equal(errs.list[99].pos.line, 5 + 98);
	f = open_memstream(&shown, &len);
	assert_non_null(f);
	policy_errors_print(&errs, "p", f);
	fclose(f);
	assert_non_null(strstr(shown, "p: more errors follow"));
	free(shown);
	policy_errors_free(&errs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guards),
		cmocka_unit_test(test_local),
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_canonical_bytes),
		cmocka_unit_test(test_gateways),
		cmocka_unit_test(test_dns),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_lease),
		cmocka_unit_test(test_watch_lists),
		cmocka_unit_test(test_every),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_prefix_lengths),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_first_errors_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
