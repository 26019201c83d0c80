/* SPDX-License-Identifier: GPL-2.0-only */
/* For attacks that change the namespace by commands: what these are written with. */
#ifndef BPFGUARD_TESTS_ATTACK_WORDS_H
#define BPFGUARD_TESTS_ATTACK_WORDS_H

#include "attack.h"

struct words {
	char target[INET_ADDRSTRLEN], rogue[INET_ADDRSTRLEN], gateway[INET_ADDRSTRLEN];
	char peer[INET_ADDRSTRLEN];
	char target6[INET6_ADDRSTRLEN], rogue6[INET6_ADDRSTRLEN], gateway6[INET6_ADDRSTRLEN];
	char rogue_mac[18], other_mac[18];
};
struct words words(const struct attack_env *e);

/* Ends of an attack: a datagram, if the commands before (rc) went well. */
int udp4_if(const struct attack_env *e, int rc);
int udp6_if(const struct attack_env *e, int rc);
/* ... to the peer, for a listener on the host */
int peer_if(const struct attack_env *e, int rc);

/* Needs the right to change the namespace, whose default route is the gateway; leaves it changed.
 */
#define BY_GATEWAY NEEDS_NET_ADMIN, ATTACK_DIRTY | ATTACK_GATEWAY

#endif /* BPFGUARD_TESTS_ATTACK_WORDS_H */
