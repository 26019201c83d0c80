// SPDX-License-Identifier: GPL-2.0-only
/*
 * What Docker's engine answers, to facts. Outside bytes: each text is sanitized and cut to its
 * place, each number checked; what is missing stays empty, an object without an id is refused.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/base.h"
#include "discovery/engine_parse.h"

/* The text at o.key; "" when there is none. */
static void text_of(const json_t *o, const char *key, char *ret, size_t size)
{
	const json_t *v = json_object_get(o, key);

	ret[0] = '\0';
	if (json_is_string(v))
		base_sanitize(ret, size, json_string_value(v), json_string_length(v));
}

bool engine_is_id(const char *id)
{
	return id && strlen(id) == 64 && strspn(id, "0123456789abcdef") == 64;
}

static bool id_of(const json_t *o, const char *key, char ret[65])
{
	const char *id = json_string_value(json_object_get(o, key));

	if (!engine_is_id(id))
		return false;
	memcpy(ret, id, 65);
	return true;
}

/* `02:42:ac:1e:00:03`, as Docker writes it. */
static bool mac_of(const json_t *o, const char *key, uint8_t ret[6])
{
	const char *text = json_string_value(json_object_get(o, key));
	unsigned int b[6];
	int end = 0;

	if (!text ||
	    sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5],
		   &end) != 6 ||
	    text[end])
		return false;
	for (size_t i = 0; i < 6; i++)
		ret[i] = (uint8_t)b[i];
	return true;
}

static void attachment(const char *name, const json_t *o, struct engine_attachment *a)
{
	const char *address = json_string_value(json_object_get(o, "IPAddress"));

	base_sanitize(a->network, sizeof(a->network), name, strlen(name));
	id_of(o, "NetworkID", a->network_id);
	if (!address || inet_pton(AF_INET, address, a->address) != 1)
		memset(a->address, 0, sizeof(a->address));
	a->has_mac = mac_of(o, "MacAddress", a->mac);
}

static void attachments(const json_t *o, struct engine_container *c)
{
	json_t *nets = json_object_get(json_object_get(o, "NetworkSettings"), "Networks"), *net;
	const char *name;

	json_object_foreach (nets, name, net) {
		if (c->n_nets < ENGINE_MAX_NETWORKS)
			attachment(name, net, &c->net[c->n_nets++]);
	}
}

static void state(const json_t *o, struct engine_container *c)
{
	const json_t *s = json_object_get(o, "State");
	json_int_t pid = json_integer_value(json_object_get(s, "Pid"));
	char started[64];
	uint64_t ns;

	c->running = json_is_true(json_object_get(s, "Running"));
	c->paused = json_is_true(json_object_get(s, "Paused"));
	c->restarting = json_is_true(json_object_get(s, "Restarting"));
	if (c->running && pid > 0 && pid <= INT32_MAX)
		c->pid = (pid_t)pid;
	text_of(json_object_get(s, "Health"), "Status", c->health, sizeof(c->health));
	text_of(s, "StartedAt", started, sizeof(started));
	if (!base_parse_time(started, 0, &ns) && ns <= INT64_MAX)
		c->started_real_ns = (int64_t)ns;
}

int engine_parse_container(const char *body, size_t len, struct engine_container *ret)
{
	json_t *o = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);
	struct engine_container c = { 0 };
	const json_t *config, *labels;
	char name[sizeof(c.name) + 1];

	if (!o)
		return -EBADMSG;
	text_of(o, "Name", name, sizeof(name));
	snprintf(c.name, sizeof(c.name), "%s", name + (name[0] == '/'));
	if (!id_of(o, "Id", c.id) || !c.name[0]) {
		json_decref(o);
		return -EBADMSG;
	}
	config = json_object_get(o, "Config");
	labels = json_object_get(config, "Labels");
	text_of(config, "Image", c.image, sizeof(c.image));
	text_of(json_object_get(o, "HostConfig"), "NetworkMode", c.network_mode,
		sizeof(c.network_mode));
	text_of(labels, "com.docker.compose.project", c.compose_project, sizeof(c.compose_project));
	text_of(labels, "com.docker.compose.service", c.compose_service, sizeof(c.compose_service));
	text_of(labels, "com.docker.compose.depends_on", c.depends_on, sizeof(c.depends_on));
	state(o, &c);
	attachments(o, &c);
	json_decref(o);
	*ret = c;
	return 0;
}

/* `172.30.0.0/24` */
static bool subnet_of(const json_t *config, struct engine_attachment *a)
{
	char text[64], *slash, *end;
	unsigned long len;

	text_of(config, "Subnet", text, sizeof(text));
	slash = strchr(text, '/');
	if (!slash)
		return false;
	*slash = '\0';
	len = strtoul(slash + 1, &end, 10);
	if (end == slash + 1 || *end || len > 32 || inet_pton(AF_INET, text, a->subnet) != 1)
		return false;
	a->subnet_len = (uint8_t)len;
	return true;
}

int engine_parse_network(const char *body, size_t len, struct engine_attachment *ret)
{
	json_t *o = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);
	char id[65], bridge[128];
	const json_t *config;
	size_t i;

	if (!o || !id_of(o, "Id", id)) {
		json_decref(o);
		return -EBADMSG;
	}
	text_of(o, "Driver", ret->driver, sizeof(ret->driver));
	text_of(json_object_get(o, "Options"), "com.docker.network.bridge.name", bridge,
		sizeof(bridge));
	ret->bridge[0] = '\0';
	/* a name too long for a device is nobody's; the default is br- and the id's beginning */
	if (bridge[0] && strlen(bridge) < sizeof(ret->bridge))
		memcpy(ret->bridge, bridge, strlen(bridge) + 1);
	else if (!bridge[0] && strcmp(ret->driver, "bridge") == 0)
		snprintf(ret->bridge, sizeof(ret->bridge), "br-%.12s", id);
	config = json_object_get(json_object_get(o, "IPAM"), "Config");
	ret->has_subnet = false;
	for (i = 0; !ret->has_subnet && i < json_array_size(config); i++)
		ret->has_subnet = subnet_of(json_array_get(config, i), ret);
	json_decref(o);
	return 0;
}

int engine_parse_event(const char *line, size_t len, struct engine_event *ret)
{
	json_t *o = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	const json_t *actor, *attributes;
	struct engine_event ev = { 0 };

	if (!o)
		return -EBADMSG;
	actor = json_object_get(o, "Actor");
	attributes = json_object_get(actor, "Attributes");
	text_of(o, "Type", ev.type, sizeof(ev.type));
	text_of(o, "Action", ev.action, sizeof(ev.action));
	text_of(attributes, "name", ev.name, sizeof(ev.name));
	id_of(actor, "ID", ev.id);
	id_of(attributes, "container", ev.container);
	ev.time_ns = json_integer_value(json_object_get(o, "timeNano"));
	json_decref(o);
	if (!ev.type[0] || !ev.action[0])
		return -EBADMSG;
	*ret = ev;
	return 0;
}

int engine_parse_ids(const char *body, size_t len, int (*fn)(const char *id, void *ctx), void *ctx)
{
	json_t *list = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);
	int err = json_is_array(list) ? 0 : -EBADMSG;
	char id[65];
	size_t i;

	for (i = 0; !err && i < json_array_size(list); i++)
		err = id_of(json_array_get(list, i), "Id", id) ? fn(id, ctx) : -EBADMSG;
	json_decref(list);
	return err;
}
