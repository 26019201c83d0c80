/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages for people on stderr, and colours.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/base.h"

int base_fail(int code, const char *what, const char *why, const char *todo)
{
	/* One call, so that messages of several processes do not mix within a line. */
	fprintf(stderr, "bpfguard: %s%s%s%s%s%s\n", what, why ? ": " : "", why ? why : "",
		todo ? " (" : "", todo ? todo : "", todo ? ")" : "");
	return code;
}

void base_warn(const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	fprintf(stderr, "bpfguard: %s\n", line);
}

int base_color_parse(const char *arg, enum base_color *ret)
{
	static const char *const words[] = {
		[COLOR_AUTO] = "auto",
		[COLOR_ALWAYS] = "always",
		[COLOR_NEVER] = "never",
	};

	for (size_t i = 0; arg && i < ARRAY_SIZE(words); i++) {
		if (strcmp(arg, words[i]) == 0) {
			*ret = (enum base_color)i;
			return 0;
		}
	}
	return -EINVAL;
}

bool base_color_on(enum base_color mode, FILE *f)
{
	const char *no_color, *term;

	if (mode != COLOR_AUTO)
		return mode == COLOR_ALWAYS;
	no_color = getenv("NO_COLOR");
	term = getenv("TERM");
	if ((no_color && *no_color) || (term && strcmp(term, "dumb") == 0))
		return false;
	return isatty(fileno(f)) == 1;
}
