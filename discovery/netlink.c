// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/base.h"
#include "discovery/netlink.h"

#define ANSWER_SECONDS 2

struct opening {
	int bus;
	struct mnl_socket *nl;
};

/* A netlink socket belongs for good to the namespace that it was made in. */
static int open_socket(void *ctx)
{
	struct opening *o = ctx;

	o->nl = mnl_socket_open2(o->bus, SOCK_CLOEXEC);
	return o->nl ? 0 : -errno;
}

/*
 * Strict checking (Linux 4.20) makes the kernel refuse what it does not understand instead of
 * answering another question; older ones do not know the option.
 */
static int prepare(struct mnl_socket *nl)
{
	const struct timeval patience = { .tv_sec = ANSWER_SECONDS };
	int one = 1;

	mnl_socket_setsockopt(nl, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	if (setsockopt(mnl_socket_get_fd(nl), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)))
		return -errno;
	return mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno : 0;
}

static int receive(struct mnl_socket *nl, mnl_cb_t cb, void *data)
{
	char buf[32768];
	int rc = MNL_CB_STOP, err = 0;
	ssize_t n;

	do {
		do
			n = mnl_socket_recvfrom(nl, buf, sizeof(buf));
		while (n < 0 && errno == EINTR);
		if (n < 0)
			err = errno == EAGAIN ? -ETIMEDOUT : -errno;
		else
			rc = mnl_cb_run(buf, (size_t)n, 1, mnl_socket_get_portid(nl), cb, data);
		if (rc < 0)
			err = -errno;
	} while (!err && rc > MNL_CB_STOP);
	explicit_bzero(buf, sizeof(buf)); /* WireGuard tells its private key */
	return err;
}

int discovery_nl_ask(int netns, int bus, struct nlmsghdr *nlh, mnl_cb_t cb, void *data)
{
	struct opening o = { .bus = bus };
	int err = discovery_netns_run(netns, open_socket, &o);

	if (err)
		return err;
	nlh->nlmsg_flags |= NLM_F_REQUEST;
	if (!(nlh->nlmsg_flags & NLM_F_DUMP))
		nlh->nlmsg_flags |= NLM_F_ACK;
	nlh->nlmsg_seq = 1;
	err = prepare(o.nl);
	if (!err && mnl_socket_sendto(o.nl, nlh, nlh->nlmsg_len) < 0)
		err = -errno;
	if (!err)
		err = receive(o.nl, cb, data);
	mnl_socket_close(o.nl);
	return err;
}

bool discovery_nl_u32(const struct nlattr *attr, uint32_t *ret)
{
	if (mnl_attr_get_payload_len(attr) != sizeof(*ret))
		return false;
	*ret = mnl_attr_get_u32(attr);
	return true;
}

bool discovery_nl_text(const struct nlattr *attr, char *ret, size_t size)
{
	const char *text = mnl_attr_get_payload(attr);
	size_t len = strnlen(text, mnl_attr_get_payload_len(attr));

	if (len >= size)
		return false;
	for (size_t i = 0; i < len; i++)
		ret[i] = (char)(text[i] > 0x20 && text[i] < 0x7f ? text[i] : '?');
	ret[len] = '\0';
	return true;
}

int discovery_bag_add(struct discovery_bag *bag, const void *item)
{
	char *grown;

	if (bag->n >= bag->max)
		return -E2BIG;
	if (bag->n == bag->room) {
		size_t room = bag->room ? bag->room * 2 : 32;

		grown = realloc(bag->items, room * bag->size);
		if (!grown)
			return -ENOMEM;
		bag->items = grown;
		bag->room = room;
	}
	memcpy(bag->items + bag->n++ * bag->size, item, bag->size);
	return 0;
}
