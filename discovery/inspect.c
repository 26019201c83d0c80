// SPDX-License-Identifier: GPL-2.0-only
/* Containers and networks for `doctor`: asked from the engine, and from the kernel. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/base.h"
#include "discovery/engine_parse.h"
#include "discovery/http.h"
#include "discovery/inspect.h"
#include "discovery/route.h"
#include "discovery/tunnel_parts.h"

#define RESOLV_MAX 65536

int inspect_process(pid_t pid, uint32_t *facts)
{
	_free_ char *text = NULL;
	char path[40];
	size_t len;
	int err;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	err = base_read_file(path, 65536, &text, &len);
	if (err)
		return err == -ENOENT ? -ESRCH : err;
	inspect_parse_status(text, facts);
	return 0;
}

/* In the container's own root, out of which no link of its leads. */
static void read_resolv(struct inspect_container *c)
{
	_close_ int root = discovery_root_of(c->c.pid);
	_free_ char *text = NULL;
	size_t len;

	if (root >= 0 &&
	    !discovery_read_inside(root, "etc/resolv.conf", true, RESOLV_MAX, &text, &len) &&
	    inspect_dns_from_host(text))
		c->facts |= INSPECT_DNS_HOST;
}

static void ask_kernel(struct inspect_container *c)
{
	if (!c->c.pid)
		return;
	/* it may have ended meanwhile: then it is in no cgroup, and nothing is claimed */
	if (discovery_cgroup_of(c->c.pid, c->c.cgroup, sizeof(c->c.cgroup)))
		c->c.cgroup[0] = '\0';
	else if (!inspect_process(c->c.pid, &c->facts))
		read_resolv(c);
}

struct listing {
	uint64_t began_ns;
	int timeout_ms;
	int (*fn)(const struct inspect_container *c, void *ctx);
	void *ctx;
};

static int one(const char *id, void *ctx)
{
	struct listing *l = ctx;
	uint64_t gone = (base_now_ns(CLOCK_MONOTONIC) - l->began_ns) / 1000000;
	struct discovery_body body;
	struct inspect_container c;
	char path[96];
	int err;

	if (gone >= (uint64_t)l->timeout_ms)
		return -ENOTCONN;
	snprintf(path, sizeof(path), "/containers/%s/json", id);
	err = engine_get(path, l->timeout_ms - (int)gone, &body);
	if (err == -ENOENT) /* removed since */
		return 0;
	if (err)
		return err;
	err = inspect_parse_container(body.data, body.len, &c);
	free(body.data);
	if (err)
		return err;
	ask_kernel(&c);
	return l->fn(&c, l->ctx);
}

int inspect_list(int timeout_ms, int (*fn)(const struct inspect_container *c, void *ctx), void *ctx)
{
	struct listing l = { .began_ns = base_now_ns(CLOCK_MONOTONIC),
			     .timeout_ms = timeout_ms,
			     .fn = fn,
			     .ctx = ctx };
	struct discovery_body body;
	int err = engine_get("/containers/json?all=1", timeout_ms, &body);

	if (err)
		return err;
	err = engine_parse_ids(body.data, body.len, one, &l);
	free(body.data);
	return err;
}

int inspect_network(const char *who, int timeout_ms, struct inspect_network *ret)
{
	struct discovery_body body;
	char path[320];
	int err;

	if (!discovery_docker_name_sane(who))
		return -ENOENT;
	snprintf(path, sizeof(path), "/networks/%s", who);
	err = engine_get(path, timeout_ms, &body);
	if (err)
		return err;
	err = inspect_parse_network(body.data, body.len, ret);
	free(body.data);
	return err;
}

int inspect_engine(int timeout_ms, struct inspect_engine *ret)
{
	struct discovery_body body;
	int err = engine_get("/info", timeout_ms, &body);

	if (err)
		return err;
	err = inspect_parse_engine(body.data, body.len, ret);
	free(body.data);
	return err;
}
