// SPDX-License-Identifier: GPL-2.0-only
#include <jansson.h>
#include <string.h>

#include "base/base.h"
#include "cli/doctor.h"

#define WIDTH 96

static const char *const words[] = { "ok", "warn", "bad" };
static const char *const colors[] = { C_GREEN, C_YELLOW, C_RED };

static const char *verdict(const struct doctor *d)
{
	int code = doctor_code(d);

	return code == EXIT_YES ? "ok" : code == EXIT_NO ? "degraded" : "not_enforced";
}

/* Words on lines of at most WIDTH columns, each behind `indent` spaces but the first. */
static void print_wrapped(FILE *out, const char *text, int indent)
{
	int column = indent;

	while (*text) {
		int len = (int)strcspn(text, " ");

		if (column > indent && column + 1 + len > WIDTH) {
			fprintf(out, "\n%*s", indent, "");
			column = indent;
		} else if (column > indent) {
			fputc(' ', out);
			column++;
		}
		fwrite(text, 1, (size_t)len, out);
		column += len;
		text += len;
		text += strspn(text, " ");
	}
	fputc('\n', out);
}

static void print_finding(const struct doctor_finding *f, FILE *out, bool color)
{
	char line[sizeof(f->subject) + sizeof(f->what) + 4];

	fprintf(out, "  %s%-4s%s  ", color ? colors[f->severity] : "", words[f->severity],
		color ? C_RESET : "");
	snprintf(line, sizeof(line), "%s%s%s", f->subject, f->subject[0] ? ": " : "", f->what);
	print_wrapped(out, line, 8);
	if (f->why[0]) {
		fprintf(out, "        %swhy%s ", color ? C_DIM : "", color ? C_RESET : "");
		print_wrapped(out, f->why, 12);
	}
	if (f->todo[0]) {
		fprintf(out, "        %sdo%s  ", color ? C_BOLD : "", color ? C_RESET : "");
		print_wrapped(out, f->todo, 12);
	}
}

void doctor_print_text(const struct doctor *d, FILE *out, bool color)
{
	size_t i, bad = doctor_count(d, DOCTOR_BAD), warn = doctor_count(d, DOCTOR_WARN), len;
	int code = doctor_code(d);
	const char *part = "";

	fprintf(out, "bpfguard doctor: %s%s%s, %zu bad, %zu to know\n",
		color ? colors[code == EXIT_YES ? DOCTOR_OK : DOCTOR_BAD] : "",
		code == EXIT_YES  ? "nothing bad"
		: code == EXIT_NO ? "degraded"
				  : "not enforced",
		color ? C_RESET : "", bad, warn);
	for (i = 0; i < d->n; i++) {
		const char *id = d->list[i].id;

		len = strcspn(id, ".");
		if (strncmp(part, id, len + 1) != 0)
			fprintf(out, "\n%s%.*s%s\n", color ? C_BOLD : "", (int)len, id,
				color ? C_RESET : "");
		part = id;
		print_finding(&d->list[i], out, color);
	}
}

void doctor_print_json(const struct doctor *d, FILE *out)
{
	json_t *list = json_array(), *o;
	size_t i;

	for (i = 0; i < d->n; i++) {
		const struct doctor_finding *f = &d->list[i];

		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "severity",
						      words[f->severity], "id", f->id, "subject",
						      f->subject, "what", f->what, "why", f->why,
						      "remedy", f->todo));
	}
	o = json_pack("{s:i, s:s, s:I, s:I, s:o}", "schema", DOCTOR_SCHEMA, "verdict", verdict(d),
		      "bad", (json_int_t)doctor_count(d, DOCTOR_BAD), "warnings",
		      (json_int_t)doctor_count(d, DOCTOR_WARN), "findings", list);
	if (o)
		json_dumpf(o, out, JSON_COMPACT);
	fputc('\n', out);
	json_decref(o);
}
