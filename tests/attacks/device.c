// SPDX-License-Identifier: GPL-2.0-only
/* Devices of one's own, and what other machines on the link can make of the container's routes. */
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <string.h>

#include "build.h"
#include "recipe.h"

/* The target by the right gateway, on a device `atk` on which its MAC is the host's. */
#define HOST_ON_ATK                                                                                \
	"link set atk up\n"                                                                        \
	"route add @target4 via @gateway4 dev atk onlink\n"                                        \
	"neighbour replace @gateway4 lladdr @rogue_mac dev atk"

static int dev_vlan(const struct attack_env *e)
{
	return to_relay(e, "vlan", "link add atk link @dev type vlan id 5\n" HOST_ON_ATK,
			target4(e));
}

static int dev_vlan_qinq(const struct attack_env *e)
{
	return to_relay(e, "vlan",
			"link add atk link @dev type vlan proto 802.1ad id 5\n" HOST_ON_ATK,
			target4(e));
}

static int dev_macvlan_own(const struct attack_env *e)
{
	return through(e, "macvlan",
		       "link add atk link @dev type macvlan mode bridge\n"
		       "address add 172.30.0.77/24 dev atk\n"
		       "link set atk up\n"
		       "route add @target4 via @rogue4 dev atk",
		       target4(e));
}

static int dev_vrf(const struct attack_env *e)
{
	int fd = open_socket(AF_INET, SOCK_DGRAM, 0);

	if (!ip_batch(e, "link add atk type vrf table 77\n"
			 "link set atk up\n"
			 "link set @dev2 master atk\n"
			 "route add @target4 via @other4 dev @dev2 onlink table 77\n"
			 "neighbour replace @other4 lladdr @other_mac dev @dev2"))
		return unmade("vrf");
	return send_mark(e, set_option(fd, SOL_SOCKET, SO_BINDTODEVICE, "atk", 4), target4(e));
}

/* The bridge learns: what is for the gateway's MAC comes to us. */
static int dev_mac_gateway(const struct attack_env *e)
{
	return through(e, "link",
		       "link set @dev address @gateway_mac\n"
		       "neighbour replace @gateway4 lladdr @rogue_mac dev @dev",
		       target4(e));
}

static int dev_mac_own(const struct attack_env *e)
{
	return through(e, "link", "link set @dev address 02:00:00:00:1e:66", target4(e));
}

static int dev_mptcp(const struct attack_env *e)
{
	char word;
	int fd;

	if (!ip_batch(e, "mptcp limits set subflows 4 add_addr_accepted 4\n"
			 "route add @target4 via @rogue4"))
		return unmade("mptcp");
	attack_hear(e, &word, 1, NULL);
	fd = connect_to(open_socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP),
			dest4(e->gateway4, e->port));
	attack_hear(e, &word, 1, NULL);
	return send_connected(e, linger(fd));
}

/* A server on the gateway that announces the target as another address of its own. */
static int helper_mptcp(const struct attack_env *e)
{
	int fd = bind_to(open_socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP),
			 dest4(e->gateway4, e->port));

	fd = step(fd, "listen", fd < 0 ? 0 : listen(fd, 1));
	ip_batch(e, "mptcp endpoint flush\nmptcp endpoint add @target4 id 9 signal");
	attack_tell(e, "r", 1, -1);
	for (int i = 0; i < 10 && accept4(fd, NULL, NULL, SOCK_CLOEXEC) < 0; i++)
		linger(fd);
	linger(fd);
	ip_batch(e, "mptcp endpoint flush");
	return attack_tell(e, "d", 1, -1);
}

/* ---- drawn by others */

static int redirect4(const struct attack_env *e)
{
	char word;

	attack_hear(e, &word, 1, NULL);
	return send_udp4(e, e->target4);
}

/* The gateway says that the host is nearer; about an echo reply, for those need no socket. */
static int helper_redirect(const struct attack_env *e)
{
	struct packet p = packet_empty();

	packet_icmp(&p, ICMP_ECHOREPLY, 0, 0);
	packet_ip4(&p, e->own4, e->target4, IPPROTO_ICMP);
	packet_icmp(&p, ICMP_REDIRECT, ICMP_REDIR_HOST, ntohl(e->rogue4.s_addr));
	packet_ip4(&p, e->gateway4, e->own4, IPPROTO_ICMP);
	inject4(&p, e->own4);
	return attack_tell(e, "r", 1, -1);
}

/* The host says that it is the router, and a better one (RFC 4861 4.2, RFC 4191 2.2). */
static int helper_advert(const struct attack_env *e)
{
	const uint8_t *m = e->rogue_mac;
	const uint8_t rest[16] = {
		[8] = ND_OPT_SOURCE_LINKADDR, 1, m[0], m[1], m[2], m[3], m[4], m[5]
	};
	struct packet p = packet_empty();
	char word[2];

	packet_head(&p, rest, sizeof(rest));
	packet_icmp(&p, ND_ROUTER_ADVERT, 0, 64u << 24 | 0x08u << 16 | 1800);
	packet_ip6(&p, link_local(m), e->own6, IPPROTO_ICMPV6, 255);
	attack_hear(e, word, sizeof(word), NULL);
	inject6(&p, e->own6);
	return attack_tell(e, "r", 1, -1);
}

static int advert6(const struct attack_env *e)
{
	bool believes = command(e, "sysctl -qw net.ipv6.conf.@dev.accept_ra=2");
	char word;

	attack_tell(e, "go", 2, -1);
	attack_hear(e, &word, 1, NULL);
	return believes ? send_udp6(e, e->target6) : unmade("accept_ra");
}

#define BY_GATEWAY NEEDS_NET_ADMIN, ATTACK_DIRTY | ATTACK_GATEWAY

const struct attack attacks_device[] = {
	{ "dev_macvlan_own", "a macvlan with an address of its own, by the host", STOP_I1,
	  BY_GATEWAY, .run = dev_macvlan_own },
	{ "dev_vlan", "a VLAN on which the gateway's address has the host's MAC", STOP_I3,
	  BY_GATEWAY, .run = dev_vlan, .helper = hear_ip4, .where = PLACE_ROGUE },
	{ "dev_vlan_qinq", "the same with a service provider's tag", STOP_I3, BY_GATEWAY,
	  .run = dev_vlan_qinq, .helper = hear_ip4, .where = PLACE_ROGUE },
	{ "dev_vrf", "a VRF that has the second interface", STOP_I1, BY_GATEWAY, .run = dev_vrf },
	{ "dev_mac_gateway", "the gateway's MAC as one's own", STOP_I3, BY_GATEWAY,
	  .run = dev_mac_gateway },
	{ "dev_mac_own", "another MAC of one's own, through the gateway", STOP_I3, BY_GATEWAY,
	  .run = dev_mac_own },
	{ "dev_mptcp", "Multipath TCP: the far end announces the target as its own address",
	  STOP_I1, BY_GATEWAY, .run = dev_mptcp, .helper = helper_mptcp, .where = PLACE_GATEWAY },
	{ "redirect4", "an ICMP redirect from the link, which the container believes", STOP_I1,
	  NEEDS_NOTHING, ATTACK_DIRTY | ATTACK_GATEWAY, .run = redirect4, .helper = helper_redirect,
	  .where = PLACE_GATEWAY },
	{ "advert6", "a router advertisement from the host, which the container believes", STOP_I1,
	  BY_GATEWAY, .run = advert6, .helper = helper_advert, .where = PLACE_ROGUE },
	{ .name = NULL },
};
