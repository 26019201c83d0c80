/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Addresses and protocols of a flow.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/base.h"
#include "events/flowtext.h"

char *flow_addr(char buf[FLOW_ADDR], uint8_t family, const uint32_t addr[4])
{
	if (family == 0 || !inet_ntop(family == 4 ? AF_INET : AF_INET6, addr, buf, FLOW_ADDR))
		buf[0] = '\0';
	return buf;
}

int flow_addr_parse(const char *text, uint8_t family, uint32_t ret[4])
{
	uint32_t addr[4] = { 0 };

	if (inet_pton(family == 4 ? AF_INET : AF_INET6, text, addr) != 1)
		return -EINVAL;
	memcpy(ret, addr, sizeof(addr));
	return 0;
}

bool flow_addr_is_zero(const uint32_t addr[4])
{
	return !(addr[0] | addr[1] | addr[2] | addr[3]);
}

const char *flow_proto_name(uint8_t family, uint8_t proto)
{
	switch (proto) {
	case IPPROTO_TCP: return "tcp";
	case IPPROTO_UDP: return "udp";
	case IPPROTO_ICMP: return family == 6 ? NULL : "icmp";
	case IPPROTO_ICMPV6: return family == 6 ? "icmp" : NULL;
	default: return NULL;
	}
}

int flow_proto_parse(const char *name, uint8_t family, uint8_t *ret)
{
	static const uint8_t known[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_ICMPV6 };

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		const char *have = flow_proto_name(family, known[i]);

		if (have && strcmp(have, name) == 0) {
			*ret = known[i];
			return 0;
		}
	}
	return -ENOENT;
}

bool flow_has_dst(const struct bg_flow *f)
{
	return f->family != 0 && !(f->hook == BG_HOOK_SOCK_CREATE && flow_addr_is_zero(f->daddr));
}
