/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a frame at a device to what bpf/link_verdict.bpf.h judges. tc shows it from its Ethernet
 * header on. What cannot be read is refused.
 */
#ifndef BPFGUARD_FRAME_BPF_H
#define BPFGUARD_FRAME_BPF_H

#include "bpf/event.bpf.h"
#include "bpf/flow.bpf.h"
#include "bpf/link_verdict.bpf.h"

#define BG_ETH_HEAD   14
#define BG_BEHIND_IP4 (BG_ETH_HEAD + sizeof(struct bg_ip4))
#define BG_BEHIND_IP6 (BG_ETH_HEAD + sizeof(struct bg_ip6))
#define BG_IP4_OFFSET 0x1fff
#define BG_IP6_OFFSET 0xfff8
#define BG_NEXT_FRAG  44
#define BG_ND_TARGET  8 /* of a neighbour message's address, behind the ICMPv6 header's start */

struct bg_eth {
	__u8 dst[6], src[6];
	__be16 type;
};

struct bg_frag6 {
	__u8 next, reserved;
	__be16 offset;
	__be32 id;
};

BG_INLINE void bg_frame_eth(struct bg_frame *fr, struct __sk_buff *ctx)
{
	struct bg_eth e;

	if (bpf_skb_load_bytes(ctx, 0, &e, sizeof(e)))
		return;
	__builtin_memcpy(fr->dst, e.dst, sizeof(fr->dst));
	__builtin_memcpy(fr->src, e.src, sizeof(fr->src));
	fr->type = bpf_ntohs(e.type);
	fr->flags |= BG_L_READ;
	if (ctx->vlan_present)
		fr->flags |= BG_L_VLAN;
}

/* All bytes behind the ARP message in one, 0 if there are none but zeros. */
BG_INLINE __u8 bg_frame_trailer(struct __sk_buff *ctx)
{
	__u8 pad[BG_ARP_PAD], all = 0;
	__u32 i;

	if (ctx->len != BG_ARP_FRAME + BG_ARP_PAD)
		return 0;
	if (bpf_skb_load_bytes(ctx, BG_ARP_FRAME, pad, sizeof(pad)))
		return 1;
	for (i = 0; i < BG_ARP_PAD; i++)
		all |= pad[i];
	return all;
}

BG_INLINE void bg_frame_arp(struct bg_frame *fr, struct bg_flow *f, struct __sk_buff *ctx)
{
	struct bg_arp a;

	if (bpf_skb_load_bytes(ctx, BG_ETH_HEAD, &a, sizeof(a)))
		return;
	if (bg_is_arp(&a, fr, ctx->len, bg_frame_trailer(ctx)))
		fr->flags |= BG_L_ARP;
	f->family = 4;
	__builtin_memcpy(f->saddr, a.spa, sizeof(a.spa));
	__builtin_memcpy(f->daddr, a.tpa, sizeof(a.tpa));
}

/* `later`: a fragment behind the first, which has no ports. */
BG_INLINE void bg_frame_ports(struct bg_flow *f, struct __sk_buff *ctx, __u32 off, bool later)
{
	__be16 port[2];

	if (later || (f->proto != BG_PROTO_TCP && f->proto != BG_PROTO_UDP))
		return;
	if (bpf_skb_load_bytes(ctx, off, port, sizeof(port)))
		f->flags |= BG_F_MALFORMED;
	else
		bg_flow_ports(f, port);
}

BG_INLINE void bg_frame_ip4(struct bg_flow *f, struct __sk_buff *ctx)
{
	struct bg_ip4 ip;

	f->family = 4;
	if (bpf_skb_load_bytes(ctx, BG_ETH_HEAD, &ip, sizeof(ip)) || ip.ver_ihl >> 4 != 4 ||
	    (ip.ver_ihl & 15) < 5) {
		f->flags |= BG_F_MALFORMED;
		return;
	}
	f->proto = ip.proto;
	f->saddr[0] = ip.saddr;
	f->daddr[0] = ip.daddr;
	if ((ip.ver_ihl & 15) != 5) {
		f->flags |= BG_F_OPTIONS;
		return;
	}
	if (ip.frag & bpf_htons(BG_IP_MF_OFFSET))
		f->flags |= BG_F_FRAGMENT;
	bg_frame_ports(f, ctx, BG_BEHIND_IP4, ip.frag & bpf_htons(BG_IP4_OFFSET));
}

/* Whom does a neighbour message speak for? RFC 4861, 4.1 to 4.5; on receipt Linux goes by these. */
BG_INLINE void bg_frame_claim(struct bg_frame *fr, struct bg_flow *f, struct __sk_buff *ctx)
{
	__u32 target[4];
	__u8 type;

	if (bpf_skb_load_bytes(ctx, BG_BEHIND_IP6, &type, 1)) {
		f->flags |= BG_F_MALFORMED;
		return;
	}
	if (type == BG_ND_RA || type == BG_ND_REDIRECT)
		fr->flags |= BG_L_ROUTER;
	if (type != BG_ND_RS && type != BG_ND_NS && type != BG_ND_NA)
		return;
	fr->flags |= BG_L_CLAIM;
	__builtin_memcpy(fr->claim, f->saddr, sizeof(fr->claim));
	/* a solicitation without a source asks for an address to take it (RFC 4862, 5.4.2) */
	if (type == BG_ND_NA ||
	    (type == BG_ND_NS && !(f->saddr[0] | f->saddr[1] | f->saddr[2] | f->saddr[3]))) {
		if (bpf_skb_load_bytes(ctx, BG_BEHIND_IP6 + BG_ND_TARGET, target, sizeof(target)))
			f->flags |= BG_F_MALFORMED;
		else
			__builtin_memcpy(fr->claim, target, sizeof(fr->claim));
	}
}

BG_INLINE void bg_frame_frag6(struct bg_flow *f, struct __sk_buff *ctx)
{
	struct bg_frag6 frag;

	if (bpf_skb_load_bytes(ctx, BG_BEHIND_IP6, &frag, sizeof(frag))) {
		f->flags |= BG_F_MALFORMED;
		return;
	}
	f->proto = frag.next;
	/* no chain of headers behind it: Linux takes no neighbour message out of fragments
	 * (RFC 6980; ndisc_rcv() in net/ipv6/ndisc.c), but might out of what they hide
	 */
	if (!bg_is_plain_proto(f)) {
		f->flags |= BG_F_OPTIONS;
		return;
	}
	f->flags |= BG_F_FRAGMENT;
	bg_frame_ports(f, ctx, BG_BEHIND_IP6 + sizeof(frag),
		       frag.offset & bpf_htons(BG_IP6_OFFSET));
}

BG_INLINE void bg_frame_ip6(struct bg_frame *fr, struct bg_flow *f, struct __sk_buff *ctx)
{
	struct bg_ip6 ip;

	f->family = 6;
	if (bpf_skb_load_bytes(ctx, BG_ETH_HEAD, &ip, sizeof(ip)) ||
	    bpf_ntohl(ip.ver_tc_flow) >> 28 != 6) {
		f->flags |= BG_F_MALFORMED;
		return;
	}
	f->proto = ip.next;
	__builtin_memcpy(f->saddr, ip.saddr, sizeof(f->saddr));
	__builtin_memcpy(f->daddr, ip.daddr, sizeof(f->daddr));
	if (bg_is_neighbour(ctx, &ip, BG_BEHIND_IP6))
		f->flags |= BG_F_NEIGHBOUR;
	switch (ip.next) {
	case BG_PROTO_ICMPV6: bg_frame_claim(fr, f, ctx); return;
	case BG_NEXT_FRAG: bg_frame_frag6(f, ctx); return;
	case 0:	  /* hop-by-hop */
	case 43:  /* routing */
	case 51:  /* authentication */
	case 60:  /* destination options */
	case 135: /* mobility */
	case 139: /* HIP */
	case 140: /* shim6 */ f->flags |= BG_F_OPTIONS; return;
	}
	bg_frame_ports(f, ctx, BG_BEHIND_IP6, false);
}

/* Everything behind the Ethernet header. */
BG_INLINE void bg_frame_rest(struct bg_frame *fr, struct bg_flow *f, struct __sk_buff *ctx)
{
	if (fr->type == BG_ETH_ARP)
		bg_frame_arp(fr, f, ctx);
	else if (fr->type == BG_ETH_IP4)
		bg_frame_ip4(f, ctx);
	else if (fr->type == BG_ETH_IP6)
		bg_frame_ip6(fr, f, ctx);
}

#endif /* BPFGUARD_FRAME_BPF_H */
