// SPDX-License-Identifier: GPL-2.0-only
/* load, reload, unload. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/load.h"
#include "cli/source.h"

static const char *opt_policy, *opt_accept;
static bool opt_dry_run, opt_yes;

static const struct cli_opt load_opts[] = {
	{ 'p', "policy", "FILE", "the policy (default /etc/bpfguard/policy.yaml)", NULL,
	  &opt_policy, "file" },
	{ 0, "dry-run", NULL, "check everything, load nothing", &opt_dry_run, NULL, NULL },
	{ 0, "accept-missing", "NAME", "load although this is missing: host-cgroup, lsm", NULL,
	  &opt_accept, "host-cgroup" },
};

static const struct cli_opt unload_opts[] = {
	{ 'y', "yes", NULL, "do not ask", &opt_yes, NULL, NULL },
};

int cli_loader_fail(const struct loader_error *err)
{
	return base_fail(err->exit_code ? err->exit_code : EXIT_NO, err->what, err->why,
			 err->todo[0] ? err->todo : NULL);
}

/* --accept-missing=NAME[,NAME...]. 0 or the exit code. */
static int parse_accept(const char *list, uint32_t *ret)
{
	uint32_t bits = 0;
	size_t i, len;

	for (; list; list = list[len] ? list + len + 1 : NULL) {
		len = strcspn(list, ",");
		for (i = 0; i < loader_n_holes; i++)
			if (!strncmp(list, loader_holes[i].name, len) && !loader_holes[i].name[len])
				break;
		if (i == loader_n_holes)
			return base_fail(
				EXIT_USAGE, "--accept-missing",
				"no feature of this name can be missed",
				"see bpfguard-load(8) for those that can: host-cgroup, lsm");
		bits |= loader_holes[i].bit;
	}
	*ret = bits;
	return 0;
}

static void say_accepted(uint32_t accept)
{
	size_t i;

	for (i = 0; i < loader_n_holes; i++)
		if (accept & loader_holes[i].bit)
			base_warn("%s, if missing, is accepted: %s", loader_holes[i].name,
				  loader_holes[i].open);
}

/* What is legal but must not go unsaid. */
static void say_warnings(const struct policy *p)
{
	size_t i;

	for (i = 0; i < p->n_guards; i++)
		if (p->guards[i].mode == POLICY_AUDIT)
			base_warn("guard %s: mode audit: packets are reported, not refused",
				  p->guards[i].name);
}

/* What was just loaded, and is closed for want of a proof. */
static void say_closed(void)
{
	struct loader_image img;
	unsigned int slot;

	if (loader_read_image(&img, NULL))
		return;
	for (slot = 0; slot < BG_MAX_GUARDS; slot++) {
		const struct bg_guard *g = &img.guard[slot];
		struct bg_lease l = { 0 };

		if (!g->generation || g->flags & BG_G_LEASE_OFF)
			continue;
		if (loader_read_lease(slot, &l) || l.vpn_state != BG_VPN_UP ||
		    base_now_ns(CLOCK_BOOTTIME) >= l.until_ns)
			base_warn("guard %s: nothing passes the gateway until `bpfguard monitor` "
				  "proves the tunnel alive (start it, or set kill_switch: {lease: "
				  "off})",
				  g->name);
	}
	loader_image_free(&img);
}

static void say_done(const struct cli_source *src, const char *done, uint64_t start_ns)
{
	const struct policy *p = src->policy;
	size_t i;

	printf("%s: ", src->name);
	for (i = 0; i < p->n_guards; i++)
		printf("%s%s (%s)", i ? ", " : "", p->guards[i].name, p->guards[i].cgroup);
	printf(": %s (%llu ms)\n", done,
	       (unsigned long long)((base_now_ns(CLOCK_MONOTONIC) - start_ns) / 1000000));
}

static int run_load(bool reload)
{
	static const char *const done[] = {
		[LOADER_LOADED] = "enforced",
		[LOADER_UNCHANGED] = "enforced already, nothing to change",
		[LOADER_RELOADED] = "enforced, new policy",
	};
	uint64_t start = base_now_ns(CLOCK_MONOTONIC);
	enum loader_result result = LOADER_UNCHANGED;
	_cli_source_ struct cli_source src = { 0 };
	struct loader_error err = { 0 };
	uint32_t accept = 0;
	int ret = parse_accept(opt_accept, &accept);

	if (!ret)
		ret = cli_source_read(opt_policy, &src);
	if (src.errs.n)
		policy_errors_print(&src.errs, src.name, stderr);
	if (ret)
		return ret;
	if (opt_dry_run)
		ret = loader_dry_run(src.policy, src.name, accept, &err);
	else
		ret = loader_load(src.policy, src.name, reload, accept, &result, &err);
	if (ret)
		return cli_loader_fail(&err);
	if (result == LOADER_DIFFERS)
		return base_fail(EXIT_NO, src.name, "another policy is loaded",
				 "bpfguard reload puts this one in its place without a gap");
	say_accepted(accept);
	say_warnings(src.policy);
	if (!opt_dry_run)
		say_closed();
	say_done(&src, opt_dry_run ? "can be loaded; nothing was" : done[result], start);
	return EXIT_YES;
}

static int load(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return run_load(false);
}

static int reload(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return run_load(true);
}

static int unload(int argc, char **argv)
{
	struct loader_error err = { 0 };
	char answer[16];

	(void)argc;
	(void)argv;
	if (!opt_yes) {
		if (!isatty(STDIN_FILENO))
			return base_fail(EXIT_USAGE, "unload", "this ends all protection",
					 "say --yes, or answer on a terminal");
		fputs("This ends all protection: containers may then show your address. Type yes: ",
		      stderr);
		if (!fgets(answer, sizeof(answer), stdin) || strcmp(answer, "yes\n"))
			return base_fail(EXIT_NO, "unload", "not confirmed", "nothing was changed");
	}
	if (loader_unload(&err))
		return cli_loader_fail(&err);
	puts("not enforced: all guards were taken off");
	return EXIT_YES;
}

const struct cli_command cmd_load = {
	.name = "load",
	.summary = "put the policy into force; exit 0 only if it is",
	.details =
		"One-shot, for boot: makes the guards' cgroups, loads and attaches the kernel\n"
		"programs, pins them, reads everything back and compares. Nothing keeps running:\n"
		"the kernel alone enforces. The same policy again changes nothing; another one\n"
		"is refused: use bpfguard reload.",
	.opts = load_opts,
	.n_opts = ARRAY_SIZE(load_opts),
	.run = load,
};

const struct cli_command cmd_reload = {
	.name = "reload",
	.summary = "put another policy into force, without a gap",
	.details = "The new policy becomes law for all guards in one step. If anything fails the\n"
		   "old one stays and the exit code is not 0.",
	.opts = load_opts,
	.n_opts = ARRAY_SIZE(load_opts),
	.run = reload,
};

const struct cli_command cmd_unload = {
	.name = "unload",
	.summary = "end all protection",
	.opts = unload_opts,
	.n_opts = ARRAY_SIZE(unload_opts),
	.run = unload,
};
