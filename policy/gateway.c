// SPDX-License-Identifier: GPL-2.0-only
/* The ways out of a guard: its gateway, and the resolver behind it. */
#include <string.h>

#include "policy/internal.h"

static void read_gateway_address(struct parse *c, const struct node *key, const struct node *val,
				 void *obj)
{
	static const char todo[] = "write the gateway's address, such as 172.30.0.2";
	const struct node *n = map_scalars(c, val, "address", todo);
	struct draft *d = obj;

	(void)key;
	d->address_given = true;
	d->gateway_bad = d->gateway_bad || !n;
	for (; n; n = val->kind == NODE_LIST ? n->next : NULL) {
		if (!address_read(c, n, "gateway address", d->g->gateway, &d->g->n_gateway,
				  POLICY_MAX_GATEWAYS))
			d->gateway_bad = true;
	}
}

static void read_gateway_interface(struct parse *c, const struct node *key, const struct node *val,
				   void *obj)
{
	static const char todo[] = "write the tunnel's device name, such as `tun0`";
	const char *text = map_device(c, val, "interface", todo);
	struct draft *d = obj;

	(void)key;
	d->gateway_bad = d->gateway_bad || !text;
	if (text)
		snprintf(d->g->gateway_interface, sizeof(d->g->gateway_interface), "%s", text);
}

static void read_gateway_container(struct parse *c, const struct node *key, const struct node *val,
				   void *obj)
{
	static const char todo[] = "write the container's name as `docker ps` shows it";
	const char *text = map_docker_name(c, val, "container", todo);
	struct draft *d = obj;

	d->pos_container = key->pos;
	d->watch_bad = d->watch_bad || !text;
	if (text)
		snprintf(d->g->gateway_container, sizeof(d->g->gateway_container), "%s", text);
}

static void read_gateway_netns(struct parse *c, const struct node *key, const struct node *val,
			       void *obj)
{
	static const char todo[] =
		"write the file of the gateway's network namespace, such as /run/netns/gw";
	const char *text = map_path(c, val, "netns", todo);
	struct draft *d = obj;

	d->pos_netns = key->pos;
	d->watch_bad = d->watch_bad || !text;
	if (text)
		snprintf(d->g->gateway_netns, sizeof(d->g->gateway_netns), "%s", text);
}

static const struct key gateway_keys[] = {
	{ .name = "address", .read = read_gateway_address },
	{ .name = "interface", .read = read_gateway_interface },
	{ .name = "container", .read = read_gateway_container },
	{ .name = "netns", .read = read_gateway_netns },
	{ .name = "control", .read = control_read },
};

void gateway_read(struct parse *c, const struct node *key, const struct node *val, void *draft)
{
	struct draft *d = draft;
	uint32_t damaged;

	d->g->pos_gateway = key->pos;
	damaged = map_walk(c, val, "gateway", gateway_keys, POLICY_COUNT(gateway_keys), d);
	d->gateway_bad = d->gateway_bad || (damaged & 3);
	d->watch_bad = d->watch_bad || (damaged & 12);
}

static void read_dns_mode(struct parse *c, const struct node *key, const struct node *val,
			  void *obj)
{
	int i = map_word(c, val, "dns mode", policy_dns_words, POLICY_COUNT(policy_dns_words));
	struct draft *d = obj;

	(void)key;
	if (i >= 0)
		d->g->dns = (enum policy_dns)i;
}

static void read_dns_server(struct parse *c, const struct node *key, const struct node *val,
			    void *obj)
{
	static const char todo[] = "write the resolver's address, or leave the key out";
	const struct node *n = map_scalars(c, val, "server", todo);
	struct draft *d = obj;

	(void)key;
	d->g->dns_server_given = true;
	d->dns_bad = d->dns_bad || !n;
	for (; n; n = val->kind == NODE_LIST ? n->next : NULL) {
		if (!address_read(c, n, "dns server", d->g->dns_server, &d->g->n_dns_server,
				  POLICY_MAX_DNS))
			d->dns_bad = true;
	}
}

static void read_dns_tls(struct parse *c, const struct node *key, const struct node *val, void *obj)
{
	int i = map_word(c, val, "dns tls", policy_tls_words, POLICY_COUNT(policy_tls_words));
	struct draft *d = obj;

	(void)key;
	d->g->dns_tls_deny = i == 1;
}

static const struct key dns_keys[] = {
	{ .name = "mode", .read = read_dns_mode },
	{ .name = "server", .read = read_dns_server },
	{ .name = "tls", .read = read_dns_tls },
};

void dns_read(struct parse *c, const struct node *key, const struct node *val, void *draft)
{
	struct draft *d = draft;
	uint32_t damaged;

	d->g->pos_dns = key->pos;
	damaged = map_walk(c, val, "dns", dns_keys, POLICY_COUNT(dns_keys), d);
	d->dns_bad = d->dns_bad || (damaged & 2);
}
