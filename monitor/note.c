// SPDX-License-Identifier: GPL-2.0-only
/* What the daemon tells people: a line on stderr, and the audit trail by way of the disk's thread.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "monitor/internal.h"

struct entry {
	struct job job;
	char what[32], guard[POLICY_NAME];
	char *fields;
	int err;
};

void say(const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fprintf(stderr, "bpfguard monitor: %s\n", text);
}

static void write_entry(struct job *j)
{
	struct entry *e = (struct entry *)j;

	e->err = monitor_audit_append(e->what, e->guard[0] ? e->guard : NULL, e->fields);
}

static void free_entry(struct entry *e)
{
	free(e->fields);
	free(e);
}

/* Protection does not depend on the trail: loud, and on. */
static void entry_written(struct job *j)
{
	struct entry *e = (struct entry *)j;

	if (e->err && !j->mon->audit_bad)
		say("THE AUDIT TRAIL CANNOT BE WRITTEN: %s/audit.jsonl: %s (protection goes on; "
		    "free space or check the directory)",
		    base_log_dir(), strerror(-e->err));
	if (!e->err && j->mon->audit_bad)
		say("the audit trail can be written again");
	j->mon->audit_bad = e->err != 0;
	free_entry(e);
}

void note(struct monitor *mon, const char *what, const char *guard, json_t *fields)
{
	struct entry *e = calloc(1, sizeof(*e));

	if (!e) {
		json_decref(fields);
		mon->audit_bad = true;
		return;
	}
	e->job = (struct job){ .work = write_entry, .done = entry_written, .mon = mon };
	snprintf(e->what, sizeof(e->what), "%s", what);
	snprintf(e->guard, sizeof(e->guard), "%s", guard ? guard : "");
	e->fields = fields ? json_dumps(fields, JSON_COMPACT) : NULL;
	json_decref(fields);
	if (worker_submit(&mon->disk, &e->job)) {
		say("THE AUDIT TRAIL CANNOT BE WRITTEN: the disk does not answer (protection goes "
		    "on)");
		mon->audit_bad = true;
		free_entry(e);
	}
}
