// SPDX-License-Identifier: GPL-2.0-only
/* The list of errors: in file order, bounded, safe to print. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "policy/internal.h"

static bool before(struct policy_pos a, struct policy_pos b)
{
	return a.line != b.line ? a.line < b.line : a.column < b.column;
}

/*
 * Sorted as they come, because checks run in their own order: when there are too many, it is the
 * first ones of the file that must stay.
 */
void err_add(struct parse *c, struct policy_pos pos, const char *todo, const char *what, ...)
{
	struct policy_errors *e = c->errs;
	struct policy_error *slot;
	size_t at;
	va_list ap;

	if (!e->list) {
		e->list = calloc(POLICY_MAX_ERRORS, sizeof(*e->list));
		if (!e->list) {
			c->nomem = true;
			return;
		}
	}
	for (at = e->n; at && before(pos, e->list[at - 1].pos); at--)
		;
	if (e->n == POLICY_MAX_ERRORS) {
		e->more = true;
		if (at == POLICY_MAX_ERRORS)
			return;
		e->n--;
	}
	slot = &e->list[at];
	memmove(slot + 1, slot, (e->n - at) * sizeof(*slot));
	e->n++;

	slot->pos = pos;
	va_start(ap, what);
	vsnprintf(slot->what, sizeof(slot->what), what, ap);
	va_end(ap);
	snprintf(slot->todo, sizeof(slot->todo), "%s", todo);
}

/* `'token'`; a long one is cut between characters, so that the message stays valid UTF-8. */
char *err_quote(char *buf, const char *text)
{
	size_t len = strlen(text), room = POLICY_QUOTE - sizeof("'...'");

	if (len <= room) {
		snprintf(buf, POLICY_QUOTE, "'%s'", text);
		return buf;
	}
	while (room && ((unsigned char)text[room] & 0xc0) == 0x80)
		room--;
	snprintf(buf, POLICY_QUOTE, "'%.*s...'", (int)room, text);
	return buf;
}

void policy_errors_free(struct policy_errors *errs)
{
	free(errs->list);
	*errs = (struct policy_errors){ 0 };
}

void policy_errors_print(const struct policy_errors *errs, const char *file, FILE *out)
{
	for (size_t i = 0; i < errs->n; i++) {
		const struct policy_error *e = &errs->list[i];

		fprintf(out, "%s:%u:%u: %s (%s)\n", file, e->pos.line, e->pos.column, e->what,
			e->todo);
	}
	if (errs->more)
		fprintf(out,
			"%s: more errors follow (these are the first %zu; correct them and "
			"check again)\n",
			file, errs->n);
}
