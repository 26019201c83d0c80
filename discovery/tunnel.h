/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a gateway's tunnel is and where it goes, read from the tunnel itself.
 */
#ifndef BPFGUARD_DISCOVERY_TUNNEL_H
#define BPFGUARD_DISCOVERY_TUNNEL_H

#include "discovery/netns.h"

#define DISCOVERY_MAX_ENDPOINTS 16

enum discovery_tunnel_kind {
	DISCOVERY_TUNNEL_UNKNOWN,
	DISCOVERY_TUNNEL_WIREGUARD,    /* in the kernel: generic netlink */
	DISCOVERY_TUNNEL_WIREGUARD_GO, /* its control socket */
	DISCOVERY_TUNNEL_OPENVPN,      /* configuration file or connected socket */
};
const char *discovery_tunnel_kind_name(enum discovery_tunnel_kind kind);

struct discovery_endpoint {
	uint8_t family; /* 4 or 6 */
	uint8_t proto;	/* IPPROTO_UDP or IPPROTO_TCP */
	uint16_t port;	/* host order */
	uint8_t addr[16];
	char source[48]; /* where it was read: "wireguard tun0", "/etc/openvpn/target.ovpn" */
};

struct discovery_tunnel {
	enum discovery_tunnel_kind kind;
	struct discovery_endpoint endpoint[DISCOVERY_MAX_ENDPOINTS];
	size_t n_endpoints;
	/* of the youngest peer; WireGuard only. 0: never */
	uint64_t last_handshake_real_ns;
	uint64_t rx_bytes, tx_bytes; /* sums over peers, else of the device */
};

/*
 * Reads the tunnel device `name` of a namespace. pid: a process of the gateway, whose files and
 * sockets are looked at (inside its own root: links in it cannot lead out); 0: none known. Takes at
 * most timeout_ms. -ENODEV: no such device; -ENODATA: there, but nothing of ours reads it (the
 * device's counters are filled in); -EBADMSG: it answered rubbish.
 */
int discovery_tunnel(int netns, pid_t pid, const char *name, int timeout_ms,
		     struct discovery_tunnel *ret);

/*
 * Where a tunnel will go whose device does not exist yet: OpenVPN makes it only after it has spoken
 * to the other end. From the configuration of an OpenVPN in that namespace. -ENODATA: there is
 * none.
 */
int discovery_tunnel_ahead(int netns, pid_t pid, int timeout_ms, struct discovery_tunnel *ret);

/* The parsers of outside bytes behind it, for the fuzzer. They fill what they understand. */
int discovery_parse_wireguard_uapi(const char *text, size_t len, struct discovery_tunnel *ret);
int discovery_parse_openvpn(const char *text, size_t len, struct discovery_tunnel *ret);

#endif /* BPFGUARD_DISCOVERY_TUNNEL_H */
