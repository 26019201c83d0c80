/* SPDX-License-Identifier: GPL-2.0-only */
/* Random policies and flows for the property test, leaning towards the edges. */
#ifndef BPFGUARD_TEST_GEN_H
#define BPFGUARD_TEST_GEN_H

#include "loader/loader.h"
#include "tests/prog/verdict_test.h"

#define GEN_MAX_GUARDS 5

/* xorshift64*: the same numbers on every machine for the same seed. */
void gen_seed(uint64_t seed);
uint64_t gen_u64(void);
uint32_t gen_below(uint32_t n); /* 0 .. n-1 */
static inline bool gen_one_in(uint32_t n)
{
	return gen_below(n) == 0;
}

/*
 * A policy as text (free it): guards named g0, g1, ... on cgroup(name) each. big: prefixes in the
 * larger lists. It may be one that the policy room refuses; then take another.
 */
char *gen_policy(const char *(*cgroup)(const char *name), unsigned int big);

/* A lease; near base_ns if it has an end at all. */
void gen_lease(struct bg_lease *ret, uint64_t base_ns);
/* A case for the loaded image, with the leases that are in force (by slot). */
void gen_case(const struct loader_image *img, const struct bg_lease *lease,
	      struct verdict_case *ret);

#endif /* BPFGUARD_TEST_GEN_H */
