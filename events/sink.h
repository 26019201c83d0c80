/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lines into DIR/denied.jsonl, rotated by size, with an exact account of what could not be written.
 *
 * Whole lines only: a write that fails half-way is taken back. Lines that cannot be written are not
 * kept, only counted; the file says how many when writing works again.
 */
#ifndef BPFGUARD_EVENTS_SINK_H
#define BPFGUARD_EVENTS_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EVENTS_LOG_NAME "denied.jsonl"
#define EVENTS_KEEP_MAX 1000u

struct events_sink;

/*
 * max_size in bytes; keep: rotated files next to the current one. The directory is made when
 * needed. An unwritable directory is an error of events_sink_flush(), not of this: it may come
 * back.
 */
int events_sink_new(const char *dir, uint64_t max_size, unsigned int keep,
		    struct events_sink **ret);
void events_sink_free(struct events_sink *s); /* does not flush */

/* One line with its newline, of one record. Written at the latest by events_sink_flush(). */
void events_sink_put(struct events_sink *s, const char *line, size_t len);
/*
 * 0, or -errno: the lines since the last flush were counted instead. Opens the file even when there
 * is nothing to write, so that trouble shows before it costs a record.
 */
int events_sink_flush(struct events_sink *s);
/* Closes the file; the next flush opens it by name. */
void events_sink_reopen(struct events_sink *s);

/* Records that are counted but not yet mentioned in the file; carried over a restart by the state.
 */
uint64_t events_sink_not_written(const struct events_sink *s);
void events_sink_set_not_written(struct events_sink *s, uint64_t n);
/* Inode and size of the current file, 0 and 0 if none is open. */
void events_sink_position(const struct events_sink *s, uint64_t *ret_ino, uint64_t *ret_size);

#endif /* BPFGUARD_EVENTS_SINK_H */
