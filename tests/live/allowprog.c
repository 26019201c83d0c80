// SPDX-License-Identifier: GPL-2.0-only
/*
 * allowprog CGROUP-DIR link|legacy: hangs programs of one instruction, "allow", on a cgroup at the
 * places where the guard refuses, says how many, and keeps them until standard input ends.
 */
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <fcntl.h>

#include "live.h"

static int bpf(int cmd, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static int load(int type, int attach)
{
	const struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = (unsigned int)type,
		.expected_attach_type = (unsigned int)attach,
		.insns = (uintptr_t)code,
		.insn_cnt = 2,
		.license = (uintptr_t) "GPL",
	};

	return bpf(BPF_PROG_LOAD, &attr);
}

static int hang(int prog, int cgroup, int attach, bool legacy)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	if (legacy) {
		attr.target_fd = (unsigned int)cgroup;
		attr.attach_bpf_fd = (unsigned int)prog;
		attr.attach_type = (unsigned int)attach;
		attr.attach_flags = BPF_F_ALLOW_OVERRIDE;
		return bpf(BPF_PROG_ATTACH, &attr);
	}
	attr.link_create.prog_fd = (unsigned int)prog;
	attr.link_create.target_fd = (unsigned int)cgroup;
	attr.link_create.attach_type = (unsigned int)attach;
	return bpf(BPF_LINK_CREATE, &attr);
}

int main(int argc, char **argv)
{
	static const struct {
		int type, attach;
	} at[] = {
		{ BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_EGRESS },
		{ BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET_SOCK_CREATE },
		{ BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_CONNECT },
		{ BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UDP4_SENDMSG },
		{ BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET6_CONNECT },
		{ BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UDP6_SENDMSG },
	};
	int cgroup, n = 0;
	char c;

	if (argc < 3)
		return 64;
	cgroup = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (cgroup < 0)
		live_die(argv[1]);
	for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++) {
		int prog = load(at[i].type, at[i].attach);

		if (prog < 0)
			live_die("load");
		n += hang(prog, cgroup, at[i].attach, !strcmp(argv[2], "legacy")) >= 0;
	}
	printf("attached=%d\n", n);
	fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
	return 0;
}
