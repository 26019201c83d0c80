/* SPDX-License-Identifier: GPL-2.0-only */
/* Which records a user wants to see. */
#ifndef BPFGUARD_EVENTS_FILTER_H
#define BPFGUARD_EVENTS_FILTER_H

#include "events/events.h"

struct events_filter {
	uint64_t since_ns;     /* CLOCK_REALTIME; 0: from the beginning */
	const char *container; /* name, or the beginning of the id; NULL: any */
	const char *guard;     /* NULL: any */
	unsigned int reason;   /* BG_R_NONE: any */
};

bool events_filter_match(const struct events_filter *f, const struct events_record *r);

#endif /* BPFGUARD_EVENTS_FILTER_H */
