// SPDX-License-Identifier: GPL-2.0-only
/*
 * A fresh app: a new namespace with new devices, so that nothing of the last attack is left. How is
 * written in topology.sh's files: WORK/host.batch makes the wires (@PID@: who holds the namespace,
 * @NEW@: a number in the names of the host's ends), WORK/app.batch the addresses.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner.h"

static char *slurp(const char *dir, const char *name)
{
	static char buf[32768];
	char path[400];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	buf[n < 0 ? 0 : n] = 0;
	return buf;
}

/* `ip -batch` with this text, in a namespace (fd < 0: the current one). Its exit code. */
int in_namespace(int fd, const char *text)
{
	int status, p[2];
	pid_t pid;

	if (pipe2(p, O_CLOEXEC))
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		dup2(p[0], 0);
		if (fd >= 0 && setns(fd, CLONE_NEWNET))
			die("setns");
		execlp("ip", "ip", "-force", "-batch", "-", NULL);
		_exit(127);
	}
	close(p[0]);
	if (write(p[1], text, strlen(text)) != (ssize_t)strlen(text))
		die("ip -batch");
	close(p[1]);
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static void replace(const char *text, char *ret, size_t size, const int *value)
{
	static const char *const name[] = { "@PID@", "@NEW@" };
	size_t n = 0, i;

	while (*text && n + 16 < size) {
		for (i = 0; i < 2; i++)
			if (!strncmp(text, name[i], strlen(name[i])))
				break;
		if (i < 2) {
			n += (size_t)sprintf(ret + n, "%d", value[i]);
			text += strlen(name[i]);
		} else {
			ret[n++] = *text++;
		}
	}
	ret[n] = 0;
}

/* WORK/app.sysctl: PATH=VALUE, below /proc/sys/net. In the namespace of the caller. */
static void settings(const char *work)
{
	char path[400], *line, *save = NULL;

	for (line = strtok_r(slurp(work, "app.sysctl"), "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		char *eq = strchr(line, '=');
		int fd;

		if (!eq)
			continue;
		*eq = 0;
		snprintf(path, sizeof(path), "/proc/sys/net/%s", line);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd < 0)
			continue; /* not on this kernel */
		if (write(fd, eq + 1, strlen(eq + 1)) < 0)
			fprintf(stderr, "attack: %s: %s\n", path, strerror(errno));
		close(fd);
	}
}

/* The container's first process: it holds the namespace, and the monitor finds it by it. */
static pid_t holder(const struct attack_world *w)
{
	int p[2];
	pid_t pid;
	char c;

	if (pipe2(p, O_CLOEXEC))
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		prctl(PR_SET_NAME, "attack-init", 0, 0, 0);
		if (attack_move(getpid(), w->cgroup))
			die(w->cgroup);
		if (unshare(CLONE_NEWNET))
			die("unshare");
		settings(w->work);
		if (write(p[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(p[1]);
	if (read(p[0], &c, 1) != 1)
		die("no namespace");
	close(p[0]);
	return pid;
}

/* The monitor has to have sealed the new devices: the state file names them. */
static bool sealed(const struct attack_world *w)
{
	char name[2][32];
	uint64_t until = now_ms() + 10000;
	const char *text, *at;
	int i, found;

	snprintf(name[0], sizeof(name[0]), "\"va%d\"", w->generation);
	snprintf(name[1], sizeof(name[1]), "\"vo%d\"", w->generation);
	do {
		text = slurp(w->sealed, "monitor.json");
		for (i = found = 0; text && i < 2; i++) {
			at = strstr(text, name[i]);
			found += at != NULL;
		}
		if (found == 2)
			return true;
		poll(NULL, 0, 5); /* a condition, not time */
	} while (now_ms() < until);
	return false;
}

static int socket_in(int netns)
{
	int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), fd;

	if (own < 0 || setns(netns, CLONE_NEWNET))
		die("setns");
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || setns(own, CLONE_NEWNET))
		die("socket");
	close(own);
	return fd;
}

/* A program on the port is not all: what is allowed has to pass it, or the next attack is stopped
 * for a reason that is not its own. */
static bool open_to_peer(const struct attack_world *w)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	int netns = open(w->peer, O_RDONLY | O_CLOEXEC), from, at;
	uint64_t until = now_ms() + 10000;
	bool came = false;
	char c;

	if (netns < 0)
		die(w->peer);
	inet_pton(AF_INET, "172.30.0.20", &to.sin_addr);
	from = socket_in(w->app_fd);
	at = socket_in(netns);
	if (bind(at, (struct sockaddr *)&to, sizeof(to)))
		die("bind");
	while (!came && now_ms() < until) {
		struct pollfd p = { .fd = at, .events = POLLIN };

		sendto(from, "?", 1, 0, (struct sockaddr *)&to, sizeof(to));
		came = poll(&p, 1, 10) == 1 && recv(at, &c, 1, 0) == 1;
	}
	close(from);
	close(at);
	close(netns);
	return came;
}

int app_fresh(struct attack_world *w)
{
	const int value[] = { holder(w), w->generation + 1 };
	char path[64], text[32768];
	int fd, rc;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", value[0]);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die(path);
	if (w->app_fd >= 0)
		close(w->app_fd);
	w->app_fd = fd;
	w->generation++;
	replace(slurp(w->work, "host.batch"), text, sizeof(text), value);
	in_namespace(-1, text); /* the last attack may have deleted what this deletes */
	rc = in_namespace(fd, slurp(w->work, "app.batch"));
	if (w->init > 0)
		kill(w->init, SIGKILL);
	w->init = value[0];
	if (rc)
		return -EIO;
	return w->sealed[0] && (!sealed(w) || !open_to_peer(w)) ? -ETIMEDOUT : 0;
}

int app_route(const struct attack_world *w, bool gateway)
{
	return in_namespace(w->app_fd, slurp(w->work, gateway ? "route.gateway" : "route.rogue"));
}
