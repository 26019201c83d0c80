/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records in the order of their numbers, with the losses between them.
 *
 * The kernel takes a number and then a place in the ring, in two steps: two CPUs may do so
 * crosswise (7 before 6). So a gap is believed only after a while, or when many records wait behind
 * it.
 */
#ifndef BPFGUARD_EVENTS_ORDER_H
#define BPFGUARD_EVENTS_ORDER_H

#include "events/events.h"

#define EVENTS_HELD_MAX	    64
#define EVENTS_HELD_WAIT_NS 50000000ull

/* r->lost is set. r is the callee's to change, and gone when it returns. */
typedef void (*events_emit_fn)(struct events_record *r, void *ctx);

struct events_order {
	uint64_t next; /* the number that is due */
	uint64_t lost; /* sum of all gaps */
	uint64_t held_since_ns;
	size_t n;
	struct events_record *held[EVENTS_HELD_MAX]; /* ascending */
	events_emit_fn emit;
	void *ctx;
};

void events_order_init(struct events_order *o, uint64_t next, events_emit_fn emit, void *ctx);
/* now_ns: any clock that does not jump, the same for all calls. */
void events_order_push(struct events_order *o, struct events_record *r, uint64_t now_ns);
/* Believes the gaps that have lasted EVENTS_HELD_WAIT_NS, or all. */
void events_order_settle(struct events_order *o, uint64_t now_ns, bool all);
/* Nanoseconds until events_order_settle() will have something to do; UINT64_MAX: nothing waits. */
uint64_t events_order_due(const struct events_order *o, uint64_t now_ns);

#endif /* BPFGUARD_EVENTS_ORDER_H */
