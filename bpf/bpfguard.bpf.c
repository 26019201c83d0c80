// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel side, one object: a file a hook. One translation unit, because libbpf before 1.2
 * cannot link objects that name the same kernel function (see BG_HAVE_CAST in bpf/flow.bpf.h).
 */
#include "vmlinux/vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "bpf/skb.bpf.h"
#include "bpf/sock.bpf.h"
#include "bpf/connect.bpf.h"
#include "bpf/sockops.bpf.h"
#include "bpf/flush.bpf.h"

const volatile __u32 bg_slot;

char LICENSE[] SEC("license") = "GPL";
