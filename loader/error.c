// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <string.h>

#include "loader/internal.h"

static char said[256];

/* libbpf's own words are too many for a user; the last warning is kept for the error's reason. */
static int keep_warning(enum libbpf_print_level level, const char *fmt, va_list args)
{
	static const char about_log[] = "-- ";
	char line[512];

	if (getenv("BPFGUARD_DEBUG")) {
		va_list again;

		va_copy(again, args);
		vfprintf(stderr, fmt,
			 again); /* the verifier's log is longer than any line of ours */
		va_end(again);
	}
	if (level != LIBBPF_WARN)
		return 0;
	vsnprintf(line, sizeof(line), fmt, args);
	line[strcspn(line, "\n")] = 0;
	if (line[0] && !strstr(line, about_log) && !strstr(line, "failed to load"))
		snprintf(said, sizeof(said), "%.*s", (int)sizeof(said) - 1, line);
	return 0;
}

__attribute__((constructor)) static void catch_libbpf(void)
{
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	libbpf_set_print(keep_warning);
}

const char *loader_libbpf_said(void)
{
	return said;
}

int loader_fail(struct loader_error *err, int ret, int exit_code, const char *what,
		const char *todo, const char *why_fmt, ...)
{
	va_list args;

	if (!err)
		return ret;
	memset(err, 0, sizeof(*err));
	err->exit_code = exit_code;
	snprintf(err->what, sizeof(err->what), "%s", what);
	snprintf(err->todo, sizeof(err->todo), "%s", todo ? todo : "");
	va_start(args, why_fmt);
	vsnprintf(err->why, sizeof(err->why), why_fmt, args);
	va_end(args);
	return ret;
}
