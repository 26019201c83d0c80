// SPDX-License-Identifier: GPL-2.0-only
/* `uplink:` and `link:` of a guard: the devices on both sides of the gateway. */
#include <netinet/in.h>
#include <string.h>

#include "policy/internal.h"

static enum said read_switch(struct parse *c, const struct node *val, const char *what)
{
	static const char *const words[] = { "on", "off" };
	int i = map_word(c, val, what, words, POLICY_COUNT(words));

	return i < 0 ? SAID_RUBBISH : i == 0 ? SAID_ON : SAID_OFF;
}

static void read_network(struct parse *c, const struct node *val, char ret[POLICY_CONTAINER])
{
	static const char todo[] = "write the network's name as `docker network ls` shows it";
	const char *text = map_docker_name(c, val, "network", todo);

	if (text)
		snprintf(ret, POLICY_CONTAINER, "%s", text);
}

static void read_bridge(struct parse *c, const struct node *val, char ret[POLICY_IFNAME])
{
	static const char todo[] = "write the host's device, or leave the key out: it is found";
	const char *text = map_device(c, val, "bridge", todo);

	if (!text)
		return;
	if (!strcmp(text, "auto"))
		err_add(c, val->pos, todo, "bridge cannot be 'auto'");
	else
		snprintf(ret, POLICY_IFNAME, "%s", text);
}

static void read_guard(struct parse *c, const struct node *key, const struct node *val, void *obj)
{
	struct draft *d = obj;

	d->pos_uplink[UPLINK_GUARD] = key->pos;
	d->guard = read_switch(c, val, "uplink guard");
}

static void read_uplink_interface(struct parse *c, const struct node *key, const struct node *val,
				  void *obj)
{
	static const char todo[] = "write the uplink's device in the gateway, such as `eth0`, "
				   "or auto";
	const char *text = map_device(c, val, "interface", todo);
	struct draft *d = obj;

	d->pos_uplink[UPLINK_INTERFACE] = key->pos;
	if (text && strcmp(text, "auto"))
		snprintf(d->g->uplink.interface, sizeof(d->g->uplink.interface), "%s", text);
}

static void read_uplink_network(struct parse *c, const struct node *key, const struct node *val,
				void *obj)
{
	struct draft *d = obj;

	d->pos_uplink[UPLINK_NETWORK] = key->pos;
	read_network(c, val, d->g->uplink.network);
}

static void read_uplink_bridge(struct parse *c, const struct node *key, const struct node *val,
			       void *obj)
{
	struct draft *d = obj;

	d->pos_uplink[UPLINK_BRIDGE] = key->pos;
	read_bridge(c, val, d->g->uplink.bridge);
}

static const struct endpoint_kind tunnel_end = {
	.what = "endpoint",
	.todo = "write ADDRESS:PORT/udp or /tcp, such as 203.0.113.99:51820/udp, or auto",
	.name_todo = "write the address: the guard cannot ask DNS before the tunnel is up",
	.proto = IPPROTO_UDP,
	.any_proto = true,
	.max = POLICY_MAX_ENDPOINTS,
};

static void read_endpoints(struct parse *c, const struct node *key, const struct node *val,
			   void *obj)
{
	struct draft *d = obj;
	struct policy_uplink *up = &d->g->uplink;

	d->pos_uplink[UPLINK_ENDPOINTS] = key->pos;
	if (val->kind == NODE_SCALAR && !strcmp(val->text, "auto"))
		return;
	if (val->kind == NODE_LIST && !val->first)
		err_add(c, val->pos, tunnel_end.todo, "endpoints is an empty list");
	endpoints_read(c, val, &tunnel_end, up->endpoint, &up->n_endpoints);
}

static bool listed(struct parse *c, const struct policy_uplink *up, const struct policy_prefix *p)
{
	char text[POLICY_PREFIX_TEXT];

	for (size_t i = 0; i < up->n_outbound; i++) {
		const struct policy_prefix *o = &up->outbound[i];

		if (o->len != p->len || !addr_equal(&o->addr, &p->addr))
			continue;
		err_add(c, p->addr.pos, "remove it",
			"outbound network '%s' is listed twice, first at line %u",
			prefix_format(p, text, sizeof(text)), o->addr.pos.line);
		return true;
	}
	return false;
}

static void read_outbound(struct parse *c, const struct node *key, const struct node *val,
			  void *obj)
{
	static const char todo[] = "write a network that the gateway itself may reach without the "
				   "tunnel, such as 192.168.1.0/24";
	struct draft *d = obj;
	struct policy_uplink *up = &d->g->uplink;

	d->pos_uplink[UPLINK_OUTBOUND] = key->pos;
	if (!map_list(c, val, "outbound", "write a list, such as `outbound: [192.168.1.0/24]`"))
		return;
	for (const struct node *n = val->first; n; n = n->next) {
		struct policy_prefix p;

		if (!prefix_read(c, n, "outbound network", todo, &p) || listed(c, up, &p))
			continue;
		if (up->n_outbound == POLICY_MAX_OUTBOUND) {
			err_add(c, n->pos, "list fewer, larger networks",
				"more than %d outbound networks", POLICY_MAX_OUTBOUND);
			break;
		}
		up->outbound[up->n_outbound++] = p;
	}
}

static const struct key uplink_keys[UPLINK_KEYS] = {
	[UPLINK_GUARD] = { .name = "guard", .read = read_guard },
	[UPLINK_INTERFACE] = { .name = "interface", .read = read_uplink_interface },
	[UPLINK_NETWORK] = { .name = "network", .read = read_uplink_network },
	[UPLINK_BRIDGE] = { .name = "bridge", .read = read_uplink_bridge },
	[UPLINK_ENDPOINTS] = { .name = "endpoints", .read = read_endpoints },
	[UPLINK_OUTBOUND] = { .name = "outbound", .read = read_outbound },
};

void uplink_read(struct parse *c, const struct node *key, const struct node *val, void *draft)
{
	struct draft *d = draft;

	d->g->uplink.pos = key->pos;
	if (map_walk(c, val, "uplink", uplink_keys, UPLINK_KEYS, d) & 1u << UPLINK_GUARD)
		d->guard = SAID_RUBBISH;
}

static void read_seal(struct parse *c, const struct node *key, const struct node *val, void *obj)
{
	struct draft *d = obj;

	d->pos_link[LINK_SEAL] = key->pos;
	d->seal = read_switch(c, val, "link seal");
}

static void read_link_network(struct parse *c, const struct node *key, const struct node *val,
			      void *obj)
{
	struct draft *d = obj;

	d->pos_link[LINK_NETWORK] = key->pos;
	read_network(c, val, d->g->link.network);
}

static void read_link_bridge(struct parse *c, const struct node *key, const struct node *val,
			     void *obj)
{
	struct draft *d = obj;

	d->pos_link[LINK_BRIDGE] = key->pos;
	read_bridge(c, val, d->g->link.bridge);
}

static const struct key link_keys[LINK_KEYS] = {
	[LINK_SEAL] = { .name = "seal", .read = read_seal },
	[LINK_NETWORK] = { .name = "network", .read = read_link_network },
	[LINK_BRIDGE] = { .name = "bridge", .read = read_link_bridge },
};

void link_read(struct parse *c, const struct node *key, const struct node *val, void *draft)
{
	struct draft *d = draft;

	d->g->link.pos = key->pos;
	if (map_walk(c, val, "link", link_keys, LINK_KEYS, d) & 1u << LINK_SEAL)
		d->seal = SAID_RUBBISH;
}
