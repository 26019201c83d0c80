/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The log file.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/base.h"
#include "events/dir.h"
#include "events/events.h"
#include "events/sink.h"

#define BUF_SIZE 32768u

struct events_sink {
	char *dir;
	uint64_t max_size;
	unsigned int keep;
	int fd;
	uint64_t size;	     /* of the file: whole lines */
	size_t len, records; /* in buf */
	uint64_t not_written;
	int last_err; /* why not_written is not 0 */
	int put_err;  /* of a flush that a full buffer forced */
	char buf[BUF_SIZE];
};

int events_sink_new(const char *dir, uint64_t max_size, unsigned int keep, struct events_sink **ret)
{
	struct events_sink *s;

	if (keep == 0 || keep > EVENTS_KEEP_MAX || max_size == 0)
		return -EINVAL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->dir = strdup(dir);
	if (!s->dir) {
		free(s);
		return -ENOMEM;
	}
	s->fd = -1;
	s->max_size = max_size;
	s->keep = keep;
	*ret = s;
	return 0;
}

void events_sink_reopen(struct events_sink *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	s->size = 0;
}

void events_sink_free(struct events_sink *s)
{
	if (!s)
		return;
	events_sink_reopen(s);
	free(s->dir);
	free(s);
}

static void name_of(char *buf, size_t size, unsigned int index)
{
	if (index == 0)
		snprintf(buf, size, "%s", EVENTS_LOG_NAME);
	else
		snprintf(buf, size, "%s.%u", EVENTS_LOG_NAME, index);
}

static int open_dir(const struct events_sink *s)
{
	/* The log says who talks to whom: not for everybody. */
	int fd, err = events_make_dir(s->dir, 0750);

	if (err)
		return err;
	fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int open_file(struct events_sink *s)
{
	_close_ int dir = -1, fd = -1;
	struct stat st;
	char last;

	dir = open_dir(s);
	if (dir < 0)
		return dir;
	fd = openat(dir, EVENTS_LOG_NAME,
		    O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0640);
	if (fd < 0 || fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EBADF;
	s->size = (uint64_t)st.st_size;
	/* The last writer was killed half-way: its half line becomes a line of its own. */
	if (s->size && pread(fd, &last, 1, st.st_size - 1) == 1 && last != '\n') {
		if (write(fd, "\n", 1) != 1)
			return -errno;
		s->size++;
	}
	s->fd = TAKE_FD(fd);
	return 0;
}

/* Somebody else may have moved or removed the file: what the name means is what counts. */
static bool still_named(const struct events_sink *s)
{
	char path[4096];
	struct stat by_name, by_fd;

	snprintf(path, sizeof(path), "%s/%s", s->dir, EVENTS_LOG_NAME);
	return stat(path, &by_name) == 0 && fstat(s->fd, &by_fd) == 0 &&
	       by_name.st_ino == by_fd.st_ino && by_name.st_dev == by_fd.st_dev;
}

/* denied.jsonl -> .1 -> .2 ...; the last one goes. The current file is open under .1 until reopen.
 */
static int rotate(struct events_sink *s)
{
	char from[64], to[64];
	_close_ int dir = -1;

	dir = open_dir(s);
	if (dir < 0)
		return dir;
	for (unsigned int i = s->keep; i > 0; i--) {
		name_of(from, sizeof(from), i - 1);
		name_of(to, sizeof(to), i);
		if (renameat(dir, from, dir, to) && errno != ENOENT)
			return -errno;
	}
	events_sink_reopen(s);
	return open_file(s);
}

/* All or nothing. */
static int append(struct events_sink *s, const char *data, size_t len)
{
	int err = base_write_all(s->fd, data, len);

	if (!err) {
		s->size += len;
		return 0;
	}
	/* If even this fails, opening finds the half line and ends it. */
	if (ftruncate(s->fd, (off_t)s->size))
		events_sink_reopen(s);
	return err;
}

/*
 * The account of what is missing goes out with the lines that follow it, as one: alone it might fit
 * where they do not, and a disk that is almost full would fill up with accounts.
 */
static int append_with_notice(struct events_sink *s)
{
	struct events_notice n = {
		.ts_real_ns = base_now_ns(CLOCK_REALTIME),
		.not_written = s->not_written,
	};
	_free_ char *line = NULL;
	char *both;
	size_t len;
	int err;

	if (s->last_err)
		snprintf(n.error, sizeof(n.error), "%s", strerror(-s->last_err));
	line = events_format_notice(&n, &len);
	both = line ? realloc(line, len + s->len) : NULL;
	if (!both)
		return -ENOMEM;
	line = both;
	memcpy(line + len, s->buf, s->len);
	err = append(s, line, len + s->len);
	if (!err)
		s->not_written = 0;
	return err;
}

static int write_out(struct events_sink *s)
{
	int err;

	if (s->fd >= 0 && !still_named(s))
		events_sink_reopen(s);
	if (s->fd < 0) {
		err = open_file(s);
		if (err)
			return err;
	}
	if (s->size && s->size + s->len > s->max_size) {
		err = rotate(s);
		if (err)
			return err;
	}
	if (!s->len)
		return 0;
	return s->not_written ? append_with_notice(s) : append(s, s->buf, s->len);
}

static int flush(struct events_sink *s)
{
	int err;

	/* Trouble is over when a line could be written, not when there was none to write. */
	if (!s->len && s->fd >= 0)
		return s->not_written ? s->last_err : 0;
	err = write_out(s);
	if (err) {
		s->not_written += s->records;
		s->last_err = err;
	}
	s->len = s->records = 0;
	return err;
}

void events_sink_put(struct events_sink *s, const char *line, size_t len)
{
	int err = 0;

	if (len > BUF_SIZE - s->len)
		err = flush(s);
	if (err && !s->put_err)
		s->put_err = err;
	if (len > BUF_SIZE) { /* no record is: fixed buffers bound it */
		s->not_written++;
		s->last_err = -EMSGSIZE;
		return;
	}
	memcpy(s->buf + s->len, line, len);
	s->len += len;
	s->records++;
}

int events_sink_flush(struct events_sink *s)
{
	int err = flush(s);

	if (!err)
		err = s->put_err;
	s->put_err = 0;
	return err;
}

uint64_t events_sink_not_written(const struct events_sink *s)
{
	return s->not_written;
}

void events_sink_set_not_written(struct events_sink *s, uint64_t n)
{
	s->not_written = n;
}

void events_sink_position(const struct events_sink *s, uint64_t *ret_ino, uint64_t *ret_size)
{
	struct stat st;

	*ret_ino = *ret_size = 0;
	if (s->fd >= 0 && fstat(s->fd, &st) == 0) {
		*ret_ino = (uint64_t)st.st_ino;
		*ret_size = s->size;
	}
}
