// SPDX-License-Identifier: GPL-2.0-only
/* Frames of every kind, from a packet socket: what the link has to tell apart. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <sched.h>
#include <string.h>

#include "build.h"
#include "send.h"

#define EXPERIMENT 0x88b6 /* IEEE 802: for local experiments */

static const uint8_t all[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
static const uint8_t all_nodes[6] = { 0x33, 0x33, 0, 0, 0, 1 };
static const struct in6_addr nodes = { .s6_addr = { 0xff, 2, [15] = 1 } };

static int raw_socket(void)
{
	return open_socket(AF_PACKET, SOCK_RAW, 0);
}

static int heard(const struct attack_env *e, const struct packet *p)
{
	relay_begin(e);
	return relay_end(e, put_frame(raw_socket(), e->dev, p));
}

/* A datagram to the target, in a frame to `mac`. */
static int datagram_to(const struct attack_env *e, const uint8_t mac[6])
{
	struct packet p = packet_target4(e);

	packet_eth(&p, mac, e->own_mac, ETH_P_IP);
	return heard(e, &p);
}

/* Nothing but the mark, as `type`. */
static int mark_as(const struct attack_env *e, const uint8_t mac[6], uint16_t type)
{
	struct packet p = packet_mark(e, 0);

	packet_eth(&p, mac, e->own_mac, type);
	return heard(e, &p);
}

static int frame_bcast(const struct attack_env *e)
{
	return datagram_to(e, all);
}

static int frame_mcast(const struct attack_env *e)
{
	const uint8_t group[6] = { 0x01, 0, 0x5e, 10, 11, 12 };

	return datagram_to(e, group);
}

static int frame_mcast6(const struct attack_env *e)
{
	struct packet p = packet_target6(e);

	packet_eth(&p, all_nodes, e->own_mac, ETH_P_IPV6);
	return heard(e, &p);
}

static int frame_forged(const struct attack_env *e)
{
	struct packet p = packet_target4(e);

	packet_eth(&p, e->rogue_mac, e->gateway_mac, ETH_P_IP);
	return put_frame(raw_socket(), e->dev, &p);
}

static int frame_gateway(const struct attack_env *e)
{
	struct packet p = packet_target4(e);

	packet_eth(&p, e->gateway_mac, e->own_mac, ETH_P_IP);
	return put_frame(raw_socket(), e->dev, &p);
}

static struct packet tagged(const struct attack_env *e, uint8_t vlan)
{
	const uint8_t behind[4] = { 0, vlan, ETH_P_IP >> 8, ETH_P_IP & 0xff };
	struct packet p = packet_target4(e);

	packet_head(&p, behind, sizeof(behind));
	packet_eth(&p, e->rogue_mac, e->own_mac, ETH_P_8021Q);
	return p;
}

/* A tag that names no VLAN is for a priority: the receiver takes what is behind it. */
static int frame_vlan0(const struct attack_env *e)
{
	struct packet p = tagged(e, 0);

	return put_frame(raw_socket(), e->dev, &p);
}

static int frame_vlan5(const struct attack_env *e)
{
	struct packet p = tagged(e, 5);

	return heard(e, &p);
}

static int frame_type(const struct attack_env *e)
{
	return mark_as(e, e->rogue_mac, EXPERIMENT);
}

static int hear_type(const struct attack_env *e)
{
	return relay_marked(e, EXPERIMENT);
}

static int frame_lldp(const struct attack_env *e)
{
	const uint8_t nearest[6] = { 0x01, 0x80, 0xc2, 0, 0, 0x0e };

	return mark_as(e, nearest, ETH_P_LLDP);
}

static int hear_lldp(const struct attack_env *e)
{
	return relay_marked(e, ETH_P_LLDP);
}

static int frame_mpls(const struct attack_env *e)
{
	struct packet p = packet_target4(e);

	packet_head(&p, "\0\x06\x41\xff", 4); /* RFC 3032: label 100, bottom of the stack */
	packet_eth(&p, e->rogue_mac, e->own_mac, ETH_P_MPLS_UC);
	return heard(e, &p);
}

static int hear_mpls(const struct attack_env *e)
{
	return relay_marked(e, ETH_P_MPLS_UC);
}

/* IEEE 802.3: a length where Ethernet has a type. */
static int frame_length(const struct attack_env *e)
{
	return mark_as(e, e->rogue_mac, (uint16_t)e->mark_len);
}

static int hear_length(const struct attack_env *e)
{
	return relay_marked(e, ETH_P_802_2);
}

/* ---- ARP (RFC 826) */

struct arp {
	struct arphdr head;
	uint8_t sha[6], spa[4], tha[6], tpa[4];
} __attribute__((packed));

static struct arp arp(const struct attack_env *e, uint16_t op, struct in_addr from,
		      struct in_addr to)
{
	struct arp a = {
		.head = { htons(ARPHRD_ETHER), htons(ETH_P_IP), 6, 4, htons(op) },
	};

	memcpy(a.sha, e->own_mac, sizeof(a.sha));
	memcpy(a.spa, &from, sizeof(a.spa));
	memcpy(a.tpa, &to, sizeof(a.tpa));
	return a;
}

static struct packet arp_frame(const struct attack_env *e, const struct arp *a, struct packet p)
{
	packet_head(&p, a, sizeof(*a));
	packet_eth(&p, all, e->own_mac, ETH_P_ARP);
	return p;
}

static int arp_trailer(const struct attack_env *e)
{
	const struct arp a = arp(e, ARPOP_REQUEST, e->own4, e->rogue4);
	struct packet p = arp_frame(e, &a, packet_mark(e, 0));

	return heard(e, &p);
}

static int hear_arp_mark(const struct attack_env *e)
{
	return relay_marked(e, ETH_P_ARP);
}

/* Who has what is asked for is the message. */
static struct arp arp_question(const struct attack_env *e)
{
	return arp(e, ARPOP_REQUEST, e->target4, e->target4);
}

static int arp_fields(const struct attack_env *e)
{
	const struct arp a = arp_question(e);
	struct packet p = arp_frame(e, &a, packet_empty());

	return heard(e, &p);
}

static int hear_question(const struct attack_env *e)
{
	struct arp a = arp_question(e);

	return relay_frames(e, ETH_P_ARP, (struct iovec){ &a, sizeof(a) });
}

/* A listener on the gateway, whose messenger is elsewhere: the gateway's own uplink is guarded. */
static int relay_gateway(const struct attack_env *e, uint16_t ethertype, struct iovec what)
{
	int fd = open_socket(AF_PACKET, SOCK_RAW, htons(ethertype));

	if (setns(open(e->sibling, O_RDONLY | O_CLOEXEC), CLONE_NEWNET))
		return 1;
	return relay(e, fd, what);
}

static int gateway_question(const struct attack_env *e)
{
	struct arp a = arp_question(e);

	return relay_gateway(e, ETH_P_ARP, (struct iovec){ &a, sizeof(a) });
}

/* ---- to draw others' traffic: whoever hears these sends it here */

static struct arp arp_claim(const struct attack_env *e)
{
	return arp(e, ARPOP_REPLY, e->gateway4, e->gateway4);
}

static int spoof_arp(const struct attack_env *e)
{
	const struct arp a = arp_claim(e);
	struct packet p = arp_frame(e, &a, packet_empty());

	return heard(e, &p);
}

static int hear_arp_claim(const struct attack_env *e)
{
	struct arp a = arp_claim(e);

	return relay_gateway(e, ETH_P_ARP, (struct iovec){ &a, sizeof(a) });
}

/* A neighbour message: `target` and the mark, which stands for an option. */
static struct packet neighbour(const struct attack_env *e, uint8_t type, uint32_t flags,
			       struct in6_addr target)
{
	struct packet p = packet_mark(e, 0);

	packet_head(&p, &target, sizeof(target));
	packet_icmp(&p, type, 0, flags);
	packet_ip6(&p, link_local(e->own_mac), nodes, IPPROTO_ICMPV6, 255);
	packet_eth(&p, all_nodes, e->own_mac, ETH_P_IPV6);
	return p;
}

static int frame_solicit(const struct attack_env *e)
{
	struct packet p = neighbour(e, ND_NEIGHBOR_SOLICIT, 0, e->own6);

	return heard(e, &p);
}

static int spoof_na(const struct attack_env *e)
{
	struct packet p = neighbour(e, ND_NEIGHBOR_ADVERT, 0x20000000, e->gateway6);

	return heard(e, &p);
}

/* The words of an advertisement's head: hop limit and lifetime, then times (RFC 4861, 4.2). */
static int spoof_ra(const struct attack_env *e)
{
	struct packet p = neighbour(e, ND_ROUTER_ADVERT, 64u << 24 | 1800,
				    (struct in6_addr){ .s6_addr = { 0 } });

	return heard(e, &p);
}

static int gateway_mark6(const struct attack_env *e)
{
	return relay_gateway(e, ETH_P_IPV6, (struct iovec){ (void *)e->mark, e->mark_len });
}

#define HEARD(by) .helper = by, .where = PLACE_ROGUE
#define DRAWS(by) .helper = by, .where = PLACE_GATEWAY

const struct attack attacks_frame[] = {
	{ "frame_bcast", "a datagram in a broadcast frame", STOP_LSM, NEEDS_NET_RAW,
	  .run = frame_bcast, HEARD(hear_ip4) },
	{ "frame_mcast", "a datagram in a multicast frame", STOP_LSM, NEEDS_NET_RAW,
	  .run = frame_mcast, HEARD(hear_ip4) },
	{ "frame_mcast6", "the same over IPv6", STOP_LSM, NEEDS_NET_RAW, .run = frame_mcast6,
	  HEARD(hear_ip6) },
	{ "frame_forged", "from the gateway's MAC, which the bridge then sees here", STOP_LSM,
	  NEEDS_NET_RAW, ATTACK_DIRTY, .run = frame_forged },
	{ "frame_gateway", "to the gateway's MAC, whose tunnel is down", STOP_I2, NEEDS_NET_RAW,
	  .run = frame_gateway },
	{ "frame_vlan0", "with a VLAN tag that names no VLAN", STOP_LSM, NEEDS_NET_RAW,
	  .run = frame_vlan0 },
	{ "frame_vlan5", "with a VLAN tag", STOP_LSM, NEEDS_NET_RAW, .run = frame_vlan5,
	  HEARD(hear_ip4) },
	{ "frame_type", "of a type that nobody has", STOP_LSM, NEEDS_NET_RAW, .run = frame_type,
	  HEARD(hear_type) },
	{ "frame_lldp", "LLDP, which a bridge keeps for itself", STOP_LSM, NEEDS_NET_RAW,
	  .run = frame_lldp, HEARD(hear_lldp) },
	{ "frame_mpls", "MPLS", STOP_LSM, NEEDS_NET_RAW, .run = frame_mpls, HEARD(hear_mpls) },
	{ "frame_length", "IEEE 802.3, with a length for a type", STOP_LSM, NEEDS_NET_RAW,
	  .run = frame_length, HEARD(hear_length) },
	{ "frame_solicit", "the mark behind a neighbour solicitation", STOP_LSM, NEEDS_NET_RAW,
	  .run = frame_solicit, HEARD(hear_ip6) },
	{ "arp_trailer", "the mark behind an ARP request", STOP_LSM, NEEDS_NET_RAW,
	  .run = arp_trailer, HEARD(hear_arp_mark) },
	{ "arp_fields", "an ARP request whose fields are the message, to the host", STOP_LSM,
	  NEEDS_NET_RAW, .run = arp_fields, HEARD(hear_question) },
	{ "arp_neighbours", "an ARP request whose fields are the message, to the neighbours",
	  STOP_OUT, NEEDS_NET_RAW, .run = arp_fields, DRAWS(gateway_question),
	  .why_out = "ARP has to reach the neighbours; the gateway and the peers are trusted with "
		     "far more" },
	{ "spoof_arp", "ARP that claims the gateway's address", STOP_LSM, NEEDS_NET_RAW,
	  .run = spoof_arp, DRAWS(hear_arp_claim) },
	{ "spoof_na", "a neighbour advertisement that claims the gateway's address", STOP_LSM,
	  NEEDS_NET_RAW, .run = spoof_na, DRAWS(gateway_mark6) },
	{ "spoof_ra", "a router advertisement", STOP_LSM, NEEDS_NET_RAW, .run = spoof_ra,
	  DRAWS(gateway_mark6) },
	{ .name = NULL },
};
