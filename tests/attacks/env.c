// SPDX-License-Identifier: GPL-2.0-only
/* Where everything is: the numbers of topology.sh. */
#include <arpa/inet.h>
#include <string.h>

#include "runner.h"

static void both(int network, int host, struct in_addr *ret4, struct in6_addr *ret6, uint8_t *mac)
{
	const uint8_t m[6] = { 0x02, 0, 0, 0, (uint8_t)network, (uint8_t)host };
	char text[32];

	snprintf(text, sizeof(text), "172.%d.0.%d", network, host);
	inet_pton(AF_INET, text, ret4);
	snprintf(text, sizeof(text), "fd%d::%d", network, host);
	inet_pton(AF_INET6, text, ret6);
	memcpy(mac, m, 6);
}

void env_fill(struct attack_env *e, const struct attack_world *w, int number)
{
	memset(e, 0, sizeof(*e));
	e->helper = -1;
	e->target4.s_addr = htonl(0xc6120000u + (uint32_t)number); /* 198.18.0.0/16, RFC 2544 */
	inet_pton(AF_INET6, "2001:db8:a77a::", &e->target6);
	e->target6.s6_addr[14] = (uint8_t)(number >> 8);
	e->target6.s6_addr[15] = (uint8_t)number;
	e->port = (uint16_t)(20000 + number % 10000);
	e->mark_len = (size_t)snprintf(e->mark, sizeof(e->mark), ATTACK_MARK "%05d-", number);
	strcpy(e->dev, "eth0");
	strcpy(e->dev2, "eth1");
	both(30, 10, &e->own4, &e->own6, e->own_mac);
	both(31, 10, &e->own4_2, &e->own6_2, e->own_mac_2);
	both(30, 2, &e->gateway4, &e->gateway6, e->gateway_mac);
	both(30, 1, &e->rogue4, &e->rogue6, e->rogue_mac);
	both(30, 20, &e->peer4, &e->peer6, e->peer_mac);
	both(31, 1, &e->other4, &e->other6, e->other_mac);
	e->sibling = w->sibling;
}
