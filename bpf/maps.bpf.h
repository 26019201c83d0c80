/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every map, with who writes it and what happens when an entry is missing or the map is full. For
 * an enforcer the answer is always the same: the packet is denied.
 *
 * Weak: each .bpf.c that includes this file brings the same maps, the linker keeps one copy.
 */
#ifndef BPFGUARD_MAPS_BPF_H
#define BPFGUARD_MAPS_BPF_H

#include "bpf/bpfguard.h"

#define BG_MAP SEC(".maps") __attribute__((weak))

/* Set before load, one set of programs a guard. */
extern const volatile __u32 bg_slot;

/* One generation: slot -> guard. Filled before it is published, never written after. */
struct bg_generation_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BG_MAX_GUARDS);
	/* sizes, not types: clang leaves the type behind a nested pointer as a forward declaration
	 */
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct bg_guard));
};

/*
 * [0] -> the generation in force. The loader swaps it in one system call, for every hook of every
 * guard at once. Empty (nothing published yet, or a load was interrupted): not_loaded, a deny.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct bg_generation_map);
} bg_policy BG_MAP;

/*
 * Local prefixes that do not fit inline, of the generation in force and of the next. The loader
 * fills the next one's before it is published. Missing entry: not local, a deny. Full: the loader
 * refuses the new policy and the old one stays.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, BG_MAX_PREFIXES);
	__type(key, struct bg_prefix_key);
	__type(value, struct bg_prefix_value);
} bg_prefix BG_MAP;

/* slot -> lease. Written by the monitor (or by load, with `lease: off`). Zeroed: down, a deny. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BG_MAX_GUARDS);
	__type(key, __u32);
	__type(value, struct bg_lease);
} bg_lease BG_MAP;

/* slot -> what was loaded. Read and written by user space only; decides nothing. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BG_MAX_GUARDS);
	__type(key, __u32);
	__type(value, struct bg_manifest);
} bg_manifest BG_MAP;

/* slot * BG_R_MAX + reason -> packets, per CPU: exact, never sampled. Cannot be missing or full. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, BG_MAX_GUARDS *BG_R_MAX);
	__type(key, __u32);
	__type(value, struct bg_counter);
} bg_counter BG_MAP;

/* Health of the stream. Says what was lost; decides nothing. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, BG_STAT_MAX);
	__type(key, __u32);
	__type(value, __u64);
} bg_stat BG_MAP;

/* The last denial of each guard, for status. Decides nothing. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BG_MAX_GUARDS);
	__type(key, __u32);
	__type(value, struct bg_last);
} bg_last BG_MAP;

/* Denials on their way to the log. Full: the event is lost, its count goes into the next one of its
 * kind, the gap in seq tells; the packet is denied all the same.
 */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, BG_RING_BYTES);
} bg_event BG_MAP;

struct bg_stream_lock {
	struct bpf_spin_lock lock;
	__u32 pad;
	__u64 seq;
};

/* [0] -> the number of the last event. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bg_stream_lock);
} bg_stream BG_MAP;

/* Folds repeats. Full: the oldest entry goes (its unsent count stays in bg_counter). */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, BG_FOLD_ENTRIES);
	__type(key, struct bg_fold_key);
	__type(value, struct bg_fold);
} bg_fold BG_MAP;

/* Who made a socket. Missing (socket older than the guard, no memory): the event names no process.
 */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct bg_owner);
} bg_owner BG_MAP;

/* What a captured DNS socket asked for. Missing: the answer shows the resolver's own address. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct bg_dns_orig);
} bg_dns_orig BG_MAP;

/*
 * dns.mode local-names: threads whose last query was for a single-label name -> until when (boot
 * clock) their next may go to Docker's resolver. Missing or full: the query goes to the gateway.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u64);
} bg_dns_local BG_MAP;

/*
 * slot -> where the gateway's own packets may go. Written by the monitor; a hash, so that an update
 * fills another element and puts it in the place of the old one: a program sees the list before or
 * the list after it (a second update within one run of a program may use the old element again:
 * both lists are the monitor's). Missing or full: all denied.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, BG_MAX_GUARDS);
	__type(key, __u32);
	__type(value, struct bg_uplink);
} bg_uplink BG_MAP;

/* ifindex on the host -> what hangs there. Written by the monitor. Missing or full: all denied. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, BG_MAX_PORTS);
	__type(key, __u32);
	__type(value, struct bg_port);
} bg_port BG_MAP;

/*
 * MACs that the ports of a slot may send to: the gateway's and their peers'. Written by the
 * monitor. Missing or full: a frame to it is denied.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, BG_MAX_MACS);
	__type(key, struct bg_mac_key);
	__type(value, __u32);
} bg_mac BG_MAP;

/*
 * slot -> until when (boot clock) the guard is paused. Written by `bpfguard pause`, cleared by its
 * end, by a new guard in the slot and by a reboot. Zeroed: not paused. It cannot be missing or
 * full.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BG_MAX_GUARDS);
	__type(key, __u32);
	__type(value, __u64);
} bg_pause BG_MAP;

/*
 * The maps of bpf/lsm.bpf.c, written by the loader. All of it is for tasks inside of a guard or for
 * whoever touches the guard: nothing that is missing here refuses anything to others.
 *
 * slot -> the guard's cgroup, to tell whether a task is inside. Missing: its tasks are judged by
 * the other hooks and the link only, and status says so.
 */
struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_ARRAY);
	__uint(max_entries, BG_MAX_GUARDS);
	__type(key, __u32);
	__type(value, __u32);
} bg_task BG_MAP;

/* slot -> the same cgroup, to tell where a socket comes from. Zeroed: every socket is foreign. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BG_MAX_GUARDS);
	__type(key, __u32);
	__type(value, struct bg_inside);
} bg_inside BG_MAP;

/* [0] -> what is protected. Zeroed: nothing is. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bg_lsm);
} bg_lsm BG_MAP;

/* Ids of our maps, and so of programs that use them. Missing: that map is not protected. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, BG_MAX_OWN);
	__type(key, __u32);
	__type(value, __u32);
} bg_own BG_MAP;

#endif /* BPFGUARD_MAPS_BPF_H */
