// SPDX-License-Identifier: GPL-2.0-only
/*
 * tcx (Linux 6.6): a link on a device. It is its own record, outlives `tc qdisc del`, and its
 * program is swapped in one step. Ours goes before all others, whose "pass" would end the row.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "loader/link_internal.h"

/* Of Linux 6.6's <linux/bpf.h>, which is newer than what we are built with. */
#define TCX_INGRESS ((enum bpf_attach_type)46)
#define TCX_EGRESS  ((enum bpf_attach_type)47)
#define LINK_TCX    11
#define F_BEFORE    (1u << 3)

static enum bpf_attach_type type_of(const struct loader_at *at)
{
	return loader_place_kinds[at->where].egress ? TCX_EGRESS : TCX_INGRESS;
}

int loader_tcx_open(const char *path, uint32_t *ret_ifindex, uint32_t *ret_prog_id)
{
	_close_ int link = bpf_obj_get(path);
	struct bpf_link_info info = { 0 };
	__u32 len = sizeof(info);

	if (link < 0 || bpf_obj_get_info_by_fd(link, &info, &len))
		return -errno;
	if (info.type != LINK_TCX)
		return -EINVAL;
	/* struct { ifindex, attach_type } tcx lies where netns has its inode and attach_type */
	*ret_ifindex = info.netns.netns_ino;
	*ret_prog_id = info.prog_id;
	return TAKE_FD(link);
}

static int make_link(const struct loader_spot *s, const char *path)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = F_BEFORE);
	_close_ int link = -1;

	link = bpf_link_create(s->prog, s->at.ifindex, type_of(&s->at), &opts);
	if (link < 0)
		return errno == EINVAL ? -EOPNOTSUPP : -errno;
	return bpf_obj_pin(link, path) ? -errno : 0;
}

int loader_tcx_attach(const struct loader_spot *s)
{
	uint32_t ifindex = 0, prog_id = 0;
	char path[PATH_MAX];
	int err = loader_at_path(path, sizeof(path), s->slot, s->name, &s->at);
	_close_ int link = -1;

	if (err)
		return err;
	link = loader_tcx_open(path, &ifindex, &prog_id);
	if (link >= 0 && ifindex == s->at.ifindex)
		return prog_id == s->prog_id || !bpf_link_update(link, s->prog, NULL) ? 0 : -errno;
	/* its device has gone, and its number came again */
	if (link >= 0 && unlink(path) && errno != ENOENT)
		return -errno;
	if (link < 0 && link != -ENOENT)
		return link;
	return make_link(s, path);
}

int loader_tcx_check(const struct loader_spot *s)
{
	__u32 ids[64], n = ARRAY_SIZE(ids), i;

	if (bpf_prog_query(s->at.ifindex, type_of(&s->at), 0, NULL, ids, &n))
		return errno == EINVAL ? -EOPNOTSUPP : -errno;
	for (i = 0; i < n; i++)
		if (ids[i] == s->prog_id)
			return 1;
	return 0;
}
