// SPDX-License-Identifier: GPL-2.0-only
/*
 * load, reload and unload killed (SIGKILL) behind each system call that can change anything. What
 * is in force then must be exactly the old policy, exactly the new one, or a refusal of everything,
 * seen by processes inside the guards; and the next run must put everything right.
 *
 *   interrupt load|reload|unload
 *
 * Steps behind every call that can leave something behind (bpf(2) commands that change a map, a
 * link or a pin, and what changes the file system or the lock) and behind a sample of those that
 * cannot: what they made dies with the process. INTERRUPT_ALL=1: behind every one. A kill at a
 * call's entry is the same as one behind the call before it, so only exits are stepped.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "base/base.h"
#include "tests/loader/instance.h"
#include "tests/loader/probe.h"

#define TIMEOUT_S     900
#define TIMEOUT_ALL_S 7200 /* behind every call: some 7,200 kills in all */
#define SAMPLE	      97   /* one in so many of the calls that change nothing */
#define SAMPLE_BPF    8	   /* the same of bpf(2) */

/* What each guard's processes try. */
static const char *const target[] = {
	"10.0.1.9",    /* on-link, listed by policy 1 only */
	"10.0.2.9",    /* by policy 2 only */
	"10.0.3.9",    /* by both */
	"10.0.4.9",    /* by neither */
	"192.0.2.1",   /* through policy 1's gateway */
	"192.0.2.65",  /* through policy 2's */
	"192.0.2.129", /* through nobody's */
	"10.0.9.77",   /* on-link with the gateways */
};
enum { NOTHING = 0, POLICY1 = 0x95, POLICY2 = 0xa6, OPEN = 0xff };

static bool step_all;
static char last_call[64]; /* behind which the kill came */

/* A guard that lists more than fits inline, so that prefixes of two generations live together. */
static void print_guard(FILE *f, const char *name, int policy)
{
	int i;

	fprintf(f,
		"  - name: %s\n    cgroup: %s\n    gateway: {address: 10.0.9.%d, netns: /n}\n    "
		"local:\n",
		name, instance_cgroup(name), policy);
	fprintf(f, "      - 10.0.9.0/24\n      - 10.0.%d.0/24\n      - 10.0.3.0/24\n", policy);
	for (i = 0; i < 6; i++)
		fprintf(f, "      - 10.%d.%d.0/24\n", 40 + policy, i);
	fputs("    kill_switch: {lease: off}\n", f);
}

/* Guards of a policy: "ab" says guards a and b. */
static const char *write_policy(const char *guards, int policy)
{
	static char path[3][64];
	_free_ char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	check(f, "out of memory");
	fputs("version: 1\nguards:\n", f);
	for (; *guards; guards++)
		print_guard(f, (char[2]){ *guards, 0 }, policy);
	fclose(f);
	snprintf(path[policy], sizeof(path[0]), "%s/policy%d", instance_dir(), policy);
	instance_file(strrchr(path[policy], '/') + 1, text);
	return path[policy];
}

/* ---- one run under the knife ---- */

static bool is_worth_a_kill(const struct __ptrace_syscall_info *entry, unsigned int other[2],
			    unsigned int *row)
{
	static const long always[] = { SYS_unlink, SYS_unlinkat, SYS_mkdir, SYS_mkdirat,
				       SYS_rename, SYS_rmdir,	 SYS_flock, SYS_mount };
	static const unsigned int bpf_always[] = { BPF_MAP_UPDATE_ELEM, BPF_MAP_UPDATE_BATCH,
						   BPF_MAP_DELETE_ELEM, BPF_MAP_DELETE_BATCH,
						   BPF_MAP_FREEZE,	BPF_OBJ_PIN,
						   BPF_LINK_CREATE,	BPF_LINK_UPDATE,
						   BPF_LINK_DETACH,	BPF_PROG_ATTACH,
						   BPF_PROG_DETACH };
	long nr = entry->entry.nr;
	size_t i;

	if (step_all)
		return true;
	for (i = 0; i < ARRAY_SIZE(always); i++)
		if (nr == always[i])
			return true;
	/* a long row of updates or deletes (counters, prefixes) is one step after its first few */
	*row = nr == SYS_bpf && (entry->entry.args[0] == BPF_MAP_UPDATE_ELEM ||
				 entry->entry.args[0] == BPF_MAP_DELETE_ELEM)
		       ? *row + 1
		       : 0;
	if (*row > 3)
		return *row % SAMPLE_BPF == 0;
	for (i = 0; nr == SYS_bpf && i < ARRAY_SIZE(bpf_always); i++)
		if (entry->entry.args[0] == bpf_always[i])
			return true;
	if (nr == SYS_bpf)
		return other[0]++ % SAMPLE_BPF == 0; /* made and read things die with the process */
	if (nr == SYS_openat && (entry->entry.args[2] & O_CREAT))
		return true;
	return other[1]++ % SAMPLE == 0;
}

static void note_call(const struct __ptrace_syscall_info *entry)
{
	snprintf(last_call, sizeof(last_call), "system call %llu(%llu)",
		 (unsigned long long)entry->entry.nr, (unsigned long long)entry->entry.args[0]);
}

/*
 * Runs bpfguard and kills it behind the k-th call that is worth it. False: it ended before that,
 * with exit code 0.
 */
static bool run_and_kill(unsigned int k, const char *verb, const char *policy)
{
	struct __ptrace_syscall_info info, entry = { 0 };
	unsigned int other[2] = { 0 }, row = 0;
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		if (ptrace(PTRACE_TRACEME) || !freopen("/dev/null", "w", stdout))
			_exit(126);
		execl(bpfguard_path(), "bpfguard", verb, policy ? "-p" : "--yes", policy, NULL);
		_exit(127);
	}
	check(pid > 0 && waitpid(pid, &status, 0) == pid && WIFSTOPPED(status), "no tracee");
	check(!ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL),
	      "ptrace: %m");
	for (;;) {
		check(!ptrace(PTRACE_SYSCALL, pid, 0, 0), "ptrace: %m");
		check(waitpid(pid, &status, 0) == pid, "waitpid: %m");
		if (WIFEXITED(status)) {
			check(!WEXITSTATUS(status), "%s by itself: exit %d", verb,
			      WEXITSTATUS(status));
			return false;
		}
		check(WIFSTOPPED(status) && WSTOPSIG(status) == (SIGTRAP | 0x80),
		      "%s stopped with status %#x", verb, status);
		check(ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) > 0, "ptrace: %m");
		if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
			entry = info;
			continue;
		}
		if (info.op != PTRACE_SYSCALL_INFO_EXIT || !is_worth_a_kill(&entry, other, &row) ||
		    k--)
			continue;
		note_call(&entry);
		check(!kill(pid, SIGKILL) && waitpid(pid, &status, 0) == pid, "kill: %m");
		check(WIFSIGNALED(status), "%s survived", verb);
		return true;
	}
}

/* ---- what must hold ---- */

static void must(int exit_code, const char *verb, const char *policy)
{
	int got = policy		    ? RUN(bpfguard_path(), verb, "-p", policy)
		  : !strcmp(verb, "unload") ? RUN(bpfguard_path(), verb, "--yes")
					    : RUN(bpfguard_path(), verb);

	check(got == exit_code, "after a kill behind %s: %s: exit %d instead of %d: %s%s",
	      last_call, verb, got, exit_code, run_stdout(), run_stderr());
}

static uint32_t ask(struct probe *p)
{
	return probe_ask(p, target, ARRAY_SIZE(target));
}

static void expect(struct probe *p, uint32_t want, const char *who)
{
	uint32_t got = ask(p);

	check(got == want, "%s: let out %#x instead of %#x (last kill behind %s)", who, got, want,
	      last_call);
}

/* The kernel detaches a link some moments after its pin was removed. */
static void expect_soon(struct probe *p, uint32_t want, const char *who)
{
	uint64_t until = base_now_ns(CLOCK_MONOTONIC) + 5000000000ull;

	while (ask(p) != want && base_now_ns(CLOCK_MONOTONIC) < until)
		sched_yield();
	expect(p, want, who);
}

/* As ask(), but where a link is on its way out: then everything must soon be open. */
static uint32_t ask_leaving(struct probe *p, uint32_t law, const char *who)
{
	uint32_t got = ask(p);

	if (got == OPEN || got == NOTHING || got == law)
		return got;
	expect_soon(p, OPEN, who);
	return OPEN;
}

static int sweep_load(void)
{
	const char *policy = write_policy("a", 1);
	unsigned int k, seen[3] = { 0 };
	struct probe a;

	instance_make_cgroup("a");
	a = probe_start("a");
	expect(&a, OPEN, "nothing loaded");
	for (k = 0; run_and_kill(k, "load", policy); k++) {
		uint32_t got = ask(&a);

		check(got == OPEN || got == NOTHING || got == POLICY1,
		      "load killed behind %s: a mix is in force: %#x", last_call, got);
		seen[got == OPEN ? 0 : got == NOTHING ? 1 : 2]++;
		must(EXIT_YES, "load", policy);
		must(EXIT_YES, "status", NULL);
		expect(&a, POLICY1, "after the second load");
		must(EXIT_YES, "unload", NULL);
		expect_soon(&a, OPEN, "after unload");
	}
	expect(&a, POLICY1, "after a whole load");
	must(EXIT_YES, "status", NULL);
	check(seen[0] && seen[1] && seen[2], "a state was never met: %u open, %u closed, %u new",
	      seen[0], seen[1], seen[2]);
	printf("load: %u kills: %u before anything, %u refused all, %u with the policy in force\n",
	       k, seen[0], seen[1], seen[2]);
	probe_stop(&a);
	return 0;
}

/* From policy 1 (guards a, b) to policy 2 (guards a, c) and back: one added, removed, changed. */
static void judge(struct probe p[3], int to, unsigned int seen[3])
{
	uint32_t old = to == 2 ? POLICY1 : POLICY2, new = to == 2 ? POLICY2 : POLICY1;
	uint32_t kept = ask(&p[0]), left = ask_leaving(&p[to == 2 ? 1 : 2], old, "removed guard"),
		 came = ask(&p[to == 2 ? 2 : 1]);

	if (kept == old)
		check(left == old && (came == OPEN || came == NOTHING),
		      "reload killed behind %s: a has the old policy, the removed guard %#x, "
		      "the new one %#x",
		      last_call, left, came);
	else
		check(kept == new && (left == OPEN || left == NOTHING) && came == new,
		      "reload killed behind %s: a mix: %#x, removed %#x, added %#x", last_call,
		      kept, left, came);
	seen[kept == old && came == OPEN ? 0 : kept == old ? 1 : 2]++;
}

static int sweep_reload(void)
{
	const char *policy[3] = { NULL, write_policy("ab", 1), write_policy("ac", 2) };
	/* both directions make the same calls: in a sample, each takes every other one */
	unsigned int k[3] = { 0, step_all ? 0 : 1, 0 }, stride = step_all ? 1 : 2, seen[3] = { 0 };
	bool more[3] = { false, true, true };
	struct probe p[3];
	int i, to = 2;

	for (i = 0; i < 3; i++) {
		char name[2] = { "abc"[i], 0 };

		instance_make_cgroup(name);
		p[i] = probe_start(name);
	}
	must(EXIT_YES, "load", policy[1]);
	/* each direction takes its next step in turn, so that every run ends where the next begins
	 */
	for (; more[1] || more[2]; to = 3 - to) {
		uint32_t law = to == 2 ? POLICY2 : POLICY1;

		if (more[to])
			more[to] = run_and_kill(k[to], "reload", policy[to]);
		k[to] += stride;
		if (more[to])
			judge(p, to, seen);
		must(EXIT_YES, "reload", policy[to]);
		must(EXIT_YES, "status", NULL);
		expect(&p[0], law, "guard a");
		expect_soon(&p[1], to == 1 ? law : OPEN, "guard b");
		expect_soon(&p[2], to == 2 ? law : OPEN, "guard c");
	}
	check(seen[0] && seen[1] && seen[2], "a state was never met: %u, %u, %u", seen[0], seen[1],
	      seen[2]);
	printf("reload: %u kills: %u with the old policy, %u of them with the new guard closed, "
	       "%u with the new policy\n",
	       seen[0] + seen[1] + seen[2], seen[0] + seen[1], seen[1], seen[2]);
	for (i = 0; i < 3; i++)
		probe_stop(&p[i]);
	return 0;
}

static int sweep_unload(void)
{
	const char *policy = write_policy("a", 1);
	unsigned int k, seen[3] = { 0 };
	struct probe a;

	instance_make_cgroup("a");
	a = probe_start("a");
	for (k = 0;; k++) {
		uint32_t got;

		must(EXIT_YES, "load", policy);
		must(EXIT_YES, "status", NULL);
		expect(&a, POLICY1, "after load");
		if (!run_and_kill(k, "unload", NULL))
			break;
		got = ask_leaving(&a, POLICY1, "unload killed: a mix is in force");
		seen[got == OPEN ? 0 : got == NOTHING ? 1 : 2]++;
	}
	expect_soon(&a, OPEN, "after a whole unload");
	check(seen[0] && seen[2], "a state was never met");
	printf("unload: %u kills: %u open, %u refused all, %u with the policy in force\n", k,
	       seen[0], seen[1], seen[2]);
	probe_stop(&a);
	return 0;
}

static int sweep(int argc, char **argv)
{
	(void)argc;
	return !strcmp(argv[1], "load")	    ? sweep_load()
	       : !strcmp(argv[1], "reload") ? sweep_reload()
					    : sweep_unload();
}

int main(int argc, char **argv)
{
	if (argc != 2 ||
	    (strcmp(argv[1], "load") && strcmp(argv[1], "reload") && strcmp(argv[1], "unload"))) {
		fprintf(stderr, "usage: interrupt load|reload|unload\n");
		return EXIT_USAGE;
	}
	step_all = getenv("INTERRUPT_ALL") != NULL;
	return instance_run("interrupt", sweep, argc, argv, step_all ? TIMEOUT_ALL_S : TIMEOUT_S);
}
