// SPDX-License-Identifier: GPL-2.0-only
/*
 * OpenVPN's configuration, as far as it tells where the tunnel goes. A remote that is a host name
 * is passed over: what a name means is what OpenVPN resolved, not what a resolver would say now.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/base.h"
#include "discovery/tunnel_parts.h"

#define CONFIG_MAX   (256u << 10)
#define REMOTES_MAX  64
#define WORDS	     4
#define PORT_DEFAULT 1194
#define GLUETUN_FILE "etc/openvpn/target.ovpn"

struct remote {
	uint8_t family, addr[16];
	uint16_t port; /* 0: the general one */
	uint8_t proto; /* 0: the general one */
};

struct defaults {
	uint16_t port;
	uint8_t proto;
};

struct config {
	struct remote remote[REMOTES_MAX];
	size_t n, block_start;
	struct defaults general, block;
	bool in_block, elsewhere;
	uint8_t forced; /* proto-force */
	char skip[64];	/* inside of an inline file: the line that ends it */
};

/* src/openvpn/socket.c proto_names; 0: not one of them */
static uint8_t read_proto(const char *word)
{
	static const char *const tails[] = { "", "4", "6" };
	static const char *const roles[] = { "", "-client", "-server" };
	char name[16];

	for (size_t i = 0; i < ARRAY_SIZE(tails); i++) {
		snprintf(name, sizeof(name), "udp%s", tails[i]);
		if (strcmp(word, name) == 0)
			return IPPROTO_UDP;
		for (size_t j = 0; j < ARRAY_SIZE(roles); j++) {
			snprintf(name, sizeof(name), "tcp%s%s", tails[i], roles[j]);
			if (strcmp(word, name) == 0)
				return IPPROTO_TCP;
		}
	}
	return 0;
}

static uint16_t read_port(const char *word)
{
	char *end;
	unsigned long port = strtoul(word, &end, 10);

	return word[0] >= '0' && word[0] <= '9' && !*end && port <= UINT16_MAX ? (uint16_t)port : 0;
}

static void add_remote(struct config *c, char word[WORDS][256], int n)
{
	struct remote r = { 0 };

	if (n < 2 || c->n == REMOTES_MAX)
		return;
	r.family = (uint8_t)discovery_address(word[1], r.addr);
	if (!r.family)
		return;
	if (n > 2) {
		r.port = read_port(word[2]);
		if (!r.port)
			return;
	}
	if (n > 3) {
		r.proto = read_proto(word[3]);
		if (!r.proto)
			return;
	}
	c->remote[c->n++] = r;
}

static void fill_in(struct config *c, size_t from, const struct defaults *d)
{
	for (size_t i = from; i < c->n; i++) {
		if (!c->remote[i].port)
			c->remote[i].port = d->port;
		if (!c->remote[i].proto)
			c->remote[i].proto = d->proto;
	}
}

static void read_general_proto(struct config *c, struct defaults *d, const char *word)
{
	d->proto = read_proto(word);
	if (!d->proto)
		c->elsewhere = true;
}

/* <connection> holds options of its own; any other <tag> a file, up to </tag>. */
static void on_tag(struct config *c, const char *tag)
{
	if (strcmp(tag, "<connection>") == 0) {
		c->in_block = true;
		c->block_start = c->n;
		c->block = (struct defaults){ 0 };
	} else if (strcmp(tag, "</connection>") == 0) {
		if (c->in_block)
			fill_in(c, c->block_start, &c->block);
		c->in_block = false;
	} else if (tag[1] != '/' && strlen(tag) + 2 < sizeof(c->skip)) {
		snprintf(c->skip, sizeof(c->skip), "</%s", tag + 1);
	}
}

static void on_option(struct config *c, char word[WORDS][256], int n)
{
	struct defaults *d = c->in_block ? &c->block : &c->general;
	const char *name = word[0];

	if (strncmp(name, "--", 2) == 0)
		name += 2;
	if (n == 1 && name[0] == '<' && name[strlen(name) - 1] == '>')
		on_tag(c, name);
	else if (strcmp(name, "remote") == 0)
		add_remote(c, word, n);
	else if (strcmp(name, "proto") == 0 && n > 1)
		read_general_proto(c, d, word[1]);
	else if ((strcmp(name, "port") == 0 || strcmp(name, "rport") == 0) && n > 1)
		d->port = read_port(word[1]);
	else if (strcmp(name, "proto-force") == 0 && n > 1)
		c->forced = read_proto(word[1]);
	else if (strcmp(name, "http-proxy") == 0 || strcmp(name, "socks-proxy") == 0)
		c->elsewhere = true;
}

/* Words as OpenVPN's parse_line() takes them: quotes, backslashes, comments. How many. */
static int split(const char *at, const char *end, char word[WORDS][256])
{
	char quote = '\0';
	size_t len = 0;
	bool in = false;
	int n = 0;

	for (; at <= end && n < WORDS; at++) {
		char ch = '\0';

		if (at < end)
			ch = *at;
		if (!in && (ch == '#' || ch == ';'))
			break;
		if (!quote && (ch == '\0' || ch == ' ' || ch == '\t' || ch == '\r')) {
			if (in)
				word[n++][len] = '\0';
			in = false;
			len = 0;
			continue;
		}
		in = true;
		if (ch == quote) {
			quote = '\0';
			continue;
		}
		if (!quote && (ch == '"' || ch == '\'')) {
			quote = ch;
			continue;
		}
		if (ch == '\\' && quote != '\'' && at + 1 < end)
			ch = *++at;
		if (len + 1 >= sizeof(word[0]))
			return 0;
		word[n][len++] = ch;
	}
	return n;
}

static void on_line(struct config *c, const char *line, const char *end)
{
	char word[WORDS][256] = { "" };
	int n;

	if (c->skip[0]) {
		size_t len = strlen(c->skip);

		while (line < end && (*line == ' ' || *line == '\t'))
			line++;
		if ((size_t)(end - line) >= len && memcmp(line, c->skip, len) == 0)
			c->skip[0] = '\0';
		return;
	}
	n = split(line, end, word);
	if (n > 0 && word[0][0])
		on_option(c, word, n);
}

int discovery_parse_openvpn(const char *text, size_t len, struct discovery_tunnel *ret)
{
	struct discovery_tunnel t = { .kind = DISCOVERY_TUNNEL_OPENVPN };
	struct config c = { 0 };

	if (memchr(text, '\0', len))
		return -EBADMSG;
	for (size_t at = 0; at < len;) {
		const char *end = memchr(text + at, '\n', len - at);

		if (!end)
			end = text + len;
		on_line(&c, text + at, end);
		at = (size_t)(end - text) + 1;
	}
	if (!c.general.port)
		c.general.port = PORT_DEFAULT;
	if (!c.general.proto)
		c.general.proto = IPPROTO_UDP;
	fill_in(&c, 0, &c.general);
	/* By a proxy the packets do not go to the remote; by a strange protocol who knows. */
	for (size_t i = 0; i < c.n && !c.elsewhere; i++) {
		const struct remote *r = &c.remote[i];

		if (!c.forced || c.forced == r->proto)
			discovery_endpoint_add(&t, r->family, r->addr, r->port, r->proto,
					       "openvpn");
	}
	*ret = t;
	return 0;
}

/* Gluetun writes its choice into a file before each start of OpenVPN; otherwise the process. */
int discovery_openvpn(int netns, int root, const struct discovery_link *l, uint64_t deadline,
		      struct discovery_tunnel *ret)
{
	struct discovery_tunnel t, by_process;
	_free_ char *text = NULL;
	bool found;
	size_t len;
	int err;

	found = !discovery_read_inside(root, GLUETUN_FILE, true, CONFIG_MAX, &text, &len) &&
		!discovery_parse_openvpn(text, len, &t);
	if (found && t.n_endpoints) {
		for (size_t i = 0; i < t.n_endpoints; i++)
			snprintf(t.endpoint[i].source, sizeof(t.endpoint[i].source), "/%s",
				 GLUETUN_FILE);
		*ret = t;
		return 0;
	}
	err = discovery_openvpn_process(netns, l, deadline, &by_process);
	if (!err)
		t = by_process;
	else if (err != -ENOENT || !found)
		return err;
	*ret = t;
	return 0;
}
