// SPDX-License-Identifier: GPL-2.0-only
/*
 * Somebody else's hands on our links, pins, maps and programs: noticed, put right, told. What is
 * loaded is compared by ids each second and as inotify hears of the pin directory, its contents
 * each ten seconds; the loader says under its lock whether it was a load or an unload. What cannot
 * be put right keeps every lease closed (place_all()).
 */
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <time.h>

#include "monitor/internal.h"

#define CHECK_NS     SECOND_NS
#define DEEP_NS	     (10 * SECOND_NS)
#define BUSY_NS	     (200 * MS_NS)
#define RETRY_NS     (5 * SECOND_NS)
#define SHOWN_NS     (3600 * SECOND_NS)
#define STACK_BYTES  (2u << 20) /* libbpf's loading of a whole set */
#define NOTIFY_FLAGS (IN_CREATE | IN_DELETE | IN_MOVE | IN_DELETE_SELF | IN_UNMOUNT | IN_ONLYDIR)

struct mending {
	struct job job;
	struct loader_watch *watch;
	char *text;
	size_t len;
	struct loader_damage damage;
	struct loader_error err;
	int result;
};

/* ---- what is told ---- */
static void remember(struct tamper *t, const char *what, bool repaired)
{
	if (t->n_seen == TAMPER_MAX_SEEN)
		memmove(&t->seen[0], &t->seen[1], --t->n_seen * sizeof(t->seen[0]));
	t->seen[t->n_seen] =
		(struct tampering){ .when_ns = base_now_ns(CLOCK_BOOTTIME), .repaired = repaired };
	snprintf(t->seen[t->n_seen++].what, sizeof(t->seen[0].what), "%s", what);
}

void tamper_tell(struct monitor *mon, const char *guard, const char *what, bool repaired,
		 const char *why)
{
	say("TAMPERED WITH: %s%s%s: %s%s%s", guard ? "guard " : "", guard ? guard : "",
	    guard ? "" : "the loaded policy", what,
	    repaired ? " (put right)" : " NOT PUT RIGHT: ", repaired ? "" : why);
	note(mon, "tamper", guard,
	     json_pack("{s:[s], s:b, s:s}", "damage", what, "repaired", repaired ? 1 : 0, "why",
		       repaired ? "" : why));
	remember(&mon->tamper, what, repaired);
	mon->state_due = true;
}

static void tell_damage(struct monitor *mon, const struct mending *m, bool repaired)
{
	const struct loader_damage *d = &m->damage;
	size_t n = d->n < LOADER_MAX_DAMAGE ? d->n : LOADER_MAX_DAMAGE, i;
	json_t *list = json_array();

	for (i = 0; i < n; i++) {
		say("TAMPERED WITH: %s", d->what[i]);
		remember(&mon->tamper, d->what[i], repaired);
		json_array_append_new(list, json_string(d->what[i]));
	}
	if (repaired)
		say("put right: the policy was loaded again");
	else
		say("NOT PUT RIGHT, every lease is closed: %s: %s (%s)", m->err.what, m->err.why,
		    m->err.todo[0] ? m->err.todo : "run bpfguard load");
	note(mon, "tamper", NULL,
	     json_pack("{s:o, s:I, s:b, s:s}", "damage", list, "parts", (json_int_t)d->n,
		       "repaired", repaired ? 1 : 0, "why", repaired ? "" : m->err.why));
	mon->state_due = true;
}

void tamper_acknowledge(struct monitor *mon)
{
	if (mon->tamper.n_seen)
		note(mon, "tamper_acknowledged", NULL,
		     json_pack("{s:I}", "entries", (json_int_t)mon->tamper.n_seen));
	mon->tamper.n_seen = 0;
	mon->state_due = true;
}

json_t *tamper_json(const struct monitor *mon, json_t *problems)
{
	uint64_t now = base_now_ns(CLOCK_BOOTTIME), real = base_now_ns(CLOCK_REALTIME);
	json_t *list = json_array();
	char ts[40];
	size_t i;

	for (i = 0; i < mon->tamper.n_seen; i++) {
		const struct tampering *s = &mon->tamper.seen[i];

		if (now - s->when_ns > SHOWN_NS)
			continue;
		base_rfc3339(ts, sizeof(ts), real - (now - s->when_ns));
		json_array_append_new(list, json_pack("{s:s, s:s, s:b}", "ts", ts, "what", s->what,
						      "repaired", s->repaired ? 1 : 0));
		json_array_append_new(problems,
				      json_sprintf("tampered with at %.19sZ: %s%s", ts, s->what,
						   s->repaired ? ": put right" : ""));
	}
	if (mon->tamper.wounded[0])
		json_array_append_new(
			problems, json_sprintf("closed: what others broke cannot be put right: %s",
					       mon->tamper.wounded));
	return list;
}

/* ---- the pin directory ---- */
static void watch_slot(unsigned int slot, const char *name, struct tamper *t)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/guards/%u-%s", base_pins_dir(), slot, name) <
	    (int)sizeof(path))
		inotify_add_watch(t->notify.fd, path, NOTIFY_FLAGS);
}

static void on_notify(struct source *s, uint32_t events)
{
	struct monitor *mon = s->ctx;
	char buf[4096];

	(void)events;
	while (read(s->fd, buf, sizeof(buf)) > 0)
		;
	mon->tamper.suspect = true;
}

/* Where it cannot be had, the look each second has to do. */
static void listen_to_pins(struct monitor *mon)
{
	static const char *const sub[] = { "", "/maps", "/guards" };
	struct tamper *t = &mon->tamper;
	char path[PATH_MAX];
	size_t i;
	int fd;

	source_drop(mon, &t->notify);
	fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (fd < 0 || source_add(mon, &t->notify, fd, EPOLLIN, on_notify, mon))
		return;
	for (i = 0; i < ARRAY_SIZE(sub); i++)
		if (snprintf(path, sizeof(path), "%s%s", base_pins_dir(), sub[i]) <
		    (int)sizeof(path))
			inotify_add_watch(t->notify.fd, path, NOTIFY_FLAGS);
	for (i = 0; i < mon->n_guards; i++)
		watch_slot(mon->guard[i]->slot, mon->guard[i]->policy->name, t);
}

/* ---- what is loaded ---- */
static void forget(struct tamper *t)
{
	loader_watch_free(t->watch);
	free(t->text);
	t->watch = NULL;
	t->text = NULL;
	t->wounded[0] = 0;
	t->retry_ns = 0;
}

/* The policy is known and in force: from now on it is to stay as it is. */
void tamper_renew(struct monitor *mon)
{
	struct tamper *t = &mon->tamper;
	FILE *f;

	if (t->mending) { /* its job uses both */
		t->renew = true;
		return;
	}
	forget(t);
	f = open_memstream(&t->text, &t->len);
	if (!f)
		return;
	policy_print(mon->policy, f);
	if (fclose(f) || loader_watch_new(&t->watch)) {
		forget(t);
		return;
	}
	t->next_ns = t->deep_ns = 0;
	listen_to_pins(mon);
}

/* Nothing is loaded: because somebody unloaded, or because somebody took it away? */
bool tamper_keeps(const struct monitor *mon)
{
	return mon->tamper.watch && (mon->tamper.mending || loader_watch_wanted());
}

/* ---- putting it right, in a thread of its own: it takes a load's time ---- */
static void mend(struct job *j)
{
	struct mending *m = (struct mending *)j;

	m->result = loader_mend(m->watch, m->text, m->len, &m->damage, &m->err);
	malloc_trim(0); /* a load's memory is more than all the rest of the daemon's */
}

static void decide_all(struct monitor *mon)
{
	size_t i;

	for (i = 0; i < mon->n_guards; i++)
		mon->guard[i]->decide = true;
}

static void fail(struct monitor *mon, const struct mending *m)
{
	struct tamper *t = &mon->tamper;
	char why[sizeof(t->wounded)];

	t->retry_ns = base_now_ns(CLOCK_BOOTTIME) + RETRY_NS;
	if (!m->damage.n) /* an interrupted load: config.c says what is to be said */
		return;
	snprintf(why, sizeof(why), "%.100s: %.140s", m->damage.what[0], m->err.why);
	if (strcmp(why, t->wounded) == 0)
		return;
	snprintf(t->wounded, sizeof(t->wounded), "%s", why);
	tell_damage(mon, m, false);
	decide_all(mon);
}

static void mended(struct job *j)
{
	struct mending *m = (struct mending *)j;
	struct monitor *mon = j->mon;
	struct tamper *t = &mon->tamper;

	t->mending = false;
	if (m->result >= 0 || t->renew) {
		if (m->result > 0)
			tell_damage(mon, m, true);
		/*
		 * Read again: slots and ids may be others, and what we wrote is perhaps gone. Until
		 * that is done the old watch stays: somebody may still be at it.
		 */
		mon->reload = true;
		t->wounded[0] = 0;
		decide_all(mon);
	} else if (m->result == -ENOENT) {
		forget(t); /* unloaded */
	} else if (m->result == -EBUSY) {
		t->retry_ns = base_now_ns(CLOCK_BOOTTIME) + BUSY_NS;
		t->suspect = true;
	} else {
		fail(mon, m);
	}
	t->renew = false;
	free(m);
}

static void start_mending(struct monitor *mon)
{
	struct tamper *t = &mon->tamper;
	struct mending *m = calloc(1, sizeof(*m));

	t->retry_ns = 0;
	if (!m)
		return;
	m->job = (struct job){ .work = mend, .done = mended, .mon = mon };
	m->watch = t->watch;
	m->text = t->text;
	m->len = t->len;
	t->mending = true;
	if (worker_submit(&t->worker, &m->job)) {
		t->mending = false;
		free(m);
	}
}

/* Also the first look of all: what is compared with later may have been touched before. */
static bool look_deep(struct tamper *t)
{
	uint64_t began = base_now_ns(CLOCK_BOOTTIME), took;
	struct loader_damage d;
	bool ok = !loader_damaged(&d);

	took = base_now_ns(CLOCK_BOOTTIME) - began;
	/* a policy of thousands of prefixes takes its time: a thousandth of a CPU is enough */
	t->deep_ns = began + (took * 1000 > DEEP_NS ? took * 1000 : DEEP_NS);
	return ok;
}

void tamper_run(struct monitor *mon, uint64_t now_ns)
{
	struct tamper *t = &mon->tamper;
	bool same;

	if (!t->watch || t->mending || (t->retry_ns && now_ns < t->retry_ns) ||
	    (!t->suspect && now_ns < t->next_ns))
		return;
	t->suspect = false;
	t->next_ns = now_ns + CHECK_NS;
	same = loader_watch_same(t->watch);
	if (same && now_ns >= t->deep_ns)
		same = look_deep(t);
	if (same && !t->wounded[0])
		tamper_look_at_maps(mon);
	else
		start_mending(mon);
}

int tamper_begin(struct monitor *mon)
{
	mon->tamper.worker.stack_bytes = STACK_BYTES;
	mon->tamper.notify.fd = -1;
	return worker_start(mon, &mon->tamper.worker);
}
