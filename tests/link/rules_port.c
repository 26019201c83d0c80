// SPDX-License-Identifier: GPL-2.0-only
/* The rules of a sealed port. */
#include <errno.h>
#include <string.h>

#include "base/base.h"
#include "tests/link/frames.h"
#include "tests/loader/instance.h"

static void set_port(uint32_t flags, unsigned int slot, const uint8_t mac[6])
{
	struct bg_port p = { .slot = slot, .flags = flags, .cgroup = 4711 };

	memcpy(p.mac, mac, 6);
	check(!loader_write_port(LO, &p), "cannot write the port");
}

static void arp_rules(void)
{
	static const struct {
		const char *what;
		unsigned int at;
		uint8_t byte;
	} bad[] = { { "hardware type", 15, 6 },
		    { "protocol type", 17, 1 },
		    { "hardware length", 18, 5 },
		    { "protocol length", 19, 16 },
		    { "RARP", 21, 3 },
		    { "another sender", 22 + 5, 99 } };
	struct frame f = frame_arp(own, all, 1, "172.30.0.10", "172.30.0.2");
	size_t i;

	ALLOWED("ARP", "seal_port", &f, BG_R_NEIGHBOUR);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		f = frame_arp(own, all, 1, "172.30.0.10", "172.30.0.2");
		f.data[bad[i].at] = bad[i].byte;
		DENIED(bad[i].what, "seal_port", &f, BG_R_LINK_PROTOCOL);
	}
	f = frame_arp(own, all, 1, "172.30.0.10", "172.30.0.2");
	f.len = 60;
	ALLOWED("ARP, padded", "seal_port", &f, BG_R_NEIGHBOUR);
	f.len = 61;
	DENIED("ARP, padded too much", "seal_port", &f, BG_R_LINK_PROTOCOL);
	for (i = 42; i < 60; i++) {
		f = frame_arp(own, all, 1, "172.30.0.10", "172.30.0.2");
		f.len = 60;
		f.data[i] = 'x';
		DENIED("ARP with a byte behind it", "seal_port", &f, BG_R_LINK_PROTOCOL);
	}
	f = frame_arp(own, peer, 2, "172.30.0.10", "172.30.0.20");
	ALLOWED("an ARP answer", "seal_port", &f, BG_R_PEER);
	f = frame_arp(own, host, 2, "172.30.0.10", "172.30.0.1");
	DENIED("an ARP answer to a stranger", "seal_port", &f, BG_R_LINK_UNKNOWN_MAC);
	f = frame_arp(own, peer, 2, "172.30.0.2", "172.30.0.20");
	DENIED("an ARP answer for the gateway", "seal_port", &f, BG_R_LINK_SPOOF);
	f = frame_arp(own, all, 1, "172.30.0.2", "172.30.0.2");
	DENIED("a gratuitous ARP for the gateway", "seal_port", &f, BG_R_LINK_SPOOF);
	f = frame_arp(peer, all, 1, "172.30.0.20", "172.30.0.2");
	DENIED("ARP with another's MAC", "seal_port", &f, BG_R_LINK_SPOOF);
}

static void nd_rules(void)
{
	struct frame f = frame_nd(own, mcast6, "fd30::10", "ff02::1:ff00:2", ND_NS, "fd30::2");

	ALLOWED("a solicitation", "seal_port", &f, BG_R_NEIGHBOUR);
	f = frame_nd(own, peer, "fd30::10", "fd30::20", ND_NA, "fd30::10");
	ALLOWED("an advertisement", "seal_port", &f, BG_R_PEER);
	f = frame_nd(own, peer, "fd30::10", "fd30::20", ND_NA, "fd30::2");
	DENIED("an advertisement for the gateway", "seal_port", &f, BG_R_LINK_SPOOF);
	f = frame_nd(own, mcast6, "fd30::10", "ff02::1", ND_NA, "fd30::2");
	DENIED("the same to everybody", "seal_port", &f, BG_R_LINK_SPOOF);
	f = frame_nd(own, mcast6, "fd30::2", "ff02::1:ff00:20", ND_NS, "fd30::20");
	DENIED("a solicitation as the gateway", "seal_port", &f, BG_R_LINK_SPOOF);
	f = frame_nd(own, mcast6, "::", "ff02::1:ff00:2", ND_NS, "fd30::2");
	DENIED("a claim on the gateway's address", "seal_port", &f, BG_R_LINK_SPOOF);
	f = frame_nd(own, mcast6, "fe80::10", "ff02::1", ND_RA, "fd30::10");
	DENIED("a router advertisement", "seal_port", &f, BG_R_LINK_SPOOF);
	f = frame_nd(own, peer, "fe80::10", "fd30::20", ND_REDIRECT, "fd30::10");
	DENIED("a redirect", "seal_port", &f, BG_R_LINK_SPOOF);
	f = frame_ip6(own, peer, "fd30::10", "fd30::20", 60, 0);
	DENIED("options before who knows what", "seal_port", &f, BG_R_IP_OPTIONS);
	f = frame_ip6(own, mcast6, "fd30::10", "ff02::fb", 17, 5353);
	DENIED("IPv6 mDNS", "seal_port", &f, BG_R_LINK_UNKNOWN_MAC);
	f = frame_ip6(own, peer, "fd30::10", "fd30::20", 17, 9);
	ALLOWED("IPv6 to a peer", "seal_port", &f, BG_R_PEER);
	set_port(BG_PORT_VPN | BG_PORT_GATEWAY, SLOT, own);
	f = frame_nd(own, peer, "fd30::2", "fd30::20", ND_NA, "fd30::2");
	ALLOWED("the gateway speaks for itself", "seal_port", &f, BG_R_PEER);
	f = frame_nd(own, mcast6, "fe80::10", "ff02::1", ND_RA, "fd30::10");
	ALLOWED("the gateway's router advertisement", "seal_port", &f, BG_R_NEIGHBOUR);
	f = frame_arp(own, peer, 2, "172.30.0.2", "172.30.0.20");
	ALLOWED("the gateway's ARP answer", "seal_port", &f, BG_R_PEER);
	set_port(BG_PORT_VPN, SLOT, own);
}

void seal_port_rules(void)
{
	struct frame f = frame_ip4(own, peer, "172.30.0.10", "172.30.0.20", 17, 9);

	DENIED("no entry for the port", "seal_port", &f, BG_R_LINK_OTHER_NETWORK);
	set_port(0, SLOT, own);
	DENIED("a port of another network", "seal_port", &f, BG_R_LINK_OTHER_NETWORK);
	set_port(BG_PORT_VPN, OTHER, own);
	DENIED("a port of another guard", "seal_port", &f, BG_R_LINK_OTHER_NETWORK);
	set_port(BG_PORT_VPN, SLOT, own);
	DENIED("a MAC that is not in the table", "seal_port", &f, BG_R_LINK_UNKNOWN_MAC);
	check(!loader_write_mac(OTHER, peer, 0), "write");
	DENIED("a MAC of another guard", "seal_port", &f, BG_R_LINK_UNKNOWN_MAC);
	check(!loader_write_mac(SLOT, peer, 0), "write");
	ALLOWED("a peer", "seal_port", &f, BG_R_PEER);
	f = frame_ip4(own, host, "172.30.0.10", "8.8.8.8", 17, 9);
	DENIED("the bridge's own MAC", "seal_port", &f, BG_R_LINK_UNKNOWN_MAC);
	f = frame_ip4(peer, peer, "172.30.0.10", "172.30.0.20", 17, 9);
	DENIED("another's source MAC", "seal_port", &f, BG_R_LINK_SPOOF);
	f = frame_ip4(own, all, "172.30.0.10", "172.30.0.255", 17, 9);
	DENIED("broadcast", "seal_port", &f, BG_R_LINK_UNKNOWN_MAC);
	f = frame_ip4(own, peer, "172.30.0.10", "172.30.0.20", 17, 9);
	f.data[12] = 0x88;
	f.data[13] = 0xb5;
	DENIED("another ethertype to a peer", "seal_port", &f, BG_R_LINK_PROTOCOL);
	f.data[12] = 0x81;
	f.data[13] = 0;
	DENIED("a VLAN tag to a peer", "seal_port", &f, BG_R_LINK_PROTOCOL);
	check(loader_write_mac(SLOT, all, 0) == -EINVAL, "a group's MAC was taken");
	arp_rules();
	nd_rules();
}
