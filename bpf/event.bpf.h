/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Evidence: count each verdict exactly, fold repeats, hand one event per burst to the log. Nothing
 * here can change a verdict; what fails here loses detail, and says so in bg_stat.
 */
#ifndef BPFGUARD_EVENT_BPF_H
#define BPFGUARD_EVENT_BPF_H

#include "bpf/maps.bpf.h"
#include "bpf/verdict.bpf.h"

/* Who and what a denial is about. */
struct bg_report {
	struct bg_owner who;
	struct bg_flow flow;
	__u64 count;
	__u32 generation;
	__u8 verdict, reason, pad[2];
};

BG_INLINE void bg_count_stat(__u32 stat)
{
	__u64 *n = bpf_map_lookup_elem(&bg_stat, &stat);

	if (n)
		__sync_fetch_and_add(n, 1);
}

BG_INLINE void bg_count(__u32 slot, __u32 reason)
{
	__u32 key = slot * BG_R_MAX + (reason & (BG_R_MAX - 1));
	struct bg_counter *c = bpf_map_lookup_elem(&bg_counter, &key);

	if (c)
		__sync_fetch_and_add(&c->packets, 1);
}

/*
 * The number is taken even when the ring is full: a gap in the numbers is a loss, exactly. A lock
 * and not an atomic add, because kernels before 5.12 have none that returns the value. Where a
 * program may take no lock (BG_MAY_LOCK, set by the includer) its events have number 0, which is
 * shown as it comes; bg_stat still counts those that are lost.
 */
#ifndef BG_MAY_LOCK
#define BG_MAY_LOCK true
#endif

BG_INLINE __u64 bg_next_seq(void)
{
	__u32 zero = 0;
	struct bg_stream_lock *s = bpf_map_lookup_elem(&bg_stream, &zero);
	__u64 seq;

	if (!s || !(BG_MAY_LOCK))
		return 0;
	bpf_spin_lock(&s->lock);
	seq = ++s->seq;
	bpf_spin_unlock(&s->lock);
	return seq;
}

BG_INLINE void bg_fill_event(struct bg_event *ev, __u32 slot, const struct bg_report *r,
			     const struct bg_guard *g, __u64 seq)
{
	ev->seq = seq;
	ev->ts_ns = bpf_ktime_get_boot_ns();
	ev->count = r->count;
	ev->cgroup = r->who.cgroup;
	ev->kind = BG_EVENT_DENIED;
	ev->slot = slot;
	ev->pid = r->who.pid;
	ev->tgid = r->who.tgid;
	ev->uid = r->who.uid;
	ev->generation = r->generation;
	ev->verdict = r->verdict;
	ev->reason = r->reason;
	ev->hook = r->flow.hook;
	ev->dns_len = 0;
	ev->pad = 0;
	__builtin_memcpy(ev->comm, r->who.comm, sizeof(ev->comm));
	if (g)
		__builtin_memcpy(ev->guard, g->name, sizeof(ev->guard));
	else
		__builtin_memset(ev->guard, 0, sizeof(ev->guard));
	ev->flow = r->flow;
}

/* 0, or -1 when the ring was full. */
BG_INLINE int bg_submit(__u32 slot, const struct bg_report *r, const struct bg_guard *g)
{
	__u64 seq = bg_next_seq();
	struct bg_event *ev = bpf_ringbuf_reserve(&bg_event, sizeof(*ev), 0);

	if (!ev) {
		bg_count_stat(BG_STAT_LOST);
		return -1;
	}
	bg_fill_event(ev, slot, r, g, seq);
	bpf_ringbuf_submit(ev, 0);
	bg_count_stat(BG_STAT_EVENTS);
	return 0;
}

/* A refused query goes out with the name it asked for (UDP; question behind a 12-byte header). */
BG_INLINE int bg_submit_dns(__u32 slot, const struct bg_report *r, const struct bg_guard *g,
			    struct __sk_buff *ctx, __u32 off)
{
	__u64 seq = bg_next_seq();
	struct bg_event_dns *ev = bpf_ringbuf_reserve(&bg_event, sizeof(*ev), 0);
	__u32 len = ctx->len;

	if (!ev) {
		bg_count_stat(BG_STAT_LOST);
		return -1;
	}
	bg_fill_event(&ev->ev, slot, r, g, seq);
	__builtin_memset(ev->qname, 0, sizeof(ev->qname));
	ev->ev.kind = BG_EVENT_DENIED_DNS;
	if (len > off) {
		len -= off;
		if (len > BG_DNS_QNAME - 1)
			len = BG_DNS_QNAME - 1;
		if (len > 0 && !bpf_skb_load_bytes(ctx, off, ev->qname, len))
			ev->ev.dns_len = len;
	}
	bpf_ringbuf_submit(ev, 0);
	bg_count_stat(BG_STAT_EVENTS);
	return 0;
}

/*
 * An entry is made empty and filled in its place, because the packet hook has no stack to spare for
 * a copy. Another CPU that meets it empty takes its window for over, and makes an event of its own
 * denial: one event more, no count wrong.
 */
const volatile struct bg_fold bg_fold_empty = {};

BG_INLINE void bg_fill_fold(struct bg_fold *e, const struct bg_report *r, __u64 now)
{
	e->window_ns = now + BG_FOLD_WINDOW_NS;
	e->cgroup = r->who.cgroup;
	e->pid = r->who.pid;
	e->uid = r->who.uid;
	e->generation = r->generation;
	e->flow = r->flow;
	__builtin_memcpy(e->comm, r->who.comm, sizeof(e->comm));
}

/*
 * Decides whether this denial becomes an event now. Returns how many it stands for, 0 when it was
 * folded. What an event reports is subtracted rather than zeroed, so that two CPUs meeting at the
 * end of a window can make a count late but never wrong.
 */
BG_INLINE __u64 bg_fold_in(const struct bg_fold_key *key, const struct bg_report *r,
			   struct bg_fold **ret)
{
	struct bg_fold *e = bpf_map_lookup_elem(&bg_fold, key);
	__u64 now = bpf_ktime_get_boot_ns();
	__s64 n;

	if (!e) {
		bool first = !bpf_map_update_elem(&bg_fold, key, (const void *)&bg_fold_empty,
						  BPF_NOEXIST);

		e = bpf_map_lookup_elem(&bg_fold, key);
		if (e && first)
			bg_fill_fold(e, r, now);
		*ret = e;
		if (first)
			return 1;
		if (!e) { /* another CPU was faster, and its entry has gone again */
			bg_count_stat(BG_STAT_UNFOLDED);
			return 1;
		}
	}
	*ret = e;
	if (now < e->window_ns) {
		__sync_fetch_and_add(&e->pending, 1);
		bg_count_stat(BG_STAT_FOLDED);
		return 0;
	}
	e->window_ns = now + BG_FOLD_WINDOW_NS;
	n = e->pending;
	__sync_fetch_and_add(&e->pending, -n);
	if (n + 1 <= 0) { /* another CPU has reported ours already */
		__sync_fetch_and_add(&e->pending, n + 1);
		return 0;
	}
	return n + 1;
}

/*
 * Makes the verifier forget what it knows of a report: else it walks all that follows once for each
 * way to a denial, and loading takes twice as long. Copies the report onto itself.
 */
BG_INLINE void bg_forget_ways(struct bg_report *r)
{
	bpf_probe_read_kernel(r, sizeof(*r), r);
}

/* The same value, which the verifier knows nothing of any more; `any` is a value that it never
 * knew. */
BG_INLINE __u32 bg_opaque(__u32 v, __u32 any)
{
	asm volatile("%0 ^= %1\n\t%0 ^= %1" : "+r"(v) : "r"(any));
	return v;
}

/* ctx and dns_off: the packet and the offset of its question, for a refused UDP query; else NULL.
 */
BG_INLINE void bg_denied(__u32 slot, struct bg_report *r, const struct bg_guard *g,
			 struct __sk_buff *ctx, __u32 dns_off)
{
	struct bg_fold_key key = {
		.slot = slot,
		.reason = r->reason,
		.family = r->flow.family,
		.proto = r->flow.proto,
		.dport = r->flow.dport,
		.tgid = r->who.tgid,
	};
	struct bg_last *last = bpf_map_lookup_elem(&bg_last, &slot);
	struct bg_fold *fold = 0;
	int err;

	bg_count(slot, r->reason);
	if (last) {
		last->ts_ns = bpf_ktime_get_boot_ns();
		last->reason = r->reason;
		last->hook = r->flow.hook;
	}
	__builtin_memcpy(key.daddr, r->flow.daddr, sizeof(key.daddr));
	r->count = bg_fold_in(&key, r, &fold);
	if (!r->count)
		return;
	if (ctx)
		err = bg_submit_dns(slot, r, g, ctx, dns_off);
	else
		err = bg_submit(slot, r, g);
	if (err && fold) /* the ring was full: the next event of its kind brings the count */
		__sync_fetch_and_add(&fold->pending, r->count);
}

/* The calling process. Right in connect, sendmsg and sock_create; never asked for in a packet hook.
 */
BG_INLINE void bg_current(struct bg_owner *who)
{
	__u64 id = bpf_get_current_pid_tgid();

	who->pid = (__u32)id;
	who->tgid = id >> 32;
	who->uid = (__u32)bpf_get_current_uid_gid();
	who->cgroup = bpf_get_current_cgroup_id();
	bpf_get_current_comm(who->comm, sizeof(who->comm));
}

/* A guard in the generation in force; NULL: not loaded, deny. */
BG_INLINE const struct bg_guard *bg_guard_at(__u32 slot)
{
	__u32 zero = 0;
	void *generation = bpf_map_lookup_elem(&bg_policy, &zero);

	return generation ? bpf_map_lookup_elem(generation, &slot) : 0;
}

/* That of this set of programs. */
BG_INLINE const struct bg_guard *bg_guard_here(void)
{
	return bg_guard_at(bg_slot);
}

BG_INLINE const struct bg_lease *bg_lease_here(void)
{
	__u32 slot = bg_slot;

	return bpf_map_lookup_elem(&bg_lease, &slot);
}

/* Asked only where a refusal would follow: letting pass costs nothing more. Missing: not paused. */
BG_INLINE bool bg_is_paused(__u32 slot)
{
	__u64 *until = bpf_map_lookup_elem(&bg_pause, &slot);

	return until && bpf_ktime_get_boot_ns() < *until;
}

/* bpfguard pause: what would have been refused passes, is counted, and makes no event. */
BG_INLINE bool bg_let_pass_paused(void)
{
	if (!bg_is_paused(bg_slot))
		return false;
	bg_count(bg_slot, BG_R_PAUSED);
	return true;
}

/* The clock, if the decision will look at it. */
BG_INLINE __u64 bg_now_for(const struct bg_guard *g)
{
	return g->flags & BG_G_LEASE_OFF ? 0 : bpf_ktime_get_boot_ns();
}

BG_INLINE bool bg_prefix_find(const struct bg_guard *g, __u32 slot, const struct bg_flow *f,
			      __u32 *line)
{
	struct bg_prefix_key key = {
		.prefixlen = f->family == 4 ? 96 : 192,
		.scope = g->generation * BG_MAX_GUARDS + slot,
		.family = f->family,
		.addr = { f->daddr[0], f->daddr[1], f->daddr[2], f->daddr[3] },
	};
	struct bg_prefix_value *v = bpf_map_lookup_elem(&bg_prefix, &key);

	if (!v)
		return false;
	*line = v->line;
	return true;
}

#endif /* BPFGUARD_EVENT_BPF_H */
