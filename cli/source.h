/* SPDX-License-Identifier: GPL-2.0-only */
/* A policy file as the verbs read it. */
#ifndef BPFGUARD_CLI_SOURCE_H
#define BPFGUARD_CLI_SOURCE_H

#include "policy/policy.h"

struct cli_source {
	char name[512]; /* safe for a terminal and for JSON */
	struct policy *policy;
	struct policy_errors errs;
};

/*
 * arg NULL: the default path; "-": standard input. EXIT_YES and a policy; EXIT_POLICY with s->errs
 * for the caller to print; or another code with everything said. Always to be freed.
 */
int cli_source_read(const char *arg, struct cli_source *s);
void cli_source_free(struct cli_source *s);
#define _cli_source_ __attribute__((cleanup(cli_source_free)))

#endif /* BPFGUARD_CLI_SOURCE_H */
