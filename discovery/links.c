// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <linux/if_link.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

#include "base/base.h"
#include "discovery/netlink.h"

#define LINKS_MAX 65536
#define DUMPS_MAX 8

/* linux/if_link.h calls it IFLA_IF_NETNSID before Linux 4.20 */
#ifndef IFLA_TARGET_NETNSID
#define IFLA_TARGET_NETNSID IFLA_IF_NETNSID
#endif

static int on_info(const struct nlattr *attr, void *data)
{
	struct discovery_link *l = data;

	if (mnl_attr_get_type(attr) == IFLA_INFO_KIND)
		discovery_nl_text(attr, l->kind, sizeof(l->kind));
	return MNL_CB_OK;
}

static void read_counters(const struct nlattr *attr, struct discovery_link *l)
{
	struct rtnl_link_stats64 stats;

	/* The structure grows at its end from kernel to kernel; ours is at the start of it. */
	if (mnl_attr_get_payload_len(attr) < 4 * sizeof(uint64_t))
		return;
	memset(&stats, 0, sizeof(stats));
	memcpy(&stats, mnl_attr_get_payload(attr),
	       mnl_attr_get_payload_len(attr) < sizeof(stats) ? mnl_attr_get_payload_len(attr)
							      : sizeof(stats));
	l->rx_packets = stats.rx_packets;
	l->tx_packets = stats.tx_packets;
	l->rx_bytes = stats.rx_bytes;
	l->tx_bytes = stats.tx_bytes;
}

static int on_attr(const struct nlattr *attr, void *data)
{
	struct discovery_link *l = data;

	switch (mnl_attr_get_type(attr)) {
	case IFLA_IFNAME: discovery_nl_text(attr, l->name, sizeof(l->name)); break;
	case IFLA_MASTER: discovery_nl_u32(attr, &l->master); break;
	case IFLA_LINK: discovery_nl_u32(attr, &l->peer); break;
	case IFLA_LINK_NETNSID: discovery_nl_u32(attr, (uint32_t *)&l->peer_nsid); break;
	case IFLA_STATS64: read_counters(attr, l); break;
	case IFLA_LINKINFO: mnl_attr_parse_nested(attr, on_info, l); break;
	case IFLA_ADDRESS:
		l->has_mac = mnl_attr_get_payload_len(attr) == sizeof(l->mac);
		if (l->has_mac)
			memcpy(l->mac, mnl_attr_get_payload(attr), sizeof(l->mac));
		break;
	default: break;
	}
	return MNL_CB_OK;
}

int discovery_link_parse(const struct nlmsghdr *nlh, struct discovery_link *ret)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct discovery_link l = { .peer_nsid = -1 };

	if (nlh->nlmsg_len < NLMSG_LENGTH(sizeof(*ifi)) || ifi->ifi_index <= 0)
		return -EBADMSG;
	l.ifindex = (uint32_t)ifi->ifi_index;
	l.type = ifi->ifi_type;
	l.up = ifi->ifi_flags & IFF_UP;
	l.running = ifi->ifi_flags & IFF_RUNNING;
	mnl_attr_parse(nlh, sizeof(*ifi), on_attr, &l);
	if (!l.name[0])
		return -EBADMSG;
	*ret = l;
	return 0;
}

static int on_dumped(const struct nlmsghdr *nlh, void *data)
{
	struct discovery_link l;
	int err;

	if (nlh->nlmsg_type != RTM_NEWLINK)
		return MNL_CB_OK;
	err = discovery_link_parse(nlh, &l);
	if (!err)
		err = discovery_bag_add(data, &l);
	if (!err)
		return MNL_CB_OK;
	errno = -err;
	return MNL_CB_ERROR;
}

int discovery_links(int netns, int (*fn)(const struct discovery_link *l, void *ctx), void *ctx)
{
	struct discovery_bag bag = { .size = sizeof(struct discovery_link), .max = LINKS_MAX };
	struct nlmsghdr *nlh;
	char buf[256];
	int ret;

	for (int i = 0; i < DUMPS_MAX; i++) {
		nlh = mnl_nlmsg_put_header(buf);
		mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
		nlh->nlmsg_type = RTM_GETLINK;
		nlh->nlmsg_flags = NLM_F_DUMP;
		bag.n = 0;
		ret = discovery_nl_ask(netns, NETLINK_ROUTE, nlh, on_dumped, &bag);
		if (ret != -EINTR)
			break;
	}
	for (size_t i = 0; !ret && i < bag.n; i++)
		ret = fn((struct discovery_link *)bag.items + i, ctx);
	free(bag.items);
	return ret;
}

struct one {
	struct discovery_link link;
	bool found;
	int32_t target; /* the namespace that the kernel says it looked into */
};

static int on_target(const struct nlattr *attr, void *data)
{
	struct one *one = data;

	if (mnl_attr_get_type(attr) == IFLA_TARGET_NETNSID)
		discovery_nl_u32(attr, (uint32_t *)&one->target);
	return MNL_CB_OK;
}

static int on_one(const struct nlmsghdr *nlh, void *data)
{
	struct one *one = data;

	if (nlh->nlmsg_type != RTM_NEWLINK)
		return MNL_CB_OK;
	if (discovery_link_parse(nlh, &one->link)) {
		errno = EBADMSG;
		return MNL_CB_ERROR;
	}
	mnl_attr_parse(nlh, sizeof(struct ifinfomsg), on_target, one);
	one->found = true;
	return MNL_CB_OK;
}

int discovery_link_by_name(int netns, const char *name, struct discovery_link *ret)
{
	struct one one = { .target = -1 };
	struct nlmsghdr *nlh;
	char buf[256];
	int err;

	if (!name[0] || strlen(name) >= IFNAMSIZ)
		return -ENODEV;
	nlh = mnl_nlmsg_put_header(buf);
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
	nlh->nlmsg_type = RTM_GETLINK;
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	err = discovery_nl_ask(netns, NETLINK_ROUTE, nlh, on_one, &one);
	if (err)
		return err;
	if (!one.found)
		return -ENODEV;
	*ret = one.link;
	return 0;
}

/*
 * Linux 4.15 (commit 79e1ad148c84) looks into the namespace with that id, and repeats the id in its
 * answer; older ones do not know the attribute and answer with a device of ours that happens to
 * have the index. An id may be given to another namespace once its own is gone, and an index to
 * another device: the answer counts only if it is a device whose other end is the one asked for.
 */
int discovery_link_peer(const struct discovery_link *l, struct discovery_link *ret)
{
	struct one one = { .target = -1 };
	struct ifinfomsg *ifi;
	struct nlmsghdr *nlh;
	char buf[256];
	int err;

	if (!l->peer)
		return -ENODEV;
	nlh = mnl_nlmsg_put_header(buf);
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	nlh->nlmsg_type = RTM_GETLINK;
	ifi->ifi_index = (int)l->peer;
	if (l->peer_nsid >= 0)
		mnl_attr_put_u32(nlh, IFLA_TARGET_NETNSID, (uint32_t)l->peer_nsid);
	err = discovery_nl_ask(-1, NETLINK_ROUTE, nlh, on_one, &one);
	/* net/core/rtnetlink.c rtnl_get_net_ns_capable(): no namespace has this id any more */
	if (err == -EINVAL && l->peer_nsid >= 0)
		return -ENODEV;
	if (err)
		return err;
	if (one.found && one.target != l->peer_nsid)
		return -EOPNOTSUPP;
	if (!one.found || one.link.peer != l->ifindex)
		return -ENODEV;
	*ret = one.link;
	return 0;
}

static int on_nsid_attr(const struct nlattr *attr, void *data)
{
	if (mnl_attr_get_type(attr) == NETNSA_NSID)
		discovery_nl_u32(attr, data);
	return MNL_CB_OK;
}

static int on_nsid(const struct nlmsghdr *nlh, void *data)
{
	if (nlh->nlmsg_type == RTM_NEWNSID &&
	    nlh->nlmsg_len >= NLMSG_LENGTH(sizeof(struct rtgenmsg)))
		mnl_attr_parse(nlh, sizeof(struct rtgenmsg), on_nsid_attr, data);
	return MNL_CB_OK;
}

int discovery_port_flush(uint32_t ifindex, bool flood)
{
	struct nlmsghdr *nlh;
	struct ifinfomsg *ifi;
	struct nlattr *port;
	char buf[256];

	nlh = mnl_nlmsg_put_header(buf);
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	nlh->nlmsg_type = RTM_SETLINK;
	ifi->ifi_family = AF_BRIDGE;
	ifi->ifi_index = (int)ifindex;
	/* br_setlink(), net/bridge/br_netlink.c, wants it marked as nested */
	port = mnl_attr_nest_start(nlh, IFLA_PROTINFO);
	mnl_attr_put_u8(nlh, IFLA_BRPORT_UNICAST_FLOOD, flood);
	mnl_attr_put(nlh, IFLA_BRPORT_FLUSH, 0, NULL);
	mnl_attr_nest_end(nlh, port);
	return discovery_nl_ask(-1, NETLINK_ROUTE, nlh, NULL, NULL);
}

int discovery_nsid_of_pid(pid_t pid, int32_t *ret)
{
	int32_t nsid = NETNSA_NSID_NOT_ASSIGNED;
	struct nlmsghdr *nlh;
	char buf[256];
	int err;

	if (pid <= 0)
		return -ESRCH;
	nlh = mnl_nlmsg_put_header(buf);
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct rtgenmsg));
	nlh->nlmsg_type = RTM_GETNSID;
	mnl_attr_put_u32(nlh, NETNSA_PID, (uint32_t)pid);
	err = discovery_nl_ask(-1, NETLINK_ROUTE, nlh, on_nsid, &nsid);
	if (err)
		return err;
	if (nsid < 0)
		return -ENOENT;
	*ret = nsid;
	return 0;
}
