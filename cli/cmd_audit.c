// SPDX-License-Identifier: GPL-2.0-only
/* audit verify: is the audit trail's chain whole? */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "cli/cli.h"
#include "monitor/monitor.h"

static int verify(const char *path)
{
	uint64_t lines = 0, bad = 0;
	char why[160] = "", what[4200];
	int ret = monitor_audit_verify(path, &lines, &bad, why, sizeof(why));

	if (!ret) {
		printf("%s: whole, %" PRIu64 " entries\n", path, lines);
		return cli_written(EXIT_YES);
	}
	if (ret == -EBADMSG) {
		snprintf(what, sizeof(what), "%s: line %" PRIu64, path, bad);
		return base_fail(EXIT_NO, what, why,
				 "what stands before it is whole; compare with a copy");
	}
	if (ret == -EACCES || ret == -EPERM)
		return base_fail(EXIT_PERMISSION, path, strerror(-ret), "run as root");
	return base_fail(EXIT_NO, path, strerror(-ret), NULL);
}

static int audit(int argc, char **argv)
{
	char path[4096];

	if (strcmp(argv[0], "verify") != 0)
		return cli_usage(&cmd_audit, "only `audit verify` is known");
	if (argc > 1)
		return verify(argv[1]);
	snprintf(path, sizeof(path), "%s/audit.jsonl", base_log_dir());
	return verify(path);
}

const struct cli_command cmd_audit = {
	.name = "audit",
	.args = "verify [FILE]",
	.summary = "check that the audit trail is whole; exit 0 it is, 1 it is not",
	.details =
		"Each entry holds the SHA-256 of the one before it and a number. Only the end can\n"
		"be cut off unseen: keep copies, or compare the last number.",
	.min_args = 1,
	.max_args = 2,
	.run = audit,
	.complete = "verify",
};
