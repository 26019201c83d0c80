// SPDX-License-Identifier: GPL-2.0-only
/* Devices of one's own, and what other machines on the link can make of the container's routes. */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <string.h>

#include "build.h"
#include "send.h"
#include "words.h"

#define OWN_MAC "02:00:00:00:1e:66"

/* A device NAME of the kind, up; the target by the right gateway there, whose MAC is the host's. */
static int device(const struct attack_env *e, const char *name, const char *kind)
{
	struct words w = words(e);
	int rc = attack_command("ip link add %s link %s address " OWN_MAC " type %s", name, e->dev,
				kind);

	if (!rc)
		rc = attack_command("ip link set %s up", name);
	if (!rc)
		rc = attack_command("ip route add %s via %s dev %s onlink", w.target, w.gateway,
				    name);
	if (!rc)
		rc = attack_command("ip neighbour replace %s lladdr %s dev %s", w.gateway,
				    w.rogue_mac, name);
	return rc;
}

static int dev_macvlan(const struct attack_env *e)
{
	return udp4_if(e, device(e, "mv", "macvlan mode bridge"));
}

static int dev_vlan(const struct attack_env *e)
{
	int rc = device(e, "vl", "vlan id 5");

	relay_begin(e);
	return relay_end(e, udp4_if(e, rc));
}

static int dev_vlan_qinq(const struct attack_env *e)
{
	int rc = device(e, "vl", "vlan proto 802.1ad id 5");

	relay_begin(e);
	return relay_end(e, udp4_if(e, rc));
}

static int dev_macvlan_gw(const struct attack_env *e)
{
	struct words w = words(e);
	int rc = attack_command("ip link add mv link %s type macvlan mode bridge", e->dev);

	if (!rc)
		rc = attack_command("ip address add 172.30.0.77/24 dev mv");
	if (!rc)
		rc = attack_command("ip link set mv up");
	if (!rc)
		rc = attack_command("ip route add %s via %s dev mv", w.target, w.rogue);
	return udp4_if(e, rc);
}

static int dev_vrf(const struct attack_env *e)
{
	struct words w = words(e);
	int rc = attack_command("ip link add vr type vrf table 88");

	if (!rc)
		rc = attack_command("ip link set vr up");
	if (!rc)
		rc = attack_command("ip link set %s master vr", e->dev2);
	if (!rc)
		rc = attack_command("ip route add default via 172.31.0.1 dev %s table 88", e->dev2);
	if (!rc)
		rc = attack_command("ip route add %s dev vr", w.target);
	return udp4_if(e, rc);
}

/* The bridge learns: what is for the gateway's MAC comes to us. */
static int dev_mac_gateway(const struct attack_env *e)
{
	const uint8_t *m = e->gateway_mac;
	struct words w = words(e);
	int rc = attack_command("ip link set %s address %02x:%02x:%02x:%02x:%02x:%02x", e->dev,
				m[0], m[1], m[2], m[3], m[4], m[5]);

	if (!rc)
		rc = attack_command("ip neighbour replace %s lladdr %s dev %s", w.gateway,
				    w.rogue_mac, e->dev);
	return udp4_if(e, rc);
}

static int dev_mac_own(const struct attack_env *e)
{
	return udp4_if(e, attack_command("ip link set %s address " OWN_MAC, e->dev));
}

static int dev_mptcp(const struct attack_env *e)
{
	struct words w = words(e);
	int rc = attack_command("ip mptcp limits set subflows 4 add_addr_accepted 4"), fd;
	char word[2];

	if (!rc)
		rc = attack_command("ip route add %s via %s", w.target, w.rogue);
	attack_hear(e, word, sizeof(word), NULL);
	if (rc)
		return lack("ip mptcp", rc);
	fd = connect_to(open_socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP),
			dest4(e->gateway4, e->port));
	attack_hear(e, word, sizeof(word), NULL);
	return send_connected(e, linger(fd));
}

/* A server on the gateway that announces the target as another address of its own. */
static int helper_mptcp(const struct attack_env *e)
{
	int fd = bind_to(open_socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP),
			 dest4(e->gateway4, e->port));
	struct words w = words(e);

	fd = step(fd, "listen", fd < 0 ? 0 : listen(fd, 1));
	attack_command("ip mptcp endpoint flush");
	attack_command("ip mptcp endpoint add %s id 9 signal", w.target);
	attack_tell(e, "r", 1, -1);
	for (int i = 0; i < 10 && accept4(fd, NULL, NULL, SOCK_CLOEXEC) < 0; i++)
		linger(fd);
	linger(fd);
	attack_command("ip mptcp endpoint flush");
	return attack_tell(e, "d", 1, -1);
}

/* ---- drawn by others */

static int redirect4(const struct attack_env *e)
{
	char word;

	attack_hear(e, &word, 1, NULL);
	return send_mark(e, open_socket(AF_INET, SOCK_DGRAM, 0), target4(e));
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
	int rc = attack_command("sysctl -qw net.ipv6.conf.%s.accept_ra=2", e->dev);
	char word;

	attack_tell(e, "go", 2, -1);
	attack_hear(e, &word, 1, NULL);
	return udp6_if(e, rc);
}

const struct attack attacks_device[] = {
	{ "dev_macvlan", "a macvlan on which the gateway's address has the host's MAC", STOP_I3,
	  BY_GATEWAY, .run = dev_macvlan },
	{ "dev_macvlan_gw", "a macvlan with an address of its own, by the host", STOP_I1,
	  BY_GATEWAY, .run = dev_macvlan_gw },
	{ "dev_vlan", "a VLAN on which the gateway's address has the host's MAC", STOP_I3,
	  BY_GATEWAY, .run = dev_vlan, .helper = hear_ip4, .where = PLACE_ROGUE },
	{ "dev_vlan_qinq", "the same with a service provider's tag", STOP_I3, BY_GATEWAY,
	  .run = dev_vlan_qinq, .helper = hear_ip4, .where = PLACE_ROGUE },
	{ "dev_vrf", "a VRF with the second interface", STOP_I1, BY_GATEWAY, .run = dev_vrf },
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
