// SPDX-License-Identifier: GPL-2.0-only
/* One guard: facts in, the machine's answer out into the kernel. */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "monitor/internal.h"

#define LOOK_NS		(5 * SECOND_NS) /* at everything, although nothing was heard */
#define LEASE_STEP_NS	(100 * MS_NS)	/* a lease is written when it moves by more */
#define FIRST_LOOK_NS	(3 * SECOND_NS)
#define DEFAULT_TICK_NS SECOND_NS

void guard_trouble(struct guard *g, const char *fmt, ...)
{
	va_list ap;

	if (g->n_trouble == GUARD_MAX_TROUBLE)
		return;
	va_start(ap, fmt);
	vsnprintf(g->trouble[g->n_trouble].what, sizeof(g->trouble[0].what), fmt, ap);
	va_end(ap);
	g->n_trouble++;
}

void guard_proof(struct guard *g, uint64_t when_ns, const char *by)
{
	if (when_ns <= g->proof_ns)
		return;
	g->proof_ns = when_ns;
	if (strcmp(g->proof_by, by) != 0)
		g->mon->state_due = true;
	snprintf(g->proof_by, sizeof(g->proof_by), "%s", by);
	g->decide = true;
}

static uint64_t tick_ns(const struct guard *g)
{
	uint64_t t =
		g->policy->probe.every_ms ? g->policy->probe.every_ms * MS_NS : DEFAULT_TICK_NS;

	if (g->policy->lease_ms && t > g->policy->lease_ms * MS_NS / 4)
		t = g->policy->lease_ms * MS_NS / 4;
	return t < 100 * MS_NS ? 100 * MS_NS : t;
}

struct guard *guard_new(struct monitor *mon, unsigned int slot, const struct policy_guard *policy)
{
	struct guard *g = calloc(1, sizeof(*g));
	struct machine_config config;
	size_t i;

	if (!g)
		return NULL;
	g->mon = mon;
	g->serial = ++mon->serials;
	g->slot = slot;
	g->policy = policy;
	g->watched = policy->gateway_container[0] || policy->gateway_netns[0];
	for (i = 0; i < GUARD_MAX_TRACKS; i++)
		g->track[i].source.fd = -1;
	config.lease_ns = policy->lease_ms ? policy->lease_ms * MS_NS : 5 * SECOND_NS;
	/*
	 * Traffic is a proof as old as the look before it: up to 2.4 ticks when the first probe
	 * goes out. One lost and asked again makes 3; with a lease of 4 ticks or more.
	 */
	config.silent_ns = tick_ns(g) * 7 / 2;
	g->began_ns = base_now_ns(CLOCK_BOOTTIME);
	machine_init(&g->machine, &config, g->began_ns);
	gateway_init(g);
	bridges_load(g);
	uplink_recall(g);
	g->look = g->decide = g->tidy = true;
	return g;
}

void guard_free(struct guard *g)
{
	if (!g)
		return;
	probe_end(g);
	gateway_lose(g, NULL);
	free(g);
}

/* ---- facts ---- */
static void read_pause(struct guard *g, uint64_t now_ns)
{
	uint64_t until = 0;

	if (loader_read_pause(g->slot, &until) == 0 &&
	    (until != g->pause_until_ns || g->released) && pause_judge(g, until, now_ns)) {
		g->pause_until_ns = until;
		g->decide = true;
	}
	if (g->machine.state == MONITOR_PAUSED && g->pause_until_ns <= now_ns)
		g->decide = true;
}

static bool unhealthy(const struct guard *g)
{
	return g->gw.have_container && strcmp(g->gw.container.health, "unhealthy") == 0;
}

static void gather(const struct guard *g, uint64_t now_ns, struct machine_facts *f)
{
	*f = (struct machine_facts){
		.now_ns = now_ns,
		.gateway = gateway_there(g),
		.frozen = gateway_paused(g),
		.tunnel = g->n_tun > 0,
		.guarded = place_all(g, NULL, 0),
		.proof_ns = g->proof_ns,
		.said_dead = g->api_stopped || unhealthy(g) || tunnel_stale(g),
		.pause_until_ns = g->pause_until_ns,
		.audit = g->policy->mode == POLICY_AUDIT,
		.slept = g->mon->slept,
	};
}

/* ---- the lease ---- */
static void write_lease(struct guard *g)
{
	const struct bg_lease *want = &g->machine.lease, *is = &g->lease;
	uint64_t step;
	int err;

	if (!g->machine.lease_known || !g->policy->lease_ms)
		return;
	step = want->until_ns > is->until_ns ? want->until_ns - is->until_ns
					     : is->until_ns - want->until_ns;
	if (g->lease_written && want->vpn_state == is->vpn_state &&
	    (want->vpn_state == BG_VPN_DOWN || step <= LEASE_STEP_NS))
		return;
	err = loader_write_lease(g->slot, want);
	g->lease_written = !err;
	if (err && !g->lease_bad)
		say("guard %s: cannot write the lease: %s", g->policy->name, strerror(-err));
	else if (!err)
		g->lease = *want;
	g->lease_bad = err != 0;
}

static void tell(struct guard *g, const struct machine_out *out)
{
	const char *to = monitor_state_name(g->machine.state);
	const char *from = monitor_state_name(out->from), *why = machine_event_name(g->machine.why);
	char missing[160] = "";

	if (g->machine.why == MACHINE_UNGUARDED)
		place_all(g, missing, sizeof(missing));
	say("guard %s: %s -> %s (%s)%s%s", g->policy->name, from, to, why, *missing ? ": " : "",
	    missing);
	note(g->mon, "state", g->policy->name,
	     json_pack("{s:s, s:s, s:s, s:s, s:b}", "from", from, "to", to, "why", why, "missing",
		       missing, "open",
		       machine_open(&g->machine, base_now_ns(CLOCK_BOOTTIME)) ? 1 : 0));
	g->mon->state_due = true;
}

static void decide(struct guard *g, uint64_t now_ns)
{
	struct machine_facts f;
	struct machine_out out;

	if (!g->looked)
		return;
	gather(g, now_ns, &f);
	machine_step(&g->machine, &f, &out);
	write_lease(g);
	g->decide = false;
	if (out.changed)
		tell(g, &out);
	if (out.actions & MACHINE_PROBE && gateway_there(g) && g->n_tun &&
	    now_ns >= g->next_probe_ns)
		probe_send(g, now_ns);
	if (out.actions & MACHINE_STOP && g->policy->on_down == POLICY_ON_DOWN_STOP)
		stop_containers(g);
	/* whatever the policy says by now: what we stopped is started again */
	if (out.actions & MACHINE_START)
		g->start_after_ns = now_ns + 1;
}

/* ---- when ---- */
static void look(struct guard *g, uint64_t now_ns)
{
	g->look = false;
	g->next_look_ns = now_ns + LOOK_NS;
	g->retry_ns = 0;
	g->n_trouble = 0;
	gateway_look(g, now_ns);
	uplink_look(g, now_ns);
	seal_look(g);
	uplink_write(g);
	if (g->tidy)
		loader_place_tidy(g->slot);
	g->tidy = false;
	/* after a restart the lease stands until it is known that it must not */
	g->looked = g->looked || gateway_there(g) || !g->policy->gateway_container[0] ||
		    g->gw.have_container || g->gw.engine_error ||
		    now_ns - g->began_ns > FIRST_LOOK_NS;
	g->decide = true;
	g->mon->state_due = true;
}

/* A lost probe is followed by another long before silence would mean anything. */
static void ask_tick(struct guard *g, uint64_t every_ns)
{
	g->asked_ns = base_now_ns(CLOCK_BOOTTIME);
	g->again_ns = g->machine.state == MONITOR_UP ? g->asked_ns + every_ns / 2 : 0;
	probe_send(g, g->asked_ns);
}

static void ask_again(struct guard *g, uint64_t now_ns)
{
	g->again_ns = 0;
	if (gateway_there(g) && g->n_tun && g->proof_ns < g->asked_ns)
		probe_send(g, now_ns);
}

static void tick(struct guard *g, uint64_t now_ns)
{
	uint64_t every = tick_ns(g);
	bool silent = true;

	/* a fifth to either side, so that no two monitors or guards march in step */
	g->next_tick_ns = now_ns + every * 4 / 5 + monitor_random() % (every * 2 / 5);
	read_pause(g, now_ns);
	if (!g->watched)
		return;
	if (gateway_there(g)) {
		tunnel_sample(g, now_ns, &silent);
		if (!place_check(g))
			g->look = true;
		if (silent && g->n_tun)
			ask_tick(g, every);
		g->look = g->look || gateway_moved(g);
	} else {
		g->look = true;
	}
	control_ask(g, now_ns);
	g->decide = true;
}

void guard_run(struct guard *g, uint64_t now_ns)
{
	bool ticks = now_ns >= g->next_tick_ns;

	/* what was heard closes before anything else is looked at */
	if (g->watched && g->decide)
		decide(g, now_ns);
	if (ticks)
		tick(g, now_ns);
	if (!g->watched)
		return;
	if (g->decide)
		decide(g, base_now_ns(CLOCK_BOOTTIME));
	if (g->look || now_ns >= g->next_look_ns || (g->retry_ns && now_ns >= g->retry_ns))
		look(g, base_now_ns(CLOCK_BOOTTIME));
	if (gateway_there(g))
		tunnel_read_due(g, base_now_ns(CLOCK_BOOTTIME));
	if (g->decide || g->mon->slept || machine_due_ns(&g->machine) <= now_ns)
		decide(g, base_now_ns(CLOCK_BOOTTIME));
	if (g->again_ns && now_ns >= g->again_ns)
		ask_again(g, now_ns);
	if (g->start_after_ns && now_ns >= g->start_after_ns)
		start_containers(g, now_ns);
	if (g->stop_after_ns && now_ns >= g->stop_after_ns)
		stop_due(g, now_ns);
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t guard_due_ns(const struct guard *g)
{
	uint64_t due = g->next_tick_ns;
	size_t i;

	if (!g->watched)
		return due;
	due = sooner(due, g->next_look_ns);
	due = sooner(due, machine_due_ns(&g->machine));
	if (g->machine.state == MONITOR_PAUSED)
		due = sooner(due, g->pause_until_ns);
	if (g->retry_ns)
		due = sooner(due, g->retry_ns);
	if (g->again_ns)
		due = sooner(due, g->again_ns);
	if (g->start_after_ns)
		due = sooner(due, g->start_after_ns);
	if (g->stop_after_ns)
		due = sooner(due, g->stop_after_ns);
	if (gateway_there(g) && !g->n_tun && !g->reading_ahead && !g->policy->uplink.off &&
	    !g->policy->uplink.n_endpoints)
		due = sooner(due, g->next_ahead_ns);
	for (i = 0; i < g->n_tun && gateway_there(g); i++)
		if (!g->tun[i].reading)
			due = sooner(due, g->tun[i].next_read_ns);
	return g->look || (g->decide && g->looked) ? 0 : due;
}
