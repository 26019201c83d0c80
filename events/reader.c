/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Following the log file over its rotations.
 *
 * The file that is being read is known by its inode: our descriptor keeps the number from being
 * used again. "The next newer one" is the file whose index is one lower than ours has now.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "base/base.h"
#include "events/reader.h"
#include "events/sink.h"

#define LINE_MAX_BYTES 32768u
#define RACE_TRIES     10 /* rotations that may pass while one file is looked up */

struct events_reader {
	char *dir;
	int notify, fd;
	ino_t ino;
	off_t at;
	size_t len;
	bool skip; /* inside of a line that is too long */
	char buf[LINE_MAX_BYTES];
};

int events_reader_new(const char *dir, struct events_reader **ret)
{
	struct events_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->notify = r->fd = -1;
	r->dir = strdup(dir);
	if (!r->dir) {
		free(r);
		return -ENOMEM;
	}
	*ret = r;
	return 0;
}

void events_reader_free(struct events_reader *r)
{
	if (!r)
		return;
	base_close(&r->fd);
	base_close(&r->notify);
	free(r->dir);
	free(r);
}

int events_reader_fd(struct events_reader *r)
{
	_close_ int fd = -1;

	if (r->notify >= 0)
		return r->notify;
	fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (fd < 0 || inotify_add_watch(fd, r->dir, IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0)
		return -1;
	r->notify = TAKE_FD(fd);
	return r->notify;
}

static void clear_notify(struct events_reader *r)
{
	char junk[4096];

	while (r->notify >= 0 && read(r->notify, junk, sizeof(junk)) > 0)
		;
}

static int path_of(const struct events_reader *r, unsigned int index, char *buf, size_t size)
{
	int n = index ? snprintf(buf, size, "%s/%s.%u", r->dir, EVENTS_LOG_NAME, index)
		      : snprintf(buf, size, "%s/%s", r->dir, EVENTS_LOG_NAME);

	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

static bool has_inode(const struct events_reader *r, unsigned int index, ino_t ino)
{
	char path[4096];
	struct stat st;

	return !path_of(r, index, path, sizeof(path)) && stat(path, &st) == 0 && st.st_ino == ino;
}

/* Index of a name of ours; -1 for any other. */
static int index_of(const char *name)
{
	size_t n = strlen(EVENTS_LOG_NAME);
	unsigned long v;
	char *end;

	if (strncmp(name, EVENTS_LOG_NAME, n))
		return -1;
	if (!name[n])
		return 0;
	if (name[n] != '.' || name[n + 1] < '1' || name[n + 1] > '9')
		return -1;
	v = strtoul(name + n + 1, &end, 10);
	return *end || v > EVENTS_KEEP_MAX ? -1 : (int)v;
}

/* The highest index, and the one of the file being read; -1: none. */
static int scan(const struct events_reader *r, int *ret_oldest, int *ret_mine)
{
	int oldest = -1, mine = -1;
	struct dirent *e;
	DIR *d = opendir(r->dir);

	if (!d)
		return -errno;
	while ((e = readdir(d))) {
		int i = index_of(e->d_name);

		if (i > oldest)
			oldest = i;
		if (i >= 0 && r->fd >= 0 && has_inode(r, (unsigned int)i, r->ino))
			mine = i;
	}
	closedir(d);
	*ret_oldest = oldest;
	*ret_mine = mine;
	return 0;
}

static int open_index(const struct events_reader *r, unsigned int index, int *ret_fd,
		      ino_t *ret_ino)
{
	_close_ int fd = -1;
	char path[4096];
	struct stat st;
	int err = path_of(r, index, path, sizeof(path));

	if (err)
		return err;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st))
		return -errno;
	*ret_ino = st.st_ino;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static void switch_to(struct events_reader *r, int fd, ino_t ino)
{
	base_close(&r->fd);
	r->fd = fd;
	r->ino = ino;
	r->at = 0;
	r->len = 0; /* a half line at the end of a finished file has no other half */
	r->skip = false;
}

int events_reader_seek(struct events_reader *r, uint64_t ino, uint64_t at)
{
	struct dirent *e;
	DIR *d = opendir(r->dir);
	int err = -ENOENT;

	while (d && err && (e = readdir(d))) {
		int fd = -1, i = index_of(e->d_name);
		ino_t have = 0;

		if (i < 0 || open_index(r, (unsigned int)i, &fd, &have))
			continue;
		if ((uint64_t)have != ino) {
			close(fd);
			continue;
		}
		switch_to(r, fd, have);
		r->at = (off_t)at;
		err = 0;
	}
	if (d)
		closedir(d);
	return err;
}

static bool is_deleted(const struct events_reader *r)
{
	struct stat st;

	return r->fd < 0 || fstat(r->fd, &st) || st.st_nlink == 0;
}

/*
 * Which file to open: the one after ours; the oldest if ours is gone, or none was read; the current
 * one if ours has a name that means nothing to us. -1: there is none (yet).
 */
static int choose(const struct events_reader *r, int oldest, int mine)
{
	if (oldest < 0 || mine == 0)
		return -1;
	if (mine > 0)
		return mine - 1;
	return is_deleted(r) ? oldest : 0;
}

/* 1: the file to read after ours, opened; 0: there is none (yet); -errno. */
static int find_next(const struct events_reader *r, int *ret_fd, ino_t *ret_ino)
{
	for (int try = 0; try < RACE_TRIES; try++) {
		int oldest = -1, mine = -1, fd = -1, want, err;
		ino_t ino = 0;

		err = scan(r, &oldest, &mine);
		if (err)
			return err == -ENOENT ? 0 : err;
		/* A rotation moved it past us while we looked. */
		if (mine < 0 && !is_deleted(r) && try < RACE_TRIES - 1)
			continue;
		want = choose(r, oldest, mine);
		if (want < 0)
			return 0;
		err = open_index(r, (unsigned int)want, &fd, &ino);
		if (err == -ENOENT)
			continue; /* between two renames, or before the new file */
		if (err)
			return err;
		/* If ours still has the index it had, `want` was the next one when opened. */
		if (mine < 0 ? has_inode(r, (unsigned int)want, ino)
			     : has_inode(r, (unsigned int)mine, r->ino)) {
			*ret_fd = fd;
			*ret_ino = ino;
			return 1;
		}
		close(fd);
	}
	return 0;
}

/* Hands out the whole lines in buf, keeps the rest. */
static int take_lines(struct events_reader *r, events_line_fn fn, void *ctx)
{
	char *at = r->buf, *end = r->buf + r->len, *nl;
	int err = 0;

	while (!err && (nl = memchr(at, '\n', (size_t)(end - at)))) {
		if (!r->skip && nl > at)
			err = fn(at, (size_t)(nl - at), ctx);
		r->skip = false;
		at = nl + 1;
	}
	r->len = (size_t)(end - at);
	memmove(r->buf, at, r->len);
	if (r->len == sizeof(r->buf)) {
		r->skip = true;
		r->len = 0;
	}
	return err;
}

static int read_file(struct events_reader *r, events_line_fn fn, void *ctx)
{
	struct stat st;

	/* Emptied in place (`> denied.jsonl`): what is there now is new. */
	if (fstat(r->fd, &st) == 0 && st.st_size < r->at) {
		r->at = 0;
		r->len = 0;
		r->skip = false;
	}
	for (;;) {
		ssize_t n = pread(r->fd, r->buf + r->len, sizeof(r->buf) - r->len, r->at);
		int err;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		r->at += n;
		r->len += (size_t)n;
		err = take_lines(r, fn, ctx);
		if (err)
			return err;
	}
}

int events_reader_read(struct events_reader *r, events_line_fn fn, void *ctx)
{
	int err;

	/* First: what changes from here on makes the descriptor readable again. */
	clear_notify(r);
	for (;;) {
		int more, fd = -1;
		ino_t ino = 0;

		if (r->fd >= 0) {
			err = read_file(r, fn, ctx);
			if (err)
				return err;
		}
		more = find_next(r, &fd, &ino);
		if (more <= 0)
			return more;
		/* Lines that came between our last read and the rotation; none come after it. */
		err = r->fd >= 0 ? read_file(r, fn, ctx) : 0;
		if (err) {
			close(fd);
			return err;
		}
		switch_to(r, fd, ino);
	}
}
