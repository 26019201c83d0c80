/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one thing that the kernel wants to know of a DNS query: does it ask for a single-label name?
 * Pure, so that the fuzzer runs the same code in user space.
 */
#ifndef BPFGUARD_DNS_BPF_H
#define BPFGUARD_DNS_BPF_H

#include "bpf/verdict.bpf.h"

#define BG_DNS_HEAD   13 /* the header (RFC 1035, 4.1.1) and the length of the first label */
#define BG_DNS_OPCODE 0x78
#define BG_DNS_LABEL  63

/*
 * Offset of the byte that must be 0 for the name to end after its first label; 0: this is not a
 * query with one question, or the name is the root or compressed.
 */
BG_INLINE __u32 bg_dns_label_end(const __u8 head[BG_DNS_HEAD])
{
	if ((head[2] & 0x80) || head[4] != 0 || head[5] != 1)
		return 0;
	if (!head[12] || head[12] > 63)
		return 0;
	return BG_DNS_HEAD + head[12];
}

/*
 * May it stand in a name that Docker gives to a container? A label may hold any byte, a dot too,
 * and a careless resolver behind Docker's takes "a.example" in one label for two.
 */
BG_INLINE bool bg_dns_is_name_byte(__u32 c)
{
	return (c | 32) - 'a' < 26 || c - '0' < 10 || c == '-' || c == '_';
}

#endif /* BPFGUARD_DNS_BPF_H */
