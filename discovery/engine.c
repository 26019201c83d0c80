// SPDX-License-Identifier: GPL-2.0-only
/*
 * Docker's engine, asked. The paths carry no API version, as in docker.c. Every call is bounded in
 * time, each answer in size; blocking, so never for the thread that renews leases.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/base.h"
#include "discovery/engine_parse.h"
#include "discovery/http.h"
#include "discovery/route.h"

#define ANSWER_MAX     (4u << 20)
#define LINE_MAX_BYTES 65536
#define MAX_CONTAINERS 4096

static int ask(const char *path, bool post, int timeout_ms, struct discovery_body *body,
	       long *status)
{
	char url[512];
	struct discovery_http h = { .url = url,
				    .unix_socket = base_docker_socket(),
				    .timeout_ms = timeout_ms,
				    .post = post };
	int n = snprintf(url, sizeof(url), "http://docker%s", path);

	*body = (struct discovery_body){ .max = ANSWER_MAX };
	if (n < 0 || n >= (int)sizeof(url))
		return -ENOENT;
	return discovery_http_body(&h, body, status);
}

static int as_errno(long status)
{
	if (status >= 200 && status < 300)
		return 0;
	return status == 404 ? -ENOENT : status == 401 || status == 403 ? -EACCES : -EBADMSG;
}

int engine_get(const char *path, int timeout_ms, struct discovery_body *body)
{
	long status = 0;
	int err = ask(path, false, timeout_ms, body, &status);

	if (!err)
		err = as_errno(status);
	if (!err && !body->data)
		err = -EBADMSG;
	if (err) {
		free(body->data);
		body->data = NULL;
	}
	return err;
}

static int inspect(const char *who, int timeout_ms, struct engine_container *ret)
{
	struct discovery_body body;
	char path[320];
	int err;

	if (*who == '/')
		who++;
	if (!discovery_docker_name_sane(who))
		return -ENOENT;
	snprintf(path, sizeof(path), "/containers/%s/json", who);
	err = engine_get(path, timeout_ms, &body);
	if (err)
		return err;
	err = engine_parse_container(body.data, body.len, ret);
	free(body.data);
	/* the process may have ended meanwhile: then it is in no cgroup, and nothing is claimed */
	if (!err && ret->pid && discovery_cgroup_of(ret->pid, ret->cgroup, sizeof(ret->cgroup)))
		ret->cgroup[0] = '\0';
	return err;
}

static int left_ms(uint64_t began_ns, int timeout_ms)
{
	uint64_t gone = (base_now_ns(CLOCK_MONOTONIC) - began_ns) / 1000000;

	return gone < (uint64_t)timeout_ms ? timeout_ms - (int)gone : 0;
}

/*
 * A network that cannot be read is one whose bridge is not known; its name stays. Until a container
 * was started for the first time the engine tells no id of its networks, only their names.
 */
static int fill_network(struct engine_attachment *a, int timeout_ms)
{
	const char *which = a->network_id[0] ? a->network_id : a->network;
	struct discovery_body body;
	char path[160];
	int err;

	if (!discovery_docker_name_sane(which))
		return 0;
	snprintf(path, sizeof(path), "/networks/%s", which);
	err = engine_get(path, timeout_ms, &body);
	if (err)
		return err == -ENOENT ? 0 : err;
	err = engine_parse_network(body.data, body.len, a);
	free(body.data);
	return err;
}

int engine_container(const char *who, int timeout_ms, struct engine_container *ret)
{
	uint64_t began = base_now_ns(CLOCK_MONOTONIC);
	struct engine_container c;
	int err = inspect(who, timeout_ms, &c), left;
	size_t i;

	for (i = 0; !err && i < c.n_nets; i++) {
		left = left_ms(began, timeout_ms);
		err = left ? fill_network(&c.net[i], left) : -ENOTCONN;
	}
	if (!err)
		*ret = c;
	return err;
}

/* The ids of an answer. */
struct ids {
	char (*id)[65];
	size_t n;
};

static int take_id(const char *id, void *ctx)
{
	struct ids *ids = ctx;
	void *grown;

	if (ids->n == MAX_CONTAINERS)
		return -EBADMSG;
	grown = realloc(ids->id, (ids->n + 1) * sizeof(*ids->id));
	if (!grown)
		return -ENOMEM;
	ids->id = grown;
	memcpy(ids->id[ids->n++], id, 65);
	return 0;
}

static int list_ids(const char *path, int timeout_ms, struct ids *ret)
{
	struct discovery_body body;
	int err = engine_get(path, timeout_ms, &body);

	*ret = (struct ids){ 0 };
	if (err)
		return err;
	err = engine_parse_ids(body.data, body.len, take_id, ret);
	free(body.data);
	if (err) {
		free(ret->id);
		ret->id = NULL;
	}
	return err;
}

/* {"label":["LABEL"]} in an URL; a label with anything but these characters is refused. */
static int label_path(const char *label, char *ret, size_t size)
{
	char quoted[256];
	size_t n = 0;

	for (; *label; label++) {
		if (n + 4 > sizeof(quoted))
			return -EINVAL;
		if (*label == '=')
			n += (size_t)snprintf(quoted + n, sizeof(quoted) - n, "%%3D");
		else if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-",
				*label))
			quoted[n++] = *label;
		else
			return -EINVAL;
	}
	quoted[n] = '\0';
	snprintf(ret, size,
		 "/containers/json?all=1&filters=%%7B%%22label%%22%%3A%%5B%%22%s%%22%%5D%%7D",
		 quoted);
	return 0;
}

static void name_all(const struct ids *ids, int timeout_ms, char *names, size_t size)
{
	uint64_t began = base_now_ns(CLOCK_MONOTONIC);
	struct engine_container c;
	size_t i, n = 0;

	names[0] = '\0';
	for (i = 0; i < ids->n && i < 8; i++) {
		int left = left_ms(began, timeout_ms);

		if (!left || inspect(ids->id[i], left, &c))
			snprintf(c.name, sizeof(c.name), "%.12s", ids->id[i]);
		n += (size_t)snprintf(names + n, size - n, "%s%s", i ? ", " : "", c.name);
		if (n >= size)
			return;
	}
}

int engine_find_label(const char *label, int timeout_ms, struct engine_container *ret, char *names,
		      size_t size)
{
	char path[384];
	struct ids ids;
	int err = label_path(label, path, sizeof(path));

	if (!err)
		err = list_ids(path, timeout_ms, &ids);
	if (err)
		return err;
	if (ids.n == 1) {
		err = engine_container(ids.id[0], timeout_ms, ret);
	} else {
		err = ids.n ? -EEXIST : -ENOENT;
		name_all(&ids, timeout_ms, names, size);
	}
	free(ids.id);
	return err;
}

int engine_list(int timeout_ms, int (*fn)(const struct engine_container *c, void *ctx), void *ctx)
{
	uint64_t began = base_now_ns(CLOCK_MONOTONIC);
	struct engine_container c;
	struct ids ids;
	int err = list_ids("/containers/json?all=1", timeout_ms, &ids), left;
	size_t i;

	for (i = 0; !err && i < ids.n; i++) {
		left = left_ms(began, timeout_ms);
		err = left ? inspect(ids.id[i], left, &c) : -ENOTCONN;
		if (!err)
			err = fn(&c, ctx);
		else if (err == -ENOENT) /* removed since */
			err = 0;
	}
	free(ids.id);
	return err;
}

static int act(const char *path, int timeout_ms)
{
	struct discovery_body body;
	long status = 0;
	int err = ask(path, true, timeout_ms, &body, &status);

	free(body.data);
	if (err)
		return err;
	return status == 304 ? 1 : as_errno(status);
}

int engine_stop(const char *id, int grace_seconds, int timeout_ms)
{
	char path[128];

	if (!engine_is_id(id))
		return -ENOENT;
	snprintf(path, sizeof(path), "/containers/%s/stop?t=%d", id, grace_seconds);
	return act(path, timeout_ms);
}

int engine_start(const char *id, int timeout_ms)
{
	char path[128];

	if (!engine_is_id(id))
		return -ENOENT;
	snprintf(path, sizeof(path), "/containers/%s/start", id);
	return act(path, timeout_ms);
}

/* ---- the stream ---- */
struct stream {
	int (*fn)(const struct engine_event *ev, void *ctx);
	void *ctx;
	size_t len;
	bool skip; /* the rest of a line that is too long */
	char line[LINE_MAX_BYTES];
};

static int line_done(struct stream *s)
{
	struct engine_event ev;
	size_t len = s->len;
	bool whole = !s->skip;

	s->len = 0;
	s->skip = false;
	/* a line that is not understood says that something happened: so does the next look */
	return whole && len && !engine_parse_event(s->line, len, &ev) ? s->fn(&ev, s->ctx) : 0;
}

static int take_lines(long status, const char *data, size_t len, void *ctx)
{
	struct stream *s = ctx;
	size_t i;
	int err = as_errno(status);

	for (i = 0; !err && i < len; i++) {
		if (data[i] == '\n')
			err = line_done(s);
		else if (s->len < sizeof(s->line))
			s->line[s->len++] = data[i];
		else
			s->skip = true;
	}
	return err;
}

int engine_events(int64_t since_ns, const volatile bool *stop,
		  int (*fn)(const struct engine_event *ev, void *ctx), void *ctx)
{
	/* {"type":["container","network"]} */
	static const char filter[] =
		"filters=%7B%22type%22%3A%5B%22container%22%2C%22network%22%5D%7D";
	struct stream *s = calloc(1, sizeof(*s));
	char url[256];
	struct discovery_http h = { .url = url,
				    .unix_socket = base_docker_socket(),
				    .stop = stop,
				    .take = take_lines,
				    .ctx = s };
	long status = 0;
	int err;

	if (!s)
		return -ENOMEM;
	s->fn = fn;
	s->ctx = ctx;
	if (since_ns > 0)
		snprintf(url, sizeof(url), "http://docker/events?since=%lld.%09lld&%s",
			 (long long)(since_ns / 1000000000), (long long)(since_ns % 1000000000),
			 filter);
	else
		snprintf(url, sizeof(url), "http://docker/events?%s", filter);
	err = discovery_http(&h, &status);
	if (!err)
		err = as_errno(status);
	free(s);
	return err == -ECANCELED ? 0 : err;
}
