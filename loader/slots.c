// SPDX-License-Identifier: GPL-2.0-only
/* Which guard sits where: the slots that a load gives to the guards of its policy. */
#include <errno.h>
#include <string.h>

#include "loader/internal.h"

const struct bg_guard *loader_find_guard(const struct loader_image *img, const struct bg_guard *g,
					 unsigned int *ret_slot)
{
	unsigned int i;

	for (i = 0; i < BG_MAX_GUARDS; i++) {
		const struct bg_guard *h = &img->guard[i];

		if (h->generation && !strcmp(h->name, g->name) && !strcmp(h->cgroup, g->cgroup)) {
			*ret_slot = i;
			return h;
		}
	}
	return NULL;
}

/*
 * What an interrupted load left: directories whose slot is not in force. What is attached there
 * refuses everything, and must go on doing so until the new policy takes its place.
 */
struct left {
	const struct loader_image *have;
	char name[BG_MAX_GUARDS][BG_NAME];
};

static int note_left(unsigned int slot, const char *name, void *ctx)
{
	struct left *l = ctx;

	if (!l->have->guard[slot].generation)
		snprintf(l->name[slot], sizeof(l->name[slot]), "%s", name);
	return 0;
}

static bool is_wanted(const struct loader_image *want, const char *name)
{
	unsigned int i;

	for (i = 0; i < BG_MAX_GUARDS; i++)
		if (want->guard[i].generation && !strcmp(want->guard[i].name, name))
			return true;
	return false;
}

/* Only when slots run out: gives back those of left-overs that the new policy does not name. */
static int give_back(struct left *l, const struct loader_image *want)
{
	unsigned int i;
	int err;

	for (i = 0; i < BG_MAX_GUARDS; i++) {
		if (!l->name[i][0] || is_wanted(want, l->name[i]))
			continue;
		err = loader_remove_guard(i, l->name[i]);
		if (err)
			return err;
		l->name[i][0] = 0;
	}
	return 0;
}

/* A slot for a guard that is not in force: its left-over's, or one that nothing uses. -1: none. */
static int pick_slot(const struct left *l, const struct loader_image *moved, const char *name)
{
	int i;

	for (i = 0; i < BG_MAX_GUARDS; i++)
		if (!strcmp(l->name[i], name) && !moved->guard[i].generation)
			return i;
	for (i = 0; i < BG_MAX_GUARDS; i++)
		if (!l->name[i][0] && !l->have->guard[i].generation && !moved->guard[i].generation)
			return i;
	return -1;
}

int loader_settle_slots(const struct loader_image *have, struct loader_image *want,
			bool ret_left[BG_MAX_GUARDS], struct loader_error *err)
{
	struct loader_image moved = { .prefix = want->prefix,
				      .n_prefix = want->n_prefix,
				      .n_guards = want->n_guards };
	struct left left = { .have = have };
	unsigned int from, same, slot_of[BG_MAX_GUARDS];
	size_t i;
	int to;

	loader_each_guard_dir(note_left, &left);
	for (from = 0; from < BG_MAX_GUARDS; from++) {
		const struct bg_guard *g = &want->guard[from];

		if (!g->generation)
			continue;
		if (loader_find_guard(have, g, &same)) {
			to = same;
		} else {
			to = pick_slot(&left, &moved, g->name);
			if (to < 0 && !give_back(&left, want))
				to = pick_slot(&left, &moved, g->name);
			if (to < 0)
				return loader_fail(err, -ENOSPC, EXIT_NO, "no free guard slot",
						   "reload in two steps", "all %d are in use",
						   BG_MAX_GUARDS);
			ret_left[to] = left.name[to][0];
		}
		slot_of[from] = to;
		moved.guard[to] = *g;
	}
	for (i = 0; i < moved.n_prefix; i++) {
		moved.prefix[i].slot = slot_of[moved.prefix[i].slot];
		moved.prefix[i].key.scope = moved.prefix[i].slot;
	}
	*want = moved;
	return 0;
}
