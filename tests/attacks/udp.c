// SPDX-License-Identifier: GPL-2.0-only
/* UDP: every form of address and of a connection; what hands over the data is in udp_data.c. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "send.h"

static int udp_socket(void)
{
	return open_socket(AF_INET, SOCK_DGRAM, 0);
}

static int udp_socket6(void)
{
	return open_socket(AF_INET6, SOCK_DGRAM, 0);
}

static int udp4(const struct attack_env *e)
{
	return send_mark(e, udp_socket(), target4(e));
}

static int udp6(const struct attack_env *e)
{
	return send_mark(e, udp_socket6(), target6(e));
}

static int udp_mapped(const struct attack_env *e)
{
	return send_mark(e, udp_socket6(), target_mapped(e));
}

static int udp_inet_on6(const struct attack_env *e)
{
	return send_mark(e, udp_socket6(), target4(e));
}

static int udp_no_family(const struct attack_env *e)
{
	struct dest to = target4(e);

	to.in.sin_family = AF_UNSPEC;
	return send_mark(e, udp_socket(), to);
}

static int udp_connected(const struct attack_env *e)
{
	return send_connected(e, connect_to(udp_socket(), target4(e)));
}

static int udp_connected6(const struct attack_env *e)
{
	return send_connected(e, connect_to(udp_socket6(), target6(e)));
}

static int udp_conn_map(const struct attack_env *e)
{
	return send_connected(e, connect_to(udp_socket6(), target_mapped(e)));
}

static int udp_aside(const struct attack_env *e)
{
	int fd = connect_to(udp_socket(), dest4(e->peer4, e->port));

	return send_mark(e, fd, target4(e));
}

static int udp_aside6(const struct attack_env *e)
{
	int fd = connect_to(udp_socket6(), dest6(e->peer6, e->port));

	return send_mark(e, fd, target6(e));
}

static int udp_reconnect(const struct attack_env *e)
{
	const struct dest nowhere = { .sa.sa_family = AF_UNSPEC, .len = sizeof(nowhere.in) };
	int fd = connect_to(udp_socket(), dest4(e->peer4, e->port));

	return send_connected(e, connect_to(connect_to(fd, nowhere), target4(e)));
}

/* An IPv6 socket that turns into an IPv4 one when it is connected to a mapped address. */
static int udp_addrform(const struct attack_env *e)
{
	int fd = connect_to(udp_socket6(), mapped(e->peer4, e->port));

	return send_mark(e, set_int(fd, IPPROTO_IPV6, IPV6_ADDRFORM, AF_INET), target4(e));
}

static int udp_freebind6(const struct attack_env *e)
{
	int fd = bind_to(set_int(udp_socket6(), IPPROTO_IPV6, IPV6_FREEBIND, 1),
			 dest6(e->peer6, e->port));

	return send_mark(e, fd, target6(e));
}

static int udp_transparent(const struct attack_env *e)
{
	int fd = set_int(udp_socket(), IPPROTO_IP, IP_TRANSPARENT, 1);

	return send_mark(e, bind_to(fd, dest4(e->gateway4, e->port)), target4(e));
}

static int udp_transp6(const struct attack_env *e)
{
	int fd = set_int(udp_socket6(), IPPROTO_IPV6, IPV6_TRANSPARENT, 1);

	return send_mark(e, bind_to(fd, dest6(e->gateway6, e->port)), target6(e));
}

/* ---- to more than one: no router forwards these, but a listener on the host hears them */

static int broadcast(const struct attack_env *e, in_addr_t to)
{
	int fd = set_int(udp_socket(), SOL_SOCKET, SO_BROADCAST, 1);

	relay_begin(e);
	return relay_end(e, send_mark(e, fd, dest4((struct in_addr){ to }, e->port)));
}

static int udp_bcast(const struct attack_env *e)
{
	return broadcast(e, e->own4.s_addr | htonl(0xff));
}

static int udp_bcast_all(const struct attack_env *e)
{
	return broadcast(e, INADDR_BROADCAST);
}

static int multicast4(const struct attack_env *e, struct in_addr out_of)
{
	const struct in_addr group = { htonl(0xef0a0b0c) };
	int fd = set_option(udp_socket(), IPPROTO_IP, IP_MULTICAST_IF, &out_of, sizeof(out_of));

	relay_begin(e);
	return relay_end(e, send_mark(e, fd, dest4(group, e->port)));
}

static int udp_mcast4(const struct attack_env *e)
{
	return multicast4(e, e->own4);
}

static int udp_mcast4_2(const struct attack_env *e)
{
	return multicast4(e, e->own4_2);
}

/* scope: 2 the link, 5 the site */
static int multicast6(const struct attack_env *e, uint8_t scope, const char *out_of)
{
	const struct in6_addr group = { .s6_addr = { 0xff, scope, [15] = 1 } };
	int fd = set_int(udp_socket6(), IPPROTO_IPV6, IPV6_MULTICAST_IF,
			 (int)if_nametoindex(out_of));

	relay_begin(e);
	return relay_end(e, send_mark(e, fd, dest6(group, e->port)));
}

static int udp_mcast6(const struct attack_env *e)
{
	return multicast6(e, 5, e->dev);
}

static int udp_mcast6_2(const struct attack_env *e)
{
	return multicast6(e, 5, e->dev2);
}

static int udp_allnodes(const struct attack_env *e)
{
	return multicast6(e, 2, e->dev);
}

static int udp_linklocal(const struct attack_env *e)
{
	struct dest to = dest6(link_local(e->rogue_mac), e->port);

	to.in6.sin6_scope_id = if_nametoindex(e->dev);
	relay_begin(e);
	return relay_end(e, send_mark(e, udp_socket6(), to));
}

/* ---- who calls */

static int udp_child(const struct attack_env *e)
{
	/* an orphan in a session of its own */
	if (!fork()) {
		setsid();
		if (!fork())
			udp4(e);
		_exit(0);
	}
	return udp4(e);
}

const struct attack attacks_udp[] = {
	{ "udp4", "sendto over IPv4", STOP_I1, NEEDS_NOTHING, .run = udp4 },
	{ "udp6", "sendto over IPv6", STOP_I1, NEEDS_NOTHING, .run = udp6 },
	{ "udp_mapped", "sendto an IPv4-mapped address", STOP_I1, NEEDS_NOTHING,
	  .run = udp_mapped },
	{ "udp_inet_on6", "sendto an AF_INET address on an IPv6 socket", STOP_I1, NEEDS_NOTHING,
	  .run = udp_inet_on6 },
	{ "udp_no_family", "sendto an AF_UNSPEC address, which IPv4 takes for its own", STOP_I1,
	  NEEDS_NOTHING, .run = udp_no_family },
	{ "udp_connected", "connect, then send", STOP_I1, NEEDS_NOTHING, .run = udp_connected },
	{ "udp_connected6", "connect, then send, over IPv6", STOP_I1, NEEDS_NOTHING,
	  .run = udp_connected6 },
	{ "udp_conn_map", "connect to an IPv4-mapped address, then send", STOP_I1, NEEDS_NOTHING,
	  .run = udp_conn_map },
	{ "udp_aside", "connect to a peer, then sendto the target", STOP_I1, NEEDS_NOTHING,
	  .run = udp_aside },
	{ "udp_aside6", "the same over IPv6", STOP_I1, NEEDS_NOTHING, .run = udp_aside6 },
	{ "udp_reconnect", "connect to a peer, to AF_UNSPEC, then to the target", STOP_I1,
	  NEEDS_NOTHING, .run = udp_reconnect },
	{ "udp_addrform", "an IPv6 socket made an IPv4 one (IPV6_ADDRFORM)", STOP_I1, NEEDS_NOTHING,
	  .run = udp_addrform },
	{ "udp_freebind6", "from a peer's address (IPV6_FREEBIND)", STOP_I1, NEEDS_NOTHING,
	  .run = udp_freebind6 },
	{ "udp_transparent", "from the gateway's address (IP_TRANSPARENT)", STOP_I1, NEEDS_NET_RAW,
	  .run = udp_transparent },
	{ "udp_transp6", "from the gateway's address (IPV6_TRANSPARENT)", STOP_I1, NEEDS_NET_RAW,
	  .run = udp_transp6 },
	{ "udp_bcast", "to the network's broadcast address", STOP_I3, NEEDS_NOTHING,
	  .run = udp_bcast, .helper = hear_ip4, .where = PLACE_ROGUE },
	{ "udp_bcast_all", "to 255.255.255.255", STOP_I1, NEEDS_NOTHING, .run = udp_bcast_all,
	  .helper = hear_ip4, .where = PLACE_ROGUE },
	{ "udp_mcast4", "multicast", STOP_I1, NEEDS_NOTHING, .run = udp_mcast4, .helper = hear_ip4,
	  .where = PLACE_ROGUE },
	{ "udp_mcast4_2", "multicast out of the second interface (IP_MULTICAST_IF)", STOP_I1,
	  NEEDS_NOTHING, .run = udp_mcast4_2, .helper = hear_ip4, .where = PLACE_ROGUE },
	{ "udp_mcast6", "IPv6 multicast", STOP_I1, NEEDS_NOTHING, .run = udp_mcast6,
	  .helper = hear_ip6, .where = PLACE_ROGUE },
	{ "udp_mcast6_2", "IPv6 multicast out of the second interface", STOP_I1, NEEDS_NOTHING,
	  .run = udp_mcast6_2, .helper = hear_ip6, .where = PLACE_ROGUE },
	{ "udp_allnodes", "IPv6 multicast to all nodes of the link", STOP_I1, NEEDS_NOTHING,
	  .run = udp_allnodes, .helper = hear_ip6, .where = PLACE_ROGUE },
	{ "udp_linklocal", "to the host's link-local address", STOP_I1, NEEDS_NOTHING,
	  .run = udp_linklocal, .helper = hear_ip6, .where = PLACE_ROGUE },
	{ "udp_child", "from a process that has left its parents behind", STOP_I1, NEEDS_NOTHING,
	  .run = udp_child },
	{ .name = NULL },
};
