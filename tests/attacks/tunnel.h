/* SPDX-License-Identifier: GPL-2.0-only */
/* The attacks of attacks_tunnel that are not in tunnel.c, and the listeners of some. */
#ifndef BPFGUARD_TESTS_ATTACK_TUNNEL_H
#define BPFGUARD_TESTS_ATTACK_TUNNEL_H

#include "attack.h"

typedef int tunnel_attack(const struct attack_env *e);

/* tunnel_ip.c: devices that wrap packets in IP */
tunnel_attack tunnel_ipip, tunnel_gre, tunnel_sit, tunnel_ip6tnl, tunnel_ip6gre, tunnel_gretap,
	tunnel_ip6gretap, tunnel_erspan, tunnel_vxlan, tunnel_vxlan_noise, tunnel_vxlan6,
	tunnel_external, tunnel_geneve, tunnel_fou, tunnel_gue, tunnel_l2tp_ip, tunnel_l2tp_udp,
	tunnel_wireguard;
/* tunnel_route.c: routes and policies that do */
tunnel_attack tunnel_xfrm, tunnel_xfrm6, tunnel_xfrm_beet, tunnel_xfrm_udp, tunnel_xfrm_comp,
	tunnel_xfrm_device, tunnel_vti, tunnel_seg6, tunnel_seg6_inline, tunnel_ioam6, tunnel_ila;
/* tunnel_key.c */
tunnel_attack tunnel_pfkey;
/* tunnel_link.c: devices over the container's own */
tunnel_attack tunnel_macsec, tunnel_vlan_prio, tunnel_macvlan, tunnel_macvlan_dev2,
	tunnel_ipvlan_l2, tunnel_ipvlan_l3, tunnel_ipvlan_l3s, tunnel_bridge_dev2, tunnel_bond_dev2,
	tunnel_rename, tunnel_vrf_qdisc;
/* a helper, in the host */
tunnel_attack relay_macsec;

#endif /* BPFGUARD_TESTS_ATTACK_TUNNEL_H */
