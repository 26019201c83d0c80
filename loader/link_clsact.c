// SPDX-License-Identifier: GPL-2.0-only
/*
 * clsact, where there is no tcx: a filter of the first priority with a handle of our own, so that
 * the same call that makes it swaps its program in place (cls_bpf_change(), net/sched/cls_bpf.c).
 * Whoever deletes the qdisc deletes it: the monitor looks.
 */
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "loader/link_internal.h"

#define FIRST_PRIORITY 1

static uint32_t handle_of(const struct loader_at *at, unsigned int slot)
{
	return 0xb6000000u | slot << 8 | (at->where + 1);
}

static void hook_of(const struct loader_at *at, struct bpf_tc_hook *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->sz = sizeof(*ret);
	ret->ifindex = at->ifindex;
	ret->attach_point = loader_place_kinds[at->where].egress ? BPF_TC_EGRESS : BPF_TC_INGRESS;
}

static int query(const struct loader_at *at, unsigned int slot, uint32_t *ret_prog_id)
{
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = handle_of(at, slot), .priority = FIRST_PRIORITY);
	struct bpf_tc_hook hook;
	int err;

	hook_of(at, &hook);
	err = bpf_tc_query(&hook, &opts);
	if (err)
		return err;
	*ret_prog_id = opts.prog_id;
	return 0;
}

int loader_clsact_attach(const struct loader_spot *s)
{
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = handle_of(&s->at, s->slot),
		    .priority = FIRST_PRIORITY, .prog_fd = s->prog, .flags = BPF_TC_F_REPLACE);
	struct bpf_tc_hook hook;
	uint32_t id;
	int err;

	if (!query(&s->at, s->slot, &id) && id == s->prog_id)
		return 0;
	hook_of(&s->at, &hook);
	err = bpf_tc_hook_create(&hook);
	if (err && err != -EEXIST)
		return err;
	return bpf_tc_attach(&hook, &opts);
}

int loader_clsact_check(const struct loader_spot *s)
{
	uint32_t id;
	int err = query(&s->at, s->slot, &id);

	/* without a qdisc the kernel says EINVAL */
	if (err == -ENOENT || err == -EINVAL)
		return 0;
	return err ? err : id == s->prog_id;
}

/* Of this instance? Another's guard may sit in a slot of the same number. */
static bool works_on_our_maps(uint32_t prog_id)
{
	_close_ int prog = bpf_prog_get_fd_by_id(prog_id), policy = loader_open_map("bg_policy");
	struct bpf_map_info map = { 0 };
	struct bpf_prog_info of = { 0 };
	__u32 maps[64], len = sizeof(map), i;

	if (prog < 0 || policy < 0 || bpf_obj_get_info_by_fd(policy, &map, &len))
		return false;
	of.nr_map_ids = ARRAY_SIZE(maps);
	of.map_ids = (uintptr_t)maps;
	len = sizeof(of);
	if (bpf_obj_get_info_by_fd(prog, &of, &len))
		return false;
	for (i = 0; i < of.nr_map_ids && i < ARRAY_SIZE(maps); i++)
		if (maps[i] == map.id)
			return true;
	return false;
}

int loader_clsact_detach(const struct loader_at *at, unsigned int slot)
{
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = handle_of(at, slot), .priority = FIRST_PRIORITY);
	struct bpf_tc_hook hook;
	uint32_t id;
	int err = query(at, slot, &id);

	if (err == -EINVAL || err == -ENODEV)
		return -ENOENT;
	if (err)
		return err;
	if (!works_on_our_maps(id))
		return -ENOENT;
	hook_of(at, &hook);
	return bpf_tc_detach(&hook, &opts);
}

void loader_clsact_sweep(unsigned int slot)
{
	struct if_nameindex *all = if_nameindex();
	size_t i;

	for (i = 0; all && all[i].if_index; i++) {
		struct loader_at at = { .ifindex = all[i].if_index };
		int where;

		for (where = 0; where < LOADER_PLACES; where++) {
			at.where = where;
			loader_clsact_detach(&at, slot);
		}
	}
	if_freenameindex(all);
}
