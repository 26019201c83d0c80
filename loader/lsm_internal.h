/* SPDX-License-Identifier: GPL-2.0-only */
/* Room loader, inside: what the files on BPF LSM share. */
#ifndef BPFGUARD_LOADER_LSM_INTERNAL_H
#define BPFGUARD_LOADER_LSM_INTERNAL_H

#include "loader/internal.h"

struct loader_lsm_hook {
	enum bg_hook id;
	const char *name; /* of the kernel's hook, and of the pinned link below <pins>/lsm/ */
	const char *prog; /* program in the skeleton */
	bool sendpage;	  /* needed only where sockets can be sent to past socket_sendmsg */
};
extern const struct loader_lsm_hook loader_lsm_hooks[BG_LSM_HOOKS];

/* Does the kernel run LSM programs, as far as can be known before one of ours is tried? */
enum bg_lsm_state loader_lsm_probe(void);
/* What of conf tells where the pins are and who may touch them. */
int loader_lsm_place(struct bg_lsm *conf);

int loader_lsm_read(struct bg_lsm *ret);
int loader_lsm_write(const struct bg_lsm *conf);
/* Opens a hook's pinned link. -ENOENT. */
int loader_lsm_open(const struct loader_lsm_hook *h, struct bpf_link_info *ret);
/* Is the link's program the one of conf, on pinned maps only? */
bool loader_lsm_hook_is_whole(const struct loader_lsm_hook *h, const struct bg_lsm *conf,
			      const struct loader_pinned *pinned, struct loader_hook_status *ret);

#endif /* BPFGUARD_LOADER_LSM_INTERNAL_H */
