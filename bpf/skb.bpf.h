/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cgroup_skb/egress: the enforcement. Sees every IP packet that a socket of the guard sends, on
 * every kernel, whatever call or protocol made it, before fragmentation and segmentation.
 */
#ifndef BPFGUARD_SKB_BPF_H
#define BPFGUARD_SKB_BPF_H

#include "bpf/event.bpf.h"
#include "bpf/flow.bpf.h"

#define BG_UDP_QUESTION4 (20 + 8 + 12)
#define BG_UDP_QUESTION6 (40 + 8 + 12)
#define BG_DNS_LOCAL_NS	 3000000000ull

/* Softirq sends much of a socket's traffic, so `current` is not asked: the socket knows its maker.
 */
BG_INLINE void bg_socket_owner(struct bg_owner *who, struct __sk_buff *ctx)
{
	struct bpf_sock *sk = ctx->sk;
	struct bg_owner *o;

	sk = sk ? bpf_sk_fullsock(sk) : 0;
	o = sk ? bpf_sk_storage_get(&bg_owner, sk, 0, 0) : 0;
	if (o)
		*who = *o;
	else
		bg_count_stat(BG_STAT_NO_OWNER);
	who->cgroup = bpf_skb_cgroup_id(ctx);
}

/*
 * dns.mode local-names. A query for a single-label name that was captured for the gateway is
 * turned back once, and its thread's next try goes to Docker's resolver; a dotted name that tries
 * Docker's resolver is denied, and its thread's next try goes to the gateway. Resolvers retry a
 * failed send at once. Returns true if the packet is to be turned back without being a denial.
 */
BG_INLINE bool bg_turn_back(struct __sk_buff *ctx, const struct bg_guard *g,
			    const struct bg_flow *f)
{
	struct bpf_sock *sk = ctx->sk;
	struct bg_dns_orig *orig;
	struct bg_owner *o;
	__u64 until = bpf_ktime_get_boot_ns() + BG_DNS_LOCAL_NS;
	__u32 pid;

	if (f->proto != BG_PROTO_UDP || f->family != 4)
		return false;
	sk = sk ? bpf_sk_fullsock(sk) : 0;
	o = sk ? bpf_sk_storage_get(&bg_owner, sk, 0, 0) : 0;
	if (!o)
		return false;
	pid = o->pid;
	if (f->daddr[0] == bg_htonl(BG_DOCKER_DNS)) {
		if (!(f->flags & BG_F_DNS_SINGLE))
			bpf_map_delete_elem(&bg_dns_local, &pid);
		return false;
	}
	if (!(f->flags & BG_F_DNS_SINGLE) || f->dport != BG_PORT_DNS || !bg_is_resolver(g, f))
		return false;
	orig = bpf_sk_storage_get(&bg_dns_orig, sk, 0, 0);
	if (!orig || orig->family != 4 || orig->addr[0] != bg_htonl(BG_DOCKER_DNS))
		return false;
	if (bpf_map_update_elem(&bg_dns_local, &pid, &until, BPF_ANY))
		return false;
	bg_count_stat(BG_STAT_TURNED_BACK);
	return true;
}

static __noinline int bg_refuse(struct __sk_buff *ctx, struct bg_report *r)
{
	const struct bg_guard *g = bg_guard_here();
	bool query = r->flow.proto == BG_PROTO_UDP &&
		     (r->flow.dport == BG_PORT_DNS || r->reason == BG_R_DNS_ELSEWHERE);

	if (bg_let_pass_paused())
		return 1;
	r->verdict = g && (g->flags & BG_G_AUDIT) ? BG_WOULD_DENY : BG_DENY;
	r->generation = g ? g->generation : 0;
	bg_socket_owner(&r->who, ctx);
	if (query)
		bg_denied(bg_slot, r, g, ctx,
			  r->flow.family == 4 ? BG_UDP_QUESTION4 : BG_UDP_QUESTION6);
	else
		bg_denied(bg_slot, r, g, 0, 0);
	return r->verdict == BG_WOULD_DENY;
}

SEC("cgroup_skb/egress")
int bg_egress(struct __sk_buff *ctx)
{
	const struct bg_guard *g = bg_guard_here();
	struct bg_decision d = { .reason = BG_R_NOT_LOADED };
	struct bg_report r; /* all but the flow is bg_refuse()'s to fill */

	__builtin_memset(&r.flow, 0, sizeof(r.flow));
	r.flow.hook = BG_HOOK_EGRESS;
	if (g && g->generation) {
		bg_flow_skb(&r.flow, ctx, g);
		bg_decide_packet(g, bg_slot, &r.flow, bg_lease_here(), bg_now_for(g), &d);
		d.reason = bg_opaque(d.reason, ctx->len);
		d.verdict = bg_opaque(d.verdict, ctx->len);
		if (g->dns_mode == BG_DNS_LOCAL_NAMES && !(g->flags & BG_G_AUDIT) &&
		    bg_turn_back(ctx, g, &r.flow))
			return 0;
		if (d.verdict == BG_ALLOW) {
			bg_count(bg_slot, d.reason);
			return 1;
		}
	}
	/* cleared only here: for each packet it would cost as much as the decision */
	__builtin_memset(&r.who, 0, sizeof(r.who));
	r.count = 0;
	r.generation = 0;
	r.verdict = BG_DENY;
	r.reason = d.reason;
	r.pad[0] = r.pad[1] = 0;
	bg_forget_ways(&r);
	return bg_refuse(ctx, &r);
}

#endif /* BPFGUARD_SKB_BPF_H */
