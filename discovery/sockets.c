// SPDX-License-Identifier: GPL-2.0-only
/* Sockets and their cgroups, by sock_diag(7); who holds them, by /proc. */
#include <dirent.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/base.h"
#include "discovery/netlink.h"
#include "discovery/sockets.h"

#define SOCKETS_MAX 65536
#define DUMPS_MAX   4
#define CGROUP_ATTR 21 /* INET_DIAG_CGROUP_ID, Linux 5.9: not in every header */

struct one {
	uint64_t cgroup;
	uint32_t inode;
	bool has_cgroup;
};

struct discovery_sockets {
	struct discovery_bag bag;
	bool any_cgroup;
};

struct discovery_sockets *discovery_sockets_new(void)
{
	struct discovery_sockets *s = calloc(1, sizeof(*s));

	if (s)
		s->bag = (struct discovery_bag){ .size = sizeof(struct one), .max = SOCKETS_MAX };
	return s;
}

void discovery_sockets_free(struct discovery_sockets *s)
{
	if (s)
		free(s->bag.items);
	free(s);
}

size_t discovery_sockets_count(const struct discovery_sockets *s)
{
	return s->bag.n;
}

static int on_attr(const struct nlattr *attr, void *data)
{
	struct one *o = data;

	if (mnl_attr_get_type(attr) == CGROUP_ATTR &&
	    mnl_attr_get_payload_len(attr) == sizeof(o->cgroup)) {
		memcpy(&o->cgroup, mnl_attr_get_payload(attr), sizeof(o->cgroup));
		o->has_cgroup = true;
	}
	return MNL_CB_OK;
}

static int on_socket(const struct nlmsghdr *nlh, void *data)
{
	const struct inet_diag_msg *msg = mnl_nlmsg_get_payload(nlh);
	struct discovery_sockets *s = data;
	struct one o = { 0 };
	int err;

	if (nlh->nlmsg_type != SOCK_DIAG_BY_FAMILY || nlh->nlmsg_len < NLMSG_LENGTH(sizeof(*msg)) ||
	    !msg->idiag_inode)
		return MNL_CB_OK;
	o.inode = msg->idiag_inode;
	mnl_attr_parse(nlh, sizeof(*msg), on_attr, &o);
	s->any_cgroup |= o.has_cgroup;
	err = discovery_bag_add(&s->bag, &o);
	if (!err)
		return MNL_CB_OK;
	errno = -err;
	return MNL_CB_ERROR;
}

static int dump(struct discovery_sockets *s, int netns, uint8_t family, uint8_t proto)
{
	size_t before = s->bag.n;
	struct inet_diag_req_v2 *req;
	struct nlmsghdr *nlh;
	char buf[256];
	int err = 0;

	for (int i = 0; i < DUMPS_MAX; i++) {
		nlh = mnl_nlmsg_put_header(buf);
		nlh->nlmsg_type = SOCK_DIAG_BY_FAMILY;
		nlh->nlmsg_flags = NLM_F_DUMP;
		req = mnl_nlmsg_put_extra_header(nlh, sizeof(*req));
		req->sdiag_family = family;
		req->sdiag_protocol = proto;
		req->idiag_states = ~0u;
		s->bag.n = before;
		err = discovery_nl_ask(netns, NETLINK_SOCK_DIAG, nlh, on_socket, s);
		if (err != -EINTR)
			break;
	}
	return err;
}

int discovery_sockets_add(struct discovery_sockets *s, int netns)
{
	static const uint8_t protos[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE };
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	size_t before = s->bag.n, i, k;

	/* a protocol or family that the kernel lacks has no sockets */
	for (i = 0; i < ARRAY_SIZE(families); i++)
		for (k = 0; k < ARRAY_SIZE(protos); k++) {
			int err = dump(s, netns, families[i], protos[k]);

			if (err && err != -ENOENT && err != -EOPNOTSUPP && err != -EAFNOSUPPORT)
				return err;
		}
	return s->bag.n > before && !s->any_cgroup ? -EOPNOTSUPP : 0;
}

bool discovery_sockets_find(const struct discovery_sockets *s, uint64_t inode, uint64_t *ret)
{
	const struct one *all = (const struct one *)s->bag.items;
	size_t i;

	for (i = 0; i < s->bag.n; i++)
		if (all[i].inode == inode && all[i].has_cgroup) {
			*ret = all[i].cgroup;
			return true;
		}
	return false;
}

/* ---- who holds them ---- */
/* Families that never leave the machine, as the kernel names their protocols. */
static bool is_inward(const char *proto)
{
	static const char *const names[] = { "UNIX", "NETLINK", "ALG", "KEY", "IUCV" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (strncmp(proto, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

static bool read_one(pid_t pid, const char *name, struct discovery_held *ret)
{
	char path[64], link[64], proto[sizeof(ret->proto)];
	unsigned long long inode;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/fd/%.16s", pid, name);
	n = readlink(path, link, sizeof(link) - 1);
	if (n < 0)
		return false;
	link[n] = '\0';
	if (sscanf(link, "socket:[%llu]", &inode) != 1)
		return false;
	n = getxattr(path, "system.sockprotoname", proto, sizeof(proto) - 1);
	if (n < 0)
		return false;
	proto[n] = '\0';
	ret->fd = (int)strtol(name, NULL, 10);
	ret->inode = inode;
	base_sanitize(ret->proto, sizeof(ret->proto), proto, strlen(proto));
	return !is_inward(proto);
}

int discovery_held(pid_t pid, void (*fn)(const struct discovery_held *h, void *ctx), void *ctx)
{
	struct discovery_held h;
	struct dirent *e;
	char path[40];
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	d = opendir(path);
	if (!d)
		return errno == ENOENT ? -ESRCH : -errno;
	while ((e = readdir(d)))
		if (e->d_name[0] != '.' && read_one(pid, e->d_name, &h))
			fn(&h, ctx);
	closedir(d);
	return 0;
}
