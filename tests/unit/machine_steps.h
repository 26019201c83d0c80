/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests of the state machine have in common. After cmocka.h. */
#ifndef BPFGUARD_UNIT_MACHINE_STEPS_H
#define BPFGUARD_UNIT_MACHINE_STEPS_H

#include "monitor/machine.h"

#define S     1000000000ull
#define MS    1000000ull
#define LEASE (5 * S)

static const struct machine_config config = { .lease_ns = LEASE, .silent_ns = 2500 * MS };

static inline struct machine_facts good(uint64_t now, uint64_t proof)
{
	return (struct machine_facts){
		.now_ns = now, .gateway = true, .tunnel = true, .guarded = true, .proof_ns = proof
	};
}

static inline struct machine_out step(struct machine *m, const struct machine_facts *f)
{
	struct machine_out out;

	machine_step(m, f, &out);
	return out;
}

/* Brings a new machine to UP at `now`. */
static inline void up(struct machine *m, uint64_t now)
{
	struct machine_facts f = good(now, now - 10 * MS);

	machine_init(m, &config, now - S);
	step(m, &f);
	assert_int_equal(m->state, MONITOR_UP);
	assert_true(machine_open(m, now));
}

#endif
