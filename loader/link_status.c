// SPDX-License-Identifier: GPL-2.0-only
/* Where the link's programs run, by the kernel's word. */
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "loader/link_internal.h"

/* A device may have got the number of one that went, so the namespace itself is asked. */
static void look(unsigned int slot, const struct loader_at *at, struct loader_spot_status *s)
{
	_close_ int netns = loader_netns_open(at->netns);
	struct loader_visit visit;
	char name[IF_NAMESIZE];

	if (netns < 0)
		return;
	s->attached = loader_place_check(slot, at->where, netns, at->ifindex) == 1;
	if (loader_netns_enter(netns, &visit))
		return;
	if (if_indextoname(at->ifindex, name))
		base_sanitize(s->device, sizeof(s->device), name, strlen(name));
	loader_netns_leave(&visit);
}

static int note_spot(unsigned int slot, const char *name, const struct loader_at *at, void *ctx)
{
	struct loader_place_status *p = (struct loader_place_status *)ctx + at->where;
	struct loader_spot_status s = { .netns = at->netns,
					.ifindex = at->ifindex,
					.tcx = at->tcx };

	(void)name;
	look(slot, at, &s);
	p->n_attached += s.attached;
	if (p->n_spots < LOADER_MAX_SPOTS)
		p->spot[p->n_spots] = s;
	p->n_spots++;
	return 0;
}

void loader_link_status(unsigned int slot, const char *name, struct loader_place_status *ret)
{
	int where, i;

	for (where = 0; where < LOADER_PLACES; where++) {
		struct loader_place_status *p = &ret[where];
		struct bpf_prog_info info;
		_close_ int prog = loader_link_open(slot, name, where, &info);

		memset(p, 0, sizeof(*p));
		p->name = loader_place_kinds[where].name;
		if (prog < 0)
			continue;
		p->pinned = true;
		p->prog_id = info.id;
		for (i = 0; i < 8; i++)
			snprintf(p->tag + 2 * i, 3, "%02x", info.tag[i]);
	}
	loader_each_at(slot, name, note_spot, ret);
}
