/* SPDX-License-Identifier: GPL-2.0-only */
/* The printers of `bpfguard status`: one model (struct loader_status), text and JSON. */
#ifndef BPFGUARD_CLI_STATUS_H
#define BPFGUARD_CLI_STATUS_H

#include <jansson.h>
#include <stdio.h>

#include "loader/loader.h"

#define STATUS_SCHEMA	  1
#define STATUS_MAX_INSIDE 256

/* A container (or other cgroup) inside a guard. */
struct status_inside {
	char name[128];
	char id[65];
	char image[256];
	char cgroup[BG_PATH];
};

/* Cgroups right below the guard's, with names from Docker where it answers; how many (capped). */
size_t status_inside(const struct loader_guard_status *g, struct status_inside *ret, size_t max);

/* What the monitor last wrote; its problems are added to those of `st`. */
struct status_monitor {
	json_t *state; /* NULL: none has run since boot */
	bool alive;
};
void status_monitor_load(struct status_monitor *m, struct loader_status *st);
void status_monitor_free(struct status_monitor *m);
void status_monitor_text(const struct status_monitor *m, const char *guard, FILE *out);
json_t *status_monitor_json(const struct status_monitor *m);

void status_lsm_text(const struct loader_lsm_status *lsm, FILE *out, bool color);
json_t *status_lsm_json(const struct loader_lsm_status *lsm);

bool status_any_attached(const struct loader_status *st);
void status_print_text(const struct loader_status *st, const struct status_monitor *m, FILE *out,
		       bool color);
void status_print_json(const struct loader_status *st, const struct status_monitor *m, FILE *out);
/* Nothing could be read: still one object of the schema. */
void status_print_json_failed(const struct loader_error *err, FILE *out);

#endif /* BPFGUARD_CLI_STATUS_H */
