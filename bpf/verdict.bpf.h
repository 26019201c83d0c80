/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * THE decision: a flow and a guard of the loaded policy in, a verdict and its reason out.
 *
 * Pure: no context, no clock, no map but the prefix lookup that the includer supplies as
 * bg_prefix_find(). Compiled into every kernel program and into user space (loader/verdict.c), so
 * that `bpfguard why` and `policy test` cannot disagree with the kernel. The order of the tests is
 * part of the contract: the first that speaks gives the reason.
 *
 * Two callers: the packet hook, which knows the route (BG_F_ROUTE) and whose answer is final, and
 * the calls (connect, sendmsg), which have no route yet and may only refuse what the packet hook
 * would refuse whatever the route turned out to be.
 */
#ifndef BPFGUARD_VERDICT_BPF_H
#define BPFGUARD_VERDICT_BPF_H

#include "bpf/bpfguard.h"

#ifdef BG_BPF
#define BG_INLINE   static __always_inline
#define bg_htonl(x) __builtin_bswap32(x) /* checked below: BPF is compiled little-endian */
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#undef bg_htonl
#define bg_htonl(x) (x)
#endif
#else
#define BG_INLINE static inline
#include <arpa/inet.h>
#define bg_htonl(x) htonl(x)
#endif

#define BG_PROTO_ICMP	1
#define BG_PROTO_TCP	6
#define BG_PROTO_UDP	17
#define BG_PROTO_ICMPV6 58
#define BG_PORT_DNS	53
#define BG_PORT_DNS_TLS 853
/* Docker's resolver: dockerd answers there from outside the guard, on a port it draws by lot. */
#define BG_DOCKER_DNS 0x7f00000bu

/*
 * Supplied by the includer: is the address in the guard's prefix table (the policies that have more
 * prefixes than fit inline)? Returns true and the policy line. A lookup that cannot be made is
 * "no".
 */
BG_INLINE bool bg_prefix_find(const struct bg_guard *g, __u32 slot, const struct bg_flow *f,
			      __u32 *line);

BG_INLINE void bg_say(struct bg_decision *d, __u8 verdict, __u8 reason, __u32 line)
{
	d->verdict = verdict;
	d->reason = reason;
	d->line = line;
}

BG_INLINE bool bg_same6(const __u32 *a, const __u32 *b)
{
	/* one branch and not four: each doubles what the verifier has to walk */
	return !((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3]));
}

BG_INLINE bool bg_is_local4(const struct bg_guard *g, __u32 slot, const struct bg_flow *f,
			    __u32 *line)
{
	__u32 i;

	for (i = 0; i < BG_INLINE_LOCAL && i < g->n_local4; i++) {
		if ((f->daddr[0] & g->local4[i].mask) == g->local4[i].addr) {
			*line = g->line_local4[i];
			return true;
		}
	}
	return (g->flags & BG_G_LPM4) && bg_prefix_find(g, slot, f, line);
}

BG_INLINE bool bg_is_local6(const struct bg_guard *g, __u32 slot, const struct bg_flow *f,
			    __u32 *line)
{
	__u32 i;

	for (i = 0; i < BG_INLINE_LOCAL && i < g->n_local6; i++) {
		const struct bg_local6 *l = &g->local6[i];

		if (!(((f->daddr[0] & l->mask[0]) ^ l->addr[0]) |
		      ((f->daddr[1] & l->mask[1]) ^ l->addr[1]) |
		      ((f->daddr[2] & l->mask[2]) ^ l->addr[2]) |
		      ((f->daddr[3] & l->mask[3]) ^ l->addr[3]))) {
			*line = g->line_local6[i];
			return true;
		}
	}
	return (g->flags & BG_G_LPM6) && bg_prefix_find(g, slot, f, line);
}

BG_INLINE bool bg_is_local(const struct bg_guard *g, __u32 slot, const struct bg_flow *f,
			   __u32 *line)
{
	return f->family == 4 ? bg_is_local4(g, slot, f, line) : bg_is_local6(g, slot, f, line);
}

/* The resolver that the guard's queries go to. */
BG_INLINE bool bg_is_resolver(const struct bg_guard *g, const struct bg_flow *f)
{
	__u32 i;

	if (f->family == 4) {
		for (i = 0; i < BG_MAX_DNS && i < g->n_dns4; i++)
			if (f->daddr[0] == g->dns4[i])
				return true;
		return false;
	}
	for (i = 0; i < BG_MAX_DNS && i < g->n_dns6; i++)
		if (bg_same6(f->daddr, g->dns6[i]))
			return true;
	return false;
}

/* The next hop of the packet's own route is one of the gateway's addresses. */
BG_INLINE bool bg_is_gateway(const struct bg_guard *g, const struct bg_flow *f)
{
	__u32 i;

	if (f->nh_family == 4) {
		for (i = 0; i < BG_MAX_GATEWAYS && i < g->n_gw4; i++)
			if (f->next_hop[0] == g->gw4[i])
				return true;
		return false;
	}
	for (i = 0; i < BG_MAX_GATEWAYS && i < g->n_gw6; i++)
		if (bg_same6(f->next_hop, g->gw6[i]))
			return true;
	return false;
}

BG_INLINE bool bg_is_loopback_addr(const struct bg_flow *f)
{
	if (f->family == 4)
		return (f->daddr[0] & bg_htonl(0xff000000u)) == bg_htonl(0x7f000000u);
	return !f->daddr[0] && !f->daddr[1] && !f->daddr[2] && f->daddr[3] == bg_htonl(1);
}

/*
 * Addresses that no gateway forwards: a packet that carries one towards the gateway lies about
 * where it goes (RFC 1122 3.2.1.3, RFC 6890; ::ffff:0:0/96 must never be on the wire).
 */
BG_INLINE bool bg_is_martian(const struct bg_flow *f)
{
	__u32 a = f->daddr[0];

	if (f->family == 4)
		return (a & bg_htonl(0xff000000u)) == 0 || bg_is_loopback_addr(f) ||
		       (a & bg_htonl(0xffff0000u)) == bg_htonl(0xa9fe0000u) ||
		       (a & bg_htonl(0xe0000000u)) == bg_htonl(0xe0000000u);
	if (!f->daddr[0] && !f->daddr[1]) /* ::, ::1, v4-mapped, v4-compatible */
		return true;
	return (a & bg_htonl(0xffc00000u)) == bg_htonl(0xfe800000u) ||
	       (a & bg_htonl(0xff000000u)) == bg_htonl(0xff000000u);
}

/*
 * Protocols that wrap another packet (IP in IP, SRv6, GRE, ESP) go where the inner one says, and
 * some of them show the hook the outer header only; the rest nobody needs behind a VPN gateway.
 */
BG_INLINE bool bg_is_plain_proto(const struct bg_flow *f)
{
	return f->proto == BG_PROTO_TCP || f->proto == BG_PROTO_UDP ||
	       f->proto == (f->family == 4 ? BG_PROTO_ICMP : BG_PROTO_ICMPV6);
}

/* Port 53 (and 853 where the policy closes it) that is not for the guard's resolver. */
BG_INLINE bool bg_is_dns_elsewhere(const struct bg_guard *g, const struct bg_flow *f)
{
	if (!(f->flags & BG_F_PORTS) || (f->proto != BG_PROTO_UDP && f->proto != BG_PROTO_TCP))
		return false;
	if (f->dport != BG_PORT_DNS &&
	    !(f->dport == BG_PORT_DNS_TLS && (g->flags & BG_G_DNS_TLS_DENY)))
		return false;
	return !bg_is_resolver(g, f);
}

/*
 * Is the query one that connect() and sendmsg() send to the guard's resolver instead? (In
 * local-names mode a query may be let through to Docker's resolver first; see bpf/connect.bpf.h.)
 */
BG_INLINE bool bg_is_captured(const struct bg_guard *g, const struct bg_flow *f)
{
	if (g->dns_mode == BG_DNS_STRICT || (g->flags & BG_G_AUDIT))
		return false;
	return (f->proto == BG_PROTO_UDP || f->proto == BG_PROTO_TCP) && f->dport == BG_PORT_DNS &&
	       !bg_is_resolver(g, f);
}

/* Is path (c) open? A zeroed lease is "down". */
BG_INLINE __u8 bg_lease_reason(const struct bg_guard *g, const struct bg_lease *lease, __u64 now_ns)
{
	if (!lease)
		return BG_R_INTERNAL;
	if (lease->vpn_state != BG_VPN_UP)
		return BG_R_VPN_DOWN;
	if (g->flags & BG_G_LEASE_OFF)
		return BG_R_NONE;
	return now_ns < lease->until_ns ? BG_R_NONE : BG_R_LEASE_EXPIRED;
}

/* Is the flow answered or refused before its route matters? */
BG_INLINE bool bg_decide_early(const struct bg_guard *g, const struct bg_flow *f,
			       struct bg_decision *d)
{
	if (!g || !g->generation || g->abi != BG_ABI) {
		bg_say(d, BG_DENY, BG_R_NOT_LOADED, 0);
		return true;
	}
	if ((f->flags & BG_F_MALFORMED) || (f->family != 4 && f->family != 6)) {
		bg_say(d, BG_DENY, BG_R_MALFORMED, 0);
		return true;
	}
	/* The host's own namespace: its router would be as good a way out as any. */
	if (!f->netns || f->netns == g->host_netns[0] || f->netns == g->host_netns[1]) {
		bg_say(d, BG_DENY, BG_R_HOST_NAMESPACE, g->line_guard);
		return true;
	}
	/* MLD carries a hop-by-hop header, so this comes before the test for options. */
	if ((f->flags & BG_F_NEIGHBOUR) && (g->flags & BG_G_IPV6) && f->nh_family == 0) {
		bg_say(d, BG_ALLOW, BG_R_NEIGHBOUR, 0);
		return true;
	}
	if (f->flags & (BG_F_OPTIONS | BG_F_FRAGMENT)) {
		bg_say(d, BG_DENY, BG_R_IP_OPTIONS, 0);
		return true;
	}
	return false;
}

/* Path (a), with Docker's resolver cut out of it. */
BG_INLINE bool bg_decide_loopback(const struct bg_guard *g, const struct bg_flow *f,
				  struct bg_decision *d)
{
	if (f->family == 4 && f->daddr[0] == bg_htonl(BG_DOCKER_DNS)) {
		if (g->dns_mode == BG_DNS_LOCAL_NAMES && f->proto == BG_PROTO_UDP &&
		    (f->flags & BG_F_DNS_SINGLE) && (f->flags & BG_F_LOOPBACK))
			bg_say(d, BG_ALLOW, BG_R_LOOPBACK, g->line_dns);
		else
			bg_say(d, BG_DENY, BG_R_DNS_ELSEWHERE, g->line_dns);
		return true;
	}
	if (!(f->flags & BG_F_LOOPBACK))
		return false;
	bg_say(d, BG_ALLOW, BG_R_LOOPBACK, 0);
	return true;
}

/* The packet hook's decision: final. */
BG_INLINE void bg_decide_packet(const struct bg_guard *g, __u32 slot, const struct bg_flow *f,
				const struct bg_lease *lease, __u64 now_ns, struct bg_decision *d)
{
	__u32 line = 0;
	__u8 reason;

	if (bg_decide_early(g, f, d))
		return;
	if (!(f->flags & BG_F_ROUTE))
		return bg_say(d, BG_DENY, BG_R_NO_ROUTE_TO_GATEWAY, g->line_gateway);
	if (bg_decide_loopback(g, f, d))
		return;
	if (!bg_is_plain_proto(f))
		return bg_say(d, BG_DENY, BG_R_ODD_PROTOCOL, 0);
	if (bg_is_dns_elsewhere(g, f))
		return bg_say(d, BG_DENY, BG_R_DNS_ELSEWHERE, g->line_dns);
	if ((f->flags & BG_F_ENCAP) && !(f->flags & BG_F_TUNNEL))
		return bg_say(d, BG_DENY, BG_R_ENCAPSULATION, g->line_gateway);
	if (f->family == 6 && !(g->flags & (BG_G_IPV6 | BG_G_TUNNEL)))
		return bg_say(d, BG_DENY, BG_R_IPV6_NO_GATEWAY, g->line_gateway);

	if (!(f->flags & BG_F_TUNNEL)) {
		if (f->nh_family == 0) { /* path (b) */
			if (bg_is_local(g, slot, f, &line))
				return bg_say(d, BG_ALLOW, BG_R_LOCAL, line);
			return bg_say(d, BG_DENY, BG_R_LOCAL_NOT_LISTED, g->line_local);
		}
		if (!bg_is_gateway(g, f)) {
			reason = f->family == 6 && !g->n_gw6 ? BG_R_IPV6_NO_GATEWAY : BG_R_NEXT_HOP;
			return bg_say(d, BG_DENY, reason, g->line_gateway);
		}
	}
	/* path (c): through the gateway, or out of the tunnel device itself */
	if (bg_is_martian(f))
		return bg_say(d, BG_DENY, BG_R_MARTIAN, 0);
	reason = bg_lease_reason(g, lease, now_ns);
	if (reason)
		return bg_say(d, BG_DENY, reason, g->line_lease);
	bg_say(d, BG_ALLOW, BG_R_GATEWAY, g->line_gateway);
}

/*
 * connect() and sendmsg(): fail fast, before a route exists. BG_ALLOW with BG_R_NONE means "the
 * packet hook will tell". Refuses nothing that has a legal way out.
 */
BG_INLINE void bg_decide_call(const struct bg_guard *g, __u32 slot, const struct bg_flow *f,
			      const struct bg_lease *lease, __u64 now_ns, struct bg_decision *d)
{
	__u32 line = 0;
	__u8 reason;

	bg_say(d, BG_ALLOW, BG_R_NONE, 0);
	/*
	 * connect() of a datagram socket sends nothing, and getaddrinfo() does it for each address
	 * only to sort them: what is sent is the packet hook's, which refuses it as fast.
	 */
	if (f->proto != BG_PROTO_TCP &&
	    (f->hook == BG_HOOK_CONNECT4 || f->hook == BG_HOOK_CONNECT6))
		return;
	if (bg_decide_early(g, f, d))
		return;
	/*
	 * UDP queries are left to the packet hook, which refuses them as fast (sendto fails with
	 * EPERM) and can read the name that was asked for.
	 */
	if (f->proto == BG_PROTO_UDP && bg_is_dns_elsewhere(g, f))
		return;
	if (f->family == 4 && f->daddr[0] == bg_htonl(BG_DOCKER_DNS)) {
		if (f->proto != BG_PROTO_UDP)
			bg_say(d, BG_DENY, BG_R_DNS_ELSEWHERE, g->line_dns);
		return;
	}
	if (bg_is_loopback_addr(f))
		return;
	if (bg_is_dns_elsewhere(g, f))
		return bg_say(d, BG_DENY, BG_R_DNS_ELSEWHERE, g->line_dns);
	if (bg_is_martian(f) || bg_is_local(g, slot, f, &line))
		return;
	if (f->family == 6 && !(g->flags & (BG_G_IPV6 | BG_G_TUNNEL)))
		return bg_say(d, BG_DENY, BG_R_IPV6_NO_GATEWAY, g->line_gateway);
	reason = bg_lease_reason(g, lease, now_ns);
	if (reason)
		bg_say(d, BG_DENY, reason, g->line_lease);
}

#endif /* BPFGUARD_VERDICT_BPF_H */
