/* SPDX-License-Identifier: GPL-2.0-only */
/* The contract's part on BPF LSM; included by bpf/bpfguard.h, after the hooks. */
#ifndef BPFGUARD_LSM_H
#define BPFGUARD_LSM_H

/* How BPF LSM was found by the last load. */
enum bg_lsm_state {
	BG_LSM_UNKNOWN = 0,	/* never looked */
	BG_LSM_NOT_ACTIVE = 1,	/* the kernel would load the programs and never run them */
	BG_LSM_UNAVAILABLE = 2, /* the kernel refuses even an empty program */
	BG_LSM_UNREADABLE = 3,	/* it could not be found out */
	BG_LSM_FAILED = 4,	/* active, but ours could not be attached, and that was accepted */
	BG_LSM_ACTIVE = 5,
};

#define BG_LSM_HOOKS (BG_HOOK_LSM_END - BG_HOOK_LSM_FIRST)
#define BG_LSM_ABOVE 4

/*
 * What the LSM programs protect, by the kernel's own numbers; zeroed: nothing. The second half is
 * for status.
 */
struct bg_lsm {
	__u32 n_slots;		   /* every guard's slot is below */
	__u32 slot;		   /* where tampering that concerns no single guard is counted */
	__u32 dev;		   /* s_dev of the bpf file system that holds the pins; 0: none */
	__u32 mount[2];		   /* its mount, as the loader and as PID 1 see it */
	__u32 pidns[2];		   /* where bpfguard is let in from: the loader's, PID 1's */
	__u32 state;		   /* enum bg_lsm_state */
	__u64 pins;		   /* inode of the pin directory */
	__u64 above[BG_LSM_ABOVE]; /* and of what it lies in, up to the file system's root */
	__u8 object[32];	   /* SHA-256 of the BPF objects */
	__u8 tag[BG_LSM_HOOKS]
		[8]; /* by hook; zeroed: this kernel has no such hook, or needs none */
};

/* A guard's cgroup, for sockets: theirs must be this one or below it. Zeroed: every one is foreign.
 */
struct bg_inside {
	__u64 id;
	__u32 level; /* below the root, which is 0 */
	__u32 pad;
};

#ifndef BG_BPF
_Static_assert(sizeof(struct bg_lsm) == 32 + 8 + 8 * BG_LSM_ABOVE + 32 + 8 * BG_LSM_HOOKS,
	       "struct bg_lsm has a hole");
_Static_assert(sizeof(struct bg_inside) == 16, "struct bg_inside has a hole");
#endif

#endif /* BPFGUARD_LSM_H */
