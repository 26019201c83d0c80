/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `bpfguard log`: records to stdout.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/cli.h"
#include "cli/log.h"
#include "events/events.h"

/* Is `out` the stream that journald gave us (sd_journal_stream: device and inode)? */
static bool is_journal(FILE *out)
{
	const char *env = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	return env && sscanf(env, "%llu:%llu", &dev, &ino) == 2 && fstat(fileno(out), &st) == 0 &&
	       st.st_dev == dev && st.st_ino == ino;
}

void log_printer_init(struct log_printer *p, const struct log_options *o)
{
	*p = (struct log_printer){
		.out = o->out,
		.json = o->json,
		.color = base_color_on(cli_color, o->out),
		.journal = is_journal(o->out),
		.filter = o->filter,
		.lines = o->lines,
	};
}

static void check(struct log_printer *p)
{
	if (!ferror(p->out) || p->dead)
		return;
	p->dead = true;
	p->err = errno == EPIPE ? 0 : errno;
}

static void print_record(struct log_printer *p, const struct events_record *r)
{
	p->shown++;
	if (p->journal)
		fputs("<4>", p->out); /* warning; journald takes it off */
	if (p->json)
		events_print_json(r, p->out);
	else
		events_print_text(r, p->out, p->color);
	check(p);
}

void log_printer_record(struct log_printer *p, const struct events_record *r)
{
	if (!p->dead && events_filter_match(&p->filter, r))
		print_record(p, r);
}

static void print_line(struct log_printer *p, const char *line, size_t len)
{
	struct events_record r;
	struct events_notice n;
	_free_ char *again = NULL;
	size_t again_len;

	if (events_parse_json(line, len, &r) == 0) {
		print_record(p, &r);
		return;
	}
	/* A notice says that records are missing, perhaps some that the filter would have shown. */
	if (events_parse_notice(line, len, &n))
		return;
	if (!p->json) {
		events_print_notice(&n, p->out, p->color);
	} else {
		again = events_format_notice(&n, &again_len);
		if (again)
			fwrite(again, 1, again_len, p->out);
	}
	check(p);
}

/* A ring of the last lines. */
static void keep(struct log_printer *p, const char *line, size_t len)
{
	char *copy;

	if (!p->lines)
		return;
	if (!p->kept)
		p->kept = calloc(p->lines, sizeof(*p->kept));
	copy = p->kept ? strndup(line, len) : NULL;
	if (!copy) {
		p->dead = true;
		p->err = ENOMEM;
		return;
	}
	if (p->n_kept < p->lines) {
		p->kept[p->n_kept++] = copy;
		return;
	}
	free(p->kept[p->first_kept]);
	p->kept[p->first_kept] = copy;
	p->first_kept = (p->first_kept + 1) % p->n_kept;
}

int log_printer_line(const char *line, size_t len, void *printer)
{
	struct log_printer *p = printer;
	struct events_record r;
	struct events_notice n;

	if (events_parse_json(line, len, &r) == 0) {
		if (!events_filter_match(&p->filter, &r))
			return 0;
	} else if (events_parse_notice(line, len, &n) || n.ts_real_ns < p->filter.since_ns) {
		return 0;
	}
	if (p->lines == UINT64_MAX)
		print_line(p, line, len);
	else
		keep(p, line, len);
	return p->dead ? -EPIPE : 0;
}

void log_printer_release(struct log_printer *p)
{
	for (size_t i = 0; i < p->n_kept && !p->dead; i++) {
		const char *line = p->kept[(p->first_kept + i) % p->n_kept];

		print_line(p, line, strlen(line));
	}
	log_printer_free(p);
	p->lines = UINT64_MAX;
}

void log_printer_flush(struct log_printer *p)
{
	if (!p->dead && fflush(p->out))
		check(p);
}

void log_printer_free(struct log_printer *p)
{
	for (size_t i = 0; i < p->n_kept; i++)
		free(p->kept[i]);
	free(p->kept);
	p->kept = NULL;
	p->n_kept = p->first_kept = 0;
}
