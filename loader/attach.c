// SPDX-License-Identifier: GPL-2.0-only
/* A set of programs for one guard: load it on the shared maps, attach it, pin its links. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "loader/internal.h"
#include "bpfguard.skel.h"
#include "link.skel.h"

/*
 * The order matters: the packet hook enforces, so it comes first and goes last. The way back of DNS
 * comes before the way out, so that no query is captured whose answer could not be put right.
 */
const struct loader_hook loader_hooks[] = {
	{ BG_HOOK_EGRESS, "egress", "bg_egress", BPF_CGROUP_INET_EGRESS },
	{ BG_HOOK_SOCK_CREATE, "sock_create", "bg_sock_create", BPF_CGROUP_INET_SOCK_CREATE },
	{ BG_HOOK_RECVMSG4, "recvmsg4", "bg_recvmsg4", BPF_CGROUP_UDP4_RECVMSG },
	{ BG_HOOK_RECVMSG6, "recvmsg6", "bg_recvmsg6", BPF_CGROUP_UDP6_RECVMSG },
	{ BG_HOOK_GETPEERNAME4, "getpeername4", "bg_getpeername4", BPF_CGROUP_INET4_GETPEERNAME },
	{ BG_HOOK_GETPEERNAME6, "getpeername6", "bg_getpeername6", BPF_CGROUP_INET6_GETPEERNAME },
	{ BG_HOOK_CONNECT4, "connect4", "bg_connect4", BPF_CGROUP_INET4_CONNECT },
	{ BG_HOOK_CONNECT6, "connect6", "bg_connect6", BPF_CGROUP_INET6_CONNECT },
	{ BG_HOOK_SENDMSG4, "sendmsg4", "bg_sendmsg4", BPF_CGROUP_UDP4_SENDMSG },
	{ BG_HOOK_SENDMSG6, "sendmsg6", "bg_sendmsg6", BPF_CGROUP_UDP6_SENDMSG },
	{ BG_HOOK_SOCKOPS, "sockops", "bg_sockops", BPF_CGROUP_SOCK_OPS },
};
const size_t loader_n_hooks = ARRAY_SIZE(loader_hooks);

void loader_object_hash(uint8_t ret[32])
{
	size_t size = 0;
	const void *elf = bpfguard_bpf__elf_bytes(&size);
	uint8_t all[3][32];

	base_sha256(elf, size, all[0]);
	elf = link_bpf__elf_bytes(&size);
	base_sha256(elf, size, all[1]);
	elf = loader_lsm_elf(&size);
	base_sha256(elf, size, all[2]);
	base_sha256(all, sizeof(all), ret);
}

/* The log's flush program needs bpf_for_each_map_elem (5.13); without it the tail of a burst waits.
 */
static bool can_flush(void)
{
	return libbpf_probe_bpf_helper(BPF_PROG_TYPE_CGROUP_SKB, BPF_FUNC_for_each_map_elem,
				       NULL) == 1;
}

int loader_share_maps(struct bpf_object *obj)
{
	struct bpf_map *map;
	char path[PATH_MAX];
	int err;

	bpf_object__for_each_map(map, obj)
	{
		if (bpf_map__is_internal(map)) /* .rodata belongs to this set */
			continue;
		err = loader_pin_path(path, sizeof(path), "maps/%s", bpf_map__name(map));
		if (err)
			return err;
		err = bpf_map__set_pin_path(map, path); /* reused if it is there, else made */
		if (err)
			return err;
	}
	return 0;
}

int loader_fail_load(struct loader_error *err, int ret)
{
	if (ret == -EPERM) /* the verifier's refusals are -EACCES and -EINVAL */
		return loader_fail(
			err, ret, EXIT_PERMISSION, "the kernel refused a program",
			"run as root on the host; BPFGUARD_DEBUG=1 shows the verifier's log", "%s",
			loader_libbpf_said());
	if (ret == -EINVAL && strstr(loader_libbpf_said(), "pinned map"))
		return loader_fail(
			err, ret, EXIT_NO, "what is loaded is of another version",
			"run bpfguard unload --yes with protected containers stopped, then load",
			"%s", loader_libbpf_said());
	return loader_fail(err, ret, EXIT_KERNEL, "the kernel cannot run the programs",
			   "needs Linux 5.10 or later with BTF; BPFGUARD_DEBUG=1 shows why",
			   "%s: %s", strerror(-ret), loader_libbpf_said());
}

int loader_open_set(unsigned int slot, bool with_flush, struct bpfguard_bpf **ret,
		    struct loader_error *err)
{
	struct bpfguard_bpf *set = bpfguard_bpf__open();
	int e;

	if (!set)
		return loader_fail_load(err, -errno);
	set->rodata->bg_slot = slot;
	bpf_program__set_autoload(set->progs.bg_flush, with_flush && can_flush());
	e = loader_share_maps(set->obj);
	if (!e)
		e = bpfguard_bpf__load(set);
	if (e) {
		bpfguard_bpf__destroy(set);
		return loader_fail_load(err, e);
	}
	*ret = set;
	return 0;
}

static struct bpf_program *find_prog(struct bpfguard_bpf *set, const struct loader_hook *h)
{
	return bpf_object__find_program_by_name(set->obj, h->prog);
}

static int fail_attach(struct loader_error *err, int ret, const struct loader_hook *h)
{
	if (ret == -EPERM)
		return loader_fail(
			err, ret, EXIT_KERNEL, h->name,
			"bpftool cgroup tree lists it; detach it or attach it with a link",
			"a cgroup above holds a program that allows none below");
	if (ret == -E2BIG)
		return loader_fail(err, ret, EXIT_KERNEL, h->name,
				   "bpftool cgroup tree lists them; detach those of others",
				   "64 programs are attached to this cgroup already");
	return loader_fail(err, ret, EXIT_KERNEL, h->name, "use Linux 5.10 or later",
			   "cannot attach to the cgroup: %s", strerror(-ret));
}

static int cgroup_id_of(int cgroup_fd, uint64_t *ret)
{
	char fd_path[64];

	snprintf(fd_path, sizeof(fd_path), "/proc/self/fd/%d/.", cgroup_fd);
	return loader_cgroup_id(fd_path, ret);
}

/*
 * Is the link on this very cgroup? A removed cgroup keeps its links while a socket made in it
 * lives, and takes updates; the one that was made again under its name would be left bare.
 */
static bool is_link_on(int link, int cgroup_fd)
{
	struct bpf_link_info info = { 0 };
	__u32 len = sizeof(info);
	uint64_t id;

	return !bpf_obj_get_info_by_fd(link, &info, &len) && !cgroup_id_of(cgroup_fd, &id) &&
	       info.cgroup.cgroup_id == id;
}

/* One hook: swap the program of a link that is there, or make the link and pin it. */
static int attach_hook(struct bpfguard_bpf *set, const struct loader_hook *h, const char *path,
		       int cgroup_fd, struct loader_error *err)
{
	int prog = bpf_program__fd(find_prog(set, h));
	_close_ int link = bpf_obj_get(path);

	if (link >= 0) {
		/* one that enforces is never given up for one that is not there yet */
		if (is_link_on(link, cgroup_fd))
			return bpf_link_update(link, prog, NULL) ? fail_attach(err, -errno, h) : 0;
		/* its cgroup was removed and made again; this link guards nothing */
		if (unlink(path))
			return fail_attach(err, -errno, h);
		close(link);
	}
	link = bpf_link_create(prog, cgroup_fd, h->type, NULL);
	if (link < 0)
		return fail_attach(err, -errno, h);
	if (bpf_obj_pin(link, path))
		return loader_fail(err, -errno, EXIT_KERNEL, path,
				   "make room on the bpf file system", "cannot pin: %s",
				   strerror(errno));
	return 0;
}

bool loader_flush_is_pinned(void)
{
	char path[PATH_MAX];

	return loader_pin_path(path, sizeof(path), "flush") || !access(path, F_OK) || !can_flush();
}

static int pin_flush(struct bpfguard_bpf *set)
{
	char path[PATH_MAX];
	int fd = bpf_program__fd(set->progs.bg_flush), err;

	if (fd < 0)
		return 0;
	err = loader_pin_path(path, sizeof(path), "flush");
	if (err)
		return err;
	if (unlink(path) && errno != ENOENT)
		return -errno;
	return bpf_obj_pin(fd, path) ? -errno : 0;
}

int loader_attach_set(struct bpfguard_bpf *set, unsigned int slot, const char *name, int cgroup_fd,
		      struct loader_error *err)
{
	char dir[PATH_MAX], path[PATH_MAX + 32];
	size_t i;
	int ret;

	ret = loader_pin_path(dir, sizeof(dir), "guards");
	if (!ret && mkdir(dir, 0700) && errno != EEXIST)
		ret = -errno;
	if (!ret)
		ret = loader_guard_dir(dir, sizeof(dir), slot, name);
	if (!ret && mkdir(dir, 0700) && errno != EEXIST)
		ret = -errno;
	if (!ret)
		ret = pin_flush(set);
	if (ret)
		return loader_fail(err, ret, EXIT_KERNEL, dir, NULL, "cannot pin: %s",
				   strerror(-ret));
	for (i = 0; i < loader_n_hooks; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, loader_hooks[i].name);
		ret = attach_hook(set, &loader_hooks[i], path, cgroup_fd, err);
		if (ret)
			return ret;
	}
	return 0;
}

int loader_write_manifest(struct bpfguard_bpf *set, unsigned int slot, const struct bg_guard *g,
			  int cgroup_fd, uint32_t accepted)
{
	struct bg_manifest m = { .loaded_real_ns = base_now_ns(CLOCK_REALTIME),
				 .accepted = accepted };
	uint64_t id;
	size_t i;
	int err;

	loader_object_hash(m.object);
	snprintf(m.version, sizeof(m.version), "%s", BPFGUARD_VERSION);
	err = cgroup_id_of(cgroup_fd, &id);
	if (err)
		return err;
	m.cgroup_id = id;
	for (i = 0; i < loader_n_hooks; i++) {
		struct bpf_prog_info info = { 0 };
		__u32 len = sizeof(info);

		if (bpf_obj_get_info_by_fd(bpf_program__fd(find_prog(set, &loader_hooks[i])), &info,
					   &len))
			return -errno;
		memcpy(m.tag[loader_hooks[i].id], info.tag, sizeof(info.tag));
	}
	err = g->flags & BG_G_LINK ? loader_link_tags(slot, g->name, &m) : 0;
	if (err)
		return err;
	return bpf_map_update_elem(bpf_map__fd(set->maps.bg_manifest), &slot, &m, BPF_ANY) ? -errno
											   : 0;
}
