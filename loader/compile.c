// SPDX-License-Identifier: GPL-2.0-only
/* Policy to kernel configuration. Pure: no system call. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "loader/internal.h"

_Static_assert(POLICY_MAX_GUARDS * 2 <= BG_MAX_GUARDS, "a reload may replace every guard");
_Static_assert(POLICY_MAX_GATEWAYS == BG_MAX_GATEWAYS, "policy and kernel limits differ");
_Static_assert(POLICY_MAX_DNS == BG_MAX_DNS, "policy and kernel limits differ");
_Static_assert(POLICY_MAX_LOCAL == BG_MAX_LOCAL, "policy and kernel limits differ");
_Static_assert(sizeof(struct loader_prefix) == 36, "a hole would make the hash random");
_Static_assert(POLICY_NAME == BG_NAME && POLICY_IFNAME == BG_IFNAME, "name sizes differ");

static void mask_of(unsigned int len, uint32_t ret[4])
{
	unsigned int i;

	for (i = 0; i<4; i++, len = len> 32 ? len - 32 : 0)
		ret[i] = htonl(len >= 32 ? 0xffffffffu : len ? ~(0xffffffffu >> len) : 0);
}

static void compile_addrs(const struct policy_guard *pg, struct bg_guard *g)
{
	size_t i;

	for (i = 0; i < pg->n_gateway; i++) {
		const struct policy_addr *a = &pg->gateway[i];

		if (a->family == 4)
			memcpy(&g->gw4[g->n_gw4++], a->bytes, 4);
		else
			memcpy(g->gw6[g->n_gw6++], a->bytes, 16);
	}
	for (i = 0; i < pg->n_dns_server; i++) {
		const struct policy_addr *a = &pg->dns_server[i];

		if (a->family == 4 && g->n_dns4 < BG_MAX_DNS)
			memcpy(&g->dns4[g->n_dns4++], a->bytes, 4);
		else if (a->family == 6 && g->n_dns6 < BG_MAX_DNS)
			memcpy(g->dns6[g->n_dns6++], a->bytes, 16);
	}
}

static size_t count_family(const struct policy_guard *pg, int family)
{
	size_t i, n = 0;

	for (i = 0; i < pg->n_local; i++)
		n += pg->local[i].addr.family == family;
	return n;
}

static void add_prefix(struct loader_image *img, unsigned int slot, const struct policy_prefix *p)
{
	struct loader_prefix *lp = &img->prefix[img->n_prefix++];
	bool v4 = p->addr.family == 4;

	memset(lp, 0, sizeof(*lp));
	lp->slot = slot;
	lp->line = p->addr.pos.line;
	lp->key.prefixlen = 64 + p->len;
	lp->key.scope = slot;
	lp->key.family = p->addr.family;
	memcpy(lp->key.addr, p->addr.bytes, v4 ? 4 : 16);
}

static void compile_local(struct loader_image *img, unsigned int slot,
			  const struct policy_guard *pg)
{
	struct bg_guard *g = &img->guard[slot];
	size_t i;

	if (count_family(pg, 4) > BG_INLINE_LOCAL)
		g->flags |= BG_G_LPM4;
	if (count_family(pg, 6) > BG_INLINE_LOCAL)
		g->flags |= BG_G_LPM6;
	for (i = 0; i < pg->n_local; i++) {
		const struct policy_prefix *p = &pg->local[i];
		uint32_t mask[4];

		mask_of(p->len, mask);
		if (g->flags & (p->addr.family == 4 ? BG_G_LPM4 : BG_G_LPM6)) {
			add_prefix(img, slot, p);
			g->prefix_count++;
		} else if (p->addr.family == 4) {
			memcpy(&g->local4[g->n_local4].addr, p->addr.bytes, 4);
			g->local4[g->n_local4].mask = mask[0];
			g->line_local4[g->n_local4++] = p->addr.pos.line;
		} else {
			memcpy(g->local6[g->n_local6].addr, p->addr.bytes, 16);
			memcpy(g->local6[g->n_local6].mask, mask, 16);
			g->line_local6[g->n_local6++] = p->addr.pos.line;
		}
	}
}

static int compile_guard(const struct policy_guard *pg, const char *path, unsigned int slot,
			 struct loader_image *img)
{
	struct bg_guard *g = &img->guard[slot];
	int err;

	g->abi = BG_ABI;
	g->generation = 1;
	if (pg->mode == POLICY_AUDIT)
		g->flags |= BG_G_AUDIT;
	if (pg->gateway_interface[0])
		g->flags |= BG_G_TUNNEL;
	if (pg->dns_tls_deny)
		g->flags |= BG_G_DNS_TLS_DENY;
	if (!pg->lease_ms)
		g->flags |= BG_G_LEASE_OFF;
	if (!pg->uplink.off || !pg->link.off)
		g->flags |= BG_G_LINK;
	g->lease_ns = pg->lease_ms * 1000000;
	g->dns_mode = pg->dns == POLICY_DNS_STRICT	  ? BG_DNS_STRICT
		      : pg->dns == POLICY_DNS_LOCAL_NAMES ? BG_DNS_LOCAL_NAMES
							  : BG_DNS_GATEWAY;
	compile_addrs(pg, g);
	compile_local(img, slot, pg);
	if (g->n_gw6 || count_family(pg, 6))
		g->flags |= BG_G_IPV6;
	memcpy(g->interface, pg->gateway_interface, sizeof(g->interface));
	memcpy(g->name, pg->name, sizeof(g->name));
	snprintf(g->container, sizeof(g->container), "%s", pg->gateway_container);
	snprintf(g->policy_path, sizeof(g->policy_path), "%s", path ? path : "");
	g->line_guard = pg->pos.line;
	g->line_gateway = pg->pos_gateway.line ? pg->pos_gateway.line : pg->pos.line;
	g->line_local = pg->pos_local.line ? pg->pos_local.line : pg->pos.line;
	g->line_dns = pg->pos_dns.line ? pg->pos_dns.line : pg->pos.line;
	g->line_lease = pg->pos_lease.line ? pg->pos_lease.line : pg->pos.line;
	g->line_mode = pg->pos_mode.line ? pg->pos_mode.line : pg->pos.line;
	err = policy_cgroup_path(pg->cgroup, g->cgroup, sizeof(g->cgroup));
	if (err)
		return err;
	err = loader_hash_text(pg, g->text_hash);
	if (err)
		return err;
	loader_hash_guard(img, slot, g->policy_hash);
	return 0;
}

int loader_compile(const struct policy *p, const char *policy_path, struct loader_image *ret)
{
	struct loader_image img = { 0 };
	size_t i, n = 0;
	int err;

	for (i = 0; i < p->n_guards; i++)
		n += p->guards[i].n_local;
	img.prefix = calloc(n ? n : 1, sizeof(*img.prefix));
	if (!img.prefix)
		return -ENOMEM;
	for (i = 0; i < p->n_guards; i++) {
		err = compile_guard(&p->guards[i], policy_path, i, &img);
		if (err) {
			loader_image_free(&img);
			return err;
		}
	}
	img.n_guards = p->n_guards;
	*ret = img;
	return 0;
}

void loader_image_free(struct loader_image *img)
{
	free(img->prefix);
	memset(img, 0, sizeof(*img));
}

static int cmp_prefix(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct bg_prefix_key));
}

/*
 * What makes two guards the same: everything but where they happen to sit (slot, generation) and
 * the hash itself; by text_hash also what only the monitor follows. Prefixes count in a fixed
 * order, since the kernel's trie has none.
 */
void loader_hash_guard(const struct loader_image *img, unsigned int slot, uint8_t ret[32])
{
	size_t n = 0, i, size = sizeof(struct bg_guard);
	struct loader_prefix *rows;
	struct bg_guard *g;
	_free_ char *buf = NULL;

	memset(ret, 0, 32);
	buf = calloc(1, size + img->n_prefix * sizeof(*rows) + 1);
	if (!buf)
		return; /* an all-zero hash equals no loaded one: refused by the verification */
	g = (struct bg_guard *)buf;
	*g = img->guard[slot];
	g->generation = 0;
	memset(g->policy_hash, 0, sizeof(g->policy_hash));
	memset(g->host_netns, 0, sizeof(g->host_netns)); /* of this boot, not of the policy */
	rows = (struct loader_prefix *)(buf + size);
	for (i = 0; i < img->n_prefix; i++) {
		if (img->prefix[i].slot != slot)
			continue;
		rows[n].key = img->prefix[i].key;
		rows[n].key.scope = 0;
		rows[n++].line = img->prefix[i].line; /* `why` names it */
	}
	qsort(rows, n, sizeof(*rows), cmp_prefix);
	base_sha256(buf, size + n * sizeof(*rows), ret);
}
