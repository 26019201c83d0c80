/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel types that our programs read, by hand: only the fields we touch. Each access is
 * relocated at load time against the running kernel's BTF (CO-RE), so neither offsets nor order
 * matter here; vmlinux/check.sh verifies that every field exists. UAPI types come from <linux/...>.
 */
#ifndef BPFGUARD_VMLINUX_H
#define BPFGUARD_VMLINUX_H

#include <stdbool.h>
#include <linux/types.h>
#include <linux/bpf.h>

/* From UAPI headers that cannot be included next to the types below. */
#define AF_UNIX		 1
#define AF_INET		 2
#define AF_INET6	 10
#define AF_NETLINK	 16
#define AF_PACKET	 17
#define AF_ALG		 38
#define SOCK_STREAM	 1
#define SOCK_DGRAM	 2
#define SOCK_RAW	 3
#define SOL_SOCKET	 1
#define SO_BINDTOIFINDEX 62
#define SOL_TCP		 6
#define TCP_USER_TIMEOUT 18
#define ETH_P_IP	 0x0800
#define ETH_P_IPV6	 0x86DD
#define RTN_LOCAL	 2
#define RTF_GATEWAY	 0x0002
#define RTF_CACHE	 0x01000000
#define RTF_LOCAL	 0x80000000
#define ARPHRD_ETHER	 1

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct in6_addr {
	union {
		__u8 u6_addr8[16];
		__be32 u6_addr32[4];
	} in6_u;
};

struct ns_common {
	unsigned int inum;
};

struct net {
	struct ns_common ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct net_device {
	char name[16];
	int ifindex;
	unsigned short type;
	possible_net_t nd_net;
};

struct lwtunnel_state;

struct dst_entry {
	struct net_device *dev;
	struct lwtunnel_state *lwtstate;
};

struct rtable {
	struct dst_entry dst;
	__u16 rt_type;
	__u8 rt_gw_family; /* 0: on-link; before 5.2 there was only rt_gateway: refused at load */
	union {
		__be32 rt_gw4;
		struct in6_addr rt_gw6;
	};
};

struct rt6key {
	struct in6_addr addr;
	int plen;
};

struct rt6_info {
	struct dst_entry dst;
	struct rt6key rt6i_dst;
	struct in6_addr rt6i_gateway;
	__u32 rt6i_flags;
};

struct sk_buff {
	unsigned int data_len; /* bytes outside of the linear part */
	struct net_device *dev;
	unsigned long _skb_refdst;
};

struct cgroup;

struct sock_cgroup_data {
	struct cgroup *cgroup;
};

struct sock_common {
	possible_net_t skc_net;
	unsigned short skc_family;
	__be16 skc_dport;
	__be32 skc_daddr;
	struct in6_addr skc_v6_daddr;
};

struct sock {
	struct sock_common __sk_common;
	struct dst_entry *sk_dst_cache;
	struct sock_cgroup_data sk_cgrp_data;
	unsigned char sk_kern_sock : 1;
	__u16 sk_protocol;
};

struct socket {
	struct sock *sk;
};

struct msghdr {
	void *msg_name;
};

/* ---- tasks, files and cgroups, for the LSM programs ---- */
struct kernfs_node {
	__u64 id;
	void *priv;
};

struct cgroup {
	int level;
	struct kernfs_node *kn;
};

struct pid_namespace {
	struct ns_common ns;
};

struct nsproxy {
	struct pid_namespace *pid_ns_for_children;
	struct net *net_ns;
};

typedef struct {
	unsigned int val;
} kuid_t;

struct super_block {
	__u32 s_dev;
	unsigned long s_magic;
};

struct inode {
	__u16 i_mode;
	kuid_t i_uid;
	struct super_block *i_sb;
	unsigned long i_ino;
	void *i_private;
};

struct qstr {
	const unsigned char *name;
};

struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
	struct super_block *d_sb;
};

struct vfsmount {
	struct super_block *mnt_sb;
};

struct mount {
	struct vfsmount mnt;
	int mnt_id;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct file {
	struct path f_path;
	struct inode *f_inode;
	unsigned int f_mode;
	void *private_data;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct mm_struct {
	struct file *exe_file;
};

struct task_struct {
	struct mm_struct *mm;
	struct files_struct *files;
	struct nsproxy *nsproxy;
};

struct bpf_map {
	__u32 id;
};

struct bpf_prog_aux {
	__u32 used_map_cnt;
	struct bpf_map **used_maps;
};

struct bpf_prog {
	struct bpf_prog_aux *aux;
};

struct bpf_link {
	struct bpf_prog *prog;
};

/* ---- what only some kernels have: vmlinux/check.sh passes over these ---- */
struct cgroup___ptrs {
	struct cgroup *ancestors[1];
};

struct cgroup___ids {
	__u64 ancestor_ids[1]; /* before 6.1 */
};

struct sock_cgroup_data___tagged {
	__u64 val; /* before 5.15, and before its return to 5.10 */
};

struct sock___tagged {
	struct sock_cgroup_data___tagged sk_cgrp_data;
};

#pragma clang attribute pop

#endif /* BPFGUARD_VMLINUX_H */
