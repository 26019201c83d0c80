/* SPDX-License-Identifier: GPL-2.0-only */
/* Network namespaces of a test's own, each held by a child that does nothing else. */
#ifndef BPFGUARD_TESTS_NETNS_CHILD_H
#define BPFGUARD_TESTS_NETNS_CHILD_H

#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs a command where this process is; the test ends if it fails. */
__attribute__((format(printf, 1, 2))) static inline void sh(const char *fmt, ...)
{
	char command[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	if (system(command))
		fail_msg("%s", command);
}

/* A child in a new network namespace, there when this returns. */
static inline pid_t netns_child(void)
{
	int ready[2];
	char ok = 0;
	pid_t pid;

	if (pipe(ready))
		return -1;
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ready[0]);
		ok = unshare(CLONE_NEWNET) == 0;
		if (write(ready[1], &ok, 1) == 1 && ok)
			pause();
		_exit(1);
	}
	close(ready[1]);
	if (read(ready[0], &ok, 1) != 1 || !ok)
		pid = -1;
	close(ready[0]);
	return pid;
}

/* Says so on stderr if not. */
static inline int have_root(void)
{
	if (geteuid() == 0)
		return 1;
	fputs("needs root for namespaces of its own\n", stderr);
	return 0;
}

static inline void netns_child_end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

#endif /* BPFGUARD_TESTS_NETNS_CHILD_H */
