/* SPDX-License-Identifier: GPL-2.0-only */
/* Routes as a process sees them: asked from the kernel, by rtnetlink, in the process's namespace.
 */
#ifndef BPFGUARD_DISCOVERY_ROUTE_H
#define BPFGUARD_DISCOVERY_ROUTE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct discovery_route {
	bool exists;	    /* false: the kernel has no route, no packet would be made */
	bool local;	    /* delivered inside the namespace */
	uint8_t via_family; /* 0: on-link, else 4 or 6 */
	uint8_t via[16];
	uint8_t src[16]; /* all zero: none was given */
	uint32_t ifindex;
	char ifname[16];
	uint16_t dev_type; /* ARPHRD_* */
	bool encap;	   /* a light-weight tunnel sits on the route */
	uint32_t netns;	   /* inode of the namespace that answered */
};

/*
 * The route of `dst` (family 4 or 6, network order) in the namespace of `pid`. Moves the calling
 * thread into that namespace for good. -ESRCH: no such process; -EPERM; other -errno.
 */
int discovery_route(pid_t pid, int family, const uint8_t dst[16], struct discovery_route *ret);

/* cgroup2 path of a process as this namespace sees it. -ESRCH, -ENOENT (not in a v2 cgroup). */
int discovery_cgroup_of(pid_t pid, char *ret, size_t size);

#endif /* BPFGUARD_DISCOVERY_ROUTE_H */
