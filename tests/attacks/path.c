// SPDX-License-Identifier: GPL-2.0-only
/* Another way than the gateway's, without touching a route: socket options and control messages. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>

#include "send.h"

#ifndef SO_BINDTOIFINDEX
#define SO_BINDTOIFINDEX 62
#endif

static int udp4_with(int level, int name, const void *value, size_t size)
{
	return set_option(open_socket(AF_INET, SOCK_DGRAM, 0), level, name, value, size);
}

static int udp6_with(int level, int name, const void *value, size_t size)
{
	return set_option(open_socket(AF_INET6, SOCK_DGRAM, 0), level, name, value, size);
}

static int index2(const struct attack_env *e)
{
	return (int)if_nametoindex(e->dev2);
}

/* ---- the second interface: the host answers there for everybody (proxy ARP) */

static int path_device(const struct attack_env *e)
{
	int fd = udp4_with(SOL_SOCKET, SO_BINDTODEVICE, e->dev2, strlen(e->dev2));

	return send_mark(e, fd, target4(e));
}

static int path_device_tcp(const struct attack_env *e)
{
	int fd = set_option(open_socket(AF_INET, SOCK_STREAM, 0), SOL_SOCKET, SO_BINDTODEVICE,
			    e->dev2, strlen(e->dev2));

	return done(connect_to(fd, target4(e)));
}

static int path_ifindex(const struct attack_env *e)
{
	const int index = index2(e);

	return send_mark(e, udp4_with(SOL_SOCKET, SO_BINDTOIFINDEX, &index, sizeof(index)),
			 target4(e));
}

static int path_unicast_if(const struct attack_env *e)
{
	const uint32_t index = htonl((uint32_t)index2(e));

	return send_mark(e, udp4_with(IPPROTO_IP, IP_UNICAST_IF, &index, sizeof(index)),
			 target4(e));
}

static int path_pktinfo(const struct attack_env *e)
{
	const struct in_pktinfo info = { .ipi_ifindex = index2(e) };

	return send_cmsg(e, open_socket(AF_INET, SOCK_DGRAM, 0), target4(e), IPPROTO_IP, IP_PKTINFO,
			 &info, sizeof(info));
}

static int path_source(const struct attack_env *e)
{
	const struct in_pktinfo info = { .ipi_spec_dst = e->own4_2 };

	return send_cmsg(e, open_socket(AF_INET, SOCK_DGRAM, 0), target4(e), IPPROTO_IP, IP_PKTINFO,
			 &info, sizeof(info));
}

static int path_other(const struct attack_env *e)
{
	relay_begin(e);
	return relay_end(
		e, send_mark(e, open_socket(AF_INET, SOCK_DGRAM, 0), dest4(e->other4, e->port)));
}

/* IPv6 has no such host: a container with a second default route, of which it made nothing yet. */
static int second_default(const struct attack_env *e)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(AF_INET6, &e->other6, text, sizeof(text));
	attack_command("ip -6 route add default via %s dev %s metric 4000", text, e->dev2);
	return attack_tell(e, "r", 1, -1);
}

static int path6_device(const struct attack_env *e)
{
	relay_begin(e);
	return send_mark(e, udp6_with(SOL_SOCKET, SO_BINDTODEVICE, e->dev2, strlen(e->dev2)),
			 target6(e));
}

static int path6_unicast(const struct attack_env *e)
{
	const uint32_t index = htonl((uint32_t)index2(e));

	relay_begin(e);
	return send_mark(e, udp6_with(IPPROTO_IPV6, IPV6_UNICAST_IF, &index, sizeof(index)),
			 target6(e));
}

static int path6_scope(const struct attack_env *e)
{
	struct dest to = target6(e);

	relay_begin(e);
	to.in6.sin6_scope_id = (uint32_t)index2(e);
	return send_mark(e, open_socket(AF_INET6, SOCK_DGRAM, 0), to);
}

static int path6_pktinfo(const struct attack_env *e)
{
	const struct in6_pktinfo info = { .ipi6_ifindex = (unsigned int)index2(e) };

	relay_begin(e);
	return send_cmsg(e, open_socket(AF_INET6, SOCK_DGRAM, 0), target6(e), IPPROTO_IPV6,
			 IPV6_PKTINFO, &info, sizeof(info));
}

static int path6_sticky(const struct attack_env *e)
{
	const struct in6_pktinfo info = { .ipi6_ifindex = (unsigned int)index2(e) };

	relay_begin(e);
	return send_mark(e, udp6_with(IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info)), target6(e));
}

/* ---- the next hop */

/* Bound to a device, a socket finds everybody on its link if no route says otherwise. */
static int bound_socket(const struct attack_env *e)
{
	return udp4_with(SOL_SOCKET, SO_BINDTODEVICE, e->dev, strlen(e->dev));
}

static int path_dontroute(const struct attack_env *e)
{
	return send_mark(e, set_int(bound_socket(e), SOL_SOCKET, SO_DONTROUTE, 1), target4(e));
}

static int path_msg_direct(const struct attack_env *e)
{
	return send_size(e, bound_socket(e), target4(e), 0, MSG_DONTROUTE);
}

/* ---- right by its address, wrong all the same */

static int path_host(const struct attack_env *e)
{
	relay_begin(e);
	return relay_end(
		e, send_mark(e, open_socket(AF_INET, SOCK_DGRAM, 0), dest4(e->rogue4, e->port)));
}

static int path_host6(const struct attack_env *e)
{
	relay_begin(e);
	return relay_end(
		e, send_mark(e, open_socket(AF_INET6, SOCK_DGRAM, 0), dest6(e->rogue6, e->port)));
}

static int gw_udp4(const struct attack_env *e)
{
	return send_mark(e, open_socket(AF_INET, SOCK_DGRAM, 0), target4(e));
}

static int gw_udp6(const struct attack_env *e)
{
	return send_mark(e, open_socket(AF_INET6, SOCK_DGRAM, 0), target6(e));
}

static int gw_tcp4(const struct attack_env *e)
{
	return done(connect_to(open_socket(AF_INET, SOCK_STREAM, 0), target4(e)));
}

static int gw_tcp6(const struct attack_env *e)
{
	return done(connect_to(open_socket(AF_INET6, SOCK_STREAM, 0), target6(e)));
}

static int gw_fragments(const struct attack_env *e)
{
	return send_size(e, open_socket(AF_INET, SOCK_DGRAM, 0), target4(e), 4000, 0);
}

static int gw_gso(const struct attack_env *e)
{
	const int segment = 100;

	return send_size(e, udp4_with(IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment)),
			 target4(e), 500, 0);
}

#define SECOND6 .flags = ATTACK_DIRTY, .helper = second_default, .where = PLACE_APP

const struct attack attacks_path[] = {
	{ "path_device", "out of the second interface: SO_BINDTODEVICE", STOP_I1, NEEDS_NOTHING,
	  .run = path_device },
	{ "path_device_tcp", "TCP out of the second interface: SO_BINDTODEVICE", STOP_I1,
	  NEEDS_NOTHING, .run = path_device_tcp },
	{ "path_ifindex", "out of the second interface: SO_BINDTOIFINDEX", STOP_I1, NEEDS_NOTHING,
	  .run = path_ifindex },
	{ "path_unicast_if", "out of the second interface: IP_UNICAST_IF", STOP_I1, NEEDS_NOTHING,
	  .run = path_unicast_if },
	{ "path_pktinfo", "out of the second interface: IP_PKTINFO with the message", STOP_I1,
	  NEEDS_NOTHING, .run = path_pktinfo },
	{ "path_source", "from the second interface's address: IP_PKTINFO", STOP_I1, NEEDS_NOTHING,
	  .run = path_source },
	{ "path_other", "to the host's address on the other network", STOP_I1, NEEDS_NOTHING,
	  .run = path_other, .helper = hear_ip4, .where = PLACE_ROGUE },
	{ "path6_device", "IPv6 out of the second interface: SO_BINDTODEVICE", STOP_I1,
	  NEEDS_NOTHING, .run = path6_device, SECOND6 },
	{ "path6_unicast", "IPv6 out of the second interface: IPV6_UNICAST_IF", STOP_I1,
	  NEEDS_NOTHING, .run = path6_unicast, SECOND6 },
	{ "path6_scope", "IPv6 out of the second interface: the address's scope", STOP_I1,
	  NEEDS_NOTHING, .run = path6_scope, SECOND6 },
	{ "path6_pktinfo", "IPv6 out of the second interface: IPV6_PKTINFO with the message",
	  STOP_I1, NEEDS_NOTHING, .run = path6_pktinfo, SECOND6 },
	{ "path6_sticky", "IPv6 out of the second interface: IPV6_PKTINFO of the socket", STOP_I1,
	  NEEDS_NOTHING, .run = path6_sticky, SECOND6 },
	{ "path_dontroute", "straight to the target's MAC: SO_DONTROUTE", STOP_I1, NEEDS_NOTHING,
	  .flags = ATTACK_GATEWAY, .run = path_dontroute },
	{ "path_msg_direct", "straight to the target's MAC: MSG_DONTROUTE", STOP_I1, NEEDS_NOTHING,
	  .flags = ATTACK_GATEWAY, .run = path_msg_direct },
	{ "path_host", "to a listener on the host, whose address is on the VPN network", STOP_I3,
	  NEEDS_NOTHING, .run = path_host, .helper = hear_ip4, .where = PLACE_ROGUE },
	{ "path_host6", "the same over IPv6", STOP_I3, NEEDS_NOTHING, .run = path_host6,
	  .helper = hear_ip6, .where = PLACE_ROGUE },
	{ "gw_udp4", "UDP through a gateway whose tunnel is down", STOP_I2, NEEDS_NOTHING,
	  .flags = ATTACK_GATEWAY, .run = gw_udp4 },
	{ "gw_udp6", "the same over IPv6", STOP_I2, NEEDS_NOTHING, .flags = ATTACK_GATEWAY,
	  .run = gw_udp6 },
	{ "gw_tcp4", "TCP through a gateway whose tunnel is down", STOP_I2, NEEDS_NOTHING,
	  .flags = ATTACK_GATEWAY, .run = gw_tcp4 },
	{ "gw_tcp6", "the same over IPv6", STOP_I2, NEEDS_NOTHING, .flags = ATTACK_GATEWAY,
	  .run = gw_tcp6 },
	{ "gw_fragments", "fragments through a gateway whose tunnel is down", STOP_I2,
	  NEEDS_NOTHING, .flags = ATTACK_GATEWAY, .run = gw_fragments },
	{ "gw_gso", "segments through a gateway whose tunnel is down", STOP_I2, NEEDS_NOTHING,
	  .flags = ATTACK_GATEWAY, .run = gw_gso },
	{ .name = NULL },
};
