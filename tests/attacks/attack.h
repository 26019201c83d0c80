/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The attack catalogue: each entry is one technique by which a process in a protected container
 * could get a packet of its own out. An attack only tries. Whether it leaked is decided by the
 * capture at the far end, never by the attacker's errno.
 *
 * What the network looks like from inside (topology.sh):
 *
 *    app (guarded)  eth0 on the VPN network, eth1 on another network, default route by the rogue
 *    gateway        on the VPN network; the default route of ATTACK_GATEWAY. Its tunnel is down and
 *                   it forwards everything, masqueraded, out of its uplink: the worst of gateways
 *    rogue          the host's bridge address on the VPN network: a router that leads into the wan
 *    other          the host's bridge address on the other network: likewise
 *    peer           a neighbour on the VPN network, listed in the policy
 *    wan            the capture: a frame with an attack's target or mark in it is a leak
 */
#ifndef BPFGUARD_TESTS_ATTACK_H
#define BPFGUARD_TESTS_ATTACK_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What has to stop it: the catalogue's claim, which the run compares with the hook that spoke. */
enum attack_stop {
	STOP_I1,  /* cgroup hooks */
	STOP_I2,  /* uplink guard */
	STOP_I3,  /* link seal */
	STOP_LSM, /* BPF LSM; without it the link seal (I3) */
	STOP_OUT, /* out of scope: `why_out` says why, and doctor warns of it */
};

/* The least that it needs. */
enum attack_needs {
	NEEDS_NOTHING,	 /* an ordinary user without capabilities */
	NEEDS_NET_RAW,	 /* Docker grants it by default */
	NEEDS_NET_ADMIN, /* and NET_RAW */
	NEEDS_SYS_ADMIN, /* and NET_ADMIN, NET_RAW */
};

enum attack_flags {
	ATTACK_DIRTY = 1 << 0,	  /* changes the namespace: a fresh one after it */
	ATTACK_OUTSIDE = 1 << 1,  /* starts outside of the guard; its helper moves it in */
	ATTACK_GATEWAY = 1 << 2,  /* the default route is the gateway */
	ATTACK_ALONE = 1 << 3,	  /* not at the same time as others */
	ATTACK_CAPTURED = 1 << 4, /* no hook refuses: the gateway gets it instead of the target */
};

/* Where an attack's helper runs. */
enum attack_place {
	PLACE_APP,     /* the container's namespace, outside of its cgroup: dockerd, nsenter */
	PLACE_GATEWAY, /* the gateway's namespace */
	PLACE_ROGUE,   /* the host's */
	PLACE_WAN,
};

/* Where everything is; filled by main.c. */
struct attack_env {
	struct in_addr target4; /* this attempt's own: nobody else's late packet counts for it */
	struct in6_addr target6;
	uint16_t port; /* host order */
	char mark[48]; /* put it into every payload, at the front */
	size_t mark_len;
	char dev[IFNAMSIZ], dev2[IFNAMSIZ]; /* eth0, eth1 */
	struct in_addr own4, own4_2, gateway4, rogue4, peer4, other4;
	struct in6_addr own6, own6_2, gateway6, rogue6, peer6, other6;
	uint8_t own_mac[6], own_mac_2[6], gateway_mac[6], rogue_mac[6], peer_mac[6], other_mac[6];
	const char *cgroup;	  /* directory of the guard's cgroup, absolute */
	const char *cgroup_other; /* one that is not guarded */
	const char *sibling;	  /* another network namespace, by path: a way out of its own */
	int helper; /* SOCK_SEQPACKET to the helper (or, in the helper, to the attack); else -1 */
};

#define ATTACK_TRIED 0
#define ATTACK_SKIP  1 /* this kernel or machine cannot do it: attack_skip() said why */

struct attack {
	const char *name; /* at most 15 characters: it is the process's comm, too */
	const char *what; /* one line, for the table and docs/security.md */
	enum attack_stop stop;
	enum attack_needs needs;
	unsigned int flags;
	const char *why_out; /* with STOP_OUT */
	/*
	 * Runs inside: in the guard's cgroup (but for ATTACK_OUTSIDE), in app's network namespace,
	 * with the capability set under test and no more, in a process of its own. Has 3 seconds,
	 * should take milliseconds.
	 */
	int (*run)(const struct attack_env *e);
	/*
	 * Optional: starts before run() in a process of its own, as root, outside of the guard, in
	 * the namespace `where`; killed when run() is over. They talk over env.helper.
	 */
	int (*helper)(const struct attack_env *e);
	enum attack_place where;
};

/* Each file has one table; main.c joins them. Ends with a NULL name. */
extern const struct attack attacks_inet[], attacks_path[], attacks_raw[], attacks_packet[],
	attacks_uring[], attacks_tunnel[], attacks_netns[], attacks_rewrite[], attacks_fd[],
	attacks_kernel[], attacks_flip[], attacks_dns[], attacks_broker[];

/* Says why and returns ATTACK_SKIP. Only for what the machine lacks, never for a refusal: EPERM
 * and EACCES are an answer of the guard (or of the capability set), not a skip. */
int attack_skip(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* What the attacker was told, for the table: attack_said("sendto", errno), 0: it went well.
 * Returns ATTACK_TRIED. */
int attack_said(const char *call, int err);
/* Runs a command (ip, tc, nft) inside; 0, or its exit code. -ENOENT: not installed. */
int attack_command(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* One message over env.helper, with a descriptor if fd >= 0. 0 or -errno. */
int attack_tell(const struct attack_env *e, const void *data, size_t len, int fd);
/* Waits at most a second; bytes or -errno. ret_fd may be NULL. */
int attack_hear(const struct attack_env *e, void *ret, size_t size, int *ret_fd);
/* For helpers, who have the right: puts a process into a cgroup. 0 or -errno. */
int attack_move(pid_t pid, const char *cgroup_dir);

#endif /* BPFGUARD_TESTS_ATTACK_H */
