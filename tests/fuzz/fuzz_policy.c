// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes as a policy: either errors, or a policy whose canonical form reads back as itself.
 * The first byte chooses: the whole parser, or one of the small ones.
 */
#include <stdlib.h>
#include <string.h>

#include "policy/addr.c"
#include "policy/cases.c"
#include "policy/cgroup.c"
#include "policy/check.c"
#include "policy/check_watch.c"
#include "policy/control.c"
#include "policy/duration.c"
#include "policy/errors.c"
#include "policy/gateway.c"
#include "policy/guard.c"
#include "policy/kill_switch.c"
#include "policy/map.c"
#include "policy/parse.c"
#include "policy/print.c"
#include "policy/schema.c"
#include "policy/suggest.c"
#include "policy/target.c"
#include "policy/text.c"
#include "policy/tree.c"
#include "policy/uplink.c"
#include "policy/values.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *print(const struct policy *p, size_t *ret_len)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, ret_len);

	if (!f)
		abort();
	policy_print(p, f);
	if (fclose(f))
		abort();
	return text;
}

static void whole(const char *text, size_t len)
{
	struct policy *p = NULL, *again = NULL;
	struct policy_errors errs;
	size_t la, lb;
	char *a, *b;

	if (policy_parse(text, len, &p, &errs)) {
		if (!errs.n || p)
			abort();
		for (size_t i = 0; i < errs.n; i++) {
			const struct policy_error *e = &errs.list[i];

			if (!e->pos.line || !e->pos.column || !*e->what || !*e->todo)
				abort();
			if (i && before(e->pos, errs.list[i - 1].pos))
				abort();
			if (text_forbidden(e->what, strlen(e->what)) ||
			    text_forbidden(e->todo, strlen(e->todo)))
				abort();
		}
		policy_errors_free(&errs);
		return;
	}
	a = print(p, &la);
	if (policy_parse(a, la, &again, &errs))
		abort();
	b = print(again, &lb);
	if (la != lb || memcmp(a, b, la))
		abort();
	free(a);
	free(b);
	policy_free(p);
	policy_free(again);
}

static void target(const char *text)
{
	struct policy_test t = { 0 }, again = { 0 };
	char buf[POLICY_TARGET_TEXT];

	if (policy_target_parse(text, &t.to, &t.port, &t.proto))
		return;
	target_format(&t, buf, sizeof(buf));
	if (policy_target_parse(buf, &again.to, &again.port, &again.proto) ||
	    !addr_equal(&t.to, &again.to) || t.port != again.port || t.proto != again.proto)
		abort();
}

static void prefix(const char *text)
{
	struct policy_prefix p = { 0 }, again = { 0 };
	char buf[POLICY_PREFIX_TEXT];

	if (policy_prefix_parse(text, &p))
		return;
	prefix_format(&p, buf, sizeof(buf));
	if (policy_prefix_parse(buf, &again) || !addr_equal(&p.addr, &again.addr) ||
	    p.len != again.len || !prefix_contains(&p, &p.addr))
		abort();
	prefix_mask(&p);
	if (prefix_mask(&p) || !prefix_contains(&p, &again.addr))
		abort();
}

/* A path is clean and stands for itself. */
static void cgroup(const char *text)
{
	char path[POLICY_PATH], again[POLICY_PATH];

	if (policy_cgroup_path(text, path, sizeof(path)))
		return;
	if (path[0] != '/' || path[1] == '\0' || path[strlen(path) - 1] == '/' ||
	    strstr(path, "//") || strstr(path, "/../"))
		abort();
	if (policy_cgroup_path(path, again, sizeof(again)) || strcmp(path, again))
		abort();
}

static void duration(const char *text)
{
	char buf[POLICY_DURATION_TEXT];
	uint64_t ms, again;

	if (duration_parse(text, &ms))
		return;
	duration_format(ms, buf, sizeof(buf));
	if (duration_parse(buf, &again) || ms != again)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const words[] = { "name", "cgroup", "gateway", "kill_switch" };
	char *text;

	if (!size)
		return 0;
	text = malloc(size); /* exactly: an overrun of one byte is seen */
	if (!text)
		return 0;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	switch (data[0]) {
	case 'T': target(text); break;
	case 'P': prefix(text); break;
	case 'C': cgroup(text); break;
	case 'D': duration(text); break;
	case 'S': policy_suggest(text, words, POLICY_COUNT(words)); break;
	default:
		/* The files of the corpus are policies, so the first byte belongs to the text. */
		memcpy(text, data, size);
		whole(text, size);
	}
	free(text);
	return 0;
}
