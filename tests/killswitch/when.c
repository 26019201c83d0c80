/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * when exit PID | when frozen CGROUP: says `ready`, waits, and says at what time (CLOCK_REALTIME,
 * seconds) the process ended or the cgroup's last process stood still: the moment of an event that
 * a Docker command brings about somewhere in its course.
 * when delete DEVICE: deletes it, and says at what time it began to: not when a shell was about to
 * start `ip`, which on a busy machine is long before.
 */
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
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

static int delete (const char *device, struct timespec *began)
{
	struct {
		struct nlmsghdr nlh;
		struct ifinfomsg link;
	} ask = { .nlh = { .nlmsg_len = sizeof(ask),
			   .nlmsg_type = RTM_DELLINK,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK } };
	struct {
		struct nlmsghdr nlh;
		struct nlmsgerr said;
		char more[256];
	} answer;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	ask.link.ifi_index = (int)if_nametoindex(device);
	if (fd < 0 || !ask.link.ifi_index)
		return -1;
	clock_gettime(CLOCK_REALTIME, began);
	if (send(fd, &ask, sizeof(ask), 0) < 0 || recv(fd, &answer, sizeof(answer), 0) < 0)
		return -1;
	return answer.said.error ? -1 : 0;
}

int main(int argc, char **argv)
{
	struct timespec t;
	int rc;

	if (argc != 3)
		return 64;
	if (!strcmp(argv[1], "delete")) {
		rc = delete (argv[2], &t);
	} else {
		rc = strcmp(argv[1], "exit") ? wait_frozen(argv[2]) : wait_exit(atoi(argv[2]));
		clock_gettime(CLOCK_REALTIME, &t);
	}
	if (rc < 0) {
		perror("when");
		return 1;
	}
	printf("%lld.%09ld\n", (long long)t.tv_sec, t.tv_nsec);
	return 0;
}
