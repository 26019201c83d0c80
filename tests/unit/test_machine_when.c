// SPDX-License-Identifier: GPL-2.0-only
/* The state machine over time: what it does not mind, what it closes by, when it opens again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "tests/unit/machine_steps.h"

static void one_lost_probe(void **state)
{
	struct machine_facts f = good(100 * S, 100 * S);
	struct machine m;

	(void)state;
	up(&m, 100 * S);
	/* proofs of second 100, then the probe of 101 is lost, 102 is answered */
	step(&m, &f);
	f.now_ns = 101 * S;
	assert_false(step(&m, &f).changed);
	f.now_ns = 102 * S + 300 * MS;
	assert_false(step(&m, &f).changed);
	f.proof_ns = 102 * S;
	assert_false(step(&m, &f).changed);
	assert_int_equal(m.lease.until_ns, 107 * S);
	assert_int_equal(m.flaps, 0);
}

/* An uplink that flaps, shorter than the lease, under a tunnel device that stays. */
static void flapping_uplink(void **state)
{
	struct machine_facts f = good(100 * S, 100 * S);
	struct machine m;
	int i;

	(void)state;
	up(&m, 100 * S);
	for (i = 0; i < 100; i++) {
		f.now_ns += 500 * MS;
		if (i % 10 == 9)
			f.proof_ns = f.now_ns - 300 * MS;
		step(&m, &f);
		assert_true(machine_open(&m, f.now_ns));
		assert_true(m.state == MONITOR_UP || m.state == MONITOR_SUSPECT);
	}
	assert_int_equal(m.flaps, 0);
}

/* Silence closes at proof + lease, whenever one looks. */
static void silence(void **state)
{
	struct machine_facts f = good(100 * S, 100 * S - 10 * MS);
	struct machine m;

	(void)state;
	up(&m, 100 * S);
	f.now_ns = 103 * S;
	step(&m, &f);
	assert_int_equal(m.state, MONITOR_SUSPECT);
	assert_true(machine_open(&m, f.now_ns));
	/* the kernel looks at the clock, not at us */
	assert_true(machine_open(&m, 105 * S - 11 * MS));
	assert_false(machine_open(&m, 105 * S - 10 * MS));
	f.now_ns = 105 * S;
	step(&m, &f);
	assert_int_equal(m.state, MONITOR_DOWN);
	assert_int_equal(m.lease.vpn_state, BG_VPN_DOWN);
	/* API evidence shortens it */
	up(&m, 200 * S);
	f = good(203 * S, 200 * S - 10 * MS);
	f.said_dead = true;
	step(&m, &f);
	assert_int_equal(m.state, MONITOR_DOWN);
	/* ... but never against a proof, and never opens */
	up(&m, 300 * S);
	f = good(301 * S, 301 * S);
	f.said_dead = true;
	step(&m, &f);
	assert_int_equal(m.state, MONITOR_UP);
}

/* It goes on saying so while the tunnel is back: what was asked after the end is an answer. */
static void evidence_that_stays(void **state)
{
	struct machine_facts f = good(104 * S, 100 * S - 10 * MS);
	struct machine m;

	(void)state;
	up(&m, 100 * S);
	f.said_dead = true;
	step(&m, &f);
	assert_int_equal(m.state, MONITOR_DOWN);
	f.proof_ns = 104 * S - 1; /* asked before */
	f.now_ns = 104 * S + 100 * MS;
	step(&m, &f);
	assert_int_equal(m.state, MONITOR_DOWN);
	f.now_ns = 104 * S + 500 * MS;
	step(&m, &f);
	f.proof_ns = 104 * S + 200 * MS;
	f.now_ns = 104 * S + 600 * MS;
	step(&m, &f);
	assert_int_equal(m.state, MONITOR_UP);
}

/* A restart of the monitor does not close what is proved, and opens nothing that is not. */
static void restart(void **state)
{
	struct machine_facts f = good(100 * S, 0);
	struct machine m;

	(void)state;
	machine_init(&m, &config, 100 * S);
	step(&m, &f);
	assert_int_equal(m.state, MONITOR_CONNECTING);
	assert_false(m.lease_known);
	f.tunnel = false;
	step(&m, &f);
	assert_true(m.lease_known);
	assert_int_equal(m.lease.vpn_state, BG_VPN_DOWN);
}

/* Each flap makes recovery take longer; ten minutes up forget them. */
static void back_off(void **state)
{
	static const uint64_t want[] = { 0, 1, 2, 4, 8, 16, 30, 30, 30 };
	uint64_t now = 1000 * S;
	struct machine_facts f;
	struct machine m;
	size_t i;

	(void)state;
	up(&m, now);
	for (i = 0; i < ARRAY_SIZE(want); i++) {
		uint64_t began;

		now += S;
		f = good(now, now);
		f.tunnel = false;
		step(&m, &f);
		assert_int_equal(m.state, MONITOR_DOWN);
		assert_int_equal(machine_backoff_ns(&m), want[i] * S);
		began = now += 100 * MS;
		for (; m.state != MONITOR_UP; now += 250 * MS) {
			assert_true(now - began < 40 * S);
			f = good(now, now - MS * 10);
			step(&m, &f);
		}
		now -= 250 * MS;
		assert_true(now - began >= want[i] * S);
		assert_true(now - began <= want[i] * S + 500 * MS);
	}
	for (i = 0; i < 700; i++) {
		now += S;
		f = good(now, now);
		step(&m, &f);
	}
	f.tunnel = false;
	f.now_ns = now += S;
	step(&m, &f);
	assert_int_equal(m.flaps, 1);
}

/* Proofs with holes as long as the lease are not stable. */
static void back_off_needs_all(void **state)
{
	uint64_t now = 1000 * S;
	struct machine_facts f;
	struct machine m;
	int i;

	(void)state;
	up(&m, now);
	m.flaps = 4; /* 4 s, then 8 */
	now += S;
	f = good(now, now);
	f.tunnel = false;
	step(&m, &f);
	for (i = 0; i < 20; i++) {
		now += 6 * S;
		f = good(now, now - 10 * MS);
		step(&m, &f);
		f.now_ns += 5500 * MS;
		step(&m, &f);
		assert_int_equal(m.state, MONITOR_DOWN);
	}
}

/* One and the same proof is not a second one. */
static void old_proof(void **state)
{
	struct machine_facts f;
	struct machine m;

	(void)state;
	up(&m, 100 * S);
	f = good(101 * S, 101 * S);
	f.tunnel = false;
	step(&m, &f);
	f = good(101 * S + 10 * MS, 101 * S - 1);
	step(&m, &f);
	assert_int_equal(m.state, MONITOR_DOWN);
	f = good(102 * S, 101 * S + 20 * MS);
	step(&m, &f);
	assert_int_equal(m.state, MONITOR_UP);
}

static void stop_after_lease(void **state)
{
	struct machine_facts f;
	struct machine_out out;
	struct machine m;
	int stops = 0;
	uint64_t t;

	(void)state;
	up(&m, 100 * S);
	for (t = 101 * S; t < 130 * S; t += 500 * MS) {
		f = good(t, 0);
		f.gateway = false;
		out = step(&m, &f);
		stops += !!(out.actions & MACHINE_STOP);
		assert_true(!stops || t >= 101 * S + LEASE);
	}
	assert_int_equal(stops, 1);
	f = good(131 * S, 131 * S);
	out = step(&m, &f);
	assert_true(out.actions & MACHINE_START);
	/* never up: nothing is stopped */
	machine_init(&m, &config, 100 * S);
	for (t = 101 * S; t < 130 * S; t += S) {
		f = good(t, 0);
		f.tunnel = false;
		assert_false(step(&m, &f).actions & MACHINE_STOP);
	}
}

static void pause_closes_behind_it(void **state)
{
	struct machine_facts f = good(101 * S, 101 * S);
	struct machine m;

	(void)state;
	up(&m, 100 * S);
	f.pause_until_ns = 110 * S;
	step(&m, &f);
	assert_int_equal(m.state, MONITOR_PAUSED);
	assert_int_equal(m.lease.vpn_state, BG_VPN_DOWN);
	f.now_ns = 110 * S;
	f.proof_ns = 109 * S;
	step(&m, &f);
	assert_int_equal(m.state, MONITOR_CONNECTING);
	f.now_ns = 111 * S;
	f.proof_ns = 110 * S + 1;
	step(&m, &f);
	assert_int_equal(m.state, MONITOR_UP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_lost_probe),
		cmocka_unit_test(flapping_uplink),
		cmocka_unit_test(silence),
		cmocka_unit_test(evidence_that_stays),
		cmocka_unit_test(restart),
		cmocka_unit_test(back_off),
		cmocka_unit_test(back_off_needs_all),
		cmocka_unit_test(old_proof),
		cmocka_unit_test(stop_after_lease),
		cmocka_unit_test(pause_closes_behind_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
