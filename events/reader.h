/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads DIR/denied.jsonl and its rotated predecessors, oldest first, and goes on as they grow and
 * rotate. No line is read twice or skipped, unless its file was deleted before it was read.
 */
#ifndef BPFGUARD_EVENTS_READER_H
#define BPFGUARD_EVENTS_READER_H

#include <stddef.h>
#include <stdint.h>

struct events_reader;

/* A line without its newline; other than 0 stops the reading, and is returned. */
typedef int (*events_line_fn)(const char *line, size_t len, void *ctx);

int events_reader_new(const char *dir, struct events_reader **ret);
void events_reader_free(struct events_reader *r);
/*
 * Begin at byte `at` of the file with this inode, whatever its name is now. -ENOENT: it is gone
 * (then reading begins with the oldest line).
 */
int events_reader_seek(struct events_reader *r, uint64_t ino, uint64_t at);
/* Everything that is there now. 0, what fn said, or -errno; no file at all is 0. */
int events_reader_read(struct events_reader *r, events_line_fn fn, void *ctx);
/*
 * For epoll: readable when something may have changed (inotify); -1 as long as the directory does
 * not exist. events_reader_read() clears it.
 */
int events_reader_fd(struct events_reader *r);

#endif /* BPFGUARD_EVENTS_READER_H */
