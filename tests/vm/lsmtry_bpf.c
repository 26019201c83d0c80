// SPDX-License-Identifier: GPL-2.0-only
/* bpf(2) and io_uring, for lsmtry. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lsmtry.h"

#if __has_include(<liburing.h>)
#include <liburing.h>

int lsm_try_uring(char **arg)
{
	bool async = !strcmp(arg[0], "async"), sqpoll = !strcmp(arg[0], "sqpoll");
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	struct io_uring ring;
	int err = io_uring_queue_init(4, &ring, sqpoll ? IORING_SETUP_SQPOLL : 0);

	if (err)
		return lsm_said("uring", -err);
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_socket(sqe, atoi(arg[1]), atoi(arg[2]), atoi(arg[3]), 0);
	if (async)
		io_uring_sqe_set_flags(sqe, IOSQE_ASYNC);
	io_uring_submit(&ring);
	err = io_uring_wait_cqe(&ring, &cqe);
	if (!err && cqe->res < 0)
		err = cqe->res;
	return lsm_said("uring", -err);
}
#else
int lsm_try_uring(char **arg)
{
	(void)arg;
	return lsm_said("uring", EINVAL); /* as a kernel without the call says */
}
#endif

/* An LSM program that says yes to everything. */
static int attach_empty(int id)
{
	const struct bpf_insn yes[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_LSM_MAC,
		    .attach_btf_id = id);
	int prog = bpf_prog_load(BPF_PROG_TYPE_LSM, "test_fill", "GPL", yes, 2, &opts);

	return prog < 0 ? -1 : bpf_raw_tracepoint_open(NULL, prog);
}

static int fill(const char *hook)
{
	int id = libbpf_find_vmlinux_btf_id(hook, BPF_LSM_MAC), n = 0;

	while (n < 100 && attach_empty(id) >= 0)
		n++;
	printf("%s\n", n > 0 && n < 100 ? "ready" : "not full");
	fflush(stdout);
	return pause();
}

static int try_map(char **arg)
{
	LIBBPF_OPTS(bpf_get_fd_by_id_opts, opts,
		    .open_flags = !strcmp(arg[1], "read") ? BPF_F_RDONLY : 0);
	int fd = bpf_map_get_fd_by_id_opts(atoi(arg[0]), &opts);

	return lsm_said("map", fd < 0 ? errno : 0);
}

static int try_link(const char *what, const char *id)
{
	int fd = bpf_link_get_fd_by_id(atoi(id)), prog, err;
	struct bpf_link_info info = { 0 };
	__u32 len = sizeof(info);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len))
		return lsm_said("link: before", errno);
	if (!strcmp(what, "detach")) {
		err = bpf_link_detach(fd);
	} else {
		prog = bpf_prog_get_fd_by_id(info.prog_id);
		err = bpf_link_update(fd, prog, NULL);
	}
	return lsm_said(what, err ? errno : 0);
}

static int unpublish(const char *pin)
{
	int fd = bpf_obj_get(pin);
	__u32 zero = 0;

	return lsm_said("unpublish", fd < 0 || bpf_map_delete_elem(fd, &zero) ? errno : 0);
}

int lsm_try_bpf(char **argv)
{
	if (!argv[0] || !argv[1])
		return 64;
	if (!strcmp(argv[0], "fill"))
		return fill(argv[1]);
	if (!strcmp(argv[0], "map") && argv[2])
		return try_map(argv + 1);
	if (!strcmp(argv[0], "detach") || !strcmp(argv[0], "update"))
		return try_link(argv[0], argv[1]);
	if (!strcmp(argv[0], "unpublish"))
		return unpublish(argv[1]);
	return 64;
}
