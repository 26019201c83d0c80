// SPDX-License-Identifier: GPL-2.0-only
/*
 * What got out: capture FILE PLACE=NETNS:DEVICE... | capture barrier FILE TOKEN DEVICE...
 *
 * A frame that arrives at a place and carries an attempt's mark or target anywhere in it becomes a
 * line of FILE: NUMBER PLACE COUNT SUMMARY HEX, tab-separated; of each attempt and place the first,
 * and then one each time the count doubles. Questions for a neighbour (ARP, ND) that carry no mark
 * are no leak: they are how the host's own stack asks. A barrier's frames: - PLACE CPU TOKEN -
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "runner.h"

#define MAX_PLACES 8
#define BARRIER	   0x88b5 /* IEEE 802: for local experiments */
#define SHOWN	   160	  /* bytes of a frame in hex */

struct place {
	char name[16];
	int fd;
	uint32_t count[ATTACK_MAX + 1];
};

static struct place place[MAX_PLACES];

static void fail(const char *what)
{
	fprintf(stderr, "capture: %s: %s\n", what, strerror(errno));
	exit(99);
}

/* 0: nobody's */
static int whose_mark(const uint8_t *p, size_t len)
{
	const uint8_t *at = memmem(p, len, ATTACK_MARK, strlen(ATTACK_MARK));
	int number = 0, i;

	if (!at || at + strlen(ATTACK_MARK) + 5 > p + len)
		return 0;
	at += strlen(ATTACK_MARK);
	for (i = 0; i < 5 && at[i] >= '0' && at[i] <= '9'; i++)
		number = number * 10 + (at[i] - '0');
	return i == 5 && number <= ATTACK_MAX ? number : 0;
}

static int whose_target(const uint8_t *p, size_t len)
{
	static const uint8_t net6[14] = { 0x20, 0x01, 0x0d, 0xb8, 0xa7, 0x7a };
	size_t i;

	for (i = 0; i + 4 <= len; i++) {
		size_t at = i + 2;

		if (i + 16 <= len && !memcmp(p + i, net6, sizeof(net6)))
			at = i + sizeof(net6);
		else if (p[i] != 0xc6 || p[i + 1] != 0x12)
			continue;
		if ((p[at] << 8 | p[at + 1]) > 0 && (p[at] << 8 | p[at + 1]) <= ATTACK_MAX)
			return p[at] << 8 | p[at + 1];
	}
	return 0;
}

static bool neighbour_question(const uint8_t *p, size_t len)
{
	const uint8_t *ip = p + ETH_HLEN;

	if (p[12] == 0x08 && p[13] == 0x06)
		return true;
	return p[12] == 0x86 && p[13] == 0xdd && len > ETH_HLEN + 40 && ip[6] == IPPROTO_ICMPV6 &&
	       ip[40] >= 133 && ip[40] <= 137;
}

static void summary(const uint8_t *p, size_t len, char *ret, size_t size)
{
	char src[INET6_ADDRSTRLEN] = "", dst[INET6_ADDRSTRLEN] = "";
	unsigned int type = (unsigned int)(p[12] << 8 | p[13]), proto, ports;
	const uint8_t *ip = p + ETH_HLEN;
	bool v6 = type == ETH_P_IPV6;

	if ((type != ETH_P_IP || len < ETH_HLEN + 20) && (!v6 || len < ETH_HLEN + 40)) {
		snprintf(ret, size, "ethertype %04x, %zu bytes", type, len);
		return;
	}
	proto = ip[v6 ? 6 : 9];
	inet_ntop(v6 ? AF_INET6 : AF_INET, ip + (v6 ? 8 : 12), src, sizeof(src));
	inet_ntop(v6 ? AF_INET6 : AF_INET, ip + (v6 ? 24 : 16), dst, sizeof(dst));
	ports = v6 ? 40 : (ip[0] & 15) * 4u;
	if ((proto == IPPROTO_TCP || proto == IPPROTO_UDP) && ETH_HLEN + ports + 4 <= len)
		snprintf(ret, size, "%s > %s %s %d, %zu bytes", src, dst,
			 proto == IPPROTO_TCP ? "tcp" : "udp", ip[ports + 2] << 8 | ip[ports + 3],
			 len);
	else
		snprintf(ret, size, "%s > %s proto %u, %zu bytes", src, dst, proto, len);
}

static void put(int out, const char *line, int len)
{
	if (write(out, line, (size_t)len) != len) /* one write a line: appended whole */
		fail("write");
}

static void one_frame(int out, struct place *pl)
{
	static uint8_t buf[70000];
	char line[800], text[200];
	struct sockaddr_ll from;
	socklen_t from_len = sizeof(from);
	int number, len;
	ssize_t n, i;

	n = recvfrom(pl->fd, buf, sizeof(buf), MSG_DONTWAIT, (struct sockaddr *)&from, &from_len);
	if (n < 0 && errno != EAGAIN && errno != ENETDOWN)
		fail("recvfrom");
	if (n < ETH_HLEN + 1 || from.sll_pkttype == PACKET_OUTGOING)
		return;
	if (ntohs(from.sll_protocol) == BARRIER) {
		buf[n < 60 ? n : 60] = 0;
		len = snprintf(line, sizeof(line), "-\t%s\t%d\t%.30s\t-\n", pl->name, buf[14],
			       (char *)buf + 15);
		put(out, line, len);
		return;
	}
	number = whose_mark(buf, (size_t)n);
	if (!number && !neighbour_question(buf, (size_t)n))
		number = whose_target(buf + ETH_HLEN, (size_t)n - ETH_HLEN);
	if (!number)
		return;
	pl->count[number]++;
	if (pl->count[number] & (pl->count[number] - 1))
		return;
	summary(buf, (size_t)n, text, sizeof(text));
	len = snprintf(line, sizeof(line), "%d\t%s\t%u\t%s\t", number, pl->name, pl->count[number],
		       text);
	for (i = 0; i < n && i < SHOWN; i++)
		len += snprintf(line + len, sizeof(line) - (size_t)len, "%02x", buf[i]);
	line[len++] = '\n';
	put(out, line, len);
}

static void open_place(struct place *pl, char *arg)
{
	char *netns = strchr(arg, '='), *dev = strrchr(arg, ':');
	struct packet_mreq all = { .mr_type = PACKET_MR_PROMISC };
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int room = 16 << 20, fd;

	if (!netns || !dev || dev < netns) {
		fprintf(stderr, "usage: capture FILE PLACE=NETNS:DEVICE...\n");
		exit(64);
	}
	*netns++ = *dev++ = 0;
	snprintf(pl->name, sizeof(pl->name), "%s", arg);
	fd = open(netns, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		fail(netns);
	pl->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
	ll.sll_ifindex = all.mr_ifindex = (int)if_nametoindex(dev);
	if (pl->fd < 0 || bind(pl->fd, (struct sockaddr *)&ll, sizeof(ll)))
		fail(dev);
	setsockopt(pl->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof(all));
	setsockopt(pl->fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	close(fd);
}

/* ---- the barrier: frames behind all that was sent, on each processor ---- */
static int lines_with(const char *file, const char *token)
{
	char line[1024];
	FILE *f = fopen(file, "re");
	int n = 0;

	while (f && fgets(line, sizeof(line), f))
		n += line[0] == '-' && strstr(line, token);
	if (f)
		fclose(f);
	return n;
}

static bool send_round(const char *token, char **dev, int n_dev)
{
	uint8_t frame[60] = "\xff\xff\xff\xff\xff\xff\x02\0\0\0\0\xbb\x88\xb5";
	int i, cpu, fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	cpu_set_t set;

	if (fd < 0)
		fail("socket");
	for (cpu = 0; cpu < get_nprocs(); cpu++) {
		CPU_ZERO(&set);
		CPU_SET(cpu, &set);
		sched_setaffinity(0, sizeof(set), &set);
		for (i = 0; i < n_dev; i++) {
			struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_halen = 6 };

			to.sll_ifindex = (int)if_nametoindex(dev[i]);
			frame[14] = (uint8_t)cpu;
			snprintf((char *)frame + 15, sizeof(frame) - 15, "%s", token);
			if (sendto(fd, frame, sizeof(frame), 0, (struct sockaddr *)&to,
				   sizeof(to)) < 0)
				fail(dev[i]);
		}
	}
	close(fd);
	return true;
}

/* A packet may have several devices before it: one round for each, one after the other. */
static int barrier(const char *file, const char *token, char **dev, int n_dev)
{
	char round[32];
	int i, wait;

	for (i = 0; i < 5; i++) {
		snprintf(round, sizeof(round), "%s-%d", token, i);
		send_round(round, dev, n_dev);
		for (wait = 0; lines_with(file, round) < n_dev * get_nprocs(); wait++) {
			if (wait == 2000) {
				fprintf(stderr, "capture: the barrier did not arrive\n");
				return 1;
			}
			poll(NULL, 0, 5); /* a condition, not time */
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct pollfd p[MAX_PLACES];
	int i, out, n = argc - 2;

	if (argc > 4 && !strcmp(argv[1], "barrier"))
		return barrier(argv[2], argv[3], argv + 4, argc - 4);
	if (n < 1 || n > MAX_PLACES)
		return 64;
	out = open(argv[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (out < 0)
		fail(argv[1]);
	for (i = 0; i < n; i++) {
		open_place(&place[i], argv[i + 2]);
		p[i] = (struct pollfd){ .fd = place[i].fd, .events = POLLIN };
	}
	puts("ready");
	fflush(stdout);
	for (;;) {
		if (poll(p, (nfds_t)n, -1) < 0)
			fail("poll");
		for (i = 0; i < n; i++)
			if (p[i].revents)
				one_frame(out, &place[i]);
	}
}
