// SPDX-License-Identifier: GPL-2.0-only
/* Hanging up and taking down at one place: tcx where the kernel has it, else clsact. */
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <string.h>
#include <sys/stat.h>

#include "loader/link_internal.h"

/* For the tests: do as on a kernel before 6.6. */
static bool may_tcx(void)
{
	return !getenv("BPFGUARD_NO_TCX");
}

static int make_record(const struct loader_spot *s)
{
	char path[PATH_MAX];
	int err = loader_at_path(path, sizeof(path), s->slot, s->name, &s->at);

	if (err)
		return err;
	return mkdir(path, 0700) && errno != EEXIST ? -errno : 0;
}

static int drop_record(const struct loader_spot *s)
{
	char path[PATH_MAX];
	int err = loader_at_path(path, sizeof(path), s->slot, s->name, &s->at);

	if (err)
		return err;
	err = s->at.tcx ? unlink(path) : rmdir(path);
	return err && errno != ENOENT ? -errno : 0;
}

int loader_spot_attach(const struct loader_spot *s)
{
	struct loader_spot filter = *s, link = *s;
	int err = -EOPNOTSUPP;

	link.at.tcx = true;
	filter.at.tcx = false;
	if (may_tcx())
		err = loader_tcx_attach(&link);
	if (err != -EOPNOTSUPP)
		return err;
	err = make_record(&filter);
	if (!err)
		err = loader_clsact_attach(&filter);
	/* without the filter the record only says where to look for it */
	return err;
}

static int check_spot(const struct loader_spot *s)
{
	int err = loader_tcx_check(s);

	if (err > 0 || (err < 0 && err != -EOPNOTSUPP))
		return err;
	return loader_clsact_check(s);
}

static int detach_spot(const struct loader_spot *s)
{
	struct loader_spot filter = *s, link = *s;
	int err;

	link.at.tcx = true;
	filter.at.tcx = false;
	err = drop_record(&link);
	if (err)
		return err;
	err = loader_clsact_detach(&s->at, s->slot);
	if (err && err != -ENOENT && err != -ENODEV)
		return err;
	return drop_record(&filter);
}

/* Takes the lock for what changes something: a load must not swap programs meanwhile. */
static int visit_spot(unsigned int slot, enum loader_place where, int netns, unsigned int ifindex,
		      int (*fn)(const struct loader_spot *s), bool need_prog)
{
	struct loader_spot s = { .slot = slot, .at = { .where = where, .ifindex = ifindex } };
	struct bpf_prog_info info = { 0 };
	struct loader_visit visit;
	_close_ int prog = -1;
	char name[BG_NAME];
	int err;

	if (slot >= BG_MAX_GUARDS || (unsigned int)where >= LOADER_PLACES || !ifindex)
		return -EINVAL;
	err = loader_link_find(slot, name);
	if (err)
		return err;
	s.name = name;
	if (need_prog) {
		prog = loader_link_open(slot, name, where, &info);
		if (prog < 0)
			return prog;
		s.prog = prog;
		s.prog_id = info.id;
	}
	err = loader_netns_enter(netns, &visit);
	if (err)
		return err;
	err = loader_netns_inode(&s.at.netns);
	if (!err)
		err = fn(&s);
	loader_netns_leave(&visit);
	return err;
}

/*
 * Containers come and go, and each start makes a device of a new number: records of devices that
 * have gone are taken away. `here` is the namespace that the thread is in; others are not asked.
 */
static int tidy(unsigned int slot, const char *name, const struct loader_at *at, void *ctx)
{
	const uint32_t *here = ctx;
	uint32_t ifindex = 1, prog_id;
	char path[PATH_MAX], dev[IF_NAMESIZE];

	if (loader_at_path(path, sizeof(path), slot, name, at))
		return 0;
	if (at->tcx) {
		_close_ int link = loader_tcx_open(path, &ifindex, &prog_id);

		if (link >= 0 && !ifindex)
			unlink(path);
	} else if (at->netns == *here && !if_indextoname(at->ifindex, dev) && errno == ENXIO) {
		rmdir(path);
	}
	return 0;
}

static int attach_and_look(const struct loader_spot *s)
{
	uint32_t here = s->at.netns;
	int err = loader_spot_attach(s);

	if (err)
		return err;
	loader_each_at(s->slot, s->name, tidy, &here);
	err = check_spot(s);
	return err > 0 ? 0 : err < 0 ? err : -EIO;
}

static int fail_place(struct loader_error *err, int ret, enum loader_place where,
		      unsigned int ifindex)
{
	char what[64];

	snprintf(what, sizeof(what), "%s on device %u", loader_place_name(where) ?: "place",
		 ifindex);
	if (ret == -ENOENT)
		return loader_fail(err, ret, EXIT_NOT_ENFORCED, what, "run bpfguard load",
				   "its program is not loaded");
	if (ret == -ENODEV)
		return loader_fail(err, ret, EXIT_NO, what, NULL, "there is no such device");
	if (ret == -EINVAL)
		return loader_fail(err, ret, EXIT_KERNEL, what,
				   "tc filter show lists it; give it another priority than 1",
				   "a tc filter or qdisc of another is in the way: %s",
				   loader_libbpf_said());
	return loader_fail(err, ret, EXIT_KERNEL, what, NULL, "cannot attach: %s", strerror(-ret));
}

int loader_place_attach(unsigned int slot, enum loader_place where, int netns, unsigned int ifindex,
			struct loader_error *err)
{
	_close_ int lock = loader_lock(LOADER_HANG_TIMEOUT_MS, err);
	int ret;

	if (lock < 0)
		return lock;
	ret = visit_spot(slot, where, netns, ifindex, attach_and_look, true);
	return ret ? fail_place(err, ret, where, ifindex) : 0;
}

int loader_place_detach(unsigned int slot, enum loader_place where, int netns, unsigned int ifindex,
			struct loader_error *err)
{
	_close_ int lock = loader_lock(LOADER_HANG_TIMEOUT_MS, err);
	int ret;

	if (lock < 0)
		return lock;
	ret = visit_spot(slot, where, netns, ifindex, detach_spot, false);
	if (ret == -ENOENT) /* nothing is loaded, so nothing hangs there */
		return 0;
	return ret ? fail_place(err, ret, where, ifindex) : 0;
}

static int tidy_slot(const struct loader_spot *s)
{
	uint32_t here = s->at.netns;

	return loader_each_at(s->slot, s->name, tidy, &here);
}

void loader_place_tidy(unsigned int slot)
{
	struct loader_error err;
	_close_ int lock = loader_lock(0, &err); /* a load is under way: another time */

	/* the whole slot is looked at, whatever the place */
	if (lock >= 0)
		visit_spot(slot, LOADER_UPLINK, -1, 1, tidy_slot, false);
}

int loader_place_check(unsigned int slot, enum loader_place where, int netns, unsigned int ifindex)
{
	int ret = visit_spot(slot, where, netns, ifindex, check_spot, true);

	return ret == -ENOENT || ret == -ENODEV ? 0 : ret;
}
