// SPDX-License-Identifier: GPL-2.0-only
#include "words.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "send.h"

static void put_mac(char text[18], const uint8_t m[6])
{
	snprintf(text, 18, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
}

struct words words(const struct attack_env *e)
{
	struct words w;

	inet_ntop(AF_INET, &e->target4, w.target, sizeof(w.target));
	inet_ntop(AF_INET, &e->rogue4, w.rogue, sizeof(w.rogue));
	inet_ntop(AF_INET, &e->gateway4, w.gateway, sizeof(w.gateway));
	inet_ntop(AF_INET, &e->peer4, w.peer, sizeof(w.peer));
	inet_ntop(AF_INET6, &e->target6, w.target6, sizeof(w.target6));
	inet_ntop(AF_INET6, &e->rogue6, w.rogue6, sizeof(w.rogue6));
	inet_ntop(AF_INET6, &e->gateway6, w.gateway6, sizeof(w.gateway6));
	put_mac(w.rogue_mac, e->rogue_mac);
	put_mac(w.other_mac, e->other_mac);
	return w;
}

int udp4_if(const struct attack_env *e, int rc)
{
	return rc ? lack("ip", rc) : send_mark(e, open_socket(AF_INET, SOCK_DGRAM, 0), target4(e));
}

int udp6_if(const struct attack_env *e, int rc)
{
	return rc ? lack("ip", rc) : send_mark(e, open_socket(AF_INET6, SOCK_DGRAM, 0), target6(e));
}

int peer_if(const struct attack_env *e, int rc)
{
	relay_begin(e);
	if (rc)
		return lack("ip", rc);
	return relay_end(
		e, send_mark(e, open_socket(AF_INET, SOCK_DGRAM, 0), dest4(e->peer4, e->port)));
}
