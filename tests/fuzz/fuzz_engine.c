/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bytes as what Docker's engine and a gateway's control API answer: the HTTP around it, whole and
 * in pieces, and each kind of JSON in it.
 */
#include <assert.h>
#include <string.h>

#include "base/clock.c"
#include "base/text.c"
#include "discovery/engine_parse.c"
#include "discovery/http_parse.c"
#define text_of gluetun_text_of
#include "discovery/gluetun.c"
#undef text_of
#define text_of inspect_text_of
#include "discovery/inspect_parse.c"

/* Nothing is asked here. */
int discovery_http_body(const struct discovery_http *h, struct discovery_body *body,
			long *ret_status)
{
	(void)h;
	(void)body;
	(void)ret_status;
	return -ENOTCONN;
}

static void check_clean(const char *s, size_t size)
{
	assert(strnlen(s, size) < size);
	for (; *s; s++)
		assert((unsigned char)*s >= 0x20 && *s != 0x7f);
}

static void check_container(const char *data, size_t size)
{
	struct engine_container c;
	size_t i;

	if (engine_parse_container(data, size, &c))
		return;
	assert(engine_is_id(c.id) && c.name[0] && c.pid >= 0 && c.n_nets <= ENGINE_MAX_NETWORKS);
	assert(!c.pid || c.running);
	check_clean(c.name, sizeof(c.name));
	check_clean(c.image, sizeof(c.image));
	check_clean(c.health, sizeof(c.health));
	check_clean(c.depends_on, sizeof(c.depends_on));
	check_clean(c.compose_project, sizeof(c.compose_project));
	check_clean(c.compose_service, sizeof(c.compose_service));
	for (i = 0; i < c.n_nets; i++) {
		check_clean(c.net[i].network, sizeof(c.net[i].network));
		assert(!c.net[i].network_id[0] || engine_is_id(c.net[i].network_id));
	}
}

static int on_id(const char *id, void *ctx)
{
	assert(engine_is_id(id));
	return ++*(int *)ctx == 1000 ? -EBADMSG : 0;
}

static void check_rest(const char *data, size_t size)
{
	static const char *const what[] = { "status", "publicip", "version", "portforward" };
	struct engine_attachment a = { 0 };
	struct engine_event ev;
	struct gluetun_control g;
	int n = 0;
	size_t i;

	if (engine_parse_network(data, size, &a) == 0) {
		check_clean(a.bridge, sizeof(a.bridge));
		check_clean(a.driver, sizeof(a.driver));
		assert(!a.has_subnet || a.subnet_len <= 32);
	}
	if (engine_parse_event(data, size, &ev) == 0) {
		assert(ev.type[0] && ev.action[0]);
		check_clean(ev.action, sizeof(ev.action));
		check_clean(ev.name, sizeof(ev.name));
		assert(!ev.id[0] || engine_is_id(ev.id));
		assert(!ev.container[0] || engine_is_id(ev.container));
	}
	engine_parse_ids(data, size, on_id, &n);
	for (i = 0; i < ARRAY_SIZE(what); i++) {
		memset(&g, 0, sizeof(g));
		if (gluetun_parse(what[i], data, size, &g))
			continue;
		check_clean(g.status, sizeof(g.status));
		check_clean(g.version, sizeof(g.version));
		check_clean(g.public_ip, sizeof(g.public_ip));
		assert(g.forwarded_port >= 0 && g.forwarded_port <= 65535);
	}
}

/* What doctor reads: of an engine, and of files that a container writes. */
static void check_inspect(const char *data, size_t size)
{
	const uint32_t all = (INSPECT_PROC_RW << 1) - 1;
	struct inspect_container c;
	struct inspect_network n;
	struct inspect_engine e;
	uint32_t facts = all;
	char *text;

	if (inspect_parse_container(data, size, &c) == 0) {
		assert(engine_is_id(c.c.id) && !(c.facts & ~all));
		check_clean(c.cgroup_parent, sizeof(c.cgroup_parent));
		check_clean(c.mount, sizeof(c.mount));
		check_clean(c.ports, sizeof(c.ports));
		/* a mount is named only for what it gives */
		assert(!c.mount[0] ||
		       c.facts & (INSPECT_ENGINE_SOCKET | INSPECT_DBUS | INSPECT_RUN |
				  INSPECT_SYS_RW | INSPECT_PROC_RW | INSPECT_TUN));
	}
	if (inspect_parse_network(data, size, &n) == 0) {
		assert(engine_is_id(n.id) && n.subnet_len <= 32);
		check_clean(n.name, sizeof(n.name));
		check_clean(n.bridge, sizeof(n.bridge));
	}
	if (inspect_parse_engine(data, size, &e) == 0) {
		check_clean(e.version, sizeof(e.version));
		check_clean(e.cgroup_driver, sizeof(e.cgroup_driver));
	}
	text = malloc(size + 1);
	memcpy(text, data, size);
	text[size] = 0;
	inspect_parse_status(text, &facts);
	inspect_dns_from_host(text);
	assert(!(facts & ~all));
	free(text);
}

struct got {
	char body[65536];
	size_t len;
};

static int on_body(long status, const char *data, size_t len, void *ctx)
{
	struct got *g = ctx;

	assert(status >= 200 && status <= 999 && len);
	assert(len <= sizeof(g->body) - g->len);
	memcpy(g->body + g->len, data, len);
	g->len += len;
	return 0;
}

/* Pieces make no difference. */
static void check_http(const char *data, size_t size)
{
	static struct got whole, pieces;
	struct http_answer a = { 0 }, b = { 0 };
	int err, err2 = 0;
	size_t i;

	if (size > sizeof(whole.body))
		return;
	whole.len = pieces.len = 0;
	err = http_answer_feed(&a, data, size, on_body, &whole);
	for (i = 0; i < size && !err2; i++)
		err2 = http_answer_feed(&b, data + i, 1, on_body, &pieces);
	assert(err == err2);
	assert(http_answer_whole(&a) == http_answer_whole(&b) && a.status == b.status);
	assert(whole.len == pieces.len && memcmp(whole.body, pieces.body, whole.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_container((const char *)data, size);
	check_rest((const char *)data, size);
	check_inspect((const char *)data, size);
	check_http((const char *)data, size);
	return 0;
}
