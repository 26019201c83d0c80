// SPDX-License-Identifier: GPL-2.0-only
/* Room events: records that two CPUs numbered crosswise, and gaps. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "events/order.h"

/* ---- order and losses ---- */
struct seen {
	size_t n;
	char text[4096];
};

static void on_record(struct events_record *r, void *ctx)
{
	struct seen *s = ctx;
	size_t at = strlen(s->text);

	s->n++;
	snprintf(s->text + at, sizeof(s->text) - at, r->lost ? "%llu-%llu " : "%llu ",
		 (unsigned long long)r->seq, (unsigned long long)r->lost);
}

static void push(struct events_order *o, uint64_t seq, uint64_t now)
{
	struct events_record r = { .seq = seq, .lost = 999 };

	events_order_push(o, &r, now);
}

static void test_order(void **state)
{
	struct seen s = { 0 };
	struct events_order o;

	(void)state;
	events_order_init(&o, 1, on_record, &s);
	push(&o, 1, 0);
	push(&o, 3, 0); /* crosswise */
	push(&o, 5, 0);
	assert_string_equal(s.text, "1 ");
	assert_int_equal(events_order_due(&o, 10), EVENTS_HELD_WAIT_NS - 10);
	events_order_settle(&o, EVENTS_HELD_WAIT_NS - 1, false);
	assert_string_equal(s.text, "1 ");
	push(&o, 2, 10);
	push(&o, 4, 10);
	assert_string_equal(s.text, "1 2 3 4 5 ");
	assert_int_equal(events_order_due(&o, 10), UINT64_MAX);
	assert_int_equal(o.lost, 0);
	/* gaps: believed after a while, counted exactly */
	push(&o, 9, 100);
	push(&o, 11, 200);
	events_order_settle(&o, 100 + EVENTS_HELD_WAIT_NS, false);
	assert_string_equal(s.text, "1 2 3 4 5 9-3 11-1 ");
	assert_int_equal(o.lost, 4);
	/* later than we waited: shown, without a second account; and one without a number */
	push(&o, 10, 300);
	push(&o, 0, 300);
	assert_string_equal(s.text, "1 2 3 4 5 9-3 11-1 10 0 ");
	push(&o, 14, 400);
	push(&o, 14, 400); /* twice the same number: no event is swallowed */
	events_order_settle(&o, 400, true);
	assert_string_equal(s.text, "1 2 3 4 5 9-3 11-1 10 0 14 14-2 ");
}

/* However many wait behind a gap, memory stays bounded and the sums are right. */
static void test_order_full(void **state)
{
	struct seen s = { 0 };
	struct events_order o;

	(void)state;
	events_order_init(&o, 1, on_record, &s);
	for (uint64_t seq = 2; seq <= 2000; seq += 2)
		push(&o, seq, 0);
	assert_in_range(o.n, 1, EVENTS_HELD_MAX - 1);
	events_order_settle(&o, 0, true);
	assert_int_equal(s.n, 1000);
	assert_int_equal(o.lost, 1000);
	assert_int_equal(o.next, 2001);
}
int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_order_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
