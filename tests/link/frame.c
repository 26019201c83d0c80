// SPDX-License-Identifier: GPL-2.0-only
/* See frame.h. Checksums are left out where only a filter looks. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "tests/link/frame.h"

static void put16(uint8_t *at, uint16_t v)
{
	at[0] = v >> 8;
	at[1] = v & 255;
}

static struct frame begin(const uint8_t src[6], const uint8_t dst[6], uint16_t type)
{
	struct frame f = { .len = 14 };

	memcpy(f.data, dst, 6);
	memcpy(f.data + 6, src, 6);
	put16(f.data + 12, type);
	return f;
}

static void put_ports(struct frame *f, uint16_t port)
{
	put16(f->data + f->len, port);
	put16(f->data + f->len + 2, port);
	f->len += 32;
}

struct frame frame_ip4(const uint8_t src[6], const uint8_t dst[6], const char *from, const char *to,
		       uint8_t proto, uint16_t port)
{
	struct frame f = begin(src, dst, 0x0800);
	uint8_t *ip = f.data + 14;

	ip[0] = 0x45;
	put16(ip + 2, 52);
	ip[8] = 64;
	ip[9] = proto;
	if (inet_pton(AF_INET, from, ip + 12) != 1 || inet_pton(AF_INET, to, ip + 16) != 1)
		abort();
	f.len += 20;
	put_ports(&f, port);
	return f;
}

struct frame frame_ip6(const uint8_t src[6], const uint8_t dst[6], const char *from, const char *to,
		       uint8_t next, uint16_t port)
{
	struct frame f = begin(src, dst, 0x86dd);
	uint8_t *ip = f.data + 14;

	ip[0] = 0x60;
	put16(ip + 4, 32);
	ip[6] = next;
	ip[7] = 64;
	if (inet_pton(AF_INET6, from, ip + 8) != 1 || inet_pton(AF_INET6, to, ip + 24) != 1)
		abort();
	f.len += 40;
	put_ports(&f, port);
	return f;
}

struct frame frame_nd(const uint8_t src[6], const uint8_t dst[6], const char *from, const char *to,
		      uint8_t type, const char *target)
{
	struct frame f = frame_ip6(src, dst, from, to, 58, 0);

	f.data[14 + 7] = 255;
	f.data[14 + 40] = type;
	if (inet_pton(AF_INET6, target, f.data + 14 + 40 + 8) != 1)
		abort();
	return f;
}

struct frame frame_arp(const uint8_t src[6], const uint8_t dst[6], uint8_t op, const char *from,
		       const char *to)
{
	static const uint8_t head[] = { 0, 1, 8, 0, 6, 4, 0 };
	struct frame f = begin(src, dst, 0x0806);
	uint8_t *arp = f.data + 14;

	memcpy(arp, head, sizeof(head));
	arp[7] = op;
	memcpy(arp + 8, src, 6);
	if (inet_pton(AF_INET, from, arp + 14) != 1 || inet_pton(AF_INET, to, arp + 24) != 1)
		abort();
	f.len = 42;
	return f;
}

void frame_fragment4(struct frame *f, uint16_t flags_and_offset)
{
	put16(f->data + 14 + 6, flags_and_offset);
}

void frame_fragment6(struct frame *f, uint8_t next, uint16_t offset)
{
	f->data[54] = next;
	put16(f->data + 56, offset);
}

void frame_finish_udp4(struct frame *f)
{
	uint8_t *ip = f->data + 14;
	uint32_t sum = 0;
	int i;

	put16(ip + 2, (uint16_t)(f->len - 14));
	put16(ip + 20 + 4, (uint16_t)(f->len - 34));
	put16(ip + 20 + 6, 0); /* none (RFC 768) */
	put16(ip + 10, 0);
	for (i = 0; i < 20; i += 2)
		sum += (uint32_t)(ip[i] << 8 | ip[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	put16(ip + 10, (uint16_t) ~(sum + (sum >> 16)));
}
