// SPDX-License-Identifier: GPL-2.0-only
/* The small parsers of the policy room. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "policy/policy.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void test_addr(void **state)
{
	static const char *const bad[] = { "",		"1.2.3",	"1.2.3.4.5", "1.2.3.256",
					   "01.2.3.4",	" 1.2.3.4",	"1.2.3.4 ",  "1.2.3.4/32",
					   "0x1.2.3.4", "fe80::1%eth0", ":::",	     "1::2::3" };
	static const char *const same[] = { "1.2.3.4",	   "255.255.255.255", "::",	"::1",
					    "2001:db8::1", "::ffff:1.2.3.4",  "fe80::1" };
	struct policy_addr a = { .pos = { 7, 8 } };
	char buf[64];

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct policy_addr before = a;

		assert_int_equal(policy_addr_parse(bad[i], &a), -EINVAL);
		assert_memory_equal(&a, &before, sizeof(a));
	}
	for (size_t i = 0; i < COUNT(same); i++) {
		assert_int_equal(policy_addr_parse(same[i], &a), 0);
		assert_int_equal(a.family, strchr(same[i], ':') ? 6 : 4);
		assert_string_equal(policy_addr_format(&a, buf, sizeof(buf)), same[i]);
		assert_int_equal(a.pos.line, 7); /* left alone */
	}
	assert_int_equal(policy_addr_parse("2001:DB8:0:0::1", &a), 0);
	assert_string_equal(policy_addr_format(&a, buf, sizeof(buf)), "2001:db8::1");
	assert_int_equal(policy_addr_parse("10.20.30.40", &a), 0);
	assert_memory_equal(a.bytes, "\x0a\x14\x1e\x28\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	assert_string_equal(policy_addr_format(&a, buf, 4), ""); /* too small: nothing, not half */
}

static void test_prefix(void **state)
{
	static const char *const bad[] = { "",
					   "1.2.3.4",
					   "1.2.3.4/",
					   "1.2.3.4/33",
					   "1.2.3.4/-1",
					   "1.2.3.4/+8",
					   "1.2.3.4/08",
					   "1.2.3.4/8 ",
					   "1.2.3.4/8/8",
					   "/8",
					   "::/129",
					   "::1/4294967296",
					   "1.2.3.4/255.0.0.0",
					   "1111111111111111111111111111111111111111111111111/8" };
	static const struct {
		const char *text;
		int family, len;
	} good[] = { { "0.0.0.0/0", 4, 0 },	   { "10.0.0.0/8", 4, 8 }, { "1.2.3.4/32", 4, 32 },
		     { "10.1.2.3/8", 4, 8 },	   { "::/0", 6, 0 },	   { "fd00::/8", 6, 8 },
		     { "2001:db8::1/128", 6, 128 } };
	struct policy_prefix p = { .len = 77, .addr.pos = { 7, 8 } };

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct policy_prefix before = p;

		assert_int_equal(policy_prefix_parse(bad[i], &p), -EINVAL);
		assert_memory_equal(&p, &before, sizeof(p));
	}
	for (size_t i = 0; i < COUNT(good); i++) {
		assert_int_equal(policy_prefix_parse(good[i].text, &p), 0);
		assert_int_equal(p.addr.family, good[i].family);
		assert_int_equal(p.len, good[i].len);
		assert_int_equal(p.addr.pos.column, 8);
	}
}

static void test_target(void **state)
{
	static const struct {
		const char *text, *addr;
		int port, proto;
	} good[] = {
		{ "93.184.216.34:443/tcp", "93.184.216.34", 443, IPPROTO_TCP },
		{ "93.184.216.34:443", "93.184.216.34", 443, IPPROTO_TCP },
		{ "[2001:db8::1]:53/udp", "2001:db8::1", 53, IPPROTO_UDP },
		{ "[2001:db8::1]", "2001:db8::1", 0, IPPROTO_ICMPV6 },
		{ "[2001:db8::1]/icmp", "2001:db8::1", 0, IPPROTO_ICMPV6 },
		{ "2001:db8::1", "2001:db8::1", 0, IPPROTO_ICMPV6 },
		{ "2001:db8::1/tcp", "2001:db8::1", 0, IPPROTO_TCP },
		{ "1.1.1.1/icmp", "1.1.1.1", 0, IPPROTO_ICMP },
		{ "1.1.1.1", "1.1.1.1", 0, IPPROTO_ICMP },
		{ "1.1.1.1/gre", "1.1.1.1", 0, IPPROTO_GRE },
		{ "1.1.1.1/6", "1.1.1.1", 0, IPPROTO_TCP },
		{ "1.1.1.1:65535/17", "1.1.1.1", 65535, IPPROTO_UDP },
		{ "1.1.1.1/255", "1.1.1.1", 0, 255 },
		{ "1.1.1.1:1/sctp", "1.1.1.1", 1, IPPROTO_SCTP },
		{ "1.1.1.1:1/dccp", "1.1.1.1", 1, IPPROTO_DCCP },
		{ "1.1.1.1:1/udplite", "1.1.1.1", 1, IPPROTO_UDPLITE },
	};
	static const char *const bad[] = {
		"",
		"1.1.1.1:",
		"1.1.1.1:0",
		"1.1.1.1:65536",
		"1.1.1.1:080",
		"1.1.1.1:x",
		"1.1.1.1/",
		"1.1.1.1/256",
		"1.1.1.1/0",
		"1.1.1.1/TCP",
		"1.1.1.1:80/icmp",
		"1.1.1.1:80/gre",
		"1.1.1.1:80/icmpv6",
		"1.1.1.1:80/esp",
		"1.1.1.1:80/ah",
		"[1.1.1.1]:80",
		"[::1",
		"[::1]80",
		"[::1]:",
		"[::1]:0",
		"::1]:80",
		"[]:80",
		"example.org:80",
		"1.1.1.1/tcp/udp",
		"1.1.1.1 :80",
		"1.1.1.1:80/tcp ",
		":80",
		"[2001:db8::1]:53/udp                                                     ",
	};
	struct policy_addr a = { 0 };
	uint16_t port = 77;
	uint8_t proto = 78;
	char buf[64], any[128] = "";

	(void)state;
	for (size_t i = 0; i + 1 < sizeof(any); i++) { /* of each length, for the sanitizer */
		any[i] = '1';
		assert_int_equal(policy_target_parse(any, &a, &port, &proto), -EINVAL);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		if (policy_target_parse(bad[i], &a, &port, &proto) != -EINVAL)
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(a.family, 0);
		assert_int_equal(port, 77);
		assert_int_equal(proto, 78);
	}
	for (size_t i = 0; i < COUNT(good); i++) {
		if (policy_target_parse(good[i].text, &a, &port, &proto))
			fail_msg("refused: %s", good[i].text);
		assert_string_equal(policy_addr_format(&a, buf, sizeof(buf)), good[i].addr);
		assert_int_equal(port, good[i].port);
		assert_int_equal(proto, good[i].proto);
	}
}

static void test_cgroup_path(void **state)
{
	static const struct {
		const char *name, *path;
	} good[] = {
		{ "bpfguard.slice", "/bpfguard.slice" },
		{ "a-b.slice", "/a.slice/a-b.slice" },
		{ "a-b-c.slice", "/a.slice/a-b.slice/a-b-c.slice" },
		{ "a_b:c.d\\x2d.slice", "/a_b:c.d\\x2d.slice" },
		{ "/bpfguard", "/bpfguard" },
		{ "/a/b c/d", "/a/b c/d" },
		{ "/a-b.slice", "/a-b.slice" }, /* a path is taken as it is */
		{ "/...", "/..." },
	};
	static const char *const bad[] = { "",	       "/",	    "a",	  ".slice",
					   "-.slice",  "a/b.slice", "a--b.slice", "-a.slice",
					   "a-.slice", "/a/",	    "//a",	  "/a//b",
					   "/./a",     "/a/..",	    "/a/../b",	  "/a\nb",
					   "/a\x7f",   "/a\xff",    "a@b.slice",  "a.slices" };
	char buf[256] = "untouched", longer[300] = "/";

	(void)state;
	for (size_t i = 1; i < sizeof(longer) - 1; i++)
		longer[i] = i % 100 ? 'a' : '/';
	assert_int_equal(policy_cgroup_path(longer, buf, sizeof(buf)), -ENAMETOOLONG);
	for (size_t i = 0; i < COUNT(bad); i++) {
		if (policy_cgroup_path(bad[i], buf, sizeof(buf)) != -EINVAL)
			fail_msg("taken: %s", bad[i]);
		assert_string_equal(buf, "untouched");
	}
	assert_int_equal(policy_cgroup_path("a-b.slice", buf, 18), -ENAMETOOLONG);
	assert_string_equal(buf, "untouched");
	assert_int_equal(policy_cgroup_path("a-b.slice", buf, 19), 0);
	for (size_t i = 0; i < COUNT(good); i++) {
		assert_int_equal(policy_cgroup_path(good[i].name, buf, sizeof(buf)), 0);
		assert_string_equal(buf, good[i].path);
	}
}

/* A short name of many levels has a long path. */
static void test_cgroup_path_grows(void **state)
{
	char name[64] = "", buf[256];

	(void)state;
	for (int i = 0; i < 20; i++)
		strcat(name, i ? "-a" : "a");
	strcat(name, ".slice");
	assert_int_equal(policy_cgroup_path(name, buf, sizeof(buf)), -ENAMETOOLONG);
}

static void test_suggest(void **state)
{
	static const char *const words[] = { "name", "gateway", "kill_switch", "tests", "dns" };
	static const struct {
		const char *word, *near;
	} cases[] = {
		{ "nmae", "name" },
		{ "Name", "name" },
		{ "GATEWAY", "gateway" },
		{ "gatway", "gateway" },
		{ "gateways", "gateway" },
		{ "gate", "gateway" },
		{ "kill-switch", "kill_switch" },
		{ "killswitch", "kill_switch" },
		{ "test", "tests" },
		{ "dsn", "dns" },
		{ "zebra", NULL },
		{ "", NULL },
		{ "x", NULL },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL },
	};

	static const char *const longest = "abcdefghijklmnopqrstuvwxyz012345";

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *got = policy_suggest(cases[i].word, words, COUNT(words));

		if (!cases[i].near)
			assert_null(got);
		else if (!got || strcmp(got, cases[i].near))
			fail_msg("%s: %s", cases[i].word, got ? got : "(none)");
	}
	assert_null(policy_suggest("name", NULL, 0));
	/* 32 letters are the longest that is compared */
	assert_string_equal(policy_suggest("abcdefghijklmnopqrstuvwxyz01234x", &longest, 1),
			    longest);
	assert_null(policy_suggest("abcdefghijklmnopqrstuvwxyz012345x", &longest, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addr),
		cmocka_unit_test(test_prefix),
		cmocka_unit_test(test_target),
		cmocka_unit_test(test_cgroup_path),
		cmocka_unit_test(test_cgroup_path_grows),
		cmocka_unit_test(test_suggest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
