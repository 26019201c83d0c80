// SPDX-License-Identifier: GPL-2.0-only
/*
 * lsmtry [-c CGROUP-DIR] [-n NETNS] WHAT [ARGUMENT...]: one thing that the LSM programs judge, by a
 * program that joins the cgroup first (or, for `moved` and `scm`, after it has made its socket).
 * Prints WHAT and the name of the error, OK if there was none.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <arpa/inet.h>

#include "lsmtry.h"

static const char *cgroup;

int lsm_said(const char *what, int err)
{
	printf("%s %s\n", what, err ? strerrorname_np(err) : "OK");
	return 0;
}

static int join_cgroup(const char *dir)
{
	char path[512];
	int fd, err;

	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	fd = open(path, O_WRONLY);
	err = fd < 0 || write(fd, "0", 1) != 1 ? errno : 0;
	if (fd >= 0)
		close(fd);
	return err;
}

static void join_now(void)
{
	if (cgroup && join_cgroup(cgroup)) {
		perror(cgroup);
		exit(1);
	}
}

static struct sockaddr_in to4(const char *addr, int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };

	inet_pton(AF_INET, addr, &a.sin_addr);
	return a;
}

/* socket FAMILY TYPE PROTOCOL */
static int try_socket(char **arg)
{
	join_now();
	errno = 0;
	return lsm_said("socket", socket(atoi(arg[0]), atoi(arg[1]), atoi(arg[2])) < 0 ? errno : 0);
}

/* A TCP connection to a listener of our own, whose end is returned. */
static int connected(int *ret_peer)
{
	struct sockaddr_in a = to4("127.0.0.1", 0);
	socklen_t len = sizeof(a);
	int l = socket(AF_INET, SOCK_STREAM, 0), c = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(l, (struct sockaddr *)&a, len) || listen(l, 1) ||
	    getsockname(l, (struct sockaddr *)&a, &len) || connect(c, (struct sockaddr *)&a, len))
		return -1;
	*ret_peer = accept(l, NULL, NULL);
	return c;
}

static ssize_t by_splice(int fd)
{
	int p[2];

	if (pipe(p) || write(p[1], "x", 1) != 1)
		return -1;
	errno = 0;
	return splice(p[0], NULL, fd, NULL, 1, 0);
}

/*
 * moved udp ADDR TEXT | connect | send | write | sendfile | splice | listen | packet | unix |
 * netlink: the socket is made before the cgroup is joined
 */
static int try_moved(char **arg)
{
	struct sockaddr_in any = to4("127.0.0.1", 9);
	int udp = socket(AF_INET, SOCK_DGRAM, 0), bound = socket(AF_INET, SOCK_STREAM, 0);
	int packet = socket(AF_PACKET, SOCK_RAW, 0), pair[2], peer = -1, tcp = connected(&peer);
	int netlink = socket(AF_NETLINK, SOCK_RAW, 0), file = open("/etc/passwd", O_RDONLY);
	struct sockaddr_in here = to4("127.0.0.1", 0);
	ssize_t n = -1;

	if (tcp < 0 || packet < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) ||
	    bind(bound, (struct sockaddr *)&here, sizeof(here)))
		return lsm_said("moved: before", errno);
	join_now();
	errno = 0;
	if (!strcmp(arg[0], "udp")) {
		any = to4(arg[1], 9);
		n = sendto(udp, arg[2], strlen(arg[2]), 0, (struct sockaddr *)&any, sizeof(any));
	} else if (!strcmp(arg[0], "connect")) {
		n = connect(udp, (struct sockaddr *)&any, sizeof(any));
	} else if (!strcmp(arg[0], "send")) {
		n = send(tcp, "x", 1, 0);
	} else if (!strcmp(arg[0], "write")) {
		n = write(tcp, "x", 1);
	} else if (!strcmp(arg[0], "sendfile")) {
		n = sendfile(tcp, file, NULL, 1);
	} else if (!strcmp(arg[0], "splice")) {
		n = by_splice(tcp);
	} else if (!strcmp(arg[0], "listen")) {
		n = listen(bound, 1);
	} else if (!strcmp(arg[0], "packet")) {
		/* no device: whoever lets it through says ENXIO or EINVAL */
		n = send(packet, "x", 1, 0);
		if (n < 0 && (errno == ENXIO || errno == EINVAL || errno == ENOTCONN))
			n = 0;
	} else if (!strcmp(arg[0], "unix")) {
		n = send(pair[0], "x", 1, 0);
	} else if (!strcmp(arg[0], "netlink")) {
		struct sockaddr none = { .sa_family = AF_NETLINK };

		n = connect(netlink, &none, 12);
	}
	return lsm_said(arg[0], n < 0 ? errno : 0);
}

/* What came with a message: OK, or EACCES where the kernel left the descriptor out. */
static int receive(int from)
{
	char byte, space[CMSG_SPACE(sizeof(int))];
	struct iovec io = { &byte, 1 };
	struct msghdr m = { .msg_iov = &io,
			    .msg_iovlen = 1,
			    .msg_control = space,
			    .msg_controllen = sizeof(space) };

	if (recvmsg(from, &m, 0) != 1)
		return errno;
	return CMSG_FIRSTHDR(&m) ? 0 : EACCES;
}

static int pass(int to, int fd)
{
	char byte = 0, space[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec io = { &byte, 1 };
	struct msghdr m = { .msg_iov = &io,
			    .msg_iovlen = 1,
			    .msg_control = space,
			    .msg_controllen = sizeof(space) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return sendmsg(to, &m, 0) == 1 ? 0 : errno;
}

/* What an outsider hands in. */
static int make(const char *kind)
{
	int pair[2];

	if (!strcmp(kind, "udp"))
		return socket(AF_INET, SOCK_DGRAM, 0);
	if (!strcmp(kind, "packet"))
		return socket(AF_PACKET, SOCK_RAW, 0);
	if (!strcmp(kind, "procs"))
		return open("/sys/fs/cgroup/cgroup.procs", O_WRONLY);
	return socketpair(AF_UNIX, SOCK_STREAM, 0, pair) ? -1 : pair[0];
}

/* scm udp|packet|unix|procs, pidfd the same: the parent is outside, the child is inside */
static int try_handed(const char *what, char **arg)
{
	int fd = make(arg[0]), pair[2], err, pidfd;
	pid_t pid;

	if (fd < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		return lsm_said("handed: before", errno);
	pid = fork();
	if (!pid) {
		join_now();
		if (!strcmp(what, "scm")) {
			err = receive(pair[1]);
		} else {
			pidfd = syscall(SYS_pidfd_open, getppid(), 0);
			err = syscall(SYS_pidfd_getfd, pidfd, fd, 0) < 0 ? errno : 0;
		}
		lsm_said(what, err);
		exit(0);
	}
	if (!strcmp(what, "scm"))
		pass(pair[0], fd);
	waitpid(pid, NULL, 0);
	return 0;
}

/* leave DIR: by its cgroup.procs; into DIR: a child that is born there */
static int try_leave(char **arg)
{
	join_now();
	return lsm_said("leave", join_cgroup(arg[0]));
}

static int try_into(char **arg)
{
	struct clone_args a = { .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD };
	long pid;

	a.cgroup = open(arg[0], O_RDONLY | O_DIRECTORY);
	join_now();
	errno = 0;
	pid = syscall(SYS_clone3, &a, sizeof(a));
	if (!pid)
		_exit(0);
	return lsm_said("into", pid < 0 ? errno : 0);
}

/* The listener is inside, so what it accepts is its own. */
static int try_accepted(char **arg)
{
	int peer = -1, c;

	(void)arg;
	join_now();
	c = connected(&peer);
	return lsm_said("accepted", c < 0 || peer < 0 || send(peer, "x", 1, 0) != 1 ? errno : 0);
}

int main(int argc, char **argv)
{
	int c, fd;

	while ((c = getopt(argc, argv, "+c:n:")) != -1) {
		if (c == 'c')
			cgroup = optarg;
		else if (c != 'n' || (fd = open(optarg, O_RDONLY)) < 0 || setns(fd, CLONE_NEWNET))
			return 64;
	}
	argv += optind;
	if (argc <= optind)
		return 64;
	if (!strcmp(argv[0], "socket"))
		return try_socket(argv + 1);
	if (!strcmp(argv[0], "moved"))
		return try_moved(argv + 1);
	if (!strcmp(argv[0], "scm") || !strcmp(argv[0], "pidfd"))
		return try_handed(argv[0], argv + 1);
	if (!strcmp(argv[0], "leave"))
		return try_leave(argv + 1);
	if (!strcmp(argv[0], "into"))
		return try_into(argv + 1);
	if (!strcmp(argv[0], "accepted"))
		return try_accepted(argv + 1);
	if (!strcmp(argv[0], "uring")) {
		join_now();
		return lsm_try_uring(argv + 1);
	}
	return lsm_try_bpf(argv);
}
