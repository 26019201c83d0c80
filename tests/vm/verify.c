// SPDX-License-Identifier: GPL-2.0-only
/*
 * verify OBJECT: what the verifier of this kernel says of each program; loads them, attaches none.
 * One line a program, tab-separated: NAME INSTRUCTIONS PROCESSED STATES STACK. Exit 1 if the kernel
 * refuses one; why is on stderr. STACK is what older kernels make of it: functions that call one
 * another may take 512 bytes together, each one's share rounded up to 32.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <string.h>

/* BPF_LOG_STATS of the kernel's bpf_verifier.h: the totals and nothing else */
#define STATS	     4
#define MAX_PROGRAMS 32

static char logs[MAX_PROGRAMS][4096];

static int quiet(enum libbpf_print_level level, const char *fmt, va_list args)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, fmt, args) : 0;
}

static unsigned long number(const char *log, const char *before)
{
	const char *at = strstr(log, before);
	unsigned long n = 0;

	if (at)
		sscanf(at + strlen(before), "%lu", &n);
	return n;
}

/* "stack depth 264+232+96": the program's own, then each function's. None of them calls another. */
static unsigned long stack(const char *log)
{
	const char *at = strstr(log, "stack depth ");
	unsigned long own = 0, most = 0, n;
	int used;

	if (!at || sscanf(at, "stack depth %lu%n", &own, &used) != 1)
		return 0;
	for (at += used; sscanf(at, "+%lu%n", &n, &used) == 1; at += used)
		most = n > most ? n : most;
	return (own + 31) / 32 * 32 + (most + 31) / 32 * 32;
}

static struct bpf_object *open_programs(const char *path)
{
	struct bpf_object *obj = bpf_object__open(path);
	struct bpf_program *p;

	if (!obj)
		return NULL;
	/* as the loader does: only the log's flush may be left out, on kernels before 5.13 */
	p = bpf_object__find_program_by_name(obj, "bg_flush");
	if (p)
		bpf_program__set_autoload(p, libbpf_probe_bpf_helper(BPF_PROG_TYPE_CGROUP_SKB,
								     BPF_FUNC_for_each_map_elem,
								     NULL) == 1);
	return obj;
}

/* Totals alone do not say why: without a buffer of ours libbpf tries again and prints all of it. */
static int explain(const char *path)
{
	struct bpf_object *obj = open_programs(path);

	if (obj)
		bpf_object__load(obj);
	bpf_object__close(obj);
	return 1;
}

int main(int argc, char **argv)
{
	struct bpf_object *obj;
	struct bpf_program *p;
	size_t i = 0;

	libbpf_set_print(quiet);
	obj = argc == 2 ? open_programs(argv[1]) : NULL;
	if (!obj) {
		fprintf(stderr, "usage: verify OBJECT\n");
		return 64;
	}
	bpf_object__for_each_program(p, obj)
	{
		if (i == MAX_PROGRAMS)
			return 1;
		bpf_program__set_log_level(p, STATS);
		bpf_program__set_log_buf(p, logs[i++], sizeof(logs[0]));
	}
	if (bpf_object__load(obj)) {
		bpf_object__close(obj);
		return explain(argv[1]);
	}
	i = 0;
	bpf_object__for_each_program(p, obj)
	{
		const char *log = logs[i++];

		if (bpf_program__autoload(p))
			printf("%s\t%zu\t%lu\t%lu\t%lu\n", bpf_program__name(p),
			       bpf_program__insn_cnt(p), number(log, "processed "),
			       number(log, "total_states "), stack(log));
	}
	bpf_object__close(obj);
	return 0;
}
