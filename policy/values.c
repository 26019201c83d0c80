// SPDX-License-Identifier: GPL-2.0-only
/* Addresses, networks and endpoints as values of a list. */
#include <netinet/in.h>
#include <string.h>

#include "policy/internal.h"

bool address_read(struct parse *c, const struct node *n, const char *what, struct policy_addr *list,
		  size_t *n_list, size_t max_family)
{
	const char *text = map_scalar(c, n, what, "write an IPv4 or IPv6 address");
	struct policy_addr a = { 0 };
	size_t same = 0;

	if (!text)
		return false;
	if (policy_addr_parse(text, &a)) {
		struct policy_prefix p;

		err_add(c, n->pos,
			policy_prefix_parse(text, &p)
				? "write an IPv4 or IPv6 address, such as 172.30.0.2"
				: "write the address alone, without a prefix length",
			"%s %s is not an address", what, QUOTE(text));
		return false;
	}
	a.pos = n->pos;
	for (size_t i = 0; i < *n_list; i++) {
		if (addr_equal(&list[i], &a)) {
			err_add(c, n->pos, "remove it", "%s %s is listed twice, first at line %u",
				what, QUOTE(text), list[i].pos.line);
			return false;
		}
		same += list[i].family == a.family;
	}
	if (same == max_family) {
		err_add(c, n->pos, "remove some", "more than %zu IPv%u addresses for %s",
			max_family, a.family, what);
		return false;
	}
	list[(*n_list)++] = a;
	return true;
}

bool prefix_read(struct parse *c, const struct node *n, const char *what, const char *todo,
		 struct policy_prefix *ret)
{
	const char *text = map_scalar(c, n, what, todo);
	char fixed[POLICY_PREFIX_TEXT], hint[sizeof(fixed) + 32];
	struct policy_prefix p = { 0 };
	unsigned int shortest;

	if (!text)
		return false;
	if (policy_prefix_parse(text, &p)) {
		if (!policy_addr_parse(text, &p.addr)) {
			snprintf(hint, sizeof(hint), "write %.46s/%d for this one address", text,
				 p.addr.family == 4 ? 32 : 128);
			err_add(c, n->pos, hint, "%s %s has no prefix length", what, QUOTE(text));
		} else {
			err_add(c, n->pos, todo, "%s %s is not ADDRESS/LENGTH", what, QUOTE(text));
		}
		return false;
	}
	shortest = p.addr.family == 4 ? POLICY_MIN_LOCAL4 : POLICY_MIN_LOCAL6;
	if (p.len < shortest) {
		err_add(c, n->pos, todo,
			"%s %s is larger than a /%u: so large a part of the Internet "
			"would be open without the VPN",
			what, QUOTE(text), shortest);
		return false;
	}
	if (prefix_mask(&p)) {
		snprintf(hint, sizeof(hint), "did you mean %s?",
			 prefix_format(&p, fixed, sizeof(fixed)));
		err_add(c, n->pos, hint, "%s %s has bits set behind its prefix length", what,
			QUOTE(text));
		return false;
	}
	/* 127.0.0.0/8, 0.0.0.0/8, and what stands below ::/32: never seen between two hosts. */
	if (p.addr.family == 4 ? p.addr.bytes[0] == 127 || p.addr.bytes[0] == 0
			       : !memcmp(p.addr.bytes, (uint8_t[4]){ 0 }, 4)) {
		err_add(c, n->pos, "remove it: loopback is always allowed",
			"%s %s is no network between hosts", what, QUOTE(text));
		return false;
	}
	p.addr.pos = n->pos;
	*ret = p;
	return true;
}

/* Letters where an address would have none. An IPv6 address never looks so: it has two colons. */
static bool is_host_name(const char *text)
{
	size_t len = strcspn(text, ":/"), i;
	bool letter = false;

	for (i = 0; i < len; i++) {
		char ch = text[i];

		letter = letter || (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z');
		if (!letter && !(ch >= '0' && ch <= '9') && !strchr("-._", ch))
			return false;
	}
	return letter && !(text[len] == ':' && strchr(text + len + 1, ':'));
}

static bool endpoint_parse(struct parse *c, const struct node *n, const struct endpoint_kind *kind,
			   const char *text, struct policy_endpoint *ret)
{
	const char *slash = strchr(text, '/');
	struct policy_endpoint e = { 0 };

	if (policy_target_parse(text, &e.addr, &e.port, &e.proto)) {
		if (kind->any_proto && !strcmp(text, "auto"))
			err_add(c, n->pos, "write `endpoints: auto`, or addresses only",
				"'auto' stands in a list of endpoints");
		else if (is_host_name(text))
			err_add(c, n->pos, kind->name_todo, "%s %s is a host name", kind->what,
				QUOTE(text));
		else
			err_add(c, n->pos, kind->todo, "%s %s is not understood", kind->what,
				QUOTE(text));
		return false;
	}
	if (!slash)
		e.proto = kind->proto;
	if (slash && strcmp(slash, "/tcp") && (!kind->any_proto || strcmp(slash, "/udp"))) {
		err_add(c, n->pos, kind->todo, "%s %s is not %s", kind->what, QUOTE(text),
			kind->any_proto ? "udp or tcp" : "tcp");
		return false;
	}
	if (!e.port) {
		err_add(c, n->pos, kind->todo, "%s %s has no port", kind->what, QUOTE(text));
		return false;
	}
	e.addr.pos = n->pos;
	*ret = e;
	return true;
}

static bool endpoint_read(struct parse *c, const struct node *n, const struct endpoint_kind *kind,
			  struct policy_endpoint *list, size_t *n_list)
{
	const char *text = map_scalar(c, n, kind->what, kind->todo);
	struct policy_endpoint e;

	if (!text || !endpoint_parse(c, n, kind, text, &e))
		return false;
	for (size_t i = 0; i < *n_list; i++) {
		if (!addr_equal(&list[i].addr, &e.addr) || list[i].port != e.port ||
		    list[i].proto != e.proto)
			continue;
		err_add(c, n->pos, "remove it", "%s %s is listed twice, first at line %u",
			kind->what, QUOTE(text), list[i].addr.pos.line);
		return false;
	}
	list[(*n_list)++] = e;
	return true;
}

bool endpoints_read(struct parse *c, const struct node *val, const struct endpoint_kind *kind,
		    struct policy_endpoint *list, size_t *n_list)
{
	bool good = true;

	for (const struct node *n = map_first(val); n; n = map_next(val, n)) {
		if (*n_list == kind->max) {
			err_add(c, n->pos, "remove some", "more than %zu %ss", kind->max,
				kind->what);
			return false;
		}
		good = endpoint_read(c, n, kind, list, n_list) && good;
	}
	return good;
}
