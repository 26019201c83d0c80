// SPDX-License-Identifier: GPL-2.0-only
/* The monitor's part of status: what its daemon last wrote, and whether it lives. */
#include <inttypes.h>
#include <string.h>

#include "base/base.h"
#include "cli/status.h"
#include "monitor/monitor.h"

static void add(struct loader_status *st, const char *fmt, const char *a, const char *b)
{
	if (st->n_problems < LOADER_MAX_PROBLEMS)
		snprintf(st->problem[st->n_problems++], sizeof(st->problem[0]), fmt, a, b);
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static const json_t *guard_of(const json_t *state, const char *name)
{
	json_t *guards = json_object_get(state, "guards"), *g;
	size_t i;

	json_array_foreach (guards, i, g)
		if (strcmp(text_of(g, "name"), name) == 0)
			return g;
	return NULL;
}

static void add_problems(struct loader_status *st, const char *who, const json_t *list)
{
	json_t *p;
	size_t i;

	json_array_foreach (list, i, p) {
		const char *s = json_string_value(p);
		char safe[200];

		if (s)
			add(st, "%s: %s", who, base_sanitize(safe, sizeof(safe), s, strlen(s)));
	}
}

static void judge(struct status_monitor *m, struct loader_status *st)
{
	size_t i;

	if (m->alive)
		add_problems(st, "monitor", json_object_get(m->state, "problems"));
	for (i = 0; i < st->n_guards; i++) {
		const struct bg_guard *c = &st->guard[i].config;
		const json_t *g = guard_of(m->state, c->name);

		if (c->flags & BG_G_LEASE_OFF)
			continue;
		if (!m->alive)
			add(st, "guard %s: nobody renews its lease: the monitor does not run (%s)",
			    c->name, "systemctl start bpfguard-monitor, or bpfguard monitor");
		else if (!g)
			add(st, "guard %s: the monitor does not know it (%s)", c->name,
			    "bpfguard reload");
		else
			add_problems(st, c->name, json_object_get(g, "problems"));
	}
}

void status_monitor_load(struct status_monitor *m, struct loader_status *st)
{
	_free_ char *text = NULL;

	*m = (struct status_monitor){ 0 };
	if (monitor_read_state(&text, &m->alive) == 0)
		m->state = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	judge(m, st);
}

void status_monitor_free(struct status_monitor *m)
{
	json_decref(m->state);
	m->state = NULL;
}

/* ---- text ---- */
/* `title  a (b), a (b)`, on lines of at most 80 columns. */
static void print_list(FILE *out, const char *title, const json_t *list, const char *a,
		       const char *b)
{
	char x[80], y[80], item[200];
	int column, len;
	json_t *o;
	size_t i;

	if (!json_array_size(list))
		return;
	column = fprintf(out, "  %-10s", title);
	json_array_foreach (list, i, o) {
		const char *s = text_of(o, a), *t = text_of(o, b);

		base_sanitize(x, sizeof(x), s, strlen(s));
		base_sanitize(y, sizeof(y), t, strlen(t));
		len = snprintf(item, sizeof(item), "%s (%s)%s", x, y,
			       json_is_false(json_object_get(o, "attached")) ? " MISSING" : "");
		if (i)
			fputc(',', out);
		if (column + 2 + len > 80)
			column = fprintf(out, "\n             %s", item) - 1;
		else
			column += 1 + fprintf(out, " %s", item);
	}
	fputc('\n', out);
}

static void print_handshakes(FILE *out, const json_t *tunnels)
{
	char when[40], device[40];
	json_t *o;
	size_t i;

	json_array_foreach (tunnels, i, o) {
		const char *s = text_of(o, "last_handshake"), *d = text_of(o, "device");

		base_sanitize(when, sizeof(when), s, strlen(s));
		base_sanitize(device, sizeof(device), d, strlen(d));
		if (when[0])
			fprintf(out, "  handshake  %.19s (%s)\n", when, device);
	}
}

void status_monitor_text(const struct status_monitor *m, const char *guard, FILE *out)
{
	const json_t *g = guard_of(m->state, guard), *probes;
	char proof[40] = "never";

	if (!m->alive || !g) {
		fprintf(out, "  monitor    %s\n",
			m->alive ? "does not know this guard" : "does not run");
		return;
	}
	if (json_is_false(json_object_get(g, "watched"))) {
		fputs("  monitor    runs; no gateway.container or gateway.netns to watch\n", out);
		return;
	}
	fprintf(out, "  monitor    %s since %.19s (%s)\n", text_of(g, "state"), text_of(g, "since"),
		text_of(g, "why"));
	print_list(out, "tunnel", json_object_get(g, "tunnels"), "device", "kind");
	print_handshakes(out, json_object_get(g, "tunnels"));
	print_list(out, "endpoint", json_object_get(g, "endpoints"), "endpoint", "source");
	print_list(out, "link", json_object_get(g, "programs"), "program", "device");
	if (json_is_string(json_object_get(g, "last_proof")))
		snprintf(proof, sizeof(proof), "%.19s", text_of(g, "last_proof"));
	probes = json_object_get(g, "probes");
	fprintf(out,
		"  proof      %s by %s; %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT
		" probes answered\n",
		proof, text_of(g, "proved_by")[0] ? text_of(g, "proved_by") : "nothing",
		json_integer_value(json_object_get(probes, "answered")),
		json_integer_value(json_object_get(probes, "sent")));
	if (text_of(g, "control_api")[0])
		fprintf(out, "  control    %s\n", text_of(g, "control_api"));
}

/* ---- JSON: {"alive": bool} and, alive or not, what it last wrote ---- */
json_t *status_monitor_json(const struct status_monitor *m)
{
	json_t *o = json_pack("{s:b}", "alive", m->alive ? 1 : 0);

	if (m->state)
		json_object_set(o, "last", m->state);
	return o;
}
