/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `bpfguard log`: the single consumer. Joins the ring (loader) and the file (events).
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "cli/cli.h"
#include "cli/log.h"
#include "events/collector.h"
#include "events/identify.h"
#include "events/state.h"

#define FLUSH_ROUNDS 32 /* times the ring is more than all folds there can be */

struct log_collect {
	const struct log_options *o;
	struct log_printer *show;
	int lock, epoll;
	struct events_collector *collector;
	struct events_identity *identity;
	struct loader_ring *ring;
	char stream[64];
	uint64_t version;
	bool no_flush, open_trouble, read_trouble;
};

static void on_event(const struct bg_event *ev, size_t len, void *ctx)
{
	struct log_collect *c = ctx;

	events_collector_event(c->collector, ev, len);
}

static void on_identify(struct events_record *r, void *ctx)
{
	struct log_collect *c = ctx;

	if (c->identity)
		events_identify(c->identity, r);
}

static void on_show(const struct events_record *r, void *ctx)
{
	struct log_collect *c = ctx;

	if (c->show)
		log_printer_record(c->show, r);
}

static void on_say(const char *what, void *ctx)
{
	(void)ctx;
	base_warn("%s", what);
}

static const char *my_name(const struct log_options *o)
{
	if (o->collect)
		return "bpfguard log --collect";
	return o->follow ? "bpfguard log -f" : "bpfguard log";
}

/* ---- the ring ---- */
static int consume(struct log_collect *c)
{
	int n = c->ring ? c->o->source->consume(c->ring) : 0;
	bool bad = n < 0 && n != -EINTR && n != -EAGAIN;

	if (bad && !c->read_trouble)
		base_warn("cannot read the ring of events: %s", strerror(-n));
	c->read_trouble = bad;
	return n;
}

/*
 * Counts of repeats become events. There may be more of them than the ring holds: those that found
 * no room wait for the next second, or at the end (all) for the next round.
 */
static void flush_folded(struct log_collect *c, bool all)
{
	for (int round = 0; round < (all ? FLUSH_ROUNDS : 1); round++) {
		/* Old kernels cannot: there a burst's rest comes with the next event. */
		if (c->ring && !c->no_flush && c->o->source->flush(c->ring, all) == -EOPNOTSUPP)
			c->no_flush = true;
		if (consume(c) <= 0)
			break;
	}
}

static void close_ring(struct log_collect *c)
{
	if (!c->ring)
		return;
	consume(c);
	if (c->epoll >= 0)
		epoll_ctl(c->epoll, EPOLL_CTL_DEL, c->o->source->fd(c->ring), NULL);
	c->o->source->free(c->ring);
	c->ring = NULL;
}

static int open_ring(struct log_collect *c)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int err = c->o->source->open(on_event, c, &c->ring);

	if (err || c->epoll < 0)
		return err;
	ev.data.fd = c->o->source->fd(c->ring);
	if (epoll_ctl(c->epoll, EPOLL_CTL_ADD, ev.data.fd, &ev))
		return -errno;
	return 0;
}

/* Opens the ring that is there now, unless it is the one that is open. */
static void check_ring(struct log_collect *c)
{
	char stream[sizeof(c->stream)];
	uint64_t version = c->o->source->version();
	int err = c->o->source->stream(stream, sizeof(stream));

	if (!err && c->ring && version == c->version && strcmp(stream, c->stream) == 0)
		return;
	close_ring(c);
	if (err)
		return; /* nothing is loaded: it may be, later */
	events_collector_stream(c->collector, stream);
	err = open_ring(c);
	if (err && !c->open_trouble)
		base_warn("cannot open the ring of events: %s (tried again each second)",
			  strerror(-err));
	c->open_trouble = err != 0;
	if (err) {
		close_ring(c);
		return;
	}
	snprintf(c->stream, sizeof(c->stream), "%s", stream);
	c->version = version;
	c->no_flush = false;
	consume(c); /* what came while nobody read */
}

/* ---- life ---- */
int log_collect_new(const struct log_options *o, struct log_collect **ret)
{
	struct log_collect *c;
	int lock, err;

	if (!o->source->may())
		return -EPERM;
	err = events_lock(o->run_dir, my_name(o), &lock);
	if (err)
		return err;
	c = calloc(1, sizeof(*c));
	if (!c) {
		close(lock);
		return -ENOMEM;
	}
	c->o = o;
	c->lock = lock;
	c->epoll = -1;
	*ret = c;
	return 0;
}

int log_collect_start(struct log_collect *c, int epoll, struct log_printer *show)
{
	struct events_collector_config config = {
		.run_dir = c->o->run_dir,
		.log_dir = c->o->log_dir,
		.max_size = c->o->max_size,
		.keep = c->o->keep,
		.identify = on_identify,
		.show = on_show,
		.say = on_say,
		.ctx = c,
	};
	int err = events_collector_new(&config, &c->collector);

	if (!err)
		err = events_identity_new(loader_cgroup_name, &c->identity);
	if (err)
		return err;
	c->epoll = epoll;
	c->show = show;
	check_ring(c);
	events_collector_settle(c->collector, false);
	return 0;
}

void log_collect_batch(struct log_collect *c)
{
	consume(c);
	events_collector_settle(c->collector, false);
}

void log_collect_second(struct log_collect *c)
{
	check_ring(c);
	flush_folded(c, false);
}

int log_collect_wait_ms(const struct log_collect *c)
{
	return events_collector_wait_ms(c->collector);
}

void log_collect_reopen(struct log_collect *c)
{
	events_collector_reopen(c->collector);
}

void log_collect_free(struct log_collect *c)
{
	if (!c)
		return;
	if (c->collector) {
		flush_folded(c, true);
		close_ring(c);
		events_collector_free(c->collector);
	}
	events_identity_free(c->identity);
	close(c->lock);
	free(c);
}
