/* SPDX-License-Identifier: GPL-2.0-only */
/* Between the verdict's test program and the driver of the property test. */
#ifndef BPFGUARD_VERDICT_TEST_H
#define BPFGUARD_VERDICT_TEST_H

#include "bpf/bpfguard.h"

#define VERDICT_BATCH 256

struct verdict_case {
	__u64 now_ns; /* given, not read: both sides must see the same instant */
	struct bg_flow flow;
	__u32 slot;
};

#endif /* BPFGUARD_VERDICT_TEST_H */
