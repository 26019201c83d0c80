// SPDX-License-Identifier: GPL-2.0-only
/* The canonical form: block style, fixed order, every default written out. */
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#include "policy/internal.h"

const char *const policy_mode_words[2] = { [POLICY_ENFORCE] = "enforce", [POLICY_AUDIT] = "audit" };
const char *const policy_dns_words[3] = {
	[POLICY_DNS_GATEWAY] = "gateway",
	[POLICY_DNS_LOCAL_NAMES] = "local-names",
	[POLICY_DNS_STRICT] = "strict",
};
const char *const policy_tls_words[2] = { "allow", "deny" };
const char *const policy_namespace_words[2] = { "container", "host" };
const char *const policy_vpn_words[2] = { "up", "down" };
const char *const policy_expect_words[2] = { "allow", "deny" };
const char *const policy_auth_words[3] = {
	[POLICY_AUTH_NONE] = "none",
	[POLICY_AUTH_BASIC] = "basic",
	[POLICY_AUTH_APIKEY] = "apikey",
};
const char *const policy_on_down_words[2] = {
	[POLICY_ON_DOWN_DENY] = "deny",
	[POLICY_ON_DOWN_STOP] = "stop",
};

/* Would any YAML reader, 1.1 or 1.2, take the plain word for what it is? */
static bool plain_is_safe(const char *s)
{
	static const char *const others[] = { "true", "false", "yes",  "no", "on",
					      "off",  "null",  "none", "y",  "n" };

	if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || *s == '/'))
		return false;
	for (const char *t = s; *t; t++) {
		if (!((*t >= 'a' && *t <= 'z') || (*t >= 'A' && *t <= 'Z') ||
		      (*t >= '0' && *t <= '9') || strchr("/_.-", *t)))
			return false;
	}
	for (size_t i = 0; i < POLICY_COUNT(others); i++) {
		if (!strcasecmp(s, others[i]))
			return false;
	}
	return true;
}

static void print_word(FILE *out, const char *before, const char *s)
{
	if (plain_is_safe(s)) {
		fprintf(out, "%s%s\n", before, s);
		return;
	}
	fprintf(out, "%s\"", before);
	for (; *s; s++)
		fprintf(out, "%s%c", *s == '"' || *s == '\\' ? "\\" : "", *s);
	fputs("\"\n", out);
}

/* Quotes round whatever has a colon: YAML 1.1 readers may take it for a number in base 60. */
static void print_text(FILE *out, const char *before, const char *s)
{
	const char *quote = strchr(s, ':') ? "\"" : "";

	fprintf(out, "%s%s%s%s\n", before, quote, s, quote);
}

static void print_addr(FILE *out, const char *before, const struct policy_addr *a)
{
	char text[POLICY_ADDR_TEXT];

	print_text(out, before, policy_addr_format(a, text, sizeof(text)));
}

static void print_test(FILE *out, const struct policy_test *t)
{
	static const char *const via[] = {
		[POLICY_VIA_GATEWAY] = "gateway",
		[POLICY_VIA_ON_LINK] = "on-link",
		[POLICY_VIA_ADDRESS] = NULL,
		[POLICY_VIA_LOOPBACK] = "loopback",
	};
	char text[POLICY_TARGET_TEXT];

	print_text(out, "      - to: ", target_format(t, text, sizeof(text)));
	if (t->via == POLICY_VIA_ADDRESS)
		print_addr(out, "        via: ", &t->via_addr);
	else
		print_word(out, "        via: ", via[t->via]);
	print_word(out, "        namespace: ", policy_namespace_words[t->host_namespace]);
	print_word(out, "        vpn: ", policy_vpn_words[t->vpn_down]);
	print_word(out, "        expect: ", policy_expect_words[!t->expect_allow]);
	if (*t->reason)
		print_word(out, "        reason: ", t->reason);
}

static void print_gateway(FILE *out, const struct policy_guard *g)
{
	fputs("    gateway:\n", out);
	if (g->n_gateway)
		fputs("      address:\n", out);
	for (size_t i = 0; i < g->n_gateway; i++)
		print_addr(out, "        - ", &g->gateway[i]);
	if (*g->gateway_interface)
		print_word(out, "      interface: ", g->gateway_interface);
	if (*g->gateway_container)
		print_word(out, "      container: ", g->gateway_container);
	if (*g->gateway_netns)
		print_word(out, "      netns: ", g->gateway_netns);
	if (!g->control.port)
		return;
	fprintf(out, "      control:\n        port: %u\n        auth: %s\n", g->control.port,
		policy_auth_words[g->control.auth]);
	if (*g->control.secret_file)
		print_word(out, "        secret_file: ", g->control.secret_file);
}

static void print_endpoint(FILE *out, const char *before, const struct policy_endpoint *e,
			   bool proto)
{
	char addr[POLICY_ADDR_TEXT];
	bool six = e->addr.family == 6;

	policy_addr_format(&e->addr, addr, sizeof(addr));
	fprintf(out, "%s\"%s%s%s:%u%s\"\n", before, six ? "[" : "", addr, six ? "]" : "", e->port,
		!proto			  ? ""
		: e->proto == IPPROTO_TCP ? "/tcp"
					  : "/udp");
}

/* `on` and `off` stand without quotes, for our own reader. */
static void print_uplink(FILE *out, const struct policy_uplink *up)
{
	char text[POLICY_PREFIX_TEXT];

	fprintf(out, "    uplink:\n      guard: %s\n", up->off ? "off" : "on");
	if (up->off)
		return;
	print_word(out, "      interface: ", *up->interface ? up->interface : "auto");
	if (*up->network)
		print_word(out, "      network: ", up->network);
	if (*up->bridge)
		print_word(out, "      bridge: ", up->bridge);
	fprintf(out, "      endpoints:%s\n", up->endpoints_auto ? " auto" : "");
	for (size_t i = 0; i < up->n_endpoints; i++)
		print_endpoint(out, "        - ", &up->endpoint[i], true);
	fprintf(out, "      outbound:%s\n", up->n_outbound ? "" : " []");
	for (size_t i = 0; i < up->n_outbound; i++)
		print_text(out, "        - ", prefix_format(&up->outbound[i], text, sizeof(text)));
}

static void print_link(FILE *out, const struct policy_link *l)
{
	fprintf(out, "    link:\n      seal: %s\n", l->off ? "off" : "on");
	if (*l->network)
		print_word(out, "      network: ", l->network);
	if (*l->bridge)
		print_word(out, "      bridge: ", l->bridge);
}

static void print_kill_switch(FILE *out, const struct policy_guard *g)
{
	const struct policy_probe *p = &g->probe;
	char text[POLICY_DURATION_TEXT];

	fprintf(out, "    kill_switch:\n      lease: %s\n      on_down: %s\n",
		duration_format(g->lease_ms, text, sizeof(text)), policy_on_down_words[g->on_down]);
	if (!g->lease_ms && !p->given)
		return;
	fprintf(out, "      probe:\n        icmp:%s\n", p->n_icmp ? "" : " []");
	for (size_t i = 0; i < p->n_icmp; i++)
		print_addr(out, "          - ", &p->icmp[i]);
	fprintf(out, "        tcp:%s\n", p->n_tcp ? "" : " []");
	for (size_t i = 0; i < p->n_tcp; i++)
		print_endpoint(out, "          - ", &p->tcp[i], false);
	fprintf(out, "        every: %s\n", duration_format(p->every_ms, text, sizeof(text)));
}

void policy_print_guard(const struct policy_guard *g, FILE *out)
{
	char text[POLICY_PREFIX_TEXT];

	print_word(out, "  - name: ", g->name);
	print_word(out, "    cgroup: ", g->cgroup);
	print_word(out, "    mode: ", policy_mode_words[g->mode]);
	print_gateway(out, g);
	fprintf(out, "    local:%s\n", g->n_local ? "" : " []");
	for (size_t i = 0; i < g->n_local; i++)
		print_text(out, "      - ", prefix_format(&g->local[i], text, sizeof(text)));
	fputs("    dns:\n", out);
	print_word(out, "      mode: ", policy_dns_words[g->dns]);
	fputs("      server:\n", out);
	for (size_t i = 0; i < g->n_dns_server; i++)
		print_addr(out, "        - ", &g->dns_server[i]);
	print_word(out, "      tls: ", policy_tls_words[g->dns_tls_deny]);
	print_uplink(out, &g->uplink);
	print_link(out, &g->link);
	print_kill_switch(out, g);
	fprintf(out, "    tests:%s\n", g->n_tests ? "" : " []");
	for (size_t i = 0; i < g->n_tests; i++)
		print_test(out, &g->tests[i]);
}

void policy_print(const struct policy *p, FILE *out)
{
	fprintf(out, "version: %u\nguards:\n", p->version);
	for (size_t i = 0; i < p->n_guards; i++)
		policy_print_guard(&p->guards[i], out);
}
