// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is everything as it was at the last look? By ids, which the kernel never gives twice while
 * somebody holds the object; so what differs is somebody's work, a load's or an attacker's.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>

#include "loader/internal.h"
#include "loader/traps.h"

#define MAX_HOOKS 16

struct watched {
	bool used;
	char name[BG_NAME];
	char dir[PATH_MAX]; /* of its cgroup */
	uint64_t cgroup_id;
	int link[MAX_HOOKS]; /* the second hold */
	uint32_t link_id[MAX_HOOKS], prog_id[MAX_HOOKS];
};

struct loader_watch {
	uint32_t generation;
	struct loader_pinned pinned;
	struct watched guard[BG_MAX_GUARDS];
	char policy_path[BG_PATH];
	uint32_t accepted;
};

/* -errno, or a descriptor. */
static int read_link(unsigned int slot, const char *name, const char *hook, uint32_t *link_id,
		     uint32_t *prog_id, uint64_t *cgroup_id)
{
	_close_ int fd = loader_open_link(slot, name, hook);
	struct bpf_link_info info = { 0 };
	__u32 len = sizeof(info);

	if (fd < 0)
		return fd;
	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return -errno;
	*link_id = info.id;
	*prog_id = info.prog_id;
	*cgroup_id = info.type == BPF_LINK_TYPE_CGROUP ? info.cgroup.cgroup_id : 0;
	return TAKE_FD(fd);
}

static void hold(struct loader_watch *w, unsigned int slot, const struct bg_guard *g, int manifests)
{
	struct watched *h = &w->guard[slot];
	struct bg_manifest m = { 0 };
	uint64_t cgroup;
	size_t i;

	h->used = true;
	memcpy(h->name, g->name, sizeof(h->name));
	if (loader_cgroup_root(h->dir, sizeof(h->dir) - BG_PATH))
		h->dir[0] = 0;
	snprintf(h->dir + strlen(h->dir), BG_PATH, "%s", g->cgroup);
	if (loader_cgroup_id(h->dir, &h->cgroup_id))
		h->cgroup_id = 0;
	for (i = 0; i < loader_n_hooks && i < MAX_HOOKS; i++)
		h->link[i] = read_link(slot, g->name, loader_hooks[i].name, &h->link_id[i],
				       &h->prog_id[i], &cgroup);
	if (manifests >= 0 && !bpf_map_lookup_elem(manifests, &slot, &m))
		w->accepted |= m.accepted;
	memcpy(w->policy_path, g->policy_path, sizeof(w->policy_path));
}

int loader_watch_new(struct loader_watch **ret)
{
	struct loader_image *img = calloc(1, sizeof(*img));
	struct loader_watch *w = calloc(1, sizeof(*w));
	_close_ int manifests = loader_open_map("bg_manifest");
	unsigned int slot, i;
	int err = img && w ? loader_generation(&w->generation) : -ENOMEM;

	_Static_assert(MAX_HOOKS >= BG_HOOK_SOCKOPS, "room for each hook of a cgroup");
	if (!err)
		err = loader_read_image(img, NULL);
	for (slot = 0; w && slot < BG_MAX_GUARDS; slot++)
		for (i = 0; i < MAX_HOOKS; i++)
			w->guard[slot].link[i] = -1;
	for (slot = 0; !err && slot < BG_MAX_GUARDS; slot++)
		if (img->guard[slot].generation)
			hold(w, slot, &img->guard[slot], manifests);
	if (!err) {
		loader_pinned_maps(&w->pinned);
		loader_image_free(img);
		*ret = TAKE_PTR(w);
	}
	free(img);
	free(w);
	return err;
}

void loader_watch_free(struct loader_watch *w)
{
	unsigned int slot, i;

	for (slot = 0; w && slot < BG_MAX_GUARDS; slot++)
		for (i = 0; i < MAX_HOOKS; i++)
			if (w->guard[slot].link[i] >= 0)
				close(w->guard[slot].link[i]);
	free(w);
}

static bool same_guard(const struct watched *h, unsigned int slot)
{
	uint64_t now;
	size_t i;

	/* the path may lead to a cgroup that was made again while the old one lives on */
	if (loader_cgroup_id(h->dir, &now) || now != h->cgroup_id)
		return false;
	for (i = 0; i < loader_n_hooks && i < MAX_HOOKS; i++) {
		uint32_t link_id = 0, prog_id = 0;
		uint64_t cgroup_id = 0;
		_close_ int fd = read_link(slot, h->name, loader_hooks[i].name, &link_id, &prog_id,
					   &cgroup_id);

		if (fd < 0 || link_id != h->link_id[i] || prog_id != h->prog_id[i] || !cgroup_id ||
		    cgroup_id != h->cgroup_id)
			return false;
	}
	return true;
}

bool loader_watch_same(const struct loader_watch *w)
{
	struct loader_pinned now;
	uint32_t generation;
	unsigned int slot;

	if (loader_generation(&generation) || generation != w->generation ||
	    loader_pinned_maps(&now) || memcmp(&now, &w->pinned, sizeof(now)) != 0 ||
	    !loader_flush_is_pinned() || !loader_watch_wanted())
		return false;
	for (slot = 0; slot < BG_MAX_GUARDS; slot++)
		if (w->guard[slot].used && !same_guard(&w->guard[slot], slot))
			return false;
	return true;
}

bool loader_watch_wanted(void)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof(path), "%s/policy.yaml", base_run_dir()) < (int)sizeof(path) &&
	       !access(path, F_OK);
}

bool loader_busy(void)
{
	char path[PATH_MAX];
	_close_ int fd = -1;

	if (snprintf(path, sizeof(path), "%s/lock", base_run_dir()) >= (int)sizeof(path))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;
}

uint32_t loader_watch_accepted(const struct loader_watch *w)
{
	return w->accepted;
}

const char *loader_watch_path(const struct loader_watch *w)
{
	return w->policy_path;
}
