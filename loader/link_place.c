// SPDX-License-Identifier: GPL-2.0-only
/*
 * The places where the link's programs hang, and the record of where they were hung:
 *
 *   <pins>/tc/SLOT-NAME/PLACE                          program
 *   <pins>/tc/SLOT-NAME/links/PLACE-NETNS-IFINDEX      tcx link: the attachment itself
 *   <pins>/tc/SLOT-NAME/filters/PLACE-NETNS-IFINDEX    empty directory: a clsact filter is there
 *
 * NETNS is the namespace's inode. A filter cannot be pinned, so its record is made before it and
 * goes after it: what a death leaves is a record without a filter, never the other way round.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "loader/link_internal.h"

const struct loader_place_kind loader_place_kinds[LOADER_PLACES] = {
	[LOADER_UPLINK] = { "uplink", "bg_uplink_out", BG_HOOK_UPLINK, true },
	[LOADER_UPLINK_BRIDGE] = { "uplink_bridge", "bg_uplink_bridge", BG_HOOK_UPLINK_BRIDGE,
				   false },
	[LOADER_SEAL_BRIDGE] = { "seal_bridge", "bg_seal_bridge", BG_HOOK_SEAL_BRIDGE, false },
	[LOADER_SEAL_PORT] = { "seal_port", "bg_seal_port", BG_HOOK_SEAL_PORT, false },
};

_Static_assert(LOADER_N_PLACES == LOADER_PLACES, "status has another number of places");

const char *loader_place_name(enum loader_place where)
{
	return (unsigned int)where < LOADER_PLACES ? loader_place_kinds[where].name : NULL;
}

int loader_link_dir(char *ret, size_t size, unsigned int slot, const char *name)
{
	return loader_pin_path(ret, size, "tc/%u-%s", slot, name);
}

struct find_name {
	unsigned int slot;
	char name[BG_NAME];
};

static int is_slot(unsigned int slot, const char *name, void *ctx)
{
	struct find_name *f = ctx;

	if (slot == f->slot && !f->name[0] && strlen(name) < sizeof(f->name))
		memcpy(f->name, name, strlen(name) + 1);
	return 0;
}

int loader_link_find(unsigned int slot, char ret_name[BG_NAME])
{
	struct find_name f = { .slot = slot };
	int err = loader_each_slot_dir("tc", is_slot, &f);

	if (err || !f.name[0])
		return err ? err : -ENOENT;
	memcpy(ret_name, f.name, sizeof(f.name));
	return 0;
}

int loader_link_open(unsigned int slot, const char *name, enum loader_place where,
		     struct bpf_prog_info *ret_info)
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);
	char path[PATH_MAX];
	_close_ int fd = -1;
	int err;

	err = loader_pin_path(path, sizeof(path), "tc/%u-%s/%s", slot, name,
			      loader_place_kinds[where].name);
	if (err)
		return err;
	fd = bpf_obj_get(path);
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len))
		return -errno;
	*ret_info = info;
	return TAKE_FD(fd);
}

static bool parse_at(const char *text, struct loader_at *ret)
{
	char place[32], more;
	unsigned int netns, ifindex, i;

	if (sscanf(text, "%31[a-z_]-%u-%u%c", place, &netns, &ifindex, &more) != 3)
		return false;
	for (i = 0; i < LOADER_PLACES; i++) {
		if (strcmp(place, loader_place_kinds[i].name))
			continue;
		ret->where = i;
		ret->netns = netns;
		ret->ifindex = ifindex;
		return true;
	}
	return false;
}

int loader_at_path(char *ret, size_t size, unsigned int slot, const char *name,
		   const struct loader_at *at)
{
	return loader_pin_path(ret, size, "tc/%u-%s/%s/%s-%u-%u", slot, name,
			       at->tcx ? "links" : "filters", loader_place_kinds[at->where].name,
			       at->netns, at->ifindex);
}

static int each_in(unsigned int slot, const char *name, bool tcx, loader_at_fn fn, void *ctx)
{
	char path[PATH_MAX];
	struct dirent *d;
	DIR *dir;
	int err;

	err = loader_pin_path(path, sizeof(path), "tc/%u-%s/%s", slot, name,
			      tcx ? "links" : "filters");
	if (err)
		return err;
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while (!err && (d = readdir(dir))) {
		struct loader_at at = { .tcx = tcx };

		if (parse_at(d->d_name, &at))
			err = fn(slot, name, &at, ctx);
	}
	closedir(dir);
	return err;
}

int loader_each_at(unsigned int slot, const char *name, loader_at_fn fn, void *ctx)
{
	int err = each_in(slot, name, true, fn, ctx);

	return err ? err : each_in(slot, name, false, fn, ctx);
}
