// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the container's kernel says by itself when somebody on the network, who lies about his
 * address, makes it talk: no process of the container sends, and no socket of the guard.
 */
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "build.h"
#include "recipe.h"

#define SEQ	 1000
#define TCP_FIN	 0x01
#define TTL	 8 /* bytes of an IPv4 header */
#define FLAGS	 6
#define PROTO253 253
#define SOON_MS	 1500 /* for what a kernel does after a second */

/* ---- helpers: packets that come as if from the target. At a word of the attack's. */
static bool wait_word(const struct attack_env *e)
{
	char word[8];

	return attack_hear(e, word, sizeof(word), NULL) > 0;
}

static int kick4(const struct attack_env *e, const struct packet *p)
{
	return !wait_word(e) || inject4(p, e->own4) < 0 || attack_tell(e, "ok", 2, -1);
}

static int kick6(const struct attack_env *e, const struct packet *p)
{
	struct dest to = dest6(e->own6, 0);
	int fd = open_socket(AF_INET6, SOCK_RAW, IPPROTO_RAW);

	if (!wait_word(e))
		return 1;
	fd = step(fd, "sendto", sendto(fd, p->buf + p->at, p->len, 0, &to.sa, to.len));
	return fd < 0 || attack_tell(e, "ok", 2, -1);
}

static struct packet tcp(const struct attack_env *e, uint32_t seq, uint32_t ack, uint8_t flags)
{
	struct packet p = packet_empty();

	packet_tcp(&p, e->port, e->port, seq, flags);
	((struct tcphdr *)packet_data(&p))->ack_seq = htonl(ack);
	packet_ip4(&p, e->target4, e->own4, IPPROTO_TCP);
	return p;
}

static int kick_syn(const struct attack_env *e)
{
	struct packet p = tcp(e, SEQ, 0, TCP_SYN);

	return kick4(e, &p);
}

static int kick_ack(const struct attack_env *e)
{
	struct packet p = tcp(e, SEQ, SEQ, TCP_ACK);

	return kick4(e, &p);
}

static int kick_udp(const struct attack_env *e)
{
	struct packet p = packet_mark(e, 0);

	packet_udp(&p, e->port, e->port);
	packet_ip4(&p, e->target4, e->own4, IPPROTO_UDP);
	return kick4(e, &p);
}

static int kick_proto(const struct attack_env *e)
{
	struct packet p = packet_mark(e, 0);

	packet_ip4(&p, e->target4, e->own4, PROTO253);
	return kick4(e, &p);
}

static int icmp(const struct attack_env *e, uint8_t type, size_t size)
{
	struct packet p = packet_mark(e, size);

	packet_icmp(&p, type, 0, 0x00070001);
	packet_ip4(&p, e->target4, e->own4, IPPROTO_ICMP);
	return kick4(e, &p);
}

static int kick_echo(const struct attack_env *e)
{
	return icmp(e, ICMP_ECHO, 0);
}

static int kick_timestamp(const struct attack_env *e)
{
	return icmp(e, ICMP_TIMESTAMP, 12);
}

static int kick_syn6(const struct attack_env *e)
{
	struct packet p = packet_empty();

	packet_tcp(&p, e->port, e->port, SEQ, TCP_SYN);
	packet_ip6(&p, e->target6, e->own6, IPPROTO_TCP, 64);
	return kick6(e, &p);
}

static int kick_udp6(const struct attack_env *e)
{
	struct packet p = packet_mark(e, 0);

	packet_udp(&p, e->port, e->port);
	packet_ip6(&p, e->target6, e->own6, IPPROTO_UDP, 64);
	return kick6(e, &p);
}

static int kick_proto6(const struct attack_env *e)
{
	struct packet p = packet_mark(e, 0);

	packet_ip6(&p, e->target6, e->own6, PROTO253, 64);
	return kick6(e, &p);
}

static int kick_echo6(const struct attack_env *e)
{
	struct packet p = packet_mark(e, 0);

	packet_icmp(&p, ICMP6_ECHO_REQUEST, 0, 0x00070001);
	packet_ip6(&p, e->target6, e->own6, IPPROTO_ICMPV6, 64);
	return kick6(e, &p);
}

/* The first of several fragments: the others never come. */
static int kick_fragment(const struct attack_env *e)
{
	struct packet p = packet_mark(e, 64);

	packet_ip4(&p, e->target4, e->own4, IPPROTO_UDP);
	packet_data(&p)[FLAGS] = 0x20;
	return kick4(e, &p);
}

/* For a neighbour: the container is to forward it. */
static struct packet to_peer(const struct attack_env *e, size_t size)
{
	struct packet p = packet_mark(e, size);

	packet_udp(&p, e->port, e->port);
	packet_ip4(&p, e->target4, e->peer4, IPPROTO_UDP);
	return p;
}

static int kick_ttl(const struct attack_env *e)
{
	struct packet p = to_peer(e, 0);

	packet_data(&p)[TTL] = 1;
	return kick4(e, &p);
}

static int kick_forward(const struct attack_env *e)
{
	struct packet p = to_peer(e, 0);

	return kick4(e, &p);
}

static int kick_large(const struct attack_env *e)
{
	struct packet p = to_peer(e, 1200);

	packet_data(&p)[FLAGS] = 0x40;
	return kick4(e, &p);
}

/* A connection that is being made, and then nonsense about it. */
static int kick_half_open(const struct attack_env *e)
{
	struct packet p = tcp(e, SEQ + 900000000, SEQ, TCP_ACK);

	return kick_syn(e) || kick4(e, &p);
}

/* The other side's end of a connection, twice. */
static int kick_time_wait(const struct attack_env *e)
{
	struct packet p = tcp(e, SEQ, SEQ + 1, TCP_FIN | TCP_ACK);

	return kick4(e, &p) || kick4(e, &p);
}

/* ---- attacks */
static int kicked(const struct attack_env *e)
{
	char word[8];

	if (attack_tell(e, "go", 2, -1) || attack_hear(e, word, sizeof(word), NULL) < 0)
		return attack_said("helper", EIO);
	return attack_said("kicked", 0);
}

static int kicked_twice(const struct attack_env *e)
{
	kicked(e);
	return kicked(e);
}

static int ttl_over(const struct attack_env *e)
{
	sysctl_set("ipv4/ip_forward", "1");
	return kicked(e);
}

static int redirect(const struct attack_env *e)
{
	sysctl_set("ipv4/ip_forward", "1");
	sysctl_set("ipv4/conf/all/send_redirects", "1");
	/* told to neighbours only: so it is one */
	if (!ip_batch(e, "route replace @target4/32 dev @dev scope link\n"
			 "neighbour replace @target4 lladdr @rogue_mac dev @dev nud permanent\n"))
		return unmade("ip route");
	return kicked(e);
}

static int too_large(const struct attack_env *e)
{
	sysctl_set("ipv4/ip_forward", "1");
	if (!ip_batch(e, "route replace @peer4/32 dev @dev mtu lock 600\n"))
		return unmade("ip route");
	return kicked(e);
}

static void wait_for_kernel(void)
{
	poll(NULL, 0, SOON_MS);
}

static int fragment_timeout(const struct attack_env *e)
{
	int ret;

	if (!sysctl_set("ipv4/ipfrag_time", "1"))
		return attack_said("ipfrag_time", EACCES);
	ret = kicked(e);
	wait_for_kernel();
	return ret;
}

static int rejected(const struct attack_env *e, const char *how)
{
	char text[200];

	snprintf(text, sizeof(text),
		 "table ip atk {\nchain c { type filter hook input priority 0; "
		 "ip saddr @target4 reject with %s; }\n}\n",
		 how);
	return nft_batch(e, text) ? kicked(e) : unmade("nft");
}

static int nft_reject(const struct attack_env *e)
{
	return rejected(e, "icmp type admin-prohibited");
}

static int nft_reset(const struct attack_env *e)
{
	return rejected(e, "tcp reset");
}

static int half_open(const struct attack_env *e)
{
	int fd = bind_to(open_socket(AF_INET, SOCK_STREAM, 0), dest4(e->own4, e->port));

	fd = step(fd, "listen", fd < 0 ? -1 : listen(fd, 1));
	return fd < 0 ? done(fd) : kicked_twice(e);
}

/* ---- connections of the guard, for which the kernel speaks: made without a packet */
static int challenge(const struct attack_env *e)
{
	int fd = repaired(e, SEQ);

	return fd < 0 ? done(fd) : kicked(e);
}

/* It was made and ended by way of the gateway; when there is nothing left but its memory, the route
 * changes. */
static int time_wait(const struct attack_env *e)
{
	int fd = repaired(e, SEQ);

	if (fd < 0)
		return done(fd);
	close(fd);
	kicked(e);
	if (!ip_batch(e, "route replace default via @rogue4\n"))
		return unmade("ip route");
	return kicked(e);
}

static int keepalive(const struct attack_env *e)
{
	int fd = set_int(repaired(e, SEQ), SOL_SOCKET, SO_KEEPALIVE, 1);

	fd = set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, 1);
	if (fd >= 0)
		wait_for_kernel();
	return done(fd);
}

static int closed(const struct attack_env *e)
{
	int fd = repaired(e, SEQ);

	return done(step(fd, "close", fd < 0 ? 0 : close(fd)));
}

static int closed_hard(const struct attack_env *e)
{
	const struct linger now = { .l_onoff = 1 };
	int fd = set_option(repaired(e, SEQ), SOL_SOCKET, SO_LINGER, &now, sizeof(now));

	return done(step(fd, "close", fd < 0 ? 0 : close(fd)));
}

#define KICK(id, text, by, right, more, code, kicker)                                              \
	{                                                                                          \
		.name = id, .what = text, .stop = by, .needs = right, .flags = more, .run = code,  \
		.helper = kicker, .where = PLACE_ROGUE,                                            \
	}
#define REPLY(id, text, kicker) KICK(id, text, STOP_I3, NEEDS_NOTHING, 0, kicked, kicker)
#define REPLY_GW(id, text, kicker)                                                                 \
	KICK(id, text, STOP_I2, NEEDS_NOTHING, ATTACK_GATEWAY, kicked, kicker)
#define REPLY_ADMIN(id, text, by, code, kicker)                                                    \
	KICK(id, text, by, NEEDS_NET_ADMIN, ATTACK_DIRTY, code, kicker)
#define OF_SOCKET(id, text, code)                                                                  \
	{                                                                                          \
		.name = id, .what = text, .stop = STOP_I1, .needs = NEEDS_NET_ADMIN, .run = code   \
	}

const struct attack attacks_kernel[] = {
	REPLY("k_rst", "RST for a SYN that nobody waits for", kick_syn),
	REPLY("k_rst_ack", "RST for a stray ACK", kick_ack),
	REPLY("k_unreach", "ICMP: port unreachable", kick_udp),
	REPLY("k_proto", "ICMP: protocol unreachable", kick_proto),
	REPLY("k_echo", "ICMP: echo reply", kick_echo),
	REPLY("k_timestamp", "ICMP: timestamp reply", kick_timestamp),
	REPLY("k_rst6", "IPv6: RST", kick_syn6),
	REPLY("k_unreach6", "ICMPv6: port unreachable", kick_udp6),
	REPLY("k_proto6", "ICMPv6: unknown next header", kick_proto6),
	REPLY("k_echo6", "ICMPv6: echo reply", kick_echo6),
	REPLY_GW("k_rst_gw", "RST, through the gateway", kick_syn),
	REPLY_GW("k_unreach_gw", "ICMP: port unreachable, through the gateway", kick_udp),
	REPLY_GW("k_echo_gw", "ICMP: echo reply, through the gateway", kick_echo),
	REPLY_GW("k_echo_gw6", "ICMPv6: echo reply, through the gateway", kick_echo6),
	KICK("k_half_open", "ACK for a connection that is being made", STOP_I1, NEEDS_NOTHING, 0,
	     half_open, kick_half_open),
	REPLY_ADMIN("k_ttl", "ICMP: time exceeded, of a packet that it forwards", STOP_I3, ttl_over,
		    kick_ttl),
	REPLY_ADMIN("k_redirect", "ICMP: redirect", STOP_I3, redirect, kick_forward),
	REPLY_ADMIN("k_too_large", "ICMP: fragmentation needed", STOP_I3, too_large, kick_large),
	REPLY_ADMIN("k_fragment", "ICMP: fragments that did not come", STOP_I3, fragment_timeout,
		    kick_fragment),
	REPLY_ADMIN("k_reject", "nftables: reject", STOP_I3, nft_reject, kick_udp),
	REPLY_ADMIN("k_reject_tcp", "nftables: reject with a RST", STOP_I3, nft_reset, kick_syn),
	KICK("k_time_wait", "ACK of a connection in TIME_WAIT", STOP_I3, NEEDS_NET_ADMIN,
	     ATTACK_DIRTY | ATTACK_GATEWAY, time_wait, kick_time_wait),
	REPLY_ADMIN("k_challenge", "ACK of a connection for a stray SYN", STOP_I1, challenge,
		    kick_syn),
	OF_SOCKET("k_keepalive", "keepalive of a connection", keepalive),
	OF_SOCKET("k_close", "FIN of a connection that was closed", closed),
	OF_SOCKET("k_abort", "RST of a connection that was aborted", closed_hard),
	{ 0 },
};
