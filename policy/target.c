// SPDX-License-Identifier: GPL-2.0-only
/* Destinations: `93.184.216.34:443/tcp`, `[2001:db8::1]:53/udp`, `1.1.1.1/icmp`, `1.1.1.1`. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "policy/internal.h"

/* The first name of a number is the one that is printed. */
static const struct {
	const char *name;
	uint8_t number;
	bool ports;
} protocols[] = {
	{ "tcp", IPPROTO_TCP, true },	      { "udp", IPPROTO_UDP, true },
	{ "icmp", IPPROTO_ICMP, false },      { "icmpv6", IPPROTO_ICMPV6, false },
	{ "sctp", IPPROTO_SCTP, true },	      { "dccp", IPPROTO_DCCP, true },
	{ "udplite", IPPROTO_UDPLITE, true }, { "gre", IPPROTO_GRE, false },
	{ "esp", IPPROTO_ESP, false },	      { "ah", IPPROTO_AH, false },
};

unsigned int number_parse(const char *text, unsigned int max)
{
	unsigned int n = 0;

	if (*text == '0')
		return 0;
	for (const char *s = text; *s; s++) {
		if (*s < '0' || *s > '9')
			return 0;
		n = n * 10 + (unsigned int)(*s - '0');
		if (n > max)
			return 0;
	}
	return n;
}

/* `icmp` means the ICMP of the address's family. */
static uint8_t protocol(const char *text, uint8_t family)
{
	for (size_t i = 0; i < POLICY_COUNT(protocols); i++) {
		if (strcmp(text, protocols[i].name))
			continue;
		if (protocols[i].number == IPPROTO_ICMP && family == 6)
			return IPPROTO_ICMPV6;
		return protocols[i].number;
	}
	return (uint8_t)number_parse(text, 255);
}

static bool has_ports(uint8_t proto)
{
	for (size_t i = 0; i < POLICY_COUNT(protocols); i++) {
		if (protocols[i].number == proto)
			return protocols[i].ports;
	}
	return false;
}

/* Cuts `text` into address and port; the port is NULL when there is none. */
static int split(char *text, char **ret_addr, char **ret_port)
{
	char *end, *colon;

	if (*text == '[') {
		end = strchr(text, ']');
		/* Brackets are for IPv6 only, or `[1.2.3.4]` would be a second spelling. */
		if (!end || !memchr(text, ':', (size_t)(end - text)) || (end[1] && end[1] != ':'))
			return -EINVAL;
		*ret_port = end[1] ? end + 2 : NULL;
		*end = '\0';
		*ret_addr = text + 1;
		return 0;
	}
	colon = strchr(text, ':');
	*ret_addr = text;
	*ret_port = NULL;
	if (colon && !strchr(colon + 1, ':')) { /* two colons: an IPv6 address without brackets */
		*colon = '\0';
		*ret_port = colon + 1;
	}
	return 0;
}

int policy_target_parse(const char *text, struct policy_addr *ret_addr, uint16_t *ret_port,
			uint8_t *ret_proto)
{
	struct policy_addr a = { 0 };
	char copy[POLICY_TARGET_TEXT], *addr, *port_text, *slash;
	unsigned int port = 0;
	uint8_t proto;

	if (strlen(text) >= sizeof(copy))
		return -EINVAL;
	memcpy(copy, text, strlen(text) + 1);
	slash = strchr(copy, '/');
	if (slash)
		*slash++ = '\0';
	if (split(copy, &addr, &port_text) || policy_addr_parse(addr, &a))
		return -EINVAL;
	if (port_text) {
		port = number_parse(port_text, 65535);
		if (!port)
			return -EINVAL;
	}
	if (slash)
		proto = protocol(slash, a.family);
	else if (port)
		proto = IPPROTO_TCP;
	else
		proto = a.family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	if (!proto || (port && !has_ports(proto)))
		return -EINVAL;
	ret_addr->family = a.family;
	memcpy(ret_addr->bytes, a.bytes, sizeof(a.bytes));
	*ret_port = (uint16_t)port;
	*ret_proto = proto;
	return 0;
}

char *target_format(const struct policy_test *t, char *buf, size_t size)
{
	char addr[POLICY_ADDR_TEXT], port[8] = "", proto[8];
	bool six = t->to.family == 6;

	policy_addr_format(&t->to, addr, sizeof(addr));
	if (t->port)
		snprintf(port, sizeof(port), ":%u", t->port);
	snprintf(proto, sizeof(proto), "%u", t->proto);
	for (size_t i = 0; i < POLICY_COUNT(protocols); i++) {
		/* `icmp` on IPv6 would be read back as ICMPv6: there the number is written. */
		if (protocols[i].number == t->proto && !(six && t->proto == IPPROTO_ICMP))
			snprintf(proto, sizeof(proto), "%s", protocols[i].name);
	}
	snprintf(buf, size, "%s%s%s%s/%s", six ? "[" : "", addr, six ? "]" : "", port, proto);
	return buf;
}
