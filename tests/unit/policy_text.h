/* SPDX-License-Identifier: GPL-2.0-only */
/* Policies of any length, for the tests of limits. */
#ifndef BPFGUARD_TEST_POLICY_TEXT_H
#define BPFGUARD_TEST_POLICY_TEXT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/policy.h"

/* A text that grows. */
struct text {
	char *buf;
	size_t len;
	FILE *f;
};

static inline void text_open(struct text *t)
{
	t->f = open_memstream(&t->buf, &t->len);
	assert_non_null(t->f);
}

/* Parses and frees the text. The policy, or NULL with what the first of `n` errors says. */
static inline struct policy *text_parse(struct text *t, const char *what, size_t n)
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

static inline void good(struct text *t)
{
	struct policy *p = text_parse(t, NULL, 0);

	assert_non_null(p);
	policy_free(p);
}

static inline void refused(struct text *t, const char *what)
{
	assert_null(text_parse(t, what, 1));
}

#endif /* BPFGUARD_TEST_POLICY_TEXT_H */
