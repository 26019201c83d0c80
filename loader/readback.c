// SPDX-License-Identifier: GPL-2.0-only
/* The policy as the kernel holds it. */
#include <errno.h>
#include <string.h>

#include "loader/internal.h"

/* The array of the generation in force. -ENOENT: none was published. */
static int open_generation(struct loader_error *err)
{
	_close_ int policy = loader_open_map("bg_policy");
	__u32 zero = 0, id;
	int fd;

	if (policy < 0)
		return loader_fail(
			err, policy == -EACCES || policy == -EPERM ? -EPERM : -ENOENT,
			policy == -EACCES || policy == -EPERM ? EXIT_PERMISSION : EXIT_NOT_ENFORCED,
			policy == -EACCES || policy == -EPERM ? "not permitted"
							      : "nothing is loaded",
			policy == -EACCES || policy == -EPERM ? "run as root" : "run bpfguard load",
			"%s/maps/bg_policy: %s", base_pins_dir(), strerror(-policy));
	if (bpf_map_lookup_elem(policy, &zero, &id))
		return loader_fail(err, -ENOENT, EXIT_NOT_ENFORCED, "no policy is in force",
				   "run bpfguard load",
				   "a load was interrupted: everything is denied");
	fd = bpf_map_get_fd_by_id(id);
	if (fd < 0)
		return loader_fail(err, -errno, EXIT_PERMISSION, "cannot read the policy in force",
				   "run as root", "%s", strerror(errno));
	return fd;
}

int loader_generation(uint32_t *ret)
{
	_close_ int policy = loader_open_map("bg_policy");
	__u32 zero = 0, id;

	if (policy < 0)
		return policy;
	if (bpf_map_lookup_elem(policy, &zero, &id))
		return -errno;
	*ret = id;
	return 0;
}

/* Prefixes of one generation out of the trie; others are left-overs of an interrupted load. */
static int read_prefixes(uint32_t generation, struct loader_image *img)
{
	_close_ int map = loader_open_map("bg_prefix");
	struct bg_prefix_key key, next;
	size_t cap = 0;
	void *from = NULL;

	if (map < 0)
		return map;
	while (!bpf_map_get_next_key(map, from, &next)) {
		struct bg_prefix_value v;

		key = next;
		from = &key;
		if (next.scope / BG_MAX_GUARDS != generation)
			continue;
		if (bpf_map_lookup_elem(map, &next, &v))
			return -errno;
		if (img->n_prefix == cap) {
			struct loader_prefix *p;

			cap = cap ? 2 * cap : 64;
			p = realloc(img->prefix, cap * sizeof(*p));
			if (!p)
				return -ENOMEM;
			img->prefix = p;
		}
		img->prefix[img->n_prefix].key = next;
		img->prefix[img->n_prefix].slot = next.scope % BG_MAX_GUARDS;
		img->prefix[img->n_prefix++].line = v.line;
	}
	return errno == ENOENT ? 0 : -errno;
}

int loader_read_image(struct loader_image *ret, struct loader_error *err)
{
	_close_ int fd = open_generation(err);
	struct loader_image img = { 0 };
	uint32_t generation = 0;
	uint64_t prefixes = 0;
	__u32 slot;
	int e = 0;

	if (fd < 0)
		return fd;
	for (slot = 0; slot < BG_MAX_GUARDS; slot++) {
		if (bpf_map_lookup_elem(fd, &slot, &img.guard[slot])) {
			e = -errno;
			break;
		}
		if (!img.guard[slot].generation)
			continue;
		img.n_guards++;
		generation = img.guard[slot].generation;
		prefixes += img.guard[slot].prefix_count;
	}
	if (!e && prefixes)
		e = read_prefixes(generation, &img);
	if (e) {
		loader_image_free(&img);
		return loader_fail(err, e, EXIT_NOT_ENFORCED, "cannot read the policy in force",
				   "run as root", "%s", strerror(-e));
	}
	*ret = img;
	return 0;
}

int loader_read_lease(unsigned int slot, struct bg_lease *ret)
{
	_close_ int map = loader_open_map("bg_lease");
	struct bg_lease l;
	__u32 key = slot;

	if (map < 0)
		return map;
	if (bpf_map_lookup_elem(map, &key, &l))
		return -errno;
	*ret = l;
	return 0;
}

int loader_write_lease(unsigned int slot, const struct bg_lease *lease)
{
	_close_ int map = loader_open_map("bg_lease");
	__u32 key = slot;

	if (map < 0)
		return map;
	return bpf_map_update_elem(map, &key, lease, BPF_EXIST) ? -errno : 0;
}

/* Sums `rows` per-CPU counters of a map. */
static int sum_rows(const char *name, uint64_t *ret, unsigned int rows)
{
	int cpus = libbpf_num_possible_cpus(), c;
	_close_ int map = loader_open_map(name);
	_free_ uint64_t *row = NULL;
	__u32 i;

	if (map < 0)
		return map;
	if (cpus < 1)
		return -EINVAL;
	row = calloc(cpus, sizeof(*row));
	if (!row)
		return -ENOMEM;
	for (i = 0; i < rows; i++) {
		if (bpf_map_lookup_elem(map, &i, row))
			return -errno;
		ret[i] = 0;
		for (c = 0; c < cpus; c++)
			ret[i] += row[c];
	}
	return 0;
}

int loader_read_stats(uint64_t *stat, uint64_t *counter)
{
	int err = 0;

	if (stat)
		err = sum_rows("bg_stat", stat, BG_STAT_MAX);
	if (!err && counter)
		err = sum_rows("bg_counter", counter, BG_MAX_GUARDS * BG_R_MAX);
	return err;
}
