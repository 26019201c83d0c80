// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's side: the bridges of the VPN network and of the uplinks, and the veths behind which
 * protected containers sit. Whose a veth is, and its MAC, is asked from the kernel.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "monitor/internal.h"

#define MAX_LINKS  4096
#define MAX_INSIDE 512
#define MAX_PIDS   32 /* of one cgroup: namespaces are looked for, not processes */

struct inside { /* a namespace with processes of the guard in it */
	int32_t nsid;
	uint64_t cgroup, inode;
};

struct host {
	struct guard *g;
	struct discovery_link *link;
	size_t n;
	struct inside inside[MAX_INSIDE];
	size_t n_inside;
};

static int on_link(const struct discovery_link *l, void *ctx)
{
	struct host *h = ctx;

	if (strcmp(l->kind, "veth") != 0 && strcmp(l->kind, "bridge") != 0)
		return 0;
	if (h->n == MAX_LINKS)
		return -E2BIG;
	h->link[h->n++] = *l;
	return 0;
}

/* ---- who is inside ---- */
static void on_pid(struct host *h, pid_t pid, const char *dir)
{
	char path[64];
	struct stat st;
	struct inside *in;
	int32_t nsid;
	size_t i;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	if (stat(path, &st))
		return;
	for (i = 0; i < h->n_inside; i++)
		if (h->inside[i].inode == st.st_ino)
			return;
	if (h->n_inside == MAX_INSIDE)
		return;
	in = &h->inside[h->n_inside];
	*in = (struct inside){ .nsid = -1, .inode = st.st_ino };
	if (discovery_nsid_of_pid(pid, &nsid) == 0)
		in->nsid = nsid;
	loader_cgroup_id(dir, &in->cgroup);
	h->n_inside++;
}

static void walk(struct host *h, const char *dir, int depth)
{
	char path[PATH_MAX], line[32];
	struct dirent *d;
	int n = 0;
	FILE *f;
	DIR *dp;

	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	f = fopen(path, "re");
	while (f && n++ < MAX_PIDS && fgets(line, sizeof(line), f))
		on_pid(h, atoi(line), dir);
	if (f)
		fclose(f);
	dp = depth > 0 ? opendir(dir) : NULL;
	while (dp && (d = readdir(dp))) {
		if (d->d_type != DT_DIR || d->d_name[0] == '.')
			continue;
		if (snprintf(path, sizeof(path), "%s/%s", dir, d->d_name) < (int)sizeof(path))
			walk(h, path, depth - 1);
	}
	if (dp)
		closedir(dp);
}

static void find_inside(struct host *h)
{
	char root[PATH_MAX - 300], cgroup[BG_PATH], dir[PATH_MAX];

	if (loader_cgroup_root(root, sizeof(root)) ||
	    policy_cgroup_path(h->g->policy->cgroup, cgroup, sizeof(cgroup)))
		return;
	snprintf(dir, sizeof(dir), "%s%s", root, cgroup);
	walk(h, dir, 3);
}

static const struct inside *inside_of(const struct host *h, const struct discovery_link *l)
{
	size_t i;

	for (i = 0; i < h->n_inside && l->peer_nsid >= 0; i++)
		if (h->inside[i].nsid == l->peer_nsid)
			return &h->inside[i];
	return NULL;
}

/* The gateway's device behind a veth of the host, or none. */
static const struct dev *gateway_dev(const struct guard *g, const struct discovery_link *l,
				     const struct discovery_link *peer)
{
	size_t i;

	for (i = 0; i < g->n_dev; i++) {
		const struct dev *d = &g->dev[i];

		if (d->peer == l->ifindex && d->ifindex == l->peer &&
		    memcmp(d->mac, peer->mac, 6) == 0 && strcmp(d->name, peer->name) == 0)
			return d;
	}
	return NULL;
}

/* ---- bridges ---- */
static const struct discovery_link *by_index(const struct host *h, unsigned int ifindex)
{
	size_t i;

	for (i = 0; i < h->n; i++)
		if (h->link[i].ifindex == ifindex)
			return &h->link[i];
	return NULL;
}

static const struct discovery_link *bridge_named(const struct host *h, const char *name)
{
	size_t i;

	for (i = 0; i < h->n && name[0]; i++)
		if (strcmp(h->link[i].name, name) == 0 && strcmp(h->link[i].kind, "bridge") == 0)
			return &h->link[i];
	return NULL;
}

/* Docker's word for the bridges, known before the gateway's devices are. */
static void ask_docker(struct guard *g)
{
	const struct policy_guard *p = g->policy;
	size_t i, k;

	for (i = 0; g->gw.have_container && i < g->gw.container.n_nets; i++) {
		const struct engine_attachment *a = &g->gw.container.net[i];
		bool vpn = p->link.network[0] && strcmp(p->link.network, a->network) == 0;

		for (k = 0; k < p->n_gateway && !p->link.network[0] && a->has_subnet; k++)
			vpn = vpn || (p->gateway[k].family == 4 &&
				      prefix_covers(a->subnet, a->subnet_len, p->gateway[k].bytes));
		if (vpn)
			bridge_learn_vpn(g, a->bridge);
		else if (!p->uplink.network[0] || strcmp(p->uplink.network, a->network) == 0)
			bridge_learn_uplink(g, a->bridge);
	}
}

static void want_bridges(struct host *h)
{
	const struct policy_guard *p = h->g->policy;
	const struct discovery_link *up, *vpn;
	size_t i;

	for (i = 0; i < GUARD_MAX_BRIDGES && !p->uplink.off; i++) {
		up = bridge_named(h,
				  p->uplink.bridge[0] ? p->uplink.bridge : h->g->uplink_bridge[i]);
		if (up)
			place_want(h->g, LOADER_UPLINK_BRIDGE, false, up->ifindex, up->name);
	}
	vpn = bridge_named(h, p->link.bridge[0] ? p->link.bridge : h->g->vpn_bridge);
	if (vpn && !p->link.off)
		place_want(h->g, LOADER_SEAL_BRIDGE, false, vpn->ifindex, vpn->name);
}

/* ---- ports ---- */
static int kept_mac(unsigned int ifindex, const struct bg_port *port, void *ctx)
{
	static const uint8_t none[6];
	struct place *p = ctx;

	if (ifindex == p->ifindex && port->slot == p->port.slot && port->flags & BG_PORT_VPN &&
	    memcmp(port->mac, none, sizeof(none)) != 0) {
		memcpy(p->port.mac, port->mac, 6);
		p->learnt = true;
	}
	return 0;
}

/* Whose is it, but for `of`? The gateway's by its own namespace's word, a port's by who came first.
 */
static bool is_anothers(const struct guard *g, const struct place *of, const uint8_t mac[6])
{
	size_t i;

	for (i = 0; i < g->n_dev; i++)
		if (g->dev[i].vpn && memcmp(g->dev[i].mac, mac, 6) == 0 &&
		    !(of->port.flags & BG_PORT_GATEWAY))
			return true;
	for (i = 0; i < g->n_places; i++) {
		const struct place *p = &g->place[i];

		if (p != of && p->where == LOADER_SEAL_PORT && p->port.flags & BG_PORT_VPN &&
		    memcmp(p->port.mac, mac, 6) == 0)
			return true;
	}
	return false;
}

void seal_drop_mac(struct guard *g, const struct place *of)
{
	if (of->port.flags & BG_PORT_VPN && !is_anothers(g, of, of->port.mac))
		loader_drop_mac(g->slot, of->port.mac);
}

/* A container that took a MAC before we looked gets a port that nothing passes (link_spoof). */
static void refuse_mac(struct guard *g, struct place *p, struct bg_port *port)
{
	if (!p->taken) {
		say("guard %s: %s: behind it is a MAC that is the gateway's or a peer's: refused",
		    g->policy->name, p->name);
		note(g->mon, "mac_taken", g->policy->name,
		     json_pack("{s:s, s:I}", "device", p->name, "ifindex", (json_int_t)p->ifindex));
	}
	guard_trouble(g,
		      "%s: its container has the MAC of the gateway or of a peer: nothing that "
		      "it sends passes",
		      p->name);
	/* no frame comes from it: a bridge drops those (br_handle_frame(), net/bridge/br_input.c)
	 */
	memset(port->mac, 0, sizeof(port->mac));
	p->learnt = false;
	if (!p->taken && p->attached)
		discovery_port_flush(p->ifindex, false);
	p->taken = true;
}

/*
 * The other end's MAC is final once that end is up: the engine sets it before, and only the
 * container could change it after. Not so the gateway's: who is behind its port is known by its
 * namespace, and what it changes is followed. Written before the program runs.
 */
static void choose_mac(struct host *h, struct place *p, const struct discovery_link *peer,
		       struct bg_port *port)
{
	bool gateway = port->flags & BG_PORT_GATEWAY;

	if (!p->port.flags && !p->ever) {
		p->port.slot = port->slot;
		loader_each_port(kept_mac, p);
	}
	memcpy(port->mac, !peer || (p->learnt && !gateway) ? p->port.mac : peer->mac, 6);
	if (!gateway && port->flags & BG_PORT_VPN && is_anothers(h->g, p, port->mac)) {
		refuse_mac(h->g, p, port);
		return;
	}
	if (p->taken && p->attached)
		discovery_port_flush(p->ifindex, true);
	p->taken = false;
	p->learnt = p->learnt || (peer && peer->up);
}

static void want_port(struct host *h, const struct discovery_link *l,
		      const struct discovery_link *peer, uint32_t flags)
{
	struct place *p = place_want(h->g, LOADER_SEAL_PORT, false, l->ifindex, l->name);
	const struct inside *in = inside_of(h, l);
	struct bg_port port = { .slot = h->g->slot, .flags = flags };

	if (!p)
		return;
	port.cgroup = in ? in->cgroup : p->port.cgroup;
	choose_mac(h, p, peer, &port);
	if (p->attached && !p->stale && memcmp(&port, &p->port, sizeof(port)) == 0)
		return;
	if (memcmp(port.mac, p->port.mac, 6) != 0)
		seal_drop_mac(h->g, p);
	p->port = port;
	p->stale = false;
	if ((flags & BG_PORT_VPN && !p->taken && loader_write_mac(h->g->slot, port.mac, flags)) ||
	    loader_write_port(l->ifindex, &port))
		guard_trouble(h->g, "%s: cannot write its entry", l->name);
}

static void judge_veth(struct host *h, const struct discovery_link *l)
{
	struct guard *g = h->g;
	const struct policy_guard *p = g->policy;
	const struct discovery_link *master = by_index(h, l->master);
	const struct dev *gw = NULL;
	struct discovery_link peer;
	bool have = discovery_link_peer(l, &peer) == 0;
	const char *vpn = p->link.bridge[0] ? p->link.bridge : g->vpn_bridge;

	if (have)
		gw = gateway_dev(g, l, &peer);
	if (gw && master && gw->uplink && !p->uplink.off && !p->uplink.bridge[0])
		place_want(g, LOADER_UPLINK_BRIDGE, false, master->ifindex, master->name);
	if (gw && master && gw->uplink)
		bridge_learn_uplink(g, master->name);
	if (gw && master && gw->vpn && !p->link.bridge[0]) {
		bridge_learn_vpn(g, master->name);
		vpn = master->name;
		if (!p->link.off)
			place_want(g, LOADER_SEAL_BRIDGE, false, master->ifindex, master->name);
	}
	if (p->link.off || p->gateway_interface[0])
		return;
	if (master && strcmp(master->name, vpn) == 0)
		want_port(h, l, have ? &peer : NULL, BG_PORT_VPN | (gw ? BG_PORT_GATEWAY : 0));
	else if (!gw && inside_of(h, l))
		want_port(h, l, have ? &peer : NULL, 0);
}

/* Entries of devices that went away while nobody looked. */
static int sweep(unsigned int ifindex, const struct bg_port *port, void *ctx)
{
	const struct place gone = { .port = *port };
	struct guard *g = ctx;
	size_t i;

	if (port->slot != g->slot)
		return 0;
	for (i = 0; i < g->n_places; i++)
		if (g->place[i].where == LOADER_SEAL_PORT && g->place[i].ifindex == ifindex)
			return 0;
	seal_drop_mac(g, &gone); /* a container made anew may have it */
	return loader_drop_port(ifindex);
}

void seal_look(struct guard *g)
{
	struct host *h = calloc(1, sizeof(*h));
	size_t i;
	int err = -ENOMEM;

	if (h)
		h->link = calloc(MAX_LINKS, sizeof(*h->link));
	if (h && h->link) {
		h->g = g;
		err = discovery_links(-1, on_link, h);
	}
	if (err) {
		guard_trouble(g, "cannot see the host's devices: %s", strerror(-err));
	} else {
		place_begin(g, false);
		ask_docker(g);
		find_inside(h);
		want_bridges(h);
		for (i = 0; i < h->n; i++)
			if (strcmp(h->link[i].kind, "veth") == 0)
				judge_veth(h, &h->link[i]);
		place_settle(g, false);
		if (!g->swept)
			g->swept = loader_each_port(sweep, g) == 0;
	}
	if (h)
		free(h->link);
	free(h);
}

/* ---- names that outlive a reboot: a bridge is guarded before Docker answers ---- */
