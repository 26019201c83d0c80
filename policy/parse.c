// SPDX-License-Identifier: GPL-2.0-only
/* The top of the file, and the order of the passes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/internal.h"

static void read_version(struct parse *c, const struct node *key, const struct node *val, void *obj)
{
	static const char todo[] = "write `version: 1`";
	const char *text = map_scalar(c, val, "version", todo);
	struct policy *p = obj;

	(void)key;
	if (!text)
		return;
	if (!val->plain || strcmp(text, "1"))
		err_add(c, val->pos, todo, "version %s is not known to this program",
			val->plain ? QUOTE(text) : "in quotes");
	p->version = 1;
}

static void read_guards(struct parse *c, const struct node *key, const struct node *val, void *obj)
{
	struct policy *p = obj;

	(void)key;
	if (!map_list(c, val, "guards", "write `guards:` and below it `  - name: ...`"))
		return;
	if (!val->n) {
		err_add(c, val->pos, "add a guard: nothing would be protected", "guards is empty");
		return;
	}
	p->guards = calloc(POLICY_MAX_GUARDS, sizeof(*p->guards));
	if (!p->guards) {
		c->nomem = true;
		return;
	}
	for (const struct node *n = val->first; n; n = n->next) {
		if (p->n_guards == POLICY_MAX_GUARDS) {
			err_add(c, n->pos, "let containers that share a gateway share a guard",
				"more than %d guards", POLICY_MAX_GUARDS);
			break;
		}
		guard_read(c, n, &p->guards[p->n_guards++]);
	}
}

static const struct key top_keys[] = {
	{ .name = "version", .read = read_version, .missing = "write `version: 1`" },
	{ .name = "guards", .read = read_guards, .missing = "add `guards:` with one guard" },
	{ .name = "alerts", .unenforced = true },
	{ .name = "leak_check", .unenforced = true },
};

/*
 * The canonical form writes every default out and can be longer than what was read. `policy show`
 * must always print something that `policy check` accepts.
 */
static void check_canonical_size(struct parse *c, const struct policy *p)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	bool failed;

	if (!f) {
		c->nomem = true;
		return;
	}
	policy_print(p, f);
	failed = ferror(f);
	failed |= fclose(f) != 0;
	free(text);
	if (failed)
		c->nomem = true;
	else if (len > POLICY_MAX_BYTES)
		err_add(c, (struct policy_pos){ 1, 1 },
			"list fewer, larger networks, or fewer tests",
			"the canonical form has %zu bytes; the limit is %u", len, POLICY_MAX_BYTES);
}

static void parse_text(struct parse *c, const char *text, size_t len, struct policy *p)
{
	char *clean = NULL;
	struct node *root;

	if (!text_check(c, text, len, &clean))
		return;
	root = tree_build(c, clean, len);
	free(clean);
	if (!root)
		return;
	map_walk(c, root, "the policy", top_keys, POLICY_COUNT(top_keys), p);
	tree_free(root);
	check_guards(c, p);
	if (!c->errs->n && !c->nomem)
		check_canonical_size(c, p);
}

int policy_parse(const char *text, size_t len, struct policy **ret, struct policy_errors *errs)
{
	struct parse c = { .errs = errs };
	struct policy *p;

	*errs = (struct policy_errors){ 0 };
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	parse_text(&c, text, len, p);
	if (c.nomem || errs->n) {
		policy_free(p);
		return c.nomem ? -ENOMEM : -EINVAL;
	}
	*ret = p;
	return 0;
}

void policy_free(struct policy *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n_guards; i++) {
		free(p->guards[i].local);
		free(p->guards[i].tests);
	}
	free(p->guards);
	free(p);
}
