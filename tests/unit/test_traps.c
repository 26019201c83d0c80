// SPDX-License-Identifier: GPL-2.0-only
/* Which kernels lose cgroup2 socket matching to net_cls, by their own names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loader/traps.h"

#define V1(what) "31 25 0:27 / /sys/fs/cgroup/x rw,nosuid - cgroup cgroup rw," what "\n"
#define V2	 "30 25 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate\n"

static void test_net_cls(void **state)
{
	static const char *const old[] = { "5.10.0-32-amd64", "5.15.99", "4.19.0",
					   "5.4.0-1-generic" };
	static const char *const fixed[] = { "5.16.0", "5.16.0-rc1", "6.1.0-10-amd64", "10.0.1" };
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		assert_true(loader_net_cls_matters(old[i], V2 V1("net_cls")));
		assert_true(loader_net_cls_matters(old[i], V1("net_cls,net_prio") V2));
		assert_true(loader_net_cls_matters(old[i], V1("net_prio")));
		assert_false(loader_net_cls_matters(old[i], V1("cpuset") V2));
		assert_false(loader_net_cls_matters(fixed[i], V1("net_cls,net_prio") V2));
	}
	assert_false(loader_net_cls_matters("unknown", V1("net_cls")));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_net_cls) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
