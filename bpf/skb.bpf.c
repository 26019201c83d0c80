// SPDX-License-Identifier: GPL-2.0-only
/*
 * cgroup_skb/egress: the enforcement. Sees every IP packet that a socket of the guard sends, on
 * every kernel, whatever call or protocol made it, before fragmentation and segmentation.
 */
#include "vmlinux/vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "bpf/event.bpf.h"
#include "bpf/flow.bpf.h"

const volatile __u32 bg_slot;

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
	struct bg_report r = {};
	struct bg_decision d = {};

	if (!g || !g->generation) {
		r.flow.hook = BG_HOOK_EGRESS;
		r.reason = BG_R_NOT_LOADED;
		return bg_refuse(ctx, &r);
	}
	bg_flow_skb(&r.flow, ctx, g);
	bg_decide_packet(g, bg_slot, &r.flow, bg_lease_here(), bpf_ktime_get_boot_ns(), &d);
	if (g->dns_mode == BG_DNS_LOCAL_NAMES && !(g->flags & BG_G_AUDIT) &&
	    bg_turn_back(ctx, g, &r.flow))
		return 0;
	if (d.verdict == BG_ALLOW) {
		bg_count(bg_slot, d.reason);
		return 1;
	}
	r.reason = d.reason;
	return bg_refuse(ctx, &r);
}

/*
 * Not attached: the log runs it (BPF_PROG_TEST_RUN) to turn what was folded since the last event
 * of its kind into events, so that the last repeats of a burst are not left in the kernel.
 * mark 1: also those whose window is still open.
 */
static long bg_flush_one(void *map, struct bg_fold_key *key, struct bg_fold *e,
			 struct __sk_buff **ctx)
{
	__u64 now = bpf_ktime_get_boot_ns();
	struct bg_report r = {};
	const struct bg_guard *g;
	__s64 n = e->pending;
	__u32 zero = 0, slot = key->slot;
	void *generation;

	(void)map;
	/* no room: the counts wait, rather than taking numbers for events that would be lost */
	if (bpf_ringbuf_query(&bg_event, BPF_RB_AVAIL_DATA) + sizeof(struct bg_event) + 8 >
	    BG_RING_BYTES)
		return 1;
	if (n <= 0 || (now < e->window_ns && (*ctx)->mark != 1))
		return 0;
	__sync_fetch_and_add(&e->pending, -n);
	generation = bpf_map_lookup_elem(&bg_policy, &zero);
	g = generation ? bpf_map_lookup_elem(generation, &slot) : 0;
	r.count = n;
	r.reason = key->reason;
	r.generation = e->generation;
	r.verdict = g && (g->flags & BG_G_AUDIT) ? BG_WOULD_DENY : BG_DENY;
	r.flow = e->flow;
	r.who.cgroup = e->cgroup;
	r.who.pid = e->pid;
	r.who.tgid = key->tgid;
	r.who.uid = e->uid;
	__builtin_memcpy(r.who.comm, e->comm, sizeof(r.who.comm));
	if (bg_submit(slot, &r, g))
		__sync_fetch_and_add(&e->pending, n);
	return 0;
}

SEC("cgroup_skb/egress")
int bg_flush(struct __sk_buff *ctx)
{
	bpf_for_each_map_elem(&bg_fold, bg_flush_one, &ctx, 0);
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
