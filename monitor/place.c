// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where programs have to hang. A look says which devices are wanted; what is new is hung up, what
 * is no longer wanted is taken down, and what cannot be hung up keeps the lease closed.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "monitor/internal.h"

static struct place *find(struct guard *g, enum loader_place where, bool inside,
			  unsigned int ifindex)
{
	size_t i;

	for (i = 0; i < g->n_places; i++) {
		struct place *p = &g->place[i];

		if (p->where == where && p->inside == inside && p->ifindex == ifindex)
			return p;
	}
	return NULL;
}

static void drop(struct guard *g, struct place *p)
{
	if (p->where == LOADER_SEAL_PORT) {
		loader_drop_port(p->ifindex);
		seal_drop_mac(g, p);
	}
	*p = g->place[--g->n_places];
	g->mon->state_due = true;
}

void place_begin(struct guard *g, bool inside)
{
	size_t i;

	for (i = 0; i < g->n_places; i++)
		if (g->place[i].inside == inside)
			g->place[i].wanted = false;
}

void place_stale(struct guard *g)
{
	size_t i;

	for (i = 0; i < g->n_places; i++)
		g->place[i].stale = true;
	g->look = true;
}

/* A device that is gone took its program along; its index may be another's soon. */
void place_forget(struct guard *g, unsigned int ifindex, bool inside)
{
	size_t i;

	for (i = g->n_places; i-- > 0;)
		if (g->place[i].inside == inside && g->place[i].ifindex == ifindex)
			drop(g, &g->place[i]);
}

/* -ENODEV: the device went away meanwhile. */
static int hang_up(struct guard *g, struct place *p)
{
	struct loader_error err = { 0 };
	int ret = loader_place_attach(g->slot, p->where, p->inside ? g->gw.netns : -1, p->ifindex,
				      &err);

	if (ret) {
		if (ret == -EBUSY) /* a load is at it */
			g->retry_ns = base_now_ns(CLOCK_BOOTTIME) + 200 * MS_NS;
		snprintf(p->why, sizeof(p->why), "%s on %s: %.100s", loader_place_name(p->where),
			 p->name, err.why[0] ? err.why : strerror(-ret));
		return ret;
	}
	p->attached = true;
	p->why[0] = 0;
	/* what it claimed before anybody judged it must not draw others' frames (seal.c) */
	if (p->where == LOADER_SEAL_PORT && !p->ever && !(p->port.flags & BG_PORT_GATEWAY))
		discovery_port_flush(p->ifindex, !p->taken);
	if (!p->ever)
		say("guard %s: %s on %s", g->policy->name, loader_place_name(p->where), p->name);
	note(g->mon, p->ever ? "reattached" : "attached", g->policy->name,
	     json_pack("{s:s, s:s, s:I, s:b}", "program", loader_place_name(p->where), "device",
		       p->name, "ifindex", (json_int_t)p->ifindex, "in_gateway",
		       p->inside ? 1 : 0));
	p->ever = true;
	return 0;
}

struct place *place_want(struct guard *g, enum loader_place where, bool inside,
			 unsigned int ifindex, const char *name)
{
	struct place *p = find(g, where, inside, ifindex);

	if (!p) {
		if (g->n_places == GUARD_MAX_PLACES) {
			guard_trouble(g, "more than %d devices to guard", GUARD_MAX_PLACES);
			return NULL;
		}
		p = &g->place[g->n_places++];
		*p = (struct place){ .where = where, .inside = inside, .ifindex = ifindex };
		g->mon->state_due = true;
	}
	snprintf(p->name, sizeof(p->name), "%s", name);
	p->wanted = true;
	return p;
}

/* Entries of a port are written before its program runs: see seal.c. */
void place_settle(struct guard *g, bool inside)
{
	size_t i;

	for (i = g->n_places; i-- > 0;) {
		struct place *p = &g->place[i];

		if (p->inside != inside)
			continue;
		if (p->wanted) {
			if (!p->attached && hang_up(g, p) == -ENODEV) {
				drop(g, p);
				continue;
			}
			if (p->why[0])
				guard_trouble(g, "%s", p->why);
			continue;
		}
		if (p->attached && (!inside || g->gw.netns >= 0)) {
			struct loader_error err = { 0 };

			loader_place_detach(g->slot, p->where, inside ? g->gw.netns : -1,
					    p->ifindex, &err);
		}
		drop(g, p);
	}
}

/* Is each program still where it was hung up? Asks the kernel. */
bool place_check(struct guard *g)
{
	bool all = true;
	size_t i;

	for (i = g->n_places; i-- > 0;) {
		struct place *p = &g->place[i];
		int ret;

		if (!p->attached)
			continue;
		ret = loader_place_check(g->slot, p->where, p->inside ? g->gw.netns : -1,
					 p->ifindex);
		if (ret == 1)
			continue;
		if (ret == -ENODEV) {
			drop(g, p);
			all = false;
			continue;
		}
		p->attached = false;
		all = false;
		g->decide = true;
		snprintf(p->why, sizeof(p->why), "%s is missing on %s", loader_place_name(p->where),
			 p->name);
		say("guard %s: %s", g->policy->name, p->why);
		note(g->mon, "missing", g->policy->name,
		     json_pack("{s:s, s:s, s:I}", "program", loader_place_name(p->where), "device",
			       p->name, "ifindex", (json_int_t)p->ifindex));
	}
	return all;
}

static bool has(const struct guard *g, enum loader_place where)
{
	size_t i;

	for (i = 0; i < g->n_places; i++) {
		const struct place *p = &g->place[i];

		if (p->where == where && p->attached && (where != LOADER_UPLINK || p->way_out))
			return true;
	}
	return false;
}

/* Everything that the policy wants hangs; else what is missing first. */
bool place_all(const struct guard *g, char *why, size_t size)
{
	const struct policy_guard *p = g->policy;
	const char *missing = NULL;
	size_t i;

	for (i = 0; i < g->n_places && !missing; i++)
		if (g->place[i].wanted && !g->place[i].attached)
			missing = g->place[i].why[0] ? g->place[i].why : "a program";
	if (!missing && g->mon->tamper.wounded[0])
		missing = g->mon->tamper.wounded;
	if (!missing && !p->uplink.off && !has(g, LOADER_UPLINK))
		missing = "no uplink of the gateway was found (uplink.interface)";
	if (!missing && !p->uplink.off && !has(g, LOADER_UPLINK_BRIDGE))
		missing = "the uplink network's bridge was not found (uplink.bridge)";
	if (!missing && !p->uplink.off && g->stray[0]) {
		if (why)
			snprintf(why, size,
				 "%s has a way out and cannot be guarded "
				 "(uplink.interface: auto)",
				 g->stray);
		return false;
	}
	if (!missing && !p->uplink.off && !g->uplink_written)
		missing = "the uplink guard's list could not be written";
	if (!missing && !p->link.off && !p->gateway_interface[0] && !has(g, LOADER_SEAL_BRIDGE))
		missing = "the VPN network's bridge was not found (link.bridge)";
	if (missing && why)
		snprintf(why, size, "%s", missing);
	return !missing;
}
