// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state machine: every state x every event, random histories against a model that knows only
 * the invariants, and the table in docs/security.md against the code's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "monitor/machine.h"

#define S     1000000000ull
#define MS    1000000ull
#define LEASE (5 * S)

static const struct machine_config config = { .lease_ns = LEASE, .silent_ns = 2500 * MS };

static struct machine_facts good(uint64_t now, uint64_t proof)
{
	return (struct machine_facts){
		.now_ns = now, .gateway = true, .tunnel = true, .guarded = true, .proof_ns = proof
	};
}

static struct machine_out step(struct machine *m, const struct machine_facts *f)
{
	struct machine_out out;

	machine_step(m, f, &out);
	return out;
}

/* Brings a new machine to UP at `now`. */
static void up(struct machine *m, uint64_t now)
{
	struct machine_facts f = good(now, now - 10 * MS);

	machine_init(m, &config, now - S);
	step(m, &f);
	assert_int_equal(m->state, MONITOR_UP);
	assert_true(machine_open(m, now));
}

/* ---- every cell ---- */
static void every_cell(void **state)
{
	unsigned int s, e;

	(void)state;
	for (s = 0; s < MONITOR_STATES; s++)
		for (e = 0; e < MACHINE_EVENTS; e++) {
			const struct machine_cell *c = machine_cell(s, e);
			struct machine_facts f = good(100 * S, 99 * S);
			struct machine_out out = { 0 };
			struct machine m;

			machine_init(&m, &config, 90 * S);
			m.state = s;
			m.lease = (struct bg_lease){ 103 * S, BG_VPN_UP, 0 };
			m.lease_known = true;
			machine_apply(&m, e, &f, &out);
			assert_int_equal(m.state, c->to);
			assert_true(c->to < MONITOR_STATES);
			assert_false((c->actions & MACHINE_CLOSE) && (c->actions & MACHINE_RENEW));
			assert_int_equal(machine_open(&m, 100 * S), !(c->actions & MACHINE_CLOSE));
			/* only a proof renews, and nothing but up and audit is renewed */
			if (c->actions & MACHINE_RENEW) {
				assert_int_equal(e, MACHINE_PROOF);
				assert_true(c->to == MONITOR_UP || c->to == MONITOR_AUDIT);
				assert_int_equal(m.lease.until_ns, 99 * S + LEASE);
			}
			if (c->to == MONITOR_UP && s != MONITOR_UP)
				assert_true(c->actions & MACHINE_RENEW);
			/* hard evidence closes from every state */
			if (e >= MACHINE_SLEPT && e <= MACHINE_UNGUARDED)
				assert_true(c->actions & MACHINE_CLOSE);
			if (e == MACHINE_EXPIRED || e == MACHINE_EVIDENCE || e == MACHINE_PAUSE)
				assert_true(c->actions & MACHINE_CLOSE);
			/* a pause ends by its end alone */
			if (s == MONITOR_PAUSED && e != MACHINE_RESUME)
				assert_int_equal(c->to, MONITOR_PAUSED);
			if (c->to == MONITOR_PAUSED || c->to == MONITOR_NO_GATEWAY)
				assert_true(c->actions & MACHINE_CLOSE);
			assert_non_null(monitor_state_name(s));
			assert_non_null(machine_event_name(e));
		}
}

/* ---- random histories ---- */
struct model {
	uint64_t proofs[4096];
	size_t n;
	uint64_t hard_ns, closed_ns;
};

static uint64_t seed = 88172645463325252ull;

static uint64_t rnd(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

/* A proof that allows what is open at now: given, not from the future, not too old, not too early
 */
static bool proved(const struct model *w, uint64_t now, uint64_t until)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		if (w->proofs[i] + LEASE == until && w->proofs[i] <= now &&
		    w->proofs[i] >= w->hard_ns)
			return true;
	return false;
}

static void check(const struct machine *m, const struct machine_facts *f,
		  const struct machine_out *out, struct model *w)
{
	bool hard = !f->gateway || f->frozen || !f->tunnel || !f->guarded || f->slept;
	bool paused = f->pause_until_ns > f->now_ns;

	if (hard || paused)
		w->hard_ns = f->now_ns;
	if (machine_open(m, f->now_ns)) {
		assert_true(!hard || (f->slept && f->proof_ns == f->now_ns));
		assert_false(paused);
		assert_true(proved(w, f->now_ns, m->lease.until_ns));
		assert_true(m->state == MONITOR_UP || m->state == MONITOR_SUSPECT ||
			    m->state == MONITOR_AUDIT);
		w->closed_ns = 0;
	} else {
		assert_int_not_equal(m->state, MONITOR_UP);
		assert_int_not_equal(m->state, MONITOR_SUSPECT);
		if (!w->closed_ns)
			w->closed_ns = f->now_ns;
	}
	/* containers are stopped after the lease's length, never before */
	if (out->actions & MACHINE_STOP)
		assert_true(f->now_ns - w->closed_ns >= LEASE);
	assert_int_equal(m->state == MONITOR_PAUSED, paused);
	assert_true(paused || (m->state == MONITOR_AUDIT) == f->audit);
	assert_true(machine_backoff_ns(m) <= MACHINE_MAX_BACKOFF_NS);
}

static void history(void)
{
	struct model w = { .n = 0 };
	uint64_t now = 1000 * S;
	struct machine m;
	int i;

	machine_init(&m, &config, now);
	m.lease_known = true; /* the model does not know what an earlier monitor proved */
	for (i = 0; i < 4000; i++) {
		struct machine_facts f;
		struct machine_out out;

		now += rnd(10) ? rnd(1500 * MS) : rnd(9 * S);
		f = good(now, w.n ? w.proofs[w.n - 1] : 0);
		if (rnd(10) < 7) {
			/* mostly of now, sometimes late, sometimes absurd */
			f.proof_ns = now - (rnd(5) ? rnd(300 * MS) : rnd(12 * S));
			if (!rnd(50))
				f.proof_ns = now + 1 + rnd(100 * S);
			w.proofs[w.n++] = f.proof_ns;
		}
		f.gateway = rnd(60);
		f.frozen = !rnd(60);
		f.tunnel = rnd(60);
		f.guarded = rnd(60);
		f.slept = !rnd(80);
		f.api_stopped = !rnd(10);
		f.audit = i % 900 > 800;
		f.pause_until_ns = i % 700 > 650 ? now + S : now - S * (i & 1);
		step(&m, &f); /* a second look at the same changes nothing */
		f.slept = false;
		out = step(&m, &f);
		check(&m, &f, &out, &w);
	}
}

static void random_histories(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 200; i++)
		history();
}

/* ---- what it is for ---- */
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
	f.api_stopped = true;
	step(&m, &f);
	assert_int_equal(m.state, MONITOR_DOWN);
	/* ... but never against a proof, and never opens */
	up(&m, 300 * S);
	f = good(301 * S, 301 * S);
	f.api_stopped = true;
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

static void documented(void **state)
{
	char *doc, *table = NULL;
	size_t len;
	FILE *mem;

	(void)state;
	assert_int_equal(base_read_file("docs/security.md", 1 << 20, &doc, &len), 0);
	mem = open_memstream(&table, &len);
	machine_print_table(mem);
	fclose(mem);
	if (!strstr(doc, table))
		fail_msg("docs/security.md should hold:\n%s", table);
	free(table);
	free(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cell),	  cmocka_unit_test(random_histories),
		cmocka_unit_test(one_lost_probe), cmocka_unit_test(flapping_uplink),
		cmocka_unit_test(silence),	  cmocka_unit_test(restart),
		cmocka_unit_test(back_off),	  cmocka_unit_test(back_off_needs_all),
		cmocka_unit_test(old_proof),	  cmocka_unit_test(stop_after_lease),
		cmocka_unit_test(documented),	  cmocka_unit_test(pause_closes_behind_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
