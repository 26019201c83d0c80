/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sock_ops, at the moment when TCP has its route and has not sent its SYN: the full decision, so
 * that a connection that the packet hook would drop fails at once instead of timing out. There is
 * no way to return an error from here; binding the socket to a device that cannot exist makes
 * tcp_connect() (net/ipv4/tcp_output.c) look for its route again, find none, and give up with
 * EHOSTUNREACH. Where that is refused (5.10) the SYN is sent and dropped, and the connection gives
 * up with ETIMEDOUT when it would send a second one.
 */
#ifndef BPFGUARD_SOCKOPS_BPF_H
#define BPFGUARD_SOCKOPS_BPF_H

#include "bpf/event.bpf.h"
#include "bpf/flow.bpf.h"

BG_INLINE bool bg_flow_connecting(struct bg_flow *f, struct bpf_sock_ops *ctx,
				  const struct bg_guard *g)
{
	struct bpf_sock *bsk = ctx->sk;
	const struct sock *sk;
	const struct dst_entry *dst;
	const struct net_device *dev;

	if (!bsk)
		return false;
	sk = bg_plain_sock(bsk);
	dst = bg_read(sk, sk_dst_cache);
	if (!dst)
		return false;
	dst = bg_cast(dst, struct dst_entry);
	dev = bg_read(dst, dev);
	f->hook = BG_HOOK_SOCKOPS;
	f->proto = BG_PROTO_TCP;
	f->flags = BG_F_PORTS;
	f->netns = bg_netns_of(sk);
	f->ifindex = bg_read(dev, ifindex);
	f->dport = bpf_ntohl(ctx->remote_port);
	f->sport = ctx->local_port;
	if (ctx->family == AF_INET) {
		f->family = 4;
		f->saddr[0] = ctx->local_ip4;
		f->daddr[0] = ctx->remote_ip4;
	} else {
		f->family = 6;
		f->daddr[0] = ctx->remote_ip6[0];
		f->daddr[1] = ctx->remote_ip6[1];
		f->daddr[2] = ctx->remote_ip6[2];
		f->daddr[3] = ctx->remote_ip6[3];
		f->saddr[0] = ctx->local_ip6[0];
		f->saddr[1] = ctx->local_ip6[1];
		f->saddr[2] = ctx->local_ip6[2];
		f->saddr[3] = ctx->local_ip6[3];
		if (bg_is_mapped(f->daddr)) {
			f->family = 4;
			f->daddr[0] = f->daddr[3];
			f->saddr[0] = f->saddr[3];
			f->daddr[1] = f->daddr[2] = f->daddr[3] = 0;
			f->saddr[1] = f->saddr[2] = f->saddr[3] = 0;
		}
	}
	bg_flow_device(f, dev, g);
	bg_flow_dst(f, dst, f->family == 4);
	return true;
}

SEC("sockops")
int bg_sockops(struct bpf_sock_ops *ctx)
{
	const struct bg_guard *g;
	struct bg_decision d = {};
	struct bg_report r = {};
	struct bg_owner *o;
	int nowhere = BG_NO_DEVICE, soon = 1 /* ms */;
	__u32 bound;

	if (ctx->op != BPF_SOCK_OPS_TCP_CONNECT_CB)
		return 1;
	g = bg_guard_here();
	if (!g || !g->generation || (g->flags & BG_G_AUDIT) || !bg_flow_connecting(&r.flow, ctx, g))
		return 1; /* the packet hook speaks */
	bg_decide_packet(g, bg_slot, &r.flow, bg_lease_here(), bg_now_for(g), &d);
	if (d.verdict == BG_ALLOW || bg_let_pass_paused())
		return 1;
	bound = ctx->sk ? ctx->sk->bound_dev_if : 0;
	if (bpf_setsockopt(ctx, SOL_SOCKET, SO_BINDTOIFINDEX, &nowhere, sizeof(nowhere))) {
		bpf_setsockopt(ctx, SOL_TCP, TCP_USER_TIMEOUT, &soon, sizeof(soon));
		return 1;
	}
	o = ctx->sk ? bpf_sk_storage_get(&bg_owner, ctx->sk, 0, 0) : 0;
	if (o) {
		o->bound = bound; /* for bg_unbind() */
		r.who = *o;
	} else {
		bg_count_stat(BG_STAT_NO_OWNER);
	}
	r.reason = d.reason;
	r.verdict = BG_DENY;
	r.generation = g->generation;
	bg_forget_ways(&r);
	bg_denied(bg_slot, &r, g, 0, 0);
	return 1;
}

#endif /* BPFGUARD_SOCKOPS_BPF_H */
