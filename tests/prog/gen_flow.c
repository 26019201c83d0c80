// SPDX-License-Identifier: GPL-2.0-only
/* Random flows: addresses at the edges of what the policy names and of every special range. */
#include <arpa/inet.h>
#include <string.h>

#include "base/base.h"
#include "tests/prog/gen.h"

#define ONE_IN_MEMBER(list) ((list)[gen_below(ARRAY_SIZE(list))])

/* Adds -1, 0 or 1 to an address of `words` words in network order. */
static void nudge(uint32_t *a, int words)
{
	int by = (int)gen_below(3) - 1, i;

	for (i = words - 1; i >= 0 && by; i--) {
		uint32_t old = ntohl(a[i]), now = old + by;

		a[i] = htonl(now);
		if (by > 0 ? now != 0 : old != 0)
			return;
	}
}

static void special4(uint32_t a[4])
{
	static const uint32_t list[] = {
		0x00000000, 0x00ffffff, 0x01000000, 0x7f000000, 0x7f000001, 0x7f00000b, 0x7fffffff,
		0x80000000, 0xa9fe0000, 0xa9feffff, 0xa9ff0000, 0xa9fdffff, 0xdfffffff, 0xe0000000,
		0xe00000fb, 0xefffffff, 0xf0000000, 0xffffffff, 0x08080808, 0x0a000001, 0xc0a80101,
	};

	a[0] = htonl(ONE_IN_MEMBER(list));
}

static void special6(uint32_t a[4])
{
	static const char *const list[] = {
		"::",	      "::1",	 "::2",	       "::ffff:127.0.0.11", "::ffff:8.8.8.8",
		"::8.8.8.8",  "0:0:1::", "fe80::1",    "fe7f:ffff::1",	    "febf::1",
		"fec0::1",    "ff02::1", "ff02::16",   "feff::1",	    "ff00::",
		"2001:db8::", "fd00::1", "64:ff9b::1", "2606:4700::1111",
	};

	inet_pton(AF_INET6, ONE_IN_MEMBER(list), a);
}

/* First or last address of a prefix, or one inside. `mask` in network order. */
static void in_prefix(uint32_t *a, const uint32_t *addr, const uint32_t *mask, int words)
{
	uint32_t kind = gen_below(3);
	int i;

	for (i = 0; i < words; i++) {
		uint32_t host = kind == 0 ? 0 : kind == 1 ? 0xffffffffu : (uint32_t)gen_u64();

		a[i] = (addr[i] & mask[i]) | (host & ~mask[i]);
	}
}

static void in_loaded_prefix(const struct loader_image *img, uint32_t a[4], int *family)
{
	const struct loader_prefix *p = &img->prefix[gen_below(img->n_prefix)];
	unsigned int len = p->key.prefixlen - 64, i;
	uint32_t mask[4] = { 0 };

	*family = p->key.family;
	for (i = 0; i<4; i++, len = len> 32 ? len - 32 : 0)
		mask[i] = htonl(len >= 32 ? 0xffffffffu : len ? ~(0xffffffffu >> len) : 0);
	in_prefix(a, p->key.addr, mask, *family == 4 ? 1 : 4);
}

static void in_inline_prefix(const struct bg_guard *g, uint32_t a[4], int family)
{
	if (family == 4 && g->n_local4) {
		const struct bg_local4 *l = &g->local4[gen_below(g->n_local4)];

		in_prefix(a, &l->addr, &l->mask, 1);
	} else if (family == 6 && g->n_local6) {
		const struct bg_local6 *l = &g->local6[gen_below(g->n_local6)];

		in_prefix(a, l->addr, l->mask, 4);
	}
}

static void gateway_of(const struct bg_guard *g, uint32_t a[4], int family)
{
	if (family == 4 && g->n_gw4)
		a[0] = g->gw4[gen_below(g->n_gw4)];
	else if (family == 6 && g->n_gw6)
		memcpy(a, g->gw6[gen_below(g->n_gw6)], 16);
}

static void resolver_of(const struct bg_guard *g, uint32_t a[4], int family)
{
	if (family == 4 && g->n_dns4)
		a[0] = g->dns4[gen_below(g->n_dns4)];
	else if (family == 6 && g->n_dns6)
		memcpy(a, g->dns6[gen_below(g->n_dns6)], 16);
}

/* *family may change: a loaded prefix brings its own. */
static void gen_addr(const struct loader_image *img, const struct bg_guard *g, uint32_t a[4],
		     int *family)
{
	int i;

	for (i = 0; i < (*family == 4 ? 1 : 4); i++)
		a[i] = gen_u64();
	switch (gen_below(9)) {
	case 0:
	case 1:
		if (img->n_prefix)
			in_loaded_prefix(img, a, family);
		break;
	case 2: in_inline_prefix(g, a, *family); break;
	case 3: gateway_of(g, a, *family); break;
	case 4: resolver_of(g, a, *family); break;
	case 5:
		if (*family == 4)
			special4(a);
		else
			special6(a);
		break;
	case 6: /* Docker's resolver, the one loopback address with rules of its own */
		if (*family == 4)
			a[0] = htonl(0x7f00000b);
		break;
	default: break; /* anywhere */
	}
	if (gen_one_in(2))
		nudge(a, *family == 4 ? 1 : 4);
}

static void gen_route(const struct bg_guard *g, struct bg_flow *f)
{
	static const uint8_t families[] = { 0, 0, 4, 4, 6, 6, 1, 255 };
	int i;

	f->nh_family = ONE_IN_MEMBER(families);
	if (f->family && gen_below(4) == 0 && f->nh_family > 1)
		f->nh_family = f->family;
	for (i = 0; i < 4; i++)
		f->next_hop[i] = gen_u64();
	if (gen_below(4)) {
		memset(f->next_hop, 0, sizeof(f->next_hop));
		gateway_of(g, f->next_hop, f->nh_family == 4 ? 4 : 6);
		if (gen_one_in(4))
			nudge(f->next_hop, f->nh_family == 4 ? 1 : 4);
	}
}

static uint32_t gen_netns(const struct bg_guard *g)
{
	switch (gen_below(16)) {
	case 0: return 0;
	case 1: return g->host_netns[0];
	case 2: return g->host_netns[1];
	case 3: return g->host_netns[gen_below(2)] + 1;
	case 4: return g->host_netns[gen_below(2)] - 1;
	default: return gen_u64();
	}
}

static void gen_flow(const struct loader_image *img, const struct bg_guard *g, struct bg_flow *f)
{
	static const uint16_t ports[] = { 0, 52, 53, 54, 443, 852, 853, 854, 53 << 8, 65535 };
	static const uint8_t protos[] = { 0, 1, 6, 6, 17, 17, 47, 58, 132, 255 };
	static const uint8_t hooks[] = { BG_HOOK_EGRESS,   BG_HOOK_EGRESS,   BG_HOOK_EGRESS,
					 BG_HOOK_SOCKOPS,  BG_HOOK_CONNECT4, BG_HOOK_CONNECT6,
					 BG_HOOK_SENDMSG4, BG_HOOK_SENDMSG6, BG_HOOK_NONE };
	int family = gen_one_in(2) ? 4 : 6;

	memset(f, 0, sizeof(*f));
	gen_addr(img, g, f->daddr, &family);
	f->family = gen_below(50) ? family : (uint8_t)gen_u64();
	if (f->family == 4 && gen_one_in(8)) /* the words that IPv4 does not use */
		f->daddr[1 + gen_below(3)] = gen_u64();
	f->saddr[0] = gen_u64();
	f->proto = ONE_IN_MEMBER(protos);
	f->hook = ONE_IN_MEMBER(hooks);
	f->sport = gen_u64();
	f->dport = gen_one_in(2) ? ONE_IN_MEMBER(ports) : (uint16_t)gen_u64();
	f->ifindex = gen_below(4);
	f->netns = gen_netns(g);
	/* half of all flows: every combination alike; the others get far enough to meet the lists
	 */
	f->flags = gen_u64() & (BG_F_PORTS * 2 - 1);
	if (gen_one_in(2))
		f->flags = BG_F_ROUTE | BG_F_PORTS | (gen_one_in(4) ? 1u << gen_below(10) : 0) |
			   (gen_one_in(4) ? BG_F_LOOPBACK : 0);
	gen_route(g, f);
}

void gen_lease(struct bg_lease *ret, uint64_t base_ns)
{
	static const uint64_t ends[] = { 0, 1, BG_LEASE_OFF, BG_LEASE_OFF - 1, 1ull << 63 };

	memset(ret, 0, sizeof(*ret));
	ret->vpn_state = gen_below(6) ? BG_VPN_UP : gen_one_in(2) ? BG_VPN_DOWN : gen_below(4);
	ret->until_ns = gen_one_in(3) ? ONE_IN_MEMBER(ends) : base_ns + gen_below(1000);
}

void gen_case(const struct loader_image *img, const struct bg_lease *lease,
	      struct verdict_case *ret)
{
	static const uint64_t moments[] = { 0, BG_LEASE_OFF, BG_LEASE_OFF - 1, 1ull << 63 };
	uint32_t slot;

	memset(ret, 0, sizeof(*ret));
	do /* mostly the slots that hold a guard, now and then one that does not */
		slot = gen_below(BG_MAX_GUARDS);
	while (!img->guard[slot].generation && gen_below(100));
	ret->slot = slot;
	ret->now_ns =
		gen_one_in(4) ? ONE_IN_MEMBER(moments) : lease[slot].until_ns + gen_below(3) - 1;
	gen_flow(img, &img->guard[slot], &ret->flow);
}
