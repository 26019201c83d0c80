// SPDX-License-Identifier: GPL-2.0-only
/*
 * The link's programs of one guard: load them, pin them, and put them in the place of those that
 * hang somewhere. A pin is replaced by a rename and a program in its place by one call, so that a
 * death in between leaves the old program or the new one, never none.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "loader/link_internal.h"
#include "link.skel.h"

static int make_dirs(unsigned int slot, const char *name)
{
	static const char *const subs[] = { "", "/links", "/filters" };
	char path[PATH_MAX];
	size_t i;
	int err;

	err = loader_pin_path(path, sizeof(path), "tc");
	if (!err && mkdir(path, 0700) && errno != EEXIST)
		err = -errno;
	for (i = 0; !err && i < ARRAY_SIZE(subs); i++) {
		err = loader_pin_path(path, sizeof(path), "tc/%u-%s%s", slot, name, subs[i]);
		if (!err && mkdir(path, 0700) && errno != EEXIST)
			err = -errno;
	}
	return err;
}

static int pin_program(unsigned int slot, const char *name, const struct loader_place_kind *kind,
		       int prog)
{
	char path[PATH_MAX], fresh[PATH_MAX];
	int err = loader_pin_path(path, sizeof(path), "tc/%u-%s/%s", slot, name, kind->name);

	if (!err)
		err = loader_pin_path(fresh, sizeof(fresh), "tc/%u-%s/new", slot, name);
	if (err)
		return err;
	if (unlink(fresh) && errno != ENOENT)
		return -errno;
	return bpf_obj_pin(prog, fresh) || rename(fresh, path) ? -errno : 0;
}

static int pin_programs(struct link_bpf *set, unsigned int slot, const char *name)
{
	int err = make_dirs(slot, name), where;

	for (where = 0; !err && where < LOADER_PLACES; where++) {
		const struct loader_place_kind *kind = &loader_place_kinds[where];

		err = pin_program(
			slot, name, kind,
			bpf_program__fd(bpf_object__find_program_by_name(set->obj, kind->prog)));
	}
	return err;
}

/* The pinned program of (slot, name) to a place that the record names, perhaps another slot's. */
static int hang_up(unsigned int slot, const char *name, const struct loader_at *at)
{
	struct loader_spot s = { .slot = slot, .name = name, .at = *at };
	struct bpf_prog_info info;
	_close_ int prog = loader_link_open(slot, name, at->where, &info);
	_close_ int netns = loader_netns_open(at->netns);
	struct loader_visit visit;
	int err;

	if (prog < 0)
		return prog;
	if (netns < 0)
		return -ENOENT;
	s.prog = prog;
	s.prog_id = info.id;
	err = loader_netns_enter(netns, &visit);
	if (err)
		return err;
	err = loader_spot_attach(&s);
	loader_netns_leave(&visit);
	return err;
}

static bool has_gone(int err)
{
	return err == -ENOENT || err == -ENODEV;
}

/* A link knows its device, wherever that is. */
static int renew_link(unsigned int slot, const char *name, const struct loader_at *at)
{
	struct bpf_prog_info info;
	_close_ int prog = loader_link_open(slot, name, at->where, &info), link = -1;
	uint32_t ifindex, now;
	char path[PATH_MAX];
	int err = loader_at_path(path, sizeof(path), slot, name, at);

	if (prog < 0 || err)
		return prog < 0 ? prog : err;
	link = loader_tcx_open(path, &ifindex, &now);
	if (link < 0)
		return link;
	if (!ifindex) /* its device has gone */
		return unlink(path) && errno != ENOENT ? -errno : 0;
	return now == info.id || !bpf_link_update(link, prog, NULL) ? 0 : -errno;
}

static int renew(unsigned int slot, const char *name, const struct loader_at *at, void *ctx)
{
	int err;

	(void)ctx;
	if (at->tcx)
		return renew_link(slot, name, at);
	err = hang_up(slot, name, at);
	/* out of reach, its old program goes on with the same maps and by the same policy */
	return has_gone(err) ? 0 : err;
}

struct move {
	unsigned int slot;
	const char *name;
};

static int adopt_at(unsigned int slot, const char *name, const struct loader_at *at, void *ctx)
{
	const struct move *to = ctx;
	int err;

	(void)slot;
	(void)name;
	err = hang_up(to->slot, to->name, at);
	return has_gone(err) ? 0 : err;
}

/*
 * A guard of this name in another slot is about to be removed: its devices must not be open until
 * the monitor looks again.
 */
static int adopt(unsigned int slot, const char *name, void *ctx)
{
	const struct move *to = ctx;

	if (slot == to->slot || strcmp(name, to->name))
		return 0;
	return loader_each_at(slot, name, adopt_at, ctx);
}

int loader_link_raise(unsigned int slot, const char *name, struct loader_error *err)
{
	struct move to = { .slot = slot, .name = name };
	struct link_bpf *set = link_bpf__open();
	int ret;

	if (!set)
		return loader_fail_load(err, -errno);
	set->rodata->bg_slot = slot;
	ret = loader_share_maps(set->obj);
	if (!ret)
		ret = link_bpf__load(set);
	if (ret) {
		link_bpf__destroy(set);
		return loader_fail_load(err, ret);
	}
	ret = pin_programs(set, slot, name);
	link_bpf__destroy(set);
	if (ret)
		return loader_fail(err, ret, EXIT_KERNEL, "cannot pin the link's programs",
				   "make room on the bpf file system", "%s", strerror(-ret));
	ret = loader_each_at(slot, name, renew, NULL);
	if (!ret)
		ret = loader_each_slot_dir("tc", adopt, &to);
	if (ret)
		return loader_fail(err, ret, EXIT_KERNEL, "cannot renew the link's programs",
				   "run bpfguard load again", "%s", strerror(-ret));
	return 0;
}

int loader_link_tags(unsigned int slot, const char *name, struct bg_manifest *m)
{
	int where;

	for (where = 0; where < LOADER_PLACES; where++) {
		struct bpf_prog_info info;
		_close_ int prog = loader_link_open(slot, name, where, &info);

		if (prog < 0)
			return prog;
		memcpy(m->tag[loader_place_kinds[where].hook], info.tag, sizeof(info.tag));
	}
	return 0;
}

static bool program_is_whole(unsigned int slot, const char *name, enum loader_place where,
			     const struct bg_manifest *m, const struct loader_pinned *pinned)
{
	struct bpf_prog_info info, of = { 0 };
	_close_ int prog = loader_link_open(slot, name, where, &info);
	__u32 maps[64], len = sizeof(of);

	of.nr_map_ids = ARRAY_SIZE(maps);
	of.map_ids = (uintptr_t)maps;
	return prog >= 0 && !bpf_obj_get_info_by_fd(prog, &of, &len) &&
	       of.nr_map_ids <= ARRAY_SIZE(maps) &&
	       !memcmp(of.tag, m->tag[loader_place_kinds[where].hook], sizeof(of.tag)) &&
	       loader_uses_pinned(maps, of.nr_map_ids, pinned);
}

/* -EXDEV: a link runs another program than the pinned one; a load that died before it came so far.
 */
static int link_is_whole(unsigned int slot, const char *name, const struct loader_at *at, void *ctx)
{
	struct bpf_prog_info info;
	_close_ int prog = loader_link_open(slot, name, at->where, &info), link = -1;
	uint32_t ifindex, id;
	char path[PATH_MAX];

	(void)ctx;
	if (!at->tcx || loader_at_path(path, sizeof(path), slot, name, at))
		return 0;
	link = loader_tcx_open(path, &ifindex, &id);
	return prog < 0 || link < 0 || (ifindex && id != info.id) ? -EXDEV : 0;
}

bool loader_link_is_whole(unsigned int slot, const char *name, const struct bg_manifest *m,
			  const struct loader_pinned *pinned)
{
	int where;

	for (where = 0; where < LOADER_PLACES; where++)
		if (!program_is_whole(slot, name, where, m, pinned))
			return false;
	return !loader_each_at(slot, name, link_is_whole, NULL);
}
