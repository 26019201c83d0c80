// SPDX-License-Identifier: GPL-2.0-only
/*
 * Generations. A new one is built beside the one in force, under its own number in the prefix trie
 * and in an array of its own, and becomes law by one map update. Whatever fails or dies before that
 * update leaves the old one untouched, whatever dies after it leaves only garbage that no lookup
 * can reach.
 */
#include <errno.h>
#include <string.h>

#include "loader/internal.h"

static int fail_prefix(struct loader_error *err, int ret)
{
	if (ret == -ENOSPC)
		return loader_fail(err, ret, EXIT_NO, "the prefix table is full",
				   "use fewer or larger prefixes in `local`",
				   "the old policy stays in force");
	return loader_fail(err, ret, EXIT_KERNEL, "cannot fill the prefix table",
			   "the old policy stays in force; try again", "%s", strerror(-ret));
}

/* Rounds of 1,000 keep the arrays small; kernels without batches get single updates. */
#define BATCH 1000

static int put_prefixes(int map, const struct loader_image *img, uint32_t generation)
{
	_free_ struct bg_prefix_key *keys = calloc(BATCH, sizeof(*keys));
	_free_ struct bg_prefix_value *values = calloc(BATCH, sizeof(*values));
	size_t i = 0;

	if (!keys || !values)
		return -ENOMEM;
	while (i < img->n_prefix) {
		__u32 n = 0, done, k;

		for (; n < BATCH && i < img->n_prefix; n++, i++) {
			keys[n] = img->prefix[i].key;
			keys[n].scope = generation * BG_MAX_GUARDS + img->prefix[i].slot;
			values[n].line = img->prefix[i].line;
		}
		done = n;
		if (!bpf_map_update_batch(map, keys, values, &done, NULL))
			continue;
		if (errno == ENOSPC || errno == ENOMEM)
			return -errno;
		for (k = 0; k < n; k++)
			if (bpf_map_update_elem(map, &keys[k], &values[k], BPF_ANY))
				return -errno;
	}
	return 0;
}

int loader_drop_old_prefixes(uint32_t generation)
{
	struct bg_prefix_key key, next;
	_close_ int map = loader_open_map("bg_prefix");
	void *from = NULL;

	if (map < 0)
		return map;
	while (!bpf_map_get_next_key(map, from, &next)) {
		if (next.scope / BG_MAX_GUARDS != generation) {
			/* the walk goes on from the last key that stays */
			if (bpf_map_delete_elem(map, &next) && errno != ENOENT)
				return -errno;
			continue;
		}
		key = next;
		from = &key;
	}
	return errno == ENOENT ? 0 : -errno;
}

static int make_generation(const struct loader_image *img, uint32_t generation)
{
	_close_ int inner = -1;
	__u32 slot;

	inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "bg_generation", sizeof(__u32),
			       sizeof(struct bg_guard), BG_MAX_GUARDS, NULL);
	if (inner < 0)
		return -errno;
	for (slot = 0; slot < BG_MAX_GUARDS; slot++) {
		struct bg_guard g = img->guard[slot];

		if (!g.generation)
			continue;
		g.generation = generation;
		if (bpf_map_update_elem(inner, &slot, &g, BPF_ANY))
			return -errno;
	}
	bpf_map_freeze(inner); /* since 5.2; user space may read it from now on, not write */
	return TAKE_FD(inner);
}

int loader_publish(const struct loader_image *img, uint32_t generation, struct loader_error *err)
{
	_close_ int policy = loader_open_map("bg_policy");
	_close_ int prefix = loader_open_map("bg_prefix");
	_close_ int inner = -1;
	__u32 zero = 0;
	int ret;

	if (policy < 0 || prefix < 0)
		return loader_fail(err, policy < 0 ? policy : prefix, EXIT_KERNEL, base_pins_dir(),
				   "run bpfguard load again", "a pinned map is gone: %s",
				   strerror(policy < 0 ? -policy : -prefix));
	/* what an interrupted call left under this number must not become part of the policy */
	ret = loader_drop_old_prefixes(generation - 1);
	if (!ret)
		ret = put_prefixes(prefix, img, generation);
	if (ret)
		return fail_prefix(err, ret);
	inner = make_generation(img, generation);
	if (inner < 0)
		return loader_fail(err, inner, EXIT_KERNEL, "cannot make the policy's map", NULL,
				   "%s", strerror(-inner));
	if (bpf_map_update_elem(policy, &zero, &inner, BPF_ANY))
		return loader_fail(err, -errno, EXIT_KERNEL, "cannot publish the policy",
				   "the old policy stays in force; try again", "%s",
				   strerror(errno));
	return 0;
}
