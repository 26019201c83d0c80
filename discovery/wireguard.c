// SPDX-License-Identifier: GPL-2.0-only
/* WireGuard in the kernel: what `wg show` asks, by generic netlink. */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/wireguard.h>
#include <netinet/in.h>
#include <string.h>

#include "base/base.h"
#include "discovery/netlink.h"
#include "discovery/tunnel_parts.h"

#define DUMPS_MAX 8

static int on_family_attr(const struct nlattr *attr, void *data)
{
	if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID &&
	    mnl_attr_get_payload_len(attr) == sizeof(uint16_t))
		*(uint16_t *)data = mnl_attr_get_u16(attr);
	return MNL_CB_OK;
}

static int on_family(const struct nlmsghdr *nlh, void *data)
{
	if (nlh->nlmsg_len >= NLMSG_LENGTH(sizeof(struct genlmsghdr)))
		mnl_attr_parse(nlh, sizeof(struct genlmsghdr), on_family_attr, data);
	return MNL_CB_OK;
}

static struct nlmsghdr *put_command(char *buf, uint16_t family, uint8_t cmd, uint8_t version)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));

	nlh->nlmsg_type = family;
	genl->cmd = cmd;
	genl->version = version;
	return nlh;
}

static int find_family(int netns, uint16_t *ret)
{
	struct nlmsghdr *nlh;
	uint16_t id = 0;
	char buf[256];
	int err;

	nlh = put_command(buf, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1);
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, WG_GENL_NAME);
	err = discovery_nl_ask(netns, NETLINK_GENERIC, nlh, on_family, &id);
	if (err)
		return err;
	if (id < NLMSG_MIN_TYPE)
		return -ENOENT;
	*ret = id;
	return 0;
}

static void read_sockaddr(const struct nlattr *attr, struct discovery_tunnel *t)
{
	size_t len = mnl_attr_get_payload_len(attr);
	struct sockaddr_in6 in6;
	struct sockaddr_in in;
	sa_family_t family;

	if (len < sizeof(family))
		return;
	memcpy(&family, mnl_attr_get_payload(attr), sizeof(family));
	if (family == AF_INET && len >= sizeof(in)) {
		memcpy(&in, mnl_attr_get_payload(attr), sizeof(in));
		discovery_endpoint_add(t, 4, &in.sin_addr, ntohs(in.sin_port), IPPROTO_UDP,
				       WG_GENL_NAME);
	} else if (family == AF_INET6 && len >= sizeof(in6)) {
		memcpy(&in6, mnl_attr_get_payload(attr), sizeof(in6));
		discovery_endpoint_add(t, 6, &in6.sin6_addr, ntohs(in6.sin6_port), IPPROTO_UDP,
				       WG_GENL_NAME);
	}
}

/* struct __kernel_timespec, of the real-time clock */
static void read_handshake(const struct nlattr *attr, struct discovery_tunnel *t)
{
	int64_t when[2];
	uint64_t ns;

	if (mnl_attr_get_payload_len(attr) != sizeof(when))
		return;
	memcpy(when, mnl_attr_get_payload(attr), sizeof(when));
	if (when[0] <= 0 || when[0] > INT64_MAX / 1000000000 - 1 || when[1] < 0 ||
	    when[1] > 999999999)
		return;
	ns = (uint64_t)when[0] * 1000000000 + (uint64_t)when[1];
	if (ns > t->last_handshake_real_ns)
		t->last_handshake_real_ns = ns;
}

static uint64_t counter(const struct nlattr *attr)
{
	return mnl_attr_get_payload_len(attr) == sizeof(uint64_t) ? mnl_attr_get_u64(attr) : 0;
}

static int on_peer_attr(const struct nlattr *attr, void *data)
{
	struct discovery_tunnel *t = data;

	switch (mnl_attr_get_type(attr)) {
	case WGPEER_A_ENDPOINT: read_sockaddr(attr, t); break;
	case WGPEER_A_LAST_HANDSHAKE_TIME: read_handshake(attr, t); break;
	case WGPEER_A_RX_BYTES: t->rx_bytes += counter(attr); break;
	case WGPEER_A_TX_BYTES: t->tx_bytes += counter(attr); break;
	default: break;
	}
	return MNL_CB_OK;
}

static int on_peer(const struct nlattr *attr, void *data)
{
	mnl_attr_parse_nested(attr, on_peer_attr, data);
	return MNL_CB_OK;
}

static int on_device_attr(const struct nlattr *attr, void *data)
{
	if (mnl_attr_get_type(attr) == WGDEVICE_A_PEERS)
		mnl_attr_parse_nested(attr, on_peer, data);
	return MNL_CB_OK;
}

/*
 * A device with many peers comes in several messages; the peer at the seam comes again in the next
 * one, but then only with its key and the rest of its allowed addresses (drivers/net/wireguard/
 * netlink.c get_peer), so nothing is counted twice.
 */
int discovery_wireguard_message(const struct nlmsghdr *nlh, struct discovery_tunnel *t)
{
	if (nlh->nlmsg_len < NLMSG_LENGTH(sizeof(struct genlmsghdr)))
		return -EBADMSG;
	t->kind = DISCOVERY_TUNNEL_WIREGUARD;
	mnl_attr_parse(nlh, sizeof(struct genlmsghdr), on_device_attr, t);
	return 0;
}

static int on_device(const struct nlmsghdr *nlh, void *data)
{
	if (!discovery_wireguard_message(nlh, data))
		return MNL_CB_OK;
	errno = EBADMSG;
	return MNL_CB_ERROR;
}

int discovery_wireguard_kernel(int netns, const char *name, struct discovery_tunnel *ret)
{
	struct discovery_tunnel t;
	struct nlmsghdr *nlh;
	uint16_t family;
	char buf[256];
	int err = find_family(netns, &family);

	for (int i = 0; !err && i < DUMPS_MAX; i++) {
		t = (struct discovery_tunnel){ 0 };
		nlh = put_command(buf, family, WG_CMD_GET_DEVICE, WG_GENL_VERSION);
		nlh->nlmsg_flags = NLM_F_DUMP;
		mnl_attr_put_strz(nlh, WGDEVICE_A_IFNAME, name);
		err = discovery_nl_ask(netns, NETLINK_GENERIC, nlh, on_device, &t);
		if (err != -EINTR)
			break;
		if (i + 1 < DUMPS_MAX)
			err = 0;
	}
	if (err)
		return err == -ENODEV || err == -EOPNOTSUPP ? -ENOENT : err;
	if (t.kind != DISCOVERY_TUNNEL_WIREGUARD)
		return -ENOENT;
	*ret = t;
	return 0;
}
