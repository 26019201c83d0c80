// SPDX-License-Identifier: GPL-2.0-only
/* Is a guard attached as this binary would attach it? */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "loader/internal.h"

int loader_guard_cgroup(const struct bg_guard *g, uint64_t *ret)
{
	char abs[PATH_MAX];
	int err = loader_cgroup_root(abs, sizeof(abs));
	size_t len;

	if (err)
		return err;
	len = strlen(abs);
	if (snprintf(abs + len, sizeof(abs) - len, "%s", g->cgroup) >= (int)(sizeof(abs) - len))
		return -ENAMETOOLONG;
	return loader_cgroup_id(abs, ret);
}

/* A map that is not ours to pin: constants of one set of programs. */
static bool is_internal_map(uint32_t id)
{
	_close_ int fd = bpf_map_get_fd_by_id(id);
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info);

	return fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &len) && strchr(info.name, '.');
}

int loader_pinned_maps(struct loader_pinned *ret)
{
	static const char *const names[] = { LOADER_MAPS };
	int err = 0;
	size_t i;

	memset(ret, 0, sizeof(*ret));
	_Static_assert(ARRAY_SIZE(names) <= ARRAY_SIZE(ret->id), "more maps than ids");
	ret->n = ARRAY_SIZE(names);
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		_close_ int fd = loader_open_map(names[i]);
		struct bpf_map_info info = { 0 };
		__u32 len = sizeof(info);

		if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len))
			err = fd < 0 ? fd : -errno;
		else
			ret->id[i] = info.id;
	}
	return err;
}

bool loader_uses_pinned(const uint32_t *maps, uint32_t n, const struct loader_pinned *pinned)
{
	uint32_t i;
	size_t k;

	for (i = 0; i < n; i++) {
		for (k = 0; k < pinned->n && pinned->id[k] != maps[i]; k++)
			;
		if (k == pinned->n && !is_internal_map(maps[i]))
			return false;
	}
	return true;
}

static bool hook_is_whole(unsigned int slot, const struct bg_guard *g,
			  const struct loader_hook *hook, const struct bg_manifest *m,
			  const struct loader_pinned *pinned)
{
	_close_ int link = loader_open_link(slot, g->name, hook->name), prog = -1;
	struct bpf_link_info info = { 0 };
	struct bpf_prog_info of = { 0 };
	__u32 len = sizeof(info), maps[64];

	if (link < 0 || bpf_obj_get_info_by_fd(link, &info, &len) ||
	    info.type != BPF_LINK_TYPE_CGROUP || info.cgroup.attach_type != hook->type ||
	    info.cgroup.cgroup_id != m->cgroup_id)
		return false;
	prog = bpf_prog_get_fd_by_id(info.prog_id);
	of.nr_map_ids = ARRAY_SIZE(maps);
	of.map_ids = (uintptr_t)maps;
	len = sizeof(of);
	return prog >= 0 && !bpf_obj_get_info_by_fd(prog, &of, &len) &&
	       of.nr_map_ids <= ARRAY_SIZE(maps) &&
	       !memcmp(of.tag, m->tag[hook->id], sizeof(of.tag)) &&
	       loader_uses_pinned(maps, of.nr_map_ids, pinned);
}

bool loader_guard_is_whole(unsigned int slot, const struct bg_guard *g)
{
	_close_ int map = loader_open_map("bg_manifest");
	struct loader_pinned pinned;
	struct bg_manifest m;
	uint8_t object[32];
	uint64_t cgroup;
	size_t i;

	loader_object_hash(object);
	if (map < 0 || bpf_map_lookup_elem(map, &slot, &m) || memcmp(m.object, object, 32))
		return false;
	/* the path's own cgroup: a removed one lives on, links and all, while a socket of it does
	 */
	if (loader_guard_cgroup(g, &cgroup) || cgroup != m.cgroup_id || loader_pinned_maps(&pinned))
		return false;
	if (!loader_lsm_guard_is_whole(slot, cgroup))
		return false;
	for (i = 0; i < loader_n_hooks; i++)
		if (!hook_is_whole(slot, g, &loader_hooks[i], &m, &pinned))
			return false;
	return !(g->flags & BG_G_LINK) || loader_link_is_whole(slot, g->name, &m, &pinned);
}
