// SPDX-License-Identifier: GPL-2.0-only
/*
 * on_down: stop. What we stop is remembered in <run>/stopped.json before it is stopped, so that a
 * restart of ours at any moment loses nothing. Started again is only what we stopped, and only if
 * nobody has started it meanwhile: an entry has the time of the start that we ended.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "monitor/internal.h"

#define LIST_TIMEOUT_MS	 5000
#define STOP_GRACE_S	 5
#define STOP_TIMEOUT_MS	 15000
#define START_TIMEOUT_MS 15000
#define MAX_CONTAINERS	 64
#define MAX_TRIES	 5
#define STACK_BYTES	 (256 * 1024)
#define FIRST_RETRY_NS	 (2 * SECOND_NS)
#define LAST_RETRY_NS	 (60 * SECOND_NS)
#define FILE_NAME	 "stopped.json"

enum stage { LIST, STOP, START };

struct work {
	struct job job;
	enum stage stage;
	char guard[POLICY_NAME], cgroup[BG_PATH], gateway[65];
	/* array of {id, name, project, service, depends_on, started, tries} */
	json_t *list;
	int failed;
};

static const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static uint64_t retry_ns(unsigned int tries)
{
	uint64_t ns = tries < 6 ? FIRST_RETRY_NS << tries : LAST_RETRY_NS;

	return ns < LAST_RETRY_NS ? ns : LAST_RETRY_NS;
}

/* ---- in the worker ---- */
static int on_container(const struct engine_container *c, void *ctx)
{
	struct work *w = ctx;
	size_t len = strlen(w->cgroup);

	if (!c->running || strncmp(c->cgroup, w->cgroup, len) != 0 ||
	    (c->cgroup[len] != '/' && c->cgroup[len]) || strcmp(c->id, w->gateway) == 0)
		return 0;
	if (json_array_size(w->list) >= MAX_CONTAINERS) {
		w->failed++;
		return 0;
	}
	json_array_append_new(w->list,
			      json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:i}", "id", c->id, "name",
					c->name, "project", c->compose_project, "service",
					c->compose_service, "depends_on", c->depends_on, "started",
					(json_int_t)c->started_real_ns, "tries", 0));
	return 0;
}

/* Does `o` need `other` (compose's label: `a:service_started:true,b:...`)? */
static bool needs(const json_t *o, const json_t *other)
{
	char list[600], *save = NULL, *dep;

	if (other == o || strcmp(text_of(o, "project"), text_of(other, "project")) != 0)
		return false;
	snprintf(list, sizeof(list), "%s", text_of(o, "depends_on"));
	for (dep = strtok_r(list, ",", &save); dep; dep = strtok_r(NULL, ",", &save)) {
		dep[strcspn(dep, ":")] = 0;
		if (*dep && strcmp(text_of(other, "service"), dep) == 0)
			return true;
	}
	return false;
}

/*
 * Those that are next: not done, and needing none of the others that is not (stopping: needed by
 * none). Of some that need each other none is first: any.
 */
static size_t next(const json_t *list, bool stopping, json_t *ret[MAX_CONTAINERS])
{
	json_t *o, *other, *any = NULL;
	size_t i, k, n = 0;

	json_array_foreach (list, i, o) {
		bool waits = false;

		if (json_object_get(o, "done"))
			continue;
		any = any ? any : o;
		json_array_foreach (list, k, other)
			waits = waits || (!json_object_get(other, "done") &&
					  (stopping ? needs(other, o) : needs(o, other)));
		if (!waits && n < MAX_CONTAINERS)
			ret[n++] = o;
	}
	if (!n && any)
		ret[n++] = any;
	return n;
}

struct stopping {
	const char *id;
	pthread_t thread;
	bool threaded;
	int err;
};

static void *stop_one(void *ctx)
{
	struct stopping *s = ctx;

	s->err = engine_stop(s->id, STOP_GRACE_S, STOP_TIMEOUT_MS);
	return NULL;
}

/* At once: how long it takes does not depend on how many they are. */
static void stop_together(json_t *o[], size_t n, struct stopping *s)
{
	pthread_attr_t attr;
	size_t i;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	for (i = 0; i < n; i++) {
		s[i] = (struct stopping){ .id = text_of(o[i], "id") };
		s[i].threaded = pthread_create(&s[i].thread, &attr, stop_one, &s[i]) == 0;
	}
	pthread_attr_destroy(&attr);
	for (i = 0; i < n; i++) {
		if (s[i].threaded)
			pthread_join(s[i].thread, NULL);
		else
			stop_one(&s[i]);
	}
}

/* No answer is no "no": Docker may still be at it, and then it is ours. */
static void work_stop(struct work *w)
{
	struct stopping s[MAX_CONTAINERS];
	json_t *o[MAX_CONTAINERS];
	size_t n, i;

	while ((n = next(w->list, true, o))) {
		stop_together(o, n, s);
		for (i = 0; i < n; i++) {
			w->failed += s[i].err < 0 && s[i].err != -ENOENT;
			/* gone, or stopped by somebody else before we came */
			json_object_set_new(o[i], "done",
					    json_boolean(s[i].err == 1 || s[i].err == -ENOENT));
		}
	}
}

/* true: it is dealt with, for good. */
static bool start_one(json_t *o)
{
	json_int_t tries = json_integer_value(json_object_get(o, "tries"));
	struct engine_container c;
	int err = engine_container(text_of(o, "id"), LIST_TIMEOUT_MS, &c);

	if (err == -ENOENT)
		return true;
	if (!err &&
	    (c.running || c.started_real_ns != json_integer_value(json_object_get(o, "started"))))
		return true; /* the user has touched it: it is his again */
	if (!err)
		err = engine_start(text_of(o, "id"), START_TIMEOUT_MS);
	if (err == -ENOTCONN) /* Docker is away: that is not the container's fault */
		return false;
	json_object_set_new(o, "tries", json_integer(tries + 1));
	if (err < 0 && tries + 1 >= MAX_TRIES)
		json_object_set_new(o, "given_up", json_true());
	return err >= 0 || tries + 1 >= MAX_TRIES;
}

static void work_start(struct work *w)
{
	json_t *o[MAX_CONTAINERS];
	bool dealt_with;
	size_t n, i;

	while ((n = next(w->list, false, o)))
		for (i = 0; i < n; i++) {
			dealt_with = start_one(o[i]);
			w->failed += !dealt_with;
			json_object_set_new(o[i], "done", json_boolean(dealt_with));
		}
}

static void work(struct job *j)
{
	struct work *w = (struct work *)j;

	if (w->stage == LIST) {
		if (engine_list(LIST_TIMEOUT_MS, on_container, w)) {
			w->failed++;
			json_array_clear(w->list);
		}
	} else if (w->stage == STOP) {
		work_stop(w);
	} else {
		work_start(w);
	}
}

/* ---- in the loop ---- */
static void save(struct monitor *mon)
{
	char *text = json_dumps(mon->docker, JSON_COMPACT);
	int err =
		text ? monitor_write_file(base_run_dir(), FILE_NAME, text, strlen(text)) : -ENOMEM;

	if (err)
		say("cannot remember the stopped containers: %s", strerror(-err));
	free(text);
	mon->state_due = true;
}

static json_t *remembered(struct monitor *mon, const char *guard)
{
	json_t *a = json_object_get(mon->docker, guard);

	if (!json_is_array(a)) {
		a = json_array();
		json_object_set_new(mon->docker, guard, a);
	}
	return a;
}

static void forget(json_t *all, const char *id)
{
	size_t i;

	for (i = json_array_size(all); i-- > 0;)
		if (strcmp(text_of(json_array_get(all, i), "id"), id) == 0)
			json_array_remove(all, i);
}

/* What is dealt with goes; the rest replaces what was known of it. */
static void take(struct monitor *mon, const struct work *w)
{
	json_t *all = remembered(mon, w->guard), *o;
	size_t i;

	json_array_foreach (w->list, i, o) {
		bool gone = json_is_true(json_object_get(o, "done"));

		forget(all, text_of(o, "id"));
		json_object_del(o, "done");
		if (!gone)
			json_array_append(all, o);
	}
	save(mon);
}

static void submit(struct guard *g, enum stage stage, json_t *list);

static bool closed(const struct guard *g)
{
	return g->machine.state == MONITOR_DOWN || g->machine.state == MONITOR_CONNECTING ||
	       g->machine.state == MONITOR_NO_GATEWAY;
}

static void told(struct guard *g, struct work *w)
{
	bool up = g->machine.state == MONITOR_UP;
	uint64_t now = base_now_ns(CLOCK_BOOTTIME);

	g->stopping = false;
	if (w->stage == START && !w->failed)
		g->start_tries = 0;
	if (w->stage == LIST && json_array_size(w->list)) {
		if (closed(g)) {
			submit(g, STOP, json_deep_copy(w->list));
			if (w->failed)
				g->stop_after_ns = now + retry_ns(g->stop_tries++);
			return;
		}
		/* up again meanwhile: nothing was stopped, which the start will find */
	}
	if (w->stage == START)
		g->start_after_ns = w->failed ? now + retry_ns(g->start_tries++) : 0;
	else if (up)
		g->start_after_ns = now + SECOND_NS;
	else if (w->failed && closed(g))
		g->stop_after_ns = now + retry_ns(g->stop_tries++);
}

static void tell_given_up(const struct work *w)
{
	json_t *o;
	size_t i;

	json_array_foreach (w->list, i, o)
		if (json_object_get(o, "given_up"))
			say("guard %s: container %s does not start: given up after %d times (see "
			    "docker start)",
			    w->guard, text_of(o, "name"), MAX_TRIES);
}

static void done(struct job *j)
{
	struct work *w = (struct work *)j;
	struct guard *g = monitor_guard(j->mon, j->guard);

	if (w->stage != LIST)
		note(j->mon, w->stage == START ? "started" : "stopped", w->guard,
		     json_pack("{s:O, s:i}", "containers", w->list, "failed", w->failed));
	if (w->failed)
		say("guard %s: %d containers could not be %s: trying again", w->guard, w->failed,
		    w->stage == START ? "started" : "stopped");
	tell_given_up(w);
	take(j->mon, w);
	if (g)
		told(g, w);
	json_decref(w->list);
	free(w);
}

/* Takes the list. */
static void submit(struct guard *g, enum stage stage, json_t *list)
{
	struct work *w = calloc(1, sizeof(*w));

	if (!w) {
		json_decref(list);
		return;
	}
	w->job = (struct job){ .work = work, .done = done, .mon = g->mon, .guard = g->serial };
	w->stage = stage;
	w->list = list;
	snprintf(w->guard, sizeof(w->guard), "%s", g->policy->name);
	snprintf(w->gateway, sizeof(w->gateway), "%s", g->gw.container.id);
	/* without a cgroup every container would be in it */
	g->stopping = policy_cgroup_path(g->policy->cgroup, w->cgroup, sizeof(w->cgroup)) == 0 &&
		      w->cgroup[0] == '/' && w->cgroup[1] &&
		      worker_submit(&g->mon->containers, &w->job) == 0;
	if (g->stopping)
		return;
	json_decref(w->list);
	free(w);
}

void stop_containers(struct guard *g)
{
	g->start_after_ns = 0;
	g->stop_tries = 0;
	if (!g->policy->gateway_container[0])
		return;
	say("guard %s: the tunnel stays down: stopping the protected containers", g->policy->name);
	stop_due(g, base_now_ns(CLOCK_BOOTTIME));
}

void stop_due(struct guard *g, uint64_t now_ns)
{
	g->stop_after_ns = 0;
	if (!closed(g) || g->policy->on_down != POLICY_ON_DOWN_STOP)
		return;
	if (g->stopping)
		g->stop_after_ns = now_ns + SECOND_NS;
	else
		submit(g, LIST, json_array());
}

void start_containers(struct guard *g, uint64_t now_ns)
{
	json_t *mine = json_object_get(g->mon->docker, g->policy->name);

	g->start_after_ns = g->stop_after_ns = 0;
	if (g->machine.state != MONITOR_UP)
		return; /* the next START comes with the next UP */
	if (g->stopping)
		g->start_after_ns = now_ns + SECOND_NS;
	else if (json_array_size(mine))
		submit(g, START, json_deep_copy(mine));
	else
		g->start_tries = 0;
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
