/* SPDX-License-Identifier: GPL-2.0-only */
/* Room discovery, against an engine of our own on a unix socket. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#include "base/base.h"
#include "discovery/discovery.h"

#define ID  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ID2 "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
#define BODY                                                                                       \
	"{\"Id\":\"" ID                                                                            \
	"\",\"Name\":\"/qbittorrent\",\"State\":{\"Pid\":0,\"Status\":\"exited\"},"                \
	"\"Image\":\"sha256:00\",\"Config\":{\"Image\":\"lscr.io/qb:5\",\"Cmd\":null}}"

static void check_id(const char *path, const char *want)
{
	char id[65] = "untouched";
	int err = discovery_id_from_cgroup(path, id);

	assert_int_equal(err, want ? 0 : -ENOENT);
	assert_string_equal(id, want ? want : "untouched");
}

static void test_cgroup(void **state)
{
	(void)state;
	check_id("/bpfguard.slice/docker-" ID ".scope", ID);
	check_id("/bpfguard/" ID, ID);
	check_id("/bpfguard/" ID "/init", ID);
	check_id("/machine.slice/libpod-" ID ".scope/container", ID);
	check_id("/x/cri-containerd-" ID ".scope", ID);
	check_id("/system.slice/system.slice:docker:" ID, ID);
	/* Docker in Docker: the inner one */
	check_id("/bpfguard/" ID "/docker/" ID2, ID2);
	check_id("/", NULL);
	check_id("", NULL);
	check_id("/bpfguard.slice", NULL);
	check_id("/a/" ID "0", NULL);	       /* 65 digits */
	check_id("/a/0123456789abcdef", NULL); /* too few */
	check_id("/a/x" ID, NULL);	       /* part of a word */
	check_id("/a/docker-" ID ".service", NULL);
	check_id("/a/docker-" ID ".scopes", NULL);
}

static int parse(const char *body, struct discovery_container *ret)
{
	return discovery_docker_parse(body, strlen(body), ret);
}

static void test_parse(void **state)
{
	struct discovery_container c;

	(void)state;
	assert_int_equal(parse(BODY, &c), 0);
	assert_string_equal(c.id, ID);
	assert_string_equal(c.name, "qbittorrent");
	assert_string_equal(c.image, "lscr.io/qb:5");
	assert_int_equal(c.pid, 0);
	assert_int_equal(parse("{\"Id\":\"" ID "\",\"Name\":\"x\\u001b[1m\"}", &c), 0);
	assert_string_equal(c.name, "x\\x1b[1m");
	assert_string_equal(c.image, "");
	assert_int_equal(parse("{\"Id\":\"" ID "\",\"Name\":\"n\",\"State\":{\"Pid\":77}}", &c), 0);
	assert_int_equal(c.pid, 77);
}

static void test_parse_bad(void **state)
{
	static const char *const bad[] = {
		"",
		"null",
		"[]",
		"{}",
		"{\"Id\":\"" ID "\"}",
		"{\"Id\":\"" ID "\",\"Name\":5}",
		"{\"Id\":\"" ID "\",\"Name\":\"\"}",
		"{\"Id\":\"../etc\",\"Name\":\"/x\"}",
		"{\"Id\":\"" ID "0\",\"Name\":\"/x\"}",
		"{\"Id\":\"" ID "\",\"Name\":\"/x\",\"State\":[]}",
		"{\"Id\":\"" ID "\",\"Name\":\"/x\",\"State\":{\"Pid\":\"1\"}}",
		"{\"Id\":\"" ID "\",\"Name\":\"/x\"",
	};
	struct discovery_container c = { .pid = 42 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (parse(bad[i], &c) != -EBADMSG)
			fail_msg("accepted: %s", bad[i]);
	}
	assert_int_equal(c.pid, 42);
}

/* ---- an engine ---- */
enum manner { ANSWER, NOT_FOUND, SILENT, GARBAGE, ENDLESS, NOT_HTTP };

struct engine {
	pid_t pid;
	char path[64];
	struct shared {
		enum manner manner;
		unsigned int asked;
		char request[512];
	} * shared;
};

static void answer(int fd, enum manner manner)
{
	static const char endless[65536];
	char out[2048];

	switch (manner) {
	case ANSWER:
		snprintf(out, sizeof(out), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n" BODY,
			 strlen(BODY));
		break;
	case NOT_FOUND:
		snprintf(out, sizeof(out), "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}");
		break;
	case GARBAGE:
		snprintf(out, sizeof(out), "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{\"Id\"");
		break;
	case NOT_HTTP: snprintf(out, sizeof(out), "220 ftp ready\r\n"); break;
	case SILENT:
		poll(NULL, 0, 5000); /* killed before */
		return;
	case ENDLESS:
		snprintf(out, sizeof(out), "HTTP/1.1 200 OK\r\n\r\n");
		(void)!write(fd, out, strlen(out));
		while (write(fd, endless, sizeof(endless)) > 0)
			;
		return;
	}
	(void)!write(fd, out, strlen(out));
}

static void serve(int sock, struct shared *shared)
{
	signal(SIGPIPE, SIG_IGN);
	for (;;) {
		int fd = accept(sock, NULL, NULL);
		ssize_t n = read(fd, shared->request, sizeof(shared->request) - 1);

		shared->request[n > 0 ? n : 0] = '\0';
		shared->asked++;
		answer(fd, shared->manner);
		close(fd);
	}
}

static int engine_start(void **state)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct engine *e = calloc(1, sizeof(*e));
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(e->path, sizeof(e->path), "/tmp/bpfguard-engine-%d", getpid());
	unlink(e->path);
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", e->path);
	e->shared = mmap(NULL, sizeof(*e->shared), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (e->shared == MAP_FAILED || bind(sock, (struct sockaddr *)&sa, sizeof(sa)) ||
	    listen(sock, 8))
		return -1;
	e->pid = fork();
	if (e->pid == 0)
		serve(sock, e->shared);
	close(sock);
	setenv("BPFGUARD_DOCKER", e->path, 1);
	*state = e;
	return 0;
}

static int engine_stop(void **state)
{
	struct engine *e = *state;

	kill(e->pid, SIGKILL);
	waitpid(e->pid, NULL, 0);
	unlink(e->path);
	munmap(e->shared, sizeof(*e->shared));
	free(e);
	return 0;
}

static void test_inspect(void **state)
{
	struct engine *e = *state;
	struct discovery_container c = { .pid = 42 };

	/* A proxy in the environment is not for a local socket. */
	setenv("http_proxy", "http://127.0.0.1:9", 1);
	e->shared->manner = ANSWER;
	assert_int_equal(discovery_docker_inspect("qbittorrent", 2000, &c), 0);
	unsetenv("http_proxy");
	assert_string_equal(c.name, "qbittorrent");
	assert_non_null(
		strstr(e->shared->request, "GET /containers/qbittorrent/json HTTP/1.1\r\n"));
	e->shared->manner = NOT_FOUND;
	c.pid = 42;
	assert_int_equal(discovery_docker_inspect(ID, 2000, &c), -ENOENT);
	e->shared->manner = GARBAGE;
	assert_int_equal(discovery_docker_inspect(ID, 2000, &c), -EBADMSG);
	e->shared->manner = NOT_HTTP;
	assert_int_equal(discovery_docker_inspect(ID, 2000, &c), -EBADMSG);
	e->shared->manner = ENDLESS;
	assert_int_equal(discovery_docker_inspect(ID, 5000, &c), -EBADMSG);
	assert_int_equal(c.pid, 42);
}

/* Nothing that is not a name reaches the engine. */
static void test_inspect_names(void **state)
{
	static const char *const bad[] = { "",	   "..",  ".",	       "a/b",	  "a?x=1",
					   "a%2e", "a b", "a\r\nX: y", "\xc3\xa9" };
	struct engine *e = *state;
	struct discovery_container c;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(discovery_docker_inspect(bad[i], 2000, &c), -ENOENT);
	assert_int_equal(e->shared->asked, 0);
	e->shared->manner = ANSWER;
	assert_int_equal(discovery_docker_inspect("/qb_5.x-1", 2000, &c), 0);
	assert_non_null(strstr(e->shared->request, "GET /containers/qb_5.x-1/json"));
}

static void test_no_engine(void **state)
{
	struct discovery_container c;

	(void)state;
	setenv("BPFGUARD_DOCKER", "/nonexistent/docker.sock", 1);
	assert_int_equal(discovery_docker_inspect("x", 1000, &c), -ENOTCONN);
	unsetenv("BPFGUARD_DOCKER");
}

static void test_cache(void **state)
{
	struct engine *e = *state;
	struct discovery_container c = { 0 };
	struct discovery_cache *cache;

	assert_int_equal(discovery_cache_new(0, 1, &cache), -EINVAL);
	assert_int_equal(discovery_cache_new(2000, 60000, &cache), 0);
	e->shared->manner = ANSWER;
	assert_int_equal(discovery_cache_get(cache, "short", &c), -EINVAL);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(discovery_cache_get(cache, ID, &c), 0);
		assert_string_equal(c.name, "qbittorrent");
	}
	assert_int_equal(e->shared->asked, 1);
	/* An answer about another container is no answer; it is remembered as a miss. */
	assert_int_equal(discovery_cache_get(cache, ID2, &c), -ENOENT);
	assert_int_equal(discovery_cache_get(cache, ID2, &c), -ENOENT);
	assert_int_equal(e->shared->asked, 2);
	discovery_cache_free(cache);
}

/* A silent engine costs one timeout for all, not one for each. */
static void test_cache_silent(void **state)
{
	struct engine *e = *state;
	struct discovery_container c;
	struct discovery_cache *cache;
	uint64_t before = base_now_ns(CLOCK_MONOTONIC), took_ms;
	char id[65];

	e->shared->manner = SILENT;
	assert_int_equal(discovery_cache_new(200, 60000, &cache), 0);
	for (int i = 0; i < 2000; i++) {
		snprintf(id, sizeof(id), "%064x", i);
		assert_int_equal(discovery_cache_get(cache, id, &c), -ENOENT);
	}
	took_ms = (base_now_ns(CLOCK_MONOTONIC) - before) / 1000000;
	assert_int_equal(e->shared->asked, 1);
	assert_in_range(took_ms, 150, 2000);
	discovery_cache_free(cache);
}

/* More containers than fit: the least recently used go, the one in use stays. */
static void test_cache_full(void **state)
{
	struct engine *e = *state;
	struct discovery_container c;
	struct discovery_cache *cache;
	char id[65];

	assert_int_equal(discovery_cache_new(2000, 60000, &cache), 0);
	e->shared->manner = ANSWER;
	assert_int_equal(discovery_cache_get(cache, ID, &c), 0);
	setenv("BPFGUARD_DOCKER", "/nonexistent/docker.sock", 1);
	for (int i = 0; i < 3000; i++) {
		snprintf(id, sizeof(id), "%064x", i);
		assert_int_equal(discovery_cache_get(cache, id, &c), -ENOENT);
		if (i % 500 == 0)
			assert_int_equal(discovery_cache_get(cache, ID, &c), 0);
	}
	setenv("BPFGUARD_DOCKER", e->path, 1);
	assert_int_equal(discovery_cache_get(cache, ID, &c), 0);
	assert_int_equal(e->shared->asked, 1);
	discovery_cache_free(cache);
}

#define WITH_ENGINE(f) cmocka_unit_test_setup_teardown(f, engine_start, engine_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cgroup),	  cmocka_unit_test(test_parse),
		cmocka_unit_test(test_parse_bad), WITH_ENGINE(test_inspect),
		WITH_ENGINE(test_inspect_names),  cmocka_unit_test(test_no_engine),
		WITH_ENGINE(test_cache),	  WITH_ENGINE(test_cache_silent),
		WITH_ENGINE(test_cache_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
