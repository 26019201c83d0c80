/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BPFGUARD_TESTS_TUNNEL_SHOWN_H
#define BPFGUARD_TESTS_TUNNEL_SHOWN_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

#include "discovery/tunnel.h"

/* "udp 192.0.2.1:51820, ..." */
static inline const char *shown(const struct discovery_tunnel *t)
{
	static char out[1024];
	char addr[64];
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 0; i < t->n_endpoints; i++) {
		const struct discovery_endpoint *e = &t->endpoint[i];

		inet_ntop(e->family == 4 ? AF_INET : AF_INET6, e->addr, addr, sizeof(addr));
		at += (size_t)snprintf(out + at, sizeof(out) - at, "%s%s %s %u", i ? ", " : "",
				       e->proto == IPPROTO_TCP ? "tcp" : "udp", addr, e->port);
	}
	return out;
}

#endif /* BPFGUARD_TESTS_TUNNEL_SHOWN_H */
