/* SPDX-License-Identifier: GPL-2.0-only */
/* Room base. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

#include "base/base.h"

#define S 1000000000ull

static void check_sha(const char *data, size_t len, const char *want_hex)
{
	uint8_t hash[32];
	char hex[65];

	base_sha256(data, len, hash);
	for (size_t i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", hash[i]);
	assert_string_equal(hex, want_hex);
}

/* The examples of FIPS 180-4's authors, and lengths on each side of the padding's steps. */
static void test_sha256(void **state)
{
	char a[1000];

	(void)state;
	memset(a, 'a', sizeof(a));
	check_sha("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	check_sha("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	check_sha("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
		  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	check_sha(a, 55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318");
	check_sha(a, 63, "7d3e74a05d7db15bce4ad9ec0658ea98e3f06eeecf16b4c6fff2da457ddc2f34");
	check_sha(a, 64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb");
	check_sha(a, 1000, "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3");
}

static void check_safe(const char *in, size_t len, const char *want)
{
	char out[128];

	assert_string_equal(base_sanitize(out, sizeof(out), in, len), want);
}
#define CHECK_SAFE(in, want) check_safe(in, sizeof(in) - 1, want)

static void test_sanitize(void **state)
{
	(void)state;
	CHECK_SAFE("plain text", "plain text");
	CHECK_SAFE("\033[31mred\n", "\\x1b[31mred\\x0a");
	CHECK_SAFE("a\0b\x7f", "a\\x00b\\x7f");
	CHECK_SAFE("na\xc3\xafve \xe2\x82\xac \xf0\x9f\x90\xa7",
		   "na\xc3\xafve \xe2\x82\xac \xf0\x9f\x90\xa7");
	CHECK_SAFE("\xc0\xaf", "\\xc0\\xaf");			/* overlong */
	CHECK_SAFE("\xed\xa0\x80", "\\xed\\xa0\\x80");		/* surrogate */
	CHECK_SAFE("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* above U+10FFFF */
	CHECK_SAFE("\xe2\x82", "\\xe2\\x82");			/* cut short */
	CHECK_SAFE("\xc2\x9b"
		   "31m",
		   "\\xc2\\x9b"
		   "31m"); /* CSI of 8-bit terminals */
	CHECK_SAFE("\xe2\x80\xae"
		   "gpj",
		   "\\xe2\\x80\\xae"
		   "gpj"); /* right-to-left override */
}

static void test_sanitize_cut(void **state)
{
	char out[6];

	(void)state;
	/* neither half an escape nor half a character */
	assert_string_equal(base_sanitize(out, sizeof(out), "ab\033", 3), "ab");
	assert_string_equal(base_sanitize(out, sizeof(out), "abcd\xc3\xa9", 6), "abcd");
	assert_string_equal(base_sanitize(out, sizeof(out), "abcdefgh", 8), "abcde");
	out[0] = 'x';
	base_sanitize(out, 0, "a", 1);
	assert_int_equal(out[0], 'x');
}

static void test_rfc3339(void **state)
{
	char buf[31];

	(void)state;
	assert_string_equal(base_rfc3339(buf, sizeof(buf), 0), "1970-01-01T00:00:00.000000000Z");
	assert_string_equal(base_rfc3339(buf, sizeof(buf), 951782400ull * S + 5),
			    "2000-02-29T00:00:00.000000005Z");
	assert_string_equal(base_rfc3339(buf, sizeof(buf), UINT64_MAX),
			    "2554-07-21T23:34:33.709551615Z");
}

static void check_time(const char *text, uint64_t want)
{
	uint64_t got = 1;

	if (base_parse_time(text, 1000000 * S, &got))
		fail_msg("refused: %s", text);
	if (got != want)
		fail_msg("%s: got %llu, want %llu", text, (unsigned long long)got,
			 (unsigned long long)want);
}

static void test_parse_time(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	check_time("now", 1000000 * S);
	check_time("45s", 999955 * S);
	check_time("2h30m", (1000000 - 9000) * S);
	check_time("1w2d", (1000000 - 9 * 86400) * S);
	check_time("500w", 0);
	check_time("1970-01-02", 86400 * S);
	check_time("1970-01-02 01:00", 90000 * S);
	check_time("1970-01-02T01:00:00Z", 90000 * S);
	check_time("1970-01-02T01:00:00.000000007Z", 90000 * S + 7);
	check_time("1970-01-02T01:00:00.5+01:00", 86400 * S + S / 2);
	check_time("1970-01-01T23:00:00-02:00", 90000 * S);
	check_time("2554-07-21T23:34:33.709551615Z", UINT64_MAX);
	check_time("today", 11 * 86400 * S);
	check_time("yesterday", 10 * 86400 * S);
	setenv("TZ", "XST-2", 1); /* two hours east */
	tzset();
	check_time("1970-01-02 02:00", 86400 * S);
	check_time("today", (11 * 86400 - 7200) * S);
}

static void test_parse_time_bad(void **state)
{
	static const char *const bad[] = {
		"",
		"x",
		"10",
		"10x",
		"m",
		"5m1h",
		"1h1h",
		"-5m",
		" 5m",
		"5m ",
		"2026-02-29",
		"2026-13-01",
		"2026-1-1",
		"2026-01-01T",
		"2026-01-01T25:00",
		"2026-01-01T00:00:00.Z",
		"2026-01-01T00:00:00z1",
		"99999999999s",
		"2554-07-21T23:34:34Z",
		"2026-01-01T00:00:00+1:00",
		"1900-01-01",
	};
	uint64_t got = 42;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (base_parse_time(bad[i], 1000000 * S, &got) == 0)
			fail_msg("accepted: '%s'", bad[i]);
	}
	assert_int_not_equal(base_parse_time(NULL, 0, &got), 0);
	assert_int_equal(got, 42); /* untouched */
}

static void test_read_file(void **state)
{
	char path[] = "/tmp/bpfguard-test-XXXXXX", data[10000], *buf = NULL;
	int fd = mkstemp(path);
	size_t len = 0;

	(void)state;
	memset(data, 'd', sizeof(data));
	assert_true(fd >= 0);
	assert_int_equal(base_write_all(fd, data, sizeof(data)), 0);
	close(fd);
	assert_int_equal(base_read_file(path, sizeof(data) - 1, &buf, &len), -EFBIG);
	assert_null(buf);
	assert_int_equal(base_read_file(path, sizeof(data), &buf, &len), 0);
	assert_int_equal(len, sizeof(data));
	assert_memory_equal(buf, data, len);
	assert_int_equal(buf[len], 0);
	free(buf);
	unlink(path);
	buf = NULL;
	assert_int_equal(base_read_file(path, 10, &buf, &len), -ENOENT);
	assert_int_equal(base_read_file("/tmp", 10, &buf, &len), -EISDIR);
	assert_null(buf);
	/* no size in advance */
	assert_int_equal(base_read_file("/proc/self/stat", 65536, &buf, &len), 0);
	assert_true(len > 0);
	free(buf);
}

static void test_write_error(void **state)
{
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(base_write_all(fd, "x", 1), -ENOSPC);
	close(fd);
	assert_int_equal(base_write_all(fd, "x", 1), -EBADF);
}

static void test_paths(void **state)
{
	(void)state;
	unsetenv("BPFGUARD_RUN");
	assert_string_equal(base_run_dir(), "/run/bpfguard");
	setenv("BPFGUARD_RUN", "", 1);
	assert_string_equal(base_run_dir(), "/run/bpfguard");
	setenv("BPFGUARD_RUN", "/x", 1);
	assert_string_equal(base_run_dir(), "/x");
	unsetenv("BPFGUARD_RUN");
}

static void test_color(void **state)
{
	enum base_color c = COLOR_AUTO;
	FILE *f = fopen("/dev/null", "w");

	(void)state;
	assert_int_equal(base_color_parse("always", &c), 0);
	assert_int_equal(c, COLOR_ALWAYS);
	assert_int_equal(base_color_parse("sometimes", &c), -EINVAL);
	assert_int_equal(c, COLOR_ALWAYS);
	assert_true(base_color_on(COLOR_ALWAYS, f));
	assert_false(base_color_on(COLOR_NEVER, f));
	assert_false(base_color_on(COLOR_AUTO, f));
	fclose(f);
}

/* What a message looks like is a contract: `bpfguard: what: why (what to do)`. */
static void test_fail(void **state)
{
	char text[200];
	int saved = dup(2), p[2], code;
	ssize_t n;

	(void)state;
	assert_int_equal(pipe(p), 0);
	dup2(p[1], 2);
	code = base_fail(EXIT_KERNEL, "what", "why", "do");
	base_fail(1, "what", NULL, NULL);
	base_warn("n=%d", 5);
	dup2(saved, 2);
	close(saved);
	close(p[1]);
	n = read(p[0], text, sizeof(text) - 1);
	close(p[0]);
	assert_true(n > 0);
	text[n] = 0;
	assert_int_equal(code, EXIT_KERNEL);
	assert_string_equal(text, "bpfguard: what: why (do)\nbpfguard: what\nbpfguard: n=5\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sha256),	     cmocka_unit_test(test_sanitize),
		cmocka_unit_test(test_sanitize_cut), cmocka_unit_test(test_rfc3339),
		cmocka_unit_test(test_parse_time),   cmocka_unit_test(test_parse_time_bad),
		cmocka_unit_test(test_read_file),    cmocka_unit_test(test_write_error),
		cmocka_unit_test(test_paths),	     cmocka_unit_test(test_color),
		cmocka_unit_test(test_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
