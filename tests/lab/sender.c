/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sender ADDRESS PORT RATE [LABEL]: sends RATE marked datagrams a second and says, a line each,
 * when something changes. Times are CLOCK_REALTIME in seconds, as in the captures:
 *
 *   TIME sent LAST       accepted again; LAST: when the last refused one was tried
 *   TIME refused LAST ERROR    refused from now on; LAST: when the last accepted one was sent
 *   TIME answer LAST     an answer, after at least 50 ms without any
 *   TIME count SENT REFUSED ANSWERS    each second
 *
 * After a second without an answer it sends from another port: the old flow may be stuck for ever
 * in the gateway's connection tracking, as one that was first seen while there was no NAT
 * (measured: facts/docker.md section 7), and that is not what is measured here.
 *
 * A datagram: "bgKS", sequence number and time. Unconnected, so that what the network says about
 * an earlier one (ICMP) does not come back as an error of a later one: a refusal is the kernel's
 * own verdict on this datagram.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SECOND	   1000000000ULL
#define ANSWER_GAP (SECOND / 20)
#define PATIENCE   SECOND

struct datagram {
	char mark[4];
	uint32_t seq;
	uint64_t ns;
};

static uint64_t now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

static void say(uint64_t ns, const char *what, uint64_t last, const char *more)
{
	printf("%llu.%09llu %s %llu.%09llu%s%s\n", (unsigned long long)(ns / SECOND),
	       (unsigned long long)(ns % SECOND), what, (unsigned long long)(last / SECOND),
	       (unsigned long long)(last % SECOND), *more ? " " : "", more);
	fflush(stdout);
}

/* Not a verdict: the device's queue is full for the moment. */
static int refusal(int error)
{
	return error == ENOBUFS || error == EAGAIN || error == EINTR ? 0 : error;
}

struct state {
	uint64_t at[2]; /* when the last datagram was accepted [0], refused [1] */
	uint64_t answer, count[2], answers, said, opened;
	int error; /* of the last datagram; -1: none yet */
};

static void send_one(int fd, const struct sockaddr_in *to, uint32_t seq, struct state *s)
{
	struct datagram d = { .mark = "bgKS", .seq = htonl(seq), .ns = now(CLOCK_REALTIME) };
	int error = 0;

	if (sendto(fd, &d, sizeof(d), 0, (const struct sockaddr *)to, sizeof(*to)) < 0)
		error = refusal(errno);
	if (!error != !s->error || s->error < 0)
		say(d.ns, error ? "refused" : "sent", s->at[!error], error ? strerror(error) : "");
	s->error = error;
	s->at[!!error] = d.ns;
	s->count[!!error]++;
}

static void take_answers(int fd, struct state *s)
{
	char buf[64];

	while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) >= 0) {
		uint64_t t = now(CLOCK_REALTIME);

		if (t - s->answer > ANSWER_GAP)
			say(t, "answer", s->answer, "");
		s->answer = t;
		s->answers++;
	}
}

static int renewed(int fd, struct state *s)
{
	uint64_t t = now(CLOCK_REALTIME);

	if (fd >= 0 && (t - s->opened < PATIENCE || t - s->answer < PATIENCE))
		return fd;
	if (fd >= 0)
		close(fd);
	s->opened = t;
	return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static void say_counts(uint64_t t, struct state *s)
{
	if (t - s->said < SECOND)
		return;
	s->said = t;
	printf("%llu.%09llu count %llu %llu %llu\n", (unsigned long long)(t / SECOND),
	       (unsigned long long)(t % SECOND), (unsigned long long)s->count[0],
	       (unsigned long long)s->count[1], (unsigned long long)s->answers);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct state s = { .error = -1 };
	uint64_t next, rate;
	int fd = -1;

	if (argc < 4 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1) {
		fprintf(stderr, "usage: sender ADDRESS PORT RATE [LABEL]\n");
		return 64;
	}
	to.sin_port = htons((uint16_t)atoi(argv[2]));
	rate = strtoul(argv[3], NULL, 10);
	if (!rate)
		return 64;
	next = now(CLOCK_MONOTONIC);
	for (uint32_t seq = 0;; seq++) {
		struct timespec until;

		fd = renewed(fd, &s);
		send_one(fd, &to, seq, &s);
		take_answers(fd, &s);
		say_counts(now(CLOCK_REALTIME), &s);
		next += SECOND / rate;
		/* held up (paused, or no CPU): what was not sent in time is not sent later */
		if (next + SECOND / 10 < now(CLOCK_MONOTONIC))
			next = now(CLOCK_MONOTONIC);
		until = (struct timespec){ (time_t)(next / SECOND), (long)(next % SECOND) };
		/* time itself: the rate */
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
	}
}
