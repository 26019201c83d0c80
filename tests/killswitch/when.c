/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * when exit PID | when frozen CGROUP: says `ready`, waits, and says at what time (CLOCK_REALTIME,
 * seconds) the process ended or the cgroup's last process stood still: the moment of an event that
 * a Docker command brings about somewhere in its course.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int frozen(int fd)
{
	char text[256];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	if (n < 0)
		return -1;
	text[n] = '\0';
	return strstr(text, "frozen 1") ? 1 : 0;
}

static int wait_frozen(const char *cgroup)
{
	char path[512];
	struct pollfd p = { .events = POLLPRI };
	int now;

	snprintf(path, sizeof(path), "%s/cgroup.events", cgroup);
	p.fd = open(path, O_RDONLY | O_CLOEXEC);
	now = p.fd < 0 ? -1 : frozen(p.fd);
	puts("ready");
	fflush(stdout);
	while (!now) {
		if (poll(&p, 1, -1) < 0)
			return -1;
		now = frozen(p.fd);
	}
	return now;
}

static int wait_exit(pid_t pid)
{
	struct pollfd p = { .fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };

	if (p.fd < 0)
		return -1;
	puts("ready");
	fflush(stdout);
	return poll(&p, 1, -1);
}

int main(int argc, char **argv)
{
	struct timespec t;
	int rc;

	if (argc != 3)
		return 64;
	rc = strcmp(argv[1], "exit") ? wait_frozen(argv[2]) : wait_exit(atoi(argv[2]));
	clock_gettime(CLOCK_REALTIME, &t);
	if (rc < 0) {
		perror("when");
		return 1;
	}
	printf("%lld.%09ld\n", (long long)t.tv_sec, t.tv_nsec);
	return 0;
}
