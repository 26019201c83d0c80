/* SPDX-License-Identifier: GPL-2.0-only */
/* `bpfguard log`: collecting, losses, restarts, trouble with the file. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "log_fake.h"

static struct proc *start_collect(void)
{
	struct log_options o = fake_options();

	o.collect = true;
	return start(&o, NULL);
}

/* What `bpfguard log --json` prints. */
static struct proc *start_read(void)
{
	struct log_options o = fake_options();

	return start(&o, NULL);
}

static void path_in_log(char *buf, size_t size, const char *name)
{
	snprintf(buf, size, "%s/%s", fake_log, name);
}

/* The file holds exactly these numbers, none lost. */
static void check_file(uint64_t from, uint64_t to)
{
	struct proc *p = start_read();

	expect_all(p, from, to);
	assert_int_equal(read(p->out, p->buf, 1), 0); /* and no more */
	assert_int_equal(finish(p, 0, NULL, 0), EXIT_YES);
}

static void test_collect(void **state)
{
	struct proc *p;

	(void)state;
	fake_events(2); /* while nobody reads */
	p = start_collect();
	expect_all(p, 1, 2);
	fake_events(3);
	expect_all(p, 3, 5);
	fake_lose(4);
	fake_event();
	expect(p, 10, 4);
	fake->folded = 77; /* by the timer */
	expect(p, 11, 0);
	fake->folded = 5; /* or by the end */
	assert_int_equal(finish(p, SIGTERM, NULL, 0), EXIT_YES);
	p = start_read();
	expect_all(p, 1, 5);
	expect(p, 10, 4);
	assert_non_null(strstr(next_line(p), "\"count\":77,"));
	assert_non_null(strstr(next_line(p), "\"count\":5,"));
	assert_int_equal(finish(p, 0, NULL, 0), EXIT_YES);
	assert_true(fake->flushes_all >= 1);
}

static void test_crosswise(void **state)
{
	struct proc *p;

	(void)state;
	fake_put(2, 1);
	fake_put(1, 1);
	fake_put(3, 1);
	fake->seq = 3;
	p = start_collect();
	expect_all(p, 1, 3);
	assert_int_equal(finish(p, SIGINT, NULL, 0), EXIT_YES);
	check_file(1, 3);
}

static void test_second_collector(void **state)
{
	struct proc *p = start_collect(), *q;
	char said[500], want[100];

	(void)state;
	fake_event();
	expect(p, 1, 0);
	q = start_collect();
	snprintf(want, sizeof(want), "pid %d (bpfguard log --collect)", p->pid);
	assert_int_equal(finish(q, 0, said, sizeof(said)), EXIT_NO);
	assert_non_null(strstr(said, want));
	assert_int_equal(finish(p, SIGTERM, NULL, 0), EXIT_YES);
}

static void test_killed(void **state)
{
	struct proc *p = start_collect();

	(void)state;
	fake_events(3);
	expect_all(p, 1, 3);
	fake_lose(1);
	assert_int_equal(finish(p, SIGKILL, NULL, 0), -SIGKILL);
	fake_lose(2);
	fake_event();
	p = start_collect();
	expect(p, 7, 3); /* what was lost while it was dead, no more and no less */
	assert_int_equal(finish(p, SIGTERM, NULL, 0), EXIT_YES);
}

/* Killed between the lines and the state: the lines count. */
static void test_killed_before_state(void **state)
{
	struct proc *p = start_collect();
	char path[128], *old;
	size_t len;
	int fd;

	(void)state;
	fake_event();
	expect(p, 1, 0);
	assert_int_equal(finish(p, SIGTERM, NULL, 0), EXIT_YES);
	snprintf(path, sizeof(path), "%s/log.state", fake_run);
	assert_int_equal(base_read_file(path, 1000, &old, &len), 0);
	p = start_collect();
	fake_events(3);
	expect_all(p, 2, 4);
	assert_int_equal(finish(p, SIGKILL, NULL, 0), -SIGKILL);
	fd = open(path, O_WRONLY | O_TRUNC);
	assert_int_equal(base_write_all(fd, old, len), 0);
	close(fd);
	free(old);
	fake_event();
	p = start_collect();
	expect(p, 5, 0);
	assert_int_equal(finish(p, SIGTERM, NULL, 0), EXIT_YES);
	check_file(1, 5);
}

/* A half line, as a power cut leaves it, costs that line and no other. */
static void test_half_line(void **state)
{
	struct proc *p = start_collect();
	char path[128];
	int fd;

	(void)state;
	fake_event();
	expect(p, 1, 0);
	assert_int_equal(finish(p, SIGTERM, NULL, 0), EXIT_YES);
	path_in_log(path, sizeof(path), "denied.jsonl");
	fd = open(path, O_WRONLY | O_APPEND);
	assert_int_equal(base_write_all(fd, "{\"schema\":1,\"ts", 15), 0);
	close(fd);
	fake_event();
	check_file(1, 2);
}

/* Unload and load: numbers begin anew, which is no loss; nor is anything lost of the old ring. */
static void test_reload(void **state)
{
	struct proc *p = start_collect();

	(void)state;
	fake_events(5);
	expect_all(p, 1, 5);
	fake->present = false;
	wait_for(&fake->closed, 1);
	fake->seq = 0;
	fake->stream = 2;
	fake->present = true;
	fake_events(2);
	expect_all(p, 1, 2);
	assert_int_equal(finish(p, SIGTERM, NULL, 0), EXIT_YES);
	/* and across a restart */
	fake->seq = 0;
	fake->stream = 3;
	fake_lose(1);
	fake_event();
	p = start_collect();
	expect(p, 2, 1);
	/* the same ring opened again because its neighbours changed: goes on */
	fake->version++;
	fake_event();
	expect(p, 3, 0);
	wait_for(&fake->consumers, 4);
	fake_event();
	expect(p, 4, 0);
	assert_int_equal(finish(p, SIGTERM, NULL, 0), EXIT_YES);
}

static void test_waits_for_ring(void **state)
{
	struct proc *p;

	(void)state;
	fake->present = false;
	p = start_collect();
	fake_events(2);
	fake->present = true;
	expect_all(p, 1, 2);
	fake->flush_err = -EOPNOTSUPP;
	fake_event();
	expect(p, 3, 0);
	assert_int_equal(finish(p, SIGTERM, NULL, 0), EXIT_YES);
}

static void test_undecodable(void **state)
{
	struct proc *p;
	char said[500];

	(void)state;
	fake_events(2);
	fake->ev[0].kind = 99;
	p = start_collect();
	expect(p, 2, 1);
	assert_int_equal(finish(p, SIGTERM, said, sizeof(said)), EXIT_YES);
	assert_non_null(strstr(said, "1 events could not be decoded"));
}

static void test_sighup(void **state)
{
	struct proc *p = start_collect();
	char path[128], moved[128];
	struct stat st;

	(void)state;
	fake_events(2);
	expect_all(p, 1, 2);
	path_in_log(path, sizeof(path), "denied.jsonl");
	path_in_log(moved, sizeof(moved), "elsewhere");
	assert_int_equal(rename(path, moved), 0);
	kill(p->pid, SIGHUP);
	fake_event();
	expect(p, 3, 0);
	assert_int_equal(finish(p, SIGTERM, NULL, 0), EXIT_YES);
	check_file(3, 3);
	assert_int_equal(stat(moved, &st), 0);
	assert_true(st.st_size > 0);
	assert_int_equal(st.st_mode & 07777, 0640);
}

static void test_rotation(void **state)
{
	struct log_options o = fake_options();
	struct proc *p, *q;
	char path[128];
	struct stat st;

	(void)state;
	o.collect = true;
	o.max_size = 4096;
	o.keep = 3;
	p = start(&o, NULL);
	wait_for(&fake->consumers, 1);
	o = fake_options();
	o.follow = true;
	q = start(&o, NULL);
	for (unsigned int i = 1; i <= 100; i++) {
		fake_event();
		expect(p, i, 0);
		expect(q, i, 0); /* over every rotation */
	}
	assert_int_equal(finish(p, SIGTERM, NULL, 0), EXIT_YES);
	assert_int_equal(finish(q, SIGTERM, NULL, 0), EXIT_YES);
	path_in_log(path, sizeof(path), "denied.jsonl.3");
	assert_int_equal(stat(path, &st), 0);
	assert_in_range(st.st_size, 3000, 4096);
	path_in_log(path, sizeof(path), "denied.jsonl.4");
	assert_int_equal(stat(path, &st), -1);
	/* what is kept is read in order, to the last */
	p = start_read();
	{
		const char *line = next_line(p);
		struct events_record r;

		assert_int_equal(events_parse_json(line, strlen(line), &r), 0);
		assert_in_range(r.seq, 50, 90);
		expect_all(p, r.seq + 1, 100);
	}
	assert_int_equal(finish(p, 0, NULL, 0), EXIT_YES);
}

/* ---- a file that cannot grow ---- */
#define NOT_WRITTEN "\"notice\":\"not_written\",\"records\":"

static void limit_file(void)
{
	setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 2000, 2000 });
}

static void test_file_limit(void **state)
{
	struct log_options o = fake_options();
	char said[2000];
	struct proc *p;
	unsigned int written = 0;

	(void)state;
	o.collect = true;
	p = start(&o, limit_file);
	fake_events(20);
	expect_all(p, 1, 20); /* seen all the same */
	assert_int_equal(finish(p, SIGTERM, said, sizeof(said)), EXIT_YES);
	assert_non_null(strstr(said, "cannot write "));
	assert_non_null(strstr(said, "File too large"));
	/* said once, not once a record */
	assert_null(strstr(strstr(said, "cannot write ") + 1, "cannot write "));
	/* The next collector knows how many are missing. */
	fake_event();
	p = start_read();
	for (;;) {
		const char *line = next_line(p), *at = strstr(line, NOT_WRITTEN);

		if (at) {
			assert_int_equal(strtoul(at + strlen(NOT_WRITTEN), NULL, 10), 20 - written);
			break;
		}
		written++;
	}
	expect(p, 21, 0);
	assert_int_equal(finish(p, 0, NULL, 0), EXIT_YES);
}

static void mount_small(void)
{
	if (mkdir(fake_log, 0755) || mount("none", fake_log, "tmpfs", 0, "size=8k"))
		_exit(99);
}

/* A full disk that gets room again: 4 KiB of ballast next to 4 KiB for the log. */
static void test_disk_full(void **state)
{
	struct log_options o = fake_options();
	char ballast[160], path[160], said[2000], filler[4096] = { 0 }, *text;
	unsigned int seen = 0, lines = 0, notices = 0;
	unsigned long not_written = 0;
	struct proc *p;
	size_t len;
	int fd;

	(void)state;
	if (geteuid() != 0 || unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		skip();
	mount_small();
	path_in_log(ballast, sizeof(ballast), "ballast");
	fd = open(ballast, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(base_write_all(fd, filler, sizeof(filler)), 0);
	close(fd);
	o.collect = true;
	p = start(&o, NULL);
	for (; seen < 30; seen++) {
		fake_event();
		expect(p, seen + 1, 0);
	}
	assert_int_equal(unlink(ballast), 0);
	fake_event();
	expect(p, 31, 0);
	assert_int_equal(finish(p, SIGTERM, said, sizeof(said)), EXIT_YES);
	assert_non_null(strstr(said, "No space left on device"));
	assert_non_null(strstr(said, "can be written again"));
	path_in_log(path, sizeof(path), "denied.jsonl");
	assert_int_equal(base_read_file(path, 100000, &text, &len), 0);
	for (char *at = text; (at = strstr(at, NOT_WRITTEN)); notices++) {
		at += strlen(NOT_WRITTEN);
		not_written += strtoul(at, NULL, 10);
	}
	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	/* every record is in the file or in the account: 31, and the notice's own line */
	assert_int_equal(notices, 1);
	assert_int_equal(lines - notices + not_written, 31);
	assert_in_range(not_written, 15, 28);
	free(text);
	assert_int_equal(umount(fake_log), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fake_setup, fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_collect),
		TEST(test_crosswise),
		TEST(test_second_collector),
		TEST(test_killed),
		TEST(test_killed_before_state),
		TEST(test_half_line),
		TEST(test_reload),
		TEST(test_waits_for_ring),
		TEST(test_undecodable),
		TEST(test_sighup),
		TEST(test_rotation),
		TEST(test_file_limit),
		TEST(test_disk_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
