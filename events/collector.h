/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The single consumer's work between the ring and the file: decode, order, account for losses,
 * identify, write, remember. Knows no ring: raw events are pushed in.
 */
#ifndef BPFGUARD_EVENTS_COLLECTOR_H
#define BPFGUARD_EVENTS_COLLECTOR_H

#include "events/events.h"

struct events_collector;

struct events_collector_config {
	const char *run_dir, *log_dir; /* outlive the collector */
	uint64_t max_size;
	unsigned int keep;
	void (*identify)(struct events_record *r, void *ctx);	/* may be NULL */
	void (*show)(const struct events_record *r, void *ctx); /* may be NULL */
	void (*say)(const char *what, void *ctx);		/* trouble, at a bounded rate */
	void *ctx;
};

/* The caller holds events_lock(). */
int events_collector_new(const struct events_collector_config *config,
			 struct events_collector **ret);
/* Writes and remembers all that is due, then frees. */
void events_collector_free(struct events_collector *c);

/*
 * Events of this ring follow (no white space in the name, up to 63 bytes). A ring seen before, by
 * this or an earlier collector, goes on where it was; another starts with number 1.
 */
void events_collector_stream(struct events_collector *c, const char *stream);
void events_collector_event(struct events_collector *c, const void *data, size_t len);
/* To be called when a batch is over, and when events_collector_wait_ms() has passed. */
void events_collector_settle(struct events_collector *c, bool all);
int events_collector_wait_ms(const struct events_collector *c); /* -1: nothing waits */
void events_collector_reopen(struct events_collector *c);	/* the file, by its name */

struct events_collector_stats {
	uint64_t records, lost, undecodable, not_written;
};
void events_collector_stats(const struct events_collector *c, struct events_collector_stats *ret);

#endif /* BPFGUARD_EVENTS_COLLECTOR_H */
