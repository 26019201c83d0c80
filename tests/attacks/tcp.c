// SPDX-License-Identifier: GPL-2.0-only
/* TCP: the first packet names the target; data goes along where the protocol can. */
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "build.h"
#include "recipe.h"

#ifndef IPPROTO_SMC
#define IPPROTO_SMC 256
#endif

static int tcp4(const struct attack_env *e)
{
	return done(connect_to(open_socket(AF_INET, SOCK_STREAM, 0), target4(e)));
}

static int tcp6(const struct attack_env *e)
{
	return done(connect_to(open_socket(AF_INET6, SOCK_STREAM, 0), target6(e)));
}

static int tcp_mapped(const struct attack_env *e)
{
	return done(connect_to(open_socket(AF_INET6, SOCK_STREAM, 0), target_mapped(e)));
}

static int tcp_bound(const struct attack_env *e)
{
	int fd = bind_to(open_socket(AF_INET, SOCK_STREAM, 0), dest4(e->own4, 0));

	return done(connect_to(fd, target4(e)));
}

static int tcp_bound6(const struct attack_env *e)
{
	int fd = bind_to(open_socket(AF_INET6, SOCK_STREAM, 0), dest6(e->own6, 0));

	return done(connect_to(fd, target6(e)));
}

/* A socket whose first packet carries data without a server's cookie. */
static int fast_socket(int family)
{
	int fd = open_socket(family, SOCK_STREAM, 0);

	return set_int(fd, IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, 1);
}

static int tcp_fastopen(const struct attack_env *e)
{
	return send_size(e, fast_socket(AF_INET), target4(e), 0, MSG_FASTOPEN);
}

static int tcp_fastopen6(const struct attack_env *e)
{
	return send_size(e, fast_socket(AF_INET6), target6(e), 0, MSG_FASTOPEN);
}

static int tcp_fo_connect(const struct attack_env *e)
{
	int fd = set_int(fast_socket(AF_INET), IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1);

	return send_connected(e, connect_to(fd, target4(e)));
}

static int tcp_mptcp(const struct attack_env *e)
{
	int fd = open_socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP);

	return done(connect_to(fd, target4(e)));
}

static int tcp_mptcp6(const struct attack_env *e)
{
	int fd = open_socket(AF_INET6, SOCK_STREAM, IPPROTO_MPTCP);

	return done(connect_to(fd, target6(e)));
}

/* Established by decree: no first packet that could be refused. */
static int tcp_repair(const struct attack_env *e)
{
	return send_connected(e, repaired(e, 1));
}

static int tcp_reconnect(const struct attack_env *e)
{
	const struct dest nowhere = { .sa.sa_family = AF_UNSPEC, .len = sizeof(nowhere.in) };
	int fd = connect_to(open_socket(AF_INET, SOCK_STREAM, 0), dest4(e->peer4, e->port));

	return done(connect_to(connect_to(fd, nowhere), target4(e)));
}

static int tcp_freebind6(const struct attack_env *e)
{
	int fd = set_int(open_socket(AF_INET6, SOCK_STREAM, 0), IPPROTO_IPV6, IPV6_FREEBIND, 1);

	return done(connect_to(bind_to(fd, dest6(e->peer6, e->port)), target6(e)));
}

static int tcp_transparent(const struct attack_env *e)
{
	int fd = set_int(open_socket(AF_INET, SOCK_STREAM, 0), IPPROTO_IP, IP_TRANSPARENT, 1);

	return done(connect_to(bind_to(fd, dest4(e->gateway4, e->port)), target4(e)));
}

/* IPPROTO_SMC makes one of an ordinary family, AF_SMC is the older way. */
static int tcp_smc(const struct attack_env *e)
{
	return done(connect_to(open_socket(AF_SMC, SOCK_STREAM, 0), target4(e)));
}

static int tcp_smc_inet(const struct attack_env *e)
{
	return done(connect_to(open_socket(AF_INET, SOCK_STREAM, IPPROTO_SMC), target4(e)));
}

static int listener(const struct attack_env *e)
{
	int fd = bind_to(open_socket(AF_INET, SOCK_STREAM, 0), dest4(e->own4, e->port));

	return step(fd, "listen", fd < 0 ? 0 : listen(fd, 1));
}

/* Calls for the helper's packet, which comes as if from the target, and waits until it was sent. */
static void call_helper(const struct attack_env *e)
{
	char word;

	attack_tell(e, "go", 2, -1);
	attack_hear(e, &word, 1, NULL);
}

static int tcp_synack(const struct attack_env *e)
{
	int fd = listener(e);

	call_helper(e);
	return done(fd);
}

/* Bound to a device, it cannot be turned away at once without NET_RAW: it goes on trying. */
static int tcp_both_open(const struct attack_env *e)
{
	int fd = bind_to(open_socket(AF_INET, SOCK_STREAM, 0), dest4(e->own4, e->port));

	fd = set_option(fd, SOL_SOCKET, SO_BINDTODEVICE, e->dev, strlen(e->dev));
	fd = connect_to(fd, target4(e));
	call_helper(e);
	return done(fd);
}

static int helper_syn(const struct attack_env *e)
{
	struct packet p = packet_empty();
	char word[2];

	packet_tcp(&p, e->port, e->port, 1, TCP_SYN);
	packet_ip4(&p, e->target4, e->own4, IPPROTO_TCP);
	attack_hear(e, word, sizeof(word), NULL);
	inject4(&p, e->own4);
	return attack_tell(e, "d", 1, -1);
}

/* A connection that somebody outside opens; what comes back goes out. */
static int tcp_accepted(const struct attack_env *e)
{
	int fd = listener(e);
	struct pollfd p = { .fd = fd, .events = POLLIN };

	attack_tell(e, "go", 2, -1);
	if (fd >= 0 && poll(&p, 1, 500) == 1)
		fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	else if (fd >= 0)
		return attack_said("accept", ETIMEDOUT);
	return send_connected(e, fd < 0 ? -errno : fd);
}

static int helper_client(const struct attack_env *e)
{
	int fd = set_int(open_socket(AF_INET, SOCK_STREAM, 0), IPPROTO_IP, IP_FREEBIND, 1);
	char word[2];

	fd = bind_to(fd, target4(e));
	attack_hear(e, word, sizeof(word), NULL);
	fd = connect_to(fd, dest4(e->own4, e->port));
	return fd < 0 ? 1 : pause();
}

const struct attack attacks_tcp[] = {
	{ "tcp4", "connect over IPv4", STOP_I1, NEEDS_NOTHING, .run = tcp4 },
	{ "tcp6", "connect over IPv6", STOP_I1, NEEDS_NOTHING, .run = tcp6 },
	{ "tcp_mapped", "connect of an IPv6 socket to an IPv4-mapped address", STOP_I1,
	  NEEDS_NOTHING, .run = tcp_mapped },
	{ "tcp_bound", "bind to the own address, then connect", STOP_I1, NEEDS_NOTHING,
	  .run = tcp_bound },
	{ "tcp_bound6", "the same over IPv6", STOP_I1, NEEDS_NOTHING, .run = tcp_bound6 },
	{ "tcp_fastopen", "Fast Open: sendto that connects (MSG_FASTOPEN)", STOP_I1, NEEDS_NOTHING,
	  .run = tcp_fastopen },
	{ "tcp_fastopen6", "the same over IPv6", STOP_I1, NEEDS_NOTHING, .run = tcp_fastopen6 },
	{ "tcp_fo_connect", "Fast Open: connect that waits for data (TCP_FASTOPEN_CONNECT)",
	  STOP_I1, NEEDS_NOTHING, .run = tcp_fo_connect },
	{ "tcp_mptcp", "Multipath TCP", STOP_I1, NEEDS_NOTHING, .run = tcp_mptcp },
	{ "tcp_mptcp6", "Multipath TCP over IPv6", STOP_I1, NEEDS_NOTHING, .run = tcp_mptcp6 },
	{ "tcp_repair", "a connection made by TCP_REPAIR, without a handshake", STOP_I1,
	  NEEDS_NET_ADMIN, .run = tcp_repair },
	{ "tcp_reconnect", "connect to a peer, to AF_UNSPEC, then to the target", STOP_I1,
	  NEEDS_NOTHING, .run = tcp_reconnect },
	{ "tcp_freebind6", "connect from a peer's address (IPV6_FREEBIND)", STOP_I1, NEEDS_NOTHING,
	  .run = tcp_freebind6 },
	{ "tcp_transparent", "connect from the gateway's address (IP_TRANSPARENT)", STOP_I1,
	  NEEDS_NET_RAW, .run = tcp_transparent },
	{ "tcp_smc", "SMC (AF_SMC), which falls back to TCP inside the kernel", STOP_I1,
	  NEEDS_NOTHING, .run = tcp_smc },
	{ "tcp_smc_inet", "SMC as a protocol of AF_INET", STOP_I1, NEEDS_NOTHING,
	  .run = tcp_smc_inet },
	{ "tcp_synack", "a listener's answer to a SYN with a forged source", STOP_I1, NEEDS_NOTHING,
	  .run = tcp_synack, .helper = helper_syn, .where = PLACE_ROGUE },
	{ "tcp_both_open", "simultaneous open: the answer to a SYN while connecting", STOP_I1,
	  NEEDS_NOTHING, .run = tcp_both_open, .helper = helper_syn, .where = PLACE_ROGUE },
	{ "tcp_accepted", "data on a connection that came in from outside", STOP_I1, NEEDS_NOTHING,
	  .run = tcp_accepted, .helper = helper_client, .where = PLACE_WAN },
	{ .name = NULL },
};
