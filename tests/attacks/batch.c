// SPDX-License-Identifier: GPL-2.0-only
/*
 * attack batch KEY=VALUE... < PLAN        PLAN: lines of NUMBER NAME CAPABILITY-SET
 *
 * Runs in the host's namespace of topology.sh, outside of the guard. A line for each attempt:
 * NUMBER NAME CAPS RESULT PID SLOT TARGET4 TARGET6 BEGAN ENDED COUNTED TEXT, tab-separated; RESULT:
 * tried, skip, timeout, crash; COUNTED: the guard's reasons whose counters moved, of attempts that
 * ran alone. Attempts that spoil nothing for each other run side by side (jobs=N).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runner.h"

#define MAX_JOBS 16

static struct attack_world world = { .app_fd = -1, .host_mnt = -1 };
static struct attempt slots[MAX_JOBS];
static int jobs = 4, running;
static bool by_gateway, spoiled = true;

/* What a container sees of the file systems: not the guard's pins. */
static int container_mounts(void)
{
	char path[64], c;
	int p[2], fd;
	pid_t pid;

	if (pipe2(p, O_CLOEXEC))
		die("pipe");
	pid = fork();
	if (!pid) {
		if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		    mount("none", "/sys/fs/bpf", "tmpfs", 0, NULL))
			die("the container's mounts");
		if (write(p[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(p[1]);
	if (pid < 0 || read(p[0], &c, 1) != 1)
		die("no mount namespace");
	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(p[0]);
	return fd;
}

static void stamp(const struct timespec *ts, char *ret, size_t size)
{
	struct tm tm;
	size_t n;

	gmtime_r(&ts->tv_sec, &tm);
	n = strftime(ret, size, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(ret + n, size - n, ".%09ldZ", ts->tv_nsec);
}

static void tell(const struct attempt *a, const char *result)
{
	char t4[INET_ADDRSTRLEN], t6[INET6_ADDRSTRLEN], began[40], ended[40];
	char counted[400] = "-";
	const struct attack_report *r = a->report;
	const char *text = !strcmp(result, "skip") ? r->skipped : r->said;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	stamp(&a->began, began, sizeof(began));
	stamp(&now, ended, sizeof(ended));
	inet_ntop(AF_INET, &a->env.target4, t4, sizeof(t4));
	inet_ntop(AF_INET6, &a->env.target6, t6, sizeof(t6));
	if (!a->beside)
		counters_moved(a->counted, counted, sizeof(counted));
	printf("%d\t%s\t%s\t%s\t%d\tc%d\t%s\t%s\t%s\t%s\t%s\t%s\n", a->number, a->attack->name,
	       a->caps->name, result, a->pid, (int)(a - slots), t4, t6, began, ended, counted,
	       text[0] ? text : "-");
	fflush(stdout);
}

/* Who has no right to change the namespace does not. */
static bool spoils(const struct attack *a, const struct attack_caps *c)
{
	return a->flags & ATTACK_DIRTY &&
	       (a->needs < NEEDS_NET_ADMIN || c->mask >> CAP_NET_ADMIN & 1);
}

static void over(struct attempt *a, const char *result)
{
	attempt_end(a);
	if (spoils(a->attack, a->caps))
		spoiled = true;
	tell(a, result);
	a->attack = NULL;
	running--;
}

/* Whoever has ended; those that nobody waits for are grandchildren that came to us. */
static bool reap(void)
{
	bool any = false;
	pid_t pid;
	int i;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		for (i = 0; i < jobs; i++) {
			struct attempt *a = &slots[i];

			if (!a->attack || a->pid != pid)
				continue;
			any = true;
			over(a, !a->report->returned	       ? "crash"
				: a->report->rc == ATTACK_SKIP ? "skip"
							       : "tried");
		}
	return any;
}

static bool late(void)
{
	bool any = false;
	int i;

	for (i = 0; i < jobs; i++)
		if (slots[i].attack && now_ms() - slots[i].began_ms > ATTACK_SECONDS * 1000) {
			any = true;
			kill(slots[i].pid, SIGKILL);
			over(&slots[i], "timeout");
		}
	return any;
}

/* Waits until at least one attempt is over. */
static void wait_one(void)
{
	const struct timespec soon = { .tv_nsec = 50000000 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	while (!reap() && !late())
		sigtimedwait(&set, NULL, &soon);
}

static void prepare(const struct attack *attack, bool alone)
{
	bool gateway = attack->flags & ATTACK_GATEWAY;

	if (alone || spoiled || gateway != by_gateway)
		while (running)
			wait_one();
	while (running == jobs)
		wait_one();
	if (spoiled) {
		int err = app_fresh(&world);

		if (err) {
			errno = -err;
			die("cannot make app anew");
		}
		spoiled = by_gateway = false;
	}
	if (gateway != by_gateway) {
		if (app_route(&world, gateway))
			die("cannot set the route");
		by_gateway = gateway;
	}
}

static void start(int number, const struct attack *attack, const struct attack_caps *caps)
{
	bool alone = attack->flags & ATTACK_ALONE || spoils(attack, caps);
	struct attempt *a = slots;

	prepare(attack, alone);
	while (a->attack)
		a++;
	*a = (struct attempt){
		.attack = attack, .caps = caps, .number = number, .report = a->report
	};
	snprintf(a->cgroup, sizeof(a->cgroup), "%s/c%d", world.cgroup, (int)(a - slots));
	snprintf(a->cgroup_other, sizeof(a->cgroup_other), "%s/c%d", world.cgroup_other,
		 (int)(a - slots));
	if (!running) /* else it runs beside another, and nobody asks */
		counters_read(a->counted);
	if (attempt_start(a, &world))
		die("fork");
	running++;
	for (a = slots; a < slots + jobs; a++)
		a->beside |= running > 1;
	if (alone)
		wait_one();
}

static bool option(char *arg)
{
	const struct {
		const char *name;
		char *to;
	} paths[] = { { "gateway", world.gateway }, { "rogue", world.rogue },
		      { "wan", world.wan },	    { "sibling", world.sibling },
		      { "cgroup", world.cgroup },   { "cgroup-other", world.cgroup_other },
		      { "work", world.work },	    { "peer", world.peer },
		      { "sealed", world.sealed } };
	char *eq = strchr(arg, '=');
	size_t i;

	if (!eq)
		return false;
	*eq++ = 0;
	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (!strcmp(arg, paths[i].name)) {
			snprintf(paths[i].to, 256, "%s", eq);
			return true;
		}
	if (!strcmp(arg, "jobs"))
		jobs = atoi(eq);
	else if (!strcmp(arg, "pins"))
		return counters_open(eq);
	else if (!strcmp(arg, "generation"))
		world.generation = atoi(eq);
	else
		return false;
	return jobs > 0 && jobs <= MAX_JOBS;
}

int batch(int argc, char **argv)
{
	char name[32], caps[32];
	sigset_t set;
	int i, number;

	for (i = 1; i < argc; i++)
		if (!option(argv[i]))
			return 64;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	world.host_mnt = container_mounts();
	for (i = 0; i < jobs; i++) {
		slots[i].report = mmap(NULL, sizeof(struct attack_report), PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (slots[i].report == MAP_FAILED)
			die("mmap");
	}
	while (scanf("%d %31s %31s", &number, name, caps) == 3) {
		const struct attack *a = attack_find(name);
		const struct attack_caps *c = caps_find(caps);

		if (!a || !c || number < 1 || number > ATTACK_MAX) {
			fprintf(stderr, "attack: no such attempt: %d %s %s\n", number, name, caps);
			return 64;
		}
		start(number, a, c);
	}
	while (running)
		wait_one();
	return 0;
}
