/* SPDX-License-Identifier: GPL-2.0-only */
/* Room loader, inside: what its files share. */
#ifndef BPFGUARD_LOADER_INTERNAL_H
#define BPFGUARD_LOADER_INTERNAL_H

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/base.h"
#include "loader/loader.h"

struct bpfguard_bpf;

/* Fills *err (if any) and returns `ret`. todo may be NULL. */
int loader_fail(struct loader_error *err, int ret, int exit_code, const char *what,
		const char *todo, const char *why_fmt, ...) __attribute__((format(printf, 6, 7)));
/* The last warning that libbpf gave, as one line; "" if none. For `why`. */
const char *loader_libbpf_said(void);

/* Our hooks: what is attached, in the order of attaching. The enforcing one comes first. */
struct loader_hook {
	enum bg_hook id;
	const char *name; /* file name of the pinned link */
	const char *prog; /* program in the skeleton */
	enum bpf_attach_type type;
};
extern const struct loader_hook loader_hooks[];
extern const size_t loader_n_hooks;

/* Paths in the pin directory. -ENAMETOOLONG. */
int loader_pin_path(char *ret, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int loader_guard_dir(char *ret, size_t size, unsigned int slot, const char *name);
/* Opens a pinned map or link; -errno. */
int loader_open_map(const char *name);
int loader_open_link(unsigned int slot, const char *guard, const char *hook);
/* The SLOT-NAME directories that exist under `sub`: calls fn(slot, name). */
int loader_each_slot_dir(const char *sub, int (*fn)(unsigned int slot, const char *name, void *ctx),
			 void *ctx);
int loader_each_guard_dir(int (*fn)(unsigned int slot, const char *name, void *ctx), void *ctx);
/* Removes a guard's links and directory: ends its enforcement. */
int loader_remove_guard(unsigned int slot, const char *name);

/* Removes everything that is pinned, links first. */
int loader_remove_all(void);

#define LOADER_LOCK_TIMEOUT_MS 10000
#define LOADER_HANG_TIMEOUT_MS 1000 /* of who renews leases meanwhile: a load takes 0.2 s */

/* One at a time. Waits at most timeout_ms; returns a descriptor that holds the lock. */
int loader_lock(int timeout_ms, struct loader_error *err);

/*
 * Everything that must be there before a program can be loaded; mounts bpffs if it has to. What is
 * missing and in `accept` (enum bg_accepted) is no refusal and comes back.
 */
int loader_check_system(uint32_t accept, uint32_t *ret_accepted, struct loader_error *err);
/* Makes the guard's cgroup if needed; returns an open directory descriptor. */
int loader_open_cgroup(const char *path, bool create, struct loader_error *err);

/* Every pinned map; bg_policy is the first. */
#define LOADER_MAPS                                                                                \
	"bg_policy", "bg_prefix", "bg_lease", "bg_counter", "bg_stat", "bg_last", "bg_event",      \
		"bg_stream", "bg_fold", "bg_owner", "bg_dns_orig", "bg_dns_local", "bg_manifest",  \
		"bg_uplink", "bg_port", "bg_mac", "bg_pause", "bg_task", "bg_inside", "bg_lsm",    \
		"bg_own"

struct loader_pinned {
	uint32_t id[24];
	size_t n;
};
/* Ids of the pinned maps in the order of LOADER_MAPS, 0 for one that is missing (-ENOENT). */
int loader_pinned_maps(struct loader_pinned *ret);
/* Does a program use pinned maps only (and constants of its own)? */
bool loader_uses_pinned(const uint32_t *maps, uint32_t n, const struct loader_pinned *pinned);
/* Id of the cgroup that the guard's path names now. */
int loader_guard_cgroup(const struct bg_guard *g, uint64_t *ret);
/* Is the guard attached as this binary would attach it? Anything missing or other: no. */
bool loader_guard_is_whole(unsigned int slot, const struct bg_guard *g);

/* The guard of this name and cgroup, with its slot, or NULL. */
const struct bg_guard *loader_find_guard(const struct loader_image *img, const struct bg_guard *g,
					 unsigned int *ret_slot);
/*
 * A guard that stays (same name, same cgroup) keeps its slot, with its programs and counters; a new
 * one gets the slot that an interrupted load gave it (ret_left) or one that nothing uses. -ENOSPC
 * cannot happen with a legal policy: there are twice as many slots as guards.
 */
int loader_settle_slots(const struct loader_image *have, struct loader_image *want,
			bool ret_left[BG_MAX_GUARDS], struct loader_error *err);

/* Inodes of the host's network namespaces: ours and PID 1's. */
int loader_host_netns(uint32_t ret[2]);

/* Hash of one compiled guard with its prefixes (generation and slot apart), into
 * guard[].policy_hash when stored. */
void loader_hash_guard(const struct loader_image *img, unsigned int slot, uint8_t ret[32]);

/* Hash of the guard's canonical text. */
int loader_hash_text(const struct policy_guard *g, uint8_t ret[32]);

/*
 * <run>/policy.yaml, see inforce.c: written beside its name (before anything is published), given
 * its name, given up, taken away. All under the lock.
 */
int loader_note_prepare(const struct policy *p, struct loader_error *err);
int loader_note_commit(struct loader_error *err);
void loader_note_drop(void);
int loader_note_remove(void);

/* Loads a set of programs for one slot on the pinned maps. */
int loader_open_set(unsigned int slot, bool with_flush, struct bpfguard_bpf **ret,
		    struct loader_error *err);
/* All objects in one. */
void loader_object_hash(uint8_t ret[32]);
/* Points an object's maps to the pinned ones, which it makes where there are none. */
int loader_share_maps(struct bpf_object *obj);
int loader_fail_load(struct loader_error *err, int ret);
/* Attaches or updates every hook of the slot to the programs of `set`, pinning each link. */
int loader_attach_set(struct bpfguard_bpf *set, unsigned int slot, const char *name, int cgroup_fd,
		      struct loader_error *err);
/* Writes the slot's manifest from the kernel's own word on the programs of `set`. */
int loader_write_manifest(struct bpfguard_bpf *set, unsigned int slot, const struct bg_guard *g,
			  int cgroup_fd, uint32_t accepted);

/*
 * The link's programs (loader/link_set.c). raise loads and pins them and swaps those that hang
 * somewhere; a guard that moved to another slot is hung up wherever its old programs are. remove
 * takes all down; a filter that cannot be reached is made to let everything pass.
 */
int loader_link_raise(unsigned int slot, const char *name, struct loader_error *err);
int loader_link_remove(unsigned int slot, const char *name);
int loader_link_tags(unsigned int slot, const char *name, struct bg_manifest *m);
bool loader_link_is_whole(unsigned int slot, const char *name, const struct bg_manifest *m,
			  const struct loader_pinned *pinned);
/* What an earlier guard in the slot left in the link's maps. */
int loader_link_clear(unsigned int slot);
/* The mark of loader_link_remove() must not outlive the next load. */
int loader_link_unrelease(unsigned int slot);
/* The places of a guard, for status. */
void loader_link_status(unsigned int slot, const char *name, struct loader_place_status *ret);

/* loader_load() of a policy that may replace another, by who holds the lock. */
int loader_load_held(const struct policy *p, const char *policy_path, uint32_t accept,
		     struct loader_error *err);
/* Is the policy what the kernel holds, guard by guard? */
bool loader_in_force(const struct policy *p, const struct loader_image *img);

/*
 * The LSM programs (loader/lsm.c). raise loads, attaches and pins the set where BPF LSM is active,
 * or finds it whole; the maps they judge by are written for each guard (guard, drop: its end) and
 * once for all (settle).
 */
int loader_lsm_raise(uint32_t accept, enum bg_lsm_state *ret_state, struct loader_error *err);
int loader_lsm_remove(void);
bool loader_lsm_is_whole(void);
int loader_lsm_guard(unsigned int slot, const struct bg_guard *g, int cgroup);
int loader_lsm_drop(unsigned int slot);
bool loader_lsm_guard_is_whole(unsigned int slot, uint64_t cgroup_id);
int loader_lsm_settle(const struct loader_image *want, enum bg_lsm_state state);
const void *loader_lsm_elf(size_t *ret_size);
/* Fills what status says of them; calls broken(ctx, sentence) for each thing that is not whole. */
void loader_lsm_status(struct loader_lsm_status *ret, const struct loader_pinned *pinned,
		       void (*broken)(void *ctx, const char *what), void *ctx);

/* Is the log's flush program pinned, where the kernel can run it at all? */
bool loader_flush_is_pinned(void);

/*
 * Publishes img as generation `generation`: prefixes first, then one swap. generation - 1 is the
 * one in force, or 0.
 */
int loader_publish(const struct loader_image *img, uint32_t generation, struct loader_error *err);
/* Removes prefixes of every generation but this one. */
int loader_drop_old_prefixes(uint32_t generation);

#endif /* BPFGUARD_LOADER_INTERNAL_H */
