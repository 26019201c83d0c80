/* SPDX-License-Identifier: GPL-2.0-only */
/* The test cases of a policy, run on the decision function that the kernel programs share. */
#ifndef BPFGUARD_CLI_POLICY_CASES_H
#define BPFGUARD_CLI_POLICY_CASES_H

#include <stdbool.h>

#include "policy/policy.h"

struct case_side {
	bool allow;
	const char *reason; /* NULL: any */
};

/* Valid during the call. */
struct case_result {
	const char *guard;
	unsigned int line;
	bool ok;
	struct case_side expected, got;
};

typedef void (*case_fn)(const struct case_result *r, void *ctx);

/* Calls fn for each case, in file order. 0 or -errno. */
int cases_run(const struct policy *p, const char *path, case_fn fn, void *ctx);

/*
 * A reason that no decision gives would make its case fail for ever: reported as an error of the
 * policy. `errs` is empty at the call and to be freed with policy_errors_free().
 */
void cases_check_reasons(const struct policy *p, struct policy_errors *errs);

#endif /* BPFGUARD_CLI_POLICY_CASES_H */
