/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Room loader: policy in, enforcement in the kernel; kernel's truth out. The only room that calls
 * libbpf. Prints nothing: errors come back as -errno plus a struct loader_error for people.
 *
 * Works on one instance, named by its pin directory (base_pins_dir()) and run directory (the lock).
 */
#ifndef BPFGUARD_LOADER_H
#define BPFGUARD_LOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/bpfguard.h"
#include "policy/policy.h"

/* One sentence each; exit_code is the CLI's (base.h). */
struct loader_error {
	int exit_code;
	char what[160];
	char why[320];
	char todo[320];
};

/* A policy compiled for the kernel. */
struct loader_prefix {
	struct bg_prefix_key key; /* scope holds the slot only until the generation is known */
	uint32_t line;
	uint32_t slot;
};

struct loader_image {
	struct bg_guard guard[BG_MAX_GUARDS]; /* generation == 0: empty slot */
	size_t n_guards;
	struct loader_prefix *prefix; /* those that do not fit inline */
	size_t n_prefix;
};

/* Guards get slots in file order; `policy_path` is remembered for `why`. Free with _free(). */
int loader_compile(const struct policy *p, const char *policy_path, struct loader_image *ret);
void loader_image_free(struct loader_image *img);

/*
 * The decision on a compiled or loaded image: the same function as in the kernel. lease NULL:
 * valid. now_ns is CLOCK_BOOTTIME. flow->hook BG_HOOK_EGRESS judges the packet, others the call.
 * host_netns NULL: the namespaces that the image holds.
 */
void loader_decide(const struct loader_image *img, unsigned int slot, const struct bg_flow *flow,
		   const struct bg_lease *lease, uint64_t now_ns, const uint32_t host_netns[2],
		   struct bg_decision *ret);

/*
 * DNS capture as the kernel does it: if the query would be sent to the guard's resolver instead,
 * rewrites the flow's destination and returns true.
 */
bool loader_capture(const struct loader_image *img, unsigned int slot, struct bg_flow *flow);

/*
 * A feature that the machine may lack and the user do without, by name (load
 * --accept-missing=NAME). Never by default: without the name a load that lacks it is refused.
 */
struct loader_hole {
	uint32_t bit; /* enum bg_accepted */
	const char *name;
	const char *open; /* what is not guarded then */
};
extern const struct loader_hole loader_holes[];
extern const size_t loader_n_holes;

/* One-shot: see loader/load.c for the steps and what an interruption at each leaves behind. */
enum loader_result { LOADER_LOADED, LOADER_UNCHANGED, LOADER_RELOADED, LOADER_DIFFERS };
/* accept: enum bg_accepted. What of it is really missing is noted in the kernel with the guard. */
int loader_load(const struct policy *p, const char *policy_path, bool reload, uint32_t accept,
		enum loader_result *ret, struct loader_error *err);
int loader_unload(struct loader_error *err);
/* Is everything there that a load would need? Loads nothing that outlives the call. */
int loader_dry_run(const struct policy *p, const char *policy_path, uint32_t accept,
		   struct loader_error *err);

/* The policy as loaded, read back from the kernel. -ENOENT: nothing is loaded. */
int loader_read_image(struct loader_image *ret, struct loader_error *err);
/* A number that changes with each policy put into force: cheap enough to ask for each second. */
int loader_generation(uint32_t *ret);
/*
 * The policy in force as it was written, from <run>/policy.yaml, checked against the kernel's
 * hashes. Free with policy_free(). -ENOENT: nothing is loaded; -ESTALE and others: something is,
 * but the file is not its text, so nobody can follow it.
 */
int loader_read_policy(struct policy **ret, struct loader_error *err);
int loader_read_lease(unsigned int slot, struct bg_lease *ret);
/* The kernel gives path (c) until CLOCK_BOOTTIME until_ns; state BG_VPN_DOWN closes it now. */
int loader_write_lease(unsigned int slot, const struct bg_lease *lease);

/* The cgroup2 mount, from /proc/self/mountinfo. -ENOENT: cgroup v1 only. */
int loader_cgroup_root(char *ret, size_t size);
/* Path below the root of a cgroup id, starting with '/'. -ENOENT: it is gone. */
int loader_cgroup_name(uint64_t id, char *ret, size_t size);
int loader_cgroup_id(const char *abs_path, uint64_t *ret);

/* ---- what the kernel says ---- */
#define LOADER_MAX_PROBLEMS 32

struct loader_hook_status {
	const char *name; /* connect4 */
	bool attached;
	uint32_t prog_id, link_id;
	char tag[17];
};

#define LOADER_N_PLACES	 4 /* enum loader_place */
#define LOADER_MAX_SPOTS 32

/* Somewhere that a program of the link was hung. */
struct loader_spot_status {
	uint32_t netns; /* inode */
	uint32_t ifindex;
	char device[BG_IFNAME]; /* as its namespace calls it; "" if it cannot be reached */
	bool attached;		/* the kernel says that the program runs there */
	bool tcx;		/* a link; else a filter of a clsact qdisc */
};

struct loader_place_status {
	const char *name; /* seal_port */
	bool pinned;
	uint32_t prog_id;
	char tag[17];
	struct loader_spot_status spot[LOADER_MAX_SPOTS];
	size_t n_spots; /* that were recorded; those behind LOADER_MAX_SPOTS are only counted */
	size_t n_attached;
};

/* BPF LSM: one set of programs for all guards. */
struct loader_lsm_status {
	enum bg_lsm_state state;
	const char *why; /* it is not active; "" if it is */
	struct loader_hook_status hook[BG_LSM_HOOKS];
	size_t n_hooks; /* that this kernel has a use for */
	size_t n_attached;
};

struct loader_guard_status {
	unsigned int slot;
	struct bg_guard config;
	struct bg_lease lease;
	struct bg_last last;
	uint64_t counter[BG_R_MAX]; /* summed over CPUs */
	struct loader_hook_status hook[BG_HOOK_MAX];
	size_t n_hooks;
	struct loader_place_status place[LOADER_N_PLACES];
	uint64_t paused_until_ns; /* CLOCK_BOOTTIME; 0: never paused */
	uint32_t accepted;	  /* enum bg_accepted: holes that whoever loaded it has accepted */
	uint64_t cgroup_id;	  /* 0: the cgroup is gone and enforcement with it */
};

struct loader_status {
	bool loaded;
	bool enforced; /* every hook of every guard attached, tag and maps as expected */
	struct loader_guard_status *guard;
	size_t n_guards;
	struct loader_lsm_status lsm;
	uint64_t stat[BG_STAT_MAX];
	uint64_t seq;
	char problem[LOADER_MAX_PROBLEMS][256]; /* each with what to do */
	size_t n_problems;
};

int loader_status(struct loader_status *ret, struct loader_error *err);
void loader_status_free(struct loader_status *st);

/* ---- the denied stream ---- */
struct loader_ring;
/* `ev` is a bg_event, or the head of a bg_event_dns when kind says so; valid during the call. */
typedef void (*loader_event_fn)(const struct bg_event *ev, size_t len, void *ctx);

/* Opens the pinned ring. There is one consumer: the caller holds the log lock. */
int loader_ring_open(loader_event_fn fn, void *ctx, struct loader_ring **ret);
int loader_ring_fd(const struct loader_ring *r); /* for epoll: readable when events wait */
/* Takes what is there, without waiting. Number of events or -errno. */
int loader_ring_consume(struct loader_ring *r);
/*
 * Makes events of folded repeats whose window is over (all: of every one), so that counts reach
 * the log although nothing more happens. -EOPNOTSUPP where the kernel cannot (before 5.14).
 */
int loader_ring_flush(struct loader_ring *r, bool all);
void loader_ring_free(struct loader_ring *r);
/* Sums over CPUs; arrays of BG_STAT_MAX and BG_MAX_GUARDS * BG_R_MAX. Either may be NULL. */
int loader_read_stats(uint64_t *stat, uint64_t *counter);

#endif /* BPFGUARD_LOADER_H */
