// SPDX-License-Identifier: GPL-2.0-only
/*
 * The decision, compiled as in every kernel program, on the maps that an instance has loaded: takes
 * a batch of flows and writes what it decides. Run by BPF_PROG_TEST_RUN, attached nowhere.
 */
#include "vmlinux/vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "bpf/event.bpf.h"
#include "tests/prog/verdict_test.h"

const volatile __u32 bg_slot;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, VERDICT_BATCH);
	__type(key, __u32);
	__type(value, struct verdict_case);
} test_case SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, VERDICT_BATCH);
	__type(key, __u32);
	__type(value, struct bg_decision);
} test_decision SEC(".maps");

/* A global function, so that the verifier looks at it once and not once a flow. */
__noinline int verdict_one(__u32 i)
{
	struct verdict_case *c = bpf_map_lookup_elem(&test_case, &i);
	struct bg_decision *out = bpf_map_lookup_elem(&test_decision, &i);
	const struct bg_guard *g;
	const struct bg_lease *lease;
	struct bg_decision d = {};
	struct bg_flow f;
	__u32 zero = 0, slot;
	void *generation;

	if (!c || !out)
		return 0;
	f = c->flow;
	slot = c->slot;
	generation = bpf_map_lookup_elem(&bg_policy, &zero);
	g = generation ? bpf_map_lookup_elem(generation, &slot) : 0;
	lease = bpf_map_lookup_elem(&bg_lease, &slot);
	if (f.hook == BG_HOOK_EGRESS || f.hook == BG_HOOK_SOCKOPS)
		bg_decide_packet(g, slot, &f, lease, c->now_ns, &d);
	else
		bg_decide_call(g, slot, &f, lease, c->now_ns, &d);
	*out = d;
	return 1;
}

SEC("cgroup_skb/egress")
int verdict_batch(struct __sk_buff *ctx)
{
	__u32 i, done = 0;

	(void)ctx;
	for (i = 0; i < VERDICT_BATCH; i++)
		done += verdict_one(i);
	/* the only answers that a test run of this type may give: 1 if every flow was decided */
	return done == VERDICT_BATCH;
}

char LICENSE[] SEC("license") = "GPL";
