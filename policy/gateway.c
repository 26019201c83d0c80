// SPDX-License-Identifier: GPL-2.0-only
/* The ways out of a guard: its gateway, and the resolver behind it. */
#include <string.h>

#include "policy/internal.h"

static bool is_alnum(char ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9');
}

/* One address into a table that has room for max_family of each family. */
static bool read_address(struct parse *c, const struct node *n, const char *what,
			 struct policy_addr *list, size_t *n_list, size_t max_family)
{
	const char *text = map_scalar(c, n, what, "write an IPv4 or IPv6 address");
	struct policy_addr a = { 0 };
	size_t same = 0;

	if (!text)
		return false;
	if (policy_addr_parse(text, &a)) {
		struct policy_prefix p;

		err_add(c, n->pos,
			policy_prefix_parse(text, &p)
				? "write an IPv4 or IPv6 address, such as 172.30.0.2"
				: "write the address alone, without a prefix length",
			"%s %s is not an address", what, QUOTE(text));
		return false;
	}
	a.pos = n->pos;
	for (size_t i = 0; i < *n_list; i++) {
		if (addr_equal(&list[i], &a)) {
			err_add(c, n->pos, "remove it", "%s %s is listed twice, first at line %u",
				what, QUOTE(text), list[i].pos.line);
			return false;
		}
		same += list[i].family == a.family;
	}
	if (same == max_family) {
		err_add(c, n->pos, "remove some", "more than %zu IPv%u addresses for %s",
			max_family, a.family, what);
		return false;
	}
	list[(*n_list)++] = a;
	return true;
}

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
		if (!read_address(c, n, "gateway address", d->g->gateway, &d->g->n_gateway,
				  POLICY_MAX_GATEWAYS))
			d->gateway_bad = true;
	}
}

static void read_gateway_interface(struct parse *c, const struct node *key, const struct node *val,
				   void *obj)
{
	static const char todo[] = "write the tunnel's device name, such as `tun0`";
	const char *text = map_scalar(c, val, "interface", todo);
	struct draft *d = obj;

	(void)key;
	d->gateway_bad = d->gateway_bad || !text;
	if (!text)
		return;
	/* What the kernel takes as a name; `lo` is where a packet stays, never a way out. */
	if (!*text || strlen(text) >= POLICY_IFNAME || strpbrk(text, "/: \t") ||
	    !strcmp(text, ".") || !strcmp(text, "..") || !strcmp(text, "lo")) {
		err_add(c, val->pos, todo, "interface %s cannot be a tunnel's name (1 to %d bytes)",
			QUOTE(text), POLICY_IFNAME - 1);
		d->gateway_bad = true;
		return;
	}
	snprintf(d->g->gateway_interface, sizeof(d->g->gateway_interface), "%s", text);
}

static void read_gateway_container(struct parse *c, const struct node *key, const struct node *val,
				   void *obj)
{
	static const char todo[] = "write the container's name as `docker ps` shows it";
	const char *text = map_scalar(c, val, "container", todo);
	struct draft *d = obj;
	bool ok;

	(void)key;
	if (!text)
		return;
	ok = is_alnum(text[0]) && text[1] && strlen(text) < POLICY_CONTAINER;
	for (const char *s = text; ok && *s; s++)
		ok = is_alnum(*s) || strchr("_.-", *s);
	if (!ok)
		err_add(c, val->pos, todo, "container %s is not a container name", QUOTE(text));
	else
		snprintf(d->g->gateway_container, sizeof(d->g->gateway_container), "%s", text);
}

static const struct key gateway_keys[] = {
	{ .name = "address", .read = read_gateway_address },
	{ .name = "interface", .read = read_gateway_interface },
	{ .name = "container", .read = read_gateway_container },
};

void gateway_read(struct parse *c, const struct node *key, const struct node *val, void *draft)
{
	struct draft *d = draft;
	uint32_t damaged;

	d->g->pos_gateway = key->pos;
	damaged = map_walk(c, val, "gateway", gateway_keys, POLICY_COUNT(gateway_keys), d);
	d->gateway_bad = d->gateway_bad || (damaged & 3);
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
		if (!read_address(c, n, "dns server", d->g->dns_server, &d->g->n_dns_server,
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
