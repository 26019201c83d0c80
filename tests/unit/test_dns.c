// SPDX-License-Identifier: GPL-2.0-only
/* What the kernel takes for a query for one single-label name (bpf/dns.bpf.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include <linux/types.h>

#include "bpf/dns.bpf.h"

BG_INLINE bool bg_prefix_find(const struct bg_guard *g, __u32 slot, const struct bg_flow *f,
			      __u32 *line)
{
	(void)g, (void)slot, (void)f, (void)line;
	return false;
}

static void test_label_end(void **state)
{
	static const __u8 good[BG_DNS_HEAD] = { [5] = 1, [12] = 4 };
	static const struct {
		unsigned int at;
		__u8 byte;
	} bad[] = {
		{ 2, 0x80 }, { 4, 1 }, { 5, 0 }, { 5, 2 }, { 12, 0 }, { 12, 64 }, { 12, 0xc0 }
	};
	__u8 head[BG_DNS_HEAD];
	size_t i;

	(void)state;
	assert_int_equal(bg_dns_label_end(good), BG_DNS_HEAD + 4);
	memcpy(head, good, sizeof(head));
	head[12] = 63;
	assert_int_equal(bg_dns_label_end(head), BG_DNS_HEAD + 63);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memcpy(head, good, sizeof(head));
		head[bad[i].at] = bad[i].byte;
		assert_int_equal(bg_dns_label_end(head), 0);
	}
}

static void test_name_byte(void **state)
{
	static const char yes[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	__u32 c;

	(void)state;
	for (c = 0; c < 256; c++)
		assert_int_equal(bg_dns_is_name_byte(c), c && strchr(yes, (int)c) ? 1 : 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_label_end),
		cmocka_unit_test(test_name_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
