// SPDX-License-Identifier: GPL-2.0-only
/* The audit trail: what was changed is found, and a writer that died leaves no broken chain. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "monitor/monitor.h"

static char dir[64], path[96];

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/bg-audit-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/audit.jsonl", dir);
	setenv("BPFGUARD_LOG", dir, 1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	rmdir(dir);
	return 0;
}

static int verify(uint64_t *lines, uint64_t *bad)
{
	char why[160];

	return monitor_audit_verify(path, lines, bad, why, sizeof(why));
}

static void fill(int n)
{
	int i;

	for (i = 0; i < n; i++)
		assert_int_equal(monitor_audit_append("state", "vpn", "{\"to\": \"up\"}"), 0);
}

static void whole(void **state)
{
	uint64_t lines, bad;

	(void)state;
	fill(20);
	assert_int_equal(verify(&lines, &bad), 0);
	assert_int_equal(lines, 20);
}

/* Every byte of the file, changed: found, but for the hash of the last line, which nothing names.
 */
static void changed(void **state)
{
	uint64_t lines, bad;
	size_t len, i, last;
	char *text, *end;

	(void)state;
	fill(4);
	assert_int_equal(base_read_file(path, 1 << 20, &text, &len), 0);
	end = memrchr(text, '\n', len - 1);
	last = (size_t)(end + 1 - text);
	for (i = 0; i < last; i++) {
		int fd = open(path, O_WRONLY);
		char c = (char)(text[i] ^ 1);

		assert_int_equal(pwrite(fd, &c, 1, (off_t)i), 1);
		assert_int_equal(verify(&lines, &bad), -EBADMSG);
		assert_true(bad >= 1 && bad <= 4);
		assert_int_equal(pwrite(fd, &text[i], 1, (off_t)i), 1);
		close(fd);
	}
	assert_int_equal(verify(&lines, &bad), 0);
	free(text);
}

static void taken_out(void **state)
{
	uint64_t lines, bad;
	size_t len;
	char *text, *a, *b;
	FILE *f;

	(void)state;
	fill(5);
	assert_int_equal(base_read_file(path, 1 << 20, &text, &len), 0);
	a = strchr(text, '\n') + 1;
	b = strchr(a, '\n') + 1;
	f = fopen(path, "w");
	fwrite(text, 1, (size_t)(a - text), f);
	fwrite(b, 1, len - (size_t)(b - text), f);
	fclose(f);
	assert_int_equal(verify(&lines, &bad), -EBADMSG);
	assert_int_equal(bad, 2);
	free(text);
}

static void torn(void **state)
{
	uint64_t lines, bad;
	struct stat st;

	(void)state;
	fill(3);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(truncate(path, st.st_size - 7), 0);
	assert_int_equal(verify(&lines, &bad), -EBADMSG);
	fill(1);
	assert_int_equal(verify(&lines, &bad), 0);
	assert_int_equal(lines, 4); /* two, what was removed, one */
}

static void many_writers(void **state)
{
	uint64_t lines, bad;
	int i, status;

	(void)state;
	for (i = 0; i < 4; i++)
		if (fork() == 0) {
			int k, err = 0;

			for (k = 0; k < 25; k++)
				err |= monitor_audit_append("state", "vpn", NULL);
			_exit(err != 0);
		}
	for (i = 0; i < 4; i++) {
		wait(&status);
		assert_int_equal(status, 0);
	}
	assert_int_equal(verify(&lines, &bad), 0);
	assert_int_equal(lines, 100);
}

static void cannot_write(void **state)
{
	(void)state;
	setenv("BPFGUARD_LOG", "/proc/no/such", 1);
	assert_int_not_equal(monitor_audit_append("state", "vpn", NULL), 0);
	setenv("BPFGUARD_LOG", dir, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(whole, setup, teardown),
		cmocka_unit_test_setup_teardown(changed, setup, teardown),
		cmocka_unit_test_setup_teardown(taken_out, setup, teardown),
		cmocka_unit_test_setup_teardown(torn, setup, teardown),
		cmocka_unit_test_setup_teardown(many_writers, setup, teardown),
		cmocka_unit_test_setup_teardown(cannot_write, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
