// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which guards there are: those of the generation in the kernel, with what the policy in force says
 * of each. Looked at again when the generation changes or SIGHUP asks for it.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "monitor/internal.h"

#define HALF_WAY_NS (2 * SECOND_NS) /* who holds the lock for longer holds up nothing */

void config_drop(struct monitor *mon)
{
	size_t i;

	for (i = 0; i < mon->n_guards; i++)
		guard_free(mon->guard[i]);
	mon->n_guards = 0;
	policy_free(mon->policy);
	mon->policy = NULL;
}

static const struct policy_guard *policy_of(const struct policy *p, const char *name)
{
	size_t i;

	for (i = 0; i < p->n_guards; i++)
		if (strcmp(p->guards[i].name, name) == 0)
			return &p->guards[i];
	return NULL;
}

static void trouble(struct monitor *mon, const char *what)
{
	if (strcmp(mon->load_trouble, what) != 0) {
		snprintf(mon->load_trouble, sizeof(mon->load_trouble), "%s", what);
		if (*what)
			say("%s", what);
		mon->state_due = true;
	}
}

/* What a monitor finds that was not there when it was taken away; one that was mends it. */
static const char *nothing_loaded(void)
{
	return loader_watch_wanted() ? "what was loaded is gone, and nobody unloaded: run bpfguard "
				       "load"
				     : "nothing is loaded: waiting for bpfguard load";
}

/* A guard that only continues keeps what it knows: no gap, nothing hung up twice. */
static struct guard *keep(struct guard **old, size_t n, unsigned int slot, const char *name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (old[i] && old[i]->slot == slot && strcmp(old[i]->policy->name, name) == 0) {
			struct guard *g = old[i];

			old[i] = NULL;
			return g;
		}
	return NULL;
}

static bool same_policy(const struct policy_guard *a, const struct policy_guard *b)
{
	return a->lease_ms == b->lease_ms && a->mode == b->mode &&
	       strcmp(a->gateway_container, b->gateway_container) == 0 &&
	       strcmp(a->gateway_netns, b->gateway_netns) == 0 &&
	       strcmp(a->gateway_interface, b->gateway_interface) == 0;
}

static void take_over(struct monitor *mon, const struct loader_image *img, struct policy *p)
{
	struct guard *old[BG_MAX_GUARDS];
	size_t n_old = mon->n_guards, i;
	struct policy *old_policy = mon->policy;
	unsigned int slot;

	memcpy(old, mon->guard, sizeof(old));
	mon->n_guards = 0;
	mon->policy = p;
	for (slot = 0; slot < BG_MAX_GUARDS; slot++) {
		const struct bg_guard *k = &img->guard[slot];
		const struct policy_guard *pg = k->generation ? policy_of(p, k->name) : NULL;
		struct guard *g;

		if (!pg)
			continue;
		g = keep(old, n_old, slot, k->name);
		if (g && !same_policy(g->policy, pg)) {
			guard_free(g);
			g = NULL;
		}
		if (g) {
			g->policy = pg;
			/* the maps may be new ones */
			g->uplink_written = g->lease_written = false;
			place_stale(g);
			g->look = true;
		} else {
			g = guard_new(mon, slot, pg);
		}
		if (g)
			mon->guard[mon->n_guards++] = g;
	}
	for (i = 0; i < n_old; i++)
		guard_free(old[i]);
	policy_free(old_policy);
}

/* A load gives the policy's text its name a moment after the kernel has it. */
static bool half_way(struct monitor *mon)
{
	uint64_t now = base_now_ns(CLOCK_BOOTTIME);

	if (!loader_busy())
		return false;
	if (!mon->half_way_ns)
		mon->half_way_ns = now;
	return now - mon->half_way_ns < HALF_WAY_NS;
}

static void read_all(struct monitor *mon)
{
	struct loader_error lerr = { 0 };
	struct loader_image img;
	struct policy *p = NULL;
	char text[256];
	int err = loader_read_image(&img, &lerr);

	if (err) {
		trouble(mon, nothing_loaded());
		config_drop(mon);
		mon->generation = 0;
		return;
	}
	err = loader_read_policy(&p, &lerr);
	if (err && mon->policy && half_way(mon)) {
		mon->reload = true;
	} else if (err) {
		/* nobody renews a lease of a policy that is not the one in force */
		snprintf(text, sizeof(text),
			 "no lease is renewed: %.100s: %.80s (run bpfguard load again)", lerr.what,
			 lerr.why);
		trouble(mon, text);
		config_drop(mon);
		mon->half_way_ns = 0;
		mon->reload = true; /* at the next look again */
	} else {
		trouble(mon, "");
		mon->half_way_ns = 0;
		take_over(mon, &img, p);
		note(mon, "policy", NULL,
		     json_pack("{s:I, s:I}", "generation", (json_int_t)mon->generation, "guards",
			       (json_int_t)mon->n_guards));
	}
	loader_image_free(&img);
	mon->state_due = true;
	if (!err)
		tamper_renew(mon);
}

void config_refresh(struct monitor *mon)
{
	bool reload = mon->reload;
	uint32_t generation = 0;

	if (loader_generation(&generation))
		generation = 0;
	if (!generation && tamper_keeps(mon)) /* not unloaded: tamper.c is at it */
		return;
	if (generation == mon->generation && !reload && (generation || !mon->n_guards)) {
		if (!generation)
			trouble(mon, nothing_loaded());
		return;
	}
	mon->generation = generation;
	mon->reload = false;
	read_all(mon);
}
