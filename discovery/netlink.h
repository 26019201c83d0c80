/* SPDX-License-Identifier: GPL-2.0-only */
/* Inside room discovery: one question to the kernel by netlink, and what the answers look like. */
#ifndef BPFGUARD_DISCOVERY_NETLINK_H
#define BPFGUARD_DISCOVERY_NETLINK_H

#include <libmnl/libmnl.h>

#include "discovery/netns.h"

/*
 * Sends one request into a namespace and hands its answers to cb, which runs in the caller's own
 * namespace: only the socket is made over there. 0 or -errno: -ETIMEDOUT when the kernel is silent,
 * -EINTR when a dump changed under the reader, who then starts afresh.
 */
int discovery_nl_ask(int netns, int bus, struct nlmsghdr *nlh, mnl_cb_t cb, void *data);

/* Attributes of the right length only; false leaves *ret alone. */
bool discovery_nl_u32(const struct nlattr *attr, uint32_t *ret);
/* Copies a string; bytes that are not printable become '?': names are chosen by others. */
bool discovery_nl_text(const struct nlattr *attr, char *ret, size_t size);

/* RTM_NEWLINK or RTM_DELLINK. -EBADMSG. */
int discovery_link_parse(const struct nlmsghdr *nlh, struct discovery_link *ret);

/* A growing array with an upper bound, for dumps that may have to be read again. */
struct discovery_bag {
	char *items;
	size_t n, room, size, max;
};
/* -ENOMEM, -E2BIG above max */
int discovery_bag_add(struct discovery_bag *bag, const void *item);

#endif /* BPFGUARD_DISCOVERY_NETLINK_H */
