/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What others did to a guard, and how it is put right.
 *
 *   damage.c   what is no longer as `load` left it, part by part
 *   watch.c    a cheap look each second, and a second hold on the links
 *   mend.c     `load` of the policy that is in force, if it still is to be in force
 *   traps.c    what undoes a guard without touching it: for status and doctor
 */
#ifndef BPFGUARD_LOADER_TRAPS_H
#define BPFGUARD_LOADER_TRAPS_H

#include "loader/loader.h"

#define LOADER_MAX_DAMAGE 8

struct loader_damage {
	char what[LOADER_MAX_DAMAGE][160]; /* sentences without a remedy: it is to load again */
	size_t n;			   /* more than fit are counted only */
};

/*
 * Compares the pins, links, programs and maps with the record of the last load. true: something is
 * missing or other. Who holds the lock gets the truth; without it a load may be half-way.
 */
bool loader_damaged(struct loader_damage *ret);

/*
 * What is loaded now, to be compared with later. Holds every link of a guard's cgroup open, so that
 * they go on enforcing when somebody takes their pins away or unmounts the bpffs; `unload` detaches
 * them, so it ends enforcement all the same. -ENOENT: nothing is loaded.
 */
struct loader_watch;
int loader_watch_new(struct loader_watch **ret);
void loader_watch_free(struct loader_watch *w);
/* Some hundred short calls: for each second. Does not tell a load from an attack. */
bool loader_watch_same(const struct loader_watch *w);
/* Is the policy's text still noted, so that nobody has unloaded? */
bool loader_watch_wanted(void);
/* Does somebody hold the lock: is a load, reload, unload or mending at work? */
bool loader_busy(void);

/*
 * Under the lock: if something is damaged, loads policy `text` (canonical) again. 1: it is whole
 * again; 0: nothing was damaged; -ENOENT: it was unloaded; -ESTALE: another policy is in force or
 * noted; -EBUSY: a load is at it; else it could not be put right, and *err says why. `ret` is
 * filled whatever comes of it.
 */
int loader_mend(const struct loader_watch *w, const char *text, size_t len,
		struct loader_damage *ret, struct loader_error *err);

/*
 * Others' programs on the guard's cgroup and above it, of the kinds that can rewrite an address,
 * undo a refusal or keep ours from being attached.
 */
struct loader_other {
	uint32_t prog_id;
	char prog[16];	  /* its name */
	char type[24];	  /* "connect4" */
	char cgroup[256]; /* below the root */
	bool legacy;	  /* attached without a link, with no flag for more: no program below it */
	bool undoes;	  /* it turns our refusal of a call into success */
	bool override;	  /* one below it takes its place: it does not run in the guard */
};
typedef void (*loader_other_fn)(const struct loader_other *o, void *ctx);
void loader_each_other(const char *cgroup, loader_other_fn fn, void *ctx);

/* Does it call bpf_set_retval? false also when the kernel does not show it. */
bool loader_undoes_refusals(uint32_t prog_id);

/* Programs of ours on a cgroup whose links no pin of this instance leads to. */
unsigned int loader_count_lost(const char *cgroup, const struct loader_status *st);

/*
 * Before 5.16 one write to net_cls.classid or net_prio.ifpriomap switches cgroup2 socket matching
 * off for new sockets. mountinfo: the text of /proc/self/mountinfo.
 */
bool loader_net_cls_matters(const char *release, const char *mountinfo);
bool loader_net_cls_mounted(void); /* and matters, on this machine */

/* Inside the room. */
uint32_t loader_watch_accepted(const struct loader_watch *w); /* holes, enum bg_accepted */
const char *loader_watch_path(const struct loader_watch *w);  /* the policy's file */
/* Adds to st what is found, or to err when nothing can be read. */
void loader_add_traps(struct loader_status *st);
void loader_explain_lost(struct loader_error *err);

#endif /* BPFGUARD_LOADER_TRAPS_H */
