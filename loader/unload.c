// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taking everything away: links first, so that nothing half-attached outlives its maps. A clsact
 * filter in a namespace to which no path leads any more stays, and keeps its maps: it is told to
 * let everything pass (a pause without end in its slot), since nobody could end its refusals later.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "loader/internal.h"

static int remove_guard(unsigned int slot, const char *name, void *ctx)
{
	(void)ctx;
	return loader_remove_guard(slot, name);
}

static int remove_link(unsigned int slot, const char *name, void *ctx)
{
	(void)ctx;
	return loader_link_remove(slot, name);
}

static void remove_empty(const char *sub)
{
	char path[PATH_MAX];

	if (!loader_pin_path(path, sizeof(path), "%s", sub))
		rmdir(path);
}

int loader_remove_all(void)
{
	static const char *const maps[] = { LOADER_MAPS };
	char path[PATH_MAX];
	size_t i;
	int err;

	err = loader_each_guard_dir(remove_guard, NULL);
	if (err)
		return err;
	remove_empty("guards");
	/* those whose guard's directory somebody else took away */
	err = loader_each_slot_dir("tc", remove_link, NULL);
	if (err)
		return err;
	remove_empty("tc");
	/* they keep everybody else's hands off all the rest, so they go last */
	err = loader_lsm_remove();
	if (err)
		return err;
	err = loader_pin_path(path, sizeof(path), "flush");
	if (!err && unlink(path) && errno != ENOENT)
		return -errno;
	for (i = 0; i < ARRAY_SIZE(maps); i++) {
		err = loader_pin_path(path, sizeof(path), "maps/%s", maps[i]);
		if (!err && unlink(path) && errno != ENOENT)
			return -errno;
	}
	remove_empty("maps");
	rmdir(base_pins_dir());
	return 0;
}

int loader_unload(struct loader_error *err)
{
	_close_ int lock = loader_lock(LOADER_LOCK_TIMEOUT_MS, err);
	int ret;

	if (lock < 0)
		return lock;
	if (access(base_pins_dir(), F_OK))
		return loader_fail(err, -ENOENT, EXIT_NOT_ENFORCED, "nothing is loaded", NULL,
				   "%s: %s", base_pins_dir(), strerror(errno));
	ret = loader_remove_all();
	if (ret)
		return loader_fail(err, ret, EXIT_NO, "cannot unload everything",
				   "see bpfguard status", "%s", strerror(-ret));
	ret = loader_note_remove();
	if (ret)
		return loader_fail(err, ret, EXIT_NO, base_run_dir(), "remove policy.yaml there",
				   "unloaded, but the policy's text stays: %s", strerror(-ret));
	return 0;
}
