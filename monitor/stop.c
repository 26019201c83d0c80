// SPDX-License-Identifier: GPL-2.0-only
/*
 * on_down: stop. What we stopped is remembered in <run>/stopped.json, so that a restart of ours
 * loses nothing; only that is started again, and not if somebody else started it meanwhile.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "monitor/internal.h"

#define LIST_TIMEOUT_MS	 3000
#define STOP_GRACE_S	 5
#define STOP_TIMEOUT_MS	 15000
#define START_TIMEOUT_MS 15000
#define MAX_CONTAINERS	 64
#define MAX_TRIES	 5
#define FILE_NAME	 "stopped.json"

struct work {
	struct job job;
	bool start;
	char cgroup[BG_PATH];
	json_t *stopped; /* array of {id, name, service, depends_on, at, tries} */
	int failed;
};

static int on_container(const struct engine_container *c, void *ctx)
{
	struct work *w = ctx;
	size_t len = strlen(w->cgroup);

	if (!c->running || strncmp(c->cgroup, w->cgroup, len) != 0 || c->cgroup[len] != '/')
		return 0;
	if (json_array_size(w->stopped) >= MAX_CONTAINERS)
		return 0;
	json_array_append_new(w->stopped,
			      json_pack("{s:s, s:s, s:s, s:s, s:I}", "id", c->id, "name", c->name,
					"service", c->compose_service, "depends_on", c->depends_on,
					"tries", (json_int_t)0));
	return 0;
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

/* Only what we really stopped, with the time after which any other start is somebody else's. */
static void work_stop(struct work *w)
{
	size_t i;

	if (engine_list(LIST_TIMEOUT_MS, on_container, w)) {
		w->failed++;
		return;
	}
	for (i = json_array_size(w->stopped); i-- > 0;) {
		json_t *o = json_array_get(w->stopped, i);

		if (engine_stop(text_of(o, "id"), STOP_GRACE_S, STOP_TIMEOUT_MS)) {
			json_array_remove(w->stopped, i);
			w->failed++;
			continue;
		}
		json_object_set_new(o, "at", json_integer((json_int_t)base_now_ns(CLOCK_REALTIME)));
	}
}

/* compose's label: `a:service_started:true,b:...`. Does `o` wait for one that is still to come? */
static bool waits(const json_t *o, const json_t *all)
{
	char list[600], *save = NULL, *dep;
	size_t i;

	snprintf(list, sizeof(list), "%s", text_of(o, "depends_on"));
	for (dep = strtok_r(list, ",", &save); dep; dep = strtok_r(NULL, ",", &save)) {
		dep[strcspn(dep, ":")] = 0;
		for (i = 0; i < json_array_size(all); i++) {
			json_t *other = json_array_get(all, i);

			if (other != o && *dep && strcmp(text_of(other, "service"), dep) == 0)
				return true;
		}
	}
	return false;
}

/* true: it is dealt with, for good. */
static bool start_one(json_t *o)
{
	json_int_t tries = json_integer_value(json_object_get(o, "tries"));
	struct engine_container c;
	int err = engine_container(text_of(o, "id"), LIST_TIMEOUT_MS, &c);

	if (err == -ENOENT)
		return true;
	if (!err && (c.running || c.started_real_ns > json_integer_value(json_object_get(o, "at"))))
		return true; /* the user has touched it: it is his again */
	if (!err)
		err = engine_start(text_of(o, "id"), START_TIMEOUT_MS);
	json_object_set_new(o, "tries", json_integer(tries + 1));
	return !err || tries + 1 >= MAX_TRIES;
}

static void work_start(struct work *w)
{
	size_t before, i;

	do {
		before = json_array_size(w->stopped);
		for (i = before; i-- > 0;) {
			json_t *o = json_array_get(w->stopped, i);

			if (!waits(o, w->stopped) && start_one(o))
				json_array_remove(w->stopped, i);
		}
	} while (json_array_size(w->stopped) && json_array_size(w->stopped) < before);
	w->failed = (int)json_array_size(w->stopped);
}

static void work(struct job *j)
{
	struct work *w = (struct work *)j;

	if (w->start)
		work_start(w);
	else
		work_stop(w);
}

static void save(struct monitor *mon)
{
	char *text = json_dumps(mon->docker, JSON_COMPACT);
	int err =
		text ? monitor_write_file(base_run_dir(), FILE_NAME, text, strlen(text)) : -ENOMEM;

	if (err)
		say("cannot remember the stopped containers: %s", strerror(-err));
	free(text);
}

static void done(struct job *j)
{
	struct work *w = (struct work *)j;
	struct guard *g = monitor_guard(j->mon, j->guard);

	if (g) {
		json_t *mine = json_object_get(j->mon->docker, g->policy->name);

		g->stopping = false;
		if (!w->start && mine)
			json_array_extend(w->stopped,
					  mine); /* of an earlier time, not started yet */
		note(j->mon, w->start ? "started" : "stopped", g->policy->name,
		     json_pack("{s:O, s:i}", w->start ? "left" : "containers", w->stopped, "failed",
			       w->failed));
		json_object_set(j->mon->docker, g->policy->name, w->stopped);
		save(j->mon);
		if (w->start && w->failed && g->machine.state == MONITOR_UP)
			g->start_after_ns = base_now_ns(CLOCK_BOOTTIME) + 10 * SECOND_NS;
		if (!w->start && g->machine.state == MONITOR_UP)
			g->start_after_ns = base_now_ns(CLOCK_BOOTTIME) + SECOND_NS;
		j->mon->state_due = true;
	}
	json_decref(w->stopped);
	free(w);
}

static void submit(struct guard *g, bool start, json_t *stopped)
{
	struct work *w = calloc(1, sizeof(*w));

	if (!w) {
		json_decref(stopped);
		return;
	}
	w->job = (struct job){ .work = work, .done = done, .mon = g->mon, .guard = g->serial };
	w->start = start;
	w->stopped = stopped;
	policy_cgroup_path(g->policy->cgroup, w->cgroup, sizeof(w->cgroup));
	g->stopping = worker_submit(&g->mon->control, &w->job) == 0;
	if (g->stopping)
		return;
	json_decref(w->stopped);
	free(w);
}

void stop_containers(struct guard *g)
{
	g->start_after_ns = 0;
	if (g->stopping || !g->policy->gateway_container[0])
		return;
	say("guard %s: the tunnel stays down: stopping the protected containers", g->policy->name);
	submit(g, false, json_array());
}

void start_containers(struct guard *g, uint64_t now_ns)
{
	json_t *mine = json_object_get(g->mon->docker, g->policy->name);

	g->start_after_ns = 0;
	if (g->machine.state != MONITOR_UP)
		return; /* the next START comes with the next UP */
	if (g->stopping) {
		g->start_after_ns = now_ns + SECOND_NS;
		return;
	}
	if (json_array_size(mine))
		submit(g, true, json_deep_copy(mine));
}

void stop_load(struct monitor *mon)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/" FILE_NAME, base_run_dir());
	mon->docker = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(mon->docker)) {
		json_decref(mon->docker);
		mon->docker = json_object();
	}
}
