// SPDX-License-Identifier: GPL-2.0-only
/* The maps that we alone write: what differs from what we wrote is put back, and told. */
#include <string.h>

#include "monitor/internal.h"

#define LEASE_STEP (200 * MS_NS)

static void look_at_lease(struct guard *g)
{
	struct bg_lease is;

	if (!g->policy->lease_ms || !g->lease_written || loader_read_lease(g->slot, &is) ||
	    is.vpn_state != BG_VPN_UP)
		return;
	if (g->lease.vpn_state == BG_VPN_UP && is.until_ns <= g->lease.until_ns + LEASE_STEP)
		return;
	tamper_tell(g->mon, g->policy->name, "its lease was lengthened by somebody else",
		    loader_write_lease(g->slot, &g->lease) == 0, "the lease cannot be written");
}

static void look_at_uplink(struct guard *g)
{
	struct bg_uplink is;

	if (g->policy->uplink.off || !g->uplink_written)
		return;
	if (loader_read_uplink(g->slot, &is) == 0 && memcmp(&is, &g->uplink, sizeof(is)) == 0)
		return;
	g->uplink_written = false;
	uplink_write(g);
	tamper_tell(g->mon, g->policy->name, "the uplink's list was changed by somebody else",
		    g->uplink_written, "the list cannot be written");
}

/* A port's entry that is not as we wrote it, or that we did not write. */
struct odd {
	const struct guard *g;
	unsigned int ifindex;
	bool found, ours;
	size_t n_right;
	struct bg_port right;
};

static int find_odd_port(unsigned int ifindex, const struct bg_port *port, void *ctx)
{
	struct odd *o = ctx;
	size_t i;

	if (port->slot != o->g->slot)
		return 0;
	for (i = 0; i < o->g->n_places; i++) {
		const struct place *p = &o->g->place[i];

		if (p->where != LOADER_SEAL_PORT || p->ifindex != ifindex)
			continue;
		if (memcmp(port, &p->port, sizeof(*port)) == 0) {
			o->n_right++;
			return 0;
		}
		o->ours = true;
		o->right = p->port;
	}
	o->ifindex = ifindex;
	o->found = true;
	return 1;
}

static void look_at_ports(struct guard *g)
{
	struct odd o = { .g = g };
	size_t n = 0, i;

	for (i = 0; i < g->n_places; i++)
		n += g->place[i].where == LOADER_SEAL_PORT && g->place[i].attached &&
		     !g->place[i].stale;
	if (loader_each_port(find_odd_port, &o) == 0 && !o.found && o.n_right < n) {
		place_stale(g);
		tamper_tell(g->mon, g->policy->name,
			    "a port's entry was taken away by somebody else", true, "");
	}
	if (!o.found)
		return;
	tamper_tell(g->mon, g->policy->name, "a port's entry was changed by somebody else",
		    (o.ours ? loader_write_port(o.ifindex, &o.right)
			    : loader_drop_port(o.ifindex)) == 0,
		    "the entry cannot be written");
}

static int find_odd_mac(unsigned int slot, const uint8_t mac[6], void *ctx)
{
	struct odd *o = ctx;
	size_t i;

	if (slot != o->g->slot)
		return 0;
	for (i = 0; i < o->g->n_places; i++) {
		const struct place *p = &o->g->place[i];

		if (p->where == LOADER_SEAL_PORT && p->port.flags & BG_PORT_VPN &&
		    memcmp(p->port.mac, mac, 6) == 0)
			return 0;
	}
	memcpy(o->right.mac, mac, 6);
	o->found = true;
	return 1;
}

/* One that an earlier monitor left is no attack: at the first look it is only taken away. */
static void look_at_macs(struct guard *g)
{
	bool dropped;
	struct odd o;

	do {
		o = (struct odd){ .g = g };
		loader_each_mac(find_odd_mac, &o);
		dropped = o.found && loader_drop_mac(g->slot, o.right.mac) == 0;
		if (o.found && g->macs_known)
			tamper_tell(g->mon, g->policy->name,
				    "a MAC was added to the peers by somebody else", dropped,
				    "the entry cannot be taken away");
	} while (dropped);
	g->macs_known = true;
}

void tamper_look_at_maps(struct monitor *mon)
{
	size_t i;

	for (i = 0; i < mon->n_guards; i++) {
		struct guard *g = mon->guard[i];

		look_at_lease(g);
		if (!g->swept)
			continue;
		look_at_uplink(g);
		look_at_ports(g);
		look_at_macs(g);
	}
}
