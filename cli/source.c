// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/source.h"

void cli_source_free(struct cli_source *s)
{
	policy_free(s->policy);
	policy_errors_free(&s->errs);
}

int cli_source_read(const char *arg, struct cli_source *s)
{
	bool input = arg && !strcmp(arg, "-");
	const char *path = input ? "/dev/stdin" : arg ? arg : base_policy_path();
	_free_ char *text = NULL;
	size_t len = 0;
	int err;

	if (input)
		snprintf(s->name, sizeof(s->name), "<stdin>");
	else
		base_sanitize(s->name, sizeof(s->name), path, strlen(path));
	err = base_read_file(path, POLICY_MAX_BYTES, &text, &len);
	if (err == -EFBIG) {
		len = POLICY_MAX_BYTES + 1; /* policy_parse() has the words, and reads no text */
		err = 0;
	}
	if (err)
		return base_fail(err == -EACCES || err == -EPERM ? EXIT_PERMISSION : EXIT_POLICY,
				 s->name, strerror(-err),
				 err == -ENOENT ? "write a policy: see bpfguard-policy(5)" : NULL);
	err = policy_parse(text ? text : "", len, &s->policy, &s->errs);
	if (err == -EINVAL)
		return EXIT_POLICY;
	return err ? base_fail(EXIT_NO, s->name, strerror(-err), NULL) : EXIT_YES;
}
