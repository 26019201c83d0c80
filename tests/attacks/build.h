/* SPDX-License-Identifier: GPL-2.0-only */
/* Packets made by hand. They grow from the inside outwards: first what is carried, then heads. */
#ifndef BPFGUARD_TESTS_ATTACK_BUILD_H
#define BPFGUARD_TESTS_ATTACK_BUILD_H

#include "attack.h"
#include "send.h"

#define PACKET_ROOM 4096

struct packet {
	uint8_t buf[PACKET_ROOM];
	size_t at, len; /* len bytes from buf[at] on */
};

/* The mark, and dots up to size. */
struct packet packet_mark(const struct attack_env *e, size_t size);
struct packet packet_empty(void);
uint8_t *packet_data(struct packet *p);
/* Puts a head in front of all. */
void packet_head(struct packet *p, const void *head, size_t len);

void packet_udp(struct packet *p, uint16_t from, uint16_t to);
/* flags: as in the head's byte (TCP_SYN...) */
#define TCP_SYN 0x02
#define TCP_ACK 0x10
void packet_tcp(struct packet *p, uint16_t from, uint16_t to, uint32_t seq, uint8_t flags);
/* ICMP and ICMPv6: `rest` is the second word of the head, in host order */
void packet_icmp(struct packet *p, uint8_t type, uint8_t code, uint32_t rest);
/* The checksum of what is inside is made here: it covers the addresses. */
void packet_ip4(struct packet *p, struct in_addr from, struct in_addr to, uint8_t proto);
void packet_ip6(struct packet *p, struct in6_addr from, struct in6_addr to, uint8_t next,
		uint8_t hop_limit);
void packet_eth(struct packet *p, const uint8_t to[6], const uint8_t from[6], uint16_t type);

/* To the target, from here: what most attacks want. */
struct packet packet_target4(const struct attack_env *e);
struct packet packet_target6(const struct attack_env *e);

/* A raw packet with a head of one's own (IP_HDRINCL): routed by `route`, whatever the head says.
 * A descriptor or -errno, as in send.h. */
int inject4(const struct packet *p, struct in_addr route);
int inject6(const struct packet *p, struct in6_addr route);

/* Packet sockets: where a frame goes to, and its way there. */
struct dest dest_link(const char *dev, const uint8_t mac[6], uint16_t ethertype);
int put_frame(int fd, const char *dev, const struct packet *p);

/* packet.c. Steps: an AF_XDP socket with a frame to the host in its ring; sends what is there. For
 * helpers, too. */
int xdp_ready(const struct attack_env *e);
int xdp_kick(int fd);

#endif /* BPFGUARD_TESTS_ATTACK_BUILD_H */
