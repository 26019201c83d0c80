// SPDX-License-Identifier: GPL-2.0-only
/* `kill_switch:` of a guard: the lease, and how the tunnel is asked whether it lives. */
#include <netinet/in.h>
#include <string.h>

#include "policy/internal.h"

static void read_lease(struct parse *c, const struct node *key, const struct node *val, void *obj)
{
	static const char todo[] = "write `off`, or a time from 1s to 1h, such as 5s";
	const char *text = map_scalar(c, val, "lease", todo);
	struct draft *d = obj;
	uint64_t ms;

	d->g->pos_lease = key->pos;
	d->g->lease_given = true;
	d->lease_bad = true;
	if (!text)
		return;
	if (duration_parse(text, &ms)) {
		err_add(c, val->pos, todo, "lease %s is not a time", QUOTE(text));
	} else if (ms && (ms < POLICY_LEASE_MIN_MS || ms > POLICY_LEASE_MAX_MS)) {
		err_add(c, val->pos, todo, "lease %s is out of range", QUOTE(text));
	} else {
		d->g->lease_ms = ms;
		d->lease_bad = false;
	}
}

static void read_on_down(struct parse *c, const struct node *key, const struct node *val, void *obj)
{
	int i = map_word(c, val, "on_down", policy_on_down_words,
			 POLICY_COUNT(policy_on_down_words));
	struct draft *d = obj;

	(void)key;
	if (i < 0)
		return;
	d->g->on_down = (enum policy_on_down)i;
	d->pos_stop = val->pos;
}

static void read_icmp(struct parse *c, const struct node *key, const struct node *val, void *obj)
{
	struct draft *d = obj;
	struct policy_probe *p = &d->g->probe;

	(void)key;
	d->icmp_given = true;
	for (const struct node *n = map_first(val); n; n = map_next(val, n)) {
		if (p->n_icmp == POLICY_MAX_PROBES) {
			err_add(c, n->pos, "remove some", "more than %d icmp targets",
				POLICY_MAX_PROBES);
			return;
		}
		if (!address_read(c, n, "icmp target", p->icmp, &p->n_icmp, POLICY_MAX_PROBES))
			d->targets_bad = true;
	}
}

static const struct endpoint_kind tcp_target = {
	.what = "tcp target",
	.todo = "write ADDRESS:PORT, such as 1.1.1.1:443",
	.name_todo = "write the address: a name would have to be asked for first",
	.proto = IPPROTO_TCP,
	.max = POLICY_MAX_PROBES,
};

static void read_tcp(struct parse *c, const struct node *key, const struct node *val, void *obj)
{
	struct draft *d = obj;
	struct policy_probe *p = &d->g->probe;

	(void)key;
	d->tcp_given = true;
	if (!endpoints_read(c, val, &tcp_target, p->tcp, &p->n_tcp))
		d->targets_bad = true;
}

static void read_every(struct parse *c, const struct node *key, const struct node *val, void *obj)
{
	static const char todo[] = "write a time from 200ms to half the lease, such as 1s";
	const char *text = map_scalar(c, val, "every", todo);
	struct draft *d = obj;
	uint64_t ms = 0;

	(void)key;
	d->pos_every = val->pos;
	d->every_bad = true;
	if (!text)
		return;
	if (duration_parse(text, &ms) || !ms) {
		err_add(c, val->pos, todo, "every %s is not a time", QUOTE(text));
	} else if (ms < POLICY_EVERY_MIN_MS || ms > POLICY_LEASE_MAX_MS / 2) {
		err_add(c, val->pos, todo, "every %s is out of range", QUOTE(text));
	} else {
		d->g->probe.every_ms = ms;
		d->every_bad = false;
	}
}

static const struct key probe_keys[] = {
	{ .name = "icmp", .read = read_icmp },
	{ .name = "tcp", .read = read_tcp },
	{ .name = "every", .read = read_every },
};

static void read_probe(struct parse *c, const struct node *key, const struct node *val, void *obj)
{
	struct draft *d = obj;

	d->pos_probe = key->pos;
	d->g->probe.given = true;
	if (map_walk(c, val, "probe", probe_keys, POLICY_COUNT(probe_keys), d))
		d->targets_bad = d->every_bad = true;
}

static const struct key kill_switch_keys[] = {
	{ .name = "lease", .read = read_lease },
	{ .name = "on_down", .read = read_on_down },
	{ .name = "probe", .read = read_probe },
};

void kill_switch_read(struct parse *c, const struct node *key, const struct node *val, void *draft)
{
	struct draft *d = draft;

	(void)key;
	if (map_walk(c, val, "kill_switch", kill_switch_keys, POLICY_COUNT(kill_switch_keys), d) &
	    1)
		d->lease_bad = true;
}
