// SPDX-License-Identifier: GPL-2.0-only
/*
 * The link's programs: tc, direct action, one set a guard. They stand on devices and not on
 * sockets, so they see what the packet hook never does: what is forwarded, what AF_PACKET, AF_XDP
 * and tunnels send, and what processes outside of the guard do in its namespaces.
 *
 * What passes here goes on to the programs of others (TC_ACT_UNSPEC).
 */
#include "vmlinux/vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <linux/pkt_cls.h>

#define BG_NO_SOCKETS
#include "bpf/frame.bpf.h"

const volatile __u32 bg_slot;

/* What a frame tells, and what becomes of it. */
struct bg_look {
	struct bg_frame frame;
	struct bg_decision d;
	__u64 cgroup;
};

BG_INLINE void bg_look_begin(struct bg_look *l, struct bg_report *r, struct __sk_buff *ctx,
			     __u8 hook)
{
	__builtin_memset(l, 0, sizeof(*l));
	__builtin_memset(&r->flow, 0, sizeof(r->flow));
	r->flow.hook = hook;
	bg_frame_eth(&l->frame, ctx);
}

/* A refusal: counted, reported, or let through when audited or paused. */
static __noinline int bg_refuse_frame(struct __sk_buff *ctx, struct bg_report *r, __u32 noise)
{
	const struct bg_guard *g = bg_guard_here();
	bool audit = g && (g->flags & BG_G_AUDIT);

	if (bg_let_pass_paused())
		return TC_ACT_UNSPEC;
	r->verdict = audit ? BG_WOULD_DENY : BG_DENY;
	r->generation = g ? g->generation : 0;
	r->flow.ifindex = ctx->ifindex;
	if (noise)
		bg_count(bg_slot, r->reason);
	else
		bg_denied(bg_slot, r, g, 0, 0);
	return audit ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}

BG_INLINE int bg_look_end(struct bg_look *l, struct bg_report *r, struct __sk_buff *ctx)
{
	if (l->d.verdict == BG_ALLOW) {
		bg_count(bg_slot, l->d.reason);
		return TC_ACT_UNSPEC;
	}
	__builtin_memset(&r->who, 0, sizeof(r->who));
	r->who.cgroup = l->cgroup;
	r->count = 0;
	r->generation = 0;
	r->verdict = BG_DENY;
	r->reason = l->d.reason;
	r->pad[0] = r->pad[1] = 0;
	bg_forget_ways(r);
	return bg_refuse_frame(ctx, r, bg_is_noise(&l->frame));
}

/* As bg_forget_ways(): what was read of the frame, and no longer on which way. */
BG_INLINE void bg_forget_frame(struct bg_look *l, struct bg_report *r)
{
	bpf_probe_read_kernel(&l->frame, sizeof(l->frame), &l->frame);
	bpf_probe_read_kernel(&r->flow, sizeof(r->flow), &r->flow);
}

/*
 * Global, so that the verifier walks the tables once and not for each way that leads here: of its
 * arguments it knows nothing. what: flags, proto, family and port of the flow; lo, hi: its
 * destination.
 */
int bg_fits(__u64 what, __u64 lo, __u64 hi);

__noinline int bg_fits(__u64 what, __u64 lo, __u64 hi)
{
	struct bg_flow f = {
		.flags = what >> 32,
		.proto = what >> 24,
		.family = what >> 16,
		.dport = what,
		.daddr = { lo, lo >> 32, hi, hi >> 32 },
	};
	__u32 slot = bg_slot;

	return bg_fits_uplink(bpf_map_lookup_elem(&bg_uplink, &slot), &f);
}

BG_INLINE __u8 bg_fits_here(const struct bg_flow *f)
{
	return bg_fits((__u64)f->flags << 32 | (__u32)f->proto << 24 | f->family << 16 | f->dport,
		       f->daddr[0] | (__u64)f->daddr[1] << 32,
		       f->daddr[2] | (__u64)f->daddr[3] << 32);
}

/*
 * A forwarded packet has the device that it came in by (skb_iif, set in
 * __netif_receive_skb_core(), net/core/dev.c); one that a socket or the kernel here made has none.
 * What a tunnel device wraps it takes for its own: skb_scrub_packet() (net/core/skbuff.c) clears
 * skb_iif, called by WireGuard's wg_reset_packet() (drivers/net/wireguard/queueing.h) and by
 * iptunnel_xmit().
 */
SEC("tc")
int bg_uplink_out(struct __sk_buff *ctx)
{
	struct bg_report r;
	struct bg_look l;

	bg_look_begin(&l, &r, ctx, BG_HOOK_UPLINK);
	if (ctx->ingress_ifindex)
		l.frame.flags |= BG_L_FORWARDED;
	bg_frame_rest(&l.frame, &r.flow, ctx);
	bg_forget_frame(&l, &r);
	bg_decide_uplink(bg_guard_here(), bg_fits_here(&r.flow), &l.frame, &r.flow, &l.d);
	return bg_look_end(&l, &r, ctx);
}

/* The same on the host's side, which outlives the gateway; here all packets came in somewhere. */
SEC("tc")
int bg_uplink_bridge(struct __sk_buff *ctx)
{
	struct bg_report r;
	struct bg_look l;

	bg_look_begin(&l, &r, ctx, BG_HOOK_UPLINK_BRIDGE);
	bg_frame_rest(&l.frame, &r.flow, ctx);
	bg_forget_frame(&l, &r);
	bg_decide_uplink(bg_guard_here(), bg_fits_here(&r.flow), &l.frame, &r.flow, &l.d);
	return bg_look_end(&l, &r, ctx);
}

SEC("tc")
int bg_seal_bridge(struct __sk_buff *ctx)
{
	struct bg_report r;
	struct bg_look l;

	bg_look_begin(&l, &r, ctx, BG_HOOK_SEAL_BRIDGE);
	bg_frame_rest(&l.frame, &r.flow, ctx);
	bg_decide_seal_bridge(bg_guard_here(), &l.frame, &l.d);
	return bg_look_end(&l, &r, ctx);
}

BG_INLINE bool bg_is_peer(const struct bg_frame *fr)
{
	struct bg_mac_key key = { .slot = bg_slot };

	__builtin_memcpy(key.mac, fr->dst, sizeof(key.mac));
	return bpf_map_lookup_elem(&bg_mac, &key) != 0;
}

SEC("tc")
int bg_seal_port(struct __sk_buff *ctx)
{
	__u32 ifindex = ctx->ifindex;
	const struct bg_port *port = bpf_map_lookup_elem(&bg_port, &ifindex);
	struct bg_report r;
	struct bg_look l;

	bg_look_begin(&l, &r, ctx, BG_HOOK_SEAL_PORT);
	if (port)
		l.cgroup = port->cgroup;
	/* IPv4 is judged by its MACs: the rest is only read for a report */
	if (l.frame.type != BG_ETH_IP4)
		bg_frame_rest(&l.frame, &r.flow, ctx);
	bg_forget_frame(&l, &r);
	bg_decide_port(bg_guard_here(), bg_slot, port, bg_is_peer(&l.frame), &l.frame, &r.flow,
		       &l.d);
	if (l.d.verdict != BG_ALLOW && l.frame.type == BG_ETH_IP4)
		bg_frame_ip4(&r.flow, ctx);
	return bg_look_end(&l, &r, ctx);
}

char LICENSE[] SEC("license") = "GPL";
