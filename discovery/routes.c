// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "base/base.h"
#include "discovery/netlink.h"

#define ROUTES_MAX 262144
#define DUMPS_MAX  8

struct reading {
	struct discovery_net_route route;
	const struct nlattr *multipath;
};

static int on_attr(const struct nlattr *attr, void *data)
{
	struct reading *r = data;
	size_t len = mnl_attr_get_payload_len(attr);

	switch (mnl_attr_get_type(attr)) {
	case RTA_DST:
		if (len <= sizeof(r->route.dst))
			memcpy(r->route.dst, mnl_attr_get_payload(attr), len);
		break;
	case RTA_GATEWAY:
	case RTA_VIA: r->route.gatewayed = true; break;
	case RTA_OIF: discovery_nl_u32(attr, &r->route.oif); break;
	case RTA_TABLE: discovery_nl_u32(attr, &r->route.table); break;
	case RTA_MULTIPATH: r->multipath = attr; break;
	default: break;
	}
	return MNL_CB_OK;
}

static int on_hop_attr(const struct nlattr *attr, void *data)
{
	struct discovery_net_route *route = data;

	if (mnl_attr_get_type(attr) == RTA_GATEWAY || mnl_attr_get_type(attr) == RTA_VIA)
		route->gatewayed = true;
	return MNL_CB_OK;
}

/* A route over several next hops counts as one route over each. */
static int add_hops(const struct reading *r, struct discovery_bag *bag)
{
	const char *at = mnl_attr_get_payload(r->multipath);
	size_t left = mnl_attr_get_payload_len(r->multipath);
	int err = 0;

	while (!err && left >= sizeof(struct rtnexthop)) {
		struct discovery_net_route route = r->route;
		struct rtnexthop hop;
		size_t step;

		memcpy(&hop, at, sizeof(hop));
		if (hop.rtnh_len < sizeof(hop) || hop.rtnh_len > left)
			return -EBADMSG;
		route.oif = (uint32_t)hop.rtnh_ifindex;
		mnl_attr_parse_payload(at + sizeof(hop), hop.rtnh_len - sizeof(hop), on_hop_attr,
				       &route);
		err = discovery_bag_add(bag, &route);
		step = RTNH_ALIGN(hop.rtnh_len);
		if (step >= left)
			break;
		at += step;
		left -= step;
	}
	return err;
}

static int on_route(const struct nlmsghdr *nlh, void *data)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct reading r = { 0 };
	int err;

	if (nlh->nlmsg_type != RTM_NEWROUTE || nlh->nlmsg_len < NLMSG_LENGTH(sizeof(*rtm)))
		return MNL_CB_OK;
	if (rtm->rtm_type != RTN_UNICAST || rtm->rtm_flags & RTM_F_CLONED ||
	    (rtm->rtm_family != AF_INET && rtm->rtm_family != AF_INET6))
		return MNL_CB_OK;
	r.route.family = rtm->rtm_family == AF_INET ? 4 : 6;
	r.route.dst_len = rtm->rtm_dst_len;
	r.route.table = rtm->rtm_table;
	mnl_attr_parse(nlh, sizeof(*rtm), on_attr, &r);
	err = r.multipath ? add_hops(&r, data) : discovery_bag_add(data, &r.route);
	if (!err)
		return MNL_CB_OK;
	errno = -err;
	return MNL_CB_ERROR;
}

static int dump(int netns, int family, struct discovery_bag *bag)
{
	size_t before = bag->n;
	struct nlmsghdr *nlh;
	struct rtmsg *rtm;
	char buf[256];
	int err;

	for (int i = 0; i < DUMPS_MAX; i++) {
		nlh = mnl_nlmsg_put_header(buf);
		rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
		nlh->nlmsg_type = RTM_GETROUTE;
		nlh->nlmsg_flags = NLM_F_DUMP;
		rtm->rtm_family = (unsigned char)family;
		bag->n = before;
		err = discovery_nl_ask(netns, NETLINK_ROUTE, nlh, on_route, bag);
		if (err != -EINTR)
			break;
	}
	return err;
}

int discovery_routes(int netns, int (*fn)(const struct discovery_net_route *r, void *ctx),
		     void *ctx)
{
	struct discovery_bag bag = { .size = sizeof(struct discovery_net_route),
				     .max = ROUTES_MAX };
	int ret = dump(netns, AF_INET, &bag);

	/* A kernel without IPv6 hands its dump to nobody, which it calls an unsupported one. */
	if (!ret) {
		ret = dump(netns, AF_INET6, &bag);
		if (ret == -EOPNOTSUPP || ret == -EAFNOSUPPORT)
			ret = 0;
	}
	for (size_t i = 0; !ret && i < bag.n; i++)
		ret = fn((struct discovery_net_route *)bag.items + i, ctx);
	free(bag.items);
	return ret;
}
