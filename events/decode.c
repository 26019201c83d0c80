/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Raw events to records. The bytes come from the kernel, but are read as if from anybody: a program
 * of another version may own the ring.
 */
#include <errno.h>
#include <string.h>

#include "base/base.h"
#include "events/events.h"
#include "events/names.h"

_Static_assert(EVENTS_SCHEMA == 1, "docs/events.md describes schema 1");

#define LABEL_MAX                                                                                  \
	63u /* RFC 1035, 2.3.4; higher values are pointers, which a question never needs */

/*
 * One byte of a label. A dot inside a label would read as a label's end, and a backslash as the
 * start of an escape; high bytes are left to base_sanitize(), which knows UTF-8 (mDNS).
 */
static size_t qname_byte(uint8_t byte, char *ret)
{
	static const char hex[] = "0123456789abcdef";

	if (byte > 0x20 && byte != 0x7f && byte != '.' && byte != '\\') {
		ret[0] = (char)byte;
		return 1;
	}
	ret[0] = '\\';
	ret[1] = 'x';
	ret[2] = hex[byte >> 4];
	ret[3] = hex[byte & 15];
	return 4;
}

/* Bytes behind the name (question type, class, more sections) are not looked at. */
int events_qname(const uint8_t *wire, size_t len, char *ret, size_t size)
{
	char text[4 * BG_DNS_QNAME];
	size_t at = 0, out = 0;

	if (len > BG_DNS_QNAME)
		return -EINVAL;
	for (;;) {
		uint8_t label;

		if (at >= len)
			return -EINVAL;
		label = wire[at++];
		if (label == 0)
			break;
		if (label > LABEL_MAX || label >= len - at)
			return -EINVAL;
		if (out)
			text[out++] = '.';
		for (; label; label--)
			out += qname_byte(wire[at++], text + out);
	}
	if (out == 0)
		text[out++] = '.';
	if (size == 0)
		return -EINVAL;
	base_sanitize(ret, size, text, out);
	return 0;
}

static bool flow_sane(const struct bg_flow *f)
{
	if (f->family != 0 && f->family != 4 && f->family != 6)
		return false;
	return f->nh_family == 0 || f->nh_family == 4 || f->nh_family == 6;
}

/* Only the words that the family uses, so that "all zero" means what it says. */
static void clear_rest(uint32_t addr[4], uint8_t family)
{
	for (unsigned int i = family == 6 ? 4 : family == 4 ? 1 : 0; i < 4; i++)
		addr[i] = 0;
}

static bool event_sane(const struct bg_event *ev)
{
	const char *reason = events_reason_name(ev->reason);

	if (!reason || ev->reason < BG_R_FIRST_DENY || !events_hook_name(ev->hook))
		return false;
	if (ev->verdict != BG_DENY && ev->verdict != BG_WOULD_DENY)
		return false;
	if (ev->slot >= BG_MAX_GUARDS || ev->count == 0 || ev->count > INT64_MAX)
		return false;
	return ev->seq <= INT64_MAX && flow_sane(&ev->flow);
}

int events_decode(const void *data, size_t len, int64_t boot_to_real_ns, struct events_record *ret)
{
	struct bg_event ev;

	if (len < sizeof(ev))
		return -EBADMSG;
	memcpy(&ev, data, sizeof(ev)); /* the ring aligns to 8, a file or a test need not */
	if (ev.kind != BG_EVENT_DENIED && ev.kind != BG_EVENT_DENIED_DNS)
		return -EBADMSG;
	if (len < (ev.kind == BG_EVENT_DENIED ? sizeof(ev) : sizeof(struct bg_event_dns)))
		return -EBADMSG;
	if (!event_sane(&ev))
		return -EBADMSG;

	memset(ret, 0, sizeof(*ret));
	ret->seq = ev.seq;
	ret->count = ev.count;
	ret->ts_real_ns = ev.ts_ns + (uint64_t)boot_to_real_ns;
	base_sanitize(ret->guard, sizeof(ret->guard), ev.guard,
		      strnlen(ev.guard, sizeof(ev.guard)));
	ret->hook = ev.hook;
	ret->verdict = ev.verdict;
	ret->reason = ev.reason;
	ret->cgroup_id = ev.cgroup <= INT64_MAX ? ev.cgroup : 0; /* JSON integers are signed */
	ret->pid = ev.pid;
	ret->tgid = ev.tgid;
	ret->uid = ev.uid;
	ret->netns = ev.flow.netns;
	base_sanitize(ret->comm, sizeof(ret->comm), ev.comm, strnlen(ev.comm, sizeof(ev.comm)));
	ret->flow = ev.flow;
	ret->flow.hook = ev.hook;
	clear_rest(ret->flow.saddr, ev.flow.family);
	clear_rest(ret->flow.daddr, ev.flow.family);
	clear_rest(ret->flow.next_hop, ev.flow.nh_family);
	/* A name that is no name (the packet says so, not we) is left empty; the rest stands. */
	if (ev.kind == BG_EVENT_DENIED_DNS)
		events_qname((const uint8_t *)data + offsetof(struct bg_event_dns, qname),
			     ev.dns_len, ret->dns_name, sizeof(ret->dns_name));
	return 0;
}
