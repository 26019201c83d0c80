// SPDX-License-Identifier: GPL-2.0-only
/* The maps that the LSM programs judge by. Kept also where none runs: they cost nothing there. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "loader/lsm_internal.h"

#define HOST_CGROUP_ID 1 /* see loader/system.c */

/* Below the root; 0: not known, inside of a cgroup namespace. */
static uint32_t cgroup_level(const char *path)
{
	uint32_t level = 0;
	char root[PATH_MAX];
	uint64_t id;

	if (loader_cgroup_root(root, sizeof(root)) || loader_cgroup_id(root, &id) ||
	    id != HOST_CGROUP_ID)
		return 0;
	for (; *path; path++)
		level += *path == '/' && path[1] && path[1] != '/';
	return level;
}

static int write_inside(unsigned int slot, const struct bg_inside *in, int cgroup)
{
	_close_ int inside = loader_open_map("bg_inside");
	_close_ int task = loader_open_map("bg_task");
	__u32 fd = cgroup;

	if (inside < 0 || task < 0)
		return inside < 0 ? inside : task;
	/* first where sockets come from: the other way round all of them would be foreign */
	if (cgroup >= 0 && bpf_map_update_elem(inside, &slot, in, BPF_ANY))
		return -errno;
	if (cgroup >= 0)
		return bpf_map_update_elem(task, &slot, &fd, BPF_ANY) ? -errno : 0;
	if (bpf_map_delete_elem(task, &slot) && errno != ENOENT)
		return -errno;
	return bpf_map_update_elem(inside, &slot, in, BPF_ANY) ? -errno : 0;
}

int loader_lsm_guard(unsigned int slot, const struct bg_guard *g, int cgroup)
{
	struct bg_inside in = { .level = cgroup_level(g->cgroup) };
	uint64_t id;
	struct bg_lsm conf = { 0 };
	int err = loader_guard_cgroup(g, &id);

	in.id = id;
	if (!err)
		err = write_inside(slot, &in, cgroup);
	if (!err)
		err = loader_lsm_read(&conf);
	if (err || conf.n_slots > slot)
		return err;
	conf.n_slots = slot + 1;
	return loader_lsm_write(&conf);
}

int loader_lsm_drop(unsigned int slot)
{
	static const struct bg_inside none;
	int err = write_inside(slot, &none, -1);

	return err == -ENOENT ? 0 : err; /* no maps: nothing was ever loaded */
}

bool loader_lsm_guard_is_whole(unsigned int slot, uint64_t cgroup_id)
{
	_close_ int inside = loader_open_map("bg_inside");
	struct bg_inside in;

	return inside >= 0 && !bpf_map_lookup_elem(inside, &slot, &in) && in.id == cgroup_id;
}

/* Ids of the maps that are pinned now, and no others. */
static int write_own(void)
{
	_close_ int own = loader_open_map("bg_own");
	struct loader_pinned pinned;
	__u32 key, old, one = 1, n = 0;
	__u32 stale[BG_MAX_OWN];
	void *from = NULL;
	size_t i;

	if (own < 0)
		return own;
	loader_pinned_maps(&pinned);
	while (n < BG_MAX_OWN && !bpf_map_get_next_key(own, from, &key)) {
		for (i = 0; i < pinned.n && pinned.id[i] != key; i++)
			;
		if (i == pinned.n)
			stale[n++] = key;
		old = key;
		from = &old;
	}
	while (n)
		bpf_map_delete_elem(own, &stale[--n]);
	for (i = 0; i < pinned.n; i++)
		if (pinned.id[i] && bpf_map_update_elem(own, &pinned.id[i], &one, BPF_ANY))
			return -errno;
	return 0;
}

int loader_lsm_settle(const struct loader_image *want, enum bg_lsm_state state)
{
	struct bg_lsm conf;
	unsigned int slot;
	int err = loader_lsm_read(&conf);

	if (!err)
		err = loader_lsm_place(&conf);
	if (err)
		return err;
	conf.state = state;
	if (state != BG_LSM_ACTIVE)
		memset(conf.tag, 0, sizeof(conf.tag));
	for (slot = BG_MAX_GUARDS; slot--;)
		if (want->guard[slot].generation)
			conf.slot = slot;
	/* who may touch the maps must be known before they are protected, from us as well */
	err = loader_lsm_write(&conf);
	return err ? err : write_own();
}
