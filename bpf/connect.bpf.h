/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * connect() and sendmsg(): refuse at once what the packet hook would drop anyway, and send every
 * DNS query to the guard's resolver; recvmsg() and getpeername() give the program back the address
 * that it asked. An ancestor's program can undo what is said here, never what the packet hook says.
 */
#ifndef BPFGUARD_CONNECT_BPF_H
#define BPFGUARD_CONNECT_BPF_H

#include "bpf/event.bpf.h"
#include "bpf/flow.bpf.h"

/* In local-names mode, a thread that just asked for a single-label name may ask Docker's resolver.
 */
BG_INLINE bool bg_may_ask_docker(const struct bg_guard *g, const struct bg_flow *f)
{
	__u32 pid = (__u32)bpf_get_current_pid_tgid();
	__u64 *until;

	if (g->dns_mode != BG_DNS_LOCAL_NAMES || f->family != 4 || f->proto != BG_PROTO_UDP ||
	    f->daddr[0] != bg_htonl(BG_DOCKER_DNS))
		return false;
	until = bpf_map_lookup_elem(&bg_dns_local, &pid);
	return until && bpf_ktime_get_boot_ns() < *until;
}

/* Remember what the program asked for. Nothing kept: the answer shows the resolver's address. */
BG_INLINE void bg_keep_orig(struct bpf_sock_addr *ctx, const struct bg_flow *asked,
			    const struct bg_flow *sent)
{
	struct bg_dns_orig o = {
		.family = asked->family,
		.port = asked->dport,
		.to_family = sent->family,
		.to_port = sent->dport,
	};
	struct bg_dns_orig *kept;

	__builtin_memcpy(o.addr, asked->daddr, sizeof(o.addr));
	__builtin_memcpy(o.to, sent->daddr, sizeof(o.to));
	kept = bpf_sk_storage_get(&bg_dns_orig, ctx->sk, &o, BPF_SK_STORAGE_GET_F_CREATE);
	if (kept)
		*kept = o;
	else
		bg_count_stat(BG_STAT_NO_OWNER);
}

/* Socket is reused for another peer: what it asked before is over. */
BG_INLINE void bg_forget_orig(struct bpf_sock_addr *ctx)
{
	struct bg_dns_orig *kept = bpf_sk_storage_get(&bg_dns_orig, ctx->sk, 0, 0);

	if (kept)
		kept->family = 0;
}

BG_INLINE void bg_write_addr4(struct bpf_sock_addr *ctx, __u32 addr, bool v6)
{
	if (!v6) {
		ctx->user_ip4 = addr;
		return;
	}
	ctx->user_ip6[0] = 0;
	ctx->user_ip6[1] = 0;
	ctx->user_ip6[2] = bpf_htonl(0xffff);
	ctx->user_ip6[3] = addr;
}

BG_INLINE void bg_write_addr6(struct bpf_sock_addr *ctx, const __u32 *addr)
{
	ctx->user_ip6[0] = addr[0];
	ctx->user_ip6[1] = addr[1];
	ctx->user_ip6[2] = addr[2];
	ctx->user_ip6[3] = addr[3];
}

/*
 * Rewrites the destination to the guard's resolver and the flow with it. A query that cannot be
 * rewritten (IPv6 without an IPv6 resolver, sendmsg: the kernel takes no mapped address there)
 * stays as it is, for the decision to refuse: resolvers go on to their next server.
 */
BG_INLINE void bg_capture(struct bpf_sock_addr *ctx, const struct bg_guard *g, struct bg_flow *f,
			  bool v6, bool mapped_ok)
{
	struct bg_flow asked = *f;

	if (v6 && f->family == 6 && g->n_dns6) {
		bg_write_addr6(ctx, g->dns6[0]);
		__builtin_memcpy(f->daddr, g->dns6[0], sizeof(f->daddr));
	} else if (g->n_dns4 && (f->family == 4 || mapped_ok)) {
		bg_write_addr4(ctx, g->dns4[0], v6);
		f->family = 4;
		f->daddr[0] = g->dns4[0];
		f->daddr[1] = f->daddr[2] = f->daddr[3] = 0;
	} else {
		return;
	}
	bg_keep_orig(ctx, &asked, f);
}

/* A socket that bpf/sockops.bpf.h sent nowhere is tried again: its route may be right by now. */
BG_INLINE void bg_unbind(struct bpf_sock_addr *ctx)
{
	struct bpf_sock *sk = ctx->sk;
	struct bg_owner *o;
	int device = 0;

	if (!sk || sk->bound_dev_if != BG_NO_DEVICE)
		return;
	o = bpf_sk_storage_get(&bg_owner, sk, 0, 0);
	if (o)
		device = o->bound;
	bpf_setsockopt(ctx, SOL_SOCKET, SO_BINDTOIFINDEX, &device, sizeof(device));
}

/*
 * Who connects is whose packets follow: not the maker of a socket that was handed down, and the
 * sockets of MPTCP have no maker at all, since sock_create does not run for them.
 */
BG_INLINE void bg_keep_owner(struct bpf_sock_addr *ctx, struct bg_owner *who)
{
	struct bg_owner *o;

	bg_current(who);
	who->netns = bg_sock_netns(ctx->sk);
	o = bpf_sk_storage_get(&bg_owner, ctx->sk, who, BPF_SK_STORAGE_GET_F_CREATE);
	if (o)
		*o = *who;
	else
		bg_count_stat(BG_STAT_NO_OWNER);
}

/*
 * A query straight to the resolver ends what was captured before on the socket. Not if the socket
 * is connected: the kernel shows sendmsg4 the peer of an IPv6 socket with a mapped address as if
 * the program had named it (udpv6_sendmsg() in net/ipv6/udp.c).
 */
BG_INLINE bool bg_asks_directly(struct bpf_sock_addr *ctx, const struct bg_guard *g,
				const struct bg_flow *f)
{
	struct bpf_sock *sk = ctx->sk;

	return bg_is_resolver(g, f) && !(sk && sk->state == BPF_TCP_ESTABLISHED);
}

BG_INLINE int bg_call(struct bpf_sock_addr *ctx, __u8 hook, bool v6)
{
	const struct bg_guard *g = bg_guard_here();
	struct bg_decision d = { .reason = BG_R_NOT_LOADED };
	bool connecting = hook == BG_HOOK_CONNECT4 || hook == BG_HOOK_CONNECT6;
	struct bg_report r; /* the rest is filled when there is something to report */

	__builtin_memset(&r.flow, 0, sizeof(r.flow));
	r.flow.hook = hook;
	if (connecting) {
		bg_unbind(ctx);
		__builtin_memset(&r.who, 0, sizeof(r.who));
		bg_keep_owner(ctx, &r.who);
	}
	if (g && g->generation) {
		bg_flow_call(&r.flow, ctx, hook, v6);
		if (bg_is_captured(g, &r.flow) && !bg_may_ask_docker(g, &r.flow))
			bg_capture(ctx, g, &r.flow, v6, connecting);
		else if (connecting || bg_asks_directly(ctx, g, &r.flow))
			bg_forget_orig(ctx);
		bg_decide_call(g, bg_slot, &r.flow, bg_lease_here(), bg_now_for(g), &d);
		if (d.verdict == BG_ALLOW)
			return 1;
	}
	if (bg_let_pass_paused())
		return 1;
	if (!connecting) {
		__builtin_memset(&r.who, 0, sizeof(r.who));
		bg_current(&r.who);
	}
	r.count = 0;
	r.generation = g ? g->generation : 0;
	r.verdict = g && (g->flags & BG_G_AUDIT) ? BG_WOULD_DENY : BG_DENY;
	r.reason = d.reason;
	r.pad[0] = r.pad[1] = 0;
	bg_forget_ways(&r);
	bg_denied(bg_slot, &r, g, 0, 0);
	return r.verdict == BG_WOULD_DENY;
}

SEC("cgroup/connect4")
int bg_connect4(struct bpf_sock_addr *ctx)
{
	return bg_call(ctx, BG_HOOK_CONNECT4, false);
}

SEC("cgroup/connect6")
int bg_connect6(struct bpf_sock_addr *ctx)
{
	return bg_call(ctx, BG_HOOK_CONNECT6, true);
}

SEC("cgroup/sendmsg4")
int bg_sendmsg4(struct bpf_sock_addr *ctx)
{
	return bg_call(ctx, BG_HOOK_SENDMSG4, false);
}

SEC("cgroup/sendmsg6")
int bg_sendmsg6(struct bpf_sock_addr *ctx)
{
	return bg_call(ctx, BG_HOOK_SENDMSG6, true);
}

/* Show the address that was asked, if this one is the resolver's that took its place. */
BG_INLINE int bg_restore(struct bpf_sock_addr *ctx, bool v6)
{
	struct bg_dns_orig *o = bpf_sk_storage_get(&bg_dns_orig, ctx->sk, 0, 0);
	struct bg_flow from = {};

	if (!o || !o->family)
		return 1;
	bg_flow_call(&from, ctx, 0, v6);
	if (from.family != o->to_family || from.dport != o->to_port || !bg_same6(from.daddr, o->to))
		return 1;
	ctx->user_port = bpf_htons((__u16)o->port);
	if (o->family == 4)
		bg_write_addr4(ctx, o->addr[0], v6);
	else if (v6)
		bg_write_addr6(ctx, o->addr);
	return 1;
}

SEC("cgroup/recvmsg4")
int bg_recvmsg4(struct bpf_sock_addr *ctx)
{
	return bg_restore(ctx, false);
}

SEC("cgroup/recvmsg6")
int bg_recvmsg6(struct bpf_sock_addr *ctx)
{
	return bg_restore(ctx, true);
}

SEC("cgroup/getpeername4")
int bg_getpeername4(struct bpf_sock_addr *ctx)
{
	return bg_restore(ctx, false);
}

SEC("cgroup/getpeername6")
int bg_getpeername6(struct bpf_sock_addr *ctx)
{
	return bg_restore(ctx, true);
}

#endif /* BPFGUARD_CONNECT_BPF_H */
