// SPDX-License-Identifier: GPL-2.0-only
/* Whether this kernel runs LSM programs, and where they find what they have to protect. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "loader/lsm_internal.h"

#define LSM_LIST "/sys/kernel/security/lsm"

/* The list is there only where securityfs is mounted. Read through a mount that is in no namespace,
 * which is gone when we are and changes nothing for anybody. */
static int read_unmounted(char *ret, size_t size)
{
	_close_ int fs = syscall(SYS_fsopen, "securityfs", 1u /* FSOPEN_CLOEXEC */);
	_close_ int mnt = -1, fd = -1;
	ssize_t n;

	if (fs < 0 || syscall(SYS_fsconfig, fs, 6u /* FSCONFIG_CMD_CREATE */, NULL, NULL, 0))
		return -errno;
	mnt = syscall(SYS_fsmount, fs, 1u /* FSMOUNT_CLOEXEC */, 0u);
	if (mnt < 0)
		return -errno;
	fd = openat(mnt, "lsm", O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, ret, size - 1);
	if (n < 0)
		return -errno;
	ret[n] = 0;
	return 0;
}

static int read_list(char *ret, size_t size)
{
	_free_ char *text = NULL;
	size_t len;

	if (base_read_file(LSM_LIST, size - 1, &text, &len))
		return read_unmounted(ret, size);
	memcpy(ret, text, len);
	ret[len] = 0;
	return 0;
}

static bool is_listed(char *list, const char *name)
{
	char *at, *save = NULL;

	for (at = strtok_r(list, ",\n", &save); at; at = strtok_r(NULL, ",\n", &save))
		if (!strcmp(at, name))
			return true;
	return false;
}

/*
 * An empty program for a hook that cannot be: the kernel says EINVAL if it would look at one at
 * all. Some refuse them all, whatever the list says (facts on hooks, G).
 */
static bool are_refused(void)
{
	const struct bpf_insn empty[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_LSM_MAC,
		    .attach_btf_id = 1);
	_close_ int fd = bpf_prog_load(BPF_PROG_TYPE_LSM, "bg_probe", "GPL", empty,
				       ARRAY_SIZE(empty), &opts);

	return fd < 0 && (errno == EPERM || errno == EACCES);
}

enum bg_lsm_state loader_lsm_probe(void)
{
	char list[1024];

	if (read_list(list, sizeof(list)))
		return BG_LSM_UNREADABLE;
	if (!is_listed(list, "bpf"))
		return BG_LSM_NOT_ACTIVE;
	return are_refused() ? BG_LSM_UNAVAILABLE : BG_LSM_ACTIVE;
}

/* As the kernel numbers devices inside (MKDEV), which is not how it tells them to user space. */
static uint32_t kernel_dev(dev_t dev)
{
	return major(dev) << 20 | minor(dev);
}

/* The id of the mount that shows the pins in a process's mount namespace; 0: none. */
static uint32_t find_mount(const char *mountinfo, dev_t dev)
{
	_fclose_ FILE *f = fopen(mountinfo, "re");
	_free_ char *line = NULL;
	uint32_t found = 0;
	size_t cap = 0;

	while (f && getline(&line, &cap, f) > 0) {
		unsigned int id, maj, min;
		char dir[PATH_MAX];
		size_t len;

		if (sscanf(line, "%u %*u %u:%u %*s %4095s", &id, &maj, &min, dir) != 4 ||
		    makedev(maj, min) != dev)
			continue;
		len = strlen(dir);
		if (!strncmp(base_pins_dir(), dir, len) &&
		    (base_pins_dir()[len] == '/' || dir[len - 1] == '/'))
			found = id; /* the last one lies on top */
	}
	return found;
}

static uint32_t pidns(const char *path)
{
	struct stat st;

	return stat(path, &st) ? 0 : st.st_ino;
}

int loader_lsm_place(struct bg_lsm *conf)
{
	char path[PATH_MAX];
	struct stat st, up;
	size_t i;
	char *slash;

	if (stat(base_pins_dir(), &st))
		return -errno;
	conf->dev = kernel_dev(st.st_dev);
	conf->pins = st.st_ino;
	memset(conf->above, 0, sizeof(conf->above));
	snprintf(path, sizeof(path), "%s", base_pins_dir());
	for (i = 0; i < BG_LSM_ABOVE && (slash = strrchr(path, '/')) && slash != path; i++) {
		*slash = 0;
		if (stat(path, &up) || up.st_dev != st.st_dev)
			break;
		conf->above[i] = up.st_ino;
	}
	conf->mount[0] = find_mount("/proc/self/mountinfo", st.st_dev);
	conf->mount[1] = find_mount("/proc/1/mountinfo", st.st_dev);
	conf->pidns[0] = pidns("/proc/self/ns/pid");
	conf->pidns[1] = pidns("/proc/1/ns/pid");
	return conf->pidns[0] ? 0 : -ENOENT;
}
