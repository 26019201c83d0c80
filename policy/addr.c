// SPDX-License-Identifier: GPL-2.0-only
/* Addresses and prefixes. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "policy/internal.h"

int policy_addr_parse(const char *text, struct policy_addr *ret)
{
	uint8_t bytes[16] = { 0 };
	uint8_t family;

	if (inet_pton(AF_INET, text, bytes) == 1)
		family = 4;
	else if (inet_pton(AF_INET6, text, bytes) == 1)
		family = 6;
	else
		return -EINVAL;
	ret->family = family;
	memcpy(ret->bytes, bytes, sizeof(bytes));
	return 0;
}

char *policy_addr_format(const struct policy_addr *a, char *buf, size_t size)
{
	if (!size)
		return buf;
	if (!inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->bytes, buf, (socklen_t)size))
		buf[0] = '\0';
	return buf;
}

int policy_prefix_parse(const char *text, struct policy_prefix *ret)
{
	const char *slash = strchr(text, '/');
	struct policy_addr a = { 0 };
	char addr[POLICY_ADDR_TEXT];
	unsigned int len = 0;

	if (!slash || (size_t)(slash - text) >= sizeof(addr))
		return -EINVAL;
	memcpy(addr, text, (size_t)(slash - text));
	addr[slash - text] = '\0';
	if (policy_addr_parse(addr, &a))
		return -EINVAL;
	/* One spelling for each length: no sign, no space, no leading zero. */
	if (!slash[1] || (slash[1] == '0' && slash[2]))
		return -EINVAL;
	for (const char *s = slash + 1; *s; s++) {
		if (*s < '0' || *s > '9')
			return -EINVAL;
		len = len * 10 + (unsigned int)(*s - '0');
		if (len > (a.family == 4 ? 32 : 128))
			return -EINVAL;
	}
	ret->addr.family = a.family;
	memcpy(ret->addr.bytes, a.bytes, sizeof(a.bytes));
	ret->len = (uint8_t)len;
	return 0;
}

char *prefix_format(const struct policy_prefix *p, char *buf, size_t size)
{
	char addr[POLICY_ADDR_TEXT];

	snprintf(buf, size, "%s/%u", policy_addr_format(&p->addr, addr, sizeof(addr)), p->len);
	return buf;
}

bool addr_equal(const struct policy_addr *a, const struct policy_addr *b)
{
	return a->family == b->family && !memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

static uint8_t mask_byte(unsigned int len, unsigned int i)
{
	if (len >= 8 * (i + 1))
		return 0xff;
	return len <= 8 * i ? 0 : (uint8_t)(0xff << (8 - (len - 8 * i)));
}

bool prefix_contains(const struct policy_prefix *p, const struct policy_addr *a)
{
	if (p->addr.family != a->family)
		return false;
	for (unsigned int i = 0; i < sizeof(a->bytes); i++) {
		if ((a->bytes[i] ^ p->addr.bytes[i]) & mask_byte(p->len, i))
			return false;
	}
	return true;
}

bool prefix_mask(struct policy_prefix *p)
{
	bool changed = false;

	for (unsigned int i = 0; i < sizeof(p->addr.bytes); i++) {
		uint8_t kept = p->addr.bytes[i] & mask_byte(p->len, i);

		changed = changed || kept != p->addr.bytes[i];
		p->addr.bytes[i] = kept;
	}
	return changed;
}

static const char *unfit4(const uint8_t *b)
{
	if (!memcmp(b, (uint8_t[4]){ 0 }, 4))
		return "the unspecified address";
	if (b[0] == 0)
		return "an address of \"this network\"";
	if (b[0] == 127)
		return "a loopback address";
	if (b[0] == 169 && b[1] == 254)
		return "a link-local address";
	if (b[0] >= 224 && b[0] <= 239)
		return "a multicast address";
	if (!memcmp(b, (uint8_t[4]){ 255, 255, 255, 255 }, 4))
		return "the broadcast address";
	return b[0] >= 240 ? "a reserved address" : NULL;
}

static const char *unfit6(const uint8_t *b)
{
	static const uint8_t zero[16], mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (!memcmp(b, zero, 16))
		return "the unspecified address";
	if (!memcmp(b, zero, 15) && b[15] == 1)
		return "a loopback address";
	if (!memcmp(b, mapped, sizeof(mapped)))
		return "an IPv4 address in IPv6 form";
	if (!memcmp(b, zero, 8))
		return "a reserved address";
	if (b[0] == 0xfe && (b[1] & 0xc0) == 0x80)
		return "a link-local address";
	return b[0] == 0xff ? "a multicast address" : NULL;
}

const char *addr_unfit(const struct policy_addr *a)
{
	return a->family == 4 ? unfit4(a->bytes) : unfit6(a->bytes);
}
