// SPDX-License-Identifier: GPL-2.0-only
/*
 * For comparison: the destination address against a prefix list, and nothing else. With EMPTY not
 * even that, which leaves the price of the hook itself.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct key {
	__u32 prefixlen;
	__u32 addr;
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 16384);
	__type(key, struct key);
	__type(value, __u32);
} allowed SEC(".maps");

SEC("cgroup_skb/egress")
int lpm_egress(struct __sk_buff *ctx)
{
	struct key key = { .prefixlen = 32 };

#ifdef EMPTY
	return 1;
#endif
	if (ctx->protocol != bpf_htons(ETH_P_IP) || bpf_skb_load_bytes(ctx, 16, &key.addr, 4))
		return 0;
	return bpf_map_lookup_elem(&allowed, &key) != 0;
}

char LICENSE[] SEC("license") = "GPL";
