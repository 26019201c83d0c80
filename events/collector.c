/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From the ring to the file.
 *
 * The state is written after the lines. A collector that is killed between the two finds, at its
 * next start, the lines behind the size that the state names, and goes on after them: no number is
 * reported lost that is in the file.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/base.h"
#include "events/collector.h"
#include "events/order.h"
#include "events/reader.h"
#include "events/sink.h"
#include "events/state.h"

#define SAY_AGAIN_NS (60ull * 1000000000ull)

struct events_collector {
	struct events_collector_config config;
	struct events_sink *sink;
	struct events_order order;
	struct events_state saved;
	struct events_collector_stats stats;
	int state_fd;
	bool write_trouble, state_trouble;
	uint64_t write_said_ns, undecodable_said_ns, undecodable_said;
};

static void say(struct events_collector *c, const char *what)
{
	if (c->config.say)
		c->config.say(what, c->config.ctx);
}

static void on_record(struct events_record *r, void *ctx)
{
	struct events_collector *c = ctx;
	_free_ char *line = NULL;
	size_t len;

	if (c->config.identify)
		c->config.identify(r, c->config.ctx);
	c->stats.records++;
	line = events_format_json(r, &len);
	if (line)
		events_sink_put(c->sink, line, len);
	else
		events_sink_set_not_written(c->sink, events_sink_not_written(c->sink) + 1);
	if (c->config.show)
		c->config.show(r, c->config.ctx);
}

/* ---- what was written but not remembered ---- */
struct behind {
	uint64_t next;
};

static int on_line_behind(const char *line, size_t len, void *ctx)
{
	struct behind *b = ctx;
	struct events_record r;

	if (events_parse_json(line, len, &r) == 0 && r.seq >= b->next)
		b->next = r.seq + 1;
	return 0;
}

static uint64_t next_after(const struct events_collector *c)
{
	struct behind b = { .next = c->saved.next };
	struct events_reader *r;

	if (events_reader_new(c->config.log_dir, &r))
		return b.next;
	if (events_reader_seek(r, c->saved.ino, c->saved.size) == 0)
		events_reader_read(r, on_line_behind, &b);
	events_reader_free(r);
	return b.next;
}

int events_collector_new(const struct events_collector_config *config,
			 struct events_collector **ret)
{
	struct events_collector *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	c->config = *config;
	c->state_fd = -1;
	err = events_sink_new(config->log_dir, config->max_size, config->keep, &c->sink);
	if (!err)
		err = events_state_open(config->run_dir, &c->state_fd);
	if (err) {
		events_sink_free(c->sink);
		free(c);
		return err;
	}
	if (events_state_read(c->state_fd, &c->saved))
		c->saved = (struct events_state){ .next = 1 };
	else
		c->saved.next = next_after(c);
	events_order_init(&c->order, c->saved.next, on_record, c);
	events_sink_set_not_written(c->sink, c->saved.not_written);
	*ret = c;
	return 0;
}

void events_collector_stream(struct events_collector *c, const char *stream)
{
	struct events_state *st = &c->saved;

	events_collector_settle(c, true);
	if (strcmp(st->stream, stream) == 0)
		return;
	snprintf(st->stream, sizeof(st->stream), "%s", stream);
	st->next = 0; /* so that the change is saved, whatever else is the same */
	c->stats.lost += c->order.lost;
	events_order_init(&c->order, 1, on_record, c);
	events_collector_settle(c, false);
}

void events_collector_event(struct events_collector *c, const void *data, size_t len)
{
	int64_t boot_to_real = (int64_t)(base_now_ns(CLOCK_REALTIME) - base_now_ns(CLOCK_BOOTTIME));
	struct events_record r;

	if (events_decode(data, len, boot_to_real, &r)) {
		c->stats.undecodable++;
		return;
	}
	events_order_push(&c->order, &r, base_now_ns(CLOCK_MONOTONIC));
}

/* Once when it begins, then at most each minute; and when it is over. */
static void say_write_trouble(struct events_collector *c, int err, uint64_t now)
{
	char what[400];

	if (!err) {
		if (c->write_trouble)
			say(c, "the log can be written again");
		c->write_trouble = false;
		return;
	}
	if (c->write_trouble && now - c->write_said_ns < SAY_AGAIN_NS)
		return;
	snprintf(what, sizeof(what),
		 "cannot write %s/%s: %s; %llu records not written so far (counters go on; free"
		 " space or check the directory)",
		 c->config.log_dir, EVENTS_LOG_NAME, strerror(-err),
		 (unsigned long long)events_sink_not_written(c->sink));
	say(c, what);
	c->write_trouble = true;
	c->write_said_ns = now;
}

static void say_undecodable(struct events_collector *c, uint64_t now)
{
	char what[160];

	if (c->stats.undecodable == c->undecodable_said ||
	    (c->undecodable_said && now - c->undecodable_said_ns < SAY_AGAIN_NS))
		return;
	snprintf(what, sizeof(what),
		 "%llu events could not be decoded (is another version of bpfguard loaded? run"
		 " bpfguard reload)",
		 (unsigned long long)c->stats.undecodable);
	say(c, what);
	c->undecodable_said = c->stats.undecodable;
	c->undecodable_said_ns = now;
}

static void save(struct events_collector *c)
{
	struct events_state st = c->saved;
	bool bad;

	st.next = c->order.next;
	st.not_written = events_sink_not_written(c->sink);
	/* A closed file has no position: then the last one known stays. */
	events_sink_position(c->sink, &st.ino, &st.size);
	if (!st.ino) {
		st.ino = c->saved.ino;
		st.size = c->saved.size;
	}
	if (!st.stream[0] || memcmp(&st, &c->saved, sizeof(st)) == 0)
		return;
	bad = events_state_write(c->state_fd, &st) != 0;
	if (bad && !c->state_trouble)
		say(c, "cannot write log.state in the run directory: after a restart of the log,"
		       " numbers of lost events will be too high");
	c->state_trouble = bad;
	if (!bad)
		c->saved = st;
}

void events_collector_settle(struct events_collector *c, bool all)
{
	uint64_t now = base_now_ns(CLOCK_MONOTONIC);
	int err;

	events_order_settle(&c->order, now, all);
	err = events_sink_flush(c->sink);
	say_write_trouble(c, err, now);
	say_undecodable(c, now);
	save(c);
}

int events_collector_wait_ms(const struct events_collector *c)
{
	uint64_t due = events_order_due(&c->order, base_now_ns(CLOCK_MONOTONIC));

	return due == UINT64_MAX ? -1 : (int)(due / 1000000) + 1;
}

void events_collector_reopen(struct events_collector *c)
{
	events_collector_settle(c, false);
	events_sink_reopen(c->sink);
}

void events_collector_stats(const struct events_collector *c, struct events_collector_stats *ret)
{
	*ret = c->stats;
	ret->lost += c->order.lost;
	ret->not_written = events_sink_not_written(c->sink);
}

void events_collector_free(struct events_collector *c)
{
	if (!c)
		return;
	events_collector_settle(c, true);
	events_sink_free(c->sink);
	base_close(&c->state_fd);
	free(c);
}
