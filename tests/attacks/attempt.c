// SPDX-License-Identifier: GPL-2.0-only
/* One attempt: a process that is as the attacker would be, and its helper. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "runner.h"

static void enter(int fd, int kind, const char *what)
{
	if (fd < 0 || setns(fd, kind))
		die(what);
}

static void begin(const char *name, const char *cgroup)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	signal(SIGPIPE, SIG_DFL);
	prctl(PR_SET_NAME, name, 0, 0, 0);
	dup2(null, 0);
	dup2(null, 1);
	if (attack_move(getpid(), cgroup))
		die(cgroup);
}

static void finish(int rc)
{
	attack_report->rc = rc;
	attack_report->returned = true;
	_exit(0);
}

static pid_t start_helper(const struct attempt *a, const struct attack_world *w, int fd)
{
	static const char *const none = "";
	const char *where = none;
	struct attack_env e = a->env;
	pid_t pid = fork();

	if (pid)
		return pid;
	switch (a->attack->where) {
	case PLACE_APP: break;
	case PLACE_GATEWAY: where = w->gateway; break;
	case PLACE_ROGUE: where = w->rogue; break;
	case PLACE_WAN: where = w->wan; break;
	}
	begin("attack-helper", a->cgroup_other);
	enter(a->attack->where == PLACE_APP ? w->app_fd : open(where, O_RDONLY | O_CLOEXEC),
	      CLONE_NEWNET, "setns");
	e.helper = fd;
	a->attack->helper(&e);
	/* what it holds stays open until the attack is over */
	for (;;)
		pause();
}

static pid_t start_attack(const struct attempt *a, const struct attack_world *w, int fd)
{
	bool outside = a->attack->flags & ATTACK_OUTSIDE;
	struct attack_env e = a->env;
	pid_t pid = fork();

	if (pid)
		return pid;
	attack_report = a->report;
	begin(a->attack->name, outside ? a->cgroup_other : a->cgroup);
	enter(w->host_mnt, CLONE_NEWNS, "setns to the container's mounts");
	enter(w->app_fd, CLONE_NEWNET, "setns to app");
	if (chdir("/tmp"))
		die("/tmp");
	e.helper = fd;
	caps_take(a->caps);
	finish(a->attack->run(&e));
	_exit(1);
}

int attempt_start(struct attempt *a, const struct attack_world *w)
{
	int pair[2] = { -1, -1 };

	mkdir(a->cgroup, 0755);
	mkdir(a->cgroup_other, 0755);
	env_fill(&a->env, w, a->number);
	a->env.cgroup = a->cgroup;
	a->env.cgroup_other = a->cgroup_other;
	memset(a->report, 0, sizeof(*a->report));
	a->helper = -1;
	a->began_ms = now_ms();
	clock_gettime(CLOCK_REALTIME, &a->began);
	if (a->attack->helper) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
			die("socketpair");
		a->helper = start_helper(a, w, pair[1]);
		close(pair[1]);
	}
	a->pid = start_attack(a, w, pair[0]);
	if (pair[0] >= 0)
		close(pair[0]);
	return a->pid < 0 ? -errno : 0;
}

/* The kernel's list may change while it is read: until it is empty. */
static void empty(const char *dir)
{
	uint64_t until = now_ms() + 5000;
	char path[400];
	int pid, n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	do {
		f = fopen(path, "re");
		for (n = 0; f && fscanf(f, "%d", &pid) == 1; n++)
			kill(pid, SIGKILL);
		if (f)
			fclose(f);
		if (n)
			poll(NULL, 0, 1); /* they die meanwhile */
	} while (n && now_ms() < until);
}

void attempt_end(struct attempt *a)
{
	if (a->helper > 0)
		kill(a->helper, SIGKILL);
	empty(a->cgroup);
	empty(a->cgroup_other);
}
