// SPDX-License-Identifier: GPL-2.0-only
/* Test cases of a policy: each becomes the flow that the packet hook would have seen. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "cli/policy_cases.h"
#include "base/base.h"
#include "events/names.h"
#include "loader/loader.h"

/* Two namespaces that differ: only that counts. The first is the kernel's number for its own. */
#define NETNS_HOST	0xf0000000u
#define NETNS_CONTAINER 0xf0000100u
#define EPHEMERAL_PORT	40000

static void set_next_hop(struct bg_flow *f, const struct policy_addr *a)
{
	f->nh_family = a->family;
	memcpy(f->next_hop, a->bytes, a->family == 4 ? 4 : 16);
}

/*
 * The route by the gateway: its address of the packet's family; for IPv4 also an IPv6 one, which
 * Linux can route by; the tunnel device. A guard that has none of them has a router of somebody
 * else's at most, and that is what its packets then meet.
 */
static void route_by_gateway(struct bg_flow *f, const struct policy_guard *g)
{
	static const struct policy_addr router = { .family = 6, .bytes = { 0xfe, 0x80, [15] = 1 } };

	for (size_t i = 0; i < g->n_gateway; i++) {
		if (g->gateway[i].family == f->family)
			return set_next_hop(f, &g->gateway[i]);
	}
	if (*g->gateway_interface)
		f->flags |= BG_F_TUNNEL;
	else if (f->family == 4 && g->n_gateway)
		set_next_hop(f, &g->gateway[0]);
	else
		set_next_hop(f, &router);
}

static void make_flow(const struct policy_guard *g, const struct policy_test *t, struct bg_flow *f)
{
	*f = (struct bg_flow){
		.family = t->to.family,
		.proto = t->proto,
		.hook = BG_HOOK_EGRESS,
		.flags = BG_F_ROUTE,
		.ifindex = 2,
		.netns = t->host_namespace ? NETNS_HOST : NETNS_CONTAINER,
	};
	memcpy(f->daddr, t->to.bytes, t->to.family == 4 ? 4 : 16);
	if (t->port) {
		f->flags |= BG_F_PORTS;
		f->sport = EPHEMERAL_PORT;
		f->dport = t->port;
	}
	switch (t->via) {
	case POLICY_VIA_GATEWAY: route_by_gateway(f, g); break;
	case POLICY_VIA_ADDRESS: set_next_hop(f, &t->via_addr); break;
	case POLICY_VIA_LOOPBACK:
		f->flags |= BG_F_LOOPBACK;
		f->ifindex = 1;
		break;
	case POLICY_VIA_ON_LINK: break;
	}
}

static void run_case(const struct loader_image *img, unsigned int slot,
		     const struct policy_guard *g, const struct policy_test *t,
		     struct case_result *r)
{
	static const uint32_t host_netns[2] = { NETNS_HOST, NETNS_HOST };
	static const struct bg_lease down = { .vpn_state = BG_VPN_DOWN };
	struct bg_decision d = { 0 };
	struct bg_flow flow;
	const char *name;

	make_flow(g, t, &flow);
	loader_decide(img, slot, &flow, t->vpn_down ? &down : NULL, 0, host_netns, &d);
	name = events_reason_name(d.reason);
	*r = (struct case_result){
		.guard = g->name,
		.line = t->pos.line,
		.expected = { t->expect_allow, *t->reason ? t->reason : NULL },
		.got = { d.verdict == BG_ALLOW, name ? name : "?" },
	};
	r->ok = r->expected.allow == r->got.allow &&
		(!r->expected.reason || !strcmp(r->expected.reason, r->got.reason));
}

int cases_run(const struct policy *p, const char *path, case_fn fn, void *ctx)
{
	struct loader_image *img = calloc(1, sizeof(*img));
	int err;

	if (!img)
		return -ENOMEM;
	err = loader_compile(p, path, img);
	for (size_t i = 0; !err && i < p->n_guards; i++) {
		for (size_t j = 0; j < p->guards[i].n_tests; j++) {
			struct case_result r;

			run_case(img, (unsigned int)i, &p->guards[i], &p->guards[i].tests[j], &r);
			fn(&r, ctx);
		}
	}
	if (!err)
		loader_image_free(img);
	free(img);
	return err;
}

static void add_error(struct policy_errors *errs, const struct policy_test *t)
{
	const char *names[BG_R_MAX], *near;
	struct policy_error *e;
	size_t n = 0;

	if (!errs->list)
		errs->list = calloc(POLICY_MAX_ERRORS, sizeof(*errs->list));
	if (!errs->list || errs->n == POLICY_MAX_ERRORS) {
		errs->more = true;
		return;
	}
	for (unsigned int i = 0; i < BG_R_MAX; i++) {
		if (events_reason_name(i))
			names[n++] = events_reason_name(i);
	}
	near = policy_suggest(t->reason, names, n);
	e = &errs->list[errs->n++];
	e->pos = t->pos;
	snprintf(e->what, sizeof(e->what), "reason '%s' is not known", t->reason);
	if (near)
		snprintf(e->todo, sizeof(e->todo), "did you mean '%s'?", near);
	else
		snprintf(e->todo, sizeof(e->todo), "the reasons are listed in bpfguard-policy(5)");
}

void cases_check_reasons(const struct policy *p, struct policy_errors *errs)
{
	unsigned int reason;

	for (size_t i = 0; i < p->n_guards; i++) {
		for (size_t j = 0; j < p->guards[i].n_tests; j++) {
			const struct policy_test *t = &p->guards[i].tests[j];

			if (*t->reason && events_reason_parse(t->reason, &reason))
				add_error(errs, t);
		}
	}
}
