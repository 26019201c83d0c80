// SPDX-License-Identifier: GPL-2.0-only
#include "build.h"

#include <linux/if_packet.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <net/ethernet.h>
#include <string.h>

#define HEADROOM 256

struct packet packet_empty(void)
{
	return (struct packet){ .at = HEADROOM };
}

struct packet packet_mark(const struct attack_env *e, size_t size)
{
	struct packet p = packet_empty();
	struct iovec data = payload(e, size);

	p.len = data.iov_len < PACKET_ROOM - HEADROOM ? data.iov_len : PACKET_ROOM - HEADROOM;
	memcpy(p.buf + p.at, data.iov_base, p.len);
	return p;
}

uint8_t *packet_data(struct packet *p)
{
	return p->buf + p->at;
}

void packet_head(struct packet *p, const void *head, size_t len)
{
	p->at -= len;
	p->len += len;
	memcpy(p->buf + p->at, head, len);
}

void packet_udp(struct packet *p, uint16_t from, uint16_t to)
{
	struct udphdr h = {
		.source = htons(from),
		.dest = htons(to),
		.len = htons((uint16_t)(p->len + sizeof(h))),
	};

	packet_head(p, &h, sizeof(h));
}

void packet_tcp(struct packet *p, uint16_t from, uint16_t to, uint32_t seq, uint8_t flags)
{
	struct tcphdr h = {
		.source = htons(from),
		.dest = htons(to),
		.seq = htonl(seq),
		.doff = sizeof(h) / 4,
		.window = htons(65535),
	};

	h.th_flags = flags;
	packet_head(p, &h, sizeof(h));
}

void packet_icmp(struct packet *p, uint8_t type, uint8_t code, uint32_t rest)
{
	struct icmphdr h = { .type = type, .code = code, .un.gateway = htonl(rest) };

	packet_head(p, &h, sizeof(h));
}

static uint32_t sum(uint32_t start, const void *data, size_t len)
{
	const uint8_t *b = data;

	for (size_t i = 0; i < len; i++)
		start += i & 1 ? b[i] : (uint32_t)b[i] << 8;
	return start;
}

static uint16_t folded(uint32_t s)
{
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return htons((uint16_t)~s);
}

/* addresses: of the pseudo-header, n bytes both */
static void finish(struct packet *p, uint8_t proto, const void *addresses, size_t n)
{
	static const uint8_t offset[256] = {
		[IPPROTO_TCP] = offsetof(struct tcphdr, check),
		[IPPROTO_UDP] = offsetof(struct udphdr, check),
		[IPPROTO_ICMP] = offsetof(struct icmphdr, checksum),
		[IPPROTO_ICMPV6] = offsetof(struct icmp6_hdr, icmp6_cksum),
	};
	uint32_t s = proto == IPPROTO_ICMP ? 0 : sum(proto + (uint32_t)p->len, addresses, n);
	uint16_t check;

	if (!offset[proto] || p->len < (size_t)offset[proto] + sizeof(check))
		return;
	memset(packet_data(p) + offset[proto], 0, sizeof(check));
	check = folded(sum(s, packet_data(p), p->len));
	memcpy(packet_data(p) + offset[proto], &check, sizeof(check));
}

void packet_ip4(struct packet *p, struct in_addr from, struct in_addr to, uint8_t proto)
{
	struct iphdr h = {
		.version = 4,
		.ihl = sizeof(h) / 4,
		.tot_len = htons((uint16_t)(p->len + sizeof(h))),
		.ttl = 64,
		.protocol = proto,
		.saddr = from.s_addr,
		.daddr = to.s_addr,
	};

	h.check = folded(sum(0, &h, sizeof(h)));
	finish(p, proto, &h.saddr, 2 * sizeof(from));
	packet_head(p, &h, sizeof(h));
}

void packet_ip6(struct packet *p, struct in6_addr from, struct in6_addr to, uint8_t next,
		uint8_t hop_limit)
{
	struct ip6_hdr h = {
		.ip6_flow = htonl(6u << 28),
		.ip6_plen = htons((uint16_t)p->len),
		.ip6_nxt = next,
		.ip6_hlim = hop_limit,
		.ip6_src = from,
		.ip6_dst = to,
	};

	finish(p, next, &h.ip6_src, 2 * sizeof(from));
	packet_head(p, &h, sizeof(h));
}

void packet_eth(struct packet *p, const uint8_t to[6], const uint8_t from[6], uint16_t type)
{
	struct ether_header h = { .ether_type = htons(type) };

	memcpy(h.ether_dhost, to, 6);
	memcpy(h.ether_shost, from, 6);
	packet_head(p, &h, sizeof(h));
}

struct packet packet_target4(const struct attack_env *e)
{
	struct packet p = packet_mark(e, 0);

	packet_udp(&p, e->port, e->port);
	packet_ip4(&p, e->own4, e->target4, IPPROTO_UDP);
	return p;
}

struct packet packet_target6(const struct attack_env *e)
{
	struct packet p = packet_mark(e, 0);

	packet_udp(&p, e->port, e->port);
	packet_ip6(&p, e->own6, e->target6, IPPROTO_UDP, 64);
	return p;
}

static int inject(const struct packet *p, struct dest to)
{
	int fd = open_socket(to.sa.sa_family, SOCK_RAW, IPPROTO_RAW);

	return step(fd, "sendto", sendto(fd, p->buf + p->at, p->len, 0, &to.sa, to.len));
}

int inject4(const struct packet *p, struct in_addr route)
{
	return inject(p, dest4(route, 0));
}

int inject6(const struct packet *p, struct in6_addr route)
{
	return inject(p, dest6(route, 0));
}

struct dest dest_link(const char *dev, const uint8_t mac[6], uint16_t ethertype)
{
	struct sockaddr_ll a = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ethertype),
		.sll_ifindex = (int)if_nametoindex(dev),
		.sll_halen = 6,
	};
	struct dest to = { .len = sizeof(a) };

	memcpy(a.sll_addr, mac, 6);
	memcpy(to.raw, &a, sizeof(a));
	return to;
}

int put_frame(int fd, const char *dev, const struct packet *p)
{
	struct dest to = dest_link(dev, p->buf + p->at, 0);

	return done(step(fd, "sendto", sendto(fd, p->buf + p->at, p->len, 0, &to.sa, to.len)));
}
