// SPDX-License-Identifier: GPL-2.0-only
/* monitor: the daemon that proves the tunnel and renews the lease. */
#include "cli/cli.h"
#include "monitor/monitor.h"

static bool opt_once;

static const struct cli_opt opts[] = {
	{ 0, "once", NULL, "one look at everything, then end", &opt_once, NULL, NULL },
};

static int monitor(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	if (geteuid() != 0)
		return base_fail(EXIT_PERMISSION, "monitor", "not permitted", "run as root");
	return monitor_run(opt_once);
}

const struct cli_command cmd_monitor = {
	.name = "monitor",
	.args = "",
	.summary = "prove the tunnel, renew the lease, hang up uplink guard and link seal",
	.details =
		"Runs in the foreground until SIGTERM; SIGHUP reads the policy again. What it "
		"proves\n"
		"is allowed for the lease's length; when it dies, the lease runs out. It writes\n"
		"monitor.json in the run directory (see bpfguard status) and the audit trail.",
	.opts = opts,
	.n_opts = ARRAY_SIZE(opts),
	.run = monitor,
};
