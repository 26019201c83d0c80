// SPDX-License-Identifier: GPL-2.0-only
/*
 * The far ends' eyes: capture FILE PLACE=NETNS...
 *
 * Every frame that arrives in a place becomes a line of FILE:
 *   PLACE MAC FAMILY PROTO SRC DST PORT MARK
 * MAC is the sender's, PORT the destination port, the type for ICMP, 0 where there is none (later
 * fragments); MARK is the token behind the long marker, `-` where the frame carries none. Frames of
 * the barrier are PLACE MAC barrier - - - 0 MARK
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "live.h"

#define MAX_PLACES 8

struct place {
	char name[16];
	int fd;
};

struct seen {
	const char *family;
	int proto; /* -1: not IP */
	int port;
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN], mark[LIVE_TOKEN];
};

static void find_mark(const uint8_t *p, size_t len, char *ret)
{
	const uint8_t *at = memmem(p, len, LIVE_MARK, strlen(LIVE_MARK));
	size_t n = 0;

	strcpy(ret, "-");
	if (!at)
		return;
	at += strlen(LIVE_MARK);
	while (at + n < p + len && n < LIVE_TOKEN - 1 && isalnum(at[n])) {
		ret[n] = (char)at[n];
		n++;
	}
	ret[n] = 0;
}

static void read_port(struct seen *s, const uint8_t *p, size_t len)
{
	switch (s->proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE: s->port = len >= 4 ? p[2] << 8 | p[3] : 0; break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6: s->port = len ? p[0] : 0; break;
	}
}

static void read_ip4(struct seen *s, const uint8_t *p, size_t len)
{
	struct iphdr ip;
	size_t head;

	if (len < sizeof(ip))
		return;
	memcpy(&ip, p, sizeof(ip));
	s->family = "ipv4";
	s->proto = ip.protocol;
	inet_ntop(AF_INET, &ip.saddr, s->src, sizeof(s->src));
	inet_ntop(AF_INET, &ip.daddr, s->dst, sizeof(s->dst));
	head = ip.ihl * 4u;
	if (head <= len && !(ntohs(ip.frag_off) & IP_OFFMASK))
		read_port(s, p + head, len - head);
}

static void read_ip6(struct seen *s, const uint8_t *p, size_t len)
{
	struct ip6_hdr ip;
	size_t off = sizeof(ip);

	if (len < sizeof(ip))
		return;
	memcpy(&ip, p, sizeof(ip));
	s->family = "ipv6";
	s->proto = ip.ip6_nxt;
	inet_ntop(AF_INET6, &ip.ip6_src, s->src, sizeof(s->src));
	inet_ntop(AF_INET6, &ip.ip6_dst, s->dst, sizeof(s->dst));
	while (off + 8 <= len && (s->proto == IPPROTO_HOPOPTS || s->proto == IPPROTO_ROUTING ||
				  s->proto == IPPROTO_DSTOPTS || s->proto == IPPROTO_FRAGMENT)) {
		bool later = s->proto == IPPROTO_FRAGMENT && ((p[off + 2] << 8 | p[off + 3]) & ~7);
		size_t skip = s->proto == IPPROTO_FRAGMENT ? 8 : 8 + p[off + 1] * 8u;

		s->proto = p[off];
		off += skip;
		if (later)
			return;
	}
	if (off < len)
		read_port(s, p + off, len - off);
}

static void put_line(int out, const struct place *pl, const struct seen *s, const uint8_t *mac)
{
	char line[256], proto[12] = "-";
	int len;

	if (s->proto >= 0)
		snprintf(proto, sizeof(proto), "%d", s->proto);
	len = snprintf(line, sizeof(line), "%s %02x:%02x:%02x:%02x:%02x:%02x %s %s %s %s %d %s\n",
		       pl->name, mac[0], mac[1], mac[2], mac[3], mac[4], mac[5], s->family, proto,
		       s->src[0] ? s->src : "-", s->dst[0] ? s->dst : "-", s->port, s->mark);
	if (write(out, line, (size_t)len) != len) /* one write a line: appended whole */
		live_die("write");
}

static void one_frame(int out, const struct place *pl)
{
	static uint8_t buf[70000];
	struct sockaddr_ll from;
	socklen_t from_len = sizeof(from);
	struct seen s = { .family = "other", .proto = -1 };
	ssize_t n;

	n = recvfrom(pl->fd, buf, sizeof(buf), MSG_DONTWAIT, (struct sockaddr *)&from, &from_len);
	if (n < 0 && (errno == EAGAIN || errno == ENETDOWN))
		return;
	if (n < 0)
		live_die("recvfrom");
	if (from.sll_pkttype == PACKET_OUTGOING || from.sll_hatype == ARPHRD_LOOPBACK || n < 14)
		return;
	find_mark(buf, (size_t)n, s.mark);
	switch (ntohs(from.sll_protocol)) {
	case ETH_P_IP: read_ip4(&s, buf + 14, (size_t)n - 14); break;
	case ETH_P_IPV6: read_ip6(&s, buf + 14, (size_t)n - 14); break;
	case LIVE_ETHERTYPE: s.family = "barrier"; break;
	}
	put_line(out, pl, &s, buf + 6);
}

static void open_place(struct place *pl, char *arg)
{
	char *eq = strchr(arg, '=');
	int room = 8 << 20;

	if (!eq) {
		fprintf(stderr, "usage: capture FILE PLACE=NETNS...\n");
		exit(64);
	}
	*eq = 0;
	snprintf(pl->name, sizeof(pl->name), "%s", arg);
	live_enter_netns(eq + 1);
	pl->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
	if (pl->fd < 0)
		live_die("socket");
	setsockopt(pl->fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
}

int main(int argc, char **argv)
{
	struct place place[MAX_PLACES];
	struct pollfd p[MAX_PLACES];
	int i, out, n = argc - 2;

	if (n < 1 || n > MAX_PLACES)
		return 64;
	out = open(argv[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (out < 0)
		live_die(argv[1]);
	for (i = 0; i < n; i++) {
		open_place(&place[i], argv[i + 2]);
		p[i] = (struct pollfd){ .fd = place[i].fd, .events = POLLIN };
	}
	puts("ready");
	fflush(stdout);
	for (;;) {
		if (poll(p, (nfds_t)n, -1) < 0)
			live_die("poll");
		for (i = 0; i < n; i++)
			if (p[i].revents)
				one_frame(out, &place[i]);
	}
}
