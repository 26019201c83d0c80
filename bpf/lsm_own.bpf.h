/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is ours: pins, the bpf file system that holds them, links, maps, the guards' cgroups; and
 * the ways by which a task leaves its guard.
 */
#ifndef BPFGUARD_LSM_OWN_BPF_H
#define BPFGUARD_LSM_OWN_BPF_H

#include "bpf/lsm_task.bpf.h"
#include "bpf/lsm_sock.bpf.h"

#define BG_CGROUP2     0x63677270 /* s_magic */
#define BG_PINS_DEEP   6	  /* <pins>/tc/SLOT-NAME/links/NAME, and one to spare */
#define BG_USED_MAPS   32
#define BG_FMODE_WRITE 2

BG_INLINE bool bg_is_own_map(const struct bpf_map *map)
{
	__u32 id = BPF_CORE_READ(map, id);

	return bpf_map_lookup_elem(&bg_own, &id) != 0;
}

/* Below the pin directory, or what that lies in. Asked of each file that is removed: so the file
 * system first. */
BG_INLINE bool bg_is_pin(const struct bg_lsm *conf, const struct dentry *dentry)
{
	const struct dentry *d = bg_plain(dentry), *up;
	__u64 ino;
	int i;

	if (!conf->dev || BPF_CORE_READ(d, d_sb, s_dev) != conf->dev)
		return false;
	ino = BPF_CORE_READ(d, d_inode, i_ino);
	for (i = 0; ino && i < BG_LSM_ABOVE; i++)
		if (conf->above[i] == ino)
			return true;
	for (i = 0; i < BG_PINS_DEEP; i++) {
		if (BPF_CORE_READ(d, d_inode, i_ino) == conf->pins)
			return true;
		up = BPF_CORE_READ(d, d_parent);
		if (up == d)
			break;
		d = up;
	}
	return false;
}

/* The mount through which the pins are reached, of all the mounts of that file system. */
BG_INLINE bool bg_is_our_mount(const struct bg_lsm *conf, const struct vfsmount *mnt)
{
	const struct mount *m = bg_plain(mnt);
	__u32 id;

	if (!conf->dev || !m)
		return false;
	if (BPF_CORE_READ((const struct vfsmount *)m, mnt_sb, s_dev) != conf->dev)
		return false;
	m = (const void *)m - bpf_core_field_offset(struct mount, mnt);
	id = BPF_CORE_READ(m, mnt_id);
	return id && (id == conf->mount[0] || id == conf->mount[1]);
}

/* Refused to all but bpfguard; counted with the guard in `slot`. */
BG_INLINE int bg_protect(__u32 slot, __u32 hook)
{
	if (bg_is_bpfguard())
		return 0;
	return bg_answer(bg_lsm_refuse(slot, BG_R_TAMPER << 8 | hook, 0, 0));
}

/* Removing it ends what is attached there, and one made again under its name is bare. -1: no. */
BG_INLINE int bg_guard_cgroup(const struct bg_lsm *conf, const struct dentry *dentry)
{
	__u32 slot;
	__u64 ino;

	if (BPF_CORE_READ(dentry, d_sb, s_magic) != BG_CGROUP2)
		return -1;
	ino = BPF_CORE_READ(dentry, d_inode, i_ino);
	for (slot = 0; slot < BG_MAX_GUARDS; slot++) {
		__u32 key = slot;
		const struct bg_inside *in;

		if (slot >= conf->n_slots)
			break;
		in = bpf_map_lookup_elem(&bg_inside, &key);
		if (in && in->id && in->id == ino)
			return slot;
	}
	return -1;
}

/*
 * A descriptor of the calling task that is a link whose program works on our maps. What is no link
 * is read as if it were one: the call fails on it anyway.
 */
BG_INLINE bool bg_is_own_link(__u32 fd)
{
	struct fdtable *table = BPF_CORE_READ(bg_task_now(), files, fdt);
	struct bpf_prog_aux *aux;
	struct bpf_map **maps;
	struct bpf_link *link;
	struct file **files, *file = 0;
	__u32 i, n;

	if (fd >= BPF_CORE_READ(table, max_fds))
		return false;
	files = BPF_CORE_READ(table, fd);
	bpf_probe_read_kernel(&file, sizeof(file), files + fd);
	if (!file)
		return false;
	link = BPF_CORE_READ(file, private_data);
	aux = BPF_CORE_READ(link, prog, aux);
	n = BPF_CORE_READ(aux, used_map_cnt);
	maps = BPF_CORE_READ(aux, used_maps);
	for (i = 0; i < BG_USED_MAPS && i < n; i++) {
		struct bpf_map *map = 0;

		bpf_probe_read_kernel(&map, sizeof(map), maps + i);
		if (map && bg_is_own_map(map))
			return true;
	}
	return false;
}

/*
 * A file of the cgroup file system, open for writing, that does not belong to a cgroup inside of
 * the guards: by its cgroup.procs a process would leave them.
 */
int bg_judge_leave_at(__u32 slot, __u32 hook, __u64 cgroup);

__noinline int bg_judge_leave_at(__u32 slot, __u32 hook, __u64 cgroup)
{
	if (bg_is_inside((const struct cgroup *)cgroup, slot))
		return 0;
	return bg_lsm_refuse(slot, BG_R_TAMPER << 8 | hook, 0, 0);
}

int bg_judge_leave(__u32 guards, __u32 hook, __u64 cgroup);

__noinline int bg_judge_leave(__u32 guards, __u32 hook, __u64 cgroup)
{
	int refused = 0;
	__u32 slot;

	for (slot = 0; slot < BG_MAX_GUARDS; slot++)
		if ((guards >> slot & 1) && bg_judge_leave_at(slot, hook, cgroup))
			refused = 1;
	return refused;
}

BG_INLINE bool bg_leads_out(struct file *file, __u32 hook)
{
	struct kernfs_node *kn;
	__u32 guards;

	if (!(BPF_CORE_READ(file, f_mode) & BG_FMODE_WRITE) ||
	    BPF_CORE_READ(file, f_inode, i_sb, s_magic) != BG_CGROUP2)
		return false;
	guards = bg_task_guards();
	if (!guards)
		return false;
	kn = BPF_CORE_READ(file, f_path.dentry, d_parent, d_inode, i_private);
	return bg_judge_leave(guards, hook, (__u64)BPF_CORE_READ(kn, priv));
}

#endif /* BPFGUARD_LSM_OWN_BPF_H */
