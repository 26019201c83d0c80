// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guard's own counters, read where `bpfguard load` pinned them: what is refused without an
 * event (multicast frames at the link) is counted all the same. bg_counter: u64, per processor, by
 * slot times BG_R_MAX plus reason; ours is the only guard, slot 0.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bpf/bpfguard.h"
#include "events/names.h"
#include "runner.h"

#define MAX_CPUS 512

_Static_assert(COUNTERS == BG_R_MAX, "as many as there are reasons");

static int map = -1;

bool counters_open(const char *pins)
{
	union bpf_attr attr = { 0 };
	char path[400];

	snprintf(path, sizeof(path), "%s/maps/bg_counter", pins);
	attr.pathname = (uint64_t)path;
	attr.file_flags = BPF_F_RDONLY; /* the guard keeps what can write to itself */
	map = (int)syscall(SYS_bpf, BPF_OBJ_GET, &attr, sizeof(attr));
	return map >= 0;
}

void counters_read(uint64_t ret[COUNTERS])
{
	static uint64_t value[MAX_CPUS]; /* one for each possible processor */
	uint32_t key;
	int cpu;

	memset(ret, 0, BG_R_MAX * sizeof(*ret));
	for (key = BG_R_FIRST_DENY; map >= 0 && key < BG_R_MAX && events_reason_name(key); key++) {
		union bpf_attr attr = { .map_fd = (uint32_t)map,
					.key = (uint64_t)&key,
					.value = (uint64_t)value };

		memset(value, 0, sizeof(value));
		if (syscall(SYS_bpf, BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr)))
			return;
		for (cpu = 0; cpu < MAX_CPUS; cpu++)
			ret[key] += value[cpu];
	}
}

/* "link_host,link_spoof": what moved since then; "-" if nothing did. */
void counters_moved(const uint64_t since[COUNTERS], char *ret, size_t size)
{
	uint64_t now[COUNTERS];
	size_t n = 0;
	unsigned int i;

	counters_read(now);
	snprintf(ret, size, "-");
	for (i = 0; i < BG_R_MAX && n < size; i++)
		if (now[i] > since[i])
			n += (size_t)snprintf(ret + n, size - n, "%s%s", n ? "," : "",
					      events_reason_name(i));
}
