// SPDX-License-Identifier: GPL-2.0-only
/* Times: `500ms`, `5s`, `2m`, `1h`, `off`. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "policy/internal.h"

static const struct {
	const char *unit;
	uint64_t ms;
} units[] = { { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 } };

int duration_parse(const char *text, uint64_t *ret_ms)
{
	size_t digits = strspn(text, "0123456789");
	uint64_t n = 0;

	if (!strcmp(text, "off")) {
		*ret_ms = 0;
		return 0;
	}
	/* Nine digits of hours fit; `0s` would be a second spelling of off, or of never. */
	if (!digits || digits > 9 || text[0] == '0')
		return -EINVAL;
	for (size_t i = 0; i < digits; i++)
		n = n * 10 + (uint64_t)(text[i] - '0');
	for (size_t i = 0; i < POLICY_COUNT(units); i++) {
		if (!strcmp(text + digits, units[i].unit)) {
			*ret_ms = n * units[i].ms;
			return 0;
		}
	}
	return -EINVAL;
}

char *duration_format(uint64_t ms, char *buf, size_t size)
{
	size_t i = 0;

	if (!ms) {
		snprintf(buf, size, "off");
		return buf;
	}
	while (ms % units[i].ms)
		i++;
	snprintf(buf, size, "%" PRIu64 "%s", ms / units[i].ms, units[i].unit);
	return buf;
}
