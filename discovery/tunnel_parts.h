/* SPDX-License-Identifier: GPL-2.0-only */
/* Inside room discovery: the ways to ask a tunnel where it goes, each 0 or -errno. */
#ifndef BPFGUARD_DISCOVERY_TUNNEL_PARTS_H
#define BPFGUARD_DISCOVERY_TUNNEL_PARTS_H

#include <libmnl/libmnl.h>

#include "discovery/tunnel.h"

/*
 * Adds an endpoint, once; family 4 or 6, v4-mapped becomes 4. What cannot be the other end of a
 * tunnel (unspecified, loopback, multicast, broadcast, port 0) is passed over.
 */
void discovery_endpoint_add(struct discovery_tunnel *t, int family, const void *addr, uint16_t port,
			    uint8_t proto, const char *source);
/* "192.0.2.1" or "2001:db8::1": 4 or 6; 0 for a host name and anything else. */
int discovery_address(const char *text, uint8_t ret[16]);

uint64_t discovery_deadline(int timeout_ms);
int discovery_left_ms(uint64_t deadline); /* 0: over */

/* A process's root as a directory descriptor; -ESRCH. */
int discovery_root_of(pid_t pid);
/*
 * O_PATH descriptor of a path inside of a directory, out of which no link leads: in_root takes the
 * directory for "/", else the path must stay beneath. -ENOENT, -EXDEV, -ELOOP, ...
 */
int discovery_open_inside(int dir, const char *path, bool in_root);
/* A regular file behind such a path, at most max bytes, with a NUL behind it. */
int discovery_read_inside(int dir, const char *path, bool in_root, size_t max, char **ret,
			  size_t *ret_len);

/* -ENOENT: the kernel has no WireGuard, or no such device there */
int discovery_wireguard_kernel(int netns, const char *name, struct discovery_tunnel *ret);
int discovery_wireguard_message(const struct nlmsghdr *nlh, struct discovery_tunnel *t);
/* -ENOENT: nobody listens; -ETIMEDOUT; -EBADMSG */
int discovery_wireguard_go(int root, const char *name, uint64_t deadline,
			   struct discovery_tunnel *ret);
/* -ENOENT: nothing of OpenVPN found */
int discovery_openvpn(int netns, int root, const struct discovery_link *l, uint64_t deadline,
		      struct discovery_tunnel *ret);
/* An argument vector (NUL between words) as the lines of a configuration; malloc'ed. */
int discovery_openvpn_from_args(const char *args, size_t len, char **ret);
/* Lines of /proc/PID/net/{tcp,udp}[6] whose socket is in the sorted list: where they go. */
void discovery_openvpn_sockets(const char *text, uint8_t proto, const uint64_t *inode, size_t n,
			       struct discovery_tunnel *t);
/* The sockets that processes of a network namespace have connected for tunnel `name`. */
int discovery_openvpn_process(int netns, const struct discovery_link *l, uint64_t deadline,
			      struct discovery_tunnel *ret);

#endif /* BPFGUARD_DISCOVERY_TUNNEL_PARTS_H */
