// SPDX-License-Identifier: GPL-2.0-only
/*
 * The gateway's devices: which are tunnels, which are uplinks, which is on the VPN network; and the
 * list of where its own packets may go.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <string.h>

#include "monitor/internal.h"

#define WIDEST 8 /* an on-link route shorter than this is no network of the link */

bool prefix_covers(const uint8_t *net, unsigned int len, const uint8_t *addr)
{
	unsigned int bytes = len / 8, bits = len % 8;

	if (memcmp(net, addr, bytes) != 0)
		return false;
	return !bits || !((net[bytes] ^ addr[bytes]) & (0xff << (8 - bits)));
}

struct view {
	struct guard *g;
	uint64_t now_ns;
	bool candidate[GUARD_MAX_DEVS]; /* has a route through somebody */
};

static bool is_tunnel(const struct guard *g, const struct discovery_link *l)
{
	if (g->policy->gateway_interface[0])
		return strcmp(l->name, g->policy->gateway_interface) == 0;
	return strcmp(l->kind, "wireguard") == 0 || strcmp(l->kind, "tun") == 0 ||
	       l->type == ARPHRD_NONE;
}

static int on_link(const struct discovery_link *l, void *ctx)
{
	struct view *v = ctx;
	struct guard *g = v->g;
	struct dev *d;

	if (is_tunnel(g, l)) {
		if (l->up)
			tunnel_found(g, l, v->now_ns);
		return 0;
	}
	if (l->type == ARPHRD_LOOPBACK || !l->up)
		return 0;
	if (g->n_dev == GUARD_MAX_DEVS) {
		guard_trouble(g, "the gateway has more than %d devices", GUARD_MAX_DEVS);
		return 0;
	}
	d = &g->dev[g->n_dev++];
	*d = (struct dev){ .ifindex = l->ifindex,
			   .peer = l->peer,
			   .ether = l->type == ARPHRD_ETHER,
			   .plain = !l->master && strcmp(l->kind, "bridge") != 0 };
	memcpy(d->mac, l->mac, sizeof(d->mac));
	snprintf(d->name, sizeof(d->name), "%s", l->name);
	return 0;
}

static struct dev *dev_of(struct guard *g, unsigned int ifindex)
{
	size_t i;

	for (i = 0; i < g->n_dev; i++)
		if (g->dev[i].ifindex == ifindex)
			return &g->dev[i];
	return NULL;
}

static bool is_local(const struct policy_guard *p, const struct discovery_net_route *r)
{
	size_t i;

	for (i = 0; i < p->n_local; i++) {
		const struct policy_prefix *l = &p->local[i];

		if (l->addr.family != r->family)
			continue;
		if (prefix_covers(l->addr.bytes, l->len < r->dst_len ? l->len : r->dst_len, r->dst))
			return true;
	}
	return false;
}

static int on_route(const struct discovery_net_route *r, void *ctx)
{
	struct view *v = ctx;
	struct dev *d = dev_of(v->g, r->oif);

	if (!d)
		return 0;
	if (r->gatewayed || r->dst_len == 0)
		v->candidate[d - v->g->dev] = true;
	else if (!v->g->policy->gateway_interface[0] && is_local(v->g->policy, r))
		d->vpn = true;
	return 0;
}

static void add_onlink(struct guard *g, unsigned int family, const uint8_t *addr, unsigned int len)
{
	struct bg_outbound o = { .family = family };
	unsigned int i;

	for (i = 0; i < (family == 4 ? 4 : 16); i++) {
		unsigned int bits = len > 8 * i ? len - 8 * i : 0;
		uint8_t mask = bits >= 8 ? 0xff : (uint8_t)(0xff << (8 - bits));

		((uint8_t *)o.mask)[i] = mask;
		((uint8_t *)o.addr)[i] = addr[i] & mask;
	}
	for (i = 0; i < g->n_onlink; i++)
		if (memcmp(&g->onlink[i], &o, sizeof(o)) == 0)
			return;
	if (g->n_onlink == BG_MAX_OUTBOUND)
		guard_trouble(g, "more than %d networks on the uplink", BG_MAX_OUTBOUND);
	else
		g->onlink[g->n_onlink++] = o;
}

static int on_onlink(const struct discovery_net_route *r, void *ctx)
{
	struct guard *g = ctx;
	struct dev *d = dev_of(g, r->oif);

	if (d && d->guarded && !r->gatewayed && r->dst_len >= WIDEST)
		add_onlink(g, r->family, r->dst, r->dst_len);
	return 0;
}

static bool had_uplink(const struct guard *g, unsigned int ifindex)
{
	size_t i;

	for (i = 0; i < g->n_places; i++)
		if (g->place[i].where == LOADER_UPLINK && g->place[i].ifindex == ifindex)
			return g->place[i].way_out;
	return false;
}

/*
 * Once an uplink, always: a route that is gone for a moment must not take the program away. What
 * may become one is guarded before it has a route; on a machine that is a gateway itself, bridges
 * and what is in them belong to others.
 */
static void choose_uplinks(struct guard *g, const struct view *v)
{
	const char *named = g->policy->uplink.interface;
	size_t i;

	g->stray[0] = 0;
	for (i = 0; i < g->n_dev; i++) {
		struct dev *d = &g->dev[i];
		bool out = !d->vpn && (v->candidate[i] || had_uplink(g, d->ifindex));

		d->uplink = d->ether && (named[0] ? strcmp(d->name, named) == 0 : out);
		d->guarded = d->uplink || (d->ether && d->plain && !d->vpn && !named[0]);
		if (out && !d->uplink && !g->policy->gateway_interface[0])
			memcpy(g->stray, d->name, sizeof(g->stray));
	}
}

static void want_uplink(struct guard *g, const struct dev *d)
{
	struct place *p = place_want(g, LOADER_UPLINK, true, d->ifindex, d->name);

	if (p)
		p->way_out = p->way_out || d->uplink;
}

void uplink_look(struct guard *g, uint64_t now_ns)
{
	struct view v = { .g = g, .now_ns = now_ns };
	size_t i;
	int err;

	place_begin(g, true);
	g->n_dev = g->n_onlink = 0;
	if (!gateway_there(g))
		return;
	err = discovery_links(g->gw.netns, on_link, &v);
	if (!err)
		err = discovery_routes(g->gw.netns, on_route, &v);
	if (err)
		guard_trouble(g, "cannot see the gateway's devices: %s", strerror(-err));
	choose_uplinks(g, &v);
	if (!err)
		discovery_routes(g->gw.netns, on_onlink, g);
	for (i = 0; i < g->n_places; i++) /* an answer that failed takes nothing down */
		if (err && g->place[i].inside)
			g->place[i].wanted = true;
	for (i = 0; i < g->n_dev && !g->policy->uplink.off; i++)
		if (g->dev[i].guarded)
			want_uplink(g, &g->dev[i]);
	if (g->stray[0] && !g->policy->uplink.off)
		guard_trouble(g,
			      "%s of the gateway has a way out and cannot be guarded "
			      "(uplink.interface: auto)",
			      g->stray);
	place_settle(g, true);
	if (!g->n_tun)
		guard_trouble(g, "the gateway has no tunnel device%s%s yet",
			      g->policy->gateway_interface[0] ? " " : "",
			      g->policy->gateway_interface);
	tunnel_read_soon(g, now_ns);
}

/* ---- the list ---- */
static void put_endpoint(struct bg_uplink *u, const struct discovery_endpoint *e)
{
	struct bg_endpoint *b;

	if (u->n_endpoints == BG_MAX_ENDPOINTS)
		return;
	b = &u->endpoint[u->n_endpoints++];
	b->family = e->family;
	b->proto = e->proto;
	b->port = e->port;
	memcpy(b->addr, e->addr, e->family == 4 ? 4 : 16);
}

const char *endpoint_text(const struct discovery_endpoint *e, char *buf, size_t size)
{
	char a[INET6_ADDRSTRLEN];

	inet_ntop(e->family == 4 ? AF_INET : AF_INET6, e->addr, a, sizeof(a));
	snprintf(buf, size, e->family == 4 ? "%s:%u/%s" : "[%s]:%u/%s", a, e->port,
		 e->proto == IPPROTO_TCP ? "tcp" : "udp");
	return buf;
}

/* Those of the policy, else of every tunnel; while none is known, those that were known last. */
static void choose_endpoints(struct guard *g)
{
	const struct policy_uplink *up = &g->policy->uplink;
	struct discovery_endpoint e[DISCOVERY_MAX_ENDPOINTS];
	size_t n = 0, i, k;

	memset(e, 0, sizeof(e));
	for (i = 0; i < up->n_endpoints && n < ARRAY_SIZE(e); i++) {
		e[n].family = up->endpoint[i].addr.family;
		e[n].proto = up->endpoint[i].proto;
		e[n].port = up->endpoint[i].port;
		memcpy(e[n].addr, up->endpoint[i].addr.bytes, 16);
		snprintf(e[n++].source, sizeof(e[0].source), "policy");
	}
	for (i = 0; i < g->n_tun && !up->n_endpoints; i++)
		for (k = 0; k < g->tun[i].last.n_endpoints && n < ARRAY_SIZE(e); k++)
			e[n++] = g->tun[i].last.endpoint[k];
	for (k = 0; k < g->ahead.n_endpoints && !g->n_tun && !up->n_endpoints && n < ARRAY_SIZE(e);
	     k++)
		e[n++] = g->ahead.endpoint[k];
	if (!n)
		return;
	memcpy(g->endpoint, e, sizeof(e));
	g->n_endpoints = n;
}

json_t *endpoints_json(const struct guard *g)
{
	json_t *a = json_array();
	char text[80];
	size_t i;

	for (i = 0; i < g->n_endpoints; i++)
		json_array_append_new(a,
				      json_pack("{s:s, s:s}", "endpoint",
						endpoint_text(&g->endpoint[i], text, sizeof(text)),
						"source", g->endpoint[i].source));
	return a;
}

void uplink_write(struct guard *g)
{
	struct bg_uplink u;
	bool changed;
	size_t i;
	int err;

	if (g->policy->uplink.off)
		return;
	memset(&u, 0, sizeof(u));
	choose_endpoints(g);
	for (i = 0; i < g->n_endpoints; i++)
		put_endpoint(&u, &g->endpoint[i]);
	for (i = 0; i < g->policy->uplink.n_outbound; i++) {
		const struct policy_prefix *p = &g->policy->uplink.outbound[i];

		add_onlink(g, p->addr.family, p->addr.bytes, p->len);
	}
	memcpy(u.outbound, g->onlink, g->n_onlink * sizeof(g->onlink[0]));
	u.n_outbound = (uint32_t)g->n_onlink;
	if (g->uplink_written && memcmp(&u, &g->uplink, sizeof(u)) == 0)
		return;
	changed = memcmp(u.endpoint, g->uplink.endpoint, sizeof(u.endpoint)) != 0;
	err = loader_write_uplink(g->slot, &u);
	if (err) {
		say("guard %s: cannot write the uplink's list: %s", g->policy->name,
		    strerror(-err));
		g->uplink_written = false;
		return;
	}
	g->uplink = u;
	g->uplink_written = true;
	g->decide = g->mon->state_due = true;
	if (changed) {
		char text[80] = "none";

		if (g->n_endpoints)
			endpoint_text(&g->endpoint[0], text, sizeof(text));
		say("guard %s: tunnel endpoint %s", g->policy->name, text);
		note(g->mon, "endpoints", g->policy->name,
		     json_pack("{s:o}", "endpoints", endpoints_json(g)));
	}
}

/* What an earlier monitor wrote stays until something else is known: a restart makes no gap. */
void uplink_recall(struct guard *g)
{
	struct bg_uplink u;
	size_t i;

	if (loader_read_uplink(g->slot, &u) || u.n_endpoints > ARRAY_SIZE(g->endpoint))
		return;
	for (i = 0; i < u.n_endpoints; i++) {
		struct discovery_endpoint *e = &g->endpoint[i];

		e->family = u.endpoint[i].family;
		e->proto = u.endpoint[i].proto;
		e->port = u.endpoint[i].port;
		memcpy(e->addr, u.endpoint[i].addr, sizeof(e->addr));
		snprintf(e->source, sizeof(e->source), "an earlier monitor");
	}
	g->n_endpoints = u.n_endpoints;
	g->uplink = u;
}
