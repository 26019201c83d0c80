/* SPDX-License-Identifier: GPL-2.0-only */
/* Ethernet frames, made by hand. */
#ifndef BPFGUARD_TEST_FRAME_H
#define BPFGUARD_TEST_FRAME_H

#include <stddef.h>
#include <stdint.h>

struct frame {
	uint8_t data[256];
	uint32_t len;
};

enum { ND_RS = 133, ND_RA, ND_NS, ND_NA, ND_REDIRECT };

/* Good ones: a test breaks what it is about. port: of both ends, for TCP and UDP. */
struct frame frame_ip4(const uint8_t src[6], const uint8_t dst[6], const char *from, const char *to,
		       uint8_t proto, uint16_t port);
struct frame frame_ip6(const uint8_t src[6], const uint8_t dst[6], const char *from, const char *to,
		       uint8_t next, uint16_t port);
struct frame frame_nd(const uint8_t src[6], const uint8_t dst[6], const char *from, const char *to,
		      uint8_t type, const char *target);
/* 42 bytes; what is behind it is zeros, for padding. */
struct frame frame_arp(const uint8_t src[6], const uint8_t dst[6], uint8_t op, const char *from,
		       const char *to);
void frame_fragment4(struct frame *f, uint16_t flags_and_offset);
/* f is one with next header 44 */
void frame_fragment6(struct frame *f, uint8_t next, uint16_t offset);
/* Lengths and the header's checksum, for a frame that a stack is to take. */
void frame_finish_udp4(struct frame *f);

#endif /* BPFGUARD_TEST_FRAME_H */
