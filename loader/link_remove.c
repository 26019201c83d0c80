// SPDX-License-Identifier: GPL-2.0-only
/* Taking a guard's link down, wherever it hangs. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "loader/link_internal.h"

/*
 * For a filter that nobody can reach any more, and so can neither replace nor delete. Only load
 * takes it back, for the guard that gets the slot next.
 */
#define RELEASED (~0ull)

static int release(unsigned int slot)
{
	_close_ int map = loader_open_map("bg_pause");
	uint64_t until = RELEASED;

	if (map < 0)
		return map == -ENOENT ? 0 : map;
	return bpf_map_update_elem(map, &slot, &until, BPF_ANY) ? -errno : 0;
}

int loader_link_unrelease(unsigned int slot)
{
	_close_ int map = loader_open_map("bg_pause");
	uint64_t until, never = 0;

	if (map < 0)
		return map;
	if (bpf_map_lookup_elem(map, &slot, &until))
		return -errno;
	if (until != RELEASED)
		return 0;
	return bpf_map_update_elem(map, &slot, &never, BPF_ANY) ? -errno : 0;
}

/* -ENOENT: no path leads to the namespace. A filter that has gone by itself is no error. */
static int detach_filter(unsigned int slot, const struct loader_at *at)
{
	_close_ int netns = loader_netns_open(at->netns);
	struct loader_visit visit;
	int err;

	if (netns < 0)
		return -ENOENT;
	err = loader_netns_enter(netns, &visit);
	if (err)
		return err;
	err = loader_clsact_detach(at, slot);
	loader_netns_leave(&visit);
	return err == -ENOENT || err == -ENODEV ? 0 : err;
}

static int take_down(unsigned int slot, const char *name, const struct loader_at *at, void *ctx)
{
	char path[PATH_MAX];
	int err = loader_at_path(path, sizeof(path), slot, name, at);

	(void)ctx;
	if (err)
		return err;
	if (at->tcx)
		return unlink(path) && errno != ENOENT ? -errno : 0;
	err = detach_filter(slot, at);
	if (err == -ENOENT)
		err = release(slot);
	if (err)
		return err;
	return rmdir(path) && errno != ENOENT ? -errno : 0;
}

int loader_link_remove(unsigned int slot, const char *name)
{
	static const char *const dirs[] = { "/links", "/filters", "" };
	char path[PATH_MAX];
	size_t i;
	int err;

	err = loader_each_at(slot, name, take_down, NULL);
	if (err)
		return err;
	loader_clsact_sweep(slot); /* also what was hung up and then forgotten */
	for (i = 0; i <= LOADER_PLACES; i++) {
		err = loader_pin_path(path, sizeof(path), "tc/%u-%s/%s", slot, name,
				      i < LOADER_PLACES ? loader_place_kinds[i].name : "new");
		if (!err && unlink(path) && errno != ENOENT)
			err = -errno;
		if (err)
			return err;
	}
	for (i = 0; i < ARRAY_SIZE(dirs); i++) {
		err = loader_pin_path(path, sizeof(path), "tc/%u-%s%s", slot, name, dirs[i]);
		if (!err && rmdir(path) && errno != ENOENT)
			err = -errno;
		if (err)
			return err;
	}
	return 0;
}
