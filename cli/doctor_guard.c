// SPDX-License-Identifier: GPL-2.0-only
/* What is loaded, by the kernel's word; who else hangs there; and the monitor. */
#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <time.h>

#include "base/base.h"
#include "cli/doctor.h"
#include "loader/traps.h"
#include "monitor/monitor.h"

#define STALE_NS 15000000000ull

/* A sentence of status: `what is wrong (what to do)`. */
static void add_problem(struct doctor *d, enum doctor_severity s, const char *id,
			const char *subject, const char *why, const char *text)
{
	const char *open = strrchr(text, '(');
	size_t len = strlen(text);
	char what[300], todo[300];

	if (!open || open == text || text[len - 1] != ')') {
		doctor_add(d, s, id, subject, why, NULL, "%s", text);
		return;
	}
	snprintf(what, sizeof(what), "%.*s", (int)(open - text), text);
	what[strcspn(what, "\n")] = 0;
	if (what[0] && what[strlen(what) - 1] == ' ')
		what[strlen(what) - 1] = 0;
	snprintf(todo, sizeof(todo), "%.*s", (int)(len - (size_t)(open + 1 - text) - 1), open + 1);
	doctor_add(d, s, id, subject, why, todo, "%s", what);
}

static void on_other(const struct loader_other *o, void *ctx)
{
	struct doctor *d = ctx;
	char subject[200];

	snprintf(subject, sizeof(subject), "program %u (%s)", o->prog_id, o->prog);
	if (o->legacy)
		doctor_add(d, DOCTOR_BAD, "guard.other_program", subject,
			   "attached without a link and for itself alone: where it hangs above a "
			   "guard's cgroup, load is refused",
			   "bpftool cgroup tree shows it; detach it or attach it with a link",
			   "hangs on %s (%s)", o->cgroup, o->type);
	else if (o->override)
		doctor_add(
			d, DOCTOR_WARN, "guard.other_program", subject,
			"attached with ALLOW_OVERRIDE: the guard takes its place, so it does not "
			"run for protected containers",
			"attach it with a link", "hangs on %s (%s)", o->cgroup, o->type);
	else
		doctor_add(d, DOCTOR_WARN, "guard.other_program", subject,
			   o->undoes ? "it undoes refusals of ours at connect and sendmsg "
				       "(bpf_set_retval), so programs see success; the packet hook "
				       "judges what results"
				     : "it may rewrite an address; the packet hook judges what "
				       "results",
			   "make sure that it is yours: bpftool prog show; bpftool cgroup tree",
			   "hangs on %s (%s)", o->cgroup, o->type);
}

static bool is_of_others(const char *problem)
{
	return strstr(problem, "may rewrite addresses") || strstr(problem, "ALLOW_OVERRIDE");
}

static void one_guard(struct doctor *d, const struct loader_guard_status *g)
{
	size_t i, n = 0;

	for (i = 0; i < g->n_hooks; i++)
		n += g->hook[i].attached;
	doctor_add(d, n == g->n_hooks ? DOCTOR_OK : DOCTOR_BAD, "guard.hooks", g->config.name,
		   n == g->n_hooks ? NULL : "what is missing judges nothing",
		   n == g->n_hooks ? NULL : "bpfguard load", "%zu of %zu hooks on %s", n,
		   g->n_hooks, g->config.cgroup);
	for (i = 0; i < loader_n_holes; i++)
		if (g->accepted & loader_holes[i].bit)
			doctor_add(d, DOCTOR_WARN, "guard.accepted", g->config.name,
				   loader_holes[i].open, "load without --accept-missing",
				   "loaded without %s", loader_holes[i].name);
	loader_each_other(g->config.cgroup, on_other, d);
}

void doctor_guard(struct doctor *d)
{
	struct loader_status *st = calloc(1, sizeof(*st));
	struct loader_error err = { 0 };
	size_t i;

	if (!st || loader_status(st, &err)) {
		doctor_add(d, DOCTOR_BAD, "guard.loaded", NULL, err.why,
			   err.todo[0] ? err.todo : "bpfguard load", "%s",
			   err.what[0] ? err.what : "nothing can be read");
		free(st);
		return;
	}
	d->status = st;
	d->enforced = st->enforced;
	for (i = 0; i < st->n_guards; i++)
		one_guard(d, &st->guard[i]);
	for (i = 0; i < st->n_problems; i++)
		if (!is_of_others(st->problem[i]))
			add_problem(d, st->enforced ? DOCTOR_WARN : DOCTOR_BAD, "guard.problem",
				    NULL, NULL, st->problem[i]);
	if (st->enforced)
		doctor_add(d, DOCTOR_OK, "guard.loaded", NULL, NULL, NULL, "enforced");
}

/* ---- the monitor ---- */
static bool needs_monitor(const struct doctor *d)
{
	size_t i;

	for (i = 0; d->status && i < d->status->n_guards; i++)
		if (!(d->status->guard[i].config.flags & BG_G_LEASE_OFF))
			return true;
	return false;
}

static void add_problems(struct doctor *d, const char *subject, const json_t *list)
{
	const json_t *p;
	char safe[300];
	size_t i;

	json_array_foreach ((json_t *)list, i, p) {
		const char *s = json_string_value(p);

		if (s)
			add_problem(d, DOCTOR_WARN, "monitor.problem", subject, NULL,
				    base_sanitize(safe, sizeof(safe), s, strlen(s)));
	}
}

static void check_age(struct doctor *d, const json_t *state)
{
	const char *text = json_string_value(json_object_get(state, "written"));
	uint64_t then, now = base_now_ns(CLOCK_REALTIME);

	if (text && !base_parse_time(text, now, &then) && now - then < STALE_NS)
		doctor_add(d, DOCTOR_OK, "monitor.runs", NULL, NULL, NULL, "runs, pid %d",
			   (int)json_integer_value(json_object_get(state, "pid")));
	else
		doctor_add(d, DOCTOR_BAD, "monitor.stale", NULL,
			   "it looks at everything every five seconds and writes what it sees",
			   "systemctl restart bpfguard-monitor",
			   "runs, but has not written its state for 15 s");
}

void doctor_monitor(struct doctor *d)
{
	_free_ char *text = NULL;
	bool alive = false;
	json_t *state, *g;
	size_t i;

	if (monitor_read_state(&text, &alive) || !alive) {
		doctor_add(d, needs_monitor(d) ? DOCTOR_BAD : DOCTOR_WARN, "monitor.runs", NULL,
			   needs_monitor(d)
				   ? "nobody renews the leases: nothing passes the gateway"
				   : "nobody guards the uplink, seals the network or repairs what "
				     "others touch",
			   "systemctl start bpfguard-monitor, or bpfguard monitor", "does not run");
		return;
	}
	state = json_loads(text ? text : "", JSON_REJECT_DUPLICATES, NULL);
	check_age(d, state);
	add_problems(d, NULL, json_object_get(state, "problems"));
	json_array_foreach (json_object_get(state, "guards"), i, g) {
		const char *name = json_string_value(json_object_get(g, "name"));
		char safe[64];

		base_sanitize(safe, sizeof(safe), name ? name : "?", name ? strlen(name) : 1);
		add_problems(d, safe, json_object_get(g, "problems"));
	}
	json_decref(state);
}
