// SPDX-License-Identifier: GPL-2.0-only
/* What is no longer as load left it. Compared with the kernel's own record: the manifest. */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "loader/internal.h"
#include "loader/traps.h"

__attribute__((format(printf, 2, 3))) static void damaged(struct loader_damage *d, const char *fmt,
							  ...)
{
	va_list args;

	if (d->n < LOADER_MAX_DAMAGE) {
		va_start(args, fmt);
		vsnprintf(d->what[d->n], sizeof(d->what[0]), fmt, args);
		va_end(args);
	}
	d->n++;
}

static void check_maps(struct loader_damage *d, const struct loader_pinned *pinned)
{
	static const char *const names[] = { LOADER_MAPS };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (!pinned->id[i])
			damaged(d, "the pin of map %s is gone", names[i]);
	if (!loader_flush_is_pinned())
		damaged(d, "the pin of the log's program is gone");
}

static void check_program(struct loader_damage *d, const struct bg_guard *g,
			  const struct loader_hook *hook, uint32_t id, const uint8_t tag[8],
			  const struct loader_pinned *pinned)
{
	_close_ int prog = bpf_prog_get_fd_by_id(id);
	__u32 maps[64], len = sizeof(struct bpf_prog_info);
	struct bpf_prog_info info = { .nr_map_ids = ARRAY_SIZE(maps), .map_ids = (uintptr_t)maps };

	if (prog < 0 || bpf_obj_get_info_by_fd(prog, &info, &len) ||
	    info.nr_map_ids > ARRAY_SIZE(maps))
		damaged(d, "guard %s: %s: its program cannot be read", g->name, hook->name);
	else if (memcmp(info.tag, tag, sizeof(info.tag)) != 0)
		damaged(d, "guard %s: %s: another program was put under its link", g->name,
			hook->name);
	else if (!loader_uses_pinned(maps, info.nr_map_ids, pinned))
		damaged(d, "guard %s: %s: works on a map that is not pinned", g->name, hook->name);
}

static void check_hook(struct loader_damage *d, unsigned int slot, const struct bg_guard *g,
		       const struct loader_hook *hook, const struct bg_manifest *m,
		       const struct loader_pinned *pinned)
{
	_close_ int link = loader_open_link(slot, g->name, hook->name);
	struct bpf_link_info info = { 0 };
	__u32 len = sizeof(info);

	if (link < 0)
		damaged(d, "guard %s: %s: the pin of its link is gone", g->name, hook->name);
	else if (bpf_obj_get_info_by_fd(link, &info, &len) || info.type != BPF_LINK_TYPE_CGROUP ||
		 info.cgroup.attach_type != hook->type)
		damaged(d, "guard %s: %s: its pin is another object", g->name, hook->name);
	else if (info.cgroup.cgroup_id != m->cgroup_id)
		damaged(d, "guard %s: %s: its link was detached", g->name, hook->name);
	else
		check_program(d, g, hook, info.prog_id, m->tag[hook->id], pinned);
}

static void check_guard(struct loader_damage *d, const struct loader_image *img, unsigned int slot,
			const struct loader_pinned *pinned)
{
	_close_ int manifests = loader_open_map("bg_manifest");
	const struct bg_guard *g = &img->guard[slot];
	struct bg_manifest m = { 0 };
	uint8_t hash[32];
	uint64_t cgroup;
	size_t i, before = d->n;

	if (manifests < 0)
		return; /* said of its pin */
	if (bpf_map_lookup_elem(manifests, &slot, &m)) {
		damaged(d, "guard %s: the record of what was loaded is gone", g->name);
		return;
	}
	if (loader_guard_cgroup(g, &cgroup)) {
		damaged(d, "guard %s: its cgroup %s was removed", g->name, g->cgroup);
	} else if (cgroup != m.cgroup_id) {
		damaged(d, "guard %s: its cgroup %s was removed and made again", g->name,
			g->cgroup);
	} else {
		for (i = 0; i < loader_n_hooks; i++)
			check_hook(d, slot, g, &loader_hooks[i], &m, pinned);
	}
	loader_hash_guard(img, slot, hash);
	if (memcmp(hash, g->policy_hash, sizeof(hash)) != 0)
		damaged(d, "guard %s: its policy in the kernel was changed", g->name);
	if (!loader_lsm_guard_is_whole(slot, m.cgroup_id))
		damaged(d, "guard %s: what BPF LSM knows of its cgroup was changed", g->name);
	if (g->flags & BG_G_LINK && d->n == before &&
	    !loader_link_is_whole(slot, g->name, &m, pinned))
		damaged(d, "guard %s: the link's programs are not those that were loaded", g->name);
}

static void lsm_damaged(void *ctx, const char *what)
{
	damaged(ctx, "%s", what);
}

bool loader_damaged(struct loader_damage *ret)
{
	struct loader_lsm_status lsm;
	struct loader_pinned pinned;
	struct loader_image *img = calloc(1, sizeof(*img));
	unsigned int slot;

	ret->n = 0;
	if (!img)
		return false;
	if (loader_read_image(img, NULL)) {
		damaged(ret,
			"the policy in force is gone from %s: its pins were removed, or the "
			"bpf file system was unmounted",
			base_pins_dir());
	} else {
		loader_pinned_maps(&pinned);
		check_maps(ret, &pinned);
		loader_lsm_status(&lsm, &pinned, lsm_damaged, ret);
		for (slot = 0; slot < BG_MAX_GUARDS; slot++)
			if (img->guard[slot].generation)
				check_guard(ret, img, slot, &pinned);
		loader_image_free(img);
	}
	free(img);
	return ret->n > 0;
}
