/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bytes as an event of the ring, and as a line of the log file. Whatever is accepted must print as
 * one line of clean text, and come back from JSON as it was.
 */
#include <assert.h>
#include <string.h>

#include "base/clock.c"
#include "base/io.c"
#include "base/text.c"
#include "events/decode.c"
#include "events/flowtext.c"
#include "events/names.c"
#include "events/text.c"
#include "events/json.c"

static void check_text(const struct events_record *r)
{
	static char text[16384];
	FILE *f = fmemopen(text, sizeof(text), "w");
	size_t len;

	assert(f);
	events_print_text(r, f, false);
	fclose(f);
	len = strlen(text);
	assert(len > 1 && text[len - 1] == '\n');
	for (size_t i = 0; i < len - 1; i++)
		assert((unsigned char)text[i] >= 0x20 && text[i] != 0x7f);
}

static void check_record(const struct events_record *r)
{
	struct events_record again, third;
	size_t len, len2;
	char *line = events_format_json(r, &len), *line2;

	assert(line && strchr(line, '\n') == line + len - 1);
	assert(events_parse_json(line, len, &again) == 0);
	/* What JSON does not carry (some flags) is gone now; the rest must be a fixed point. */
	line2 = events_format_json(&again, &len2);
	assert(line2 && len == len2 && memcmp(line, line2, len) == 0);
	assert(events_parse_json(line2, len2, &third) == 0);
	assert(memcmp(&again, &third, sizeof(again)) == 0);
	free(line);
	free(line2);
	check_text(r);
	check_text(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct events_record r;
	struct events_notice n;
	char name[1024];

	if (size == 0)
		return 0;
	switch (data[0] % 3) {
	case 0:
		if (events_decode(data + 1, size - 1, 1795470001123456789ll, &r) == 0)
			check_record(&r);
		break;
	case 1:
		if (events_parse_json((const char *)data + 1, size - 1, &r) == 0)
			check_record(&r);
		events_parse_notice((const char *)data + 1, size - 1, &n);
		break;
	default:
		if (events_qname(data + 1, size - 1, name, sizeof(name)) == 0)
			assert(name[0]);
	}
	return 0;
}
