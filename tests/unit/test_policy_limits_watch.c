// SPDX-License-Identifier: GPL-2.0-only
/* The limits of what a monitor would follow: good at the limit, refused one above it. */
#include "tests/unit/policy_text.h"

#define WATCHED                                                                                    \
	"version: 1\nguards:\n  - name: vpn\n    cgroup: bpfguard.slice\n"                         \
	"    gateway: {address: 10.0.0.2, container: gw}\n    local: [10.0.0.0/8]\n"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lease),
		cmocka_unit_test(test_watch_lists),
		cmocka_unit_test(test_every),
		cmocka_unit_test(test_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
