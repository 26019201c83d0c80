// SPDX-License-Identifier: GPL-2.0-only
/* Attacks that say whether the topology and the runner work. */
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "attack.h"

extern const struct attack attacks_sample[];

static int send_udp(const struct attack_env *e)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_addr = e->target4,
				  .sin_port = htons(e->port) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err = 0;

	if (fd < 0)
		return attack_said("socket", errno);
	if (sendto(fd, e->mark, e->mark_len, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		err = errno;
	close(fd);
	return attack_said("sendto", err);
}

static int hello(const struct attack_env *e)
{
	char buf[8];

	return attack_hear(e, buf, sizeof(buf), NULL) > 0 ? attack_tell(e, "ok", 2, -1) : 0;
}

static int with_helper(const struct attack_env *e)
{
	char buf[8];

	if (attack_tell(e, "hi", 2, -1) || attack_hear(e, buf, sizeof(buf), NULL) != 2)
		return attack_said("helper", EIO);
	return send_udp(e);
}

static int add_route(const struct attack_env *e)
{
	if (attack_command("ip route add 198.18.0.0/15 via 172.30.0.1"))
		return attack_said("ip route", EPERM);
	return send_udp(e);
}

const struct attack attacks_sample[] = {
	{ .name = "sample_udp", .what = "a datagram", .stop = STOP_I1, .run = send_udp },
	{ .name = "sample_gateway",
	  .what = "a datagram through a gateway without a tunnel",
	  .stop = STOP_I2,
	  .flags = ATTACK_GATEWAY,
	  .run = send_udp },
	{ .name = "sample_helper",
	  .what = "a datagram, after a word with a helper",
	  .stop = STOP_I1,
	  .run = with_helper,
	  .helper = hello,
	  .where = PLACE_WAN },
	{ .name = "sample_route",
	  .what = "a route of its own",
	  .stop = STOP_I1,
	  .needs = NEEDS_NET_ADMIN,
	  .flags = ATTACK_DIRTY | ATTACK_GATEWAY,
	  .run = add_route },
	{ 0 },
};
