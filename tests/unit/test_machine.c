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
#include "tests/unit/machine_steps.h"

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
		f.said_dead = !rnd(10);
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
		cmocka_unit_test(every_cell),
		cmocka_unit_test(random_histories),
		cmocka_unit_test(documented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
