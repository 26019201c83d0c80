/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Order and losses.
 */
#include <string.h>

#include "base/base.h"
#include "events/order.h"

void events_order_init(struct events_order *o, uint64_t next, events_emit_fn emit, void *ctx)
{
	*o = (struct events_order){ .next = next, .emit = emit, .ctx = ctx };
}

static void emit_due(struct events_order *o, struct events_record *r)
{
	r->lost = r->seq - o->next;
	o->lost += r->lost;
	o->next = r->seq + 1;
	o->emit(r, o->ctx);
}

/* The first that waits, and those that follow it without a gap. */
static void release(struct events_order *o, uint64_t now_ns)
{
	size_t k = 0;

	do {
		emit_due(o, o->held[k]);
		free(o->held[k++]);
	} while (k < o->n && o->held[k]->seq == o->next);
	o->n -= k;
	memmove(o->held, o->held + k, o->n * sizeof(o->held[0]));
	o->held_since_ns = now_ns;
}

/* False: it cannot wait (no memory), or it is there already. */
static bool hold(struct events_order *o, const struct events_record *r, uint64_t now_ns)
{
	struct events_record *copy;
	size_t at = o->n;

	while (at > 0 && o->held[at - 1]->seq > r->seq)
		at--;
	if (at > 0 && o->held[at - 1]->seq == r->seq)
		return false;
	copy = malloc(sizeof(*copy));
	if (!copy)
		return false;
	*copy = *r;
	memmove(o->held + at + 1, o->held + at, (o->n - at) * sizeof(o->held[0]));
	o->held[at] = copy;
	if (o->n++ == 0)
		o->held_since_ns = now_ns;
	return true;
}

void events_order_push(struct events_order *o, struct events_record *r, uint64_t now_ns)
{
	r->lost = 0;
	if (r->seq == o->next) {
		emit_due(o, r);
		if (o->n && o->held[0]->seq == o->next)
			release(o, now_ns);
		return;
	}
	if (r->seq > o->next && hold(o, r, now_ns)) {
		if (o->n == EVENTS_HELD_MAX)
			release(o, now_ns);
		return;
	}
	/* Later than we were ready to wait, or without a number: shown all the same. */
	o->emit(r, o->ctx);
}

void events_order_settle(struct events_order *o, uint64_t now_ns, bool all)
{
	while (o->n && (all || now_ns - o->held_since_ns >= EVENTS_HELD_WAIT_NS)) {
		release(o, now_ns);
		/* What is left has waited as long as what went: its gaps are as real. */
		all = true;
	}
}

uint64_t events_order_due(const struct events_order *o, uint64_t now_ns)
{
	uint64_t waited = now_ns - o->held_since_ns;

	if (!o->n)
		return UINT64_MAX;
	return waited >= EVENTS_HELD_WAIT_NS ? 0 : EVENTS_HELD_WAIT_NS - waited;
}
