// SPDX-License-Identifier: GPL-2.0-only
/* Routes, rules and neighbours of one's own. */
#include "send.h"
#include "words.h"

static int udp_socket(void)
{
	return open_socket(AF_INET, SOCK_DGRAM, 0);
}

/* ---- routes */

static int route_via(const struct attack_env *e)
{
	struct words w = words(e);

	return udp4_if(e, attack_command("ip route add %s via %s", w.target, w.rogue));
}

static int route6_via(const struct attack_env *e)
{
	struct words w = words(e);

	return udp6_if(e, attack_command("ip route add %s via %s", w.target6, w.rogue6));
}

static int route_tcp(const struct attack_env *e)
{
	struct words w = words(e);
	int rc = attack_command("ip route add %s via %s", w.target, w.rogue);

	if (rc)
		return lack("ip", rc);
	return done(connect_to(open_socket(AF_INET, SOCK_STREAM, 0), target4(e)));
}

static int route_default(const struct attack_env *e)
{
	struct words w = words(e);

	return udp4_if(e, attack_command("ip route replace default via %s", w.rogue));
}

static int route_link(const struct attack_env *e)
{
	struct words w = words(e);

	return udp4_if(e, attack_command("ip route add %s dev %s scope link", w.target, e->dev));
}

static int route_link2(const struct attack_env *e)
{
	struct words w = words(e);

	return udp4_if(e, attack_command("ip route add %s dev %s scope link", w.target, e->dev2));
}

static int route6_link(const struct attack_env *e)
{
	struct words w = words(e);
	int rc = attack_command("ip route add %s dev %s", w.target6, e->dev);

	if (!rc)
		rc = attack_command("ip neighbour replace %s lladdr %s dev %s", w.target6,
				    w.rogue_mac, e->dev);
	return udp6_if(e, rc);
}

static int route_onlink(const struct attack_env *e)
{
	struct words w = words(e);
	int rc = attack_command("ip route add %s via 10.99.0.1 dev %s onlink", w.target, e->dev);

	if (!rc)
		rc = attack_command("ip neighbour replace 10.99.0.1 lladdr %s dev %s", w.rogue_mac,
				    e->dev);
	return udp4_if(e, rc);
}

/* A gateway that is the destination itself looks as if there were none. */
static int route_self(const struct attack_env *e)
{
	struct words w = words(e);

	return udp4_if(e, attack_command("ip route add %s via %s dev %s onlink", w.target, w.target,
					 e->dev));
}

static int route_nexthop(const struct attack_env *e)
{
	struct words w = words(e);
	int rc = attack_command("ip nexthop add id 7 via %s dev %s", w.rogue, e->dev);

	if (!rc)
		rc = attack_command("ip route add %s nhid 7", w.target);
	return udp4_if(e, rc);
}

static int route_multi(const struct attack_env *e)
{
	struct words w = words(e);

	return udp4_if(e, attack_command("ip route add %s nexthop via %s weight 1"
					 " nexthop via %s weight 255",
					 w.target, w.gateway, w.rogue));
}

static int route_via_inet6(const struct attack_env *e)
{
	struct words w = words(e);

	return udp4_if(e, attack_command("ip route add %s via inet6 %s dev %s", w.target, w.rogue6,
					 e->dev));
}

static int route_mtu(const struct attack_env *e)
{
	struct words w = words(e);
	int rc = attack_command("ip route add %s via %s mtu lock 600", w.target, w.rogue);

	return rc ? lack("ip", rc) : send_size(e, udp_socket(), target4(e), 1400, 0);
}

/* MPLS hides where to; the host, which may route labels, hears the frame. */
static int route_mpls(const struct attack_env *e)
{
	struct words w = words(e);
	int rc = attack_command("ip route add %s encap mpls 100 via inet %s", w.target, w.rogue);

	relay_begin(e);
	return relay_end(e, udp4_if(e, rc));
}

static int hear_mpls(const struct attack_env *e)
{
	return relay_marked(e, 0x8847);
}

/* The socket has a route already when it changes. */
static int route_cached(const struct attack_env *e)
{
	struct words w = words(e);
	int fd = connect_to(udp_socket(), target4(e));
	int rc = attack_command("ip route replace default via %s", w.rogue);

	return rc ? lack("ip", rc) : send_connected(e, fd);
}

static int route_cached6(const struct attack_env *e)
{
	struct words w = words(e);
	int fd = connect_to(open_socket(AF_INET6, SOCK_DGRAM, 0), target6(e));
	int rc = attack_command("ip route replace default via %s", w.rogue6);

	return rc ? lack("ip", rc) : send_connected(e, fd);
}

/* ---- rules */

static int with_table(const struct attack_env *e, const char *rule)
{
	struct words w = words(e);
	int rc = attack_command("ip route add default via %s dev %s table 77", w.rogue, e->dev);

	return rc ? rc : attack_command("ip rule add %s table 77", rule);
}

static int rule_mark(const struct attack_env *e)
{
	int rc = with_table(e, "fwmark 7");

	if (rc)
		return lack("ip", rc);
	return send_mark(e, set_int(udp_socket(), SOL_SOCKET, SO_MARK, 7), target4(e));
}

static int rule_port(const struct attack_env *e)
{
	return udp4_if(e, with_table(e, "ipproto udp"));
}

static int rule_user(const struct attack_env *e)
{
	return udp4_if(e, with_table(e, "uidrange 0-65535"));
}

static int rule_tos(const struct attack_env *e)
{
	int rc = with_table(e, "tos 0x10");

	if (rc)
		return lack("ip", rc);
	return send_mark(e, set_int(udp_socket(), IPPROTO_IP, IP_TOS, 0x10), target4(e));
}

static int rule_source(const struct attack_env *e)
{
	struct in_addr own = { e->own4.s_addr ^ htonl(0x80) };
	int rc = with_table(e, "from 172.30.0.138");

	if (!rc)
		rc = attack_command("ip address add 172.30.0.138/24 dev %s", e->dev);
	if (rc)
		return lack("ip", rc);
	return send_mark(e, bind_to(udp_socket(), dest4(own, e->port)), target4(e));
}

/* ---- neighbours: the right address, and somebody else's MAC behind it */

static int neigh_gateway(const struct attack_env *e)
{
	struct words w = words(e);

	return udp4_if(e, attack_command("ip neighbour replace %s lladdr %s dev %s", w.gateway,
					 w.rogue_mac, e->dev));
}

static int neigh_gateway6(const struct attack_env *e)
{
	struct words w = words(e);

	return udp6_if(e, attack_command("ip neighbour replace %s lladdr %s dev %s", w.gateway6,
					 w.rogue_mac, e->dev));
}

static int neigh_peer(const struct attack_env *e)
{
	struct words w = words(e);

	return peer_if(e, attack_command("ip neighbour replace %s lladdr %s dev %s", w.peer,
					 w.rogue_mac, e->dev));
}

/* A listed address, sought on the other network. */
static int neigh_elsewhere(const struct attack_env *e)
{
	struct words w = words(e);
	int rc = attack_command("ip route add %s dev %s", w.peer, e->dev2);

	if (!rc)
		rc = attack_command("ip neighbour replace %s lladdr %s dev %s", w.peer, w.other_mac,
				    e->dev2);
	return peer_if(e, rc);
}

static int neigh_other_net(const struct attack_env *e)
{
	struct words w = words(e);
	int rc = attack_command("ip route add %s via %s dev %s onlink", w.target, w.gateway,
				e->dev2);

	if (!rc)
		rc = attack_command("ip neighbour replace %s lladdr %s dev %s", w.gateway,
				    w.other_mac, e->dev2);
	return udp4_if(e, rc);
}

const struct attack attacks_route[] = {
	{ "route_via", "a route to the target by the host", STOP_I1, BY_GATEWAY, .run = route_via },
	{ "route6_via", "the same over IPv6", STOP_I1, BY_GATEWAY, .run = route6_via },
	{ "route_tcp", "the same with TCP", STOP_I1, BY_GATEWAY, .run = route_tcp },
	{ "route_default", "the default route by the host", STOP_I1, BY_GATEWAY,
	  .run = route_default },
	{ "route_link", "a route that has the target on the link", STOP_I1, BY_GATEWAY,
	  .run = route_link },
	{ "route_link2", "a route that has the target on the other network's link", STOP_I1,
	  BY_GATEWAY, .run = route_link2 },
	{ "route6_link", "the target on the link, with the host's MAC", STOP_I1, BY_GATEWAY,
	  .run = route6_link },
	{ "route_onlink", "by an invented gateway (onlink) with the host's MAC", STOP_I1,
	  BY_GATEWAY, .run = route_onlink },
	{ "route_self", "by itself: gateway and destination are one", STOP_I1, BY_GATEWAY,
	  .run = route_self },
	{ "route_nexthop", "a nexthop object", STOP_I1, BY_GATEWAY, .run = route_nexthop },
	{ "route_multi", "a multipath route, one path of it the gateway's", STOP_I1, BY_GATEWAY,
	  .run = route_multi },
	{ "route_via_inet6", "IPv4 by an IPv6 gateway", STOP_I1, BY_GATEWAY,
	  .run = route_via_inet6 },
	{ "route_mtu", "a route with an MTU of its own", STOP_I1, BY_GATEWAY, .run = route_mtu },
	{ "route_mpls", "a route that wraps in MPLS", STOP_I1, BY_GATEWAY, .run = route_mpls,
	  .helper = hear_mpls, .where = PLACE_ROGUE },
	{ "route_cached", "the route changes under a connected socket", STOP_I1, BY_GATEWAY,
	  .run = route_cached },
	{ "route_cached6", "the same over IPv6", STOP_I1, BY_GATEWAY, .run = route_cached6 },
	{ "rule_mark", "a rule for SO_MARK, a table by the host", STOP_I1, BY_GATEWAY,
	  .run = rule_mark },
	{ "rule_port", "a rule for a protocol", STOP_I1, BY_GATEWAY, .run = rule_port },
	{ "rule_user", "a rule for users", STOP_I1, BY_GATEWAY, .run = rule_user },
	{ "rule_tos", "a rule for IP_TOS", STOP_I1, BY_GATEWAY, .run = rule_tos },
	{ "rule_source", "a new address, and a rule for it", STOP_I1, BY_GATEWAY,
	  .run = rule_source },
	{ "neigh_gateway", "the gateway's address with the host's MAC", STOP_I3, BY_GATEWAY,
	  .run = neigh_gateway },
	{ "neigh_gateway6", "the same over IPv6", STOP_I3, BY_GATEWAY, .run = neigh_gateway6 },
	{ "neigh_peer", "a peer's address with the host's MAC", STOP_I3, BY_GATEWAY,
	  .run = neigh_peer, .helper = hear_ip4, .where = PLACE_ROGUE },
	{ "neigh_elsewhere", "a peer's address on the other network", STOP_I3, BY_GATEWAY,
	  .run = neigh_elsewhere, .helper = hear_ip4, .where = PLACE_ROGUE },
	{ "neigh_other_net", "the gateway's address on the other network", STOP_I3, BY_GATEWAY,
	  .run = neigh_other_net },
	{ .name = NULL },
};
