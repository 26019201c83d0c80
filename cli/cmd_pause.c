// SPDX-License-Identifier: GPL-2.0-only
/* pause: the guard lets all pass for a while; the kernel's clock ends it, whatever dies. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/load.h"
#include "loader/link.h"
#include "monitor/monitor.h"

#define SECOND_NS 1000000000ull

static const char *opt_for, *opt_guard;
static bool opt_end;

static const struct cli_opt opts[] = {
	{ 0, "for", "TIME", "how long: 1s to 24h, such as 10m", NULL, &opt_for, NULL },
	{ 0, "guard", "NAME", "this guard alone (default: all)", NULL, &opt_guard, NULL },
	{ 0, "end", NULL, "end a pause now", &opt_end, NULL, NULL },
};

static int parse_for(const char *text, uint64_t *ret_ns)
{
	const uint64_t from = 400ull * 86400 * SECOND_NS;
	uint64_t then;

	/* what base_parse_time takes besides: points in time, not lengths */
	if (text[0] < '0' || text[0] > '9' || strchr(text, '-') ||
	    base_parse_time(text, from, &then) || from - then < SECOND_NS ||
	    from - then > 86400 * SECOND_NS)
		return -EINVAL;
	*ret_ns = from - then;
	return 0;
}

/* The trail first: a pause that nobody can find afterwards is not given. */
static int write_trail(const char *guard, uint64_t for_ns, const char *until)
{
	const char *user = getenv("SUDO_USER");
	char fields[256], safe[64];
	int ret;

	base_sanitize(safe, sizeof(safe), user ? user : "", user ? strlen(user) : 0);
	if (strpbrk(safe, "\"\\"))
		safe[0] = 0;
	snprintf(fields, sizeof(fields),
		 "{\"seconds\": %llu, \"until\": \"%s\", \"uid\": %u, \"sudo_user\": \"%s\"}",
		 (unsigned long long)(for_ns / SECOND_NS), until, getuid(), safe);
	ret = monitor_audit_append(for_ns ? "pause" : "pause_end", guard, fields);
	if (!ret)
		return 0;
	return base_fail(EXIT_NO, "cannot write the audit trail", strerror(-ret),
			 "no pause without it: check the log directory");
}

static int pause_guard(unsigned int slot, const struct bg_guard *g, uint64_t for_ns)
{
	uint64_t boot = base_now_ns(CLOCK_BOOTTIME);
	char until[40];
	int ret;

	base_rfc3339(until, sizeof(until), base_now_ns(CLOCK_REALTIME) + for_ns);
	/* ending a pause makes it safer: that goes on without a trail, but says so */
	ret = write_trail(g->name, for_ns, until);
	if (ret && for_ns)
		return ret;
	ret = loader_write_pause(slot, for_ns ? boot + for_ns : 0);
	if (ret)
		return base_fail(EXIT_NO, g->name, strerror(-ret), "is the guard loaded?");
	if (for_ns)
		printf("guard %s: everything passes until %s; it re-arms itself\n", g->name, until);
	else
		printf("guard %s: in force\n", g->name);
	return EXIT_YES;
}

static int each_guard(const struct loader_image *img, uint64_t for_ns)
{
	unsigned int slot, n = 0;
	int code = EXIT_YES, ret;

	for (slot = 0; slot < BG_MAX_GUARDS; slot++) {
		const struct bg_guard *g = &img->guard[slot];

		if (!g->generation || (opt_guard && strcmp(opt_guard, g->name) != 0))
			continue;
		n++;
		ret = pause_guard(slot, g, for_ns);
		code = code ? code : ret;
	}
	if (!n)
		return base_fail(EXIT_NO, opt_guard ? opt_guard : "pause", "no such guard",
				 "bpfguard status shows them");
	return cli_written(code);
}

static int pause_verb(int argc, char **argv)
{
	struct loader_error err = { 0 };
	struct loader_image img;
	uint64_t for_ns = 0;
	int code;

	(void)argc;
	(void)argv;
	if (!!opt_for == opt_end)
		return cli_usage(&cmd_pause, "either --for TIME or --end");
	if (opt_for && parse_for(opt_for, &for_ns))
		return cli_usage(&cmd_pause, "--for wants a time from 1s to 24h, such as 10m");
	if (geteuid() != 0)
		return base_fail(EXIT_PERMISSION, "pause", "not permitted", "run as root");
	if (loader_read_image(&img, &err))
		return cli_loader_fail(&err);
	code = each_guard(&img, for_ns);
	loader_image_free(&img);
	return code;
}

const struct cli_command cmd_pause = {
	.name = "pause",
	.args = "",
	.summary = "let everything pass for a while; the guard re-arms itself",
	.details =
		"The kernel's clock ends the pause, also when everything of bpfguard is killed; a\n"
		"reboot ends it at once. It is written to the audit trail first. The lease is\n"
		"closed behind it: after the pause the tunnel has to be proved anew.",
	.opts = opts,
	.n_opts = ARRAY_SIZE(opts),
	.run = pause_verb,
};
