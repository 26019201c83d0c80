// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/base.h"
#include "discovery/netns.h"

static const char here[] = "/proc/thread-self/ns/net";

int discovery_netns_of_pid(pid_t pid)
{
	char path[48];
	int fd;

	if (pid <= 0)
		return -ESRCH;
	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	return fd;
}

/* O_NONBLOCK: a fifo in the place of the file must not hold the caller up. */
int discovery_netns_of_path(const char *path)
{
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return -errno;
	if (ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET)
		return -EINVAL;
	return TAKE_FD(fd);
}

uint32_t discovery_netns_inode(int netns)
{
	struct stat st;

	if (netns < 0 ? stat(here, &st) : fstat(netns, &st))
		return 0;
	return (uint32_t)st.st_ino;
}

int discovery_netns_run(int netns, int (*fn)(void *ctx), void *ctx)
{
	_close_ int back = -1;
	int ret;

	if (netns < 0)
		return fn(ctx);
	back = open(here, O_RDONLY | O_CLOEXEC);
	if (back < 0)
		return -errno;
	if (setns(netns, CLONE_NEWNET))
		return -errno;
	ret = fn(ctx);
	/* What this thread would do next, it would do in the wrong place: there is no going on. */
	if (setns(back, CLONE_NEWNET))
		abort();
	return ret;
}
