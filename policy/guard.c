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

static void read_local(struct parse *c, const struct node *key, const struct node *val, void *obj)
{
	static const char todo[] =
		"write the network of the containers and its prefix length, such as 172.30.0.0/24";
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
		if (prefix_read(c, n, "local network", todo, &p))
			g->local[g->n_local++] = p;
		else
			d->local_bad = true;
	}
}

enum {
	KEY_NAME,
	KEY_CGROUP,
	KEY_MODE,
	KEY_GATEWAY,
	KEY_LOCAL,
	KEY_DNS,
	KEY_UPLINK,
	KEY_LINK,
	KEY_KILL_SWITCH
};

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
	[KEY_UPLINK] = { .name = "uplink", .read = uplink_read },
	[KEY_LINK] = { .name = "link", .read = link_read },
	[KEY_KILL_SWITCH] = { .name = "kill_switch", .read = kill_switch_read },
	{ .name = "tests", .read = cases_read },
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
	d.watch_bad = d.watch_bad || (damaged & 1u << KEY_GATEWAY) || !g->pos_gateway.line;
	d.lease_bad = d.lease_bad || (damaged & 1u << KEY_KILL_SWITCH);
	check_guard(c, &d);
	check_watch(c, &d);
}
