// SPDX-License-Identifier: GPL-2.0-only
/*
 * BPF LSM, where the kernel has it switched on: one set of programs for all guards of an instance.
 * They see what the cgroup's hooks do not: sockets of other families, sockets that were made
 * elsewhere, and hands on the guard itself. Nothing here may ever refuse anything to a task outside
 * of every guard, but for that last one.
 *
 * Where BPF LSM is off the link's programs stop the same packets.
 */
#include "vmlinux/vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

/* LSM programs may take locks since 5.11, which gave them storage in tasks in the same series. */
#define BG_MAY_LOCK bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_storage_get)

#include "bpf/lsm_own.bpf.h"

#define BG_MAY_WRITE	     2
#define BG_CLONE_INTO_CGROUP 0x200000000ull
#define BG_MS_PROPAGATION    (1ul << 17 | 1ul << 18 | 1ul << 19 | 1ul << 20)

SEC("lsm/socket_create")
int bg_lsm_create(__u64 *ctx)
{
	int family = ctx[0];
	int kern = ctx[3];
	__u32 guards;

	if (kern)
		return 0;
	guards = bg_task_guards();
	return guards ? bg_answer(bg_judge_create(guards, family)) : 0;
}

SEC("lsm/socket_connect")
int bg_lsm_connect(__u64 *ctx)
{
	struct socket *sock = (void *)ctx[0];
	struct sockaddr *address = (void *)ctx[1];

	return bg_use(bg_task_guards(), sock, BG_HOOK_LSM_CONNECT, address);
}

SEC("lsm/socket_sendmsg")
int bg_lsm_sendmsg(__u64 *ctx)
{
	struct socket *sock = (void *)ctx[0];
	struct msghdr *msg = (void *)ctx[1];
	__u32 guards = bg_task_guards();

	return guards ? bg_use(guards, sock, BG_HOOK_LSM_SENDMSG, BPF_CORE_READ(msg, msg_name)) : 0;
}

SEC("lsm/socket_listen")
int bg_lsm_listen(__u64 *ctx)
{
	struct socket *sock = (void *)ctx[0];

	return bg_use(bg_task_guards(), sock, BG_HOOK_LSM_LISTEN, 0);
}

/* A descriptor from elsewhere: SCM_RIGHTS, pidfd_getfd(). */
SEC("lsm/file_receive")
int bg_lsm_receive(__u64 *ctx)
{
	struct file *file = (void *)ctx[0];
	struct socket *sock = bg_file_socket(file);

	if (sock)
		return bg_use(bg_task_guards(), sock, BG_HOOK_LSM_RECEIVE, 0);
	return bg_answer(bg_leads_out(file, BG_HOOK_LSM_RECEIVE));
}

/* Attached before 6.5 only: splice() and sendfile() send there past socket_sendmsg. */
SEC("lsm/file_permission")
int bg_lsm_write(__u64 *ctx)
{
	struct file *file = (void *)ctx[0];
	__u32 guards = (int)ctx[1] & BG_MAY_WRITE ? bg_task_guards() : 0;
	struct socket *sock = guards ? bg_file_socket(file) : 0;

	return sock ? bg_use(guards, sock, BG_HOOK_LSM_WRITE, 0) : 0;
}

SEC("lsm/file_open")
int bg_lsm_open(__u64 *ctx)
{
	struct file *file = (void *)ctx[0];

	return bg_answer(bg_leads_out(file, BG_HOOK_LSM_OPEN));
}

/*
 * A child that is born in another cgroup. Which one cannot be seen here; who is refused falls back
 * to a plain fork, and a child that moves itself afterwards has to open cgroup.procs.
 */
SEC("lsm/task_alloc")
int bg_lsm_fork(__u64 *ctx)
{
	unsigned long clone_flags = ctx[1];
	__u32 guards;

	if (!(clone_flags & BG_CLONE_INTO_CGROUP))
		return 0;
	guards = bg_task_guards();
	return guards ? bg_answer(bg_judge_leave(guards, BG_HOOK_LSM_FORK, 0)) : 0;
}

SEC("lsm/inode_unlink")
int bg_lsm_unlink(__u64 *ctx)
{
	struct dentry *dentry = (void *)ctx[1];
	const struct bg_lsm *conf = bg_lsm_conf();

	return conf && bg_is_pin(conf, dentry) ? bg_protect(conf->slot, BG_HOOK_LSM_UNLINK) : 0;
}

SEC("lsm/inode_rmdir")
int bg_lsm_rmdir(__u64 *ctx)
{
	struct dentry *dentry = (void *)ctx[1];
	const struct bg_lsm *conf = bg_lsm_conf();
	int slot;

	if (!conf)
		return 0;
	if (bg_is_pin(conf, dentry))
		return bg_protect(conf->slot, BG_HOOK_LSM_RMDIR);
	slot = bg_guard_cgroup(conf, dentry);
	return slot >= 0 ? bg_protect(slot, BG_HOOK_LSM_RMDIR) : 0;
}

SEC("lsm/inode_rename")
int bg_lsm_rename(__u64 *ctx)
{
	struct dentry *from = (void *)ctx[1];
	struct dentry *to = (void *)ctx[3];
	const struct bg_lsm *conf = bg_lsm_conf();

	if (!conf || !(bg_is_pin(conf, from) || bg_is_pin(conf, to)))
		return 0;
	return bg_protect(conf->slot, BG_HOOK_LSM_RENAME);
}

SEC("lsm/sb_umount")
int bg_lsm_umount(__u64 *ctx)
{
	struct vfsmount *mnt = (void *)ctx[0];
	const struct bg_lsm *conf = bg_lsm_conf();

	return conf && bg_is_our_mount(conf, mnt) ? bg_protect(conf->slot, BG_HOOK_LSM_UMOUNT) : 0;
}

/* Over it, or again with other options. */
SEC("lsm/sb_mount")
int bg_lsm_mount(__u64 *ctx)
{
	const struct path *path = (void *)ctx[1];
	unsigned long flags = ctx[3];
	const struct bg_lsm *conf = bg_lsm_conf();

	if (!conf || (flags & BG_MS_PROPAGATION) ||
	    !bg_is_our_mount(conf, BPF_CORE_READ(path, mnt)))
		return 0;
	return bg_protect(conf->slot, BG_HOOK_LSM_MOUNT);
}

SEC("lsm/move_mount")
int bg_lsm_move(__u64 *ctx)
{
	const struct path *from = (const void *)ctx[0];
	const struct path *to = (const void *)ctx[1];
	const struct bg_lsm *conf = bg_lsm_conf();

	if (!conf || !(bg_is_our_mount(conf, BPF_CORE_READ(from, mnt)) ||
		       bg_is_our_mount(conf, BPF_CORE_READ(to, mnt))))
		return 0;
	return bg_protect(conf->slot, BG_HOOK_LSM_MOVE_MOUNT);
}

/* Both calls have the link's descriptor first. */
SEC("lsm/bpf")
int bg_lsm_bpf(__u64 *ctx)
{
	int cmd = ctx[0];
	union bpf_attr *attr = (void *)ctx[1];
	const struct bg_lsm *conf = bg_lsm_conf();
	__u32 fd = 0;

	if (!conf || (cmd != BPF_LINK_DETACH && cmd != BPF_LINK_UPDATE))
		return 0;
	if (bpf_probe_read_kernel(&fd, sizeof(fd), attr) || !bg_is_own_link(fd))
		return 0;
	return bg_protect(conf->slot, BG_HOOK_LSM_BPF);
}

/* A new descriptor of a map. Reading is free. */
SEC("lsm/bpf_map")
int bg_lsm_bpf_map(__u64 *ctx)
{
	struct bpf_map *map = (void *)ctx[0];
	unsigned int fmode = ctx[1];
	const struct bg_lsm *conf = bg_lsm_conf();

	if (!conf || !conf->dev || !(fmode & BG_FMODE_WRITE) || !bg_is_own_map(map))
		return 0;
	return bg_protect(conf->slot, BG_HOOK_LSM_BPF_MAP);
}

char LICENSE[] SEC("license") = "GPL";
