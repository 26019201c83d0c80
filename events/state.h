/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the consumer of the ring must not forget when it restarts, and the lock that makes it the
 * only one. Both are in the run directory: they end with the machine's run, as the ring does.
 */
#ifndef BPFGUARD_EVENTS_STATE_H
#define BPFGUARD_EVENTS_STATE_H

#include <stddef.h>
#include <stdint.h>

struct events_state {
	char stream[64]; /* which ring the numbers belong to; no white space */
	uint64_t next;	 /* the number that was due */
	uint64_t ino,
		size; /* of the log file then: lines behind it were written but not noted here */
	uint64_t not_written;
};

/* Opens RUN/log.state, makes it if need be. */
int events_state_open(const char *run_dir, int *ret_fd);
/* -ENODATA: nothing in it, or not ours. */
int events_state_read(int fd, struct events_state *ret);
int events_state_write(int fd, const struct events_state *st);

/*
 * RUN/log.lock, until ret_fd is closed. `who` is left in it for others to read. -EWOULDBLOCK:
 * somebody has it.
 */
int events_lock(const char *run_dir, const char *who, int *ret_fd);
/* What the holder left: `pid 123 (bpfguard log --collect)`; "unknown" if nothing. */
char *events_lock_holder(const char *run_dir, char *buf, size_t size);

#endif /* BPFGUARD_EVENTS_STATE_H */
