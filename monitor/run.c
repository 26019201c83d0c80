// SPDX-License-Identifier: GPL-2.0-only
/* The daemon: one loop, one timer, descriptors with functions. Nothing in it blocks. */
#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>

#include "events/dir.h"
#include "monitor/internal.h"

#define BATCH		 32
#define SLEPT_NS	 (100 * (int64_t)MS_NS)
#define STATE_PACE_NS	 (100 * MS_NS)
#define HALF_WAY_STEP_NS (20 * MS_NS)

int source_add(struct monitor *mon, struct source *s, int fd, uint32_t events,
	       void (*ready)(struct source *s, uint32_t events), void *ctx)
{
	struct epoll_event ev = { .events = events, .data.ptr = s };

	*s = (struct source){ .fd = fd, .ready = ready, .ctx = ctx };
	if (epoll_ctl(mon->epoll, EPOLL_CTL_ADD, fd, &ev) == 0)
		return 0;
	close(fd);
	s->fd = -1;
	return -errno;
}

void source_drop(struct monitor *mon, struct source *s)
{
	if (s->fd < 0)
		return;
	epoll_ctl(mon->epoll, EPOLL_CTL_DEL, s->fd, NULL);
	close(s->fd);
	s->fd = -1;
}

uint64_t monitor_random(void)
{
	uint64_t r = 0;

	if (getrandom(&r, sizeof(r), GRND_NONBLOCK) != sizeof(r))
		r = base_now_ns(CLOCK_MONOTONIC);
	return r;
}

const char *monitor_state_dir(void)
{
	const char *dir = getenv("BPFGUARD_STATE");

	return dir && *dir ? dir : "/var/lib/bpfguard";
}

int monitor_write_file(const char *dir, const char *name, const char *text, size_t len)
{
	char path[4096], temp[4104];
	_close_ int fd = -1;
	int err = events_make_dir(dir, 0755);

	if (err)
		return err;
	if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, name) >= sizeof(path))
		return -ENAMETOOLONG;
	snprintf(temp, sizeof(temp), "%s.new", path);
	fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		return -errno;
	err = base_write_all(fd, text, len);
	if (!err && rename(temp, path))
		err = -errno;
	if (err)
		unlink(temp);
	return err;
}

struct guard *monitor_guard(struct monitor *mon, uint64_t serial)
{
	size_t i;

	for (i = 0; i < mon->n_guards; i++)
		if (mon->guard[i]->serial == serial)
			return mon->guard[i];
	return NULL;
}

/* sd_notify(3): one datagram. Not told is no error: nobody may be listening. */
static void tell_systemd(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	_close_ int fd = -1;
	size_t len = path ? strlen(path) : 0;

	if (!len || len >= sizeof(sa.sun_path) || (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(sa.sun_path, path, len);
	if (path[0] == '@')
		sa.sun_path[0] = 0;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0)
		(void)sendto(fd, text, strlen(text), 0, (struct sockaddr *)&sa,
			     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
}

static void on_signal(struct source *s, uint32_t events)
{
	struct monitor *mon = s->ctx;
	struct signalfd_siginfo si;

	(void)events;
	if (read(s->fd, &si, sizeof(si)) != sizeof(si))
		return;
	if (si.ssi_signo != SIGHUP) {
		mon->stop = true;
		return;
	}
	mon->reload = true;
	tamper_acknowledge(mon);
}

static void on_timer(struct source *s, uint32_t events)
{
	uint64_t n;

	(void)events;
	(void)!read(s->fd, &n, sizeof(n));
}

static void look_at_all(struct monitor *mon)
{
	size_t i;

	for (i = 0; i < mon->n_guards; i++)
		mon->guard[i]->look = true;
}

static void on_host_change(enum discovery_change what, const struct discovery_link *l, void *ctx)
{
	struct monitor *mon = ctx;
	size_t i;

	for (i = 0; i < mon->n_guards && what == DISCOVERY_LINK_GONE && l; i++) {
		place_forget(mon->guard[i], l->ifindex, false);
		mon->guard[i]->tidy = true; /* perhaps an earlier monitor's */
	}
	if (what == DISCOVERY_OVERRUN || what == DISCOVERY_LINK_NEW || what == DISCOVERY_LINK_GONE)
		look_at_all(mon);
}

static void on_host_watch(struct source *s, uint32_t events)
{
	(void)events;
	if (discovery_watch_read(s->fd, on_host_change, s->ctx))
		look_at_all(s->ctx);
}

/* Time that the boot clock counts and the monotonic one does not is time asleep. */
static void look_at_clocks(struct monitor *mon)
{
	int64_t gap = (int64_t)(base_now_ns(CLOCK_BOOTTIME) - base_now_ns(CLOCK_MONOTONIC));

	mon->slept = gap - mon->clock_gap_ns > SLEPT_NS;
	if (mon->slept) {
		say("the host was suspended");
		note(mon, "suspended", NULL,
		     json_pack("{s:f}", "seconds", (double)(gap - mon->clock_gap_ns) / 1e9));
	}
	mon->clock_gap_ns = gap;
}

static void set_timer(struct monitor *mon)
{
	uint64_t now = base_now_ns(CLOCK_BOOTTIME), due = now + SECOND_NS, t;
	struct itimerspec it = { 0 };
	size_t i;

	for (i = 0; i < mon->n_guards; i++) {
		t = guard_due_ns(mon->guard[i]);
		due = t < due ? t : due;
	}
	if (mon->state_due && mon->state_ns + STATE_PACE_NS < due)
		due = mon->state_ns + STATE_PACE_NS;
	if (mon->half_way_ns && now + HALF_WAY_STEP_NS < due)
		due = now + HALF_WAY_STEP_NS;
	if (due < now + MS_NS)
		due = now + MS_NS; /* whatever is wrong: never a busy loop */
	it.it_value.tv_sec = (time_t)(due / SECOND_NS);
	it.it_value.tv_nsec = (long)(due % SECOND_NS);
	timerfd_settime(mon->timer.fd, TFD_TIMER_ABSTIME, &it, NULL);
}

static void after_batch(struct monitor *mon)
{
	uint64_t now;
	size_t i;

	look_at_clocks(mon);
	for (i = 0; i < mon->n_guards; i++)
		guard_run(mon->guard[i], base_now_ns(CLOCK_BOOTTIME));
	config_refresh(mon);
	now = base_now_ns(CLOCK_BOOTTIME);
	tamper_run(mon, now);
	if (mon->state_due && now - mon->state_ns >= STATE_PACE_NS)
		state_write(mon);
}

static void loop(struct monitor *mon)
{
	uint64_t until = base_now_ns(CLOCK_BOOTTIME) + 3 * SECOND_NS, fed = 0, now;

	while (!mon->stop) {
		struct epoll_event ev[BATCH];
		int n, i;

		set_timer(mon);
		n = epoll_wait(mon->epoll, ev, BATCH, -1);
		for (i = 0; i < n; i++) {
			struct source *s = ev[i].data.ptr;

			if (s->fd >= 0) /* an earlier one of this batch may have closed it */
				s->ready(s, ev[i].events);
		}
		after_batch(mon);
		now = base_now_ns(CLOCK_BOOTTIME);
		if (now - fed >= SECOND_NS) {
			tell_systemd("WATCHDOG=1");
			fed = now;
		}
		if (mon->once && now >= until)
			mon->stop = true;
	}
}

static int take_lock(struct monitor *mon)
{
	char path[4096];
	int err = events_make_dir(base_run_dir(), 0755);

	if (err)
		return err;
	snprintf(path, sizeof(path), "%s/monitor.lock", base_run_dir());
	mon->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (mon->lock_fd < 0)
		return -errno;
	return flock(mon->lock_fd, LOCK_EX | LOCK_NB) ? -errno : 0;
}

static int open_sources(struct monitor *mon)
{
	sigset_t set;
	int fd, err;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL); /* before the threads: they inherit it */
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	err = source_add(mon, &mon->signals, fd, EPOLLIN, on_signal, mon);
	fd = err ? -1 : timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (fd < 0)
		return err ? err : -errno;
	err = source_add(mon, &mon->timer, fd, EPOLLIN, on_timer, mon);
	if (err)
		return err;
	fd = discovery_watch_open(-1, RTMGRP_LINK);
	if (fd < 0)
		return fd;
	err = source_add(mon, &mon->host_watch, fd, EPOLLIN, on_host_watch, mon);
	if (!err)
		err = worker_start(mon, &mon->tunnels);
	if (!err)
		err = worker_start(mon, &mon->engine);
	if (!err)
		err = worker_start(mon, &mon->control);
	if (!err)
		err = worker_start(mon, &mon->containers);
	if (!err)
		err = worker_start(mon, &mon->disk);
	if (!err)
		err = tamper_begin(mon);
	return err ? err : engine_begin(mon);
}

static int begin(struct monitor *mon)
{
	int err = take_lock(mon);

	if (err == -EWOULDBLOCK)
		return base_fail(EXIT_NO, "another monitor runs", base_run_dir(),
				 "one daemon is enough for all guards: stop it first");
	mon->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!err)
		err = mon->epoll < 0 ? -errno : open_sources(mon);
	if (err)
		return base_fail(EXIT_NO, "monitor", strerror(-err), NULL);
	return 0;
}

/*
 * Leases stay as they are: a restart within the lease makes no gap, and without one they run out.
 * Threads that wait for somebody end with the process.
 */
int monitor_run(bool once)
{
	struct monitor mon = { .once = once, .epoll = -1, .lock_fd = -1 };
	int code;

	setlinebuf(stderr);
	setpriority(PRIO_PROCESS, 0, -10); /* a busy host is no reason for a late deny */
	mon.timer.fd = mon.signals.fd = mon.host_watch.fd = mon.run_watch.fd = -1;
	mon.engine_news.fd = -1;
	code = begin(&mon);
	if (code)
		return code;
	mon.clock_gap_ns = (int64_t)(base_now_ns(CLOCK_BOOTTIME) - base_now_ns(CLOCK_MONOTONIC));
	stop_load(&mon);
	mon.reload = true;
	config_refresh(&mon);
	note(&mon, "monitor_start", NULL,
	     json_pack("{s:i, s:s}", "pid", getpid(), "version", BPFGUARD_VERSION));
	state_write(&mon);
	tell_systemd("READY=1");
	loop(&mon);
	tell_systemd("STOPPING=1");
	monitor_audit_append("monitor_stop", NULL, NULL);
	state_write(&mon);
	worker_stop(&mon, &mon.tunnels);
	worker_stop(&mon, &mon.engine);
	worker_stop(&mon, &mon.control);
	worker_stop(&mon, &mon.containers);
	worker_stop(&mon, &mon.disk);
	worker_stop(&mon, &mon.tamper.worker);
	fflush(NULL);
	_exit(EXIT_YES);
}
