// SPDX-License-Identifier: GPL-2.0-only
/* Another network namespace, for a moment. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>

#include "loader/link_internal.h"

static const char own[] = "/proc/thread-self/ns/net";

int loader_netns_enter(int netns, struct loader_visit *ret)
{
	_close_ int back = -1;

	ret->back = -1;
	if (netns < 0)
		return 0;
	back = open(own, O_RDONLY | O_CLOEXEC);
	if (back < 0 || setns(netns, CLONE_NEWNET))
		return -errno;
	ret->back = TAKE_FD(back);
	return 0;
}

void loader_netns_leave(struct loader_visit *v)
{
	if (v->back < 0)
		return;
	if (setns(v->back, CLONE_NEWNET))
		abort(); /* everything that followed would be done in somebody else's network */
	close(v->back);
	v->back = -1;
}

int loader_netns_inode(uint32_t *ret)
{
	struct stat st;

	if (stat(own, &st))
		return -errno;
	*ret = st.st_ino;
	return 0;
}

static int open_if(const char *path, uint32_t inode)
{
	_close_ int fd = -1;
	struct stat st;

	if (stat(path, &st) || st.st_ino != inode)
		return -ENOENT;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	/* the path may lead elsewhere by now */
	if (fd < 0 || fstat(fd, &st) || st.st_ino != inode)
		return -ENOENT;
	return TAKE_FD(fd);
}

static int open_of_process(uint32_t inode)
{
	DIR *dir = opendir("/proc");
	struct dirent *d;
	int fd = -ENOENT;

	if (!dir)
		return -errno;
	while (fd < 0 && (d = readdir(dir))) {
		char path[64];

		if (d->d_name[0] < '1' || d->d_name[0] > '9' || strlen(d->d_name) > 10)
			continue;
		snprintf(path, sizeof(path), "/proc/%.10s/ns/net", d->d_name);
		fd = open_if(path, inode);
	}
	closedir(dir);
	return fd;
}

/* Mounted ones are nsfs mounts whose root is "net:[INODE]"; the mount point is the fifth field. */
static int open_mounted(uint32_t inode)
{
	FILE *f = fopen("/proc/thread-self/mountinfo", "re");
	char want[32], root[32], *line = NULL, at[PATH_MAX];
	int fd = -ENOENT;
	size_t size = 0;

	if (!f)
		return -errno;
	snprintf(want, sizeof(want), "net:[%u]", inode);
	while (fd < 0 && getline(&line, &size, f) > 0)
		if (sscanf(line, "%*u %*u %*u:%*u %31s %4095s", root, at) == 2 &&
		    !strcmp(root, want))
			fd = open_if(at, inode);
	free(line);
	fclose(f);
	return fd;
}

int loader_netns_open(uint32_t inode)
{
	int fd = open_if(own, inode);

	if (fd < 0)
		fd = open_of_process(inode);
	return fd < 0 ? open_mounted(inode) : fd;
}
