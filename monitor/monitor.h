/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Room monitor: the daemon that proves the tunnel alive and renews the lease, hangs the uplink
 * guard and the link seal up as devices appear, and writes the audit trail. It can only shorten
 * what the kernel allows: when it dies, leases run out.
 *
 *   machine.c   the state machine: a pure function and its table
 *   audit.c     the audit trail: one JSON object a line, chained by hash
 *   state.c     what `status` shows of us: <run>/monitor.json, replaced whole
 */
#ifndef BPFGUARD_MONITOR_H
#define BPFGUARD_MONITOR_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/base.h"

/* States of one guard. Names are the contract of status, audit trail and docs/security.md. */
enum monitor_state {
	MONITOR_BOOT,	    /* nothing known yet */
	MONITOR_NO_GATEWAY, /* the gateway's container or namespace is not there */
	MONITOR_CONNECTING, /* the gateway is there, its tunnel not proved */
	MONITOR_UP,	    /* proved within the last probe interval */
	MONITOR_SUSPECT,    /* silent; the lease is not renewed but has not run out */
	MONITOR_DOWN,	    /* the tunnel was up and is not, or its lease ran out */
	MONITOR_PAUSED,	    /* by the user, until a time */
	MONITOR_AUDIT,	    /* mode: audit: watched, nothing refused */
	MONITOR_STATES,
};
const char *monitor_state_name(enum monitor_state s);

/* The daemon: returns an exit code. `once`: no daemon, one look at everything, then end. */
int monitor_run(bool once);

/*
 * <run>/monitor.json as the daemon last wrote it, and whether a daemon holds its lock. Malloc'ed;
 * -ENOENT: no daemon has run since boot.
 */
int monitor_read_state(char **ret_json, bool *ret_alive);

/* Audit trail in base_log_dir()/audit.jsonl. Fields: a JSON object without ts, seq and prev. */
int monitor_audit_append(const char *what, const char *guard, const char *fields_json);
/* 0: whole; else the first line that does not fit and why. */
int monitor_audit_verify(const char *path, uint64_t *ret_lines, uint64_t *ret_bad_line, char *why,
			 size_t why_size);

#endif /* BPFGUARD_MONITOR_H */
