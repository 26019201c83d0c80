// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes as the payload of a UDP query: what the kernel takes for a query for one single-label
 * name (bpf/dns.bpf.h) must be one to the log's decoder too, and the other way round. Otherwise a
 * name could pass to Docker's resolver that the log would show as another.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.c"
#include "bpf/bpfguard.h"
#include "events/decode.c"
#include "events/names.c"

static inline bool bg_prefix_find(const struct bg_guard *g, __u32 slot, const struct bg_flow *f,
				  __u32 *line);
#include "bpf/dns.bpf.h"

static inline bool bg_prefix_find(const struct bg_guard *g, __u32 slot, const struct bg_flow *f,
				  __u32 *line)
{
	(void)g, (void)slot, (void)f, (void)line;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool kernel_says_single(const uint8_t *data, size_t size)
{
	__u32 end = size >= BG_DNS_HEAD ? bg_dns_label_end(data) : 0;

	return end && end < size && data[end] == 0;
}

/* Dots between labels; the decoder escapes those inside of one. */
static bool has_label_dot(const char *name)
{
	for (; *name; name++) {
		if (*name == '\\' && name[1])
			name++;
		else if (*name == '.')
			return true;
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len = size > 12 ? size - 12 : 0;
	char name[1100];
	bool decoded, single = kernel_says_single(data, size);

	if (len > BG_DNS_QNAME - 1)
		len = BG_DNS_QNAME - 1;
	decoded = len && !events_qname(data + 12, len, name, sizeof(name));
	if (single && (!decoded || has_label_dot(name) || !strcmp(name, ".") || !*name))
		abort();
	if (!single && decoded && !(data[2] & 0x80) && data[4] == 0 && data[5] == 1 &&
	    strcmp(name, ".") && !has_label_dot(name))
		abort();
	return 0;
}
