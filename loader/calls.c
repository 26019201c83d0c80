// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does another's program call bpf_set_retval, which turns our refusal of a call into success? In
 * what the kernel shows of a program a helper is its distance from __bpf_call_base, to whoever may
 * know addresses (kernel/bpf/syscall.c, bpf_insn_prepare_dump()).
 */
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include "loader/internal.h"
#include "loader/traps.h"

#define MAX_INSNS 65536

struct symbols {
	uint64_t base, set_retval;
};

static int read_symbols(struct symbols *ret)
{
	_fclose_ FILE *f = fopen("/proc/kallsyms", "re");
	_free_ char *line = NULL;
	unsigned long long addr;
	size_t cap = 0;
	char name[64];

	*ret = (struct symbols){ 0 };
	if (!f)
		return -errno;
	while ((!ret->base || !ret->set_retval) && getline(&line, &cap, f) > 0) {
		if (sscanf(line, "%llx %*c %63s", &addr, name) != 2)
			continue;
		if (!strcmp(name, "__bpf_call_base"))
			ret->base = addr;
		else if (!strcmp(name, "bpf_set_retval"))
			ret->set_retval = addr;
	}
	return ret->base && ret->set_retval ? 0 : -ENOENT;
}

static bool calls(const struct bpf_insn *insn, size_t n, int32_t distance)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (insn[i].code == (BPF_JMP | BPF_CALL) && !insn[i].src_reg &&
		    insn[i].imm == distance)
			return true;
		if (insn[i].code == (BPF_LD | BPF_IMM | BPF_DW)) /* takes two */
			i++;
	}
	return false;
}

bool loader_undoes_refusals(uint32_t prog_id)
{
	_close_ int fd = bpf_prog_get_fd_by_id(prog_id);
	struct bpf_prog_info info = { 0 };
	_free_ struct bpf_insn *insn = NULL;
	__u32 len = sizeof(info), bytes;
	struct symbols s;

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len) ||
	    info.xlated_prog_len > MAX_INSNS * sizeof(*insn))
		return false;
	bytes = info.xlated_prog_len;
	insn = calloc(1, bytes ? bytes : 1);
	if (!insn || read_symbols(&s))
		return false;
	memset(&info, 0, sizeof(info));
	info.xlated_prog_insns = (uintptr_t)insn;
	info.xlated_prog_len = bytes;
	len = sizeof(info);
	return !bpf_obj_get_info_by_fd(fd, &info, &len) && info.xlated_prog_insns &&
	       calls(insn, bytes / sizeof(*insn), (int32_t)(s.set_retval - s.base));
}
