/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `bpfguard log`: reading, following and collecting.
 *
 * Who holds the lock is the collector: it alone takes events from the ring, and writes them to the
 * file. Everybody else follows the file, and tries once a second whether the lock has come free.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/log.h"
#include "events/reader.h"
#include "events/state.h"

#define LOCK_TRIES   20 /* a `bpfguard log` without -f has the lock for a moment */
#define LOCK_WAIT_NS 100000000l

struct run {
	const struct log_options *o;
	struct log_printer printer;
	int epoll, signals, timer;
	int watched;		     /* the inotify descriptor in epoll; -1 */
	struct log_collect *collect; /* one of these two */
	struct events_reader *reader;
	bool stop;
};

static int watch(struct run *run, int fd, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.fd = fd };

	if (fd < 0)
		return 0;
	return epoll_ctl(run->epoll, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

static int read_file(struct run *run)
{
	int err = events_reader_read(run->reader, log_printer_line, &run->printer);

	return err == -EPIPE ? 0 : err;
}

/*
 * The follower becomes the collector when the lock is free. With the lock in hand the file is read
 * to its end first: what was written there is shown once, what comes now comes from the ring.
 */
static int try_take_over(struct run *run)
{
	int err;

	if (run->collect || log_collect_new(run->o, &run->collect))
		return 0;
	err = read_file(run);
	if (err)
		return err;
	if (run->watched >= 0)
		epoll_ctl(run->epoll, EPOLL_CTL_DEL, run->watched, NULL);
	run->watched = -1;
	events_reader_free(run->reader);
	run->reader = NULL;
	return log_collect_start(run->collect, run->epoll, &run->printer);
}

/* ---- the loop ---- */
static int on_signal(struct run *run)
{
	struct signalfd_siginfo si;

	if (read(run->signals, &si, sizeof(si)) != sizeof(si))
		return 0;
	if (si.ssi_signo == SIGHUP && run->o->collect)
		log_collect_reopen(run->collect);
	else
		run->stop = true;
	return 0;
}

static int on_second(struct run *run)
{
	uint64_t ticks;

	if (read(run->timer, &ticks, sizeof(ticks)) != sizeof(ticks))
		return 0;
	if (run->collect) {
		log_collect_second(run->collect);
		return 0;
	}
	if (run->watched < 0) {
		run->watched = events_reader_fd(run->reader);
		watch(run, run->watched, EPOLLIN);
	}
	return try_take_over(run);
}

static int on_ready(struct run *run, const struct epoll_event *ev)
{
	if (ev->data.fd == run->signals)
		return on_signal(run);
	if (ev->data.fd == run->timer)
		return on_second(run);
	if (ev->data.fd == fileno(run->o->out)) {
		run->printer.dead = true;
		epoll_ctl(run->epoll, EPOLL_CTL_DEL, ev->data.fd, NULL);
	}
	return 0; /* the ring, or the file: looked at below, whatever woke us */
}

/* A service goes on when nobody listens to it; a follower has nothing left to do. */
static bool over(const struct run *run)
{
	return run->stop || (run->printer.dead && !run->o->collect);
}

static int loop(struct run *run)
{
	struct epoll_event ev[8];
	int err = 0;

	while (!err && !over(run)) {
		int wait = run->collect ? log_collect_wait_ms(run->collect) : -1;
		int n = epoll_wait(run->epoll, ev, ARRAY_SIZE(ev), wait);

		if (n < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < n && !err; i++)
			err = on_ready(run, &ev[i]);
		if (run->collect) {
			log_collect_batch(run->collect);
		} else if (!err) {
			err = read_file(run);
		}
		log_printer_flush(&run->printer);
	}
	return err;
}

static int open_loop(struct run *run)
{
	struct itimerspec second = { .it_interval.tv_sec = 1, .it_value.tv_sec = 1 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	run->epoll = epoll_create1(EPOLL_CLOEXEC);
	run->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	run->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (run->epoll < 0 || run->signals < 0 || run->timer < 0 ||
	    timerfd_settime(run->timer, 0, &second, NULL) || watch(run, run->signals, EPOLLIN) ||
	    watch(run, run->timer, EPOLLIN))
		return -errno;
	/* Only to hear that the reader of a pipe has gone; files and terminals refuse or never say.
	 */
	watch(run, fileno(run->o->out), 0);
	return 0;
}

static void close_run(struct run *run)
{
	log_collect_free(run->collect);
	log_printer_flush(&run->printer);
	log_printer_free(&run->printer);
	events_reader_free(run->reader);
	base_close(&run->epoll);
	base_close(&run->signals);
	base_close(&run->timer);
}

static int fail(const struct log_options *o, int err)
{
	const char *dir = o->collect ? o->run_dir : o->log_dir;

	if (err == -EACCES || err == -EPERM)
		return base_fail(EXIT_PERMISSION, dir, strerror(-err), "run as root");
	return base_fail(EXIT_NO, dir, strerror(-err), NULL);
}

/* ---- the three ways to run ---- */
static int run_collect(struct run *run)
{
	const struct timespec pause = { .tv_nsec = LOCK_WAIT_NS };
	char holder[200];
	int err = -EWOULDBLOCK;

	for (int i = 0; err == -EWOULDBLOCK && i < LOCK_TRIES; i++) {
		if (i)
			nanosleep(&pause, NULL);
		err = log_collect_new(run->o, &run->collect);
	}
	if (err == -EWOULDBLOCK)
		return base_fail(EXIT_NO, "another process collects the log",
				 events_lock_holder(run->o->run_dir, holder, sizeof(holder)),
				 "stop it first, or follow with bpfguard log -f");
	if (!err)
		err = open_loop(run);
	if (!err)
		err = log_collect_start(run->collect, run->epoll, &run->printer);
	log_printer_flush(&run->printer);
	if (!err)
		err = loop(run);
	return err ? fail(run->o, err) : EXIT_YES;
}

/* What the ring holds goes to the file first, so that the file is all there is. */
static int drain_once(struct run *run)
{
	struct log_collect *c;
	char stream[64];
	int err;

	if (run->o->source->stream(stream, sizeof(stream)) || log_collect_new(run->o, &c))
		return 0;
	err = log_collect_start(c, -1, NULL);
	log_collect_free(c);
	return err;
}

static int run_read(struct run *run)
{
	int err = drain_once(run);

	if (err)
		base_warn("cannot take new events from the kernel: %s", strerror(-err));
	err = events_reader_new(run->o->log_dir, &run->reader);
	if (!err)
		err = read_file(run);
	log_printer_release(&run->printer);
	if (!err && run->o->follow && !run->printer.dead) {
		log_printer_flush(&run->printer);
		err = open_loop(run);
		if (!err) {
			run->watched = events_reader_fd(run->reader);
			err = watch(run, run->watched, EPOLLIN);
		}
		if (!err)
			err = read_file(run); /* what came before the watch */
		if (!err)
			err = try_take_over(run);
		log_printer_flush(&run->printer);
		if (!err)
			err = loop(run);
	}
	log_printer_flush(&run->printer);
	if (err)
		return fail(run->o, err);
	if (run->printer.err)
		return base_fail(EXIT_NO, "cannot write to standard output",
				 strerror(run->printer.err), NULL);
	if (!run->printer.shown && !run->o->follow && isatty(STDERR_FILENO) == 1)
		base_warn("no denied attempts on record that match");
	return EXIT_YES;
}

int log_run(const struct log_options *o)
{
	struct run run = {
		.o = o,
		.epoll = -1,
		.signals = -1,
		.timer = -1,
		.watched = -1,
	};
	int code;

	/* Both would kill us where an error to count or a quiet end is wanted. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	log_printer_init(&run.printer, o);
	code = o->collect ? run_collect(&run) : run_read(&run);
	close_run(&run);
	return code;
}
