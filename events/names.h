/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one table of reasons and hooks: number, name, meaning, remedy. For every printer.
 *
 * Names are part of the contract (policy tests, JSON, --reason): never changed, only added to.
 */
#ifndef BPFGUARD_EVENTS_NAMES_H
#define BPFGUARD_EVENTS_NAMES_H

#include <stddef.h>

/* Static strings; NULL for a number that has no name. text and remedy are one line, no full stop.
 */
const char *events_reason_name(unsigned int reason);
const char *events_reason_text(unsigned int reason);   /* what it means */
const char *events_reason_remedy(unsigned int reason); /* what to do; NULL: nothing is wrong */
const char *events_hook_name(unsigned int hook);

/* Name to number; -ENOENT if there is no such name. */
int events_reason_parse(const char *name, unsigned int *ret);
int events_hook_parse(const char *name, unsigned int *ret);

/* All names that deny, for suggestions and completion: at most `max` pointers; how many. */
size_t events_reason_names(const char **ret, size_t max);

#endif /* BPFGUARD_EVENTS_NAMES_H */
