/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records to JSON Lines and back: docs/events.md, schema 1.
 *
 * Every key is always there; null is "not known". Strings are sanitized on the way out (jansson
 * takes UTF-8 only) and on the way in (a line may have been written by anybody).
 */
#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <time.h>

#include "base/base.h"
#include "events/events.h"
#include "events/flowtext.h"
#include "events/names.h"

#define STRING_MAX 1024u

/* ---- building: `o` takes each value; a failed allocation shows when the text is made ---- */
static void put(json_t *o, const char *key, json_t *value, bool *oom)
{
	if (!value || json_object_set_new_nocheck(o, key, value))
		*oom = true;
}

static json_t *string_or_null(const char *s)
{
	char safe[STRING_MAX];

	if (!s || !*s)
		return json_null();
	return json_string(base_sanitize(safe, sizeof(safe), s, strlen(s)));
}

static json_t *number_or_null(uint64_t v)
{
	return v ? json_integer((json_int_t)v) : json_null();
}

static json_t *addr_or_null(uint8_t family, const uint32_t addr[4], bool known)
{
	char buf[FLOW_ADDR];

	return known ? string_or_null(flow_addr(buf, family, addr)) : json_null();
}

static json_t *container_json(const struct events_record *r, bool *oom)
{
	json_t *c;

	if (!r->container_id[0])
		return json_null();
	c = json_object();
	put(c, "id", string_or_null(r->container_id), oom);
	put(c, "name", string_or_null(r->container_name), oom);
	put(c, "image", string_or_null(r->container_image), oom);
	return c;
}

static json_t *proto_json(const struct bg_flow *f)
{
	const char *name = flow_proto_name(f->family, f->proto);

	return name ? json_string(name) : number_or_null(f->proto);
}

/* Known to have none (on-link): "". Not known: null. */
static json_t *next_hop_json(const struct bg_flow *f)
{
	char buf[FLOW_ADDR];

	if (!(f->flags & BG_F_ROUTE))
		return json_null();
	return json_string(flow_addr(buf, f->nh_family, f->next_hop));
}

static void put_flow(json_t *o, const struct bg_flow *f, bool *oom)
{
	bool ports = f->flags & BG_F_PORTS;

	put(o, "family", f->family ? json_string(f->family == 4 ? "ipv4" : "ipv6") : json_null(),
	    oom);
	put(o, "proto", proto_json(f), oom);
	put(o, "src", addr_or_null(f->family, f->saddr, !flow_addr_is_zero(f->saddr)), oom);
	put(o, "sport", ports && f->sport ? json_integer(f->sport) : json_null(), oom);
	put(o, "dst", addr_or_null(f->family, f->daddr, flow_has_dst(f)), oom);
	put(o, "dport", ports ? json_integer(f->dport) : json_null(), oom);
}

static json_t *record_json(const struct events_record *r)
{
	json_t *o = json_object();
	bool who = r->tgid != 0, oom = false;
	char ts[32];

	put(o, "schema", json_integer(EVENTS_SCHEMA), &oom);
	put(o, "ts", json_string(base_rfc3339(ts, sizeof(ts), r->ts_real_ns)), &oom);
	put(o, "guard", string_or_null(r->guard), &oom);
	put(o, "hook", string_or_null(events_hook_name(r->hook)), &oom);
	put(o, "verdict", json_string(r->verdict == BG_WOULD_DENY ? "would_deny" : "deny"), &oom);
	put(o, "reason", string_or_null(events_reason_name(r->reason)), &oom);
	put(o, "container", container_json(r, &oom), &oom);
	put(o, "cgroup", string_or_null(r->cgroup), &oom);
	put(o, "cgroup_id", number_or_null(r->cgroup_id), &oom);
	put(o, "pid", number_or_null(r->pid), &oom);
	put(o, "tgid", number_or_null(r->tgid), &oom);
	put(o, "comm", string_or_null(r->comm), &oom);
	put(o, "exe", string_or_null(r->exe), &oom);
	put(o, "uid", who ? json_integer(r->uid) : json_null(), &oom);
	put(o, "netns", number_or_null(r->netns), &oom);
	put_flow(o, &r->flow, &oom);
	put(o, "dns_name", string_or_null(r->dns_name), &oom);
	put(o, "ifindex", number_or_null(r->flow.ifindex), &oom);
	put(o, "next_hop", next_hop_json(&r->flow), &oom);
	put(o, "count", json_integer((json_int_t)r->count), &oom);
	put(o, "seq", json_integer((json_int_t)r->seq), &oom);
	put(o, "lost", json_integer((json_int_t)r->lost), &oom);
	if (oom) {
		json_decref(o);
		return NULL;
	}
	return o;
}

/* Consumes `o`. Jansson escapes control characters, so one value is one line. */
static char *to_line(json_t *o, size_t *ret_len)
{
	char *text, *line;
	size_t len;

	if (!o)
		return NULL;
	text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	if (!text)
		return NULL;
	len = strlen(text);
	line = realloc(text, len + 2);
	if (!line) {
		free(text);
		return NULL;
	}
	line[len] = '\n';
	line[len + 1] = '\0';
	*ret_len = len + 1;
	return line;
}

char *events_format_json(const struct events_record *r, size_t *ret_len)
{
	return to_line(record_json(r), ret_len);
}

void events_print_json(const struct events_record *r, FILE *out)
{
	_free_ char *line = NULL;
	size_t len;

	line = events_format_json(r, &len);
	if (line)
		fwrite(line, 1, len, out);
}

char *events_format_notice(const struct events_notice *n, size_t *ret_len)
{
	json_t *o = json_object();
	bool oom = false;
	char ts[32];

	put(o, "schema", json_integer(EVENTS_SCHEMA), &oom);
	put(o, "ts", json_string(base_rfc3339(ts, sizeof(ts), n->ts_real_ns)), &oom);
	put(o, "notice", json_string("not_written"), &oom);
	put(o, "records", json_integer((json_int_t)n->not_written), &oom);
	put(o, "error", string_or_null(n->error), &oom);
	if (oom) {
		json_decref(o);
		return NULL;
	}
	return to_line(o, ret_len);
}

/* ---- reading: each getter says whether the key is there and of a right type ---- */
static bool get_string(const json_t *o, const char *key, char *ret, size_t size)
{
	const json_t *v = json_object_get(o, key);

	if (json_is_null(v)) {
		ret[0] = '\0';
		return true;
	}
	if (!json_is_string(v))
		return false;
	base_sanitize(ret, size, json_string_value(v), json_string_length(v));
	return true;
}

static bool get_u64(const json_t *o, const char *key, uint64_t max, uint64_t *ret)
{
	const json_t *v = json_object_get(o, key);
	json_int_t n;

	if (json_is_null(v)) {
		*ret = 0;
		return true;
	}
	n = json_integer_value(v);
	if (!json_is_integer(v) || n < 0 || (uint64_t)n > max)
		return false;
	*ret = (uint64_t)n;
	return true;
}

static bool get_u32(const json_t *o, const char *key, uint32_t *ret)
{
	uint64_t v;

	if (!get_u64(o, key, UINT32_MAX, &v))
		return false;
	*ret = (uint32_t)v;
	return true;
}

static bool get_ts(const json_t *o, uint64_t *ret)
{
	const char *ts = json_string_value(json_object_get(o, "ts"));

	return ts && base_parse_time(ts, 0, ret) == 0;
}

static bool get_words(const json_t *o, struct events_record *r)
{
	const char *verdict = json_string_value(json_object_get(o, "verdict"));
	const char *reason = json_string_value(json_object_get(o, "reason"));
	const char *hook = json_string_value(json_object_get(o, "hook"));
	unsigned int n_reason, n_hook;

	if (!verdict || !reason || !hook || events_reason_parse(reason, &n_reason) ||
	    events_hook_parse(hook, &n_hook))
		return false;
	if (strcmp(verdict, "deny") == 0)
		r->verdict = BG_DENY;
	else if (strcmp(verdict, "would_deny") == 0)
		r->verdict = BG_WOULD_DENY;
	else
		return false;
	r->reason = (uint8_t)n_reason;
	r->hook = r->flow.hook = (uint8_t)n_hook;
	return true;
}

static bool get_container(const json_t *o, struct events_record *r)
{
	const json_t *c = json_object_get(o, "container");

	if (json_is_null(c))
		return true;
	return json_is_object(c) && get_string(c, "id", r->container_id, sizeof(r->container_id)) &&
	       get_string(c, "name", r->container_name, sizeof(r->container_name)) &&
	       get_string(c, "image", r->container_image, sizeof(r->container_image));
}

static bool get_family(const json_t *o, uint8_t *ret)
{
	const json_t *v = json_object_get(o, "family");
	const char *s = json_string_value(v);

	if (json_is_null(v)) {
		*ret = 0;
		return true;
	}
	if (!s || (strcmp(s, "ipv4") && strcmp(s, "ipv6")))
		return false;
	*ret = s[3] == '4' ? 4 : 6;
	return true;
}

static bool get_proto(const json_t *o, struct bg_flow *f)
{
	const json_t *v = json_object_get(o, "proto");
	uint64_t n;

	if (json_is_string(v))
		return flow_proto_parse(json_string_value(v), f->family, &f->proto) == 0;
	if (!get_u64(o, "proto", UINT8_MAX, &n))
		return false;
	f->proto = (uint8_t)n;
	return true;
}

static bool get_addr(const json_t *o, const char *key, uint8_t family, uint32_t ret[4])
{
	const json_t *v = json_object_get(o, key);

	if (json_is_null(v))
		return true;
	return json_is_string(v) && family &&
	       flow_addr_parse(json_string_value(v), family, ret) == 0;
}

static bool get_next_hop(const json_t *o, struct bg_flow *f)
{
	const json_t *v = json_object_get(o, "next_hop");
	const char *s = json_string_value(v);

	if (json_is_null(v))
		return true;
	if (!s)
		return false;
	f->flags |= BG_F_ROUTE;
	if (!*s)
		return true;
	/* An IPv4 route may have an IPv6 next hop, so the family is the text's own. */
	f->nh_family = strchr(s, ':') ? 6 : 4;
	return flow_addr_parse(s, f->nh_family, f->next_hop) == 0;
}

static bool get_flow(const json_t *o, struct bg_flow *f)
{
	uint64_t sport, dport;

	if (!get_family(o, &f->family) || !get_proto(o, f) ||
	    !get_addr(o, "src", f->family, f->saddr) || !get_addr(o, "dst", f->family, f->daddr) ||
	    !get_u64(o, "sport", UINT16_MAX, &sport) || !get_u64(o, "dport", UINT16_MAX, &dport) ||
	    !get_next_hop(o, f) || !get_u32(o, "ifindex", &f->ifindex))
		return false;
	f->sport = (uint16_t)sport;
	f->dport = (uint16_t)dport;
	if (!json_is_null(json_object_get(o, "dport")))
		f->flags |= BG_F_PORTS;
	return true;
}

static bool get_record(const json_t *o, struct events_record *r)
{
	uint64_t schema;

	if (!get_u64(o, "schema", INT32_MAX, &schema) || schema != EVENTS_SCHEMA)
		return false;
	if (!get_ts(o, &r->ts_real_ns) || !get_words(o, r) || !get_container(o, r) ||
	    !get_string(o, "guard", r->guard, sizeof(r->guard)) ||
	    !get_string(o, "cgroup", r->cgroup, sizeof(r->cgroup)) ||
	    !get_string(o, "comm", r->comm, sizeof(r->comm)) ||
	    !get_string(o, "exe", r->exe, sizeof(r->exe)) ||
	    !get_string(o, "dns_name", r->dns_name, sizeof(r->dns_name)))
		return false;
	if (!get_u32(o, "pid", &r->pid) || !get_u32(o, "tgid", &r->tgid) ||
	    !get_u32(o, "uid", &r->uid) || !get_u32(o, "netns", &r->netns) ||
	    !get_u64(o, "cgroup_id", INT64_MAX, &r->cgroup_id))
		return false;
	r->flow.netns = r->netns;
	return get_flow(o, &r->flow) && get_u64(o, "count", INT64_MAX, &r->count) &&
	       get_u64(o, "seq", INT64_MAX, &r->seq) && get_u64(o, "lost", INT64_MAX, &r->lost);
}

int events_parse_json(const char *line, size_t len, struct events_record *ret)
{
	struct events_record r = { 0 };
	json_t *o = json_loadb(line, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	bool ok = json_is_object(o) && get_record(o, &r);

	json_decref(o);
	if (!ok)
		return -EBADMSG;
	*ret = r;
	return 0;
}

int events_parse_notice(const char *line, size_t len, struct events_notice *ret)
{
	struct events_notice n = { 0 };
	json_t *o = json_loadb(line, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	const char *kind = json_string_value(json_object_get(o, "notice"));
	bool ok = kind && strcmp(kind, "not_written") == 0 && get_ts(o, &n.ts_real_ns) &&
		  get_u64(o, "records", INT64_MAX, &n.not_written) &&
		  get_string(o, "error", n.error, sizeof(n.error));

	json_decref(o);
	if (!ok)
		return -EBADMSG;
	*ret = n;
	return 0;
}
