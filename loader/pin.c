// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pin directory and its lock.
 *
 *   <pins>/maps/NAME            every map, shared by all guards
 *   <pins>/flush                program that the log runs
 *   <pins>/tc/SLOT-NAME/...     the link's programs, see loader/link_place.c
 *   <pins>/lsm/HOOK             links of the LSM programs, for all guards
 *   <pins>/guards/SLOT-NAME/HOOK  links; a directory is a guard, removing it ends its enforcement
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "loader/internal.h"

int loader_pin_path(char *ret, size_t size, const char *fmt, ...)
{
	int n = snprintf(ret, size, "%s/", base_pins_dir());
	va_list args;
	int m;

	if (n < 0 || n >= (int)size)
		return -ENAMETOOLONG;
	va_start(args, fmt);
	m = vsnprintf(ret + n, size - n, fmt, args);
	va_end(args);
	return m < 0 || m >= (int)size - n ? -ENAMETOOLONG : 0;
}

int loader_guard_dir(char *ret, size_t size, unsigned int slot, const char *name)
{
	return loader_pin_path(ret, size, "guards/%u-%s", slot, name);
}

static int open_pin(const char *path)
{
	int fd = bpf_obj_get(path);

	return fd < 0 ? -errno : fd;
}

int loader_open_map(const char *name)
{
	char path[PATH_MAX];
	int err = loader_pin_path(path, sizeof(path), "maps/%s", name);

	return err ? err : open_pin(path);
}

int loader_open_link(unsigned int slot, const char *guard, const char *hook)
{
	char path[PATH_MAX];
	int err = loader_pin_path(path, sizeof(path), "guards/%u-%s/%s", slot, guard, hook);

	return err ? err : open_pin(path);
}

int loader_each_slot_dir(const char *sub, int (*fn)(unsigned int slot, const char *name, void *ctx),
			 void *ctx)
{
	char path[PATH_MAX];
	struct dirent *d;
	DIR *dir;
	int err;

	err = loader_pin_path(path, sizeof(path), "%s", sub);
	if (err)
		return err;
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while (!err && (d = readdir(dir))) {
		char *end;
		unsigned long slot = strtoul(d->d_name, &end, 10);

		if (end == d->d_name || *end != '-' || slot >= BG_MAX_GUARDS)
			continue;
		err = fn(slot, end + 1, ctx);
	}
	closedir(dir);
	return err;
}

int loader_each_guard_dir(int (*fn)(unsigned int slot, const char *name, void *ctx), void *ctx)
{
	return loader_each_slot_dir("guards", fn, ctx);
}

int loader_remove_guard(unsigned int slot, const char *name)
{
	char dir[PATH_MAX], path[PATH_MAX + 32];
	size_t i = loader_n_hooks;
	int err;

	err = loader_link_remove(slot, name);
	if (!err)
		err = loader_guard_dir(dir, sizeof(dir), slot, name);
	if (err)
		return err;
	/* the enforcing hook, first to be attached, is the last to go */
	while (i--) {
		_close_ int link = loader_open_link(slot, name, loader_hooks[i].name);

		if (link >= 0)
			bpf_link_detach(link); /* whoever else holds it (loader/watch.c) */
		snprintf(path, sizeof(path), "%s/%s", dir, loader_hooks[i].name);
		if (unlink(path) && errno != ENOENT)
			return -errno;
	}
	if (rmdir(dir) && errno != ENOENT)
		return -errno;
	return loader_lsm_drop(slot);
}

static int make_run_dir(const char *dir)
{
	char path[PATH_MAX];
	char *p;

	if (snprintf(path, sizeof(path), "%s", dir) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	for (p = path + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = 0;
		if (mkdir(path, 0755) && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	return mkdir(path, 0755) && errno != EEXIST ? -errno : 0;
}

int loader_lock(int timeout_ms, struct loader_error *err)
{
	uint64_t until = base_now_ns(CLOCK_MONOTONIC) + timeout_ms * 1000000ull;
	char path[PATH_MAX];
	_close_ int fd = -1;
	int ret;

	ret = make_run_dir(base_run_dir());
	if (ret)
		return loader_fail(err, ret, EXIT_PERMISSION, base_run_dir(), "run as root",
				   "cannot make the run directory: %s", strerror(-ret));
	if (snprintf(path, sizeof(path), "%s/lock", base_run_dir()) >= (int)sizeof(path))
		return loader_fail(err, -ENAMETOOLONG, EXIT_USAGE, base_run_dir(),
				   "set BPFGUARD_RUN to a shorter path", "the path is too long");
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return loader_fail(err, -errno, EXIT_PERMISSION, path, "run as root",
				   "cannot open the lock: %s", strerror(errno));
	while (flock(fd, LOCK_EX | LOCK_NB)) {
		struct timespec pause = { .tv_nsec = 5000000 };

		if (errno != EWOULDBLOCK && errno != EINTR)
			return loader_fail(err, -errno, EXIT_NO, path, NULL, "cannot lock: %s",
					   strerror(errno));
		if (base_now_ns(CLOCK_MONOTONIC) >= until)
			return loader_fail(err, -EBUSY, EXIT_NO, "another bpfguard is loading",
					   "wait until it is done and try again",
					   "%s is locked for more than %d s", path,
					   timeout_ms / 1000);
		nanosleep(&pause, NULL);
	}
	return TAKE_FD(fd);
}
