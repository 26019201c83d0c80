// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state machine. All it does is in the table; the function below makes events of facts.
 */
#include <string.h>

#include "monitor/machine.h"

#define SECOND_NS 1000000000ull

static const char *const state_names[MONITOR_STATES] = {
	[MONITOR_BOOT] = "boot",
	[MONITOR_NO_GATEWAY] = "no_gateway",
	[MONITOR_CONNECTING] = "connecting",
	[MONITOR_UP] = "up",
	[MONITOR_SUSPECT] = "suspect",
	[MONITOR_DOWN] = "down",
	[MONITOR_PAUSED] = "paused",
	[MONITOR_AUDIT] = "audit",
};

static const char *const event_names[MACHINE_EVENTS] = {
	[MACHINE_AUDIT_ON] = "audit_on",
	[MACHINE_AUDIT_OFF] = "audit_off",
	[MACHINE_PAUSE] = "pause",
	[MACHINE_RESUME] = "resume",
	[MACHINE_SLEPT] = "slept",
	[MACHINE_GATEWAY_GONE] = "gateway_gone",
	[MACHINE_GATEWAY_FROZEN] = "gateway_frozen",
	[MACHINE_TUNNEL_GONE] = "tunnel_gone",
	[MACHINE_UNGUARDED] = "unguarded",
	[MACHINE_READY] = "ready",
	[MACHINE_PROOF] = "proof",
	[MACHINE_PROOF_EARLY] = "proof_early",
	[MACHINE_SILENT] = "silent",
	[MACHINE_EVIDENCE] = "evidence",
	[MACHINE_EXPIRED] = "expired",
	[MACHINE_LONG_DOWN] = "long_down",
};

const char *monitor_state_name(enum monitor_state s)
{
	return s < MONITOR_STATES ? state_names[s] : "unknown";
}

const char *machine_event_name(enum machine_event e)
{
	return e < MACHINE_EVENTS ? event_names[e] : "start";
}

/* clang-format off */
#define BOOT	 MONITOR_BOOT
#define NOGW	 MONITOR_NO_GATEWAY
#define CONN	 MONITOR_CONNECTING
#define UP	 MONITOR_UP
#define SUSP	 MONITOR_SUSPECT
#define DOWN	 MONITOR_DOWN
#define PAUSED	 MONITOR_PAUSED
#define AUDIT	 MONITOR_AUDIT
#define C	 MACHINE_CLOSE
#define R	 MACHINE_RENEW
#define F	 MACHINE_FLAP
#define P	 MACHINE_PROBE
#define STOP	 MACHINE_STOP
#define START	 MACHINE_START

/*
 * Columns: boot, no_gateway, connecting, up, suspect, down, paused, audit. No C and no R: the lease
 * stays as it is and runs out by itself. A cell that no fact leads to closes.
 */
#define ROW(e, ...) [e] = { __VA_ARGS__ }
static const struct machine_cell table[MACHINE_EVENTS][MONITOR_STATES] = {
ROW(MACHINE_AUDIT_ON,
	{AUDIT, 0}, {AUDIT, 0}, {AUDIT, 0}, {AUDIT, 0}, {AUDIT, 0}, {AUDIT, 0}, {PAUSED, C}, {AUDIT, 0}),
ROW(MACHINE_AUDIT_OFF,
	{BOOT, C}, {NOGW, C}, {CONN, C}, {CONN, C}, {CONN, C}, {DOWN, C}, {PAUSED, C}, {CONN, C|P}),
ROW(MACHINE_PAUSE,
	{PAUSED, C}, {PAUSED, C}, {PAUSED, C}, {PAUSED, C}, {PAUSED, C}, {PAUSED, C}, {PAUSED, C}, {PAUSED, C}),
ROW(MACHINE_RESUME,
	{CONN, C}, {NOGW, C}, {CONN, C}, {CONN, C}, {CONN, C}, {DOWN, C}, {CONN, C|P}, {AUDIT, C}),
ROW(MACHINE_SLEPT,
	{BOOT, C}, {NOGW, C}, {CONN, C|P}, {DOWN, C|P}, {DOWN, C|P}, {DOWN, C|P}, {PAUSED, C}, {AUDIT, C|P}),
ROW(MACHINE_GATEWAY_GONE,
	{NOGW, C}, {NOGW, C}, {NOGW, C}, {NOGW, C|F}, {NOGW, C|F}, {NOGW, C}, {PAUSED, C}, {AUDIT, C}),
ROW(MACHINE_GATEWAY_FROZEN,
	{CONN, C}, {CONN, C}, {CONN, C}, {DOWN, C|F}, {DOWN, C|F}, {DOWN, C}, {PAUSED, C}, {AUDIT, C}),
ROW(MACHINE_TUNNEL_GONE,
	{CONN, C}, {CONN, C}, {CONN, C}, {DOWN, C|F}, {DOWN, C|F}, {DOWN, C}, {PAUSED, C}, {AUDIT, C}),
ROW(MACHINE_UNGUARDED,
	{CONN, C}, {CONN, C}, {CONN, C}, {DOWN, C|F}, {DOWN, C|F}, {DOWN, C}, {PAUSED, C}, {AUDIT, C}),
ROW(MACHINE_READY,
	{CONN, P}, {CONN, C|P}, {CONN, 0}, {UP, 0}, {SUSP, 0}, {DOWN, C}, {PAUSED, C}, {AUDIT, 0}),
ROW(MACHINE_PROOF,
	{UP, R|START}, {NOGW, C}, {UP, R|START}, {UP, R}, {UP, R}, {UP, R|START}, {PAUSED, C}, {AUDIT, R}),
ROW(MACHINE_PROOF_EARLY,
	{CONN, C|P}, {NOGW, C}, {CONN, C|P}, {DOWN, C|P}, {DOWN, C|P}, {DOWN, C|P}, {PAUSED, C}, {AUDIT, C|P}),
ROW(MACHINE_SILENT,
	{CONN, P}, {NOGW, C}, {CONN, P}, {SUSP, P}, {SUSP, P}, {DOWN, C|P}, {PAUSED, C}, {AUDIT, P}),
ROW(MACHINE_EVIDENCE,
	{CONN, C|P}, {NOGW, C}, {CONN, C|P}, {DOWN, C|F|P}, {DOWN, C|F|P}, {DOWN, C|P}, {PAUSED, C}, {AUDIT, C|P}),
ROW(MACHINE_EXPIRED,
	{CONN, C|P}, {NOGW, C}, {CONN, C|P}, {DOWN, C|F|P}, {DOWN, C|F|P}, {DOWN, C|P}, {PAUSED, C}, {AUDIT, C|P}),
ROW(MACHINE_LONG_DOWN,
	{BOOT, C}, {NOGW, C|STOP}, {CONN, C|STOP}, {DOWN, C}, {DOWN, C}, {DOWN, C|STOP}, {PAUSED, C}, {AUDIT, C}),
};
#undef BOOT
#undef NOGW
#undef CONN
#undef UP
#undef SUSP
#undef DOWN
#undef PAUSED
#undef AUDIT
#undef C
#undef R
#undef F
#undef P
#undef STOP
#undef START
#undef ROW
/* clang-format on */

const struct machine_cell *machine_cell(enum monitor_state from, enum machine_event e)
{
	return &table[e][from];
}

void machine_init(struct machine *m, const struct machine_config *config, uint64_t now_ns)
{
	*m = (struct machine){
		.config = *config,
		.state = MONITOR_BOOT,
		.why = MACHINE_NOTHING,
		.since_ns = now_ns,
		.fresh_ns = 0,
	};
}

uint64_t machine_backoff_ns(const struct machine *m)
{
	uint64_t ns;

	if (m->flaps < 2)
		return 0;
	if (m->flaps > 7)
		return MACHINE_MAX_BACKOFF_NS;
	ns = (1ull << (m->flaps - 2)) * SECOND_NS;
	return ns < MACHINE_MAX_BACKOFF_NS ? ns : MACHINE_MAX_BACKOFF_NS;
}

bool machine_open(const struct machine *m, uint64_t now_ns)
{
	return m->lease_known && m->lease.vpn_state == BG_VPN_UP && now_ns < m->lease.until_ns;
}

static void close_lease(struct machine *m, uint64_t now_ns)
{
	m->lease = (struct bg_lease){ .vpn_state = BG_VPN_DOWN };
	m->lease_known = true;
	if (!m->closed_ns)
		m->closed_ns = now_ns;
}

/* What the counter and the clocks of the back-off make of an event. */
static void count(struct machine *m, enum machine_event e, unsigned int actions, uint64_t now_ns,
		  uint64_t proof_ns)
{
	if (actions & MACHINE_FLAP) {
		if (m->up_ns && now_ns - m->up_ns >= MACHINE_FORGET_NS)
			m->flaps = 0;
		m->flaps++;
	}
	if (e == MACHINE_PROOF_EARLY) {
		if (!m->stable_ns)
			m->stable_ns = now_ns;
		m->early_ns = proof_ns;
	} else if ((actions & MACHINE_CLOSE) && e != MACHINE_READY && e != MACHINE_SILENT &&
		   e != MACHINE_LONG_DOWN) {
		m->stable_ns = 0;
	}
}

void machine_apply(struct machine *m, enum machine_event e, const struct machine_facts *f,
		   struct machine_out *out)
{
	const struct machine_cell *cell = machine_cell(m->state, e);
	enum monitor_state to = cell->to;

	count(m, e, cell->actions, f->now_ns, f->proof_ns);
	/* after a hard end only what is proved from then on counts */
	if ((e >= MACHINE_RESUME && e <= MACHINE_UNGUARDED) || e == MACHINE_AUDIT_OFF ||
	    (e == MACHINE_EVIDENCE && machine_open(m, f->now_ns)))
		m->fresh_ns = f->now_ns;
	if (cell->actions & MACHINE_CLOSE)
		close_lease(m, f->now_ns);
	if (cell->actions & MACHINE_RENEW) {
		m->proof_ns = f->proof_ns;
		m->lease.vpn_state = BG_VPN_UP;
		m->lease.until_ns = f->proof_ns + m->config.lease_ns;
		m->lease_known = true;
		m->closed_ns = 0;
		m->stop_wished = false;
	}
	if (cell->actions & MACHINE_STOP)
		m->stop_wished = true;
	out->actions |= cell->actions;
	if (to == m->state)
		return;
	m->state = to;
	m->why = e;
	m->since_ns = f->now_ns;
	m->up_ns = to == MONITOR_UP	   ? (m->up_ns ? m->up_ns : f->now_ns)
		   : to == MONITOR_SUSPECT ? m->up_ns
					   : 0;
	m->was_up = m->was_up || to == MONITOR_UP;
}

/* The hardest thing that is wrong, or that nothing is. */
static enum machine_event condition(const struct machine_facts *f)
{
	if (!f->gateway)
		return MACHINE_GATEWAY_GONE;
	if (f->frozen)
		return MACHINE_GATEWAY_FROZEN;
	if (!f->tunnel)
		return MACHINE_TUNNEL_GONE;
	if (!f->guarded)
		return MACHINE_UNGUARDED;
	return MACHINE_READY;
}

/* A time in the future is no proof of anything, nor is one from before the last hard end. */
static bool proof_counts(const struct machine *m, const struct machine_facts *f)
{
	return f->proof_ns && f->proof_ns <= f->now_ns && f->proof_ns > m->proof_ns &&
	       f->proof_ns > m->early_ns && f->proof_ns >= m->fresh_ns &&
	       f->now_ns - f->proof_ns < m->config.lease_ns;
}

static bool recovering(const struct machine *m)
{
	return m->state != MONITOR_UP && m->state != MONITOR_SUSPECT && m->state != MONITOR_AUDIT;
}

/* Of a gateway that has all it needs: is it alive? */
static enum machine_event liveness(struct machine *m, const struct machine_facts *f)
{
	uint64_t age =
		m->proof_ns && m->proof_ns <= f->now_ns ? f->now_ns - m->proof_ns : UINT64_MAX;

	if (proof_counts(m, f)) {
		uint64_t wait = recovering(m) ? machine_backoff_ns(m) : 0;

		if (wait && (!m->stable_ns || f->now_ns - m->stable_ns < wait))
			return MACHINE_PROOF_EARLY;
		return MACHINE_PROOF;
	}
	/* the proofs of the back-off have to follow each other */
	if (m->stable_ns && f->now_ns - m->early_ns >= m->config.lease_ns)
		m->stable_ns = 0;
	if (age >= m->config.silent_ns && f->said_dead)
		return MACHINE_EVIDENCE;
	/* what an earlier monitor proved runs out by itself: not to be cut short, not prolonged */
	if (!m->proof_ns && !m->lease_known)
		return MACHINE_SILENT;
	if (age >= m->config.lease_ns)
		return m->state == MONITOR_DOWN || m->state == MONITOR_CONNECTING ? MACHINE_SILENT
										  : MACHINE_EXPIRED;
	if (age >= m->config.silent_ns)
		return MACHINE_SILENT;
	return MACHINE_NOTHING;
}

static void modes(struct machine *m, const struct machine_facts *f, struct machine_out *out)
{
	bool paused = f->pause_until_ns > f->now_ns;

	if (paused && m->state != MONITOR_PAUSED)
		machine_apply(m, MACHINE_PAUSE, f, out);
	if (!paused && m->state == MONITOR_PAUSED)
		machine_apply(m, MACHINE_RESUME, f, out);
	if (paused)
		return;
	if (f->audit && m->state != MONITOR_AUDIT)
		machine_apply(m, MACHINE_AUDIT_ON, f, out);
	if (!f->audit && m->state == MONITOR_AUDIT)
		machine_apply(m, MACHINE_AUDIT_OFF, f, out);
}

void machine_step(struct machine *m, const struct machine_facts *f, struct machine_out *out)
{
	enum machine_event e;

	*out = (struct machine_out){ .from = m->state };
	modes(m, f, out);
	if (f->slept)
		machine_apply(m, MACHINE_SLEPT, f, out);
	e = condition(f);
	machine_apply(m, e, f, out);
	if (e == MACHINE_READY) {
		e = liveness(m, f);
		if (e != MACHINE_NOTHING)
			machine_apply(m, e, f, out);
	}
	if (m->was_up && !m->stop_wished && m->closed_ns &&
	    f->now_ns - m->closed_ns >= m->config.lease_ns)
		machine_apply(m, MACHINE_LONG_DOWN, f, out);
	out->changed = m->state != out->from;
}

uint64_t machine_due_ns(const struct machine *m)
{
	uint64_t due = UINT64_MAX, t;

	if (m->state == MONITOR_UP)
		due = m->proof_ns + m->config.silent_ns;
	else if (m->state == MONITOR_SUSPECT)
		due = m->proof_ns + m->config.lease_ns;
	if (m->was_up && !m->stop_wished && m->closed_ns) {
		t = m->closed_ns + m->config.lease_ns;
		due = t < due ? t : due;
	}
	return due;
}

static void print_cell(const struct machine_cell *c, enum monitor_state from, FILE *out)
{
	static const char *const words[] = { "close", "renew", "flap", "probe", "stop", "start" };
	const char *sep = " ";
	size_t i;

	fprintf(out, " %s", c->to == from ? "." : monitor_state_name(c->to));
	for (i = 0; i < ARRAY_SIZE(words); i++) {
		if (!(c->actions & (1u << i)))
			continue;
		fprintf(out, "%s%s", sep, words[i]);
		sep = "+";
	}
	fputs(" |", out);
}

void machine_print_table(FILE *out)
{
	unsigned int s, e;

	fputs("| event |", out);
	for (s = 0; s < MONITOR_STATES; s++)
		fprintf(out, " %s |", state_names[s]);
	fputs("\n|---|", out);
	for (s = 0; s < MONITOR_STATES; s++)
		fputs("---|", out);
	fputc('\n', out);
	for (e = 0; e < MACHINE_EVENTS; e++) {
		fprintf(out, "| %s |", event_names[e]);
		for (s = 0; s < MONITOR_STATES; s++)
			print_cell(&table[e][s], s, out);
		fputc('\n', out);
	}
}
