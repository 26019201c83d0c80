// SPDX-License-Identifier: GPL-2.0-only
/*
 * A pause opens everything, so one that nobody owns up to is ended: `bpfguard pause` writes the
 * audit trail first, who writes the map alone does not. The trail's end was just written and is in
 * memory; it is read when a pause appears, and never otherwise.
 */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <time.h>

#include "monitor/internal.h"

#define TAIL_BYTES 65536
#define SLACK_NS   (5 * SECOND_NS)
#define FOR_EVER   (~0ull) /* an unload's mark for filters that it cannot reach */

static bool fits(const char *line, size_t len, const char *guard, uint64_t until_ns)
{
	json_t *o = json_loadb(line, len, 0, NULL);
	const char *what = json_string_value(json_object_get(o, "what"));
	const char *who = json_string_value(json_object_get(o, "guard"));
	const char *text = json_string_value(json_object_get(o, "until"));
	uint64_t until;
	bool ok = what && who && text && !strcmp(what, "pause") && !strcmp(who, guard) &&
		  !base_parse_time(text, until_ns, &until) && until < until_ns + SLACK_NS &&
		  until_ns < until + SLACK_NS;

	json_decref(o);
	return ok;
}

static bool is_recorded(const char *guard, uint64_t until_real_ns)
{
	_free_ char *buf = malloc(TAIL_BYTES);
	char path[PATH_MAX];
	_close_ int fd = -1;
	ssize_t n = -1;
	char *line, *end;
	off_t size;

	if (!buf ||
	    snprintf(path, sizeof(path), "%s/audit.jsonl", base_log_dir()) >= (int)sizeof(path))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	if (size >= 0)
		n = pread(fd, buf, TAIL_BYTES, size > TAIL_BYTES ? size - TAIL_BYTES : 0);
	for (line = buf; n > 0 && line < buf + n; line = end + 1) {
		end = memchr(line, '\n', (size_t)(buf + n - line));
		if (!end)
			break;
		if (fits(line, (size_t)(end - line), guard, until_real_ns))
			return true;
	}
	return false;
}

/* false: it was ended. */
bool pause_judge(struct guard *g, uint64_t until_ns, uint64_t now_ns)
{
	if (until_ns <= now_ns)
		return true;
	/* an unload is at it: what is still marked at the next tick was marked by another */
	if (until_ns == FOR_EVER && !g->released) {
		g->released = true;
		return true;
	}
	g->released = false;
	if (until_ns != FOR_EVER &&
	    is_recorded(g->policy->name, base_now_ns(CLOCK_REALTIME) + (until_ns - now_ns)))
		return true;
	tamper_tell(g->mon, g->policy->name, "it was paused, and not by bpfguard pause",
		    loader_write_pause(g->slot, 0) == 0, "the pause cannot be ended");
	return false;
}
