// SPDX-License-Identifier: GPL-2.0-only
/* The decision function in user space: bpf/verdict.bpf.h on a compiled or read-back image. */
#include <string.h>

#include "loader/internal.h"
#include "bpf/verdict.bpf.h"

/* The image that bg_prefix_find() searches; set for the length of one decision. */
static __thread const struct loader_image *image;

static bool prefix_matches(const struct bg_prefix_key *k, const struct bg_flow *f)
{
	unsigned int bits = k->prefixlen - 64, i;

	for (i = 0; i < 4 && bits; i++) {
		unsigned int n = bits > 32 ? 32 : bits;
		uint32_t mask = htonl(n == 32 ? 0xffffffffu : ~(0xffffffffu >> n));

		if ((f->daddr[i] & mask) != (k->addr[i] & mask))
			return false;
		bits -= n;
	}
	return true;
}

/* Longest match wins, as in the kernel's trie. */
static inline bool bg_prefix_find(const struct bg_guard *g, __u32 slot, const struct bg_flow *f,
				  __u32 *line)
{
	unsigned int best = 0;
	size_t i;

	(void)g;
	for (i = 0; i < image->n_prefix; i++) {
		const struct loader_prefix *p = &image->prefix[i];

		if (p->slot != slot || p->key.family != f->family || p->key.prefixlen <= best)
			continue;
		if (prefix_matches(&p->key, f)) {
			best = p->key.prefixlen;
			*line = p->line;
		}
	}
	return best != 0;
}

void loader_decide(const struct loader_image *img, unsigned int slot, const struct bg_flow *flow,
		   const struct bg_lease *lease, uint64_t now_ns, const uint32_t host_netns[2],
		   struct bg_decision *ret)
{
	static const struct bg_lease valid = { .until_ns = BG_LEASE_OFF, .vpn_state = BG_VPN_UP };
	struct bg_guard g = img->guard[slot];
	struct bg_decision d = { 0 };

	if (host_netns)
		memcpy(g.host_netns, host_netns, sizeof(g.host_netns));
	image = img;
	if (flow->hook == BG_HOOK_EGRESS || flow->hook == BG_HOOK_SOCKOPS)
		bg_decide_packet(&g, slot, flow, lease ? lease : &valid, now_ns, &d);
	else
		bg_decide_call(&g, slot, flow, lease ? lease : &valid, now_ns, &d);
	image = NULL;
	*ret = d;
}

bool loader_capture(const struct loader_image *img, unsigned int slot, struct bg_flow *flow)
{
	const struct bg_guard *g = &img->guard[slot];

	if (!bg_is_captured(g, flow))
		return false;
	if (flow->family == 6 && g->n_dns6) {
		memcpy(flow->daddr, g->dns6[0], sizeof(flow->daddr));
		return true;
	}
	if (!g->n_dns4)
		return false;
	flow->family = 4;
	memset(flow->daddr, 0, sizeof(flow->daddr));
	flow->daddr[0] = g->dns4[0];
	return true;
}
