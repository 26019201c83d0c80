/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Network namespaces and the devices in them, by rtnetlink. Every call is bounded and returns with
 * the calling thread in the namespace that it came from. `netns` is a descriptor, -1: the caller's.
 * A descriptor or socket of a namespace keeps it alive: whoever holds one closes it when the
 * gateway's process ends.
 */
#ifndef BPFGUARD_DISCOVERY_NETNS_H
#define BPFGUARD_DISCOVERY_NETNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

int discovery_netns_of_pid(pid_t pid);	       /* descriptor or -errno; -ESRCH */
int discovery_netns_of_path(const char *path); /* -ENOENT; -EINVAL: not a network namespace */
uint32_t discovery_netns_inode(int netns);     /* 0: cannot be told */
/* Runs fn inside; its return value, or -errno when the namespace cannot be entered. */
int discovery_netns_run(int netns, int (*fn)(void *ctx), void *ctx);

struct discovery_link {
	uint32_t ifindex;
	char name[16];
	char kind[16]; /* "veth", "bridge", "tun", "wireguard", "" */
	uint16_t type; /* ARPHRD_* */
	bool up, running;
	bool has_mac;
	uint8_t mac[6];
	uint32_t master;   /* ifindex of its bridge, 0: none */
	uint32_t peer;	   /* IFLA_LINK: ifindex of a veth's other end, 0: not known */
	int32_t peer_nsid; /* IFLA_LINK_NETNSID, -1: the same namespace or not known */
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;
};

int discovery_links(int netns, int (*fn)(const struct discovery_link *l, void *ctx), void *ctx);
int discovery_link_by_name(int netns, const char *name, struct discovery_link *ret); /* -ENODEV */
/*
 * The other end of a veth, asked from the kernel through the namespace id: no trust in anybody's
 * word. -ENODEV; -EOPNOTSUPP.
 */
int discovery_link_peer(const struct discovery_link *l, struct discovery_link *ret);
/*
 * A bridge's port, of the caller's namespace: forgets which MACs were seen behind it, and whether
 * frames for unknown MACs go there.
 */
int discovery_port_flush(uint32_t ifindex, bool flood);
/* This namespace's id of the network namespace of a process, as IFLA_LINK_NETNSID has it. */
int discovery_nsid_of_pid(pid_t pid, int32_t *ret);

struct discovery_net_route {
	uint8_t family; /* 4 or 6 */
	uint8_t dst_len, dst[16];
	bool gatewayed;
	uint32_t oif;
	uint32_t table;
};
/* Unicast routes of all tables; default routes have dst_len 0. */
int discovery_routes(int netns, int (*fn)(const struct discovery_net_route *r, void *ctx),
		     void *ctx);

/* A non-blocking socket that tells of links and routes of that namespace: RTMGRP_* bits. */
int discovery_watch_open(int netns, uint32_t groups);
enum discovery_change {
	DISCOVERY_LINK_NEW,
	DISCOVERY_LINK_GONE,
	DISCOVERY_ROUTE,   /* some route or address changed: look again */
	DISCOVERY_OVERRUN, /* messages were lost: look at everything again */
};
/* Takes what is there, without waiting. l is NULL but for links. 0 or -errno. */
int discovery_watch_read(int fd,
			 void (*fn)(enum discovery_change what, const struct discovery_link *l,
				    void *ctx),
			 void *ctx);

#endif /* BPFGUARD_DISCOVERY_NETNS_H */
