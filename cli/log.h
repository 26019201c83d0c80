/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `bpfguard log`, between its files: cmd_log.c (options), log_print.c (records to stdout),
 * log_collect.c (ring to file, for who holds the lock), log_source.c (the ring), log_run.c (the
 * loop).
 */
#ifndef BPFGUARD_CLI_LOG_H
#define BPFGUARD_CLI_LOG_H

#include "events/filter.h"
#include "loader/loader.h"

/* Where raw events come from: the loader; in tests, a stand-in. */
struct log_source {
	/* May this process take events from the kernel? */
	bool (*may)(void);
	/* What tells this ring from those before it. -ENOENT: no ring, nothing is loaded. */
	int (*stream)(char *ret, size_t size);
	/* Another number: open the ring again, though it is the same (what else is pinned changed).
	 */
	uint64_t (*version)(void);
	int (*open)(loader_event_fn fn, void *ctx, struct loader_ring **ret);
	int (*fd)(const struct loader_ring *r);
	int (*consume)(struct loader_ring *r);
	int (*flush)(struct loader_ring *r, bool all);
	void (*free)(struct loader_ring *r);
};

extern const struct log_source log_source_loader;

struct log_options {
	bool follow, json, collect;
	uint64_t lines; /* UINT64_MAX: all */
	uint64_t max_size;
	unsigned int keep;
	struct events_filter filter;
	const char *run_dir, *log_dir;
	const struct log_source *source;
	FILE *out;
};

/* ---- records to people, pipes and the journal ---- */
struct log_printer {
	FILE *out;
	bool json, color, journal;
	bool dead; /* nobody reads any more, or it cannot be written */
	int err;   /* why, if not EPIPE */
	struct events_filter filter;
	uint64_t shown;
	/* The last `lines` only, until log_printer_release(). */
	uint64_t lines;
	char **kept;
	size_t n_kept, first_kept;
};

void log_printer_init(struct log_printer *p, const struct log_options *o);
void log_printer_record(struct log_printer *p, const struct events_record *r);
/* A line of the file, which may be a record, a notice or neither; for events_reader_read(). */
int log_printer_line(const char *line, size_t len, void *printer);
/* Prints what was kept back, and from now on at once. */
void log_printer_release(struct log_printer *p);
void log_printer_flush(struct log_printer *p);
void log_printer_free(struct log_printer *p);

/* ---- the single consumer ---- */
struct log_collect;
/*
 * Takes the lock: from here on this process is the collector, until log_collect_free(). -EPERM:
 * it may not; -EWOULDBLOCK: another one is. Its descriptors are watched in `epoll` (-1: in none);
 * what it takes is shown on `show` (NULL: nowhere).
 */
int log_collect_new(const struct log_options *o, struct log_collect **ret);
int log_collect_start(struct log_collect *c, int epoll, struct log_printer *show);
void log_collect_batch(struct log_collect *c);	/* after any wake-up */
void log_collect_second(struct log_collect *c); /* each second */
int log_collect_wait_ms(const struct log_collect *c);
void log_collect_reopen(struct log_collect *c);
/* Takes what is there, with the counts of unfinished bursts, then lets go. */
void log_collect_free(struct log_collect *c);

/* Runs until it is told to stop; an exit code. */
int log_run(const struct log_options *o);

#endif /* BPFGUARD_CLI_LOG_H */
