/* SPDX-License-Identifier: GPL-2.0-only */
/* Tables of refusals: a policy text that is good but for one thing, and what is said of it. */
#ifndef BPFGUARD_TEST_REFUSE_H
#define BPFGUARD_TEST_REFUSE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/policy.h"

struct refusal {
	const char *name;
	const char *text;
	size_t len;
	unsigned int line, column;
	const char *what, *todo;
	size_t n; /* errors in all */
};

#define HEAD		"version: 1\nguards:\n"
#define NAME		"  - name: vpn\n"
#define CGROUP		"    cgroup: bpfguard.slice\n"
#define GATEWAY		"    gateway: {address: 172.30.0.2}\n"
#define LOCAL		"    local: [172.30.0.0/24]\n"
#define GUARD		NAME CGROUP GATEWAY LOCAL
#define WITH_GATEWAY(v) HEAD NAME CGROUP "    gateway: " v "\n" LOCAL
/* The text, the number of errors, where the first one is and what it says. */
#define T(n_, name_, text_, line_, column_, what_, todo_)                                          \
	{                                                                                          \
		.name = (name_), .text = (text_), .len = sizeof(text_) - 1, .line = (line_),       \
		.column = (column_), .what = (what_), .todo = (todo_), .n = (n_)                   \
	}
#define E(...) T(1, __VA_ARGS__)

static void test_refusal(void **state)
{
	const struct refusal *r = *state;
	struct policy *p = (struct policy *)0x1;
	struct policy_errors errs;
	size_t len = r->len;
	char *exact = malloc(len ? len : 1); /* no byte behind it: the sanitizer sees an overrun */

	assert_non_null(exact);
	memcpy(exact, r->text, len);
	assert_int_equal(policy_parse(exact, len, &p, &errs), -EINVAL);
	assert_ptr_equal(p, (struct policy *)0x1);
	if (errs.n != r->n)
		policy_errors_print(&errs, r->name, stderr);
	assert_int_equal(errs.n, r->n);
	if (!strstr(errs.list[0].what, r->what) || !strstr(errs.list[0].todo, r->todo))
		fail_msg("said: %s (%s)", errs.list[0].what, errs.list[0].todo);
	assert_int_equal(errs.list[0].pos.line, r->line);
	assert_int_equal(errs.list[0].pos.column, r->column);
	policy_errors_free(&errs);
	assert_null(errs.list);
	free(exact);
}

static inline void must_be_good(const char *const *good, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct policy_errors errs;
		struct policy *p;

		assert_int_equal(policy_parse(good[i], strlen(good[i]), &p, &errs), 0);
		assert_int_equal(errs.n, 0);
		policy_errors_free(&errs);
		policy_free(p);
	}
}

/* A test for each, behind the one of the texts that are good. */
#define REFUSE_MAIN(refusals, test_good)                                                           \
	int main(void)                                                                             \
	{                                                                                          \
		static struct CMUnitTest tests[sizeof(refusals) / sizeof((refusals)[0]) + 1];      \
                                                                                                   \
		tests[0] = (struct CMUnitTest)cmocka_unit_test(test_good);                         \
		for (size_t i = 1; i < sizeof(tests) / sizeof(tests[0]); i++)                      \
			tests[i] = (struct CMUnitTest){ (refusals)[i - 1].name, test_refusal,      \
							NULL, NULL, (void *)&(refusals)[i - 1] };  \
		return cmocka_run_group_tests(tests, NULL, NULL);                                  \
	}

#endif /* BPFGUARD_TEST_REFUSE_H */
