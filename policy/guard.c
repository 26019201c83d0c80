// SPDX-License-Identifier: GPL-2.0-only
/* One guard of the file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/internal.h"

static bool is_lower_or_digit(char ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9');
}

static void read_name(struct parse *c, const struct node *key, const struct node *val, void *obj)
{
	static const char todo[] =
		"use 1 to 31 of a-z, 0-9, '_' and '-', a letter or digit first, such as `vpn`";
	const char *text = map_scalar(c, val, "name", todo);
	struct draft *d = obj;
	bool ok;

	(void)key;
	if (!text)
		return;
	ok = is_lower_or_digit(text[0]) && strlen(text) < POLICY_NAME;
	for (const char *s = text; ok && *s; s++)
		ok = is_lower_or_digit(*s) || *s == '_' || *s == '-';
	if (!ok)
		err_add(c, val->pos, todo, "name %s is not a guard name", QUOTE(text));
	else
		snprintf(d->g->name, sizeof(d->g->name), "%s", text);
}

static void read_cgroup(struct parse *c, const struct node *key, const struct node *val, void *obj)
{
	static const char todo[] = "write a slice, such as `bpfguard.slice`, or a path below the "
				   "cgroup root, such as `/bpfguard`";
	const char *text = map_scalar(c, val, "cgroup", todo);
	char path[POLICY_PATH];
	struct draft *d = obj;
	size_t len;
	int err;

	if (!text)
		return;
	d->g->pos_cgroup = key->pos;
	len = strlen(text);
	if (!strcmp(text, "/") || !strcmp(text, "-.slice")) {
		err_add(c, val->pos, "name the cgroup that the protected containers have as parent",
			"the root cgroup holds the host itself and cannot be guarded");
		return;
	}
	err = len < sizeof(d->g->cgroup) ? policy_cgroup_path(text, path, sizeof(path))
					 : -ENAMETOOLONG;
	if (!err) {
		snprintf(d->g->cgroup, sizeof(d->g->cgroup), "%s", text);
	} else if (err == -ENAMETOOLONG) {
		err_add(c, val->pos, "choose a shorter name",
			"the path of cgroup %s is longer than %d bytes", QUOTE(text),
			POLICY_PATH - 1);
	} else {
		err_add(c, val->pos, todo, "cgroup %s is neither a slice nor a clean absolute path",
			QUOTE(text));
	}
}

static void read_mode(struct parse *c, const struct node *key, const struct node *val, void *obj)
{
	int i = map_word(c, val, "mode", policy_mode_words, POLICY_COUNT(policy_mode_words));
	struct draft *d = obj;

	d->g->pos_mode = key->pos;
	if (i >= 0)
		d->g->mode = (enum policy_mode)i;
}

static bool read_prefix(struct parse *c, const struct node *n, struct policy_prefix *ret)
{
	static const char todo[] =
		"write the network of the containers and its prefix length, such as 172.30.0.0/24";
	const char *text = map_scalar(c, n, "local network", todo);
	char fixed[POLICY_PREFIX_TEXT], hint[sizeof(fixed) + 32];
	struct policy_prefix p = { 0 };
	unsigned int shortest;

	if (!text)
		return false;
	if (policy_prefix_parse(text, &p)) {
		if (!policy_addr_parse(text, &p.addr)) {
			snprintf(hint, sizeof(hint), "write %.46s/%d for this one address", text,
				 p.addr.family == 4 ? 32 : 128);
			err_add(c, n->pos, hint, "local network %s has no prefix length",
				QUOTE(text));
		} else {
			err_add(c, n->pos, todo, "local network %s is not ADDRESS/LENGTH",
				QUOTE(text));
		}
		return false;
	}
	shortest = p.addr.family == 4 ? POLICY_MIN_LOCAL4 : POLICY_MIN_LOCAL6;
	if (p.len < shortest) {
		err_add(c, n->pos, todo,
			"local network %s is larger than a /%u: so large a part of the Internet "
			"would be open without the VPN",
			QUOTE(text), shortest);
		return false;
	}
	if (prefix_mask(&p)) {
		snprintf(hint, sizeof(hint), "did you mean %s?",
			 prefix_format(&p, fixed, sizeof(fixed)));
		err_add(c, n->pos, hint, "local network %s has bits set behind its prefix length",
			QUOTE(text));
		return false;
	}
	/* 127.0.0.0/8, 0.0.0.0/8, and what stands below ::/32: never seen between two hosts. */
	if (p.addr.family == 4 ? p.addr.bytes[0] == 127 || p.addr.bytes[0] == 0
			       : !memcmp(p.addr.bytes, (uint8_t[4]){ 0 }, 4)) {
		err_add(c, n->pos, "remove it: a container's own loopback is always allowed",
			"local network %s is no network between hosts", QUOTE(text));
		return false;
	}
	p.addr.pos = n->pos;
	*ret = p;
	return true;
}

static void read_local(struct parse *c, const struct node *key, const struct node *val, void *obj)
{
	struct draft *d = obj;
	struct policy_guard *g = d->g;

	g->pos_local = key->pos;
	d->local_bad = true;
	if (!map_list(c, val, "local", "write a list, such as `local: [172.30.0.0/24]`"))
		return;
	d->local_bad = false;
	if (!val->n)
		return;
	g->local = calloc(val->n < POLICY_MAX_LOCAL ? val->n : POLICY_MAX_LOCAL, sizeof(*g->local));
	if (!g->local) {
		c->nomem = true;
		return;
	}
	for (const struct node *n = val->first; n; n = n->next) {
		struct policy_prefix p;

		if (g->n_local == POLICY_MAX_LOCAL) {
			err_add(c, n->pos, "list fewer, larger networks",
				"more than %d local networks", POLICY_MAX_LOCAL);
			d->local_bad = true;
			break;
		}
		if (read_prefix(c, n, &p))
			g->local[g->n_local++] = p;
		else
			d->local_bad = true;
	}
}

static void read_lease(struct parse *c, const struct node *key, const struct node *val, void *obj)
{
	static const char todo[] = "write `off`, or a time from 1s to 1h, such as 5s";
	const char *text = map_scalar(c, val, "lease", todo);
	struct draft *d = obj;
	uint64_t ms;

	d->g->pos_lease = key->pos;
	d->g->lease_given = true;
	if (!text)
		return;
	if (duration_parse(text, &ms))
		err_add(c, val->pos, todo, "lease %s is not a time", QUOTE(text));
	else if (ms && (ms < POLICY_LEASE_MIN_MS || ms > POLICY_LEASE_MAX_MS))
		err_add(c, val->pos, todo, "lease %s is out of range", QUOTE(text));
	else
		d->g->lease_ms = ms;
}

static void read_on_down(struct parse *c, const struct node *key, const struct node *val, void *obj)
{
	static const char *const words[] = { "deny" };

	(void)key;
	(void)obj;
	if (val->kind == NODE_SCALAR && !strcmp(val->text, "stop"))
		err_add(c, val->pos, "remove the line, or write deny: traffic is refused",
			"'on_down: stop' is not enforced by this version");
	else
		map_word(c, val, "on_down", words, POLICY_COUNT(words));
}

static const struct key kill_switch_keys[] = {
	{ .name = "lease", .read = read_lease },
	{ .name = "on_down", .read = read_on_down },
	{ .name = "probe", .unenforced = true },
};

static void read_kill_switch(struct parse *c, const struct node *key, const struct node *val,
			     void *obj)
{
	(void)key;
	map_walk(c, val, "kill_switch", kill_switch_keys, POLICY_COUNT(kill_switch_keys), obj);
}

enum { KEY_NAME, KEY_CGROUP, KEY_MODE, KEY_GATEWAY, KEY_LOCAL, KEY_DNS };

static const struct key guard_keys[] = {
	[KEY_NAME] = { .name = "name", .read = read_name, .missing = "add `name: vpn`" },
	[KEY_CGROUP] = { .name = "cgroup",
			 .read = read_cgroup,
			 .missing = "add `cgroup: bpfguard.slice`" },
	[KEY_MODE] = { .name = "mode", .read = read_mode },
	[KEY_GATEWAY] = { .name = "gateway",
			  .read = gateway_read,
			  .missing = "add `gateway: {address: ...}`, the only way out" },
	[KEY_LOCAL] = { .name = "local", .read = read_local },
	[KEY_DNS] = { .name = "dns", .read = dns_read },
	{ .name = "kill_switch", .read = read_kill_switch },
	{ .name = "tests", .read = cases_read },
	{ .name = "uplink", .unenforced = true },
	{ .name = "alerts", .unenforced = true },
	{ .name = "leak_check", .unenforced = true },
};

void guard_read(struct parse *c, const struct node *n, struct policy_guard *g)
{
	struct draft d = { .g = g };
	uint32_t damaged;

	g->pos = n->pos;
	damaged = map_walk(c, n, "the guard", guard_keys, POLICY_COUNT(guard_keys), &d);
	d.gateway_bad = d.gateway_bad || (damaged & 1u << KEY_GATEWAY) || !g->pos_gateway.line;
	d.local_bad = d.local_bad || (damaged & 1u << KEY_LOCAL);
	d.dns_bad = d.dns_bad || (damaged & 1u << KEY_DNS);
	check_guard(c, &d);
}
