/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whole files and whole writes.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/base.h"

#define READ_STEP 4096u

/*
 * Reads to end of file rather than trusting st_size: files in /proc and on bpffs say 0, and a
 * regular file may grow meanwhile.
 */
int base_read_file(const char *path, size_t max, char **ret_buf, size_t *ret_len)
{
	_close_ int fd = -1;
	_free_ char *buf = NULL;
	size_t len = 0, room = 0;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return -errno;
	for (;;) {
		ssize_t n;

		if (len + 1 >= room) {
			size_t want = room ? room * 2 : READ_STEP;
			char *grown;

			/* One byte above max tells "too big" from "exactly max"; one for the NUL.
			 */
			if (max < SIZE_MAX - 2 && want > max + 2)
				want = max + 2;
			grown = realloc(buf, want);
			if (!grown)
				return -ENOMEM;
			buf = grown;
			room = want;
		}
		n = read(fd, buf + len, room - len - 1);
		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (n == 0)
			break;
		len += (size_t)n;
		if (len > max)
			return -EFBIG;
	}
	buf[len] = '\0';
	*ret_len = len;
	*ret_buf = TAKE_PTR(buf);
	return 0;
}

int base_write_all(int fd, const void *buf, size_t len)
{
	const char *at = buf;

	while (len > 0) {
		ssize_t n = write(fd, at, len);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		/* A device that takes nothing and says nothing would hold us for ever. */
		if (n == 0)
			return -EIO;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}
