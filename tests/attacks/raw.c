// SPDX-License-Identifier: GPL-2.0-only
/* Raw sockets: protocols of one's own, and heads that lie. */
#include <errno.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <string.h>

#include "build.h"
#include "send.h"

#define UNASSIGNED 253 /* for experiments (RFC 3692) */

static int raw4(const struct attack_env *e, int proto)
{
	return send_mark(e, open_socket(AF_INET, SOCK_RAW, proto), dest4(e->target4, 0));
}

static int raw6(const struct attack_env *e, int proto)
{
	return send_mark(e, open_socket(AF_INET6, SOCK_RAW, proto), dest6(e->target6, 0));
}

static int send_packet(int fd, struct packet *p, struct dest to)
{
	return done(step(fd, "sendto", sendto(fd, packet_data(p), p->len, 0, &to.sa, to.len)));
}

static int raw_icmp(const struct attack_env *e)
{
	struct packet p = packet_mark(e, 0);

	packet_icmp(&p, ICMP_ECHO, 0, 1);
	return send_packet(open_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), &p, dest4(e->target4, 0));
}

static int raw_icmp6(const struct attack_env *e)
{
	struct packet p = packet_mark(e, 0);

	packet_icmp(&p, ICMP6_ECHO_REQUEST, 0, 1);
	return send_packet(open_socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6), &p,
			   dest6(e->target6, 0));
}

static int raw_udp(const struct attack_env *e)
{
	struct packet p = packet_mark(e, 0);

	packet_udp(&p, e->port, e->port);
	return send_packet(open_socket(AF_INET, SOCK_RAW, IPPROTO_UDP), &p, dest4(e->target4, 0));
}

static int raw_tcp(const struct attack_env *e)
{
	struct packet p = packet_empty();

	packet_tcp(&p, e->port, e->port, 1, TCP_SYN);
	return send_packet(open_socket(AF_INET, SOCK_RAW, IPPROTO_TCP), &p, dest4(e->target4, 0));
}

static int raw_proto(const struct attack_env *e)
{
	return raw4(e, UNASSIGNED);
}

static int raw6_proto(const struct attack_env *e)
{
	return raw6(e, UNASSIGNED);
}

static int raw_esp(const struct attack_env *e)
{
	return raw4(e, IPPROTO_ESP);
}

static int raw_igmp(const struct attack_env *e)
{
	return raw4(e, IPPROTO_IGMP);
}

static int raw_gre(const struct attack_env *e)
{
	struct packet p = packet_target4(e);

	packet_head(&p, "\0\0\x08\0", 4); /* RFC 2784: no flags, IPv4 */
	return send_packet(open_socket(AF_INET, SOCK_RAW, IPPROTO_GRE), &p, dest4(e->target4, 0));
}

static int raw_ipip(const struct attack_env *e)
{
	struct packet p = packet_target4(e);

	return send_packet(open_socket(AF_INET, SOCK_RAW, IPPROTO_IPIP), &p, dest4(e->target4, 0));
}

/* To the host: who unwraps it sends what is inside. A listener there hears it. */
static int raw_ipip_host(const struct attack_env *e)
{
	struct packet p = packet_target4(e);

	relay_begin(e);
	return relay_end(e, send_packet(open_socket(AF_INET, SOCK_RAW, IPPROTO_IPIP), &p,
					dest4(e->rogue4, 0)));
}

static int raw_connected(const struct attack_env *e)
{
	int fd = open_socket(AF_INET, SOCK_RAW, UNASSIGNED);

	return send_connected(e, connect_to(fd, dest4(e->target4, 0)));
}

static int raw_large(const struct attack_env *e)
{
	return send_size(e, open_socket(AF_INET, SOCK_RAW, UNASSIGNED), dest4(e->target4, 0), 4000,
			 0);
}

static int raw_device(const struct attack_env *e)
{
	int fd = set_option(open_socket(AF_INET, SOCK_RAW, UNASSIGNED), SOL_SOCKET, SO_BINDTODEVICE,
			    e->dev2, strlen(e->dev2));

	return send_mark(e, fd, dest4(e->target4, 0));
}

/* ---- the head is one's own: the packet is routed by `route`, and goes by what the head says */

static int raw_hdrincl(const struct attack_env *e)
{
	struct packet p = packet_target4(e);

	return done(inject4(&p, e->target4));
}

static int raw6_hdrincl(const struct attack_env *e)
{
	struct packet p = packet_target6(e);

	return done(inject6(&p, e->target6));
}

static int raw6_option(const struct attack_env *e)
{
	struct packet p = packet_target6(e);
	int fd = open_socket(AF_INET6, SOCK_RAW, UNASSIGNED);

	return send_packet(set_int(fd, IPPROTO_IPV6, IPV6_HDRINCL, 1), &p, dest6(e->target6, 0));
}

static int raw_lie_head(const struct attack_env *e)
{
	struct packet p = packet_target4(e);

	return done(inject4(&p, e->rogue4));
}

static int raw6_lie_head(const struct attack_env *e)
{
	struct packet p = packet_target6(e);

	return done(inject6(&p, e->rogue6));
}

static int raw_lie_gateway(const struct attack_env *e)
{
	struct packet p = packet_target4(e);

	return done(inject4(&p, e->gateway4));
}

static int raw_lie_call(const struct attack_env *e)
{
	struct packet p = packet_mark(e, 0);

	packet_udp(&p, e->port, e->port);
	packet_ip4(&p, e->own4, e->peer4, IPPROTO_UDP);
	relay_begin(e);
	return relay_end(e, done(inject4(&p, e->target4)));
}

static int raw6_lie_call(const struct attack_env *e)
{
	struct packet p = packet_mark(e, 0);

	packet_udp(&p, e->port, e->port);
	packet_ip6(&p, e->own6, e->peer6, IPPROTO_UDP, 64);
	relay_begin(e);
	return relay_end(e, done(inject6(&p, e->target6)));
}

static int raw_source(const struct attack_env *e)
{
	struct packet p = packet_mark(e, 0);

	packet_udp(&p, e->port, e->port);
	packet_ip4(&p, e->gateway4, e->target4, IPPROTO_UDP);
	return done(inject4(&p, e->target4));
}

static int raw_fragments(const struct attack_env *e)
{
	const uint16_t offset[] = { htons(IP_MF), htons(1) };
	int fd = open_socket(AF_INET, SOCK_RAW, IPPROTO_RAW), tried = 0;

	for (int i = 0; i < 2; i++) {
		struct packet p = packet_target4(e);
		struct iphdr *h = (void *)packet_data(&p);

		h->frag_off = offset[i];
		tried = send_packet(fd, &p, dest4(e->target4, 0));
	}
	return tried;
}

static int raw_lsrr(const struct attack_env *e)
{
	struct packet p = packet_mark(e, 0);
	uint8_t lsrr[8] = { IPOPT_NOP, IPOPT_LSRR, 7, 4 };
	struct iphdr *h;

	memcpy(lsrr + 4, &e->target4, sizeof(e->target4));
	packet_udp(&p, e->port, e->port);
	packet_head(&p, lsrr, sizeof(lsrr));
	packet_ip4(&p, e->own4, e->rogue4, IPPROTO_RAW);
	h = (void *)packet_data(&p);
	h->ihl = 7;
	h->protocol = IPPROTO_UDP;
	return done(inject4(&p, e->rogue4));
}

static int raw6_rthdr0(const struct attack_env *e)
{
	struct packet p = packet_mark(e, 0);
	uint8_t h[24] = { IPPROTO_UDP, 2, 0, 1 };

	memcpy(h + 8, &e->peer6, sizeof(e->peer6));
	packet_udp(&p, e->port, e->port);
	packet_head(&p, h, sizeof(h));
	packet_ip6(&p, e->own6, e->target6, IPPROTO_ROUTING, 64);
	return done(inject6(&p, e->target6));
}

static int raw6_hopopts(const struct attack_env *e)
{
	struct packet p = packet_mark(e, 0);
	const uint8_t h[8] = { IPPROTO_UDP, 0, 1, 4 };

	packet_udp(&p, e->port, e->port);
	packet_head(&p, h, sizeof(h));
	packet_ip6(&p, e->own6, e->target6, IPPROTO_HOPOPTS, 64);
	return done(inject6(&p, e->target6));
}

/* Looks like neighbour discovery, which a guard has to let through; the mark is what follows. */
static int raw6_neighbour(const struct attack_env *e)
{
	const struct in6_addr all = { .s6_addr = { 0xff, 2, [15] = 1 } };
	struct packet p = packet_mark(e, 0);
	int fd = set_int(open_socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6), IPPROTO_IPV6,
			 IPV6_MULTICAST_HOPS, 255);

	packet_head(&p, &e->own6, sizeof(e->own6));
	packet_icmp(&p, ND_NEIGHBOR_SOLICIT, 0, 0);
	fd = set_int(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, (int)if_nametoindex(e->dev));
	relay_begin(e);
	return relay_end(e, send_packet(fd, &p, dest6(all, 0)));
}

#define HEARD4 .helper = hear_ip4, .where = PLACE_ROGUE
#define HEARD6 .helper = hear_ip6, .where = PLACE_ROGUE

const struct attack attacks_raw[] = {
	{ "raw_icmp", "a raw socket's echo request", STOP_I1, NEEDS_NET_RAW, .run = raw_icmp },
	{ "raw_icmp6", "the same over IPv6", STOP_I1, NEEDS_NET_RAW, .run = raw_icmp6 },
	{ "raw_udp", "UDP made by hand", STOP_I1, NEEDS_NET_RAW, .run = raw_udp },
	{ "raw_tcp", "a SYN made by hand", STOP_I1, NEEDS_NET_RAW, .run = raw_tcp },
	{ "raw_proto", "a protocol that nobody has", STOP_I1, NEEDS_NET_RAW, .run = raw_proto },
	{ "raw6_proto", "the same over IPv6", STOP_I1, NEEDS_NET_RAW, .run = raw6_proto },
	{ "raw_esp", "ESP by its number", STOP_I1, NEEDS_NET_RAW, .run = raw_esp },
	{ "raw_igmp", "IGMP to the target", STOP_I1, NEEDS_NET_RAW, .run = raw_igmp },
	{ "raw_gre", "GRE made by hand", STOP_I1, NEEDS_NET_RAW, .run = raw_gre },
	{ "raw_ipip", "IP in IP made by hand", STOP_I1, NEEDS_NET_RAW, .run = raw_ipip },
	{ "raw_ipip_host", "IP in IP to the host, which might unwrap it", STOP_I1, NEEDS_NET_RAW,
	  .run = raw_ipip_host, HEARD4 },
	{ "raw_connected", "a connected raw socket", STOP_I1, NEEDS_NET_RAW, .run = raw_connected },
	{ "raw_large", "a raw packet that the kernel cuts", STOP_I1, NEEDS_NET_RAW,
	  .run = raw_large },
	{ "raw_device", "a raw socket bound to the second interface", STOP_I1, NEEDS_NET_RAW,
	  .run = raw_device },
	{ "raw_hdrincl", "a head of one's own", STOP_I1, NEEDS_NET_RAW, .run = raw_hdrincl },
	{ "raw6_hdrincl", "an IPv6 head of one's own (IPPROTO_RAW)", STOP_I1, NEEDS_NET_RAW,
	  .run = raw6_hdrincl },
	{ "raw6_option", "an IPv6 head of one's own (IPV6_HDRINCL)", STOP_I1, NEEDS_NET_RAW,
	  .run = raw6_option },
	{ "raw_lie_head", "the call names the host's address, the head the target", STOP_I1,
	  NEEDS_NET_RAW, .run = raw_lie_head },
	{ "raw6_lie_head", "the same over IPv6", STOP_I1, NEEDS_NET_RAW, .run = raw6_lie_head },
	{ "raw_lie_gateway", "the call names the gateway, the head the target", STOP_I1,
	  NEEDS_NET_RAW, .run = raw_lie_gateway },
	{ "raw_lie_call", "the call names the target, the head a peer", STOP_I1, NEEDS_NET_RAW,
	  .run = raw_lie_call, HEARD4 },
	{ "raw6_lie_call", "the same over IPv6", STOP_I1, NEEDS_NET_RAW, .run = raw6_lie_call,
	  HEARD6 },
	{ "raw_source", "a forged source, the gateway's", STOP_I1, NEEDS_NET_RAW,
	  .run = raw_source },
	{ "raw_fragments", "fragments made by hand", STOP_I1, NEEDS_NET_RAW, .run = raw_fragments },
	{ "raw_lsrr", "a source route in a head of one's own, by the host", STOP_I1, NEEDS_NET_RAW,
	  .run = raw_lsrr },
	{ "raw6_rthdr0", "a routing header of type 0 in a head of one's own", STOP_I1,
	  NEEDS_NET_RAW, .run = raw6_rthdr0 },
	{ "raw6_hopopts", "hop-by-hop options in a head of one's own", STOP_I1, NEEDS_NET_RAW,
	  .run = raw6_hopopts },
	{ "raw6_neighbour", "the mark behind a neighbour solicitation", STOP_I1, NEEDS_NET_RAW,
	  .run = raw6_neighbour, HEARD6 },
	{ .name = NULL },
};
