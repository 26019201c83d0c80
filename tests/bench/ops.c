// SPDX-License-Identifier: GPL-2.0-only
/* What a sender does in its turn. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define PAYLOAD 18 /* the smallest frame: 14 + 20 + 8 + 18 = 60 bytes */
#define MIB	(1 << 20)

static struct sockaddr_in peer, peer_accept;
static int *fds;
static unsigned int n_fds;
static double *each; /* ns of single calls */
static uint64_t n_each;

static int set_peer(const char *dst)
{
	peer.sin_family = AF_INET;
	peer.sin_port = htons(BENCH_PORT);
	if (inet_pton(AF_INET, dst, &peer.sin_addr) != 1) {
		errno = EINVAL;
		return -1;
	}
	peer_accept = peer;
	peer_accept.sin_port = htons(BENCH_PORT_ACCEPT);
	return 0;
}

/* A socket belongs to the cgroup that its maker is in: `%u` in the path makes one in each. */
static int open_sockets(unsigned int n, const char *cgroup, bool connected)
{
	struct rlimit lim = { n + 64, n + 64 };
	char path[4096];
	unsigned int i;

	if (setrlimit(RLIMIT_NOFILE, &lim))
		return -1;
	fds = calloc(n, sizeof(*fds));
	if (!fds)
		return -1;
	for (n_fds = 0; n_fds < n; n_fds++) {
		if (strchr(cgroup, '%')) {
			int head = strchr(cgroup, '%') - cgroup;

			snprintf(path, sizeof(path), "%.*s%u", head, cgroup, n_fds);
			bench_enter(path, "");
		}
		i = n_fds;
		fds[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (fds[i] < 0)
			return -1;
		if (connected && connect(fds[i], (struct sockaddr *)&peer, sizeof(peer)))
			return -1;
	}
	return 0;
}

static int udp_start(const char *dst, unsigned int sockets, const char *cgroup)
{
	return set_peer(dst) || open_sockets(sockets, cgroup, true) ? -1 : 0;
}

static int sendto_start(const char *dst, unsigned int sockets, const char *cgroup)
{
	return set_peer(dst) || open_sockets(sockets, cgroup, false) ? -1 : 0;
}

static void turn_begin(uint64_t at[2])
{
	at[0] = bench_now(CLOCK_THREAD_CPUTIME_ID);
	at[1] = bench_now(CLOCK_MONOTONIC);
}

static void turn_end(const uint64_t at[2], uint64_t count, struct turn *ret)
{
	ret->cpu = (double)(bench_now(CLOCK_THREAD_CPUTIME_ID) - at[0]) / count;
	ret->wall = (double)(bench_now(CLOCK_MONOTONIC) - at[1]) / count;
}

static int udp_turn(uint64_t count, struct turn *ret)
{
	static const char payload[PAYLOAD];
	uint64_t at[2], i;
	unsigned int k = 0;

	turn_begin(at);
	for (i = 0; i < count; i++) {
		if (send(fds[k], payload, sizeof(payload), 0) < 0)
			return -1;
		k = k + 1 == n_fds ? 0 : k + 1;
	}
	turn_end(at, count, ret);
	return 0;
}

static int sendto_turn(uint64_t count, struct turn *ret)
{
	static const char payload[PAYLOAD];
	uint64_t at[2], i;

	turn_begin(at);
	for (i = 0; i < count; i++)
		if (sendto(fds[0], payload, sizeof(payload), 0, (struct sockaddr *)&peer,
			   sizeof(peer)) < 0)
			return -1;
	turn_end(at, count, ret);
	return 0;
}

static int tcp_start(const char *dst, unsigned int sockets, const char *cgroup)
{
	(void)sockets;
	(void)cgroup;
	if (set_peer(dst))
		return -1;
	fds = calloc(1, sizeof(*fds));
	if (!fds)
		return -1;
	fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return fds[0] < 0 ? -1 : connect(fds[0], (struct sockaddr *)&peer, sizeof(peer));
}

/* A turn ends when the other side has everything. */
static int tcp_turn(uint64_t count, struct turn *ret)
{
	static char block[256 * 1024];
	uint64_t left = count * MIB, at[2];
	char ack;

	turn_begin(at);
	if (send(fds[0], &left, sizeof(left), 0) != sizeof(left))
		return -1;
	while (left) {
		ssize_t n = send(fds[0], block, left < sizeof(block) ? left : sizeof(block), 0);

		if (n < 0)
			return -1;
		left -= n;
	}
	if (recv(fds[0], &ack, 1, 0) != 1)
		return -1;
	turn_end(at, count, ret);
	return 0;
}

static void single_done(uint64_t count, struct turn *ret)
{
	qsort(each, count, sizeof(*each), bench_by_value);
	ret->wall = ret->cpu = each[count / 2];
}

static int single_prepare(uint64_t count)
{
	if (n_each < count) {
		free(each);
		each = calloc(count, sizeof(*each));
		n_each = count;
	}
	return each ? 0 : -1;
}

/* connect() of one UDP socket, to two ports by turns. */
static int connect_udp_turn(uint64_t count, struct turn *ret)
{
	uint64_t i, t;
	int err;

	if (single_prepare(count))
		return -1;
	for (i = 0; i < count; i++) {
		t = bench_now(CLOCK_MONOTONIC);
		err = connect(fds[0], (struct sockaddr *)(i % 2 ? &peer : &peer_accept),
			      sizeof(peer));
		each[i] = bench_now(CLOCK_MONOTONIC) - t;
		if (err)
			return -1;
	}
	single_done(count, ret);
	return 0;
}

/*
 * Non-blocking connect() to a listener across the veth pair. The handshake is done in this
 * thread's softirq, so the call includes the SYN, its answer and the ACK.
 */
static int connect_tcp_turn(uint64_t count, struct turn *ret)
{
	struct linger reset = { 1, 0 }; /* no TIME_WAIT: ports would run out */
	uint64_t i, t;
	int fd, err;

	if (single_prepare(count))
		return -1;
	for (i = 0; i < count; i++) {
		fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)))
			return -1;
		t = bench_now(CLOCK_MONOTONIC);
		err = connect(fd, (struct sockaddr *)&peer_accept, sizeof(peer_accept));
		each[i] = bench_now(CLOCK_MONOTONIC) - t;
		if (err && errno != EINPROGRESS)
			return -1;
		close(fd);
	}
	single_done(count, ret);
	return 0;
}

static int socket_turn(uint64_t count, struct turn *ret)
{
	uint64_t i, t;
	int fd;

	if (single_prepare(count))
		return -1;
	for (i = 0; i < count; i++) {
		t = bench_now(CLOCK_MONOTONIC);
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		each[i] = bench_now(CLOCK_MONOTONIC) - t;
		if (fd < 0)
			return -1;
		close(fd);
	}
	single_done(count, ret);
	return 0;
}

static const struct op udp = { "udp", "packet", false, 10000, udp_start, udp_turn };
static const struct op udp_sendto = { "udp-sendto", "packet",	  false,
				      10000,	    sendto_start, sendto_turn };
static const struct op tcp = { "tcp", "MiB", true, 64, tcp_start, tcp_turn };
static const struct op connect_udp = { "connect-udp", "call",	    true,
				       2000,	      sendto_start, connect_udp_turn };
static const struct op connect_tcp = { "connect-tcp", "call",	    true,
				       300,	      sendto_start, connect_tcp_turn };
static const struct op make_socket = { "socket", "call", true, 2000, sendto_start, socket_turn };

const struct op *const bench_ops[] = { &udp,	     &udp_sendto,  &tcp, &connect_udp,
				       &connect_tcp, &make_socket, NULL };
