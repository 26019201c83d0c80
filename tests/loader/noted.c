/* SPDX-License-Identifier: GPL-2.0-only */
/* <run>/policy.yaml, the text of the policy in force: see loader/inforce.c. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/base.h"
#include "tests/loader/instance.h"

#define TIMEOUT_S 120

static void must(int exit_code, const char *verb, const char *policy)
{
	int got = policy ? RUN(bpfguard_path(), verb, "-p", policy) : RUN(bpfguard_path(), verb);

	check(got == exit_code, "%s %s: exit %d instead of %d: %s%s", verb, policy ? policy : "",
	      got, exit_code, run_stdout(), run_stderr());
}

/* A guard with a lease, of which only what the monitor follows differs. */
static const char *watched_file(const char *more)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "version: 1\nguards:\n  - name: w\n    cgroup: %s\n"
		 "    gateway: {address: 10.0.9.1, netns: /run/netns/none}\n"
		 "    local: [10.0.9.0/24]\n    %s\n",
		 instance_cgroup("w"), more);
	return instance_file("watched", text);
}

static const char *note(const char *end)
{
	static char path[300];

	snprintf(path, sizeof(path), "%s/policy.yaml%s", base_run_dir(), end);
	return path;
}

/* The policy that the monitor would follow; NULL: none that fits the kernel. */
static struct policy *in_force(int want)
{
	struct loader_error err = { 0 };
	struct policy *p = NULL;
	int got = loader_read_policy(&p, &err);

	check(got == want, "loader_read_policy: %d instead of %d: %s: %s", got, want, err.what,
	      err.why);
	return p;
}

static void must_be_noted(const char *policy, uint64_t every_ms)
{
	_free_ char *text = NULL;
	struct policy *p;
	struct stat st;
	size_t len;

	check(!stat(note(""), &st) && S_ISREG(st.st_mode) && (st.st_mode & 07777) == 0600,
	      "%s: mode %o", note(""), st.st_mode);
	check(access(note(".new"), F_OK), "%s is left", note(".new"));
	check(!base_read_file(note(""), 1 << 20, &text, &len), "%s: %m", note(""));
	check(!RUN(bpfguard_path(), "policy", "show", policy) && !strcmp(run_stdout(), text),
	      "%s is not the canonical form", note(""));
	p = in_force(0);
	check(p->guards[0].probe.every_ms == every_ms, "not the policy that was loaded");
	policy_free(p);
}

/* The text of the policy in force: there when loaded, never believed when it does not fit. */
static int noted(int argc, char **argv)
{
	static const char one[] = "kill_switch: {probe: {every: 1s}}";
	static const char two[] = "kill_switch: {probe: {every: 2s}}";
	_free_ char *old = NULL;
	size_t len;
	int fd;

	(void)argc;
	(void)argv;
	in_force(-ENOENT);
	must(EXIT_YES, "load", watched_file(one));
	check(strstr(run_stderr(), "nothing passes the gateway until `bpfguard monitor`"),
	      "a closed lease is not spoken of: %s", run_stderr());
	must_be_noted(watched_file(one), 1000);
	check(!base_read_file(note(""), 1 << 20, &old, &len), "read");
	/* another probe is another policy */
	must(EXIT_NO, "load", watched_file(two));
	must_be_noted(watched_file(one), 1000);
	must(EXIT_YES, "reload", watched_file(two));
	check(strstr(run_stdout(), "new policy"), "reload saw no change: %s", run_stdout());
	must_be_noted(watched_file(two), 2000);

	/* the old text in its place, none at all; the same load mends both */
	fd = open(note(""), O_WRONLY | O_TRUNC);
	check(fd >= 0 && !base_write_all(fd, old, len) && !close(fd), "write: %m");
	in_force(-ESTALE);
	must(EXIT_YES, "load", watched_file(two));
	must_be_noted(watched_file(two), 2000);
	check(!unlink(note("")), "unlink: %m");
	in_force(-ESTALE);
	must(EXIT_YES, "load", watched_file(two));
	must_be_noted(watched_file(two), 2000);

	/* no room for the text: nothing is changed */
	check(!mkdir(note(".new"), 0700), "mkdir: %m");
	must(EXIT_NO, "reload", watched_file(one));
	check(strstr(run_stderr(), "nothing was changed"), "%s", run_stderr());
	check(!rmdir(note(".new")), "rmdir: %m");
	must_be_noted(watched_file(two), 2000);

	/* in force but not noted: loud, and nobody follows the old text */
	check(!unlink(note("")) && !mkdir(note(""), 0700), "mkdir: %m");
	must(EXIT_NO, "reload", watched_file(one));
	check(strstr(run_stderr(), "will renew no lease"), "%s", run_stderr());
	check(!rmdir(note("")), "rmdir: %m");
	must(EXIT_YES, "load", watched_file(one));
	must_be_noted(watched_file(one), 1000);

	check(!RUN(bpfguard_path(), "unload", "--yes"), "unload: %s", run_stderr());
	check(access(note(""), F_OK), "unload leaves %s", note(""));
	check(!mkdir(note(".new"), 0700), "mkdir: %m");
	must(EXIT_NO, "load", watched_file(one));
	check(access(base_pins_dir(), F_OK), "a load that failed leaves pins");
	check(!rmdir(note(".new")), "rmdir: %m");
	in_force(-ENOENT);
	return 0;
}

int main(int argc, char **argv)
{
	return instance_run("noted", noted, argc, argv, TIMEOUT_S);
}
