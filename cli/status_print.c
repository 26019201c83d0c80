// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <dirent.h>
#include <jansson.h>
#include <limits.h>
#include <string.h>
#include <time.h>

#include "base/base.h"
#include "cli/status.h"
#include "discovery/discovery.h"
#include "events/names.h"

#define DOCKER_TIMEOUT_MS 100 /* status must not hang on a sick engine */

static int by_name(const void *a, const void *b)
{
	const struct status_inside *x = a, *y = b;
	int ret = strcmp(x->name, y->name);

	return ret ? ret : strcmp(x->cgroup, y->cgroup);
}

size_t status_inside(const struct loader_guard_status *g, struct status_inside *ret, size_t max)
{
	struct discovery_cache *cache = NULL;
	char path[PATH_MAX];
	struct dirent *d;
	size_t n = 0;
	DIR *dir;

	if (loader_cgroup_root(path, sizeof(path)))
		return 0;
	if (snprintf(path + strlen(path), sizeof(path) - strlen(path), "%s", g->config.cgroup) >=
	    (int)(sizeof(path) - strlen(path)))
		return 0;
	dir = opendir(path);
	if (!dir)
		return 0;
	/* misses live as long as this call: an engine that does not answer costs one time-out */
	discovery_cache_new(DOCKER_TIMEOUT_MS, 60000, &cache);
	while (n < max && (d = readdir(dir))) {
		struct status_inside *s = &ret[n];
		struct discovery_container c;

		if (d->d_type != DT_DIR || d->d_name[0] == '.')
			continue;
		memset(s, 0, sizeof(*s));
		if (snprintf(s->cgroup, sizeof(s->cgroup), "%s/%s", g->config.cgroup, d->d_name) >=
		    (int)sizeof(s->cgroup))
			continue;
		n++;
		if (discovery_id_from_cgroup(s->cgroup, s->id))
			continue;
		if (!cache || discovery_cache_get(cache, s->id, &c))
			continue;
		snprintf(s->name, sizeof(s->name), "%s", c.name);
		snprintf(s->image, sizeof(s->image), "%s", c.image);
	}
	closedir(dir);
	discovery_cache_free(cache);
	qsort(ret, n, sizeof(*ret), by_name); /* --watch must not shuffle them */
	return n;
}

bool status_any_attached(const struct loader_status *st)
{
	size_t i, h;

	for (i = 0; i < st->n_guards; i++)
		for (h = 0; h < st->guard[i].n_hooks; h++)
			if (st->guard[i].hook[h].attached)
				return true;
	return false;
}

/* ---- text ---- */

static bool any_accepted(const struct loader_status *st)
{
	size_t i;

	for (i = 0; i < st->n_guards; i++)
		if (st->guard[i].accepted)
			return true;
	return false;
}

static const char *word(const struct loader_status *st)
{
	if (st->enforced)
		return st->n_problems	  ? "enforced, with remarks"
		       : any_accepted(st) ? "enforced, with a hole that was accepted"
					  : "enforced";
	return status_any_attached(st) ? "degraded" : "not enforced";
}

static void print_counts(const struct loader_guard_status *g, FILE *out, const char *title,
			 unsigned int from, unsigned int to)
{
	const char *sep = "";
	unsigned int r;

	fprintf(out, "  %-10s ", title);
	for (r = from; r < to; r++) {
		if (!g->counter[r])
			continue;
		fprintf(out, "%s%s %llu", sep, events_reason_name(r),
			(unsigned long long)g->counter[r]);
		sep = ", ";
	}
	fprintf(out, "%s\n", *sep ? "" : "none");
}

static void ago_text(uint64_t boot_ns, char *buf, size_t size)
{
	uint64_t s = (base_now_ns(CLOCK_BOOTTIME) - boot_ns) / 1000000000;

	if (s < 120)
		snprintf(buf, size, "%llu s ago", (unsigned long long)s);
	else if (s < 7200)
		snprintf(buf, size, "%llu min ago", (unsigned long long)s / 60);
	else
		snprintf(buf, size, "%llu h ago", (unsigned long long)s / 3600);
}

static void join_addrs(char *buf, size_t size, const uint32_t *v4, unsigned int n4,
		       const uint32_t (*v6)[4], unsigned int n6)
{
	char a[INET6_ADDRSTRLEN];
	size_t len = 0;
	unsigned int i;

	buf[0] = 0;
	for (i = 0; i < n4 + n6 && len < size; i++) {
		if (i < n4)
			inet_ntop(AF_INET, &v4[i], a, sizeof(a));
		else
			inet_ntop(AF_INET6, v6[i - n4], a, sizeof(a));
		len += snprintf(buf + len, size - len, "%s%s", len ? ", " : "", a);
	}
}

static void addrs_text(const struct bg_guard *g, char *buf, size_t size)
{
	size_t len;

	join_addrs(buf, size, g->gw4, g->n_gw4, g->gw6, g->n_gw6);
	len = strlen(buf);
	if (g->interface[0])
		snprintf(buf + len, size - len, "%sdevice %s", len ? ", " : "", g->interface);
}

static const char *lease_text(const struct loader_guard_status *g, char *buf, size_t size)
{
	uint64_t now = base_now_ns(CLOCK_BOOTTIME);

	if (g->config.flags & BG_G_LEASE_OFF)
		return g->lease.vpn_state == BG_VPN_UP
			       ? "off (the way through the gateway is always open)"
			       : "off, closed";
	if (g->lease.vpn_state != BG_VPN_UP)
		return "closed: the VPN is not proved up";
	if (now >= g->lease.until_ns)
		return "closed: run out";
	snprintf(buf, size, "open for %.1f s", (g->lease.until_ns - now) / 1e9);
	return buf;
}

/* Holes accepted at load: shown as long as that load is in force. */
static void print_accepted(uint32_t accepted, FILE *out, bool color)
{
	size_t i;

	for (i = 0; i < loader_n_holes; i++)
		if (accepted & loader_holes[i].bit)
			fprintf(out, "  %saccepted%s   %s: %s\n", color ? C_YELLOW : "",
				color ? C_RESET : "", loader_holes[i].name, loader_holes[i].open);
}

/* Who is inside, on lines of at most 80 columns. */
static void print_inside(const struct status_inside *in, size_t n, FILE *out)
{
	int column =
		fprintf(out, "  inside     %zu%s", n, n == STATUS_MAX_INSIDE ? " or more" : "");
	char item[160];
	size_t i;
	int len;

	for (i = 0; i < n; i++) {
		const struct status_inside *s = &in[i];

		if (s->name[0])
			len = snprintf(item, sizeof(item), "%s (%.12s)", s->name, s->id);
		else
			len = snprintf(item, sizeof(item), "%.64s",
				       s->id[0] ? s->id : strrchr(s->cgroup, '/') + 1);
		if (!s->name[0] && s->id[0])
			item[len = 12] = 0;
		fputc(i ? ',' : ':', out);
		if (column + 3 + len > 80)
			column = fprintf(out, "\n             %s", item) - 1;
		else
			column += 1 + fprintf(out, " %s", item);
	}
	fputc('\n', out);
}

static void print_guard(const struct loader_guard_status *g, const struct status_monitor *m,
			FILE *out, bool color)
{
	static const char *const dns[] = { "gateway", "local-names", "strict" };
	struct status_inside *in = calloc(STATUS_MAX_INSIDE, sizeof(*in));
	size_t n = in ? status_inside(g, in, STATUS_MAX_INSIDE) : 0, i, attached = 0;
	bool audit = g->config.flags & BG_G_AUDIT;
	char buf[256];

	for (i = 0; i < g->n_hooks; i++)
		attached += g->hook[i].attached;
	fprintf(out, "\n%sguard %s%s  %s%s%s\n", color ? C_BOLD : "", g->config.name,
		color ? C_RESET : "", audit && color ? C_RED : "",
		audit ? "AUDIT: reports, refuses nothing" : "enforce",
		audit && color ? C_RESET : "");
	fprintf(out, "  policy     %s\n", g->config.policy_path);
	fprintf(out, "  cgroup     %s\n", g->config.cgroup);
	print_accepted(g->accepted, out, color);
	addrs_text(&g->config, buf, sizeof(buf));
	fprintf(out, "  gateway    %s\n", buf);
	fprintf(out, "  lease      %s\n", lease_text(g, buf, sizeof(buf)));
	if (!(g->config.flags & BG_G_LEASE_OFF))
		status_monitor_text(m, g->config.name, out);
	join_addrs(buf, sizeof(buf), g->config.dns4, g->config.n_dns4, g->config.dns6,
		   g->config.n_dns6);
	fprintf(out, "  dns        %s (%s)\n",
		g->config.dns_mode < 3 ? dns[g->config.dns_mode] : "?", buf);
	fprintf(out, "  hooks      %zu of %zu attached\n", attached, g->n_hooks);
	print_counts(g, out, "allowed", 1, BG_R_FIRST_DENY);
	print_counts(g, out, audit ? "would deny" : "denied", BG_R_FIRST_DENY, BG_R_MAX);
	if (g->last.ts_ns) {
		ago_text(g->last.ts_ns, buf, sizeof(buf));
		fprintf(out, "  last       %s, %s: %s\n", buf, events_hook_name(g->last.hook),
			events_reason_name(g->last.reason));
	}
	print_inside(in, n, out);
	free(in);
}

void status_print_text(const struct loader_status *st, const struct status_monitor *m, FILE *out,
		       bool color)
{
	const char *c = !st->enforced			     ? C_RED
			: st->n_problems || any_accepted(st) ? C_YELLOW
							     : C_GREEN;
	size_t i;

	fprintf(out, "bpfguard: %s%s%s\n", color ? c : "", word(st), color ? C_RESET : "");
	for (i = 0; i < st->n_problems; i++)
		fprintf(out, "  %s!%s %s\n", color ? c : "", color ? C_RESET : "", st->problem[i]);
	for (i = 0; i < st->n_guards; i++)
		print_guard(&st->guard[i], m, out, color);
	status_lsm_text(&st->lsm, out, color);
	fprintf(out, "stream       %llu events, %llu lost, %llu repeats folded\n",
		(unsigned long long)st->stat[BG_STAT_EVENTS],
		(unsigned long long)st->stat[BG_STAT_LOST],
		(unsigned long long)st->stat[BG_STAT_FOLDED]);
}

/* ---- JSON ---- */

static json_t *counts_json(const struct loader_guard_status *g, unsigned int from, unsigned int to)
{
	json_t *o = json_object();
	unsigned int r;

	for (r = from; r < to; r++)
		if (events_reason_name(r))
			json_object_set_new(o, events_reason_name(r), json_integer(g->counter[r]));
	return o;
}

static json_t *hooks_json(const struct loader_guard_status *g)
{
	json_t *a = json_array();
	size_t i;

	for (i = 0; i < g->n_hooks; i++)
		json_array_append_new(a, json_pack("{s:s, s:b, s:I, s:I, s:s}", "hook",
						   g->hook[i].name, "attached", g->hook[i].attached,
						   "program", (json_int_t)g->hook[i].prog_id,
						   "link", (json_int_t)g->hook[i].link_id, "tag",
						   g->hook[i].tag));
	return a;
}

static json_t *inside_json(const struct loader_guard_status *g)
{
	struct status_inside *in = calloc(STATUS_MAX_INSIDE, sizeof(*in));
	size_t n = in ? status_inside(g, in, STATUS_MAX_INSIDE) : 0, i;
	json_t *a = json_array();

	for (i = 0; i < n; i++)
		json_array_append_new(a, json_pack("{s:s, s:s, s:s, s:s}", "id", in[i].id, "name",
						   in[i].name, "image", in[i].image, "cgroup",
						   in[i].cgroup));
	free(in);
	return a;
}

static json_t *accepted_json(uint32_t accepted)
{
	json_t *a = json_array();
	size_t i;

	for (i = 0; i < loader_n_holes; i++)
		if (accepted & loader_holes[i].bit)
			json_array_append_new(a, json_string(loader_holes[i].name));
	return a;
}

static json_t *guard_json(const struct loader_guard_status *g)
{
	static const char *const dns[] = { "gateway", "local-names", "strict" };
	json_t *o = json_object();
	char buf[256];

	json_object_set_new(o, "name", json_string(g->config.name));
	json_object_set_new(o, "mode",
			    json_string(g->config.flags & BG_G_AUDIT ? "audit" : "enforce"));
	json_object_set_new(o, "cgroup", json_string(g->config.cgroup));
	json_object_set_new(o, "cgroup_id", json_integer(g->cgroup_id));
	addrs_text(&g->config, buf, sizeof(buf));
	json_object_set_new(o, "gateway", json_string(buf));
	json_object_set_new(o, "dns",
			    json_string(g->config.dns_mode < 3 ? dns[g->config.dns_mode] : "?"));
	json_object_set_new(o, "lease", json_string(lease_text(g, buf, sizeof(buf))));
	json_object_set_new(o, "policy", json_string(g->config.policy_path));
	json_object_set_new(o, "generation", json_integer(g->config.generation));
	json_object_set_new(o, "accepted", accepted_json(g->accepted));
	json_object_set_new(o, "hooks", hooks_json(g));
	json_object_set_new(o, "allowed", counts_json(g, 1, BG_R_FIRST_DENY));
	json_object_set_new(o, "denied", counts_json(g, BG_R_FIRST_DENY, BG_R_MAX));
	if (g->last.ts_ns) {
		uint64_t ago = base_now_ns(CLOCK_BOOTTIME) - g->last.ts_ns;

		base_rfc3339(buf, sizeof(buf), base_now_ns(CLOCK_REALTIME) - ago);
		json_object_set_new(o, "last_denial",
				    json_pack("{s:s, s:s, s:s}", "ts", buf, "reason",
					      events_reason_name(g->last.reason), "hook",
					      events_hook_name(g->last.hook)));
	} else {
		json_object_set_new(o, "last_denial", json_null());
	}
	json_object_set_new(o, "containers", inside_json(g));
	return o;
}

void status_print_json(const struct loader_status *st, const struct status_monitor *m, FILE *out)
{
	json_t *o = json_object(), *guards = json_array(), *problems = json_array();
	size_t i;

	for (i = 0; i < st->n_guards; i++)
		json_array_append_new(guards, guard_json(&st->guard[i]));
	for (i = 0; i < st->n_problems; i++)
		json_array_append_new(problems, json_string(st->problem[i]));
	json_object_set_new(o, "schema", json_integer(STATUS_SCHEMA));
	json_object_set_new(
		o, "status",
		json_string(!st->enforced    ? status_any_attached(st) ? "degraded" : "not_enforced"
			    : st->n_problems ? "degraded"
					     : "enforced"));
	json_object_set_new(o, "problems", problems);
	json_object_set_new(o, "guards", guards);
	json_object_set_new(o, "lsm", status_lsm_json(&st->lsm));
	json_object_set_new(o, "monitor", status_monitor_json(m));
	json_object_set_new(
		o, "stream",
		json_pack("{s:I, s:I, s:I, s:I}", "events", (json_int_t)st->stat[BG_STAT_EVENTS],
			  "lost", (json_int_t)st->stat[BG_STAT_LOST], "folded",
			  (json_int_t)st->stat[BG_STAT_FOLDED], "seq", (json_int_t)st->seq));
	json_dumpf(o, out, JSON_COMPACT);
	fputc('\n', out);
	json_decref(o);
}

void status_print_json_failed(const struct loader_error *err, FILE *out)
{
	json_t *o =
		json_pack("{s:i, s:s, s:[s], s:[]}", "schema", STATUS_SCHEMA, "status",
			  "not_enforced", "problems", err->why[0] ? err->why : err->what, "guards");

	if (o)
		json_dumpf(o, out, JSON_COMPACT);
	fputc('\n', out);
	json_decref(o);
}
