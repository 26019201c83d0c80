// SPDX-License-Identifier: GPL-2.0-only
/*
 * What must arrive although the guard is on: it shows that the guard does not refuse everything and
 * that the capture is awake. And the last denial, which shows that all events before it were read.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runner.h"

static struct attack_report nobody_reads;

static int send_to(const struct attack_env *e, struct in_addr addr, uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_addr = addr,
				  .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err = 0;

	if (fd < 0)
		return attack_said("socket", errno);
	if (sendto(fd, e->mark, e->mark_len, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		err = errno;
	close(fd);
	return attack_said("sendto", err);
}

static int to_target(const struct attack_env *e)
{
	return send_to(e, e->target4, e->port);
}

static int to_peer(const struct attack_env *e)
{
	return send_to(e, e->peer4, e->port);
}

static int ask(const struct attack_env *e)
{
	char word[8];

	attack_tell(e, "go", 2, -1);
	return attack_said("helper", attack_hear(e, word, sizeof(word), NULL) > 0 ? 0 : EIO);
}

static int help_host(const struct attack_env *e)
{
	char word[8];

	attack_report = &nobody_reads;
	attack_hear(e, word, sizeof(word), NULL);
	to_target(e);
	return attack_tell(e, "ok", 2, -1);
}

static int help_gateway(const struct attack_env *e)
{
	struct in_addr endpoint;
	char word[8];

	attack_report = &nobody_reads;
	inet_pton(AF_INET, "203.0.113.99", &endpoint);
	attack_hear(e, word, sizeof(word), NULL);
	send_to(e, endpoint, 51820);
	return attack_tell(e, "ok", 2, -1);
}

const struct attack attacks_self[] = {
	{ .name = "self_peer", .what = "to a listed peer", .run = to_peer },
	{ .name = "self_host",
	  .what = "the host's own datagram",
	  .run = ask,
	  .helper = help_host,
	  .where = PLACE_ROGUE },
	{ .name = "self_endpoint",
	  .what = "the gateway's own, to the tunnel's endpoint",
	  .run = ask,
	  .helper = help_gateway,
	  .where = PLACE_GATEWAY },
	{ .name = "self_end", .what = "the last denial", .run = to_target },
	{ 0 },
};
