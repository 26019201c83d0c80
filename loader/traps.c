// SPDX-License-Identifier: GPL-2.0-only
/*
 * What undoes a guard without touching it: others' programs on its cgroups, socket matching that
 * the kernel has switched off, a file system that is gone or lies below another.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "loader/internal.h"
#include "loader/traps.h"

#define LEASE_SLACK_NS 1000000000ull

__attribute__((format(printf, 2, 3))) static void broken(struct loader_status *st, const char *fmt,
							 ...)
{
	va_list args;

	st->enforced = false;
	if (st->n_problems == LOADER_MAX_PROBLEMS)
		return;
	va_start(args, fmt);
	vsnprintf(st->problem[st->n_problems++], sizeof(st->problem[0]), fmt, args);
	va_end(args);
}

/* ---- net_cls ---- */
bool loader_net_cls_matters(const char *release, const char *mountinfo)
{
	unsigned int major = 0, minor = 0;

	if (sscanf(release, "%u.%u", &major, &minor) != 2)
		return false;
	if (major > 5 || (major == 5 && minor >= 16))
		return false;
	return strstr(mountinfo, "net_cls") || strstr(mountinfo, "net_prio");
}

bool loader_net_cls_mounted(void)
{
	_free_ char *text = NULL;
	struct utsname u;
	size_t len;

	return !uname(&u) && !base_read_file("/proc/self/mountinfo", 1 << 20, &text, &len) &&
	       loader_net_cls_matters(u.release, text);
}

/* ---- others' programs ---- */
static const struct {
	enum bpf_attach_type type;
	const char *name;
} kinds[] = {
	{ BPF_CGROUP_INET_EGRESS, "egress" },
	{ BPF_CGROUP_INET_SOCK_CREATE, "sock_create" },
	{ BPF_CGROUP_INET4_CONNECT, "connect4" },
	{ BPF_CGROUP_INET6_CONNECT, "connect6" },
	{ BPF_CGROUP_UDP4_SENDMSG, "sendmsg4" },
	{ BPF_CGROUP_UDP6_SENDMSG, "sendmsg6" },
	{ BPF_CGROUP_UDP4_RECVMSG, "recvmsg4" },
	{ BPF_CGROUP_UDP6_RECVMSG, "recvmsg6" },
	{ BPF_CGROUP_INET4_GETPEERNAME, "getpeername4" },
	{ BPF_CGROUP_INET6_GETPEERNAME, "getpeername6" },
	{ BPF_CGROUP_SETSOCKOPT, "setsockopt" },
	{ BPF_CGROUP_SOCK_OPS, "sockops" },
};

static bool is_our_name(const char *name)
{
	size_t i;

	for (i = 0; i < loader_n_hooks; i++)
		if (!strncmp(name, loader_hooks[i].prog, BPF_OBJ_NAME_LEN - 1))
			return true;
	return false;
}

static void prog_name(uint32_t id, char ret[16])
{
	_close_ int fd = bpf_prog_get_fd_by_id(id);
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);

	ret[0] = 0;
	if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &len))
		base_sanitize(ret, 16, info.name, strnlen(info.name, sizeof(info.name)));
}

static void others_at(const char *abs, size_t root, loader_other_fn fn, void *ctx)
{
	_close_ int fd = open(abs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t i;

	for (i = 0; fd >= 0 && i < ARRAY_SIZE(kinds); i++) {
		__u32 ids[64], n = ARRAY_SIZE(ids), flags = 0, k;

		if (bpf_prog_query(fd, kinds[i].type, 0, &flags, ids, &n))
			continue;
		for (k = 0; k < n; k++) {
			struct loader_other o = { .prog_id = ids[k] };

			prog_name(ids[k], o.prog);
			if (is_our_name(o.prog))
				continue;
			o.legacy = !flags;
			o.override = flags & BPF_F_ALLOW_OVERRIDE;
			o.undoes = loader_undoes_refusals(ids[k]);
			snprintf(o.type, sizeof(o.type), "%s", kinds[i].name);
			snprintf(o.cgroup, sizeof(o.cgroup), "%.255s",
				 abs[root] ? abs + root : "/");
			fn(&o, ctx);
		}
	}
}

void loader_each_other(const char *cgroup, loader_other_fn fn, void *ctx)
{
	char abs[PATH_MAX];
	size_t root;
	char *slash;

	if (loader_cgroup_root(abs, sizeof(abs) - BG_PATH))
		return;
	root = strlen(abs);
	snprintf(abs + root, sizeof(abs) - root, "%s", cgroup);
	for (;;) {
		others_at(abs, root, fn, ctx);
		slash = strrchr(abs + root, '/');
		if (!slash)
			return;
		*slash = 0;
	}
}

static void say_override(const struct loader_other *o, void *ctx)
{
	struct loader_status *st = ctx;

	/* the kinds that rewrite are named by status itself */
	if (!o->override || st->n_problems == LOADER_MAX_PROBLEMS)
		return;
	snprintf(st->problem[st->n_problems++], sizeof(st->problem[0]),
		 "program %u (%s, %s) on %.100s was attached with ALLOW_OVERRIDE: it does not run "
		 "in the guard (attach it with a link)",
		 o->prog_id, o->prog, o->type, o->cgroup);
}

/* ---- programs of ours that no pin leads to ---- */
static bool is_known(const struct loader_status *st, uint32_t link_id)
{
	size_t i, k;

	for (i = 0; st && i < st->n_guards; i++)
		for (k = 0; k < st->guard[i].n_hooks; k++)
			if (st->guard[i].hook[k].link_id == link_id)
				return true;
	return false;
}

static bool is_lost(uint32_t id, uint64_t cgroup, const struct loader_status *st)
{
	_close_ int fd = bpf_link_get_fd_by_id(id);
	struct bpf_link_info info = { 0 };
	__u32 len = sizeof(info);
	char name[16];

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len) ||
	    info.type != BPF_LINK_TYPE_CGROUP || info.cgroup.cgroup_id != cgroup ||
	    is_known(st, id))
		return false;
	prog_name(info.prog_id, name);
	return is_our_name(name);
}

unsigned int loader_count_lost(const char *cgroup, const struct loader_status *st)
{
	char abs[PATH_MAX];
	unsigned int n = 0;
	uint64_t id;
	__u32 link = 0;

	if (loader_cgroup_root(abs, sizeof(abs) - BG_PATH))
		return 0;
	snprintf(abs + strlen(abs), BG_PATH, "%s", cgroup);
	if (loader_cgroup_id(abs, &id))
		return 0;
	while (!bpf_link_get_next_id(link, &link))
		n += is_lost(link, id, st);
	return n;
}

/* The guards that the noted policy names, whatever the kernel says. */
static unsigned int lost_of_note(char cgroup[BG_PATH])
{
	struct policy_errors errs = { 0 };
	struct policy *p = NULL;
	_free_ char *text = NULL;
	char path[PATH_MAX];
	unsigned int n = 0;
	size_t len, i;

	if (snprintf(path, sizeof(path), "%s/policy.yaml", base_run_dir()) >= (int)sizeof(path) ||
	    base_read_file(path, POLICY_MAX_BYTES, &text, &len))
		return 0;
	if (!policy_parse(text, len, &p, &errs)) {
		for (i = 0; i < p->n_guards && !n; i++)
			if (!policy_cgroup_path(p->guards[i].cgroup, cgroup, BG_PATH))
				n = loader_count_lost(cgroup, NULL);
		policy_free(p);
	}
	policy_errors_free(&errs);
	return n;
}

void loader_explain_lost(struct loader_error *err)
{
	char cgroup[BG_PATH] = "";
	unsigned int n;

	if (!err || !loader_watch_wanted())
		return;
	n = lost_of_note(cgroup);
	snprintf(err->what, sizeof(err->what), "what was loaded is out of reach");
	if (n)
		snprintf(err->why, sizeof(err->why),
			 "nobody unloaded, but the pins are gone from %.80s; %u programs still run "
			 "on %.100s and no load can manage them",
			 base_pins_dir(), n, cgroup);
	else
		snprintf(err->why, sizeof(err->why),
			 "nobody unloaded, but the pins are gone from %.80s: they were removed, or "
			 "the bpf file system was unmounted or mounted over",
			 base_pins_dir());
	snprintf(err->todo, sizeof(err->todo),
		 "mount the bpf file system again or take away what lies over it, then bpfguard "
		 "load");
}

/* ---- status ---- */
static void check_lease(struct loader_status *st, const struct loader_guard_status *g)
{
	uint64_t now = base_now_ns(CLOCK_BOOTTIME);

	if (g->config.flags & BG_G_LEASE_OFF || g->lease.vpn_state != BG_VPN_UP ||
	    g->lease.until_ns <= now + g->config.lease_ns + LEASE_SLACK_NS)
		return;
	broken(st,
	       "guard %s: its lease is longer than the policy gives: somebody else wrote it (the "
	       "monitor puts it right)",
	       g->config.name);
}

void loader_add_traps(struct loader_status *st)
{
	size_t i;

	if (loader_net_cls_mounted())
		broken(st, "net_cls or net_prio (cgroup v1) is mounted: on this kernel its use "
			   "switches the guards off (unmount it, or boot with "
			   "cgroup_no_v1=net_cls,net_prio)");
	for (i = 0; i < st->n_guards; i++) {
		const struct loader_guard_status *g = &st->guard[i];
		unsigned int lost = loader_count_lost(g->config.cgroup, st);

		check_lease(st, g);
		if (lost && st->n_problems < LOADER_MAX_PROBLEMS)
			snprintf(st->problem[st->n_problems++], sizeof(st->problem[0]),
				 "guard %s: %u programs of bpfguard run on its cgroup that this "
				 "load cannot manage (another instance, or a load whose pins are "
				 "gone)",
				 g->config.name, lost);
		loader_each_other(g->config.cgroup, say_override, st);
	}
}
