// SPDX-License-Identifier: GPL-2.0-only
/* The kernel: what the guard needs, and what an attacker would like. */
#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/vfs.h>

#include "base/base.h"
#include "cli/doctor.h"
#include "loader/traps.h"

static bool read_text(const char *path, char *ret, size_t size)
{
	_free_ char *text = NULL;
	size_t len;

	if (base_read_file(path, 4096, &text, &len))
		return false;
	text[strcspn(text, "\n")] = 0;
	base_sanitize(ret, size, text, strlen(text));
	return true;
}

/* -1: there is no such file. */
static long read_number(const char *path)
{
	char text[32];

	return read_text(path, text, sizeof(text)) ? strtol(text, NULL, 10) : -1;
}

static void check_release(struct doctor *d)
{
	unsigned int major = 0, minor = 0;
	struct utsname u;

	if (uname(&u) || sscanf(u.release, "%u.%u", &major, &minor) != 2)
		return;
	if (major > 5 || (major == 5 && minor >= 10))
		doctor_add(d, DOCTOR_OK, "kernel.release", NULL, NULL, NULL, "Linux %.64s",
			   u.release);
	else
		doctor_add(d, DOCTOR_BAD, "kernel.release", NULL,
			   "the programs need what came with Linux 5.10",
			   "use Linux 5.10 or later, such as Debian 11's", "Linux %.64s is too old",
			   u.release);
}

static void check_btf(struct doctor *d)
{
	if (access("/sys/kernel/btf/vmlinux", R_OK))
		doctor_add(d, DOCTOR_BAD, "kernel.btf", NULL,
			   "without it the programs cannot find a packet's route, and load refuses",
			   "use a kernel with CONFIG_DEBUG_INFO_BTF (Debian 11 or later)",
			   "the kernel has no type information (BTF)");
	else
		doctor_add(d, DOCTOR_OK, "kernel.btf", NULL, NULL, NULL,
			   "type information (BTF) is there");
}

static void check_cgroup(struct doctor *d)
{
	char root[PATH_MAX];

	if (loader_cgroup_root(root, sizeof(root)))
		doctor_add(d, DOCTOR_BAD, "kernel.cgroup2", NULL,
			   "the guard hangs on a cgroup of version 2",
			   "boot with systemd.unified_cgroup_hierarchy=1, or mount cgroup2",
			   "no cgroup v2 hierarchy is mounted");
	else
		doctor_add(d, DOCTOR_OK, "kernel.cgroup2", NULL, NULL, NULL, "cgroup v2 on %.200s",
			   root);
}

static void check_bpffs(struct doctor *d)
{
	char dir[PATH_MAX], *slash;
	struct statfs fs;
	struct stat st;

	snprintf(dir, sizeof(dir), "%s", base_pins_dir());
	while (stat(dir, &st) && (slash = strrchr(dir, '/')) && slash != dir)
		*slash = 0;
	if (!statfs(dir, &fs) && fs.f_type == BPF_FS_MAGIC)
		doctor_add(d, DOCTOR_OK, "kernel.bpffs", NULL, NULL, NULL,
			   "a bpf file system holds %.200s", base_pins_dir());
	else
		doctor_add(d, DOCTOR_BAD, "kernel.bpffs", NULL,
			   "pins live there: without it enforcement ends with the loader",
			   "mount -t bpf bpf /sys/fs/bpf, then bpfguard load",
			   "no bpf file system is mounted for %.200s", base_pins_dir());
}

static void check_lsm(struct doctor *d)
{
	static const char why[] =
		"programs of that kind load and attach without an error and never run: packet "
		"sockets (AF_PACKET, AF_XDP), sockets made elsewhere and passed in, and processes "
		"moved in are stopped at the link only, and our own pins are not protected";
	char text[256], padded[260], todo[400];

	if (!read_text("/sys/kernel/security/lsm", text, sizeof(text))) {
		doctor_add(d, DOCTOR_WARN, "kernel.lsm", NULL, why,
			   "mount -t securityfs securityfs /sys/kernel/security",
			   "cannot tell whether BPF LSM is active: /sys/kernel/security/lsm is not "
			   "there");
		return;
	}
	snprintf(padded, sizeof(padded), ",%s,", text);
	if (strstr(padded, ",bpf,")) {
		doctor_add(d, DOCTOR_OK, "kernel.lsm", NULL, NULL, NULL, "BPF LSM is active");
		return;
	}
	snprintf(todo, sizeof(todo), "boot with lsm=%.200s%sbpf", text, text[0] ? "," : "");
	doctor_add(d, DOCTOR_WARN, "kernel.lsm", NULL, why, todo, "BPF LSM is not active");
}

static void check_lockdown(struct doctor *d)
{
	char text[128];

	if (read_text("/sys/kernel/security/lockdown", text, sizeof(text)) &&
	    strstr(text, "[confidentiality]"))
		doctor_add(d, DOCTOR_BAD, "kernel.lockdown", NULL,
			   "programs may not read a packet's route there, so load refuses",
			   "boot with lockdown=integrity or less",
			   "lockdown is in confidentiality mode");
}

static void check_net_cls(struct doctor *d)
{
	if (loader_net_cls_mounted())
		doctor_add(d, DOCTOR_BAD, "kernel.net_cls", NULL,
			   "before Linux 5.16 one write to net_cls.classid or net_prio.ifpriomap "
			   "switches off every guard for new sockets",
			   "unmount it, boot with cgroup_no_v1=net_cls,net_prio, or use Linux 5.16",
			   "net_cls or net_prio (cgroup v1) is mounted");
}

static void check_unprivileged(struct doctor *d)
{
	long bpf = read_number("/proc/sys/kernel/unprivileged_bpf_disabled");
	long clone = read_number("/proc/sys/kernel/unprivileged_userns_clone");
	long max = read_number("/proc/sys/user/max_user_namespaces");
	long apparmor = read_number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns");

	if (bpf == 0)
		doctor_add(d, DOCTOR_WARN, "kernel.unprivileged_bpf", NULL,
			   "any program of the machine may then attack the verifier that the guard "
			   "relies on",
			   "sysctl kernel.unprivileged_bpf_disabled=2",
			   "programs without privileges may use BPF");
	d->userns = max != 0 && clone != 0 && apparmor != 1;
	doctor_add(d, DOCTOR_OK, "kernel.userns", NULL, NULL, NULL,
		   d->userns ? "user namespaces can be made without privileges: containers need "
			       "their seccomp profile"
			     : "user namespaces cannot be made without privileges");
}

void doctor_kernel(struct doctor *d)
{
	check_release(d);
	check_btf(d);
	check_cgroup(d);
	check_bpffs(d);
	check_lsm(d);
	check_lockdown(d);
	check_net_cls(d);
	check_unprivileged(d);
}
