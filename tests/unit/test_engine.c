/* SPDX-License-Identifier: GPL-2.0-only */
/* Docker's engine as the monitor asks it, and Gluetun's control API: good, bad and late answers. */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/base.h"
#include "discovery/engine.h"
#include "tests/unit/engine_script.h"

#define ID  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ID2 "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
#define NET "00000000000000000000000000000000000000000000000000000000000000ff"
#define CONTAINER(id, name, running)                                                               \
	"{\"Id\":\"" id "\",\"Name\":\"/" name "\",\"State\":{\"Running\":" running                \
	",\"Pid\":0,\"StartedAt\":\"2026-01-02T03:04:05.000000006Z\"},\"Config\":{\"Labels\":{"    \
	"\"com.docker.compose.service\":\"s\",\"com.docker.compose.depends_on\":\"a:b:c\"}},"      \
	"\"NetworkSettings\":{\"Networks\":{\"vpn\":{\"NetworkID\":\"" NET                         \
	"\",\"IPAddress\":\"172.30.0.3\",\"MacAddress\":\"02:42:ac:1e:00:03\"}}}}"
#define NETWORK                                                                                    \
	"{\"Id\":\"" NET "\",\"Driver\":\"bridge\",\"Options\":{},\"IPAM\":{\"Config\":"           \
	"[{\"Subnet\":\"172.30.0.0/24\"}]}}"
#define EVENT(action) "{\"Type\":\"container\",\"Action\":\"" action "\",\"timeNano\":7}\n"

static uint64_t now_ms(void)
{
	return base_now_ns(CLOCK_MONOTONIC) / 1000000;
}

static int setup(void **state)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct script *s = calloc(1, sizeof(*s));

	snprintf(s->path, sizeof(s->path), "/tmp/bpfguard-script-%d", getpid());
	unlink(s->path);
	memcpy(sa.sun_path, s->path, sizeof(s->path));
	setenv("BPFGUARD_DOCKER", s->path, 1);
	*state = s;
	return script_listen(s, socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0),
			     (struct sockaddr *)&sa, sizeof(sa));
}

static int teardown(void **state)
{
	script_end(*state);
	free(*state);
	return 0;
}

static void test_container(void **state)
{
	struct script *s = *state;
	struct engine_container c;

	script_json(s, "GET /containers/gw/json HTTP/1.1\r\n", 200, CONTAINER(ID, "gw", "true"));
	script_json(s, "GET /networks/" NET " ", 200, NETWORK);
	assert_int_equal(engine_container("gw", 2000, &c), 0);
	assert_string_equal(c.id, ID);
	assert_string_equal(c.name, "gw");
	assert_true(c.running);
	assert_string_equal(c.compose_service, "s");
	assert_string_equal(c.depends_on, "a:b:c");
	assert_int_equal(c.n_nets, 1);
	assert_string_equal(c.net[0].bridge, "br-000000000000");
	assert_true(c.net[0].has_subnet && c.net[0].subnet_len == 24);
	assert_int_equal(c.net[0].mac[5], 3);
	assert_int_equal(c.started_real_ns % 1000000000, 6);
	assert_non_null(strstr(s->shared->request, "\r\nHost: docker\r\n"));
}

/* Made and never started: its networks have names alone, and one of them no name for a path. */
static void test_created(void **state)
{
	static const char created[] =
		"{\"Id\":\"" ID "\",\"Name\":\"/gw\",\"State\":{\"Running\":false,\"Pid\":0},"
		"\"NetworkSettings\":{\"Networks\":{\"up_link\":{\"NetworkID\":\"\"},"
		"\"a/../b\":{\"NetworkID\":\"\"}}}}";
	struct script *s = *state;
	struct engine_container c;

	script_json(s, "GET /containers/gw/json ", 200, created);
	script_json(s, "GET /networks/up_link ", 200, NETWORK);
	assert_int_equal(engine_container("gw", 2000, &c), 0);
	assert_int_equal(c.n_nets, 2);
	assert_string_equal(c.net[0].bridge, "br-000000000000");
	assert_string_equal(c.net[1].bridge, "");
	assert_int_equal(s->shared->asked, 2);
}

/* What is no answer is an error, and nothing is touched. */
static void test_bad_answers(void **state)
{
	static const struct {
		const char *answer;
		int want;
	} bad[] = {
		{ "", -ENOTCONN },
		{ "HTTP/1.1 20", -ENOTCONN },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", -ENOTCONN },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", -ENOTCONN },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}x\r\n", -EBADMSG },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\n", -EBADMSG },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		  "fffffffffffffffff\r\n",
		  -EBADMSG },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n{}", -EBADMSG },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n",
		  -EBADMSG },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", -EBADMSG },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", -EBADMSG },
		{ "HTTP/1.1 200 OK\r\n folded: x\r\n\r\n{}", -EBADMSG },
		{ "HTTP/2 200 OK\r\n\r\n{}", -EBADMSG },
		{ "HTTP/1.1 2000 OK\r\n\r\n{}", -EBADMSG },
		{ "SSH-2.0-OpenSSH_9.2\r\n", -EBADMSG },
		{ "HTTP/1.1 200 OK\r\n\r\n", -EBADMSG },
		{ "HTTP/1.1 200 OK\r\n\r\n[]", -EBADMSG },
		{ "HTTP/1.1 204 No Content\r\n\r\n", -EBADMSG },
		{ "HTTP/1.1 304 Not Modified\r\n\r\n", -EBADMSG },
		{ "HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", -EBADMSG },
		{ "HTTP/1.1 401 X\r\nContent-Length: 0\r\n\r\n", -EACCES },
		{ "HTTP/1.1 403 X\r\nContent-Length: 2\r\n\r\n{}", -EACCES },
		{ "HTTP/1.1 404 X\r\nContent-Length: 2\r\n\r\n{}", -ENOENT },
		{ "HTTP/1.1 500 X\r\nContent-Length: 2\r\n\r\n{}", -EBADMSG },
	};
	struct script *s = *state;
	struct engine_container c = { .pid = 42 };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		int err;

		script_reset(s);
		script_raw(s, "GET ", bad[i].answer, strlen(bad[i].answer));
		err = engine_container("gw", 2000, &c);
		if (err != bad[i].want)
			fail_msg("%d instead of %d: %s", err, bad[i].want, bad[i].answer);
	}
	assert_int_equal(c.pid, 42);
}

/* Bounded in time and size, whatever comes. */
static void test_late_and_huge(void **state)
{
	static const char head[] = "HTTP/1.1 200 OK\r\n", body[] = "HTTP/1.1 200 OK\r\n\r\n{";
	struct script *s = *state;
	struct engine_container c;
	uint64_t began = now_ms();

	script_raw(s, "GET ", "", 0)->then = SCRIPT_HANG;
	assert_int_equal(engine_container("gw", 300, &c), -ENOTCONN);
	script_reset(s);
	script_raw(s, "GET ", head, strlen(head))->then = SCRIPT_HANG;
	assert_int_equal(engine_container("gw", 300, &c), -ENOTCONN);
	script_reset(s);
	script_raw(s, "GET ", body, strlen(body))->then = SCRIPT_HANG;
	assert_int_equal(engine_container("gw", 300, &c), -ENOTCONN);
	assert_in_range(now_ms() - began, 850, 3000);
	script_reset(s);
	script_raw(s, "GET ", body, strlen(body))->then = SCRIPT_FLOOD;
	assert_int_equal(engine_container("gw", 10000, &c), -EBADMSG);
	script_reset(s);
	script_raw(s, "GET ", head, strlen(head))->then = SCRIPT_FLOOD;
	assert_int_equal(engine_container("gw", 10000, &c), -EBADMSG);
}

static void test_label(void **state)
{
	struct script *s = *state;
	struct engine_container c;
	char names[64] = "";

	script_json(s, "GET /containers/json?all=1&filters=%7B%22label%22%3A%5B%22a%3Db%22%5D%7D ",
		    200, "[{\"Id\":\"" ID "\"},{\"Id\":\"" ID2 "\"}]");
	script_json(s, "GET /containers/" ID, 200, CONTAINER(ID, "one", "true"));
	script_json(s, "GET /containers/" ID2, 404, "{}");
	assert_int_equal(engine_find_label("a=b", 2000, &c, names, sizeof(names)), -EEXIST);
	assert_string_equal(names, "one, fedcba987654");
	script_reset(s);
	script_json(s, "GET /containers/json", 200, "[{\"Id\":\"" ID "\"}]");
	script_json(s, "GET /containers/" ID, 200, CONTAINER(ID, "one", "true"));
	script_json(s, "GET /networks/", 404, "{}");
	assert_int_equal(engine_find_label("a=b", 2000, &c, names, sizeof(names)), 0);
	assert_string_equal(c.name, "one");
	script_reset(s);
	script_json(s, "GET /containers/json", 200, "[]");
	assert_int_equal(engine_find_label("a=b", 2000, &c, names, sizeof(names)), -ENOENT);
	script_reset(s);
	script_json(s, "GET /containers/json", 200, "[{\"Id\":\"../x\"}]");
	assert_int_equal(engine_find_label("a=b", 2000, &c, names, sizeof(names)), -EBADMSG);
	script_reset(s);
	assert_int_equal(engine_find_label("a&b", 2000, &c, names, sizeof(names)), -EINVAL);
	assert_int_equal(s->shared->asked, 0);
}

static int count(const struct engine_container *c, void *ctx)
{
	assert_true(c->id[0]);
	return ++*(int *)ctx == 7 ? 7 : 0;
}

static void test_list(void **state)
{
	struct script *s = *state;
	int n = 0;

	script_json(s, "GET /containers/json?all=1 ", 200,
		    "[{\"Id\":\"" ID "\"},{\"Id\":\"" ID2 "\"}]");
	script_json(s, "GET /containers/" ID "/json ", 200, CONTAINER(ID, "one", "false"));
	script_json(s, "GET /containers/" ID2 "/json ", 404, "{}"); /* removed meanwhile */
	assert_int_equal(engine_list(2000, count, &n), 0);
	assert_int_equal(n, 1);
	n = 6;
	assert_int_equal(engine_list(2000, count, &n), 7);
	s->shared->line[2].then = SCRIPT_HANG;
	s->shared->line[2].len = 0;
	n = 0;
	assert_int_equal(engine_list(400, count, &n), -ENOTCONN);
}

static void test_act(void **state)
{
	struct script *s = *state;

	script_json(s, "POST /containers/" ID "/stop?t=5 ", 304, "");
	script_raw(s, "POST /containers/" ID "/start ", "HTTP/1.1 204 No Content\r\n\r\n", 27)
		->then = SCRIPT_HANG; /* no body: done at once */
	script_json(s, "POST /containers/" ID2 "/start ", 500, "{\"message\":\"no\"}");
	assert_int_equal(engine_stop(ID, 5, 2000), 1);
	assert_int_equal(engine_start(ID, 2000), 0);
	assert_int_equal(engine_start(ID2, 2000), -EBADMSG);
	assert_int_equal(engine_stop("gw", 5, 2000), -ENOENT);
	assert_int_equal(s->shared->asked, 3);
}

/* ---- the stream ---- */
struct heard {
	char actions[256];
	unsigned int n, end_at;
};

static int on_event(const struct engine_event *ev, void *ctx)
{
	struct heard *h = ctx;

	assert_int_equal(ev->time_ns, 7);
	if (h->n++ < 8)
		snprintf(h->actions + strlen(h->actions), 32, "%.20s,", ev->action);
	return h->n == h->end_at ? 99 : 0;
}

#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

/* An event over the borders of chunks, and everything cut at each byte. */
static void test_stream_pieces(void **state)
{
	static const char text[] = CHUNKED "1d\r\n{\"Type\":\"container\",\"Action\":\r\n"
					   "15\r\n\"start\",\"timeNano\":7}\r\n"
					   "1;x\r\n\n\r\n"
					   "31;y=z\r\n" EVENT("die") "\r\n0\r\nA: b\r\n\r\n";
	volatile bool stop = false;
	struct script *s = *state;

	for (size_t piece = 0; piece < 24; piece++) {
		struct heard h = { .n = 0 };

		script_reset(s);
		script_raw(s, "GET /events?", text, strlen(text))->piece = piece;
		assert_int_equal(engine_events(0, &stop, on_event, &h), 0);
		assert_string_equal(h.actions, "start,die,");
	}
}

static void test_stream_odd(void **state)
{
	static char text[200 * 1024];
	volatile bool stop = false;
	struct script *s = *state;
	struct heard h = { .n = 0 };
	size_t n = (size_t)snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\n\r\n" EVENT("one"));

	/* too long, no JSON, empty, binary, no type: passed over, the next one is heard */
	memset(text + n, 'x', 65537);
	n += 65537;
	n += (size_t)snprintf(
		text + n, sizeof(text) - n,
		EVENT("tail of it") "\n{\"Type\":\n\n\x01\xff\n{\"Action\":\"no\"}\n" EVENT("two"));
	script_raw(s, "GET /events?since=5.000000001&filters=", text, n)->piece = 4000;
	assert_int_equal(engine_events(5000000001, &stop, on_event, &h), 0);
	assert_string_equal(h.actions, "one,two,");
	h = (struct heard){ .end_at = 1 };
	assert_int_equal(engine_events(5000000001, &stop, on_event, &h), 99);
	script_reset(s);
	script_json(s, "GET /events?", 404, "{}");
	assert_int_equal(engine_events(0, &stop, on_event, &h), -ENOENT);
	script_reset(s);
	script_json(s, "GET /events?", 401, "");
	assert_int_equal(engine_events(0, &stop, on_event, &h), -EACCES);
	setenv("BPFGUARD_DOCKER", "/nonexistent", 1);
	assert_int_equal(engine_events(0, &stop, on_event, &h), -ENOTCONN);
	setenv("BPFGUARD_DOCKER", s->path, 1);
}

static void *stop_soon(void *ctx)
{
	poll(NULL, 0, 300);
	*(volatile bool *)ctx = true;
	return NULL;
}

/* The stop flag ends a stream that says nothing, before and after it began. */
static void test_stream_stop(void **state)
{
	static const char *const texts[] = { "", CHUNKED, CHUNKED "5\r\n{" };
	struct script *s = *state;
	struct heard h = { .n = 0 };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		volatile bool stop = false;
		uint64_t began = now_ms();
		pthread_t thread;

		script_reset(s);
		script_raw(s, "GET /events?", texts[i], strlen(texts[i]))->then = SCRIPT_HANG;
		pthread_create(&thread, NULL, stop_soon, (void *)&stop);
		assert_int_equal(engine_events(0, &stop, on_event, &h), 0);
		pthread_join(thread, NULL);
		assert_in_range(now_ms() - began, 250, 1800);
	}
	assert_int_equal(h.n, 0);
}

/* ---- Gluetun's control API ---- */
static void test_control(void **state)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(sa);
	struct script s = { 0 };
	struct gluetun_control c;
	char url[64], why[96];

	(void)state;
	assert_int_equal(bind(sock, (struct sockaddr *)&sa, sizeof(sa)), 0);
	getsockname(sock, (struct sockaddr *)&sa, &len);
	close(sock);
	sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d", ntohs(sa.sin_port));
	assert_int_equal(gluetun_control_read(url, "", 500, &c, why, sizeof(why)), -ENOTCONN);
	assert_string_equal(why, "it does not answer");
	assert_int_equal(script_listen(&s, sock, (struct sockaddr *)&sa, sizeof(sa)), 0);
	script_json(&s, "GET /v1/vpn/status HTTP/1.1\r\n", 200, "{\"status\":\"running\"}");
	script_json(&s, "GET /v1/publicip/ip ", 401, "Unauthorized");
	script_json(&s, "GET /v1/version ", 200, "{\"version\":\"v3.41\"}");
	script_json(&s, "GET /v1/portforward ", 404, "");
	script_json(&s, "GET /v1/openvpn/portforwarded ", 200, "{\"port\":77}");
	assert_int_equal(gluetun_control_read(url, "basic:me:a:b", 2000, &c, why, sizeof(why)), 0);
	assert_string_equal(c.status, "running");
	assert_string_equal(c.public_ip, "");
	assert_string_equal(c.version, "v3.41");
	assert_int_equal(c.forwarded_port, 77);
	/* printf 'me:a:b' | base64 */
	assert_non_null(strstr(s.shared->request, "\r\nAuthorization: Basic bWU6YTpi\r\n"));
	assert_int_equal(gluetun_control_read(url, "apikey:k", 2000, &c, why, sizeof(why)), 0);
	assert_non_null(strstr(s.shared->request, "\r\nX-API-Key: k\r\n"));
	/* credentials that would be a line of their own */
	assert_int_equal(gluetun_control_read(url, "apikey:k\r\nX: y", 2000, &c, why, sizeof(why)),
			 -EINVAL);
	assert_int_equal(gluetun_control_read(url, "basic:me", 2000, &c, why, sizeof(why)),
			 -EINVAL);
	script_reset(&s);
	script_json(&s, "GET /v1/vpn/status ", 401, "Unauthorized");
	assert_int_equal(gluetun_control_read(url, "", 2000, &c, why, sizeof(why)), -EACCES);
	script_reset(&s);
	script_json(&s, "GET /v1/vpn/status ", 200, "{\"status\":7}");
	assert_int_equal(gluetun_control_read(url, "", 2000, &c, why, sizeof(why)), -EBADMSG);
	script_reset(&s);
	script_raw(&s, "GET /v1/vpn/status ", "", 0)->then = SCRIPT_HANG;
	assert_int_equal(gluetun_control_read(url, "", 300, &c, why, sizeof(why)), -ENOTCONN);
	assert_int_equal(
		gluetun_control_read("http://gateway.example:1", "", 300, &c, why, sizeof(why)),
		-EINVAL);
	script_end(&s);
	close(sock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_container, setup, teardown),
		cmocka_unit_test_setup_teardown(test_created, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_late_and_huge, setup, teardown),
		cmocka_unit_test_setup_teardown(test_label, setup, teardown),
		cmocka_unit_test_setup_teardown(test_list, setup, teardown),
		cmocka_unit_test_setup_teardown(test_act, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stream_pieces, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stream_odd, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stream_stop, setup, teardown),
		cmocka_unit_test(test_control),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
