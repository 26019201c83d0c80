// SPDX-License-Identifier: GPL-2.0-only
/*
 * The LSM programs: one set for all guards of the instance. A link of theirs cannot be updated, so
 * the new one is attached and then takes the old one's name, which ends that one: in between both
 * judge by the same maps.
 *
 * A death in the middle leaves a mixture of old and new programs, or only some on a first load;
 * the guards' own programs stand whatever these do, and the next load makes the set whole.
 */
#include <bpf/btf.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "loader/lsm_internal.h"
#include "lsm.skel.h"

const struct loader_lsm_hook loader_lsm_hooks[BG_LSM_HOOKS] = {
	{ BG_HOOK_LSM_CREATE, "socket_create", "bg_lsm_create", false },
	{ BG_HOOK_LSM_CONNECT, "socket_connect", "bg_lsm_connect", false },
	{ BG_HOOK_LSM_SENDMSG, "socket_sendmsg", "bg_lsm_sendmsg", false },
	{ BG_HOOK_LSM_LISTEN, "socket_listen", "bg_lsm_listen", false },
	{ BG_HOOK_LSM_RECEIVE, "file_receive", "bg_lsm_receive", false },
	{ BG_HOOK_LSM_WRITE, "file_permission", "bg_lsm_write", true },
	{ BG_HOOK_LSM_OPEN, "file_open", "bg_lsm_open", false },
	{ BG_HOOK_LSM_FORK, "task_alloc", "bg_lsm_fork", false },
	{ BG_HOOK_LSM_UNLINK, "inode_unlink", "bg_lsm_unlink", false },
	{ BG_HOOK_LSM_RMDIR, "inode_rmdir", "bg_lsm_rmdir", false },
	{ BG_HOOK_LSM_RENAME, "inode_rename", "bg_lsm_rename", false },
	{ BG_HOOK_LSM_UMOUNT, "sb_umount", "bg_lsm_umount", false },
	{ BG_HOOK_LSM_MOUNT, "sb_mount", "bg_lsm_mount", false },
	{ BG_HOOK_LSM_MOVE_MOUNT, "move_mount", "bg_lsm_move", false },
	{ BG_HOOK_LSM_BPF, "bpf", "bg_lsm_bpf", false },
	{ BG_HOOK_LSM_BPF_MAP, "bpf_map", "bg_lsm_bpf_map", false },
};

const void *loader_lsm_elf(size_t *ret_size)
{
	return lsm_bpf__elf_bytes(ret_size);
}

int loader_lsm_read(struct bg_lsm *ret)
{
	_close_ int map = loader_open_map("bg_lsm");
	struct bg_lsm conf;
	__u32 zero = 0;

	if (map < 0)
		return map;
	if (bpf_map_lookup_elem(map, &zero, &conf))
		return -errno;
	*ret = conf;
	return 0;
}

int loader_lsm_write(const struct bg_lsm *conf)
{
	_close_ int map = loader_open_map("bg_lsm");
	__u32 zero = 0;

	if (map < 0)
		return map;
	return bpf_map_update_elem(map, &zero, conf, BPF_ANY) ? -errno : 0;
}

int loader_lsm_open(const struct loader_lsm_hook *h, struct bpf_link_info *ret)
{
	struct bpf_link_info info = { 0 };
	__u32 len = sizeof(info);
	char path[PATH_MAX];
	_close_ int fd = -1;
	int err = loader_pin_path(path, sizeof(path), "lsm/%s", h->name);

	if (err)
		return err;
	fd = bpf_obj_get(path);
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len))
		return -errno;
	*ret = info;
	return TAKE_FD(fd);
}

bool loader_lsm_hook_is_whole(const struct loader_lsm_hook *h, const struct bg_lsm *conf,
			      const struct loader_pinned *pinned, struct loader_hook_status *ret)
{
	struct bpf_link_info info = { 0 };
	struct bpf_prog_info of = { 0 };
	_close_ int link = loader_lsm_open(h, &info), prog = -1;
	__u32 maps[64], len = sizeof(of);
	int i;

	if (link < 0 || info.type != BPF_LINK_TYPE_TRACING ||
	    info.tracing.attach_type != BPF_LSM_MAC)
		return false;
	prog = bpf_prog_get_fd_by_id(info.prog_id);
	of.nr_map_ids = ARRAY_SIZE(maps);
	of.map_ids = (uintptr_t)maps;
	if (prog < 0 || bpf_obj_get_info_by_fd(prog, &of, &len))
		return false;
	ret->attached = true;
	ret->link_id = info.id;
	ret->prog_id = info.prog_id;
	for (i = 0; i < 8; i++)
		snprintf(ret->tag + 2 * i, 3, "%02x", of.tag[i]);
	return of.nr_map_ids <= ARRAY_SIZE(maps) &&
	       !memcmp(of.tag, conf->tag[h->id - BG_HOOK_LSM_FIRST], sizeof(of.tag)) &&
	       loader_uses_pinned(maps, of.nr_map_ids, pinned);
}

bool loader_lsm_is_whole(void)
{
	struct loader_pinned pinned;
	uint8_t object[32];
	struct bg_lsm conf;
	size_t i;

	loader_object_hash(object);
	if (loader_lsm_read(&conf) || memcmp(conf.object, object, sizeof(object)) ||
	    loader_pinned_maps(&pinned))
		return false;
	for (i = 0; i < BG_LSM_HOOKS; i++) {
		static const uint8_t none[8];
		struct loader_hook_status s;

		if (memcmp(conf.tag[i], none, sizeof(none)) &&
		    !loader_lsm_hook_is_whole(&loader_lsm_hooks[i], &conf, &pinned, &s))
			return false;
	}
	return true;
}

/* Which programs this kernel has a hook and a use for. */
static int choose(struct lsm_bpf *set)
{
	struct btf *btf = btf__load_vmlinux_btf();
	bool sendpage = false;
	char name[64];
	size_t i;
	int ops;

	if (!btf)
		return -errno;
	ops = btf__find_by_name_kind(btf, "proto_ops", BTF_KIND_STRUCT);
	if (ops > 0) {
		const struct btf_type *t = btf__type_by_id(btf, ops);
		const struct btf_member *m = btf_members(t);

		for (i = 0; i < btf_vlen(t); i++)
			sendpage |= !strcmp(btf__name_by_offset(btf, m[i].name_off), "sendpage");
	}
	for (i = 0; i < BG_LSM_HOOKS; i++) {
		const struct loader_lsm_hook *h = &loader_lsm_hooks[i];

		snprintf(name, sizeof(name), "bpf_lsm_%s", h->name);
		bpf_program__set_autoload(bpf_object__find_program_by_name(set->obj, h->prog),
					  btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) > 0 &&
						  (sendpage || !h->sendpage));
	}
	btf__free(btf);
	return 0;
}

static int attach_one(const struct loader_lsm_hook *h, int prog, uint8_t ret_tag[8])
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);
	char path[PATH_MAX], fresh[PATH_MAX];
	_close_ int link = -1;
	int err = loader_pin_path(path, sizeof(path), "lsm/%s", h->name);

	if (!err)
		err = loader_pin_path(fresh, sizeof(fresh), "lsm/new");
	if (err)
		return err;
	memset(ret_tag, 0, 8);
	if (prog < 0) /* left out */
		return unlink(path) && errno != ENOENT ? -errno : 0;
	link = bpf_raw_tracepoint_open(NULL, prog);
	if (link < 0 || bpf_obj_get_info_by_fd(prog, &info, &len))
		return -errno;
	memcpy(ret_tag, info.tag, sizeof(info.tag));
	if (unlink(fresh) && errno != ENOENT)
		return -errno;
	return bpf_obj_pin(link, fresh) || rename(fresh, path) ? -errno : 0;
}

static int attach_all(struct lsm_bpf *set, struct bg_lsm *conf, struct loader_error *err)
{
	char dir[PATH_MAX];
	size_t i;
	int ret = loader_pin_path(dir, sizeof(dir), "lsm");

	if (!ret && mkdir(dir, 0700) && errno != EEXIST)
		ret = -errno;
	if (ret)
		return loader_fail(err, ret, EXIT_KERNEL, dir, NULL, "cannot pin: %s",
				   strerror(-ret));
	for (i = 0; i < BG_LSM_HOOKS; i++) {
		const struct loader_lsm_hook *h = &loader_lsm_hooks[i];

		ret = attach_one(
			h, bpf_program__fd(bpf_object__find_program_by_name(set->obj, h->prog)),
			conf->tag[i]);
		if (ret)
			return loader_fail(err, ret, EXIT_KERNEL, h->name,
					   "bpftool prog list shows who else is there, or accept "
					   "that only the link stops it: --accept-missing=lsm",
					   "BPF LSM is active, but takes not our program: %s",
					   strerror(-ret));
	}
	return 0;
}

static int raise_set(struct bg_lsm *conf, struct loader_error *err)
{
	struct lsm_bpf *set = lsm_bpf__open();
	int ret;

	if (!set)
		return loader_fail_load(err, -errno);
	ret = choose(set);
	if (!ret)
		ret = loader_share_maps(set->obj);
	if (!ret)
		ret = lsm_bpf__load(set);
	if (ret)
		loader_fail(err, ret, EXIT_KERNEL, "the kernel cannot run the LSM programs",
			    "BPFGUARD_DEBUG=1 shows why; or accept that only the link stops what "
			    "they would: --accept-missing=lsm",
			    "%s: %s", strerror(-ret), loader_libbpf_said());
	else
		ret = attach_all(set, conf, err);
	lsm_bpf__destroy(set);
	return ret;
}

int loader_lsm_raise(uint32_t accept, enum bg_lsm_state *ret_state, struct loader_error *err)
{
	enum bg_lsm_state state = loader_lsm_probe();
	struct bg_lsm conf = { 0 };
	int ret;

	*ret_state = state;
	if (state != BG_LSM_ACTIVE || loader_lsm_is_whole())
		return 0;
	loader_lsm_read(&conf); /* what it says of the pins holds while the programs change */
	ret = raise_set(&conf, err);
	if (!ret) {
		loader_object_hash(conf.object);
		ret = loader_lsm_write(&conf);
		return ret ? loader_fail(err, ret, EXIT_KERNEL, "cannot note what was loaded", NULL,
					 "%s", strerror(-ret))
			   : 0;
	}
	/* a map of another version is no lack of the kernel's */
	if (!(accept & BG_ACCEPTED_LSM) || strstr(loader_libbpf_said(), "pinned map"))
		return ret;
	*ret_state = BG_LSM_FAILED;
	ret = loader_lsm_remove();
	return ret ? loader_fail(err, ret, EXIT_KERNEL, "cannot take the LSM programs away", NULL,
				 "%s", strerror(-ret))
		   : 0;
}

int loader_lsm_remove(void)
{
	char dir[PATH_MAX], path[PATH_MAX + 32];
	struct dirent *e;
	int err = loader_pin_path(dir, sizeof(dir), "lsm");
	DIR *d = err ? NULL : opendir(dir);

	if (!d)
		return err ? err : errno == ENOENT ? 0 : -errno;
	while (!err && (e = readdir(d))) {
		if (e->d_name[0] == '.' || strlen(e->d_name) > 30)
			continue;
		snprintf(path, sizeof(path), "%s/%.30s", dir, e->d_name);
		if (unlink(path) && errno != ENOENT)
			err = -errno;
	}
	closedir(d);
	return err ? err : rmdir(dir) && errno != ENOENT ? -errno : 0;
}
