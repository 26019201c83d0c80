/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Filters.
 */
#include <string.h>

#include "base/base.h"
#include "events/filter.h"

static bool container_matches(const char *want, const struct events_record *r)
{
	if (*want == '/')
		want++;
	if (!*want)
		return false;
	return strcmp(want, r->container_name) == 0 ||
	       strncmp(want, r->container_id, strlen(want)) == 0;
}

bool events_filter_match(const struct events_filter *f, const struct events_record *r)
{
	if (r->ts_real_ns < f->since_ns)
		return false;
	if (f->reason != BG_R_NONE && r->reason != f->reason)
		return false;
	if (f->guard && strcmp(f->guard, r->guard))
		return false;
	return !f->container || container_matches(f->container, r);
}
