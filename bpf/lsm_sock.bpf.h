/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The sockets of a guarded task: of which family it may make one, and which ones it may use. Those
 * that the kernel itself made (of a network file system, say, in whose name a task writes) are not
 * the task's and are let be.
 */
#ifndef BPFGUARD_LSM_SOCK_BPF_H
#define BPFGUARD_LSM_SOCK_BPF_H

#include <bpf/bpf_endian.h>

#include "bpf/lsm_task.bpf.h"

#define BG_SOCKFS 0x534f434b /* s_magic */

/*
 * 0: let through. Those that end on this machine: UNIX, NETLINK (whatever of it changes the network
 * needs NET_ADMIN, and the packets that follow are judged like all others), ALG (the kernel's
 * ciphers). INET and INET6 have the other hooks. Everything else leaves past them.
 */
BG_INLINE __u32 bg_family_reason(__u32 family)
{
	switch (family) {
	case AF_UNIX:
	case AF_NETLINK:
	case AF_ALG:
	case AF_INET:
	case AF_INET6: return 0;
	case AF_PACKET: return BG_R_PACKET_SOCKET;
	default: return BG_R_SOCKET_FAMILY;
	}
}

/* The cgroup that a socket was made in; 0: the root, or not known. */
BG_INLINE const struct cgroup *bg_socket_cgroup(const struct sock *sk)
{
	__u64 val;

	if (!bpf_core_field_exists(struct sock_cgroup_data___tagged, val))
		return BPF_CORE_READ(sk, sk_cgrp_data.cgroup);
	/* a set low bit: the root's, or numbers of net_cls and net_prio and no pointer at all */
	val = BPF_CORE_READ((const struct sock___tagged *)sk, sk_cgrp_data.val);
	return val & 3 ? 0 : (const struct cgroup *)val;
}

/* As far as it is known: the peer of a connected socket, or the address of the call. */
BG_INLINE void bg_flow_socket(struct bg_flow *f, const struct sock *sk, const void *addr)
{
	__u16 family = BPF_CORE_READ(sk, __sk_common.skc_family), named = 0;
	struct {
		__u16 family;
		__be16 port;
		__u32 addr4;
		__u32 addr6[4];
	} to = {};

	if (family != AF_INET && family != AF_INET6)
		return;
	f->family = family == AF_INET ? 4 : 6;
	f->proto = BPF_CORE_READ(sk, sk_protocol);
	if (addr && !bpf_probe_read_kernel(&to, sizeof(to), addr))
		named = to.family;
	if (named == AF_INET) {
		f->family = 4;
		f->daddr[0] = to.addr4;
	} else if (named == AF_INET6) {
		f->family = 6;
		__builtin_memcpy(f->daddr, to.addr6, sizeof(f->daddr));
	} else if (family == AF_INET) {
		to.port = BPF_CORE_READ(sk, __sk_common.skc_dport);
		f->daddr[0] = BPF_CORE_READ(sk, __sk_common.skc_daddr);
	} else {
		to.port = BPF_CORE_READ(sk, __sk_common.skc_dport);
		BPF_CORE_READ_INTO(&f->daddr, sk, __sk_common.skc_v6_daddr);
	}
	f->dport = bpf_ntohs(to.port);
	if (f->dport)
		f->flags |= BG_F_PORTS;
}

/*
 * Counts and reports; is it refused? Global, as the other functions here: the verifier walks it
 * once. what: the hook, and the reason in the second byte; sk and addr may be 0. A pause and audit
 * mode free traffic, but not the hand that takes the guard away.
 */
int bg_lsm_refuse(__u32 slot, __u32 what, __u64 sk, __u64 addr);

__noinline int bg_lsm_refuse(__u32 slot, __u32 what, __u64 sk, __u64 addr)
{
	const struct bg_guard *g = bg_guard_at(slot);
	bool traffic = (what >> 8 & 0xff) != BG_R_TAMPER;
	struct bg_report r = {};

	if (traffic && bg_is_paused(slot)) {
		bg_count(slot, BG_R_PAUSED);
		return 0;
	}
	bg_current(&r.who);
	r.who.netns = BPF_CORE_READ(bg_task_now(), nsproxy, net_ns, ns.inum);
	r.flow.hook = what;
	r.flow.netns = r.who.netns;
	if (sk)
		bg_flow_socket(&r.flow, (const struct sock *)sk, (const void *)addr);
	r.reason = what >> 8;
	if (traffic && !(g && g->generation))
		r.reason = BG_R_NOT_LOADED;
	r.generation = g ? g->generation : 0;
	r.verdict = traffic && g && (g->flags & BG_G_AUDIT) ? BG_WOULD_DENY : BG_DENY;
	bg_forget_ways(&r);
	bg_denied(slot, &r, g, 0, 0);
	return r.verdict != BG_WOULD_DENY;
}

/* A new socket of this family, by a task inside of these guards: is it refused? */
int bg_judge_create(__u32 guards, __u32 family);

__noinline int bg_judge_create(__u32 guards, __u32 family)
{
	__u32 slot, reason = bg_family_reason(family);
	int refused = 0;

	if (!reason)
		return 0;
	for (slot = 0; slot < BG_MAX_GUARDS; slot++)
		if ((guards >> slot & 1) &&
		    bg_lsm_refuse(slot, reason << 8 | BG_HOOK_LSM_CREATE, 0, 0))
			refused = 1;
	return refused;
}

/* The use of a socket by a task inside of the guard in `slot`: is it refused? */
int bg_judge_use_at(__u32 slot, __u32 hook, __u64 sock, __u64 addr);

__noinline int bg_judge_use_at(__u32 slot, __u32 hook, __u64 sock, __u64 addr)
{
	const struct sock *sk = (const struct sock *)sock;
	__u32 family = BPF_CORE_READ(sk, __sk_common.skc_family);
	__u32 reason = bg_family_reason(family);

	if (!reason) {
		if (family != AF_INET && family != AF_INET6)
			return 0;
		if (bg_is_inside(bg_socket_cgroup(sk), slot))
			return 0;
		reason = BG_R_FOREIGN_SOCKET;
	}
	if (BPF_CORE_READ_BITFIELD_PROBED(sk, sk_kern_sock))
		return 0;
	return bg_lsm_refuse(slot, reason << 8 | hook, sock, addr);
}

int bg_judge_use(__u32 guards, __u32 hook, __u64 sock, __u64 addr);

__noinline int bg_judge_use(__u32 guards, __u32 hook, __u64 sock, __u64 addr)
{
	int refused = 0;
	__u32 slot;

	for (slot = 0; slot < BG_MAX_GUARDS; slot++)
		if ((guards >> slot & 1) && bg_judge_use_at(slot, hook, sock, addr))
			refused = 1;
	return refused;
}

/* guards: bg_task_guards(), which is most tasks' whole cost. */
BG_INLINE int bg_use(__u32 guards, struct socket *sock, __u32 hook, const void *addr)
{
	if (!guards)
		return 0;
	return bg_answer(
		bg_judge_use(guards, hook, (__u64)BPF_CORE_READ(sock, sk), (__u64)bg_plain(addr)));
}

/* The socket that a descriptor stands for; NULL: it is something else. */
BG_INLINE struct socket *bg_file_socket(struct file *file)
{
	if ((BPF_CORE_READ(file, f_inode, i_mode) & BG_S_IFMT) != BG_S_IFSOCK ||
	    BPF_CORE_READ(file, f_inode, i_sb, s_magic) != BG_SOCKFS)
		return 0;
	return BPF_CORE_READ(file, private_data);
}

#endif /* BPFGUARD_LSM_SOCK_BPF_H */
