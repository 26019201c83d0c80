/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One question to the Docker engine: who is this container?
 *
 * The path carries no API version, so that the engine answers in its own: what is read here has
 * been the same since API 1.24, while engines keep raising the oldest version they speak.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "discovery/discovery.h"
#include "discovery/http.h"

#define ANSWER_MAX (1u << 20)
#define WHO_MAX	   255

static int copy_string(char *dst, size_t size, const char *src)
{
	base_sanitize(dst, size, src, strlen(src));
	return dst[0] ? 0 : -EBADMSG;
}

static bool is_full_id(const char *id)
{
	return id && strlen(id) == 64 && strspn(id, "0123456789abcdef") == 64;
}

int discovery_docker_parse(const char *body, size_t len, struct discovery_container *ret)
{
	struct discovery_container c = { 0 };
	const char *id = NULL, *name = NULL, *image = NULL;
	json_int_t pid = 0;
	json_t *o;
	int err = -EBADMSG;

	o = json_loadb(body, len, 0, NULL);
	if (!o)
		return -EBADMSG;
	if (json_unpack(o, "{s:s, s:s, s?{s?I}, s?{s?s}}", "Id", &id, "Name", &name, "State", "Pid",
			&pid, "Config", "Image", &image) ||
	    !is_full_id(id))
		goto out;
	memcpy(c.id, id, sizeof(c.id));
	if (copy_string(c.name, sizeof(c.name), name + (name[0] == '/')))
		goto out;
	if (image)
		copy_string(c.image, sizeof(c.image), image);
	if (pid > 0 && pid <= INT32_MAX)
		c.pid = (pid_t)pid;
	*ret = c;
	err = 0;
out:
	json_decref(o);
	return err;
}

bool discovery_docker_name_sane(const char *who)
{
	size_t len = strlen(who);

	return len > 0 && len <= WHO_MAX && who[0] != '.' &&
	       strspn(who, "abcdefghijklmnopqrstuvwxyz"
			   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == len;
}

/* The engine's answer to GET url. -ENOTCONN also when it is too slow. */
static int ask(const char *url, int timeout_ms, struct discovery_body *body)
{
	struct discovery_http h = { .url = url,
				    .unix_socket = base_docker_socket(),
				    .timeout_ms = timeout_ms };
	long status = 0;
	int err = discovery_http_body(&h, body, &status);

	if (err == -EACCES)
		return -ENOTCONN;
	if (err)
		return err;
	if (status == 200)
		return 0;
	free(body->data);
	body->data = NULL;
	return status == 404 ? -ENOENT : -EBADMSG;
}

/* The line of cgroup2 in /proc/PID/cgroup: `0::/path`. */
static void fill_cgroup(struct discovery_container *c)
{
	_free_ char *text = NULL;
	char path[32], *line, *end;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", c->pid);
	if (base_read_file(path, 65536, &text, &len))
		return;
	line = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");
	if (!line)
		return;
	line += strcspn(line, "/");
	end = line + strcspn(line, "\n");
	if ((size_t)(end - line) >= sizeof(c->cgroup))
		return;
	memcpy(c->cgroup, line, (size_t)(end - line));
	c->cgroup[end - line] = '\0';
}

int discovery_docker_inspect(const char *who, int timeout_ms, struct discovery_container *ret)
{
	struct discovery_container c;
	struct discovery_body body = { .max = ANSWER_MAX };
	char url[WHO_MAX + 64];
	int err;

	if (*who == '/')
		who++;
	if (!discovery_docker_name_sane(who))
		return -ENOENT;
	snprintf(url, sizeof(url), "http://docker/containers/%s/json", who);
	err = ask(url, timeout_ms, &body);
	if (!err)
		err = discovery_docker_parse(body.data ? body.data : "", body.len, &c);
	free(body.data);
	if (err)
		return err;
	if (c.pid)
		fill_cgroup(&c);
	*ret = c;
	return 0;
}
