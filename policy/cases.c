// SPDX-License-Identifier: GPL-2.0-only
/* `tests:` of a guard: the cases that `policy test` runs. */
#include <stdlib.h>
#include <string.h>

#include "policy/internal.h"

static void read_to(struct parse *c, const struct node *key, const struct node *val, void *obj)
{
	static const char todo[] =
		"write ADDRESS:PORT/PROTO, such as 93.184.216.34:443/tcp, or ADDRESS/icmp";
	const char *text = map_scalar(c, val, "to", todo);
	struct policy_test *t = obj;

	(void)key;
	if (!text)
		return;
	if (policy_target_parse(text, &t->to, &t->port, &t->proto))
		err_add(c, val->pos, todo, "destination %s is not understood", QUOTE(text));
	else
		t->to.pos = val->pos;
}

static void read_via(struct parse *c, const struct node *key, const struct node *val, void *obj)
{
	static const char todo[] = "write gateway, on-link, loopback or the next hop's address";
	static const char *const words[] = {
		[POLICY_VIA_GATEWAY] = "gateway",
		[POLICY_VIA_ON_LINK] = "on-link",
		[POLICY_VIA_ADDRESS] = NULL,
		[POLICY_VIA_LOOPBACK] = "loopback",
	};
	const char *text = map_scalar(c, val, "via", todo);
	struct policy_test *t = obj;

	(void)key;
	if (!text)
		return;
	for (size_t i = 0; i < POLICY_COUNT(words); i++) {
		if (words[i] && !strcmp(text, words[i])) {
			t->via = (enum policy_via)i;
			return;
		}
	}
	if (policy_addr_parse(text, &t->via_addr)) {
		err_add(c, val->pos, todo, "via cannot be %s", QUOTE(text));
		return;
	}
	t->via = POLICY_VIA_ADDRESS;
	t->via_addr.pos = val->pos;
}

static void read_namespace(struct parse *c, const struct node *key, const struct node *val,
			   void *obj)
{
	struct policy_test *t = obj;

	(void)key;
	t->host_namespace = map_word(c, val, "namespace", policy_namespace_words,
				     POLICY_COUNT(policy_namespace_words)) == 1;
}

static void read_vpn(struct parse *c, const struct node *key, const struct node *val, void *obj)
{
	struct policy_test *t = obj;

	(void)key;
	t->vpn_down =
		map_word(c, val, "vpn", policy_vpn_words, POLICY_COUNT(policy_vpn_words)) == 1;
}

static void read_expect(struct parse *c, const struct node *key, const struct node *val, void *obj)
{
	struct policy_test *t = obj;

	(void)key;
	t->expect_allow = map_word(c, val, "expect", policy_expect_words,
				   POLICY_COUNT(policy_expect_words)) == 0;
}

/* Only its form: which reasons there are is known to whoever decides. */
static void read_reason(struct parse *c, const struct node *key, const struct node *val, void *obj)
{
	static const char todo[] = "write a reason as `bpfguard log` shows it, such as next_hop";
	const char *text = map_scalar(c, val, "reason", todo);
	struct policy_test *t = obj;
	size_t len;

	(void)key;
	if (!text)
		return;
	len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_");
	if (!len || text[len] || len >= sizeof(t->reason))
		err_add(c, val->pos, todo, "reason %s is not a reason's name", QUOTE(text));
	else
		memcpy(t->reason, text, len + 1);
}

static const struct key case_keys[] = {
	{ .name = "to", .read = read_to, .missing = "add `to: ADDRESS:PORT/PROTO`" },
	{ .name = "via", .read = read_via },
	{ .name = "namespace", .read = read_namespace },
	{ .name = "vpn", .read = read_vpn },
	{ .name = "expect",
	  .read = read_expect,
	  .missing = "add `expect: allow` or `expect: deny`" },
	{ .name = "reason", .read = read_reason },
};

void cases_read(struct parse *c, const struct node *key, const struct node *val, void *draft)
{
	struct policy_guard *g = ((struct draft *)draft)->g;

	(void)key;
	if (!map_list(c, val, "tests", "write a list of `- {to: ..., expect: ...}`") || !val->n)
		return;
	g->tests = calloc(val->n < POLICY_MAX_TESTS ? val->n : POLICY_MAX_TESTS, sizeof(*g->tests));
	if (!g->tests) {
		c->nomem = true;
		return;
	}
	for (const struct node *n = val->first; n; n = n->next) {
		if (g->n_tests == POLICY_MAX_TESTS) {
			err_add(c, n->pos, "keep the cases that differ", "more than %d tests",
				POLICY_MAX_TESTS);
			break;
		}
		g->tests[g->n_tests].pos = n->pos;
		map_walk(c, n, "the test", case_keys, POLICY_COUNT(case_keys),
			 &g->tests[g->n_tests++]);
	}
}
