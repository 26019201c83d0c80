/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What attacks on the namespace itself have in common: they set something up with ip, tc or nft and
 * then send. In their text @NAME stands for a field of struct attack_env: @target4, @dev2,
 * @rogue_mac.
 */
#ifndef BPFGUARD_TESTS_ATTACK_RECIPE_H
#define BPFGUARD_TESTS_ATTACK_RECIPE_H

#include "send.h"

extern pid_t recipe_child; /* @pid */

/* How to get at the other network with what passes for the gateway's address; see over_dev2(). */
#define NET2_ADDRESS "address add @own4_2/24 dev atk\n"
#define NET2_ROUTE                                                                                 \
	"neighbour replace @gateway4 lladdr @other_mac dev atk nud permanent\n"                    \
	"route replace @target4/32 via @gateway4 dev atk onlink\n"

/* Lines of a tool's own batch language. False: the tool or the kernel would not. */
bool ip_batch(const struct attack_env *e, const char *text);
bool tc_batch(const struct attack_env *e, const char *text);
bool nft_batch(const struct attack_env *e, const char *text);
/* One command line. */
bool command(const struct attack_env *e, const char *text);
/* A file that only this process and its children find; its path, static. */
const char *file_of(const char *text);
/* PATH below /proc/sys/net */
bool sysctl_set(const char *path, const char *value);

/* What is said when `what` could not be set up: refused, or (with all rights) not in this kernel.
 */
int unmade(const char *what);

/* Set up, then a datagram. */
int through(const struct attack_env *e, const char *what, const char *text, struct dest to);
/* ... that goes to the target; `text` makes a device `atk` on the other network. */
int over_dev2(const struct attack_env *e, const char *what, const char *text);
/* ... and whose frames a listener in the host takes for the way out. */
int to_relay(const struct attack_env *e, const char *what, const char *text, struct dest to);

int send_udp4(const struct attack_env *e, struct in_addr to);
int send_udp6(const struct attack_env *e, struct in6_addr to);
struct in_addr address4(const char *text);
struct in6_addr address6(const char *text);

/* A child sends by this descriptor. */
int by_child(const struct attack_env *e, int fd);

/* A step: a TCP connection to the target for which no packet was sent. seq: the next byte of either
 * side. Needs NET_ADMIN; for helpers, too. */
int repaired(const struct attack_env *e, uint32_t seq);

#endif /* BPFGUARD_TESTS_ATTACK_RECIPE_H */
