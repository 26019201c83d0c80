// SPDX-License-Identifier: GPL-2.0-only
/* Room events: names of reasons and hooks, names in DNS questions. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "events/events.h"
#include "events/names.h"

static void test_names(void **state)
{
	unsigned int n_reasons = 0, got;

	(void)state;
	for (unsigned int i = 0; i < 300; i++) {
		const char *name = events_reason_name(i);

		if (!name) {
			assert_null(events_reason_text(i));
			continue;
		}
		n_reasons++;
		assert_int_equal(events_reason_parse(name, &got), 0);
		assert_int_equal(got, i);
		assert_true(events_reason_text(i)[0]);
		/* A denial tells what to do about it. */
		assert_int_equal(i >= BG_R_FIRST_DENY, events_reason_remedy(i) != NULL);
	}
	assert_int_equal(n_reasons, 34);
	assert_string_equal(events_reason_name(BG_R_NEXT_HOP), "next_hop");
	assert_string_equal(events_hook_name(BG_HOOK_EGRESS), "egress");
	assert_int_equal(events_hook_parse("sockops", &got), 0);
	assert_int_equal(got, BG_HOOK_SOCKOPS);
	/* every hook has a name, and each name is one hook's */
	for (unsigned int i = 1; i < BG_HOOK_LSM_END; i++) {
		assert_int_equal(events_hook_parse(events_hook_name(i), &got), 0);
		assert_int_equal(got, i);
	}
	assert_string_equal(events_hook_name(BG_HOOK_LSM_UNLINK), "lsm_inode_unlink");
	assert_null(events_hook_name(BG_HOOK_LSM_END));
	assert_null(events_hook_name(0));
	assert_null(events_hook_name(BG_HOOK_MAX));
	assert_int_equal(events_reason_parse("nexthop", &got), -ENOENT);
}

static void check_qname(const char *wire, size_t len, const char *want)
{
	char name[1024] = "untouched";
	int err = events_qname((const uint8_t *)wire, len, name, sizeof(name));

	assert_int_equal(err, want ? 0 : -EINVAL);
	assert_string_equal(name, want ? want : "untouched");
}
#define CHECK_QNAME(wire, want) check_qname(wire, sizeof(wire) - 1, want)

static void test_qname(void **state)
{
	char longest[256] = { 0 }, name[1024];

	(void)state;
	CHECK_QNAME("\3www\7example\3org\0", "www.example.org");
	CHECK_QNAME("\3www\7example\3org\0\0\1\0\1", "www.example.org"); /* type and class */
	CHECK_QNAME("\0", ".");
	CHECK_QNAME("\4a.b\\\0", "a\\x2eb\\x5c");
	CHECK_QNAME("\3\1\2 \0", "\\x01\\x02\\x20");
	CHECK_QNAME("\3\303\251x\0", "\303\251x");
	CHECK_QNAME("\1\377\0", "\\xff");
	CHECK_QNAME("", NULL);
	CHECK_QNAME("\3www", NULL);   /* no end */
	CHECK_QNAME("\4www\0", NULL); /* label longer than what is there */
	CHECK_QNAME("\300\14", NULL); /* compression pointer */
	CHECK_QNAME("\1a\300\0\0", NULL);
	/* The longest there is: 4 labels, every byte escaped. */
	for (int i = 0; i < 3; i++)
		longest[64 * i] = 63;
	longest[192] = 61;
	for (int i = 1; i < 254; i++)
		if (!longest[i])
			longest[i] = 1;
	longest[254] = 0;
	assert_int_equal(events_qname((uint8_t *)longest, 255, name, sizeof(name)), 0);
	assert_int_equal(strlen(name), 4 * (63 * 3 + 61) + 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_qname),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
