/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sockets that processes hold, and the cgroup that each was made in: what the guard's hooks judge
 * by. One that came from elsewhere (passed in, or its process was moved) is another cgroup's.
 */
#ifndef BPFGUARD_DISCOVERY_SOCKETS_H
#define BPFGUARD_DISCOVERY_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The sockets of network namespaces, by inode. Only those that are bound or connected are listed
 * by the kernel; raw and packet sockets never.
 */
struct discovery_sockets;
struct discovery_sockets *discovery_sockets_new(void); /* NULL: no memory */
void discovery_sockets_free(struct discovery_sockets *s);
/* Adds what a namespace holds (-1: the caller's). -EOPNOTSUPP: the kernel does not tell cgroups. */
int discovery_sockets_add(struct discovery_sockets *s, int netns);
/* The cgroup id that the socket was made in; false: it is not in the list. */
bool discovery_sockets_find(const struct discovery_sockets *s, uint64_t inode, uint64_t *ret);
size_t discovery_sockets_count(const struct discovery_sockets *s);

struct discovery_held {
	int fd;
	uint64_t inode;
	char proto[24]; /* the kernel's word: "UDP", "TCPv6", "PACKET" */
};
/* The sockets that a process holds and that could reach a network. -ESRCH. */
int discovery_held(pid_t pid, void (*fn)(const struct discovery_held *h, void *ctx), void *ctx);

#endif /* BPFGUARD_DISCOVERY_SOCKETS_H */
