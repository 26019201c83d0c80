// SPDX-License-Identifier: GPL-2.0-only
/* What shows only when a whole guard, or the whole policy, is known. */
#include <stdlib.h>
#include <string.h>

#include "policy/internal.h"

const struct policy_prefix *local_of(const struct policy_guard *g, const struct policy_addr *a)
{
	for (size_t i = 0; i < g->n_local; i++) {
		if (prefix_contains(&g->local[i], a))
			return &g->local[i];
	}
	return NULL;
}

/*
 * An address that names a network rather than a host in it: all host bits zero, or (IPv4) all one.
 * Prefixes of one or two addresses have no such address (RFC 3021, RFC 6164).
 */
static const char *network_name(const struct policy_prefix *p, const struct policy_addr *a)
{
	unsigned int bits = a->family == 4 ? 32 : 128;
	bool zero = true, one = true;

	if (p->len + 1u >= bits)
		return NULL;
	for (unsigned int i = p->len; i < bits; i++) {
		bool bit = a->bytes[i / 8] >> (7 - i % 8) & 1;

		zero = zero && !bit;
		one = one && bit;
	}
	if (zero)
		return a->family == 4 ? "the network address" : "the subnet-router anycast address";
	return one && a->family == 4 ? "the broadcast address" : NULL;
}

static void check_gateway(struct parse *c, const struct draft *d, const struct policy_addr *a)
{
	char text[POLICY_ADDR_TEXT], net[POLICY_PREFIX_TEXT];
	const struct policy_guard *g = d->g;
	const char *unfit = addr_unfit(a);

	policy_addr_format(a, text, sizeof(text));
	if (unfit) {
		err_add(c, a->pos, "write the address that the gateway has on the VPN network",
			"gateway address '%s' is %s", text, unfit);
		return;
	}
	if (!d->local_bad && !local_of(g, a)) {
		err_add(c, a->pos, "add the network that joins the containers and the gateway",
			"gateway address '%s' is inside none of the local networks", text);
		return;
	}
	for (size_t i = 0; i < g->n_local; i++) {
		const char *name = NULL;

		if (prefix_contains(&g->local[i], a))
			name = network_name(&g->local[i], a);
		if (!name)
			continue;
		err_add(c, a->pos, "write the address that the gateway has on the VPN network",
			"gateway address '%s' is %s of %s", text, name,
			prefix_format(&g->local[i], net, sizeof(net)));
		return;
	}
}

static void check_dns(struct parse *c, const struct draft *d, const struct policy_addr *a)
{
	const struct policy_guard *g = d->g;
	const char *unfit = addr_unfit(a);
	char text[POLICY_ADDR_TEXT];
	bool reachable = *g->gateway_interface;

	policy_addr_format(a, text, sizeof(text));
	if (unfit) {
		err_add(c, a->pos, "write the address of a resolver behind the gateway",
			"dns server '%s' is %s", text, unfit);
		return;
	}
	if (d->gateway_bad || d->local_bad)
		return;
	for (size_t i = 0; i < g->n_gateway; i++)
		reachable = reachable || g->gateway[i].family == a->family;
	if (!reachable && !local_of(g, a))
		err_add(c, a->pos,
			a->family == 4 ? "add an IPv4 gateway, or use a resolver in a local network"
				       : "add an IPv6 gateway, or use an IPv4 resolver",
			"dns server '%s' cannot be reached: there is no IPv%u gateway", text,
			a->family);
}

/* Without `dns.server` the gateway itself answers: its first addresses, as many as fit. */
static void default_dns(struct policy_guard *g)
{
	size_t n[2] = { 0, 0 };

	for (size_t i = 0; i < g->n_gateway; i++) {
		if (n[g->gateway[i].family == 6]++ < POLICY_MAX_DNS)
			g->dns_server[g->n_dns_server++] = g->gateway[i];
	}
}

static int by_prefix(const void *va, const void *vb)
{
	const struct policy_prefix *a = *(const struct policy_prefix *const *)va;
	const struct policy_prefix *b = *(const struct policy_prefix *const *)vb;
	int diff = a->addr.family - b->addr.family;

	if (!diff)
		diff = memcmp(a->addr.bytes, b->addr.bytes, sizeof(a->addr.bytes));
	if (!diff)
		diff = a->len - b->len;
	if (!diff) /* one array: its order is the file's, which makes the sort stable */
		diff = (a > b) - (a < b);
	return diff;
}

/* The same network twice would be one entry in the kernel and two in every count. */
static void check_local_twice(struct parse *c, const struct policy_guard *g)
{
	const struct policy_prefix **sorted;
	char text[POLICY_PREFIX_TEXT];

	if (g->n_local < 2)
		return;
	sorted = calloc(g->n_local, sizeof(*sorted));
	if (!sorted) {
		c->nomem = true;
		return;
	}
	for (size_t i = 0; i < g->n_local; i++)
		sorted[i] = &g->local[i];
	qsort(sorted, g->n_local, sizeof(*sorted), by_prefix);
	for (size_t i = 1; i < g->n_local; i++) {
		const struct policy_prefix *a = sorted[i - 1], *b = sorted[i];

		if (a->len == b->len && addr_equal(&a->addr, &b->addr))
			err_add(c, b->addr.pos, "remove it",
				"local network '%s' is listed twice, first at line %u",
				prefix_format(b, text, sizeof(text)), a->addr.pos.line);
	}
	free(sorted);
}

void check_guard(struct parse *c, const struct draft *d)
{
	struct policy_guard *g = d->g;

	if (!d->gateway_bad && !d->address_given && !*g->gateway_interface)
		err_add(c, g->pos_gateway, "add `address:` with the gateway's address",
			"the gateway has neither an address nor an interface");
	check_local_twice(c, g);
	for (size_t i = 0; i < g->n_gateway; i++)
		check_gateway(c, d, &g->gateway[i]);
	for (size_t i = 0; i < g->n_dns_server; i++)
		check_dns(c, d, &g->dns_server[i]);
	if (g->dns_server_given || d->dns_bad || d->gateway_bad)
		return;
	default_dns(g);
	if (!g->n_dns_server && *g->gateway_interface)
		err_add(c, g->pos_dns.line ? g->pos_dns : g->pos_gateway,
			"add `dns: {server: ...}` with the resolver behind the tunnel",
			"with an interface and no address as gateway, no resolver is known");
}

static bool same_or_inside(const char *outer, const char *inner)
{
	size_t len = strlen(outer);

	return !strncmp(outer, inner, len) && (!inner[len] || inner[len] == '/');
}

static void check_pair(struct parse *c, const struct policy_guard *a, const struct policy_guard *b)
{
	char pa[POLICY_PATH], pb[POLICY_PATH];

	if (*a->name && !strcmp(a->name, b->name))
		err_add(c, b->pos, "give each guard its own name",
			"guard name '%s' is used twice, first at line %u", b->name, a->pos.line);
	if (!*a->cgroup || !*b->cgroup || policy_cgroup_path(a->cgroup, pa, sizeof(pa)) ||
	    policy_cgroup_path(b->cgroup, pb, sizeof(pb)))
		return;
	if (!strcmp(pa, pb))
		err_add(c, b->pos_cgroup, "give each guard its own cgroup",
			"cgroup %s is guarded already, at line %u", QUOTE(pb), a->pos_cgroup.line);
	else if (same_or_inside(pa, pb) || same_or_inside(pb, pa))
		err_add(c, b->pos_cgroup, "choose cgroups side by side, or make it one guard",
			"cgroups %s and %s (line %u) lie one inside the other", QUOTE(pb),
			QUOTE(pa), a->pos_cgroup.line);
}

/* Two guards over one process would both decide, and `why` could name only one of them. */
void check_guards(struct parse *c, const struct policy *p)
{
	for (size_t j = 1; j < p->n_guards; j++) {
		for (size_t i = 0; i < j; i++)
			check_pair(c, &p->guards[i], &p->guards[j]);
	}
}
