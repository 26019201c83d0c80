// SPDX-License-Identifier: GPL-2.0-only
/* Sockets that should not come to be, and helpers that run outside the guard. */
#include "probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* socket FAMILY TYPE PROTOCOL, in numbers */
int probe_socket(int argc, char **argv)
{
	uint64_t began = live_ms();
	int fd;

	if (argc < 4)
		return 64;
	fd = socket(atoi(argv[1]), atoi(argv[2]), atoi(argv[3]));
	probe_say("socket", fd < 0 ? errno : 0, began);
	return 0;
}

static uint16_t checksum(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i += 2)
		sum += (uint32_t)p[i] << 8 | (i + 1 < len ? p[i + 1] : 0);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

/*
 * redirect FROM VICTIM TARGET NEW-GATEWAY: an ICMP redirect that claims to be about an echo reply
 * from VICTIM to TARGET, since for those the kernel asks no socket. FROM must be the next hop that
 * the victim uses now.
 */
int probe_redirect(int argc, char **argv)
{
	struct {
		struct icmphdr icmp;
		struct iphdr ip;
		struct icmphdr echo;
	} p = {
		.icmp = { .type = ICMP_REDIRECT, .code = ICMP_REDIR_HOST },
		.ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_ICMP },
		.echo = { .type = ICMP_ECHOREPLY },
	};
	struct sockaddr_storage from, victim;
	uint64_t began = live_ms();
	socklen_t len;
	int fd;

	if (argc < 5)
		return 64;
	len = live_sockaddr(argv[1], "0", false, &from);
	live_sockaddr(argv[2], "0", false, &victim);
	inet_pton(AF_INET, argv[2], &p.ip.saddr);
	inet_pton(AF_INET, argv[3], &p.ip.daddr);
	inet_pton(AF_INET, argv[4], &p.icmp.un.gateway);
	p.ip.tot_len = htons(sizeof(p.ip) + sizeof(p.echo));
	p.ip.check = checksum(&p.ip, sizeof(p.ip));
	p.icmp.checksum = checksum(&p, sizeof(p));
	fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	if (fd < 0 || bind(fd, (struct sockaddr *)&from, len) ||
	    sendto(fd, &p, sizeof(p), 0, (struct sockaddr *)&victim, len) < 0)
		live_die("redirect");
	probe_say("redirect", 0, began);
	return 0;
}

static int too_big4(const struct sockaddr_storage *victim, const char *target, int mtu)
{
	struct {
		struct icmphdr icmp;
		struct iphdr ip;
		struct icmphdr echo;
	} p = {
		.icmp = { .type = ICMP_DEST_UNREACH, .code = ICMP_FRAG_NEEDED },
		.ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_ICMP },
		.echo = { .type = ICMP_ECHOREPLY },
	};
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);

	p.ip.saddr = ((const struct sockaddr_in *)victim)->sin_addr.s_addr;
	inet_pton(AF_INET, target, &p.ip.daddr);
	p.ip.tot_len = htons(1500);
	p.ip.check = checksum(&p.ip, sizeof(p.ip));
	p.icmp.un.frag.mtu = htons((uint16_t)mtu);
	p.icmp.checksum = checksum(&p, sizeof(p));
	return sendto(fd, &p, sizeof(p), 0, (const struct sockaddr *)victim,
		      sizeof(struct sockaddr_in)) < 0
		       ? errno
		       : 0;
}

static int too_big6(const struct sockaddr_storage *victim, const char *target, int mtu)
{
	struct {
		struct icmp6_hdr icmp;
		struct ip6_hdr ip;
		struct icmp6_hdr echo;
	} p = {
		.icmp = { .icmp6_type = ICMP6_PACKET_TOO_BIG },
		.ip = { .ip6_vfc = 6 << 4, .ip6_nxt = IPPROTO_ICMPV6, .ip6_hlim = 64 },
		.echo = { .icmp6_type = ICMP6_ECHO_REQUEST },
	};
	int fd = socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6); /* the kernel makes the checksum */

	p.ip.ip6_src = ((const struct sockaddr_in6 *)victim)->sin6_addr;
	inet_pton(AF_INET6, target, &p.ip.ip6_dst);
	p.ip.ip6_plen = htons(1460);
	p.icmp.icmp6_mtu = htonl((uint32_t)mtu);
	return sendto(fd, &p, sizeof(p), 0, (const struct sockaddr *)victim,
		      sizeof(struct sockaddr_in6)) < 0
		       ? errno
		       : 0;
}

/* toobig VICTIM TARGET MTU: what a router on the way to TARGET says to VICTIM. */
int probe_toobig(int argc, char **argv)
{
	struct sockaddr_storage victim;
	uint64_t began = live_ms();
	int mtu;

	if (argc < 4)
		return 64;
	mtu = atoi(argv[3]);
	live_sockaddr(argv[1], "0", false, &victim);
	probe_say("toobig",
		  victim.ss_family == AF_INET ? too_big4(&victim, argv[2], mtu)
					      : too_big6(&victim, argv[2], mtu),
		  began);
	return 0;
}

/* barrier DEVICE...: a broadcast frame with the mark; what was sent before it has arrived by then.
 */
int probe_barrier(int argc, char **argv)
{
	int fd = socket(AF_PACKET, SOCK_DGRAM, 0);
	size_t len;
	const char *data = probe_payload(0, &len);

	if (fd < 0)
		live_die("socket");
	for (int i = 1; i < argc; i++) {
		struct sockaddr_ll a = {
			.sll_family = AF_PACKET,
			.sll_protocol = htons(LIVE_ETHERTYPE),
			.sll_ifindex = (int)if_nametoindex(argv[i]),
			.sll_halen = 6,
		};

		memset(a.sll_addr, 0xff, 6);
		if (sendto(fd, data, len, 0, (struct sockaddr *)&a, sizeof(a)) < 0)
			live_die(argv[i]);
	}
	return 0;
}
