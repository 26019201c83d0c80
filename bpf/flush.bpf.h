/* SPDX-License-Identifier: GPL-2.0-only */
/* Folded repeats into events, on the log's demand. */
#include "bpf/event.bpf.h"

/*
 * Not attached: the log runs it (BPF_PROG_TEST_RUN) to turn what was folded since the last event
 * of its kind into events, so that the last repeats of a burst are not left in the kernel.
 * mark 1: also those whose window is still open.
 */
#ifndef BPFGUARD_FLUSH_BPF_H
#define BPFGUARD_FLUSH_BPF_H

static long bg_flush_one(void *map, struct bg_fold_key *key, struct bg_fold *e,
			 struct __sk_buff **ctx)
{
	__u64 now = bpf_ktime_get_boot_ns();
	struct bg_report r = {};
	const struct bg_guard *g;
	__s64 n = e->pending;
	__u32 zero = 0, slot = key->slot;
	void *generation;

	(void)map;
	/* no room: the counts wait, rather than taking numbers for events that would be lost */
	if (bpf_ringbuf_query(&bg_event, BPF_RB_AVAIL_DATA) + sizeof(struct bg_event) + 8 >
	    BG_RING_BYTES)
		return 1;
	if (n <= 0 || (now < e->window_ns && (*ctx)->mark != 1))
		return 0;
	__sync_fetch_and_add(&e->pending, -n);
	generation = bpf_map_lookup_elem(&bg_policy, &zero);
	g = generation ? bpf_map_lookup_elem(generation, &slot) : 0;
	r.count = n;
	r.reason = key->reason;
	r.generation = e->generation;
	r.verdict = g && (g->flags & BG_G_AUDIT) ? BG_WOULD_DENY : BG_DENY;
	r.flow = e->flow;
	r.who.cgroup = e->cgroup;
	r.who.pid = e->pid;
	r.who.tgid = key->tgid;
	r.who.uid = e->uid;
	__builtin_memcpy(r.who.comm, e->comm, sizeof(r.who.comm));
	if (bg_submit(slot, &r, g))
		__sync_fetch_and_add(&e->pending, n);
	return 0;
}

SEC("cgroup_skb/egress")
int bg_flush(struct __sk_buff *ctx)
{
	bpf_for_each_map_elem(&bg_fold, bg_flush_one, &ctx, 0);
	return 1;
}

#endif /* BPFGUARD_FLUSH_BPF_H */
