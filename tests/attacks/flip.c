// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way through the gateway closes while something is on it. The helper closes it by the guard's
 * own map, as the monitor would; with the guard off there is nothing to close, and all of it leaks.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bpf/bpfguard.h"
#include "recipe.h"

#define SEQ	 1000
#define FILLER	 1400
#define DRAIN_MS 800

/* ---- the helper */
static int bpf(int cmd, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static int lease_map(void)
{
	const char *pins = getenv("BPFGUARD_PINS");
	union bpf_attr attr = { 0 };
	char path[400];

	snprintf(path, sizeof(path), "%s/maps/bg_lease", pins ? pins : "");
	attr.pathname = (uint64_t)(uintptr_t)path;
	return bpf(BPF_OBJ_GET, &attr);
}

/* Slot 0 is the only guard's. */
static int set_state(int map, uint32_t state)
{
	struct bg_lease lease = { 0 };
	uint32_t slot = 0;
	union bpf_attr attr = {
		.map_fd = (uint32_t)map,
		.key = (uint64_t)(uintptr_t)&slot,
		.value = (uint64_t)(uintptr_t)&lease,
	};

	if (bpf(BPF_MAP_LOOKUP_ELEM, &attr))
		return -errno;
	lease.vpn_state = state;
	return bpf(BPF_MAP_UPDATE_ELEM, &attr) ? -errno : 0;
}

static int closer(const struct attack_env *e)
{
	int map = lease_map();
	char word[8];

	if (attack_hear(e, word, sizeof(word), NULL) < 0)
		return 1;
	if (map >= 0)
		set_state(map, BG_VPN_DOWN);
	attack_tell(e, "ok", 2, -1);
	/* also when the attack died: the next one needs it open */
	while (attack_hear(e, word, sizeof(word), NULL) == -ETIMEDOUT)
		;
	if (map >= 0)
		set_state(map, BG_VPN_UP);
	return attack_tell(e, "ok", 2, -1);
}

/* ---- attacks */
static void flip(const struct attack_env *e)
{
	char word[8];

	attack_tell(e, "f", 1, -1);
	attack_hear(e, word, sizeof(word), NULL);
}

/* A step: the way is closed from here on. */
static int shut(const struct attack_env *e, int fd)
{
	if (fd >= 0)
		flip(e);
	return fd;
}

static int opened(const struct attack_env *e, int tried)
{
	flip(e);
	return tried;
}

static int flip_udp(const struct attack_env *e)
{
	int fd = connect_to(open_socket(AF_INET, SOCK_DGRAM, 0), target4(e));

	return opened(e, send_connected(e, shut(e, fd)));
}

static int flip_udp6(const struct attack_env *e)
{
	int fd = connect_to(open_socket(AF_INET6, SOCK_DGRAM, 0), target6(e));

	return opened(e, send_connected(e, shut(e, fd)));
}

static int flip_cork(const struct attack_env *e)
{
	struct dest to = target4(e);
	int fd = open_socket(AF_INET, SOCK_DGRAM, 0);

	fd = step(fd, "sendto", sendto(fd, e->mark, e->mark_len, MSG_MORE, &to.sa, to.len));
	return opened(e, send_mark(e, shut(e, fd), to));
}

/* Forgotten before the way is open again: until then the kernel would try again and again. */
static int flip_tcp(const struct attack_env *e)
{
	const struct linger now = { .l_onoff = 1 };
	int fd = set_option(repaired(e, SEQ), SOL_SOCKET, SO_LINGER, &now, sizeof(now)), ret;

	ret = send_connected(e, shut(e, fd));
	if (fd < 0)
		return ret;
	close(fd);
	return opened(e, ret);
}

/* The gateway's answer is not heard, so that the datagram waits for its MAC. */
static int flip_neighbour(const struct attack_env *e)
{
	int fd = open_socket(AF_INET, SOCK_DGRAM, 0), ret;

	if (!nft_batch(
		    e,
		    "table arp atk {\nchain c { type filter hook input priority 0; drop; }\n}\n") ||
	    !ip_batch(e, "neighbour delete @gateway4 dev @dev\n"))
		return unmade("nft");
	ret = send_mark(e, fd, target4(e));
	flip(e);
	if (!ip_batch(e,
		      "neighbour replace @gateway4 lladdr @gateway_mac dev @dev nud permanent\n"))
		ret = unmade("ip");
	return opened(e, ret);
}

/* It stands in a queue of the container's, behind what is allowed. */
static int flip_qdisc(const struct attack_env *e)
{
	int fd = open_socket(AF_INET, SOCK_DGRAM, 0), ret;

	if (!tc_batch(e, "qdisc add dev @dev root tbf rate 32kbit burst 1600 latency 10s\n"))
		return unmade("tc");
	send_size(e, fd, dest4(e->peer4, e->port), FILLER, 0);
	send_size(e, fd, dest4(e->peer4, e->port), FILLER, 0);
	ret = send_mark(e, fd, target4(e));
	flip(e);
	poll(NULL, 0, DRAIN_MS); /* the queue's own time */
	return opened(e, ret);
}

#define FLIP(id, text, by, right, more, code)                                                      \
	{                                                                                          \
		.name = id, .what = text, .stop = by, .needs = right,                              \
		.flags = ATTACK_GATEWAY | ATTACK_ALONE | (more), .run = code, .helper = closer,    \
		.where = PLACE_ROGUE,                                                              \
	}

const struct attack attacks_flip[] = {
	FLIP("flip_udp", "the lease ends on a connected UDP socket", STOP_I1, NEEDS_NOTHING, 0,
	     flip_udp),
	FLIP("flip_udp6", "... IPv6", STOP_I1, NEEDS_NOTHING, 0, flip_udp6),
	FLIP("flip_cork", "... on half of a datagram", STOP_I1, NEEDS_NOTHING, 0, flip_cork),
	FLIP("flip_tcp", "... on a TCP connection", STOP_I1, NEEDS_NET_ADMIN, 0, flip_tcp),
	FLIP("flip_neighbour", "... on a datagram that waits for the gateway's MAC", STOP_I2,
	     NEEDS_NET_ADMIN, ATTACK_DIRTY, flip_neighbour),
	FLIP("flip_qdisc", "... on a datagram in a queue of the container's", STOP_I2,
	     NEEDS_NET_ADMIN, ATTACK_DIRTY, flip_qdisc),
	{ 0 },
};
