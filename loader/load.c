// SPDX-License-Identifier: GPL-2.0-only
/*
 * load and reload. The steps, and what a death at each of them leaves behind:
 *
 *   0. policy written beside its name   nothing attached: as before
 *   1. maps made and pinned             nothing attached: as before
 *   2. programs of new guards attached  their slot is not published: everything they see is denied.
 *      The link's programs hang nowhere yet, or where those of the same guard's old slot are
 *   3. the new generation published     one map update: the new policy, for every guard at once
 *      policy gets its name             before: the monitor has no policy and renews no lease
 *   4. links of removed guards taken,   their slot is published empty: denied until taken
 *      the link's programs first
 *   5. left-overs of old generations    garbage that no lookup can reach
 *
 * So at each moment either the old or the new policy is in force, or a refusal. A failure (not a
 * death) before step 3 takes back what the call itself attached.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "loader/internal.h"
#include "bpfguard.skel.h"

/* One load at work. */
struct job {
	const struct policy *policy;
	struct loader_image *want; /* with slots that fit `have` */
	struct loader_image have;
	bool have_any;
	bool had_pins; /* something was there: at least a refusal, which a failure must not lift */
	bool left[BG_MAX_GUARDS];  /* attached by an interrupted call */
	bool fresh[BG_MAX_GUARDS]; /* attached by this call */
	uint32_t accept;	   /* what the user would do without */
	uint32_t accepted;	   /* what of it is missing */
	enum bg_lsm_state lsm;
	struct loader_error *err;
};

static bool same_policy(const struct job *job)
{
	unsigned int i;

	if (!job->have_any || job->have.n_guards != job->want->n_guards)
		return false;
	for (i = 0; i < BG_MAX_GUARDS; i++)
		if (memcmp(job->have.guard[i].policy_hash, job->want->guard[i].policy_hash, 32))
			return false;
	return true;
}

/* Has something changed the maps in force behind our back? */
static bool have_is_damaged(const struct job *job)
{
	uint8_t hash[32];
	unsigned int i;

	for (i = 0; i < BG_MAX_GUARDS; i++) {
		if (!job->have.guard[i].generation)
			continue;
		loader_hash_guard(&job->have, i, hash);
		if (memcmp(hash, job->have.guard[i].policy_hash, sizeof(hash)))
			return true;
	}
	return false;
}

static int zero_maps(unsigned int slot, const uint64_t *row)
{
	_close_ int counters = loader_open_map("bg_counter");
	_close_ int last = loader_open_map("bg_last");
	_close_ int lease = loader_open_map("bg_lease");
	struct bg_lease closed = { 0 };
	struct bg_last never = { 0 };
	__u32 i, key;

	if (counters < 0 || last < 0 || lease < 0)
		return counters < 0 ? counters : last < 0 ? last : lease;
	for (i = 0; i < BG_R_MAX; i++) {
		key = slot * BG_R_MAX + i;
		if (bpf_map_update_elem(counters, &key, row, BPF_ANY))
			return -errno;
	}
	key = slot;
	if (bpf_map_update_elem(last, &key, &never, BPF_ANY) ||
	    bpf_map_update_elem(lease, &key, &closed, BPF_ANY))
		return -errno;
	return loader_link_clear(slot);
}

/* A new guard must not begin with what an earlier one in its slot has counted. */
static int zero_row(unsigned int slot)
{
	int cpus = libbpf_num_possible_cpus(), err;
	uint64_t *row = calloc(cpus > 0 ? cpus : 1, sizeof(*row));

	if (!row)
		return -ENOMEM;
	err = zero_maps(slot, row);
	free(row);
	return err;
}

/* Step 2 for one guard. */
static int raise_guard(struct job *job, unsigned int slot, bool with_flush)
{
	const struct bg_guard *g = &job->want->guard[slot];
	struct bpfguard_bpf *set = NULL;
	_close_ int cgroup = -1;
	unsigned int same;
	int ret;

	cgroup = loader_open_cgroup(g->cgroup, true, job->err);
	if (cgroup < 0)
		return cgroup;
	ret = loader_open_set(slot, with_flush, &set, job->err);
	if (ret)
		return ret;
	if (!loader_find_guard(&job->have, g, &same)) {
		job->fresh[slot] = !job->left[slot];
		ret = zero_row(slot);
		if (ret)
			loader_fail(job->err, ret, EXIT_KERNEL, "cannot clear the counters", NULL,
				    "%s", strerror(-ret));
	}
	if (!ret)
		ret = loader_attach_set(set, slot, g->name, cgroup, job->err);
	if (!ret && g->flags & BG_G_LINK)
		ret = loader_link_raise(slot, g->name, job->err);
	if (!ret) {
		ret = loader_lsm_guard(slot, g, cgroup);
		if (ret)
			loader_fail(job->err, ret, EXIT_KERNEL, "cannot write the LSM's maps", NULL,
				    "%s", strerror(-ret));
	}
	if (!ret) {
		ret = loader_write_manifest(set, slot, g, cgroup, job->accepted);
		if (ret)
			loader_fail(job->err, ret, EXIT_KERNEL, "cannot note what was loaded", NULL,
				    "%s", strerror(-ret));
	}
	bpfguard_bpf__destroy(set);
	return ret;
}

/*
 * Leases before the generation is published, so they must do no harm in the one before: a guard
 * without a lease is open for good, but where the old one has a lease and is closed, it stays
 * closed by an expired lease; one that gets a lease starts expired, which the old one does not look
 * at. What is right is not written again: a monitor may be writing at the same time.
 */
static int settle_lease(const struct job *job, unsigned int slot)
{
	const struct bg_guard *g = &job->want->guard[slot];
	const struct bg_guard *old = &job->have.guard[slot];
	bool had_lease = old->generation && !(old->flags & BG_G_LEASE_OFF);
	struct bg_lease l;
	int err = loader_read_lease(slot, &l);

	if (err)
		return err;
	if (g->flags & BG_G_LEASE_OFF) {
		if (l.vpn_state == BG_VPN_UP)
			return 0;
		if (had_lease)
			l.until_ns = 0;
		l.vpn_state = BG_VPN_UP;
	} else {
		if (had_lease || !l.until_ns)
			return 0;
		l.until_ns = 0;
	}
	return loader_write_lease(slot, &l);
}

/* They come first, so that what is made next is under their protection. */
static int raise_lsm(struct job *job)
{
	int ret = loader_lsm_raise(job->accept, &job->lsm, job->err);

	if (!ret && job->lsm == BG_LSM_FAILED)
		job->accepted |= BG_ACCEPTED_LSM;
	return ret;
}

static int raise_all(struct job *job)
{
	int ret = raise_lsm(job);
	bool first = true;
	unsigned int slot;

	if (ret)
		return ret;
	for (slot = 0; slot < BG_MAX_GUARDS; slot++) {
		if (!job->want->guard[slot].generation)
			continue;
		if (!job->have.guard[slot].generation ||
		    !loader_guard_is_whole(slot, &job->want->guard[slot]) ||
		    (first && !loader_flush_is_pinned())) {
			ret = raise_guard(job, slot, first);
			if (ret)
				return ret;
		}
		first = false;
		ret = settle_lease(job, slot);
		if (!ret)
			ret = loader_link_unrelease(slot);
		if (ret)
			return loader_fail(job->err, ret, EXIT_KERNEL, "cannot set the lease", NULL,
					   "%s", strerror(-ret));
	}
	ret = loader_lsm_settle(job->want, job->lsm);
	return ret ? loader_fail(job->err, ret, EXIT_KERNEL, "cannot write the LSM's maps", NULL,
				 "%s", strerror(-ret))
		   : 0;
}

static int drop_unwanted(unsigned int slot, const char *name, void *ctx)
{
	const struct loader_image *want = ctx;
	const struct bg_guard *g = &want->guard[slot];

	if (g->generation && !strcmp(g->name, name))
		return 0;
	return loader_remove_guard(slot, name);
}

/* The link's programs of a guard whose new policy has neither uplink guard nor link seal. */
static int drop_links(const struct job *job)
{
	unsigned int slot;
	int ret = 0;

	for (slot = 0; !ret && slot < BG_MAX_GUARDS; slot++) {
		const struct bg_guard *g = &job->want->guard[slot];

		if (g->generation && !(g->flags & BG_G_LINK))
			ret = loader_link_remove(slot, g->name);
	}
	return ret;
}

static void roll_back(struct job *job)
{
	unsigned int slot;

	loader_note_drop();
	if (!job->had_pins) {
		loader_remove_all();
		return;
	}
	for (slot = 0; slot < BG_MAX_GUARDS; slot++)
		if (job->fresh[slot])
			loader_remove_guard(slot, job->want->guard[slot].name);
}

static int make_pin_dirs(struct loader_error *err)
{
	char path[PATH_MAX];
	int ret = loader_pin_path(path, sizeof(path), "maps");

	if (ret)
		return loader_fail(err, ret, EXIT_USAGE, base_pins_dir(),
				   "set BPFGUARD_PINS to a shorter path", "the path is too long");
	if ((mkdir(base_pins_dir(), 0700) && errno != EEXIST) ||
	    (mkdir(path, 0700) && errno != EEXIST))
		return loader_fail(err, -errno, EXIT_KERNEL, path, "mount bpffs there",
				   "cannot make the pin directory: %s", strerror(errno));
	return 0;
}

/* Reads back what was made and compares it with what was wanted. */
static int verify(const struct job *job)
{
	struct loader_image now;
	unsigned int slot;
	bool equal = true;
	int ret = loader_read_image(&now, job->err);

	if (ret)
		return ret;
	for (slot = 0; slot < BG_MAX_GUARDS; slot++) {
		uint8_t hash[32];

		if (!now.guard[slot].generation != !job->want->guard[slot].generation)
			equal = false;
		if (!now.guard[slot].generation)
			continue;
		loader_hash_guard(&now, slot, hash);
		if (memcmp(hash, job->want->guard[slot].policy_hash, 32) ||
		    !loader_guard_is_whole(slot, &job->want->guard[slot]))
			equal = false;
	}
	loader_image_free(&now);
	if (job->lsm == BG_LSM_ACTIVE && !loader_lsm_is_whole())
		equal = false;
	if (equal)
		return 0;
	return loader_fail(job->err, -EIO, EXIT_NOT_ENFORCED, "the kernel holds something else",
			   "something changed it meanwhile: see bpfguard status, then load again",
			   "what was read back is not what was loaded");
}

/* Guards that go into force now know this boot's host namespaces. */
static int know_host(struct job *job)
{
	uint32_t host[2];
	unsigned int i;
	int ret = loader_host_netns(host);

	if (ret)
		return loader_fail(job->err, ret, EXIT_KERNEL, "/proc/self/ns/net",
				   "mount /proc and use a kernel with network namespaces", "%s",
				   strerror(-ret));
	for (i = 0; i < BG_MAX_GUARDS; i++)
		memcpy(job->want->guard[i].host_netns, host, sizeof(host));
	return 0;
}

static int load_locked(struct job *job, bool reload, enum loader_result *ret_result)
{
	uint32_t generation = 1;
	unsigned int slot;
	int ret, noted;

	ret = loader_read_image(&job->have, NULL);
	if (ret && ret != -ENOENT)
		return loader_read_image(&job->have, job->err);
	job->have_any = !ret;
	job->had_pins = !access(base_pins_dir(), F_OK);
	if (!job->have_any)
		memset(&job->have, 0, sizeof(job->have));
	ret = loader_settle_slots(&job->have, job->want, job->left, job->err);
	if (!ret)
		ret = know_host(job);
	if (ret)
		return ret;
	for (slot = 0; slot < BG_MAX_GUARDS; slot++)
		if (job->have.guard[slot].generation)
			generation = job->have.guard[slot].generation + 1;
	if (job->have_any && !reload && !same_policy(job)) {
		*ret_result = LOADER_DIFFERS;
		return 0;
	}
	*ret_result = same_policy(job) ? LOADER_UNCHANGED
		      : job->have_any  ? LOADER_RELOADED
				       : LOADER_LOADED;
	if (*ret_result == LOADER_UNCHANGED && have_is_damaged(job))
		*ret_result = LOADER_LOADED;
	ret = loader_note_prepare(job->policy, job->err);
	if (ret)
		return ret;
	ret = make_pin_dirs(job->err);
	if (!ret)
		ret = raise_all(job); /* also mends what is no longer whole */
	if (!ret && *ret_result == LOADER_UNCHANGED)
		generation--;
	else if (!ret)
		ret = loader_publish(job->want, generation, job->err);
	if (ret) {
		roll_back(job);
		return ret;
	}
	noted = loader_note_commit(job->err);
	/* also when nothing changes: the call that published this policy may have died before here
	 */
	ret = loader_each_guard_dir(drop_unwanted, job->want);
	if (!ret)
		ret = drop_links(job);
	if (!ret)
		ret = loader_drop_old_prefixes(generation);
	if (ret)
		return loader_fail(job->err, ret, EXIT_NO, "cannot clear the old policy",
				   "run bpfguard load again", "%s", strerror(-ret));
	ret = verify(job);
	return ret ? ret : noted;
}

static int prepare(struct job *job, const char *policy_path, uint32_t accept)
{
	int e = loader_check_system(accept, &job->accepted, job->err);

	if (e)
		return e;
	e = loader_compile(job->policy, policy_path, job->want);
	return e ? loader_fail(job->err, e, EXIT_POLICY, policy_path, NULL, "%s", strerror(-e)) : 0;
}

int loader_load(const struct policy *p, const char *policy_path, bool reload, uint32_t accept,
		enum loader_result *ret, struct loader_error *err)
{
	struct loader_image want = { 0 };
	struct job job = { .policy = p, .want = &want, .accept = accept, .err = err };
	enum loader_result result = LOADER_UNCHANGED;
	_close_ int lock = -1;
	int e = prepare(&job, policy_path, accept);

	if (e)
		return e;
	lock = loader_lock(LOADER_LOCK_TIMEOUT_MS, err);
	e = lock < 0 ? lock : load_locked(&job, reload, &result);
	loader_image_free(&want);
	loader_image_free(&job.have);
	if (!e)
		*ret = result;
	return e;
}

int loader_load_held(const struct policy *p, const char *policy_path, uint32_t accept,
		     struct loader_error *err)
{
	struct loader_image want = { 0 };
	struct job job = { .policy = p, .want = &want, .accept = accept, .err = err };
	enum loader_result result;
	int e = prepare(&job, policy_path, accept);

	if (e)
		return e;
	e = load_locked(&job, true, &result);
	loader_image_free(&want);
	loader_image_free(&job.have);
	return e;
}

int loader_dry_run(const struct policy *p, const char *policy_path, uint32_t accept,
		   struct loader_error *err)
{
	struct loader_image want;
	uint32_t accepted;
	int e = loader_check_system(accept, &accepted, err);

	if (e)
		return e;
	e = loader_compile(p, policy_path, &want);
	if (e)
		return loader_fail(err, e, EXIT_POLICY, policy_path, NULL, "%s", strerror(-e));
	loader_image_free(&want);
	return 0;
}
