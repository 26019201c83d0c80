/* SPDX-License-Identifier: GPL-2.0-only */
/* `bpfguard log`: reading and following. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "log_fake.h"

static struct proc *start_follow(void)
{
	struct log_options o = fake_options();

	o.follow = true;
	o.lines = 10;
	return start(&o, NULL);
}

/* Nothing is there: nothing is printed, and nothing is made. */
static void test_empty(void **state)
{
	struct log_options o = fake_options();
	struct proc *p;
	struct stat st;

	(void)state;
	fake->present = false;
	p = start(&o, NULL);
	assert_int_equal(read(p->out, p->buf, 1), 0);
	assert_int_equal(finish(p, 0, NULL, 0), EXIT_YES);
	assert_int_equal(stat(fake_log, &st), -1);
}

/* Without a service, `log` takes what the ring holds, unfinished bursts included. */
static void test_read(void **state)
{
	struct log_options o = fake_options();
	struct proc *p;

	(void)state;
	fake_events(20);
	fake->folded = 9;
	o.lines = 3;
	p = start(&o, NULL);
	expect_all(p, 19, 21);
	assert_int_equal(read(p->out, p->buf, 1), 0);
	assert_int_equal(finish(p, 0, NULL, 0), EXIT_YES);
	assert_int_equal(fake->tail, 21);
	/* filters come before the count of lines */
	o.filter.reason = BG_R_MARTIAN;
	p = start(&o, NULL);
	assert_int_equal(read(p->out, p->buf, 1), 0);
	assert_int_equal(finish(p, 0, NULL, 0), EXIT_YES);
	o.filter.reason = BG_R_NEXT_HOP;
	o.filter.since_ns = base_now_ns(CLOCK_REALTIME);
	p = start(&o, NULL);
	assert_int_equal(read(p->out, p->buf, 1), 0);
	assert_int_equal(finish(p, 0, NULL, 0), EXIT_YES);
	fake_event();
	p = start(&o, NULL);
	expect(p, 22, 0);
	assert_int_equal(finish(p, 0, NULL, 0), EXIT_YES);
}

static void test_text(void **state)
{
	struct log_options o = fake_options();
	struct proc *p;

	(void)state;
	fake_event();
	o.json = false;
	p = start(&o, NULL);
	assert_non_null(
		strstr(next_line(p), " DENY next_hop vpn (curl[2147483632]) -> 1.1.1.1:1/tcp"));
	assert_int_equal(finish(p, 0, NULL, 0), EXIT_YES);
}

/* Two followers see all, each once; when the one that collects dies, the other goes on. */
static void test_two_followers(void **state)
{
	struct proc *a, *b, *c;
	unsigned int consumers;

	(void)state;
	a = start_follow();
	fake_events(2);
	expect_all(a, 1, 2);	       /* so a has the lock */
	wait_for(&fake->consumers, 2); /* once for what was there, then for good */
	consumers = fake->consumers;
	b = start_follow();
	expect_all(b, 1, 2);
	fake_events(5);
	expect_all(a, 3, 7);
	expect_all(b, 3, 7);
	assert_int_equal(fake->consumers, consumers); /* b took nothing */
	assert_int_equal(finish(a, SIGKILL, NULL, 0), -SIGKILL);
	fake_events(3);
	expect_all(b, 8, 10); /* b took over */
	assert_int_equal(fake->consumers, consumers + 1);
	c = start_follow();
	expect_all(c, 1, 10);
	fake_lose(1);
	fake_event();
	expect(b, 12, 1);
	expect(c, 12, 1);
	assert_int_equal(finish(b, SIGTERM, NULL, 0), EXIT_YES);
	fake_event();
	expect(c, 13, 0);
	assert_int_equal(finish(c, SIGINT, NULL, 0), EXIT_YES);
}

/* What comes between the last look at the file and the taking over is not lost, nor shown twice. */
static void test_follow_service(void **state)
{
	struct log_options o = fake_options();
	struct proc *service, *f;

	(void)state;
	o.collect = true;
	service = start(&o, NULL);
	fake_event();
	expect(service, 1, 0);
	f = start_follow();
	expect(f, 1, 0);
	for (unsigned int i = 2; i < 200; i++) {
		fake_event();
		if (i == 150)
			assert_int_equal(finish(service, SIGTERM, NULL, 0), EXIT_YES);
		expect(f, i, 0);
	}
	assert_int_equal(finish(f, SIGTERM, NULL, 0), EXIT_YES);
}

static void test_reader_gone(void **state)
{
	struct log_options o = fake_options();
	struct proc *a = start_follow(), *b, *service;
	char said[500];

	(void)state;
	fake_event();
	expect(a, 1, 0);
	b = start_follow();
	expect(b, 1, 0);
	close(a->out); /* the collector's, then the follower's */
	a->out = -1;
	assert_int_equal(finish(a, 0, said, sizeof(said)), EXIT_YES);
	assert_string_equal(said, "");
	close(b->out);
	b->out = -1;
	assert_int_equal(finish(b, 0, said, sizeof(said)), EXIT_YES);
	assert_string_equal(said, "");
	/* A service goes on. */
	o.collect = true;
	service = start(&o, NULL);
	fake_event();
	expect(service, 2, 0);
	close(service->out);
	service->out = -1;
	b = start_follow();
	expect_all(b, 1, 2);
	fake_events(2);
	expect_all(b, 3, 4);
	assert_int_equal(finish(service, SIGTERM, NULL, 0), EXIT_YES);
	assert_int_equal(finish(b, SIGTERM, NULL, 0), EXIT_YES);
}

static bool may_not(void)
{
	__atomic_add_fetch(&fake->mays, 1, __ATOMIC_RELEASE);
	return false;
}

/* The directory comes after the follower. */
static void test_follow_early(void **state)
{
	struct log_source blind = fake_source;
	struct log_options o = fake_options();
	struct proc *f, *service;

	(void)state;
	blind.may = may_not;
	o.follow = true;
	o.source = &blind;
	f = start(&o, NULL);
	wait_for(&fake->mays, 2); /* for what was there, then to follow: it hears signals now */
	o = fake_options();
	o.collect = true;
	service = start(&o, NULL);
	fake_events(3);
	expect_all(service, 1, 3);
	expect_all(f, 1, 3);
	assert_int_equal(finish(f, SIGTERM, NULL, 0), EXIT_YES);
	assert_int_equal(finish(service, SIGTERM, NULL, 0), EXIT_YES);
	/* and who may not collect is told so */
	o.source = &blind;
	f = start(&o, NULL);
	assert_int_equal(finish(f, 0, NULL, 0), EXIT_PERMISSION);
}

static void test_output_full(void **state)
{
	struct log_options o = fake_options();
	pid_t pid;
	int status;

	(void)state;
	fake_event();
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, 2);
		o.out = fopen("/dev/full", "w");
		_exit(log_run(&o));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EXIT_NO);
}

/* With the journal on stdout, each line has a priority. */
static void pretend_journal(void)
{
	struct stat st;
	char value[64];

	/* The first pipe of ours is the one that becomes its output. */
	for (int fd = 3; fd < 64; fd++) {
		if (fstat(fd, &st) || !S_ISFIFO(st.st_mode))
			continue;
		snprintf(value, sizeof(value), "%llu:%llu", (unsigned long long)st.st_dev,
			 (unsigned long long)st.st_ino);
		setenv("JOURNAL_STREAM", value, 1);
		return;
	}
}

static void test_journal(void **state)
{
	struct log_options o = fake_options();
	struct proc *p;

	(void)state;
	fake_event();
	o.collect = true;
	o.json = false;
	p = start(&o, pretend_journal);
	assert_int_equal(strncmp(next_line(p), "<4>20", 5), 0);
	assert_int_equal(finish(p, SIGTERM, NULL, 0), EXIT_YES);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fake_setup, fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_empty),	  TEST(test_read),	     TEST(test_text),
		TEST(test_two_followers), TEST(test_follow_service), TEST(test_reader_gone),
		TEST(test_follow_early),  TEST(test_output_full),    TEST(test_journal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
