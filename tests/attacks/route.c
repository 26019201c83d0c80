// SPDX-License-Identifier: GPL-2.0-only
/* Routes, rules and neighbours of one's own. */
#include "recipe.h"

static int udp_socket(void)
{
	return open_socket(AF_INET, SOCK_DGRAM, 0);
}

/* ---- routes */

static int route_via(const struct attack_env *e)
{
	return through(e, "route", "route add @target4 via @rogue4", target4(e));
}

static int route6_via(const struct attack_env *e)
{
	return through(e, "route", "route add @target6 via @rogue6", target6(e));
}

static int route_tcp(const struct attack_env *e)
{
	if (!ip_batch(e, "route add @target4 via @rogue4"))
		return unmade("route");
	return done(connect_to(open_socket(AF_INET, SOCK_STREAM, 0), target4(e)));
}

static int route_default(const struct attack_env *e)
{
	return through(e, "route", "route replace default via @rogue4", target4(e));
}

static int route_link(const struct attack_env *e)
{
	return through(e, "route", "route add @target4 dev @dev scope link", target4(e));
}

static int route_link2(const struct attack_env *e)
{
	return through(e, "route", "route add @target4 dev @dev2 scope link", target4(e));
}

static int route6_link(const struct attack_env *e)
{
	return through(e, "route",
		       "route add @target6 dev @dev\n"
		       "neighbour replace @target6 lladdr @rogue_mac dev @dev",
		       target6(e));
}

static int route_onlink(const struct attack_env *e)
{
	return through(e, "route",
		       "route add @target4 via 10.99.0.1 dev @dev onlink\n"
		       "neighbour replace 10.99.0.1 lladdr @rogue_mac dev @dev",
		       target4(e));
}

/* A gateway that is the destination itself looks as if there were none. */
static int route_self(const struct attack_env *e)
{
	return through(e, "route", "route add @target4 via @target4 dev @dev onlink", target4(e));
}

static int route_nexthop(const struct attack_env *e)
{
	return through(e, "nexthop",
		       "nexthop add id 7 via @rogue4 dev @dev\n"
		       "route add @target4 nhid 7",
		       target4(e));
}

static int route_multi(const struct attack_env *e)
{
	return through(e, "route",
		       "route add @target4 nexthop via @gateway4 weight 1"
		       " nexthop via @rogue4 weight 255",
		       target4(e));
}

static int route_via_inet6(const struct attack_env *e)
{
	return through(e, "route", "route add @target4 via inet6 @rogue6 dev @dev", target4(e));
}

static int route_mtu(const struct attack_env *e)
{
	if (!ip_batch(e, "route add @target4 via @rogue4 mtu lock 600"))
		return unmade("route");
	return send_size(e, udp_socket(), target4(e), 1400, 0);
}

/* MPLS hides where to; the host, which may route labels, hears the frame. */
static int route_mpls(const struct attack_env *e)
{
	return to_relay(e, "route", "route add @target4 encap mpls 100 via inet @rogue4",
			target4(e));
}

static int hear_mpls(const struct attack_env *e)
{
	return relay_marked(e, 0x8847);
}

/* The socket has a route already when it changes. */
static int route_cached(const struct attack_env *e)
{
	int fd = connect_to(udp_socket(), target4(e));

	if (!ip_batch(e, "route replace default via @rogue4"))
		return unmade("route");
	return send_connected(e, fd);
}

static int route_cached6(const struct attack_env *e)
{
	int fd = connect_to(open_socket(AF_INET6, SOCK_DGRAM, 0), target6(e));

	if (!ip_batch(e, "route replace default via @rogue6"))
		return unmade("route");
	return send_connected(e, fd);
}

/* ---- rules, for a table whose only route is by the host */

#define TABLE "route add default via @rogue4 dev @dev table 77\n"

static int rule_mark(const struct attack_env *e)
{
	if (!ip_batch(e, TABLE "rule add fwmark 7 table 77"))
		return unmade("rule");
	return send_mark(e, set_int(udp_socket(), SOL_SOCKET, SO_MARK, 7), target4(e));
}

static int rule_proto(const struct attack_env *e)
{
	return through(e, "rule", TABLE "rule add ipproto udp table 77", target4(e));
}

static int rule_user(const struct attack_env *e)
{
	return through(e, "rule", TABLE "rule add uidrange 0-65535 table 77", target4(e));
}

static int rule_tos(const struct attack_env *e)
{
	if (!ip_batch(e, TABLE "rule add tos 0x10 table 77"))
		return unmade("rule");
	return send_mark(e, set_int(udp_socket(), IPPROTO_IP, IP_TOS, 0x10), target4(e));
}

static int rule_source(const struct attack_env *e)
{
	if (!ip_batch(e, TABLE "rule add from 172.30.0.138 table 77\n"
			       "address add 172.30.0.138/24 dev @dev"))
		return unmade("rule");
	return send_mark(e, bind_to(udp_socket(), dest4(address4("172.30.0.138"), e->port)),
			 target4(e));
}

/* ---- neighbours: the right address, and somebody else's MAC behind it */

static int neigh_gateway(const struct attack_env *e)
{
	return through(e, "neighbour", "neighbour replace @gateway4 lladdr @rogue_mac dev @dev",
		       target4(e));
}

static int neigh_gateway6(const struct attack_env *e)
{
	return through(e, "neighbour", "neighbour replace @gateway6 lladdr @rogue_mac dev @dev",
		       target6(e));
}

static int neigh_peer(const struct attack_env *e)
{
	return to_relay(e, "neighbour", "neighbour replace @peer4 lladdr @rogue_mac dev @dev",
			dest4(e->peer4, e->port));
}

/* A listed address, sought on the other network. */
static int neigh_elsewhere(const struct attack_env *e)
{
	return to_relay(e, "neighbour",
			"route add @peer4 dev @dev2\n"
			"neighbour replace @peer4 lladdr @other_mac dev @dev2",
			dest4(e->peer4, e->port));
}

static int neigh_other_net(const struct attack_env *e)
{
	return through(e, "neighbour",
		       "route add @target4 via @gateway4 dev @dev2 onlink\n"
		       "neighbour replace @gateway4 lladdr @other_mac dev @dev2",
		       target4(e));
}

#define BY_GATEWAY NEEDS_NET_ADMIN, ATTACK_DIRTY | ATTACK_GATEWAY

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
	{ "rule_proto", "a rule for a protocol", STOP_I1, BY_GATEWAY, .run = rule_proto },
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
