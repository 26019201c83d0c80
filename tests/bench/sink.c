// SPDX-License-Identifier: GPL-2.0-only
/* The other side: as cheap as it gets. */
#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

static int listener(int type, int port)
{
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(fd, (struct sockaddr *)&here, sizeof(here)) ||
	    (type == SOCK_STREAM && listen(fd, 4096)))
		bench_die("sink");
	return fd;
}

/* Rounds of: 8 bytes say how many follow; those are dropped unread; one byte back. */
static void serve(int fd)
{
	static char drop[1 << 20];
	uint64_t left;

	while (recv(fd, &left, sizeof(left), MSG_WAITALL) == sizeof(left)) {
		while (left) {
			ssize_t n = recv(fd, drop, left < sizeof(drop) ? left : sizeof(drop),
					 MSG_TRUNC);

			if (n <= 0)
				_exit(1);
			left -= n;
		}
		if (send(fd, "", 1, MSG_NOSIGNAL) != 1)
			_exit(1);
	}
	_exit(0);
}

static void bulk(int fd)
{
	for (;;) {
		int peer = accept(fd, NULL, NULL);

		if (peer < 0)
			continue;
		if (!fork()) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			serve(peer);
		}
		close(peer);
	}
}

int bench_sink(const char *netns, int cpu)
{
	int udp, tcp, accepting, fd, least = 1;

	bench_enter("", netns);
	bench_pin_cpu(cpu);
	signal(SIGCHLD, SIG_IGN);
	udp = listener(SOCK_DGRAM, BENCH_PORT);
	/* full at once: packets go the whole way to the socket and end there */
	if (setsockopt(udp, SOL_SOCKET, SO_RCVBUF, &least, sizeof(least)))
		bench_die("SO_RCVBUF");
	tcp = listener(SOCK_STREAM, BENCH_PORT);
	accepting = listener(SOCK_STREAM, BENCH_PORT_ACCEPT);
	switch (fork()) {
	case -1: bench_die("fork");
	case 0: prctl(PR_SET_PDEATHSIG, SIGKILL); bulk(tcp);
	}
	/* never in the way of the sender, which times single calls */
	if (sched_setscheduler(0, SCHED_IDLE, &(struct sched_param){ 0 }))
		bench_die("SCHED_IDLE");
	printf("ready\n");
	fflush(stdout);
	for (;;) {
		fd = accept(accepting, NULL, NULL);
		if (fd >= 0)
			close(fd);
	}
}
