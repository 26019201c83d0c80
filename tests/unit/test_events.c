/* SPDX-License-Identifier: GPL-2.0-only */
/* Room events: decoding, JSON, text. */
#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/base.h"
#include "events/events.h"
#include "events/filter.h"
#include "events/names.h"

/* ---- decoding ---- */
static struct bg_event make_event(void)
{
	struct bg_event ev = {
		.seq = 7,
		.ts_ns = 1000,
		.count = 3,
		.cgroup = 4242,
		.kind = BG_EVENT_DENIED,
		.pid = 813,
		.tgid = 812,
		.uid = 1000,
		.verdict = BG_DENY,
		.reason = BG_R_NEXT_HOP,
		.hook = BG_HOOK_EGRESS,
		.comm = "curl",
		.guard = "vpn",
		.flow = { .family = 4,
			  .proto = IPPROTO_TCP,
			  .hook = BG_HOOK_EGRESS,
			  .nh_family = 4,
			  .flags = BG_F_ROUTE | BG_F_PORTS,
			  .sport = 40000,
			  .dport = 443,
			  .ifindex = 2,
			  .netns = 4026532000 },
	};

	inet_pton(AF_INET, "172.30.0.5", ev.flow.saddr);
	inet_pton(AF_INET, "93.184.216.34", ev.flow.daddr);
	inet_pton(AF_INET, "172.30.0.1", ev.flow.next_hop);
	return ev;
}

static void test_decode(void **state)
{
	struct bg_event ev = make_event();
	struct bg_event_dns dns = { .ev = ev };
	struct events_record r;

	(void)state;
	memcpy(ev.comm, "\033[31mNOTERMINATED", sizeof(ev.comm));
	memset(ev.guard, 'g', sizeof(ev.guard)); /* no NUL */
	assert_int_equal(events_decode(&ev, sizeof(ev), 5, &r), 0);
	assert_int_equal(r.seq, 7);
	assert_int_equal(r.count, 3);
	assert_int_equal(r.ts_real_ns, 1005);
	assert_string_equal(r.comm, "\\x1b[31mNOTERMINATE");
	assert_int_equal(strlen(r.guard), sizeof(r.guard) - 1);
	assert_int_equal(r.netns, 4026532000);
	assert_memory_equal(&r.flow, &ev.flow, sizeof(r.flow));
	ev.flow.saddr[3] = 1; /* no part of an IPv4 address */
	assert_int_equal(events_decode(&ev, sizeof(ev), 5, &r), 0);
	assert_int_equal(r.flow.saddr[3], 0);

	dns.ev.kind = BG_EVENT_DENIED_DNS;
	dns.ev.dns_len = 17;
	memcpy(dns.qname, "\3www\7example\3org", 17);
	assert_int_equal(events_decode(&dns, sizeof(dns), 0, &r), 0);
	assert_string_equal(r.dns_name, "www.example.org");
	dns.ev.dns_len = 5; /* nonsense costs the name, not the event */
	assert_int_equal(events_decode(&dns, sizeof(dns), 0, &r), 0);
	assert_string_equal(r.dns_name, "");
}

#define REFUSE(change)                                                                             \
	do {                                                                                       \
		struct bg_event ev = make_event();                                                 \
		struct events_record r = { .seq = 42 };                                            \
		change;                                                                            \
		assert_int_equal(events_decode(&ev, sizeof(ev), 0, &r), -EBADMSG);                 \
		assert_int_equal(r.seq, 42);                                                       \
	} while (0)

static void test_decode_bad(void **state)
{
	struct bg_event ev0 = make_event();
	struct events_record r0;

	(void)state;
	for (size_t len = 0; len < sizeof(ev0); len++)
		assert_int_equal(events_decode(&ev0, len, 0, &r0), -EBADMSG);
	REFUSE(ev.kind = 0);
	REFUSE(ev.kind = 3);
	REFUSE(ev.kind = BG_EVENT_DENIED_DNS); /* too short for one */
	REFUSE(ev.reason = BG_R_NONE);
	REFUSE(ev.reason = BG_R_GATEWAY); /* no reason to deny */
	REFUSE(ev.reason = 5);
	REFUSE(ev.reason = 255);
	REFUSE(ev.hook = 0);
	REFUSE(ev.hook = BG_HOOK_MAX);
	REFUSE(ev.verdict = BG_ALLOW);
	REFUSE(ev.verdict = 3);
	REFUSE(ev.slot = BG_MAX_GUARDS);
	REFUSE(ev.count = 0);
	REFUSE(ev.count = UINT64_MAX);
	REFUSE(ev.seq = UINT64_MAX);
	REFUSE(ev.flow.family = 5);
	REFUSE(ev.flow.nh_family = 2);
}

/* ---- printing ---- */
static struct events_record make_record(void)
{
	struct bg_event ev = make_event();
	struct events_record r;

	assert_int_equal(events_decode(&ev, sizeof(ev), 0, &r), 0);
	r.ts_real_ns = 1795470001123456789ull;
	r.lost = 12;
	strcpy(r.container_id, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
	strcpy(r.container_name, "qbittorrent");
	strcpy(r.container_image, "lscr.io/qb:5");
	strcpy(r.cgroup, "/bpfguard.slice/x.scope");
	strcpy(r.exe, "/usr/bin/curl");
	strcpy(r.dns_name, "example.org");
	return r;
}

static void test_json(void **state)
{
	struct events_record r = make_record(), again;
	size_t len;
	char *line = events_format_json(&r, &len);

	(void)state;
	assert_string_equal(
		line,
		"{\"schema\":1,\"ts\":\"2026-11-23T21:40:01.123456789Z\",\"guard\":\"vpn\","
		"\"hook\":\"egress\",\"verdict\":\"deny\",\"reason\":\"next_hop\",\"container\":{"
		"\"id\":\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\","
		"\"name\":\"qbittorrent\",\"image\":\"lscr.io/qb:5\"},"
		"\"cgroup\":\"/bpfguard.slice/"
		"x.scope\",\"cgroup_id\":4242,\"pid\":813,\"tgid\":812,"
		"\"comm\":\"curl\",\"exe\":\"/usr/bin/curl\",\"uid\":1000,\"netns\":4026532000,"
		"\"family\":\"ipv4\",\"proto\":\"tcp\",\"src\":\"172.30.0.5\",\"sport\":40000,"
		"\"dst\":\"93.184.216.34\",\"dport\":443,\"dns_name\":\"example.org\",\"ifindex\":"
		"2,"
		"\"next_hop\":\"172.30.0.1\",\"count\":3,\"seq\":7,\"lost\":12}\n");
	assert_int_equal(events_parse_json(line, len, &again), 0);
	assert_memory_equal(&again, &r, sizeof(r));
	free(line);
}

/* Every key is there when nothing is known, and null. */
static void test_json_unknown(void **state)
{
	static const char *const null_keys[] = { "container", "cgroup",	  "cgroup_id", "pid",
						 "tgid",      "comm",	  "exe",       "uid",
						 "netns",     "family",	  "proto",     "src",
						 "sport",     "dst",	  "dport",     "dns_name",
						 "ifindex",   "next_hop", "guard" };
	struct events_record r = { .seq = 1,
				   .count = 1,
				   .hook = BG_HOOK_SOCK_CREATE,
				   .flow.hook = BG_HOOK_SOCK_CREATE,
				   .reason = BG_R_PACKET_SOCKET,
				   .verdict = BG_WOULD_DENY },
			     again;
	size_t len;
	char *line = events_format_json(&r, &len);
	json_t *o = json_loads(line, 0, NULL);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(null_keys); i++)
		assert_true(json_is_null(json_object_get(o, null_keys[i])));
	assert_string_equal(json_string_value(json_object_get(o, "verdict")), "would_deny");
	assert_int_equal(json_object_size(o), 27);
	json_decref(o);
	assert_int_equal(events_parse_json(line, len, &again), 0);
	assert_memory_equal(&again, &r, sizeof(r));
	free(line);
}

static const char *json_field(const struct events_record *r, const char *key)
{
	static char text[200];
	size_t len;
	char *line = events_format_json(r, &len), *value;
	json_t *o = json_loads(line, 0, NULL);

	value = json_dumps(json_object_get(o, key), JSON_ENCODE_ANY);
	snprintf(text, sizeof(text), "%s", value);
	free(value);
	free(line);
	json_decref(o);
	return text;
}

static void test_json_flow(void **state)
{
	struct events_record r = make_record();

	(void)state;
	r.flow.nh_family = 0;
	memset(r.flow.next_hop, 0, sizeof(r.flow.next_hop));
	assert_string_equal(json_field(&r, "next_hop"), "\"\""); /* known: on-link */
	r.flow.proto = IPPROTO_SCTP;
	assert_string_equal(json_field(&r, "proto"), "132");
	r.flow.proto = IPPROTO_ICMP;
	assert_string_equal(json_field(&r, "proto"), "\"icmp\"");
	r.flow.family = 6;
	assert_string_equal(json_field(&r, "proto"), "1"); /* ICMP for IPv4, in IPv6: odd */
	r.flow.proto = IPPROTO_ICMPV6;
	assert_string_equal(json_field(&r, "proto"), "\"icmp\"");
	strcpy(r.comm, "\"\\\x01\xff");
	assert_string_equal(json_field(&r, "comm"), "\"\\\"\\\\\\\\x01\\\\xff\"");
}

static void test_json_bad(void **state)
{
	static const char *const from_to[][2] = {
		{ "\"schema\":1", "\"schema\":2" },
		{ "\"schema\":1,", "" },
		{ "\"next_hop\",", "\"nope\"," },
		{ "\"reason\":\"next_hop\"", "\"reason\":null" },
		{ "\"deny\"", "\"allow\"" },
		{ "\"egress\"", "\"ingress\"" },
		{ "\"ipv4\"", "\"ipv5\"" },
		{ "\"ipv4\"", "\"ipv6\"" }, /* then dst is none */
		{ "\"ipv4\"", "null" },
		{ "93.184.216.34", "93.184.216.345" },
		{ ":443", ":65536" },
		{ ":443", ":-1" },
		{ ":443", ":\"443\"" },
		{ "\"count\":3,", "" },
		{ "\"tcp\"", "\"quic\"" },
		{ "\"tcp\"", "256" },
		{ "2026-11-23T", "yesterday " },
		{ "\"pid\":813", "\"pid\":4294967296" },
		{ "{\"id\"", "[\"id\"" },
		{ "}\n", "" },
		{ "\"seq\":7", "\"seq\":7,\"seq\":8" },
		{ "\"172.30.0.1\"", "\"gateway\"" },
	};
	struct events_record r = make_record(), again = { .seq = 42 };
	char bad[4096];
	size_t len;
	char *line = events_format_json(&r, &len);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(from_to); i++) {
		char *at = strstr(line, from_to[i][0]);

		if (!at)
			fail_msg("not in the line: %s", from_to[i][0]);
		snprintf(bad, sizeof(bad), "%.*s%s%s", (int)(at - line), line, from_to[i][1],
			 at + strlen(from_to[i][0]));
		if (events_parse_json(bad, strlen(bad), &again) != -EBADMSG)
			fail_msg("accepted: %s", bad);
	}
	assert_int_equal(again.seq, 42);
	free(line);
}

static const char *text_of(const struct events_record *r, bool color)
{
	static char text[4096];
	FILE *f = fmemopen(text, sizeof(text), "w");

	events_print_text(r, f, color);
	fclose(f);
	return text;
}

static void test_text(void **state)
{
	struct events_record r = make_record();

	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	assert_string_equal(text_of(&r, false),
			    "2026-11-23 21:40:01.123 DENY next_hop qbittorrent (curl[812]) -> "
			    "93.184.216.34:443/tcp via 172.30.0.1 dns example.org \u00d73 "
			    "(12 events lost before this)\n");
	r.dns_name[0] = 0;
	r.count = 1;
	r.lost = 0;
	r.container_name[0] = 0;
	r.flow.nh_family = 0;
	r.verdict = BG_WOULD_DENY;
	assert_string_equal(text_of(&r, false),
			    "2026-11-23 21:40:01.123 audit: would deny next_hop 0123456789ab "
			    "(curl[812]) -> 93.184.216.34:443/tcp on-link\n");
	r.container_id[0] = 0;
	r.flow.family = 6;
	inet_pton(AF_INET6, "2001:db8::1", r.flow.daddr);
	r.flow.proto = IPPROTO_UDP;
	r.flow.flags = BG_F_PORTS;
	r.lost = 1;
	assert_string_equal(text_of(&r, false),
			    "2026-11-23 21:40:01.123 audit: would deny next_hop "
			    "/bpfguard.slice/x.scope (curl[812]) -> [2001:db8::1]:443/udp "
			    "(1 event lost before this)\n");
	r.lost = 0;
	r.cgroup[0] = 0;
	r.comm[0] = 0;
	r.flow.flags = 0;
	r.flow.proto = 132;
	assert_string_equal(text_of(&r, false),
			    "2026-11-23 21:40:01.123 audit: would deny next_hop cgroup:4242 -> "
			    "2001:db8::1/protocol-132\n");
	r.flow.hook = BG_HOOK_SOCK_CREATE;
	memset(r.flow.daddr, 0, sizeof(r.flow.daddr));
	r.flow.proto = IPPROTO_ICMPV6;
	r.cgroup_id = 0;
	strcpy(r.comm, "\033[2Jx");
	assert_string_equal(text_of(&r, false),
			    "2026-11-23 21:40:01.123 audit: would deny next_hop vpn "
			    "(\\x1b[2Jx[812]) -> new socket/icmp\n");
	assert_non_null(strstr(text_of(&r, true), C_YELLOW "audit: would deny next_hop" C_RESET));
}

static void test_notice(void **state)
{
	struct events_notice n = { .ts_real_ns = 1795470001123456789ull,
				   .not_written = 5,
				   .error = "No space left on device" },
			     again;
	struct events_record r;
	char text[300];
	size_t len;
	char *line = events_format_notice(&n, &len);
	FILE *f = fmemopen(text, sizeof(text), "w");

	(void)state;
	assert_int_equal(events_parse_notice(line, len, &again), 0);
	assert_memory_equal(&again, &n, sizeof(n));
	assert_int_equal(events_parse_json(line, len, &r), -EBADMSG);
	assert_int_equal(events_parse_notice("{}", 2, &again), -EBADMSG);
	events_print_notice(&n, f, false);
	fclose(f);
	assert_non_null(strstr(text, "5 records could not be written to the log before this: No "
				     "space left on device\n"));
	free(line);
}

static void test_filter(void **state)
{
	struct events_record r = make_record();

	(void)state;
#define MATCH(...) events_filter_match(&(struct events_filter){ __VA_ARGS__ }, &r)
	assert_true(MATCH(0));
	assert_true(MATCH(.container = "qbittorrent"));
	assert_true(MATCH(.container = "/qbittorrent"));
	assert_true(MATCH(.container = "0123456"));
	assert_false(MATCH(.container = "qbit"));
	assert_false(MATCH(.container = "123456"));
	assert_false(MATCH(.container = "/"));
	assert_true(MATCH(.guard = "vpn"));
	assert_false(MATCH(.guard = "vp"));
	assert_true(MATCH(.reason = BG_R_NEXT_HOP));
	assert_false(MATCH(.reason = BG_R_MARTIAN));
	assert_true(MATCH(.since_ns = r.ts_real_ns));
	assert_false(MATCH(.since_ns = r.ts_real_ns + 1));
	assert_false(MATCH(.guard = "vpn", .reason = BG_R_MARTIAN));
#undef MATCH
}

int main(void)
{
	const struct CMUnitTest tests[] = {

		cmocka_unit_test(test_decode),	  cmocka_unit_test(test_decode_bad),
		cmocka_unit_test(test_json),	  cmocka_unit_test(test_json_unknown),
		cmocka_unit_test(test_json_flow), cmocka_unit_test(test_json_bad),
		cmocka_unit_test(test_text),	  cmocka_unit_test(test_notice),
		cmocka_unit_test(test_filter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
