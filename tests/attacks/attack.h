/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The attack catalogue: each entry is one technique by which a process in a protected container
 * could get a packet of its own out. An attack only tries. Whether it leaked is decided by the
 * capture at the far end (run.sh), never by the attacker's errno.
 *
 * What the topology looks like from inside (topology.sh):
 *
 *    app (guarded): eth0 on the VPN network, eth1 on another network, default route by the rogue
 *    gateway        on the VPN network; with route=gateway the default route, its tunnel down
 *    rogue          the host's bridge address on the VPN network: a router that leads into the wan
 *    other          the host's bridge address on the other network: likewise
 *    wan            the capture: a frame for an attack's target, or with its mark, is a leak
 */
#ifndef BPFGUARD_TESTS_ATTACK_H
#define BPFGUARD_TESTS_ATTACK_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What has to stop it; what the catalogue claims and the run checks. */
enum attack_stop {
	STOP_I1,  /* cgroup hooks */
	STOP_I2,  /* uplink guard */
	STOP_I3,  /* link seal */
	STOP_LSM, /* BPF LSM; without it the link seal (I3) */
	STOP_OUT, /* out of scope: `why_out` says why, and doctor warns of it */
};

/* The least that it needs. Sets: none (uid 1000), default (Docker's), admin, sys. */
enum attack_needs {
	NEEDS_NOTHING,
	NEEDS_NET_RAW,	 /* Docker grants it by default */
	NEEDS_NET_ADMIN, /* and NET_RAW */
	NEEDS_SYS_ADMIN, /* and NET_ADMIN, NET_RAW */
};

enum attack_flags {
	ATTACK_DIRTY = 1 << 0,	 /* changes the namespace: a fresh one after it */
	ATTACK_OUTSIDE = 1 << 1, /* started outside of the guard, joins by itself (env.cgroup) */
	ATTACK_GATEWAY = 1 << 2, /* the route leads to the gateway, whose tunnel is down */
	ATTACK_ALONE = 1 << 3,	 /* not in one batch with others (timing, peers, policy flips) */
};

/* Where everything is; filled from the environment by main.c (ATTACK_* variables). */
struct attack_env {
	struct in_addr target4; /* this attack's own: nobody else's late packet counts for it */
	struct in6_addr target6;
	uint16_t port;
	char mark[48]; /* put it into every payload */
	size_t mark_len;
	char dev[IFNAMSIZ], dev2[IFNAMSIZ]; /* eth0, eth1 */
	struct in_addr own4, own4_2, gateway4, rogue4, peer4, other4;
	struct in6_addr own6, own6_2, gateway6, rogue6, peer6, other6;
	uint8_t own_mac[6], own_mac_2[6], gateway_mac[6], rogue_mac[6], peer_mac[6], other_mac[6];
	const char *cgroup;	  /* the guard's cgroup.procs */
	const char *cgroup_other; /* one that is not guarded */
	const char *fdserver;	  /* unix socket: hands out sockets made outside (peer.c) */
	const char *sibling;	  /* another network namespace, by path */
	const char *gateway_ns;	  /* the gateway's, by path: only for the run's own helpers */
};

#define ATTACK_TRIED 0
#define ATTACK_SKIP  1 /* this kernel or machine cannot do it: attack_skip() said why */

struct attack {
	const char *name;
	const char *what; /* one line, for the table and docs/security.md */
	enum attack_stop stop;
	enum attack_needs needs;
	unsigned int flags;
	const char *why_out; /* with STOP_OUT */
	int (*run)(const struct attack_env *e);
};

/* Each file has one table; main.c joins them. Ends with a NULL name. */
extern const struct attack attacks_inet[], attacks_path[], attacks_raw[], attacks_packet[],
	attacks_uring[], attacks_tunnel[], attacks_netns[], attacks_rewrite[], attacks_fd[],
	attacks_kernel[], attacks_dns[], attacks_broker[];

/* Says why and returns ATTACK_SKIP. Only for what the machine lacks, never for a refusal: EPERM
 * and EACCES are an answer of the guard (or of the capability set), not a skip. */
int attack_skip(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* What the attacker was told, for the table: "sendto: EPERM". Returns ATTACK_TRIED. */
int attack_said(const char *call, int err);
/* Runs a command (ip, tc, nft) inside; 0, or its exit code. -ENOENT: not installed. */
int attack_command(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif /* BPFGUARD_TESTS_ATTACK_H */
