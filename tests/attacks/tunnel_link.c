// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices over the container's own ones. They are Ethernet, so that the packet hook lets through
 * what goes to the gateway's address; whose MAC that is, it does not see.
 */
#include <linux/if_ether.h>
#include <sys/socket.h>

#include "recipe.h"
#include "tunnel.h"

/* To the target by the gateway's address, which is the host's MAC on this device. */
#define HOST_ROUTE                                                                                 \
	"link set atk up\n"                                                                        \
	"neighbour replace @gateway4 lladdr @rogue_mac dev atk nud permanent\n"                    \
	"route replace @target4/32 via @gateway4 dev atk onlink src @own4\n"
#define GATEWAY_ROUTE                                                                              \
	"link set atk up\n"                                                                        \
	"neighbour replace @gateway4 lladdr @gateway_mac dev atk nud permanent\n"                  \
	"route replace @target4/32 via @gateway4 dev atk onlink src @own4\n"

int relay_macsec(const struct attack_env *e)
{
	return relay_marked(e, ETH_P_MACSEC);
}

int tunnel_macsec(const struct attack_env *e)
{
	return to_relay(e, "macsec",
			"link add atk link @dev type macsec\n"
			"macsec add atk tx sa 0 pn 1 on key 01 "
			"0102030405060708090a0b0c0d0e0f10\n" HOST_ROUTE,
			target4(e));
}

int tunnel_vlan_prio(const struct attack_env *e)
{
	return through(e, "vlan", "link add atk link @dev type vlan id 0\n" HOST_ROUTE, target4(e));
}

int tunnel_macvlan(const struct attack_env *e)
{
	return through(e, "macvlan",
		       "link add atk link @dev type macvlan mode bridge\n" GATEWAY_ROUTE,
		       target4(e));
}

int tunnel_macvlan_dev2(const struct attack_env *e)
{
	return over_dev2(e, "macvlan",
			 "link add atk link @dev2 type macvlan mode bridge\nlink set atk up\n");
}

int tunnel_ipvlan_l2(const struct attack_env *e)
{
	return over_dev2(e, "ipvlan",
			 "link add atk link @dev2 type ipvlan mode l2\nlink set atk up\n"
			 "address delete @own4_2/24 dev @dev2\n");
}

/* In layer 3 mode the master's routes count, which are looked up behind the hook. */
static int ipvlan_l3(const struct attack_env *e, const char *text)
{
	if (!ip_batch(e, text))
		return unmade("ipvlan");
	return send_udp4(e, e->target4);
}

#define IPVLAN_L3                                                                                  \
	"link set atk up\n"                                                                        \
	"address add 10.99.0.1/24 dev atk\n"                                                       \
	"route replace @target4/32 via @gateway4 dev atk onlink\n"                                 \
	"route add @target4/32 via @other4 dev @dev2 metric 500\n"

int tunnel_ipvlan_l3(const struct attack_env *e)
{
	return ipvlan_l3(e, "link add atk link @dev2 type ipvlan mode l3\n" IPVLAN_L3);
}

int tunnel_ipvlan_l3s(const struct attack_env *e)
{
	return ipvlan_l3(e, "link add atk link @dev2 type ipvlan mode l3s\n" IPVLAN_L3);
}

int tunnel_bridge_dev2(const struct attack_env *e)
{
	return over_dev2(e, "bridge",
			 "link add atk address @own_mac_2 type bridge mcast_snooping 0\n"
			 "address flush dev @dev2\n"
			 "link set @dev2 master atk\nlink set atk up\n");
}

int tunnel_bond_dev2(const struct attack_env *e)
{
	return over_dev2(e, "bond",
			 "link add atk type bond mode active-backup\n"
			 "link set @dev2 down\nlink set @dev2 master atk\nlink set atk up\n");
}

int tunnel_rename(const struct attack_env *e)
{
	return through(e, "ip",
		       "link set @dev down\nlink set @dev name atk0\n"
		       "link set @dev2 down\nlink set @dev2 name @dev\nlink set @dev up\n"
		       "address replace @own4/24 dev @dev\n"
		       "neighbour replace @gateway4 lladdr @other_mac dev @dev nud permanent\n"
		       "route replace @target4/32 via @gateway4 dev @dev onlink\n",
		       target4(e));
}

#define VRF                                                                                        \
	"link add atk type vrf table 77\nlink set atk up\n"                                        \
	"link set @dev master atk\n"                                                               \
	"neighbour replace @rogue4 lladdr @rogue_mac dev @dev nud permanent\n"                     \
	"route add @target4/32 via @rogue4 dev @dev onlink table 77\n"

static int from_vrf(const struct attack_env *e)
{
	int fd = open_socket(AF_INET, SOCK_DGRAM, 0);

	return send_mark(e, set_option(fd, SOL_SOCKET, SO_BINDTODEVICE, "atk", 4), target4(e));
}

int tunnel_vrf_qdisc(const struct attack_env *e)
{
	if (!ip_batch(e, VRF) || !tc_batch(e, "qdisc add dev atk root pfifo limit 100\n"))
		return unmade("vrf");
	return from_vrf(e);
}
