/* SPDX-License-Identifier: GPL-2.0-only */
/* Room loader, inside: what the files of the link share. */
#ifndef BPFGUARD_LOADER_LINK_INTERNAL_H
#define BPFGUARD_LOADER_LINK_INTERNAL_H

#include "loader/internal.h"
#include "loader/link.h"

struct loader_place_kind {
	const char *name;
	const char *prog;
	enum bg_hook hook;
	bool egress;
};
extern const struct loader_place_kind loader_place_kinds[LOADER_PLACES];

/* Somewhere a program was hung. */
struct loader_at {
	enum loader_place where;
	uint32_t netns; /* inode */
	uint32_t ifindex;
	bool tcx;
};
typedef int (*loader_at_fn)(unsigned int slot, const char *name, const struct loader_at *at,
			    void *ctx);

int loader_link_dir(char *ret, size_t size, unsigned int slot, const char *name);
/* The guard whose programs are pinned for the slot. -ENOENT: none. */
int loader_link_find(unsigned int slot, char ret_name[BG_NAME]);
/* The pinned program. -ENOENT: none. */
int loader_link_open(unsigned int slot, const char *name, enum loader_place where,
		     struct bpf_prog_info *ret_info);
int loader_at_path(char *ret, size_t size, unsigned int slot, const char *name,
		   const struct loader_at *at);
/* Every recorded place of the guard; those that are no more are in it, too. */
int loader_each_at(unsigned int slot, const char *name, loader_at_fn fn, void *ctx);

/*
 * The calling thread into a namespace and back. enter: netns -1: it stays. leave does not return if
 * the thread cannot go back: what it did next would be done in the wrong network.
 */
struct loader_visit {
	int back; /* -1: never left */
};
int loader_netns_enter(int netns, struct loader_visit *ret);
void loader_netns_leave(struct loader_visit *v);
int loader_netns_inode(uint32_t *ret); /* of the calling thread */
/* A namespace by its inode: a process's or a mounted one. -ENOENT: nothing leads there. */
int loader_netns_open(uint32_t inode);

/* Both backends work in the calling thread's namespace. */
struct loader_spot {
	unsigned int slot;
	const char *name; /* of the guard */
	struct loader_at at;
	int prog;
	uint32_t prog_id;
};
/* -EOPNOTSUPP: this kernel has no tcx. */
int loader_tcx_attach(const struct loader_spot *s);
/* 1: runs there, 0: not, or -errno. */
int loader_tcx_check(const struct loader_spot *s);
/* Ifindex and program of a pinned link; ifindex 0: its device is gone. Returns the link. */
int loader_tcx_open(const char *path, uint32_t *ret_ifindex, uint32_t *ret_prog_id);
int loader_clsact_attach(const struct loader_spot *s);
int loader_clsact_check(const struct loader_spot *s);
/* Takes the filter away if its program works on our maps. -ENOENT: there is none. */
int loader_clsact_detach(const struct loader_at *at, unsigned int slot);
/* Takes away the slot's filters from every device of this namespace. */
void loader_clsact_sweep(unsigned int slot);

/* Hangs up or takes down at one spot, in the calling thread's namespace. */
int loader_spot_attach(const struct loader_spot *s);

#endif /* BPFGUARD_LOADER_LINK_INTERNAL_H */
