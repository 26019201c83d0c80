/* SPDX-License-Identifier: GPL-2.0-only */
/* Guards and flows for the tests of the decision. */
#ifndef BPFGUARD_TEST_VERDICT_FLOW_H
#define BPFGUARD_TEST_VERDICT_FLOW_H

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "loader/loader.h"

#define NETNS	   4026531999u
#define HOST_NETNS 4026531840u
#define NOW	   1000000ull

/* `local`: what follows the first network. */
static inline struct loader_image compile(const char *extra, const char *gateway, const char *local)
{
	struct policy_errors errs = { 0 };
	struct loader_image img;
	struct policy *p = NULL;
	char text[2048];

	snprintf(text, sizeof(text),
		 "version: 1\nguards:\n  - name: a\n    cgroup: /a\n    gateway: %s\n"
		 "    local: [10.0.9.0/24%s]\n%s",
		 gateway, local, extra);
	if (policy_parse(text, strlen(text), &p, &errs))
		policy_errors_print(&errs, "policy", stderr);
	assert_non_null(p);
	policy_errors_free(&errs);
	assert_int_equal(loader_compile(p, "p", &img), 0);
	policy_free(p);
	img.guard[0].host_netns[0] = HOST_NETNS;
	img.guard[0].host_netns[1] = HOST_NETNS + 1;
	return img;
}

/* "" as next hop: on-link. */
static inline struct bg_flow flow(const char *to, const char *via, uint16_t flags, uint8_t proto,
				  uint16_t port)
{
	struct bg_flow f = { .hook = BG_HOOK_EGRESS,
			     .flags = flags,
			     .proto = proto,
			     .dport = port,
			     .netns = NETNS,
			     .ifindex = 2 };

	f.family = strchr(to, ':') ? 6 : 4;
	assert_int_equal(inet_pton(f.family == 6 ? AF_INET6 : AF_INET, to, f.daddr), 1);
	if (*via) {
		f.nh_family = strchr(via, ':') ? 6 : 4;
		assert_int_equal(inet_pton(f.nh_family == 6 ? AF_INET6 : AF_INET, via, f.next_hop),
				 1);
	}
	return f;
}

#define R BG_F_ROUTE
#define P (BG_F_ROUTE | BG_F_PORTS)

#endif /* BPFGUARD_TEST_VERDICT_FLOW_H */
