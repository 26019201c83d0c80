/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Room events: raw kernel events to records, records to text and JSON Lines, records to files.
 *
 * Includes base/, bpf/bpfguard.h and discovery/discovery.h only. A record that cannot be decoded is
 * counted and said, never dropped in silence and never trusted.
 */
#ifndef BPFGUARD_EVENTS_H
#define BPFGUARD_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "bpf/bpfguard.h"

#define EVENTS_SCHEMA 1 /* version of the JSON Lines below */

/* Wire-form question name to text: `www.example.org`; odd bytes escaped. -EINVAL if malformed. */
int events_qname(const uint8_t *wire, size_t len, char *ret, size_t size);

/*
 * A denied attempt, ready to print: fixed buffers, so that it needs no allocation to fill. Strings
 * have been through base_sanitize(); "" and 0 mean "not known". ports and next_hop count only with
 * BG_F_PORTS and BG_F_ROUTE in flow.flags.
 */
struct events_record {
	uint64_t seq, lost, count;
	uint64_t ts_real_ns;
	char guard[BG_NAME];
	uint8_t hook, verdict, reason;
	char container_id[65], container_name[128], container_image[256];
	uint64_t cgroup_id; /* 0: not known */
	char cgroup[BG_PATH];
	uint32_t pid, tgid, uid, netns;
	char comm[4 * BG_COMM];
	char exe[512];
	struct bg_flow flow;
	char dns_name[1024];
};

/*
 * Checks every length and number in `data` (it may be anything: fuzzed). boot_to_real_ns is added
 * to the event's boot clock. Identity (container, exe, cgroup) is left empty for
 * events_identify(). -EBADMSG if it is not an event of this ABI.
 */
int events_decode(const void *data, size_t len, int64_t boot_to_real_ns, struct events_record *ret);

/* One JSON line with every field of the contract (design, section 7), and one line for people. */
void events_print_json(const struct events_record *r, FILE *out);
void events_print_text(const struct events_record *r, FILE *out, bool color);
/* The same line, malloc'ed, with its newline. NULL: out of memory. */
char *events_format_json(const struct events_record *r, size_t *ret_len);

/*
 * Said in the file when records could not be written: the sink makes it, `log` shows it. Not a
 * record: events_parse_json() answers -EBADMSG to it.
 */
struct events_notice {
	uint64_t ts_real_ns;
	uint64_t not_written;
	char error[128];
};
char *events_format_notice(const struct events_notice *n, size_t *ret_len);
int events_parse_notice(const char *line, size_t len, struct events_notice *ret);
void events_print_notice(const struct events_notice *n, FILE *out, bool color);

/* The inverse of events_print_json, for `log` reading the file back; -EBADMSG if it is not one. */
int events_parse_json(const char *line, size_t len, struct events_record *ret);

#endif /* BPFGUARD_EVENTS_H */
