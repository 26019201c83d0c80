// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <errno.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>

#include "base/base.h"
#include "discovery/tunnel_parts.h"

const char *discovery_tunnel_kind_name(enum discovery_tunnel_kind kind)
{
	switch (kind) {
	case DISCOVERY_TUNNEL_WIREGUARD: return "wireguard";
	case DISCOVERY_TUNNEL_WIREGUARD_GO: return "wireguard-go";
	case DISCOVERY_TUNNEL_OPENVPN: return "openvpn";
	case DISCOVERY_TUNNEL_UNKNOWN: break;
	}
	return "unknown";
}

uint64_t discovery_deadline(int timeout_ms)
{
	return base_now_ns(CLOCK_MONOTONIC) + (uint64_t)(timeout_ms > 0 ? timeout_ms : 0) * 1000000;
}

int discovery_left_ms(uint64_t deadline)
{
	uint64_t now = base_now_ns(CLOCK_MONOTONIC);

	return now >= deadline ? 0 : (int)((deadline - now + 999999) / 1000000);
}

static bool sane4(const uint8_t a[4])
{
	return a[0] != 0 && a[0] != 127 && a[0] < 224;
}

static bool sane6(const uint8_t a[16])
{
	static const uint8_t zero[15];

	return a[0] != 0xff && !(memcmp(a, zero, 15) == 0 && a[15] <= 1);
}

void discovery_endpoint_add(struct discovery_tunnel *t, int family, const void *addr, uint16_t port,
			    uint8_t proto, const char *source)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct discovery_endpoint e = { .proto = proto, .port = port };

	if (family == 6 && memcmp(addr, mapped, sizeof(mapped)) == 0) {
		addr = (const uint8_t *)addr + sizeof(mapped);
		family = 4;
	}
	e.family = (uint8_t)family;
	memcpy(e.addr, addr, family == 4 ? 4 : 16);
	if (!port || !(family == 4 ? sane4(e.addr) : sane6(e.addr)))
		return;
	base_sanitize(e.source, sizeof(e.source), source, strlen(source));
	for (size_t i = 0; i < t->n_endpoints; i++) {
		const struct discovery_endpoint *o = &t->endpoint[i];

		if (o->family == e.family && o->proto == proto && o->port == port &&
		    memcmp(o->addr, e.addr, sizeof(e.addr)) == 0)
			return;
	}
	if (t->n_endpoints < DISCOVERY_MAX_ENDPOINTS)
		t->endpoint[t->n_endpoints++] = e;
}

int discovery_address(const char *text, uint8_t ret[16])
{
	if (inet_pton(AF_INET, text, ret) == 1)
		return 4;
	return inet_pton(AF_INET6, text, ret) == 1 ? 6 : 0;
}

static void name_source(struct discovery_tunnel *t, const char *name)
{
	for (size_t i = 0; i < t->n_endpoints; i++)
		snprintf(t->endpoint[i].source, sizeof(t->endpoint[i].source), "%s %s",
			 discovery_tunnel_kind_name(t->kind), name);
}

/* A device that a program reads and writes: which program, and what does it say? */
static int ask_program(int netns, pid_t pid, const struct discovery_link *l, uint64_t deadline,
		       struct discovery_tunnel *t)
{
	_close_ int root = -1;
	int err;

	if (pid <= 0)
		return -ENOENT;
	root = discovery_root_of(pid);
	if (root < 0)
		return -ENOENT;
	err = discovery_wireguard_go(root, l->name, deadline, t);
	if (!err)
		name_source(t, l->name);
	if (err == -ENOENT)
		err = discovery_openvpn(netns, root, l, deadline, t);
	return err;
}

int discovery_tunnel(int netns, pid_t pid, const char *name, int timeout_ms,
		     struct discovery_tunnel *ret)
{
	uint64_t deadline = discovery_deadline(timeout_ms);
	struct discovery_tunnel t = { 0 };
	struct discovery_link l;
	int err = discovery_link_by_name(netns, name, &l);

	if (err)
		return err;
	if (strcmp(l.kind, "wireguard") == 0) {
		err = discovery_wireguard_kernel(netns, l.name, &t);
		if (!err)
			name_source(&t, l.name);
	} else if (l.type == ARPHRD_NONE || strcmp(l.kind, "tun") == 0 ||
		   strncmp(l.kind, "ovpn", 4) == 0) {
		err = ask_program(netns, pid, &l, deadline, &t);
	} else {
		err = -ENOENT;
	}
	if (err == -ENOENT) {
		t = (struct discovery_tunnel){ 0 };
		err = -ENODATA;
	}
	if (err && err != -ENODATA)
		return err;
	if (t.kind != DISCOVERY_TUNNEL_WIREGUARD && t.kind != DISCOVERY_TUNNEL_WIREGUARD_GO) {
		t.rx_bytes = l.rx_bytes;
		t.tx_bytes = l.tx_bytes;
	}
	*ret = t;
	return err;
}

int discovery_tunnel_ahead(int netns, pid_t pid, int timeout_ms, struct discovery_tunnel *ret)
{
	/* no device to look for: any OpenVPN in the namespace */
	const struct discovery_link any = { .kind = "ovpn" };
	_close_ int root = -1;
	int err;

	if (pid <= 0)
		return -ENODATA;
	root = discovery_root_of(pid);
	if (root < 0)
		return -ENODATA;
	err = discovery_openvpn(netns, root, &any, discovery_deadline(timeout_ms), ret);
	return err == -ENOENT ? -ENODATA : err;
}
