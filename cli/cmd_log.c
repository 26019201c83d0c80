/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bpfguard log: the denied attempts.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/log.h"
#include "events/names.h"
#include "events/sink.h"
#include "policy/policy.h"

#define DEFAULT_MAX_SIZE (16ull << 20)
#define LEAST_MAX_SIZE	 4096u /* below the length of a record, each would be rotated away */
#define DEFAULT_KEEP	 5
#define DEFAULT_LINES	 10u /* before following */
#define MOST_LINES	 1000000u

static bool opt_follow, opt_json, opt_collect;
static const char *opt_since, *opt_container, *opt_reason, *opt_guard, *opt_lines, *opt_max_size,
	*opt_keep;

static const struct cli_opt opts[] = {
	{ 'f', "follow", NULL, "go on as attempts are denied", &opt_follow, NULL, NULL },
	{ 0, "json", NULL, "JSON Lines, every field", &opt_json, NULL, NULL },
	{ 0, "since", "T", "from T on: 10m, 2h30m, today, 2026-01-31T12:00:00Z", NULL, &opt_since,
	  "10m 1h today yesterday" },
	{ 0, "container", "C", "only of this container: name, or beginning of the id", NULL,
	  &opt_container, NULL },
	{ 0, "reason", "R", "only for this reason, such as next_hop", NULL, &opt_reason,
	  "internal not_loaded malformed host_namespace next_hop no_route_to_gateway "
	  "local_not_listed ipv6_no_gateway lease_expired vpn_down dns_elsewhere raw_socket "
	  "packet_socket foreign_socket forwarded_uplink ip_options martian encapsulation "
	  "odd_protocol" },
	{ 0, "guard", "G", "only of this guard", NULL, &opt_guard, NULL },
	{ 'n', "lines", "N", "only the last N (with -f: 10 unless given)", NULL, &opt_lines, NULL },
	{ 0, "collect", NULL, "run as the service that writes the log file", &opt_collect, NULL,
	  NULL },
	{ 0, "max-size", "SIZE", "rotate the file at this size (default 16M)", NULL, &opt_max_size,
	  NULL },
	{ 0, "keep", "N", "rotated files to keep (default 5)", NULL, &opt_keep, NULL },
};

/* `16M`: a number with an optional K, M or G (powers of 1024). */
static int parse_size(const char *text, uint64_t *ret)
{
	static const char units[] = "KMG";
	unsigned long long v;
	const char *unit;
	uint64_t size;
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	v = strtoull(text, &end, 10);
	if (errno)
		return -ERANGE;
	size = v;
	if (*end) {
		unit = strchr(units, *end & ~0x20);
		if (!unit || end[1])
			return -EINVAL;
		if (__builtin_mul_overflow(size, 1ull << (10 * (unit - units + 1)), &size))
			return -ERANGE;
	}
	*ret = size;
	return 0;
}

static int parse_number(const char *text, uint64_t max, uint64_t *ret)
{
	uint64_t v;

	if (!*text || text[strspn(text, "0123456789")] || parse_size(text, &v) || v > max)
		return -EINVAL;
	*ret = v;
	return 0;
}

static int bad_reason(const char *name)
{
	const char *names[BG_R_MAX], *near;
	char why[160];
	size_t n = events_reason_names(names, ARRAY_SIZE(names));

	near = policy_suggest(name, names, n);
	snprintf(why, sizeof(why), "no reason is called '%.40s'%s%s%s", name,
		 near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
	return cli_usage(&cmd_log, why);
}

static int parse_filter(struct events_filter *f)
{
	if (opt_since && base_parse_time(opt_since, base_now_ns(CLOCK_REALTIME), &f->since_ns))
		return cli_usage(&cmd_log, "--since: not a time (10m, 2h30m, today,"
					   " 2026-01-31, 2026-01-31T12:00:00Z)");
	if (opt_reason &&
	    (events_reason_parse(opt_reason, &f->reason) || f->reason < BG_R_FIRST_DENY))
		return bad_reason(opt_reason);
	if (opt_container && !*opt_container)
		return cli_usage(&cmd_log, "--container: empty");
	f->container = opt_container;
	f->guard = opt_guard;
	return 0;
}

static int parse_options(struct log_options *o)
{
	uint64_t keep = DEFAULT_KEEP;

	if (opt_collect &&
	    (opt_follow || opt_lines || opt_since || opt_container || opt_reason || opt_guard))
		return cli_usage(&cmd_log, "--collect takes every event: no filter, -f or -n");
	if (opt_lines && parse_number(opt_lines, MOST_LINES, &o->lines))
		return cli_usage(&cmd_log, "--lines: not a number from 0 to 1000000");
	if (opt_max_size && (parse_size(opt_max_size, &o->max_size) || !o->max_size ||
			     o->max_size < LEAST_MAX_SIZE || o->max_size > INT64_MAX))
		return cli_usage(&cmd_log, "--max-size: not a size of 4K or more (16M)");
	if (opt_keep && (parse_number(opt_keep, EVENTS_KEEP_MAX, &keep) || !keep))
		return cli_usage(&cmd_log, "--keep: not a number from 1 to 1000");
	o->keep = (unsigned int)keep;
	if (opt_follow && !opt_lines && !opt_since)
		o->lines = DEFAULT_LINES;
	return parse_filter(&o->filter);
}

static int run(int argc, char **argv)
{
	struct log_options o = {
		.follow = opt_follow,
		.json = opt_json,
		.collect = opt_collect,
		.lines = UINT64_MAX,
		.max_size = DEFAULT_MAX_SIZE,
		.run_dir = base_run_dir(),
		.log_dir = base_log_dir(),
		.source = &log_source_loader,
		.out = stdout,
	};
	int err;

	(void)argc;
	(void)argv;
	err = parse_options(&o);
	return err ? err : log_run(&o);
}

const struct cli_command cmd_log = {
	.name = "log",
	.summary = "show denied attempts",
	.details =
		"Prints what is on record, oldest first; with -f goes on. As root and without a\n"
		"running service it takes the newest denials from the kernel first. Each line\n"
		"stands for as many packets or calls as it says (x N); losses of detail are\n"
		"shown, counts are always exact (see bpfguard status).",
	.opts = opts,
	.n_opts = ARRAY_SIZE(opts),
	.run = run,
};
