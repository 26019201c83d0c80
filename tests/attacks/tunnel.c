// SPDX-License-Identifier: GPL-2.0-only
/* Packets that no socket sent: put into the namespace through a tun or tap device, and forwarded.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "build.h"
#include "recipe.h"
#include "tunnel.h"

#define TUN_FROM4 "10.99.0.2"
#define TUN_FROM6 "fd99::2"

static const uint8_t tap_mac[6] = { 2, 0, 0, 0, 0x99, 1 };

/* A step: the device `atk`; flags: IFF_TUN or IFF_TAP. */
static int tun_open(short flags)
{
	struct ifreq r = { .ifr_name = "atk", .ifr_flags = (short)(flags | IFF_NO_PI) };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : step(fd, "TUNSETIFF", ioctl(fd, TUNSETIFF, &r));
}

/* Makes the device, sets it up, and puts a packet in. */
static int inject(const struct attack_env *e, short flags, const char *text, struct packet p)
{
	int fd = tun_open(flags);

	if (fd == -ENOENT || fd == -ENODEV)
		return attack_skip("no /dev/net/tun");
	if (fd >= 0 && !ip_batch(e, text))
		return unmade("ip");
	sysctl_set("ipv4/ip_forward", "1");
	sysctl_set("ipv6/conf/all/forwarding", "1");
	return done(step(fd, "write", fd < 0 ? -1 : write(fd, packet_data(&p), p.len)));
}

static struct packet stranger4(const struct attack_env *e)
{
	struct packet p = packet_mark(e, 0);

	packet_udp(&p, e->port, e->port);
	packet_ip4(&p, address4(TUN_FROM4), e->target4, IPPROTO_UDP);
	return p;
}

static struct packet stranger6(const struct attack_env *e)
{
	struct packet p = packet_mark(e, 0);

	packet_udp(&p, e->port, e->port);
	packet_ip6(&p, address6(TUN_FROM6), e->target6, IPPROTO_UDP, 64);
	return p;
}

#define TUN4 "address add 10.99.0.1/24 dev atk\nlink set atk up\n"
#define TUN6 "address add fd99::1/64 dev atk nodad\nlink set atk up\n"

static int tun_inject(const struct attack_env *e)
{
	return inject(e, IFF_TUN, TUN4, stranger4(e));
}

static int tun_inject6(const struct attack_env *e)
{
	return inject(e, IFF_TUN, TUN6, stranger6(e));
}

/* The packet bears the container's own address, as if a socket had sent it. */
static int tun_own_address(const struct attack_env *e)
{
	sysctl_set("ipv4/conf/all/accept_local", "1");
	return inject(e, IFF_TUN, TUN4, packet_target4(e));
}

static int tun_masquerade(const struct attack_env *e)
{
	if (!nft_batch(e, "table ip atk {\n"
			  "chain c { type nat hook postrouting priority 100; masquerade; }\n}\n"))
		return unmade("nft");
	return inject(e, IFF_TUN, TUN4, stranger4(e));
}

/* Source routes by itself: the marked packets go to the other network. */
static int tun_dev2(const struct attack_env *e)
{
	return inject(e, IFF_TUN, TUN4 "route replace @target4/32 via @other4 dev @dev2\n",
		      stranger4(e));
}

static int tap_inject(const struct attack_env *e)
{
	struct packet p = stranger4(e);

	packet_eth(&p, tap_mac, e->peer_mac, ETHERTYPE_IP);
	return inject(e, IFF_TAP, "link set atk address 02:00:00:00:99:01\n" TUN4, p);
}

/* A bridge over the container's device and the tap: frames of one's own making. */
static int tap_frame(const struct attack_env *e, const uint8_t *to, const uint8_t *from)
{
	struct packet p = packet_target4(e);

	packet_eth(&p, to, from, ETHERTYPE_IP);
	return inject(e, IFF_TAP,
		      "link add atkbr type bridge mcast_snooping 0\n"
		      "link set atk master atkbr up\n"
		      "link set @dev master atkbr\n"
		      "link set atkbr up\n",
		      p);
}

static int tap_bridge(const struct attack_env *e)
{
	return tap_frame(e, e->rogue_mac, e->own_mac);
}

static int tap_bridge_mac(const struct attack_env *e)
{
	return tap_frame(e, e->gateway_mac, tap_mac);
}

#define ADMIN(id, text, by, code, more)                                                            \
	{                                                                                          \
		.name = id, .what = text, .stop = by, .needs = NEEDS_NET_ADMIN,                    \
		.flags = ATTACK_DIRTY | (more), .run = code,                                       \
	}
/* A host that would take the frames for the way out. */
#define L2(id, text, by, code, listener)                                                           \
	{                                                                                          \
		.name = id, .what = text, .stop = by, .needs = NEEDS_NET_ADMIN,                    \
		.flags = ATTACK_DIRTY, .run = code, .helper = listener, .where = PLACE_ROGUE,      \
	}

const struct attack attacks_tunnel[] = {
	ADMIN("tun_inject", "tun device: a packet put in and forwarded", STOP_I3, tun_inject, 0),
	ADMIN("tun_inject6", "... IPv6", STOP_I3, tun_inject6, 0),
	ADMIN("tun_gateway", "... forwarded to the gateway", STOP_I2, tun_inject, ATTACK_GATEWAY),
	ADMIN("tun_gateway6", "... IPv6", STOP_I2, tun_inject6, ATTACK_GATEWAY),
	ADMIN("tun_own", "... with the container's own address", STOP_I3, tun_own_address, 0),
	ADMIN("tun_masq", "... masqueraded", STOP_I3, tun_masquerade, 0),
	ADMIN("tun_dev2", "... forwarded to the other network", STOP_I3, tun_dev2, 0),
	ADMIN("tap_inject", "tap device: a frame put in, its packet forwarded", STOP_I3, tap_inject,
	      0),
	ADMIN("tap_bridge", "tap device bridged with eth0: a frame to the host", STOP_I3,
	      tap_bridge, 0),
	ADMIN("tap_bridge_mac", "... to the gateway, from a MAC of its own", STOP_I3,
	      tap_bridge_mac, 0),
	ADMIN("ipip", "IPIP tunnel to the target", STOP_I1, tunnel_ipip, 0),
	ADMIN("ipip_gateway", "... through the gateway", STOP_I1, tunnel_ipip, ATTACK_GATEWAY),
	ADMIN("gre", "GRE tunnel", STOP_I1, tunnel_gre, 0),
	ADMIN("sit", "6in4 tunnel", STOP_I1, tunnel_sit, 0),
	ADMIN("ip6tnl", "IPv4 in IPv6 tunnel", STOP_I1, tunnel_ip6tnl, 0),
	ADMIN("ip6gre", "GRE over IPv6", STOP_I1, tunnel_ip6gre, 0),
	ADMIN("gretap", "Ethernet over GRE; the kernel's own frames go, too", STOP_I3,
	      tunnel_gretap, 0),
	ADMIN("ip6gretap", "Ethernet over GRE over IPv6", STOP_I3, tunnel_ip6gretap, 0),
	ADMIN("erspan", "ERSPAN tunnel", STOP_I3, tunnel_erspan, 0),
	ADMIN("vxlan", "VXLAN; inside, the next hop has the gateway's address", STOP_I3,
	      tunnel_vxlan, 0),
	ADMIN("vxlan_noise", "VXLAN: only what the kernel itself says in it", STOP_I3,
	      tunnel_vxlan_noise, 0),
	ADMIN("vxlan_gateway", "VXLAN through the gateway", STOP_I2, tunnel_vxlan, ATTACK_GATEWAY),
	ADMIN("vxlan6", "VXLAN over IPv6", STOP_I3, tunnel_vxlan6, 0),
	ADMIN("vxlan_external", "VXLAN by the route (lwtunnel)", STOP_I1, tunnel_external, 0),
	ADMIN("geneve", "Geneve", STOP_I3, tunnel_geneve, 0),
	ADMIN("fou", "IPIP in UDP (foo over UDP)", STOP_I1, tunnel_fou, 0),
	ADMIN("gue", "IPIP in generic UDP encapsulation", STOP_I1, tunnel_gue, 0),
	ADMIN("l2tp_v3_ip", "L2TPv3 over IP", STOP_I3, tunnel_l2tp_ip, 0),
	ADMIN("l2tp_v3_udp", "L2TPv3 over UDP", STOP_I3, tunnel_l2tp_udp, 0),
	ADMIN("wireguard", "WireGuard made in the container", STOP_I3, tunnel_wireguard, 0),
	ADMIN("wireguard_gw", "... through the gateway", STOP_I2, tunnel_wireguard, ATTACK_GATEWAY),
	ADMIN("xfrm_tunnel", "IPsec, tunnel mode", STOP_I1, tunnel_xfrm, 0),
	ADMIN("xfrm_tunnel6", "... IPv6", STOP_I1, tunnel_xfrm6, 0),
	ADMIN("xfrm_gateway", "... through the gateway", STOP_I1, tunnel_xfrm, ATTACK_GATEWAY),
	ADMIN("xfrm_beet", "IPsec, BEET mode", STOP_I1, tunnel_xfrm_beet, 0),
	ADMIN("xfrm_udp", "ESP in UDP", STOP_I1, tunnel_xfrm_udp, 0),
	ADMIN("xfrm_comp", "IPComp, tunnel mode: small packets stay readable", STOP_I1,
	      tunnel_xfrm_comp, 0),
	ADMIN("xfrm_device", "IPsec by an xfrm device", STOP_I1, tunnel_xfrm_device, 0),
	ADMIN("vti", "IPsec by a vti device", STOP_I1, tunnel_vti, 0),
	ADMIN("pfkey", "IPsec, set up by AF_KEY", STOP_I1, tunnel_pfkey, 0),
	ADMIN("seg6_encap", "SRv6 route: encapsulated to the target", STOP_I1, tunnel_seg6, 0),
	ADMIN("seg6_inline", "SRv6 route: by way of the target", STOP_I1, tunnel_seg6_inline, 0),
	ADMIN("ioam6", "IOAM route: encapsulated to the target", STOP_I1, tunnel_ioam6, 0),
	ADMIN("ila", "ILA route: another locator", STOP_I1, tunnel_ila, 0),
	L2("macsec", "MACsec to the host", STOP_I3, tunnel_macsec, relay_macsec),
	ADMIN("vlan_prio", "VLAN 0: a tag that receivers take off", STOP_I3, tunnel_vlan_prio, 0),
	ADMIN("macvlan", "macvlan over eth0: a MAC of its own", STOP_I3, tunnel_macvlan, 0),
	ADMIN("macvlan_dev2", "macvlan over the other network", STOP_I3, tunnel_macvlan_dev2, 0),
	ADMIN("ipvlan_l2", "ipvlan over the other network", STOP_I3, tunnel_ipvlan_l2, 0),
	ADMIN("ipvlan_l3", "... layer 3: routed behind the hook", STOP_I3, tunnel_ipvlan_l3, 0),
	ADMIN("ipvlan_l3s", "... layer 3 with netfilter", STOP_I3, tunnel_ipvlan_l3s, 0),
	ADMIN("bridge_dev2", "bridge over the other network", STOP_I3, tunnel_bridge_dev2, 0),
	ADMIN("bond_dev2", "bond over the other network", STOP_I3, tunnel_bond_dev2, 0),
	ADMIN("rename_dev2", "the other network's device, named as the VPN network's", STOP_I3,
	      tunnel_rename, 0),
	ADMIN("vrf_qdisc", "... and a queue: sent in two steps", STOP_I1, tunnel_vrf_qdisc, 0),
	{ 0 },
};
