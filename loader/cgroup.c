// SPDX-License-Identifier: GPL-2.0-only
/* cgroup2: where it is mounted, ids to paths and back. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "loader/internal.h"

/* /proc/self/mountinfo writes space, tab, newline and backslash as \ooo (proc(5)). */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] && s[3]) {
			*to++ = (s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0');
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = 0;
}

int loader_cgroup_root(char *ret, size_t size)
{
	_fclose_ FILE *f = fopen("/proc/self/mountinfo", "re");
	_free_ char *line = NULL;
	struct statfs fs;
	size_t cap = 0;

	if (!f)
		return -errno;
	while (getline(&line, &cap, f) > 0) {
		char root[PATH_MAX], dir[PATH_MAX];
		const char *type = strstr(line, " - ");

		if (!type || strncmp(type + 3, "cgroup2 ", 8))
			continue;
		if (sscanf(line, "%*d %*d %*s %4095s %4095s", root, dir) != 2)
			continue;
		if (strcmp(root, "/")) /* a subtree, bound somewhere */
			continue;
		unescape(dir);
		if (statfs(dir, &fs) || fs.f_type != CGROUP2_SUPER_MAGIC)
			continue; /* another mount lies over it */
		if (snprintf(ret, size, "%s", dir) >= (int)size)
			return -ENAMETOOLONG;
		return 0;
	}
	return -ENOENT;
}

#define CGROUP_HANDLE_TYPE 0xfe /* FILEID_KERNFS: the handle is the 64-bit cgroup id */

union cgroup_handle {
	struct file_handle h;
	char space[sizeof(struct file_handle) + 8];
};

int loader_cgroup_id(const char *abs_path, uint64_t *ret)
{
	union cgroup_handle u = { .h.handle_bytes = 8 };
	int mount_id;

	if (name_to_handle_at(AT_FDCWD, abs_path, &u.h, &mount_id, 0))
		return -errno;
	if (u.h.handle_bytes != 8)
		return -EOPNOTSUPP;
	memcpy(ret, u.h.f_handle, 8);
	return 0;
}

int loader_cgroup_name(uint64_t id, char *ret, size_t size)
{
	static char root[PATH_MAX];
	static int root_fd = -1;
	union cgroup_handle u = { .h.handle_bytes = 8, .h.handle_type = CGROUP_HANDLE_TYPE };
	char link[64], path[PATH_MAX];
	_close_ int fd = -1;
	ssize_t n;
	size_t len;
	int err;

	if (root_fd < 0) {
		err = loader_cgroup_root(root, sizeof(root));
		if (err)
			return err;
		root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (root_fd < 0)
			return -errno;
	}
	memcpy(u.h.f_handle, &id, 8);
	fd = open_by_handle_at(root_fd, &u.h, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return errno == ESTALE ? -ENOENT : -errno;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return -errno;
	path[n] = 0;
	len = strlen(root);
	if (strncmp(path, root, len) || strstr(path, " (deleted)"))
		return -ENOENT;
	if (snprintf(ret, size, "%s", path[len] ? path + len : "/") >= (int)size)
		return -ENAMETOOLONG;
	return 0;
}

/* mkdir -p, below the cgroup root. */
static int make_path(char *abs, size_t root_len)
{
	char *p;

	for (p = abs + root_len + 1;; p++) {
		char c = *p;

		if (c && c != '/')
			continue;
		*p = 0;
		if (mkdir(abs, 0755) && errno != EEXIST)
			return -errno;
		*p = c;
		if (!c)
			return 0;
	}
}

int loader_open_cgroup(const char *path, bool create, struct loader_error *err)
{
	char abs[PATH_MAX];
	size_t len;
	int ret, fd;

	ret = loader_cgroup_root(abs, sizeof(abs));
	if (ret)
		return loader_fail(err, ret, EXIT_KERNEL, "no cgroup v2 hierarchy is mounted",
				   "boot with systemd.unified_cgroup_hierarchy=1, or mount cgroup2",
				   "/proc/self/mountinfo lists none");
	len = strlen(abs);
	if (snprintf(abs + len, sizeof(abs) - len, "%s", path) >= (int)(sizeof(abs) - len))
		return loader_fail(err, -ENAMETOOLONG, EXIT_POLICY, path, "use a shorter name",
				   "the cgroup's path is too long");
	if (create) {
		ret = make_path(abs, len);
		if (ret)
			return loader_fail(err, ret,
					   ret == -EACCES || ret == -EPERM ? EXIT_PERMISSION
									   : EXIT_KERNEL,
					   abs, "run as root on the host",
					   "cannot make the cgroup: %s", strerror(-ret));
	}
	fd = open(abs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return loader_fail(err, -errno, EXIT_KERNEL, abs, "run bpfguard load",
				   "cannot open the cgroup: %s", strerror(errno));
	return fd;
}
