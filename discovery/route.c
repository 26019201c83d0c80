// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/base.h"
#include "discovery/route.h"

static int enter_netns(pid_t pid, uint32_t *ret_inode)
{
	_close_ int fd = -1;
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	if (fstat(fd, &st) || setns(fd, CLONE_NEWNET))
		return -errno;
	*ret_inode = st.st_ino;
	return 0;
}

/* Sends one request and hands its answers to `cb`. */
static int ask(struct nlmsghdr *nlh, mnl_cb_t cb, void *data)
{
	char buf[16384];
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	int ret = 0;
	ssize_t n;

	if (!nl)
		return -errno;
	nlh->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	nlh->nlmsg_seq = 1;
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0) {
		ret = -errno;
	} else {
		do {
			n = mnl_socket_recvfrom(nl, buf, sizeof(buf));
			ret = n < 0 ? -errno
				    : mnl_cb_run(buf, n, 1, mnl_socket_get_portid(nl), cb, data);
			if (ret == MNL_CB_ERROR)
				ret = -errno;
		} while (ret > MNL_CB_STOP);
	}
	mnl_socket_close(nl);
	return ret;
}

static void read_via(const struct nlattr *attr, struct discovery_route *r)
{
	const struct rtvia *via = mnl_attr_get_payload(attr);
	size_t len = mnl_attr_get_payload_len(attr);

	if (len < sizeof(*via))
		return;
	len -= sizeof(*via);
	r->via_family = via->rtvia_family == AF_INET6 ? 6 : 4;
	memcpy(r->via, via->rtvia_addr, len > 16 ? 16 : len);
}

static void read_gateway(const struct nlattr *attr, int family, struct discovery_route *r)
{
	size_t len = mnl_attr_get_payload_len(attr);

	r->via_family = family == AF_INET6 ? 6 : 4;
	memcpy(r->via, mnl_attr_get_payload(attr), len > 16 ? 16 : len);
}

static int on_route(const struct nlmsghdr *nlh, void *data)
{
	struct discovery_route *r = data;
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct nlattr *attr;

	if (nlh->nlmsg_type != RTM_NEWROUTE || nlh->nlmsg_len < NLMSG_LENGTH(sizeof(*rtm)))
		return MNL_CB_OK;
	r->exists = rtm->rtm_type == RTN_UNICAST || rtm->rtm_type == RTN_LOCAL ||
		    rtm->rtm_type == RTN_BROADCAST || rtm->rtm_type == RTN_MULTICAST ||
		    rtm->rtm_type == RTN_ANYCAST;
	r->local = rtm->rtm_type == RTN_LOCAL;
	mnl_attr_for_each(attr, nlh, sizeof(*rtm))
	{
		switch (mnl_attr_get_type(attr)) {
		case RTA_OIF: r->ifindex = mnl_attr_get_u32(attr); break;
		case RTA_GATEWAY: read_gateway(attr, rtm->rtm_family, r); break;
		case RTA_VIA: read_via(attr, r); break;
		case RTA_ENCAP_TYPE: r->encap = true; break;
		case RTA_PREFSRC:
			memcpy(r->src, mnl_attr_get_payload(attr),
			       mnl_attr_get_payload_len(attr) > 16
				       ? 16
				       : mnl_attr_get_payload_len(attr));
			break;
		}
	}
	return MNL_CB_OK;
}

static int on_link(const struct nlmsghdr *nlh, void *data)
{
	struct discovery_route *r = data;
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct nlattr *attr;

	if (nlh->nlmsg_type != RTM_NEWLINK || nlh->nlmsg_len < NLMSG_LENGTH(sizeof(*ifi)))
		return MNL_CB_OK;
	r->dev_type = ifi->ifi_type;
	mnl_attr_for_each(attr, nlh,
			  sizeof(*ifi)) if (mnl_attr_get_type(attr) == IFLA_IFNAME &&
					    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
		snprintf(r->ifname, sizeof(r->ifname), "%s", mnl_attr_get_str(attr));
	return MNL_CB_OK;
}

static int get_route(int family, const uint8_t dst[16], struct discovery_route *r)
{
	char buf[256];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	int err;

	nlh->nlmsg_type = RTM_GETROUTE;
	rtm->rtm_family = family == 4 ? AF_INET : AF_INET6;
	rtm->rtm_dst_len = family == 4 ? 32 : 128;
	mnl_attr_put(nlh, RTA_DST, family == 4 ? 4 : 16, dst);
	err = ask(nlh, on_route, r);
	/* the kernel's ways of saying "no route": as for a program that connects */
	if (err == -ENETUNREACH || err == -EHOSTUNREACH || err == -EINVAL || err == -EACCES) {
		r->exists = false;
		return 0;
	}
	return err;
}

static int get_link(struct discovery_route *r)
{
	char buf[256];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));

	nlh->nlmsg_type = RTM_GETLINK;
	ifi->ifi_index = r->ifindex;
	return ask(nlh, on_link, r);
}

int discovery_route(pid_t pid, int family, const uint8_t dst[16], struct discovery_route *ret)
{
	struct discovery_route r = { 0 };
	int err = enter_netns(pid, &r.netns);

	if (!err)
		err = get_route(family, dst, &r);
	if (!err && r.exists && r.ifindex)
		err = get_link(&r);
	if (err < 0)
		return err;
	*ret = r;
	return 0;
}

int discovery_cgroup_of(pid_t pid, char *ret, size_t size)
{
	_free_ char *buf = NULL;
	char path[64], *line, *save = NULL;
	size_t len;
	int err;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	err = base_read_file(path, 1 << 16, &buf, &len);
	if (err)
		return err == -ENOENT ? -ESRCH : err;
	for (line = strtok_r(buf, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (strncmp(line, "0::", 3))
			continue;
		if (snprintf(ret, size, "%s", line + 3) >= (int)size)
			return -ENAMETOOLONG;
		return 0;
	}
	return -ENOENT;
}
