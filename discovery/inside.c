// SPDX-License-Identifier: GPL-2.0-only
/* Files of a container, taken without being led out of it. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/base.h"
#include "discovery/tunnel_parts.h"

int discovery_root_of(pid_t pid)
{
	char path[48];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/root", pid);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	return fd;
}

int discovery_open_inside(int dir, const char *path, bool in_root)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_NO_MAGICLINKS | (in_root ? RESOLVE_IN_ROOT : RESOLVE_BENEATH),
	};

	/* openat2(2): EAGAIN when something was renamed meanwhile, and whether a ".." leads out
	 * cannot be told */
	for (int i = 0; i < 16; i++) {
		long fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));

		if (fd >= 0)
			return (int)fd;
		if (errno != EAGAIN && errno != EINTR)
			break;
	}
	return -errno;
}

/* Only what is known to be a plain file is opened: opening a device or a fifo does things. */
int discovery_read_inside(int dir, const char *path, bool in_root, size_t max, char **ret,
			  size_t *ret_len)
{
	_close_ int fd = discovery_open_inside(dir, path, in_root);
	char again[48];
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	snprintf(again, sizeof(again), "/proc/self/fd/%d", fd);
	return base_read_file(again, max, ret, ret_len);
}
