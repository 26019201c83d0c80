// SPDX-License-Identifier: GPL-2.0-only
/* Every limit of a policy: good at the limit, refused one above it. */
#include "tests/unit/policy_text.h"

#define GUARD                                                                                      \
	"version: 1\nguards:\n  - name: vpn\n    cgroup: bpfguard.slice\n"                         \
	"    gateway: {address: 10.0.0.2}\n"

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
		cmocka_unit_test(test_prefix_lengths),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_first_errors_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
