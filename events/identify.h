/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From numbers to names: cgroup path, container, executable. Best effort: what cannot be found out
 * stays empty, and nothing here waits longer than the time-out of one question to Docker.
 */
#ifndef BPFGUARD_EVENTS_IDENTIFY_H
#define BPFGUARD_EVENTS_IDENTIFY_H

#include "events/events.h"

struct events_identity;

/* Path of a cgroup id below the cgroup2 root; 0 or -errno. */
typedef int (*events_cgroup_fn)(uint64_t id, char *ret, size_t size);

/* Nothing is asked, opened or resolved before the first record. */
int events_identity_new(events_cgroup_fn cgroup_name, struct events_identity **ret);
void events_identity_free(struct events_identity *id);
void events_identify(struct events_identity *id, struct events_record *r);

#endif /* BPFGUARD_EVENTS_IDENTIFY_H */
