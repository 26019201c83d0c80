/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cgroup/sock_create: refuse kinds of sockets that only serve to go around, and remember who made
 * the others. Never called for AF_PACKET and AF_XDP (see facts on hooks): those are the link's job.
 */
#ifndef BPFGUARD_SOCK_BPF_H
#define BPFGUARD_SOCK_BPF_H

#include "bpf/event.bpf.h"
#include "bpf/flow.bpf.h"

#define BG_PROTO_MPTCP 262

/* 0: an ordinary socket. */
BG_INLINE __u8 bg_socket_reason(const struct bpf_sock *ctx)
{
	if (ctx->type == SOCK_RAW)
		return BG_R_RAW_SOCKET;
	if (ctx->type == SOCK_STREAM &&
	    (ctx->protocol == BG_PROTO_TCP || ctx->protocol == BG_PROTO_MPTCP))
		return 0;
	if (ctx->type == SOCK_DGRAM &&
	    (ctx->protocol == BG_PROTO_UDP || ctx->protocol == BG_PROTO_ICMP ||
	     ctx->protocol == BG_PROTO_ICMPV6))
		return 0;
	return BG_R_ODD_PROTOCOL;
}

SEC("cgroup/sock_create")
int bg_sock_create(struct bpf_sock *ctx)
{
	const struct bg_guard *g = bg_guard_here();
	struct bg_report r = {};
	struct bg_owner *o;

	bg_current(&r.who);
	r.who.netns = bg_sock_netns(ctx);
	o = bpf_sk_storage_get(&bg_owner, ctx, &r.who, BPF_SK_STORAGE_GET_F_CREATE);
	if (!o)
		bg_count_stat(BG_STAT_NO_OWNER);
	r.reason = g && g->generation ? bg_socket_reason(ctx) : BG_R_NOT_LOADED;
	if (!r.reason || bg_let_pass_paused())
		return 1;
	r.flow.hook = BG_HOOK_SOCK_CREATE;
	r.flow.family = ctx->family == AF_INET6 ? 6 : 4;
	r.flow.proto = ctx->protocol;
	r.flow.netns = r.who.netns;
	r.verdict = g && (g->flags & BG_G_AUDIT) ? BG_WOULD_DENY : BG_DENY;
	r.generation = g ? g->generation : 0;
	bg_forget_ways(&r);
	bg_denied(bg_slot, &r, g, 0, 0);
	return r.verdict == BG_WOULD_DENY;
}

#endif /* BPFGUARD_SOCK_BPF_H */
