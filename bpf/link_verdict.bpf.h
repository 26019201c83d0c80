/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The decisions on the link: may this frame pass the gateway's uplink (I2), the VPN network's
 * bridge or a protected container's port (I3)? Pure, as bpf/verdict.bpf.h is, and compiled into
 * user space for the tests. The first test that speaks gives the reason.
 *
 * An audit mode and a pause are the caller's: here a refusal is a refusal.
 */
#ifndef BPFGUARD_LINK_VERDICT_BPF_H
#define BPFGUARD_LINK_VERDICT_BPF_H

#include "bpf/verdict.bpf.h"

#define BG_ETH_IP4     0x0800
#define BG_ETH_ARP     0x0806
#define BG_ETH_IP6     0x86dd
#define BG_ARP_FRAME   42 /* Ethernet header and ARP for IPv4 */
#define BG_ARP_PAD     18 /* up to the 60 bytes that Ethernet wants at least */
#define BG_ND_RS       133
#define BG_ND_RA       134
#define BG_ND_NS       135
#define BG_ND_NA       136
#define BG_ND_REDIRECT 137

/* What a frame is known to be; bg_flow has the rest. */
enum bg_frame_flags {
	BG_L_READ = 1 << 0,	 /* the Ethernet header could be read */
	BG_L_FORWARDED = 1 << 1, /* came in by another device: nothing the gateway made */
	BG_L_VLAN = 1 << 2,	 /* tagged, in the frame or beside it */
	BG_L_ARP = 1 << 3,	 /* well-formed ARP; the flow has its addresses */
	BG_L_ROUTER = 1 << 4,	 /* router advertisement or redirect */
	BG_L_CLAIM = 1 << 5,	 /* `claim` is an IPv6 address that the sender says is its own */
};

struct bg_frame {
	__u8 dst[6], src[6];
	__u16 type; /* host order */
	__u16 flags;
	__u32 claim[4];
};

/* RFC 826, for IPv4 over Ethernet. */
struct bg_arp {
	__u8 htype[2], ptype[2]; /* big-endian */
	__u8 hlen, plen;
	__u8 op[2];
	__u8 sha[6], spa[4], tha[6], tpa[4];
};

BG_INLINE bool bg_same_mac(const __u8 *a, const __u8 *b)
{
	return !((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3]) | (a[4] ^ b[4]) |
		 (a[5] ^ b[5]));
}

BG_INLINE bool bg_is_group_mac(const __u8 *mac)
{
	return mac[0] & 1;
}

/*
 * Noise that every host makes (mDNS, MLD, IGMP, LLMNR): refused and counted, but no event. Whoever
 * hides in it is refused all the same.
 */
BG_INLINE bool bg_is_noise(const struct bg_frame *fr)
{
	return bg_is_group_mac(fr->dst);
}

/*
 * ARP that carries nothing else. trailer: what is behind it, all in one byte. As the kernel makes
 * it, or padded with zeros to the least that Ethernet carries, and no length between.
 */
BG_INLINE bool bg_is_arp(const struct bg_arp *a, const struct bg_frame *fr, __u32 len, __u8 trailer)
{
	if ((len != BG_ARP_FRAME && len != BG_ARP_FRAME + BG_ARP_PAD) || trailer)
		return false;
	return !a->htype[0] && a->htype[1] == 1 && a->ptype[0] == 8 && !a->ptype[1] &&
	       a->hlen == 6 && a->plen == 4 && !a->op[0] && (a->op[1] == 1 || a->op[1] == 2) &&
	       bg_same_mac(a->sha, fr->src);
}

/* What the programs can say of a guard before they look at a frame. */
BG_INLINE bool bg_link_early(const struct bg_guard *g, const struct bg_frame *fr,
			     struct bg_decision *d)
{
	if (!g || !g->generation || g->abi != BG_ABI) {
		bg_say(d, BG_DENY, BG_R_NOT_LOADED, 0);
		return true;
	}
	if (!(fr->flags & BG_L_READ)) {
		bg_say(d, BG_DENY, BG_R_MALFORMED, 0);
		return true;
	}
	return false;
}

/* All ones if v is zero, else zero: no branch, which in a loop would double the verifier's ways. */
BG_INLINE __u64 bg_if_zero(__u64 v)
{
	return (__u64)((__s64)(~v & (v - 1)) >> 63);
}

/* Unused entries have no family and fit nothing, so all are looked at, whatever their number. */
BG_INLINE __u64 bg_fits_endpoint(const struct bg_endpoint *e, const struct bg_flow *f,
				 __u64 any_port)
{
	__u64 off = (e->family ^ f->family) | (e->proto ^ f->proto) |
		    ((__u64)(e->port ^ f->dport) & ~any_port) | (e->addr[0] ^ f->daddr[0]) |
		    (e->addr[1] ^ f->daddr[1]) | (e->addr[2] ^ f->daddr[2]) |
		    (e->addr[3] ^ f->daddr[3]);

	return bg_if_zero(off);
}

BG_INLINE __u64 bg_fits_outbound(const struct bg_outbound *o, const struct bg_flow *f)
{
	__u64 off = (o->family ^ f->family) | ((f->daddr[0] & o->mask[0]) ^ o->addr[0]) |
		    ((f->daddr[1] & o->mask[1]) ^ o->addr[1]) |
		    ((f->daddr[2] & o->mask[2]) ^ o->addr[2]) |
		    ((f->daddr[3] & o->mask[3]) ^ o->addr[3]);

	return bg_if_zero(off);
}

/*
 * Where the uplink leads: the reason to allow, or none; up NULL: none. Only later fragments may
 * lack ports; whatever else has none has port 0, which no endpoint has.
 */
BG_INLINE __u8 bg_fits_uplink(const struct bg_uplink *up, const struct bg_flow *f)
{
	__u64 ports = (f->flags / BG_F_PORTS) & 1, later = (f->flags / BG_F_FRAGMENT) & ~ports & 1;
	__u64 any_port = 0 - later, endpoint = 0, outbound = 0;
	__u32 i;

	if (!up)
		return BG_R_NONE;
	for (i = 0; i < BG_MAX_ENDPOINTS; i++)
		endpoint |= bg_fits_endpoint(&up->endpoint[i], f, any_port);
	for (i = 0; i < BG_MAX_OUTBOUND; i++)
		outbound |= bg_fits_outbound(&up->outbound[i], f);
	return (endpoint & BG_R_ENDPOINT) | (outbound & ~endpoint & BG_R_LOCAL);
}

/* Both sides of the uplink; `fits` is bg_fits_uplink()'s; only the one inside the gateway's
 * namespace can see BG_L_FORWARDED. */
BG_INLINE void bg_decide_uplink(const struct bg_guard *g, __u8 fits, const struct bg_frame *fr,
				const struct bg_flow *f, struct bg_decision *d)
{
	if (bg_link_early(g, fr, d))
		return;
	if (fr->flags & BG_L_FORWARDED)
		return bg_say(d, BG_DENY, BG_R_FORWARDED_UPLINK, 0);
	if (fr->flags & BG_L_VLAN)
		return bg_say(d, BG_DENY, BG_R_LINK_PROTOCOL, 0);
	if (fr->flags & BG_L_ARP)
		return bg_say(d, BG_ALLOW, BG_R_NEIGHBOUR, 0);
	if (fr->type != BG_ETH_IP4 && fr->type != BG_ETH_IP6)
		return bg_say(d, BG_DENY, BG_R_LINK_PROTOCOL, 0);
	if (f->flags & BG_F_MALFORMED)
		return bg_say(d, BG_DENY, BG_R_MALFORMED, 0);
	if (f->flags & BG_F_NEIGHBOUR)
		return bg_say(d, BG_ALLOW, BG_R_NEIGHBOUR, 0);
	if (f->flags & BG_F_OPTIONS)
		return bg_say(d, BG_DENY, BG_R_IP_OPTIONS, 0);
	bg_say(d, fits ? BG_ALLOW : BG_DENY, fits ? fits : BG_R_UPLINK_ELSEWHERE, 0);
}

/* The VPN network's bridge: a frame that comes so far is for the host, whatever it is. */
BG_INLINE void bg_decide_seal_bridge(const struct bg_guard *g, const struct bg_frame *fr,
				     struct bg_decision *d)
{
	if (!bg_link_early(g, fr, d))
		bg_say(d, BG_DENY, BG_R_LINK_HOST, 0);
}

BG_INLINE bool bg_is_gateway4(const struct bg_guard *g, __u32 addr)
{
	__u32 i;

	for (i = 0; i < BG_MAX_GATEWAYS && i < g->n_gw4; i++)
		if (addr == g->gw4[i])
			return true;
	return false;
}

BG_INLINE bool bg_is_gateway6(const struct bg_guard *g, const __u32 *addr)
{
	__u32 i;

	for (i = 0; i < BG_MAX_GATEWAYS && i < g->n_gw6; i++)
		if (bg_same6(addr, g->gw6[i]))
			return true;
	return false;
}

/* Does somebody who is not the gateway speak for it? Its neighbours would send to him. */
BG_INLINE bool bg_is_spoof(const struct bg_guard *g, const struct bg_frame *fr,
			   const struct bg_flow *f)
{
	if (fr->flags & BG_L_ARP)
		return bg_is_gateway4(g, f->saddr[0]);
	if (fr->flags & BG_L_ROUTER)
		return true;
	return (fr->flags & BG_L_CLAIM) && bg_is_gateway6(g, fr->claim);
}

/* IPv6 frames: what is refused whoever it goes to. */
BG_INLINE __u8 bg_port_reason6(const struct bg_guard *g, const struct bg_flow *f)
{
	if (!(g->flags & BG_G_IPV6))
		return BG_R_IPV6_NO_GATEWAY;
	if (f->flags & BG_F_MALFORMED)
		return BG_R_MALFORMED;
	/* neighbour discovery behind an extension header would be taken for it by the receiver */
	return f->flags & BG_F_OPTIONS && !(f->flags & BG_F_NEIGHBOUR) ? BG_R_IP_OPTIONS
								       : BG_R_NONE;
}

/*
 * A protected container's port, or the gateway's own. `peer`: the destination's MAC is one of the
 * slot's. An IPv4 frame is judged by its MACs alone: its flow may be empty.
 */
BG_INLINE void bg_decide_port(const struct bg_guard *g, __u32 slot, const struct bg_port *port,
			      bool peer, const struct bg_frame *fr, const struct bg_flow *f,
			      struct bg_decision *d)
{
	__u8 reason = BG_R_NONE;

	if (bg_link_early(g, fr, d))
		return;
	if (!port || !(port->flags & BG_PORT_VPN) || port->slot != slot)
		return bg_say(d, BG_DENY, BG_R_LINK_OTHER_NETWORK, 0);
	if (!bg_same_mac(fr->src, port->mac))
		return bg_say(d, BG_DENY, BG_R_LINK_SPOOF, 0);
	if (fr->type == BG_ETH_IP6)
		reason = bg_port_reason6(g, f);
	else if (fr->type != BG_ETH_IP4 && !(fr->flags & BG_L_ARP))
		reason = BG_R_LINK_PROTOCOL;
	if (fr->flags & BG_L_VLAN)
		reason = BG_R_LINK_PROTOCOL;
	if (reason)
		return bg_say(d, BG_DENY, reason, 0);
	if (!(port->flags & BG_PORT_GATEWAY) && bg_is_spoof(g, fr, f))
		return bg_say(d, BG_DENY, BG_R_LINK_SPOOF, 0);
	if (!bg_is_group_mac(fr->dst)) {
		if (peer)
			return bg_say(d, BG_ALLOW, BG_R_PEER, 0);
		return bg_say(d, BG_DENY, BG_R_LINK_UNKNOWN_MAC, 0);
	}
	if ((fr->flags & (BG_L_ARP | BG_L_ROUTER)) || (f->flags & BG_F_NEIGHBOUR))
		return bg_say(d, BG_ALLOW, BG_R_NEIGHBOUR, 0);
	bg_say(d, BG_DENY, BG_R_LINK_UNKNOWN_MAC, 0);
}

#endif /* BPFGUARD_LINK_VERDICT_BPF_H */
