/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From what a hook is given to a flow. Whatever cannot be read makes the flow malformed, which the
 * decision denies.
 */
#ifndef BPFGUARD_FLOW_BPF_H
#define BPFGUARD_FLOW_BPF_H

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>

#include "bpf/dns.bpf.h"
#include "bpf/link_verdict.bpf.h"

#define BG_DNS_AT4	(sizeof(struct bg_ip4) + 8) /* of a UDP payload over IPv4 */
#define BG_NO_DEVICE	0x7fffffff		    /* an interface index that no device has */
#define BG_IP_MF_OFFSET 0x3fff			    /* more-fragments bit and fragment offset */
#define BG_MLD_QUERY	130
#define BG_MLD_DONE	132
#define BG_MLD2_REPORT	143

struct bg_ip4 {
	__u8 ver_ihl, tos;
	__be16 len, id, frag;
	__u8 ttl, proto;
	__be16 sum;
	__u32 saddr, daddr;
};

struct bg_ip6 {
	__be32 ver_tc_flow;
	__be16 len;
	__u8 next, hop_limit;
	__u32 saddr[4], daddr[4];
};

/*
 * Reading the kernel's own structures. Where it has these (6.2) a cast pointer is read by a plain
 * load that the kernel lets fault safely; before, each step is a call of bpf_probe_read_kernel,
 * some 20 ns apiece. Weak: where they are missing the verifier never sees the branch that uses
 * them.
 */
extern void *bpf_cast_to_kern_ctx(void *ctx) __ksym __weak;
extern void *bpf_rdonly_cast(const void *ptr, __u32 btf_id) __ksym __weak;
#define BG_HAVE_CAST	    (bpf_rdonly_cast != 0) /* both came together */
#define bg_kern_ctx(ctx)    (BG_HAVE_CAST ? bpf_cast_to_kern_ctx(ctx) : (void *)(ctx))
#define bg_cast_to(ptr, id) (BG_HAVE_CAST ? bpf_rdonly_cast((ptr), (id)) : (const void *)(ptr))
#define bg_cast(ptr, type)  ((const type *)bg_cast_to((ptr), bpf_core_type_id_kernel(type)))
/* `ptr` must come from bg_cast() or be reached from what does. */
#define bg_read(ptr, field) (BG_HAVE_CAST ? (ptr)->field : BPF_CORE_READ(ptr, field))

BG_INLINE void bg_read_in6(__u32 *to, const struct in6_addr *a)
{
	if (!BG_HAVE_CAST) {
		bpf_core_read(to, sizeof(*a), a);
		return;
	}
	to[0] = a->in6_u.u6_addr32[0];
	to[1] = a->in6_u.u6_addr32[1];
	to[2] = a->in6_u.u6_addr32[2];
	to[3] = a->in6_u.u6_addr32[3];
}

BG_INLINE bool bg_is_mapped(const __u32 *a)
{
	return !a[0] && !a[1] && a[2] == bpf_htonl(0xffff);
}

/*
 * The verifier allows no arithmetic on a socket pointer, which a relocated read needs. Read back
 * from the stack it is a plain number.
 */
BG_INLINE const struct sock *bg_plain_sock(const void *sk)
{
	const struct sock *plain = 0;

	if (BG_HAVE_CAST)
		return bg_cast(sk, struct sock);
	bpf_probe_read_kernel(&plain, sizeof(plain), &sk);
	return plain;
}

/* Inode of the namespace of a socket, as from bg_plain_sock(); 0 if it cannot be read. */
BG_INLINE __u32 bg_netns_of(const struct sock *sk)
{
	return BG_HAVE_CAST ? sk->__sk_common.skc_net.net->ns.inum
			    : BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
}

/* Inode of the namespace that a hook's socket was made in. */
BG_INLINE __u32 bg_sock_netns(const void *sk)
{
	return bg_netns_of(bg_plain_sock(sk));
}

/* Both names end in zeros up to their full size, so two words tell. */
BG_INLINE bool bg_is_dev_named(const struct net_device *dev, const struct bg_guard *g)
{
	__u64 name[BG_IFNAME / 8] = {}, want[BG_IFNAME / 8];

	if (bpf_core_read_str(name, sizeof(name), &dev->name) <= 0)
		return false;
	__builtin_memcpy(want, g->interface, sizeof(want));
	return !((name[0] ^ want[0]) | (name[1] ^ want[1]));
}

/* Of the operations of a device, the one that only tunnels have. */
struct net_device_ops___tunnel {
	void *ndo_fill_metadata_dst;
} __attribute__((preserve_access_index));

struct net_device___tunnel {
	const struct net_device_ops___tunnel *netdev_ops;
} __attribute__((preserve_access_index));

/*
 * VXLAN, Geneve, GRE taps: Ethernet on the outside, and inside of them any next hop is anybody's.
 * The outer packet belongs to no socket, so that the packet hook never sees it.
 */
BG_INLINE bool bg_is_tunnel(const struct net_device *dev)
{
	const struct net_device___tunnel *d = (const void *)dev;

	return BG_HAVE_CAST ? d->netdev_ops->ndo_fill_metadata_dst
			    : BPF_CORE_READ(d, netdev_ops, ndo_fill_metadata_dst);
}

/*
 * The device that a route leads to: Ethernet, or something that hides what follows. What stays on
 * loopback is decided before this counts; a route that sends strangers to loopback is a trick.
 */
BG_INLINE void bg_flow_device(struct bg_flow *f, const struct net_device *dev,
			      const struct bg_guard *g)
{
	const struct net_device *d = bg_cast(dev, struct net_device);
	__u16 type = bg_read(d, type);

	if (type != ARPHRD_ETHER || bg_is_tunnel(d))
		f->flags |= BG_F_ENCAP;
	if ((g->flags & BG_G_TUNNEL) && bg_is_dev_named(dev, g))
		f->flags |= BG_F_TUNNEL;
}

/*
 * IPv4 route. rt_gw_family is what ip_finish_output2() goes by (net/ipv4/ip_output.c): 0 means that
 * the header's own destination is resolved on the link.
 */
BG_INLINE void bg_flow_route4(struct bg_flow *f, const struct rtable *rt)
{
	f->nh_family = 0;
	switch (bg_read(rt, rt_gw_family)) {
	case 0: break;
	case AF_INET:
		/* the kernel's copy of an on-link route, for a path MTU, names the destination */
		f->next_hop[0] = bg_read(rt, rt_gw4);
		if (f->next_hop[0] != f->daddr[0])
			f->nh_family = 4;
		else
			f->next_hop[0] = 0;
		break;
	case AF_INET6:
		f->nh_family = 6;
		bg_read_in6(f->next_hop, &rt->rt_gw6);
		break;
	default: f->flags |= BG_F_MALFORMED;
	}
	/* loopback is always index 1: include/net/net_namespace.h, LOOPBACK_IFINDEX */
	if (f->ifindex == 1 && bg_read(rt, rt_type) == RTN_LOCAL)
		f->flags |= BG_F_LOOPBACK;
}

/* IPv6 route, as rt6_nexthop() reads it (include/net/ip6_route.h). */
BG_INLINE void bg_flow_route6(struct bg_flow *f, const struct rt6_info *rt)
{
	__u32 flags = bg_read(rt, rt6i_flags);

	f->nh_family = 0;
	if (flags & RTF_GATEWAY) {
		f->nh_family = 6;
		bg_read_in6(f->next_hop, &rt->rt6i_gateway);
	} else if (flags & RTF_CACHE) {
		/* a path MTU exception: on-link to the address it was made for */
		bg_read_in6(f->next_hop, &rt->rt6i_dst.addr);
		if (!bg_same6(f->next_hop, f->daddr))
			f->nh_family = 6;
	}
	if (f->ifindex == 1 && (flags & RTF_LOCAL))
		f->flags |= BG_F_LOOPBACK;
}

/* The route: `dst` is the packet's or the socket's; `ip4` says which kind of route it is. */
BG_INLINE void bg_flow_dst(struct bg_flow *f, const struct dst_entry *dst, bool ip4)
{
	if (!dst)
		return;
	dst = bg_cast(dst, struct dst_entry);
	if (ip4)
		bg_flow_route4(f, bg_cast(dst, struct rtable));
	else
		bg_flow_route6(f, bg_cast(dst, struct rt6_info));
	/* also a local route: what wraps the packet, a program perhaps, decides where it goes */
	if (bg_read(dst, lwtstate))
		f->flags = (f->flags & ~BG_F_LOOPBACK) | BG_F_ENCAP;
	f->flags |= BG_F_ROUTE;
}

BG_INLINE void bg_flow_ports(struct bg_flow *f, const __be16 *port)
{
	if (f->proto != BG_PROTO_TCP && f->proto != BG_PROTO_UDP)
		return;
	f->sport = bpf_ntohs(port[0]);
	f->dport = bpf_ntohs(port[1]);
	f->flags |= BG_F_PORTS;
}

/*
 * Well-formed neighbour discovery or MLD, which the container's own kernel sends (its sockets
 * belong to the guard): link scope only, hop limit as RFC 4861 7.1 and RFC 3810 5 demand.
 * Router advertisements are not a host's to send. `behind`: where the IPv6 header ends.
 */
BG_INLINE bool bg_is_neighbour(struct __sk_buff *ctx, const struct bg_ip6 *ip, __u32 behind)
{
	__u8 hbh[8], type;
	__u32 scope = bpf_ntohl(ip->daddr[0]) >> 16;

	if (ip->next == BG_PROTO_ICMPV6 && ip->hop_limit == 255) {
		if (scope != 0xff02 && (scope & 0xffc0) != 0xfe80)
			return false;
		if (bpf_skb_load_bytes(ctx, behind, &type, 1))
			return false;
		return type >= BG_ND_RS && type <= BG_ND_NA && type != BG_ND_RA;
	}
	if (ip->next != 0 || ip->hop_limit != 1 || (scope & 0xff0f) != 0xff02)
		return false;
	if (bpf_skb_load_bytes(ctx, behind, hbh, sizeof(hbh)) ||
	    bpf_skb_load_bytes(ctx, behind + sizeof(hbh), &type, 1))
		return false;
	/* one hop-by-hop header of 8 bytes with the router alert option (RFC 2711) */
	if (hbh[0] != BG_PROTO_ICMPV6 || hbh[1] != 0 || hbh[2] != 5 || hbh[3] != 2)
		return false;
	return (type >= BG_MLD_QUERY && type <= BG_MLD_DONE) || type == BG_MLD2_REPORT;
}

/* A header and the ports behind it. Packets without ports may be shorter: `ports` says so. */
struct bg_head4 {
	struct bg_ip4 ip;
	__be16 port[2];
};

struct bg_head6 {
	struct bg_ip6 ip;
	__be16 port[2];
};

/*
 * Headers are in the linear part but for very odd senders, so this is a plain load. Returns what
 * could be read: the size of the whole head, of the IP header, or 0.
 */
#define bg_load_head(ctx, head)                                                                    \
	({                                                                                         \
		const void *_data = (void *)(long)(ctx)->data;                                     \
		const void *_end = (void *)(long)(ctx)->data_end;                                  \
		__u32 _n = 0;                                                                      \
                                                                                                   \
		if (_data + sizeof(*(head)) <= _end) {                                             \
			*(head) = *(typeof(head))_data;                                            \
			_n = sizeof(*(head));                                                      \
		} else if (!bpf_skb_load_bytes(ctx, 0, head, sizeof(*(head)))) {                   \
			_n = sizeof(*(head));                                                      \
		} else if (!bpf_skb_load_bytes(ctx, 0, &(head)->ip, sizeof((head)->ip))) {         \
			_n = sizeof((head)->ip);                                                   \
		}                                                                                  \
		_n;                                                                                \
	})

/* Ports that could not be read make the flow malformed. */
BG_INLINE bool bg_lacks_ports(const struct bg_flow *f, __u32 got, __u32 whole)
{
	return got < whole && (f->proto == BG_PROTO_TCP || f->proto == BG_PROTO_UDP);
}

BG_INLINE void bg_flow_ip4(struct bg_flow *f, struct __sk_buff *ctx)
{
	struct bg_head4 h;
	__u32 got = bg_load_head(ctx, &h);

	f->family = 4;
	if (!got || h.ip.ver_ihl >> 4 != 4) {
		f->flags |= BG_F_MALFORMED;
		return;
	}
	f->proto = h.ip.proto;
	f->saddr[0] = h.ip.saddr;
	f->daddr[0] = h.ip.daddr;
	if ((h.ip.ver_ihl & 15) != 5)
		f->flags |= BG_F_OPTIONS;
	else if (h.ip.frag & bpf_htons(BG_IP_MF_OFFSET))
		f->flags |= BG_F_FRAGMENT; /* the hook is before fragmentation */
	else if (bg_lacks_ports(f, got, sizeof(h)))
		f->flags |= BG_F_MALFORMED;
	else
		bg_flow_ports(f, h.port);
}

BG_INLINE void bg_flow_ip6(struct bg_flow *f, struct __sk_buff *ctx)
{
	struct bg_head6 h;
	__u32 got = bg_load_head(ctx, &h);

	f->family = 6;
	if (!got || bpf_ntohl(h.ip.ver_tc_flow) >> 28 != 6) {
		f->flags |= BG_F_MALFORMED;
		return;
	}
	f->proto = h.ip.next;
	__builtin_memcpy(f->saddr, h.ip.saddr, sizeof(f->saddr));
	__builtin_memcpy(f->daddr, h.ip.daddr, sizeof(f->daddr));
	if (bg_is_neighbour(ctx, &h.ip, sizeof(h.ip)))
		f->flags |= BG_F_NEIGHBOUR;
	switch (h.ip.next) {
	case 0:	  /* hop-by-hop */
	case 43:  /* routing */
	case 44:  /* fragment: the hook is before fragmentation */
	case 60:  /* destination options */
	case 135: /* mobility */
	case 139: /* HIP */
	case 140: /* shim6 */ f->flags |= BG_F_OPTIONS; return;
	}
	if (bg_lacks_ports(f, got, sizeof(h)))
		f->flags |= BG_F_MALFORMED;
	else
		bg_flow_ports(f, h.port);
}

/*
 * A query over IPv4 and UDP for exactly one single-label name. Only what the kernel has copied
 * counts: the sender may still write to pages that he lent (sendfile, MSG_ZEROCOPY), and behind the
 * first datagram of a segmented packet (UDP_SEGMENT) come others. Not inline, for the hook has no
 * stack to spare; not static, so that the verifier walks it once and not for each way to it.
 */
int bg_is_single_label(struct __sk_buff *ctx);

#ifndef BG_NO_SOCKETS /* else it would stay in the object, and ask for the kernel's BTF */
__noinline int bg_is_single_label(struct __sk_buff *ctx)
{
	const __u8 *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end;
	const struct sk_buff *skb = bg_kern_ctx(ctx);
	const __u8 *head = data + BG_DNS_AT4;
	__u32 end, i, last = 0;

	if (head + BG_DNS_HEAD > data_end || (head[2] & BG_DNS_OPCODE))
		return 0;
	if (ctx->gso_size || bg_read(skb, data_len))
		return 0;
	end = bg_dns_label_end(head);
	for (i = BG_DNS_HEAD; i <= BG_DNS_HEAD + BG_DNS_LABEL; i++) {
		if (!end || head + i + 1 > data_end)
			return 0;
		last = head[i];
		if (i == end)
			break;
		if (!bg_dns_is_name_byte(last))
			return 0;
	}
	return last == 0;
}
#endif

/* Everything the packet hook knows. */
BG_INLINE void bg_flow_skb(struct bg_flow *f, struct __sk_buff *ctx, const struct bg_guard *g)
{
	const struct sk_buff *skb = bg_kern_ctx(ctx);
	const struct net_device *dev = bg_read(skb, dev);
	bool ip4 = ctx->protocol == bpf_htons(ETH_P_IP);

	f->hook = BG_HOOK_EGRESS;
	f->ifindex = ctx->ifindex;
	f->netns =
		BG_HAVE_CAST ? dev->nd_net.net->ns.inum : BPF_CORE_READ(dev, nd_net.net, ns.inum);
	if (ip4)
		bg_flow_ip4(f, ctx);
	else if (ctx->protocol == bpf_htons(ETH_P_IPV6))
		bg_flow_ip6(f, ctx);
	else
		f->flags |= BG_F_MALFORMED;
	bg_flow_device(f, dev, g);
	/* bit 0 of _skb_refdst only says whether the reference is counted */
	bg_flow_dst(f, (void *)(bg_read(skb, _skb_refdst) & ~1ul), ip4);
	if (g->dns_mode == BG_DNS_LOCAL_NAMES && f->proto == BG_PROTO_UDP &&
	    (f->flags & BG_F_PORTS) && f->family == 4 &&
	    (f->dport == BG_PORT_DNS || f->daddr[0] == bg_htonl(BG_DOCKER_DNS)) &&
	    bg_is_single_label(ctx))
		f->flags |= BG_F_DNS_SINGLE;
}

/*
 * What connect() and sendmsg() are about to do. IPv4-mapped addresses become IPv4. `v6`: the hook
 * is one of the IPv6 ones; a constant, since the verifier lets each kind see its own fields only.
 */
BG_INLINE void bg_flow_call(struct bg_flow *f, struct bpf_sock_addr *ctx, __u8 hook, bool v6)
{
	f->hook = hook;
	f->proto = ctx->protocol;
	f->dport = bpf_ntohs((__u16)ctx->user_port);
	f->flags = BG_F_PORTS;
	f->netns = bg_sock_netns(ctx->sk);
	if (!v6) {
		f->family = 4;
		f->daddr[0] = ctx->user_ip4;
		return;
	}
	f->daddr[0] = ctx->user_ip6[0];
	f->daddr[1] = ctx->user_ip6[1];
	f->daddr[2] = ctx->user_ip6[2];
	f->daddr[3] = ctx->user_ip6[3];
	if (bg_is_mapped(f->daddr)) {
		f->family = 4;
		f->daddr[0] = f->daddr[3];
		f->daddr[1] = f->daddr[2] = f->daddr[3] = 0;
	} else {
		f->family = 6;
	}
}

#endif /* BPFGUARD_FLOW_BPF_H */
