// SPDX-License-Identifier: GPL-2.0-only
/* What is enforced, by the kernel's own word: links, programs, maps, neighbours on the cgroup. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "loader/internal.h"
#include "loader/link.h"
#include "loader/traps.h"

__attribute__((format(printf, 2, 3))) static void problem(struct loader_status *st, const char *fmt,
							  ...)
{
	va_list args;

	if (st->n_problems == LOADER_MAX_PROBLEMS)
		return;
	va_start(args, fmt);
	vsnprintf(st->problem[st->n_problems++], sizeof(st->problem[0]), fmt, args);
	va_end(args);
}

/* A problem that means: not everything is enforced. */
#define broken(st, ...)                                                                            \
	do {                                                                                       \
		(st)->enforced = false;                                                            \
		problem(st, __VA_ARGS__);                                                          \
	} while (0)

static void check_program(struct loader_status *st, struct loader_guard_status *g,
			  struct loader_hook_status *h, const struct bg_manifest *m,
			  enum bg_hook id, const struct loader_pinned *pinned)
{
	_close_ int fd = bpf_prog_get_fd_by_id(h->prog_id);
	struct bpf_prog_info info = { 0 };
	__u32 maps[64] = { 0 }, len = sizeof(info), i;
	bool uses_policy = false;

	info.nr_map_ids = ARRAY_SIZE(maps);
	info.map_ids = (uintptr_t)maps;
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len)) {
		broken(st, "guard %s: %s: cannot read the attached program (run as root)",
		       g->config.name, h->name);
		return;
	}
	for (i = 0; i < 8; i++)
		snprintf(h->tag + 2 * i, 3, "%02x", info.tag[i]);
	for (i = 0; i < info.nr_map_ids && i < ARRAY_SIZE(maps); i++)
		uses_policy |= maps[i] == pinned->id[0];
	if (memcmp(info.tag, m->tag[id], sizeof(info.tag)))
		broken(st,
		       "guard %s: %s: another program is attached (bpfguard load puts it right)",
		       g->config.name, h->name);
	else if (!uses_policy && id != BG_HOOK_RECVMSG4 && id != BG_HOOK_RECVMSG6 &&
		 id != BG_HOOK_GETPEERNAME4 && id != BG_HOOK_GETPEERNAME6)
		broken(st,
		       "guard %s: %s: does not use the loaded policy (bpfguard unload, then load)",
		       g->config.name, h->name);
	else if (!loader_uses_pinned(maps, i, pinned))
		broken(st,
		       "guard %s: %s: works on a map whose pin is gone (bpfguard load puts it "
		       "right)",
		       g->config.name, h->name);
}

static void check_hook(struct loader_status *st, struct loader_guard_status *g,
		       const struct loader_hook *hook, const struct bg_manifest *m,
		       const struct loader_pinned *pinned)
{
	struct loader_hook_status *h = &g->hook[g->n_hooks++];
	_close_ int fd = loader_open_link(g->slot, g->config.name, hook->name);
	struct bpf_link_info info = { 0 };
	__u32 len = sizeof(info);

	h->name = hook->name;
	if (fd < 0) {
		broken(st, "guard %s: %s: its link is gone (bpfguard load puts it right)",
		       g->config.name, h->name);
		return;
	}
	if (bpf_obj_get_info_by_fd(fd, &info, &len) || info.type != BPF_LINK_TYPE_CGROUP ||
	    info.cgroup.attach_type != hook->type) {
		broken(st, "guard %s: %s: the pin is not our link (bpfguard unload, then load)",
		       g->config.name, h->name);
		return;
	}
	h->link_id = info.id;
	h->prog_id = info.prog_id;
	/* 0: the cgroup was removed, or the link was detached by id */
	if (!info.cgroup.cgroup_id && m->cgroup_id == g->cgroup_id) {
		broken(st,
		       "guard %s: %s: its link was detached by its id (bpfguard load puts it "
		       "right)",
		       g->config.name, h->name);
		return;
	}
	if (!info.cgroup.cgroup_id || info.cgroup.cgroup_id != g->cgroup_id) {
		broken(st,
		       "guard %s: %s: not attached to %s any more (bpfguard load puts it right)",
		       g->config.name, h->name, g->config.cgroup);
		return;
	}
	h->attached = true;
	check_program(st, g, h, m, hook->id, pinned);
}

static bool is_ours(const struct loader_guard_status *g, uint32_t prog_id)
{
	size_t i;

	for (i = 0; i < g->n_hooks; i++)
		if (g->hook[i].prog_id == prog_id)
			return true;
	return false;
}

/*
 * Others' programs on the guard's cgroup or above it that can rewrite an address or turn our
 * refusal into success at connect and sendmsg. The packet hook is out of their reach, so this is
 * said, not broken.
 */
static void check_others(struct loader_status *st, struct loader_guard_status *g, const char *abs)
{
	static const enum bpf_attach_type types[] = {
		BPF_CGROUP_INET4_CONNECT,   BPF_CGROUP_INET6_CONNECT, BPF_CGROUP_UDP4_SENDMSG,
		BPF_CGROUP_UDP6_SENDMSG,    BPF_CGROUP_UDP4_RECVMSG,  BPF_CGROUP_UDP6_RECVMSG,
		BPF_CGROUP_INET_SOCK_CREATE
	};
	_close_ int fd = open(abs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t i;

	if (fd < 0)
		return;
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		__u32 ids[64], n = ARRAY_SIZE(ids), k;

		if (bpf_prog_query(fd, types[i], 0, NULL, ids, &n))
			continue;
		for (k = 0; k < n; k++)
			if (!is_ours(g, ids[k]))
				problem(st,
					"guard %s: program %u of another on %.100s may rewrite "
					"addresses%s (bpftool prog show id %u)",
					g->config.name, ids[k], abs,
					loader_undoes_refusals(ids[k])
						? " and undoes refusals of a call "
						  "(bpf_set_retval)"
						: "",
					ids[k]);
	}
}

static void check_ancestors(struct loader_status *st, struct loader_guard_status *g)
{
	char abs[PATH_MAX];
	size_t root;
	char *slash;

	if (loader_cgroup_root(abs, sizeof(abs)))
		return;
	root = strlen(abs);
	if (snprintf(abs + root, sizeof(abs) - root, "%s", g->config.cgroup) >=
	    (int)(sizeof(abs) - root))
		return;
	for (;;) {
		check_others(st, g, abs);
		slash = strrchr(abs, '/');
		if (strlen(abs) <= root || !slash)
			return;
		*slash = 0;
	}
}

/*
 * The link's programs. That they are pinned and as loaded is the loader's; on which devices they
 * must hang is only known to who watches the devices, so here it is told what they were hung on.
 */
static void check_link(struct loader_status *st, struct loader_guard_status *g,
		       const struct bg_manifest *m, const struct loader_pinned *pinned)
{
	bool whole = !(g->config.flags & BG_G_LINK) ||
		     loader_link_is_whole(g->slot, g->config.name, m, pinned);
	size_t i, k;

	loader_link_status(g->slot, g->config.name, g->place);
	loader_read_pause(g->slot, &g->paused_until_ns);
	if (!whole)
		broken(st,
		       "guard %s: the link's programs are not those that were loaded "
		       "(bpfguard load puts it right)",
		       g->config.name);
	for (i = 0; i < LOADER_N_PLACES; i++) {
		const struct loader_place_status *p = &g->place[i];

		for (k = 0; k < p->n_spots && k < LOADER_MAX_SPOTS; k++)
			if (!p->spot[k].attached && p->spot[k].device[0])
				broken(st,
				       "guard %s: %s does not run on %s any more (the monitor "
				       "puts it right)",
				       g->config.name, p->name, p->spot[k].device);
	}
	if (base_now_ns(CLOCK_BOOTTIME) < g->paused_until_ns)
		broken(st, "guard %s: paused: nothing is refused (bpfguard pause --end)",
		       g->config.name);
}

static void check_guard(struct loader_status *st, struct loader_guard_status *g,
			const struct loader_image *img, const struct loader_pinned *pinned)
{
	_close_ int manifests = loader_open_map("bg_manifest");
	struct bg_manifest m = { 0 };
	uint8_t object[32], hash[32];
	size_t i;

	if (manifests < 0 || bpf_map_lookup_elem(manifests, &g->slot, &m)) {
		broken(st, "guard %s: no record of what was loaded (bpfguard load puts it right)",
		       g->config.name);
		return;
	}
	g->accepted = m.accepted;
	if (st->lsm.state == BG_LSM_FAILED) /* also of guards that were whole already */
		g->accepted |= BG_ACCEPTED_LSM;
	if (loader_guard_cgroup(&g->config, &g->cgroup_id))
		g->cgroup_id = 0;
	if (!g->cgroup_id)
		broken(st, "guard %s: its cgroup %s is gone (bpfguard load puts it right)",
		       g->config.name, g->config.cgroup);
	else if (g->cgroup_id != m.cgroup_id)
		broken(st,
		       "guard %s: its cgroup %s was removed and made again: nothing guards it "
		       "(bpfguard load puts it right)",
		       g->config.name, g->config.cgroup);
	for (i = 0; i < loader_n_hooks; i++) {
		if (g->cgroup_id)
			check_hook(st, g, &loader_hooks[i], &m, pinned);
		else /* said once, not for each hook */
			g->hook[g->n_hooks++].name = loader_hooks[i].name;
	}
	check_link(st, g, &m, pinned);
	if (g->cgroup_id && !loader_lsm_guard_is_whole(g->slot, g->cgroup_id))
		broken(st,
		       "guard %s: the LSM programs do not know its cgroup (bpfguard load puts it "
		       "right)",
		       g->config.name);
	loader_object_hash(object);
	if (memcmp(m.object, object, sizeof(object)))
		problem(st,
			"guard %s: loaded by bpfguard %.15s, another build than this one "
			"(bpfguard load renews it)",
			g->config.name, m.version);
	loader_hash_guard(img, g->slot, hash);
	if (memcmp(hash, g->config.policy_hash, sizeof(hash)))
		broken(st, "guard %s: its maps are not what was loaded (bpfguard reload)",
		       g->config.name);
	if (g->config.flags & BG_G_AUDIT)
		broken(st, "guard %s: mode audit: nothing is refused (set mode: enforce)",
		       g->config.name);
	if (g->config.flags & BG_G_LEASE_OFF) {
		if (g->lease.vpn_state != BG_VPN_UP)
			problem(st,
				"guard %s: closed although it has no lease (bpfguard load opens "
				"it)",
				g->config.name);
	} else {
		if (g->lease.vpn_state != BG_VPN_UP)
			problem(st, "guard %s: the VPN is not proved up: closed", g->config.name);
		else if (base_now_ns(CLOCK_BOOTTIME) >= g->lease.until_ns)
			problem(st,
				"guard %s: the lease has run out: closed (is the monitor running?)",
				g->config.name);
	}
	check_ancestors(st, g);
}

static int find_orphan(unsigned int slot, const char *name, void *ctx)
{
	struct loader_status *st = ctx;
	size_t i;

	for (i = 0; i < st->n_guards; i++)
		if (st->guard[i].slot == slot && !strcmp(st->guard[i].config.name, name))
			return 0;
	problem(st,
		"a load or reload was interrupted: everything below %s is denied (bpfguard load)",
		name);
	return 0;
}

static void lsm_broken(void *ctx, const char *what)
{
	broken((struct loader_status *)ctx, "%s", what);
}

static void read_seq(uint64_t *ret)
{
	_close_ int fd = loader_open_map("bg_stream");
	struct bg_stream s = { 0 };
	__u32 zero = 0;

	if (fd >= 0 && !bpf_map_lookup_elem(fd, &zero, &s))
		*ret = s.seq;
}

static int fill_guards(struct loader_status *st, const struct loader_image *img,
		       struct loader_error *err)
{
	_free_ uint64_t *counter = calloc(BG_MAX_GUARDS * BG_R_MAX, sizeof(*counter));
	_close_ int last = loader_open_map("bg_last");
	struct loader_pinned pinned;
	__u32 slot;
	int ret;

	st->guard = calloc(BG_MAX_GUARDS, sizeof(*st->guard));
	if (!st->guard || !counter)
		return -ENOMEM;
	ret = loader_read_stats(st->stat, counter);
	if (ret)
		return loader_fail(err, ret, EXIT_NOT_ENFORCED, "cannot read the counters",
				   "run bpfguard load again", "%s", strerror(-ret));
	if (loader_pinned_maps(&pinned) || !loader_flush_is_pinned())
		problem(st, "a pin is gone from %s (bpfguard load makes it again)",
			base_pins_dir());
	loader_lsm_status(&st->lsm, &pinned, lsm_broken, st);
	for (slot = 0; slot < BG_MAX_GUARDS; slot++) {
		struct loader_guard_status *g;

		if (!img->guard[slot].generation)
			continue;
		g = &st->guard[st->n_guards++];
		g->slot = slot;
		g->config = img->guard[slot];
		memcpy(g->counter, counter + slot * BG_R_MAX, sizeof(g->counter));
		if (last >= 0)
			bpf_map_lookup_elem(last, &slot, &g->last);
		loader_read_lease(slot, &g->lease);
		check_guard(st, g, img, &pinned);
	}
	return 0;
}

int loader_status(struct loader_status *ret, struct loader_error *err)
{
	struct loader_status st = { .enforced = true };
	struct loader_image img;
	int e = loader_read_image(&img, err);

	if (e == -ENOENT)
		loader_explain_lost(err);
	if (e)
		return e;
	st.loaded = true;
	e = fill_guards(&st, &img, err);
	loader_image_free(&img);
	if (e) {
		loader_status_free(&st);
		return e;
	}
	if (!st.n_guards)
		st.enforced = false;
	read_seq(&st.seq);
	loader_each_guard_dir(find_orphan, &st);
	loader_add_traps(&st);
	*ret = st;
	return 0;
}

void loader_status_free(struct loader_status *st)
{
	free(st->guard);
	st->guard = NULL;
	st->n_guards = 0;
}
