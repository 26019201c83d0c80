// SPDX-License-Identifier: GPL-2.0-only
/*
 * What only somebody who watches the gateway can do: the uplink guard, the link seal, the lease.
 * It is on by default where the policy says how to find the gateway, and refused where not.
 */
#include <netinet/in.h>
#include <string.h>

#include "policy/internal.h"

static const char add_gateway[] = "add `gateway.container` or `gateway.netns`, or remove it";

static bool watched(const struct policy_guard *g)
{
	return *g->gateway_container || *g->gateway_netns;
}

static void check_watching(struct parse *c, const struct draft *d)
{
	if (d->pos_container.line && d->pos_netns.line)
		err_add(c, d->pos_netns, "keep one of them",
			"'netns' and 'container' both say where the gateway is");
	if (d->pos_control.line && !d->watch_bad && !watched(d->g))
		err_add(c, d->pos_control, add_gateway,
			"'control' without a gateway whose namespace is known");
}

/* Keys of a part that is off would be settings that nothing follows. */
static void refuse_keys(struct parse *c, const struct policy_pos *pos, const char *const *names,
			size_t n, const char *what, const char *todo)
{
	for (size_t i = 1; i < n; i++) {
		if (pos[i].line)
			err_add(c, pos[i], todo, "'%s' says nothing while the %s is off", names[i],
				what);
	}
}

static void check_far_end(struct parse *c, const struct draft *d, const struct policy_addr *a,
			  const char *what)
{
	char text[POLICY_ADDR_TEXT], net[POLICY_PREFIX_TEXT];
	const struct policy_prefix *in = d->local_bad ? NULL : local_of(d->g, a);
	const char *unfit = addr_unfit(a);

	policy_addr_format(a, text, sizeof(text));
	if (unfit)
		err_add(c, a->pos, "write an address on the Internet", "%s '%s' is %s", what, text,
			unfit);
	else if (in)
		err_add(c, a->pos, "write an address outside of `local`",
			"%s '%s' is inside the local network %s", what, text,
			prefix_format(in, net, sizeof(net)));
}

static void check_outbound(struct parse *c, const struct draft *d, const struct policy_prefix *p)
{
	char text[POLICY_PREFIX_TEXT], net[POLICY_PREFIX_TEXT];

	for (size_t i = 0; i < d->g->n_local; i++) {
		const struct policy_prefix *l = &d->g->local[i];

		if (l->len > p->len || !prefix_contains(l, &p->addr))
			continue;
		err_add(c, p->addr.pos, "remove it: it is not behind the uplink",
			"outbound network '%s' is inside the local network %s",
			prefix_format(p, text, sizeof(text)), prefix_format(l, net, sizeof(net)));
		return;
	}
}

static void check_uplink_keys(struct parse *c, const struct draft *d)
{
	const struct policy_guard *g = d->g;
	const struct policy_uplink *up = &g->uplink;

	if (*up->network && !d->watch_bad && !*g->gateway_container)
		err_add(c, d->pos_uplink[UPLINK_NETWORK], "write `bridge:` with the host's device",
			"'network' without 'gateway.container': Docker is not asked");
	if (*up->interface && !strcmp(up->interface, g->gateway_interface))
		err_add(c, d->pos_uplink[UPLINK_INTERFACE], "write the device below the tunnel",
			"uplink interface %s is the tunnel itself", QUOTE(up->interface));
	for (size_t i = 0; i < up->n_endpoints; i++)
		check_far_end(c, d, &up->endpoint[i].addr, "endpoint");
	for (size_t i = 0; i < up->n_outbound; i++)
		check_outbound(c, d, &up->outbound[i]);
}

static void check_uplink(struct parse *c, struct draft *d)
{
	static const char *const names[UPLINK_KEYS] = { "guard",  "interface", "network",
							"bridge", "endpoints", "outbound" };
	struct policy_uplink *up = &d->g->uplink;
	bool can = watched(d->g) || d->watch_bad;

	up->endpoints_auto = !up->n_endpoints;
	up->off = d->guard == SAID_OFF || (d->guard == SAID_NOTHING && !can);
	if (d->guard == SAID_ON && !can)
		err_add(c, d->pos_uplink[UPLINK_GUARD], add_gateway,
			"the uplink guard needs to know whose uplink");
	if (up->off)
		refuse_keys(c, d->pos_uplink, names, UPLINK_KEYS, "uplink guard",
			    can ? "remove it, or write `guard: on`" : add_gateway);
	check_uplink_keys(c, d);
}

static void check_link(struct parse *c, struct draft *d)
{
	static const char *const names[LINK_KEYS] = { "seal", "network", "bridge" };
	static const char add_address[] = "add `gateway.address`, or remove it";
	const struct policy_guard *g = d->g;
	struct policy_link *l = &d->g->link;
	bool can = watched(g) || d->watch_bad, net = g->n_gateway || d->gateway_bad;

	l->off = d->seal == SAID_OFF || (d->seal == SAID_NOTHING && !(can && net));
	if (d->seal == SAID_ON && !can)
		err_add(c, d->pos_link[LINK_SEAL], add_gateway,
			"the link seal needs to know whose network");
	else if (d->seal == SAID_ON && !net)
		err_add(c, d->pos_link[LINK_SEAL], add_address,
			"there is no VPN network to seal without the gateway's address on it");
	if (l->off)
		refuse_keys(c, d->pos_link, names, LINK_KEYS, "link seal",
			    !can   ? add_gateway
			    : !net ? add_address
				   : "remove it, or write `seal: on`");
	if (*l->network && !d->watch_bad && !*g->gateway_container && !l->off)
		err_add(c, d->pos_link[LINK_NETWORK], "write `bridge:` with the host's device",
			"'network' without 'gateway.container': Docker is not asked");
}

/* One device cannot be both sides of the gateway. */
static void check_sides(struct parse *c, const struct draft *d)
{
	const struct policy_uplink *up = &d->g->uplink;
	const struct policy_link *l = &d->g->link;

	if (l->off || up->off)
		return;
	if (*l->bridge && !strcmp(l->bridge, up->bridge))
		err_add(c, d->pos_link[LINK_BRIDGE], "write the bridge of the VPN network",
			"link and uplink have the same bridge %s", QUOTE(l->bridge));
	if (*l->network && !strcmp(l->network, up->network))
		err_add(c, d->pos_link[LINK_NETWORK], "write the VPN network",
			"link and uplink have the same network %s", QUOTE(l->network));
}

/* Those of the default targets that the tunnel leads to. */
static void default_targets(const struct draft *d)
{
	static const uint8_t known[][4] = { { 1, 1, 1, 1 }, { 8, 8, 8, 8 } };
	struct policy_probe *p = &d->g->probe;

	for (size_t i = 0; i < POLICY_COUNT(known); i++) {
		struct policy_addr a = { .family = 4 };

		memcpy(a.bytes, known[i], sizeof(known[i]));
		if (local_of(d->g, &a))
			continue;
		if (!d->icmp_given)
			p->icmp[p->n_icmp++] = a;
		if (!d->tcp_given)
			p->tcp[p->n_tcp++] = (struct policy_endpoint){ a, 443, IPPROTO_TCP };
	}
}

/* One lost probe must do nothing: at least two of them fit into a lease. */
static void check_every(struct parse *c, const struct draft *d)
{
	const struct policy_guard *g = d->g;
	char every[POLICY_DURATION_TEXT], lease[POLICY_DURATION_TEXT];

	if (d->every_bad || d->lease_bad || !g->lease_ms || g->probe.every_ms <= g->lease_ms / 2)
		return;
	err_add(c, d->pos_every, "write a time from 200ms to half the lease, such as 1s",
		"every '%s' is longer than half the lease of %s",
		duration_format(g->probe.every_ms, every, sizeof(every)),
		duration_format(g->lease_ms, lease, sizeof(lease)));
}

static void check_probe(struct parse *c, const struct draft *d)
{
	struct policy_guard *g = d->g;
	struct policy_probe *p = &g->probe;

	if (!g->lease_ms && !p->given)
		return;
	default_targets(d);
	if (!d->pos_every.line)
		p->every_ms = g->lease_ms && g->lease_ms < 2 * POLICY_EVERY_MS ? g->lease_ms / 2
									       : POLICY_EVERY_MS;
	check_every(c, d);
	for (size_t i = 0; i < p->n_icmp; i++)
		check_far_end(c, d, &p->icmp[i], "icmp target");
	for (size_t i = 0; i < p->n_tcp; i++)
		check_far_end(c, d, &p->tcp[i].addr, "tcp target");
	if (g->lease_ms && !p->n_icmp && !p->n_tcp && !d->targets_bad)
		err_add(c,
			p->given	      ? d->pos_probe
			: g->pos_gateway.line ? g->pos_gateway
					      : g->pos_lease,
			"add `kill_switch: {probe: {icmp: [ADDRESS]}}` with an address outside of "
			"`local`",
			"a lease without a probe target: a silent tunnel could not be proved");
}

static void check_kill_switch(struct parse *c, struct draft *d)
{
	struct policy_guard *g = d->g;
	bool can = watched(g) || d->watch_bad;

	if (!g->lease_given && !d->lease_bad)
		g->lease_ms = watched(g) ? POLICY_LEASE_MS : 0;
	if (g->lease_ms && !can)
		err_add(c, g->pos_lease,
			"add `gateway.container` or `gateway.netns`, or write `lease: off`",
			"a lease that nobody could renew: it is not known where the gateway is");
	if (d->pos_probe.line && !can)
		err_add(c, d->pos_probe, add_gateway,
			"'probe' without a gateway whose namespace is known");
	if (g->on_down == POLICY_ON_DOWN_STOP && !d->watch_bad && !*g->gateway_container)
		err_add(c, d->pos_stop, "add `gateway.container`, or write deny",
			"'on_down: stop' stops containers of Docker, and the gateway is none");
	else if (g->on_down == POLICY_ON_DOWN_STOP && !g->lease_ms && !d->lease_bad)
		err_add(c, d->pos_stop, "give a lease, such as `lease: 5s`, or write deny",
			"'on_down: stop' without a lease");
	if (can)
		check_probe(c, d);
}

void check_watch(struct parse *c, struct draft *d)
{
	check_watching(c, d);
	check_uplink(c, d);
	check_link(c, d);
	check_sides(c, d);
	check_kill_switch(c, d);
}
