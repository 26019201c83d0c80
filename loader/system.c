// SPDX-License-Identifier: GPL-2.0-only
/* What the machine must offer before anything can be enforced; each lack is one clear refusal. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "loader/internal.h"
#include "loader/traps.h"

static int file_contains(const char *path, const char *word)
{
	_free_ char *buf = NULL;
	size_t len;
	int err = base_read_file(path, 1 << 16, &buf, &len);

	return err ? err : strstr(buf, word) != NULL;
}

static bool is_bpffs(const char *path)
{
	struct statfs fs;

	return !statfs(path, &fs) && fs.f_type == BPF_FS_MAGIC;
}

/* The nearest directory above the pins that exists. */
static void pins_parent(char *ret, size_t size)
{
	struct stat st;
	char *slash;

	snprintf(ret, size, "%s", base_pins_dir());
	while (stat(ret, &st) && (slash = strrchr(ret, '/')) && slash != ret)
		*slash = 0;
}

static int check_bpffs(struct loader_error *err)
{
	static const char standard[] = "/sys/fs/bpf";
	char dir[PATH_MAX];

	pins_parent(dir, sizeof(dir));
	if (is_bpffs(dir))
		return 0;
	/* systemd mounts it at boot; where nobody did, we do as every BPF tool does */
	if (!strncmp(base_pins_dir(), standard, sizeof(standard) - 1) &&
	    !mount("bpf", standard, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700")) {
		pins_parent(dir, sizeof(dir));
		if (is_bpffs(dir))
			return 0;
	}
	return loader_fail(err, -ENOENT, EXIT_KERNEL, base_pins_dir(),
			   "mount -t bpf bpf /sys/fs/bpf, or set BPFGUARD_PINS below a bpffs",
			   "is not on a bpf file system, so enforcement would end with the loader");
}

static int check_bpf_call(struct loader_error *err)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "bg_probe", 4, 4, 1, NULL);

	if (fd >= 0) {
		close(fd);
		return 0;
	}
	if (errno == EPERM)
		return loader_fail(err, -EPERM, EXIT_PERMISSION, "not permitted to use BPF",
				   "run as root on the host, outside of unprivileged containers",
				   "bpf(2): %s", strerror(errno));
	return loader_fail(err, -errno, EXIT_KERNEL, "the kernel refuses BPF",
			   "use a kernel with CONFIG_BPF_SYSCALL", "bpf(2): %s", strerror(errno));
}

static int check_net_cls(struct loader_error *err)
{
	if (!loader_net_cls_mounted())
		return 0;
	return loader_fail(
		err, -EOPNOTSUPP, EXIT_KERNEL, "net_cls or net_prio (cgroup v1) is mounted",
		"unmount it, boot with cgroup_no_v1=net_cls,net_prio, or use kernel 5.16",
		"on this kernel its use switches cgroup2 socket matching off");
}

const struct loader_hole loader_holes[] = {
	{ BG_ACCEPTED_HOST_CGROUP, "host-cgroup",
	  "only what runs below this cgroup namespace is guarded, not the whole machine" },
	{ BG_ACCEPTED_LSM, "lsm",
	  "packet, odd and foreign sockets are stopped at the link only, and nothing keeps others' "
	  "hands off the guard" },
};
const size_t loader_n_holes = ARRAY_SIZE(loader_holes);

/*
 * In a cgroup namespace "/" is some cgroup of the machine's: a guard made there judges what runs
 * below that cgroup and nothing else, while its path looks like the machine's. The true root is
 * recognised by its id: kernfs numbers its nodes from 1 and the root is the first (fs/kernfs/dir.c,
 * kernfs_create_root). The namespace's own inode does not tell: one that was made at the root
 * hides nothing.
 */
#define HOST_CGROUP_ID 1

static int check_cgroup(uint32_t accept, uint32_t *accepted, struct loader_error *err)
{
	char root[PATH_MAX];
	uint64_t id = 0;
	int ret = loader_cgroup_root(root, sizeof(root));

	if (ret)
		return loader_fail(err, ret, EXIT_KERNEL, "no cgroup v2 hierarchy is mounted",
				   "boot with systemd.unified_cgroup_hierarchy=1, or mount cgroup2",
				   "/proc/self/mountinfo lists none");
	ret = loader_cgroup_id(root, &id);
	if (!ret && id == HOST_CGROUP_ID)
		return 0;
	if (accept & BG_ACCEPTED_HOST_CGROUP) {
		*accepted |= BG_ACCEPTED_HOST_CGROUP;
		return 0;
	}
	if (ret)
		return loader_fail(err, ret, EXIT_KERNEL, root,
				   "load on the host, or accept that what is outside of it is not "
				   "guarded: --accept-missing=host-cgroup",
				   "cannot tell whether this is the machine's root cgroup: %s",
				   strerror(-ret));
	return loader_fail(err, -EXDEV, EXIT_KERNEL, root,
			   "load on the host, or accept that the rest is not guarded: "
			   "--accept-missing=host-cgroup",
			   "is not the machine's root cgroup but that of a cgroup namespace (a "
			   "container's?), so only what runs below it would be guarded");
}

int loader_check_system(uint32_t accept, uint32_t *ret_accepted, struct loader_error *err)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	uint32_t accepted = 0;
	int ret;

	setrlimit(RLIMIT_MEMLOCK, &all); /* kernels before 5.11 count maps against it */
	ret = check_bpf_call(err);
	if (ret)
		return ret;
	if (file_contains("/sys/kernel/security/lockdown", "[confidentiality]") > 0)
		return loader_fail(err, -EPERM, EXIT_KERNEL, "lockdown is in confidentiality mode",
				   "boot with lockdown=integrity or less",
				   "programs may not read a packet's route there");
	if (access("/sys/kernel/btf/vmlinux", R_OK))
		return loader_fail(err, -ENOENT, EXIT_KERNEL, "the kernel has no type information",
				   "use a kernel with CONFIG_DEBUG_INFO_BTF (Debian 11 or later)",
				   "/sys/kernel/btf/vmlinux: %s", strerror(errno));
	ret = check_cgroup(accept, &accepted, err);
	if (!ret)
		ret = check_bpffs(err);
	if (!ret)
		ret = check_net_cls(err);
	if (!ret)
		*ret_accepted = accepted;
	return ret;
}

int loader_host_netns(uint32_t ret[2])
{
	struct stat st;

	if (stat("/proc/thread-self/ns/net", &st))
		return -errno;
	ret[0] = st.st_ino;
	/* PID 1's, if the loader runs elsewhere; where it cannot be read, ours counts twice */
	ret[1] = stat("/proc/1/ns/net", &st) ? ret[0] : st.st_ino;
	return 0;
}
