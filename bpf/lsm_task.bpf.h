/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who calls: a task inside of a guard, bpfguard itself, or anybody else. What cannot be read makes
 * a task neither, so that nothing is refused to strangers, and nothing of ours is left to them.
 */
#ifndef BPFGUARD_LSM_TASK_BPF_H
#define BPFGUARD_LSM_TASK_BPF_H

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "bpf/event.bpf.h"

#define BG_S_IFMT	0170000
#define BG_S_IFSOCK	0140000
#define BG_OTHERS_WRITE 022

/*
 * The kernel's hooks take 0 or a negative errno. Behind the barrier, because clang makes of a
 * choice between the two a negation, behind which Linux 6.12 no longer knows the range.
 */
BG_INLINE int bg_answer(bool refused)
{
	int ret = 0;

	if (refused) {
		ret = -1; /* EPERM */
		asm volatile("" : "+r"(ret));
	}
	return ret;
}

/* The verifier forbids arithmetic on some pointers; read back from the stack they are numbers. */
BG_INLINE void *bg_plain(const void *p)
{
	void *plain = 0;

	bpf_probe_read_kernel(&plain, sizeof(plain), &p);
	return plain;
}

BG_INLINE const struct bg_lsm *bg_lsm_conf(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&bg_lsm, &zero);
}

BG_INLINE struct task_struct *bg_task_now(void)
{
	return (struct task_struct *)bpf_get_current_task();
}

/*
 * The guards that the calling task is inside of, one bit a slot. What every task on the machine
 * pays: a lookup in an array and one call a guard. Without a branch for the answer (1; 0 or a
 * negative errno), of which the verifier would walk 2^32 combinations.
 */
BG_INLINE __u32 bg_task_guards(void)
{
	const struct bg_lsm *conf = bg_lsm_conf();
	__u32 slot, guards = 0;
	__u64 in;

	if (!conf)
		return 0;
	for (slot = 0; slot < BG_MAX_GUARDS; slot++) {
		if (slot >= conf->n_slots)
			break;
		in = bpf_current_task_under_cgroup(&bg_task, slot);
		asm volatile("" : "+r"(in));
		guards |= (__u32)(in & ~(in >> 63) & 1) << slot;
	}
	return guards;
}

/* Is a cgroup the guard's or below it? `cgrp` is a plain number; 0, and what cannot be read: no. */
BG_INLINE bool bg_is_inside(const struct cgroup *cgrp, __u32 slot)
{
	const struct bg_inside *in = bpf_map_lookup_elem(&bg_inside, &slot);
	const struct cgroup *at = 0;
	__u32 level;
	__u64 id = 0;

	if (!in || !in->id || !cgrp)
		return false;
	level = in->level;
	if (level > (__u32)BPF_CORE_READ(cgrp, level))
		return false;
	if (bpf_core_field_exists(struct cgroup___ids, ancestor_ids)) {
		bpf_probe_read_kernel(
			&id, sizeof(id),
			(void *)cgrp + bpf_core_field_offset(struct cgroup___ids, ancestor_ids) +
				level * sizeof(id));
		return id == in->id;
	}
	bpf_probe_read_kernel(&at, sizeof(at),
			      (void *)cgrp +
				      bpf_core_field_offset(struct cgroup___ptrs, ancestors) +
				      level * sizeof(at));
	return at && BPF_CORE_READ(at, kn, id) == in->id;
}

/*
 * bpfguard itself: a program file of that name that only root can have written, run on the host by
 * somebody who is not inside of a guard. The file and not its inode, so that it may be replaced by
 * a newer one. Root on the host can be all of this; a container cannot, it has its own pids.
 */
BG_INLINE bool bg_is_bpfguard(void)
{
	const struct bg_lsm *conf = bg_lsm_conf();
	struct task_struct *task = bg_task_now();
	__u32 pidns = BPF_CORE_READ(task, nsproxy, pid_ns_for_children, ns.inum);
	const struct file *exe;
	const unsigned char *at;
	char name[16] = {};

	if (!conf || !pidns || (pidns != conf->pidns[0] && pidns != conf->pidns[1]))
		return false;
	exe = BPF_CORE_READ(task, mm, exe_file);
	if (!exe || BPF_CORE_READ(exe, f_inode, i_uid.val) ||
	    (BPF_CORE_READ(exe, f_inode, i_mode) & BG_OTHERS_WRITE))
		return false;
	at = BPF_CORE_READ(exe, f_path.dentry, d_name.name);
	if (bpf_probe_read_kernel_str(name, sizeof(name), at) != sizeof("bpfguard"))
		return false;
	return *(__u64 *)name == *(const __u64 *)"bpfguard" && !bg_task_guards();
}

#endif /* BPFGUARD_LSM_TASK_BPF_H */
