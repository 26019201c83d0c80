/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * State and lock.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>

#include "base/base.h"
#include "events/dir.h"
#include "events/state.h"

#define STATE_MAX 512

/* 0600: who can open the lock could hold it, and so keep the collector from starting. */
static int open_in(const char *run_dir, const char *name, int flags, int *ret_fd)
{
	char path[4096];
	int fd, err = flags & O_CREAT ? events_make_dir(run_dir, 0755) : 0;

	if (err)
		return err;
	if ((size_t)snprintf(path, sizeof(path), "%s/%s", run_dir, name) >= sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

int events_state_open(const char *run_dir, int *ret_fd)
{
	return open_in(run_dir, "log.state", O_RDWR | O_CREAT, ret_fd);
}

int events_state_read(int fd, struct events_state *ret)
{
	struct events_state st = { 0 };
	char text[STATE_MAX];
	char end;
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	if (n < 0)
		return -errno;
	text[n] = '\0';
	if (sscanf(text, "1 %63s %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " en%c", st.stream,
		   &st.next, &st.ino, &st.size, &st.not_written, &end) != 6 ||
	    end != 'd' || st.next == 0)
		return -ENODATA;
	*ret = st;
	return 0;
}

/* One write of fixed length, so that a kill leaves the old text or the new one. */
int events_state_write(int fd, const struct events_state *st)
{
	char text[STATE_MAX];
	int n;

	n = snprintf(text, sizeof(text),
		     "1 %s %020" PRIu64 " %020" PRIu64 " %020" PRIu64 " %020" PRIu64 " end\n",
		     st->stream[0] ? st->stream : "-", st->next, st->ino, st->size,
		     st->not_written);
	if (n < 0 || (size_t)n >= sizeof(text))
		return -EINVAL;
	if (pwrite(fd, text, (size_t)n, 0) != n)
		return errno ? -errno : -EIO;
	return ftruncate(fd, n) ? -errno : 0;
}

int events_lock(const char *run_dir, const char *who, int *ret_fd)
{
	_close_ int fd = -1;
	char text[160];
	int err, n;

	err = open_in(run_dir, "log.lock", O_RDWR | O_CREAT, &fd);
	if (err)
		return err;
	if (flock(fd, LOCK_EX | LOCK_NB))
		return -errno;
	n = snprintf(text, sizeof(text), "pid %d (%s)\n", getpid(), who);
	/* For people only: the lock holds without it. */
	if (ftruncate(fd, 0) == 0 && n > 0)
		(void)!pwrite(fd, text, (size_t)n, 0);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

char *events_lock_holder(const char *run_dir, char *buf, size_t size)
{
	_close_ int fd = -1;
	char text[160];
	ssize_t n = 0;

	if (open_in(run_dir, "log.lock", O_RDONLY, &fd) == 0)
		n = pread(fd, text, sizeof(text), 0);
	while (n > 0 && text[n - 1] == '\n')
		n--;
	if (n <= 0)
		snprintf(buf, size, "unknown");
	else
		base_sanitize(buf, size, text, (size_t)n);
	return buf;
}
