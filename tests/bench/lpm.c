// SPDX-License-Identifier: GPL-2.0-only
/* The programs to compare with and to measure: attach the address-only one, read run times. */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

struct key {
	uint32_t prefixlen;
	uint32_t addr;
};

static int add_prefix(int map, char *text)
{
	char *slash = strchr(text, '/');
	struct key key = { .prefixlen = 32 };
	uint32_t value = 1;

	if (slash) {
		*slash++ = 0;
		key.prefixlen = strtoul(slash, NULL, 10);
	}
	if (inet_pton(AF_INET, text, &key.addr) != 1) {
		errno = EINVAL;
		return -1;
	}
	return bpf_map_update_elem(map, &key, &value, BPF_ANY);
}

int bench_lpm(const char *object, const char *cgroup, int n, char **prefixes)
{
	struct bpf_object *obj = bpf_object__open_file(object, NULL);
	struct bpf_program *prog;
	int i, fd, map;

	if (!obj || bpf_object__load(obj))
		bench_die(object);
	map = bpf_object__find_map_fd_by_name(obj, "allowed");
	for (i = 0; i < n; i++)
		if (add_prefix(map, prefixes[i]))
			bench_die(prefixes[i]);
	prog = bpf_object__find_program_by_name(obj, "lpm_egress");
	fd = open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!prog || fd < 0 || !bpf_program__attach_cgroup(prog, fd))
		bench_die(cgroup);
	printf("ready\n");
	fflush(stdout);
	for (;;)
		pause(); /* the link lives as long as this process */
}

int bench_stats_on(void)
{
	return bpf_enable_stats(BPF_STATS_RUN_TIME);
}

int bench_prog_stats(const char *cgroup, uint64_t *ret_ns, uint64_t *ret_runs)
{
	__u32 ids[64], n = 64, i, len;
	int dir = open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC), prog, err;
	uint64_t ns = 0, runs = 0;

	if (dir < 0)
		return -1;
	err = bpf_prog_query(dir, BPF_CGROUP_INET_EGRESS, BPF_F_QUERY_EFFECTIVE, NULL, ids, &n);
	close(dir);
	if (err)
		return -1;
	for (i = 0; i < n; i++) {
		struct bpf_prog_info info = { 0 };

		len = sizeof(info);
		prog = bpf_prog_get_fd_by_id(ids[i]);
		if (prog < 0 || bpf_obj_get_info_by_fd(prog, &info, &len))
			return -1;
		close(prog);
		ns += info.run_time_ns;
		runs += info.run_cnt;
	}
	*ret_ns = ns;
	*ret_runs = runs;
	return 0;
}
