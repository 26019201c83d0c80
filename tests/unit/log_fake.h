/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For tests of `bpfguard log`: a ring in memory shared by all processes of a test, in place of the
 * kernel's, and those processes. Like the kernel's ring it keeps what nobody took.
 */
#ifndef BPFGUARD_TESTS_LOG_FAKE_H
#define BPFGUARD_TESTS_LOG_FAKE_H

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#include "base/base.h"
#include "cli/cli.h"
#include "cli/log.h"
#include "events/events.h"

#define FAKE_SIZE 4096
#define WAIT_MS	  10000

struct fake {
	bool present;
	unsigned int mays, stream, version, consumers, closed, flushes, flushes_all;
	int flush_err;
	uint64_t seq, head, tail;
	uint64_t folded; /* becomes an event at the next flush */
	int fd;
	struct bg_event ev[FAKE_SIZE];
};

static struct fake *fake;
static char fake_dir[64], fake_run[80], fake_log[80];

/* ---- the source ---- */
struct loader_ring {
	loader_event_fn fn;
	void *ctx;
};

static void fake_put(uint64_t seq, uint64_t count)
{
	struct bg_event *ev = &fake->ev[fake->head % FAKE_SIZE];

	*ev = (struct bg_event){
		.seq = seq,
		.ts_ns = base_now_ns(CLOCK_BOOTTIME),
		.count = count,
		.kind = BG_EVENT_DENIED,
		.tgid = 0x7ffffff0, /* nobody: process numbers end before */
		.comm = "curl",
		.guard = "vpn",
		.reason = BG_R_NEXT_HOP,
		.hook = BG_HOOK_EGRESS,
		.flow = { .family = 4,
			  .proto = IPPROTO_TCP,
			  .hook = BG_HOOK_EGRESS,
			  .flags = BG_F_PORTS,
			  .dport = (uint16_t)seq,
			  .daddr = { 0x01010101 } },
	};
	fake->head++;
}

static void fake_event(void)
{
	fake_put(++fake->seq, 1);
	eventfd_write(fake->fd, 1);
}

static void fake_events(unsigned int n)
{
	while (n--)
		fake_event();
}

/* Events that found the ring full. */
static inline void fake_lose(unsigned int n)
{
	fake->seq += n;
}

static bool fake_may(void)
{
	return true;
}

static int fake_stream(char *ret, size_t size)
{
	if (!fake->present)
		return -ENOENT;
	snprintf(ret, size, "stream-%u", fake->stream);
	return 0;
}

static uint64_t fake_version(void)
{
	return fake->version;
}

static int fake_open(loader_event_fn fn, void *ctx, struct loader_ring **ret)
{
	struct loader_ring *r = calloc(1, sizeof(*r));

	r->fn = fn;
	r->ctx = ctx;
	__sync_fetch_and_add(&fake->consumers, 1);
	*ret = r;
	return 0;
}

static int fake_fd(const struct loader_ring *r)
{
	(void)r;
	return fake->fd;
}

static int fake_consume(struct loader_ring *r)
{
	eventfd_t n;
	int taken = 0;

	eventfd_read(fake->fd, &n);
	for (; fake->tail < fake->head; fake->tail++, taken++)
		r->fn(&fake->ev[fake->tail % FAKE_SIZE], sizeof(fake->ev[0]), r->ctx);
	return taken;
}

static int fake_flush(struct loader_ring *r, bool all)
{
	uint64_t n = fake->folded;

	(void)r;
	fake->flushes++;
	fake->flushes_all += all;
	if (fake->flush_err)
		return fake->flush_err;
	fake->folded = 0;
	if (n)
		fake_put(++fake->seq, n);
	return 0;
}

static void fake_free(struct loader_ring *r)
{
	__sync_fetch_and_add(&fake->closed, 1);
	free(r);
}

static const struct log_source fake_source = {
	.may = fake_may,
	.stream = fake_stream,
	.version = fake_version,
	.open = fake_open,
	.fd = fake_fd,
	.consume = fake_consume,
	.flush = fake_flush,
	.free = fake_free,
};

/* ---- processes ---- */
struct proc {
	pid_t pid;
	int out, err;
	size_t len;
	char buf[16384];
};

static struct log_options fake_options(void)
{
	return (struct log_options){
		.lines = UINT64_MAX,
		.max_size = 16u << 20,
		.keep = 5,
		.json = true,
		.run_dir = fake_run,
		.log_dir = fake_log,
		.source = &fake_source,
	};
}

/* `before` runs in the child; NULL: nothing. */
static struct proc *start(const struct log_options *o, void (*before)(void))
{
	struct proc *p = calloc(1, sizeof(*p));
	int out[2], err[2];

	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(pipe2(err, O_CLOEXEC), 0);
	fflush(NULL);
	p->pid = fork();
	assert_true(p->pid >= 0);
	if (p->pid == 0) {
		struct log_options mine = *o;

		prctl(PR_SET_PDEATHSIG, SIGKILL); /* no test leaves a process behind */
		dup2(err[1], 2);
		/* Nothing of the others' pipes, or they would never see their end. */
		for (int fd = 3; fd < 256; fd++) {
			if (fd != out[1] && fd != fake->fd)
				close(fd);
		}
		if (before)
			before();
		mine.out = fdopen(out[1], "w");
		_exit(log_run(&mine));
	}
	close(out[1]);
	close(err[1]);
	p->out = out[0];
	p->err = err[0];
	return p;
}

/* The next line of what it prints; fails the test when none comes. Valid until the next call. */
static const char *next_line(struct proc *p)
{
	static char line[8192];

	for (;;) {
		struct pollfd pfd = { .fd = p->out, .events = POLLIN };
		char *nl = memchr(p->buf, '\n', p->len);
		ssize_t n;

		if (nl) {
			size_t len = (size_t)(nl - p->buf);

			memcpy(line, p->buf, len);
			line[len] = '\0';
			p->len -= len + 1;
			memmove(p->buf, nl + 1, p->len);
			return line;
		}
		if (poll(&pfd, 1, WAIT_MS) != 1)
			fail_msg("no line came");
		n = read(p->out, p->buf + p->len, sizeof(p->buf) - p->len);
		if (n <= 0)
			fail_msg("the output ended");
		p->len += (size_t)n;
	}
}

static void expect(struct proc *p, uint64_t seq, uint64_t lost)
{
	const char *line = next_line(p);
	struct events_record r;

	if (events_parse_json(line, strlen(line), &r))
		fail_msg("no record: %s", line);
	if (r.seq != seq || r.lost != lost)
		fail_msg("seq %llu lost %llu came, expected %llu and %llu",
			 (unsigned long long)r.seq, (unsigned long long)r.lost,
			 (unsigned long long)seq, (unsigned long long)lost);
}

static void expect_all(struct proc *p, uint64_t from, uint64_t to)
{
	for (; from <= to; from++)
		expect(p, from, 0);
}

/* Waits for the end; what it said on stderr goes to `said` if given. Its exit code, or -signal. */
static int finish(struct proc *p, int sig, char *said, size_t size)
{
	size_t len = 0;
	ssize_t n;
	int status;

	if (sig)
		kill(p->pid, sig);
	while (said && len < size - 1 && (n = read(p->err, said + len, size - 1 - len)) > 0)
		len += (size_t)n;
	if (said)
		said[len] = '\0';
	assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
	close(p->out);
	close(p->err);
	free(p);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* Until another process has counted so far. */
static inline void wait_for(const unsigned int *count, unsigned int n)
{
	uint64_t until = base_now_ns(CLOCK_MONOTONIC) + WAIT_MS * 1000000ull;

	while (__atomic_load_n(count, __ATOMIC_ACQUIRE) < n) {
		if (base_now_ns(CLOCK_MONOTONIC) > until)
			fail_msg("waited in vain");
		poll(NULL, 0, 5);
	}
}

/* ---- set-up ---- */
static int fake_setup(void **state)
{
	(void)state;
	snprintf(fake_dir, sizeof(fake_dir), "/tmp/bpfguard-log-XXXXXX");
	if (!mkdtemp(fake_dir))
		return -1;
	snprintf(fake_run, sizeof(fake_run), "%s/run", fake_dir);
	snprintf(fake_log, sizeof(fake_log), "%s/log", fake_dir);
	fake = mmap(NULL, sizeof(*fake), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (fake == MAP_FAILED)
		return -1;
	fake->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	fake->present = true;
	fake->stream = 1;
	return 0;
}

static int fake_teardown(void **state)
{
	char command[128];

	(void)state;
	close(fake->fd);
	munmap(fake, sizeof(*fake));
	snprintf(command, sizeof(command), "rm -rf %s", fake_dir);
	return system(command) ? -1 : 0;
}

#endif /* BPFGUARD_TESTS_LOG_FAKE_H */
