// SPDX-License-Identifier: GPL-2.0-only
/* Words to options, options to setsockopt() and control messages; payload and result. */
#include "probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef SO_BINDTOIFINDEX
#define SO_BINDTOIFINDEX 62
#endif

#define LSRR_LEN 8 /* a NOP for alignment, then type, length, pointer and one address */

static char mark[LIVE_TOKEN] = "none";

void probe_set_mark(const char *token)
{
	snprintf(mark, sizeof(mark), "%s", token);
}

const char *probe_payload(size_t size, size_t *ret_len)
{
	static char buf[65536];
	size_t len;

	memset(buf, '.', sizeof(buf));
	len = (size_t)snprintf(buf, sizeof(buf), "%s%s", LIVE_MARK, mark);
	buf[len] = '.';
	*ret_len = size > len ? size : len + 1;
	return buf;
}

void probe_say(const char *call, int err, uint64_t since_ms)
{
	printf("call=%s errno=%s ms=%llu pid=%d\n", call, live_errno(err),
	       (unsigned long long)(live_ms() - since_ms), getpid());
}

static bool take_flag(const char *word, struct probe_opts *o)
{
	const struct {
		const char *name;
		bool *flag;
	} flags[] = {
		{ "connect", &o->connect },   { "echo", &o->echo },
		{ "mapped", &o->mapped },     { "dontroute", &o->dontroute },
		{ "hop", &o->hop },	      { "dst", &o->dst },
		{ "more", &o->more },	      { "sendfile", &o->sendfile },
		{ "splice", &o->splice },     { "uring", &o->uring },
		{ "mptcp", &o->mptcp },	      { "tfo", &o->tfo },
		{ "nonblock", &o->nonblock }, { "broadcast", &o->broadcast },
	};

	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		if (!strcmp(word, flags[i].name)) {
			*flags[i].flag = true;
			return true;
		}
	}
	return false;
}

static bool take_value(const char *word, struct probe_opts *o)
{
	const struct {
		const char *name;
		const char **text;
		int *number;
	} keys[] = {
		{ "size", NULL, &o->size },	    { "gso", NULL, &o->gso },
		{ "mmsg", NULL, &o->mmsg },	    { "dev", &o->dev, NULL },
		{ "ifindex", &o->ifindex, NULL },   { "unicast", &o->unicast, NULL },
		{ "pktinfo", &o->pktinfo, NULL },   { "lsrr", &o->lsrr, NULL },
		{ "lsrrcmsg", &o->lsrrcmsg, NULL }, { "rthdr", &o->rthdr, NULL },
		{ "src", &o->src, NULL },
	};
	const char *eq = strchr(word, '=');

	for (size_t i = 0; eq && i < sizeof(keys) / sizeof(*keys); i++) {
		if (strlen(keys[i].name) != (size_t)(eq - word) ||
		    strncmp(word, keys[i].name, (size_t)(eq - word)))
			continue;
		if (keys[i].text)
			*keys[i].text = eq + 1;
		else
			*keys[i].number = atoi(eq + 1);
		return true;
	}
	return false;
}

int probe_parse(int argc, char **argv, struct probe_to *to, struct probe_opts *o)
{
	memset(o, 0, sizeof(*o));
	if (argc < 3) {
		fprintf(stderr, "probe: %s ADDRESS PORT [WORD...]\n", argv[0]);
		return -EINVAL;
	}
	for (int i = 3; i < argc; i++) {
		if (!take_flag(argv[i], o) && !take_value(argv[i], o)) {
			fprintf(stderr, "probe: unknown word %s\n", argv[i]);
			return -EINVAL;
		}
	}
	to->len = live_sockaddr(argv[1], argv[2], o->mapped, &to->addr);
	to->family = to->addr.ss_family;
	return 0;
}

static void put_lsrr(uint8_t buf[LSRR_LEN], const char *hop)
{
	const uint8_t head[] = { 1, 131, 7, 4 };

	memcpy(buf, head, sizeof(head));
	inet_pton(AF_INET, hop, buf + sizeof(head));
}

static int set_rthdr(int fd, const char *hop)
{
	/* segment routing: two segments left to the kernel, of which the last listed comes first */
	uint8_t h[8 + 32] = { 0, 4, 4, 1, 1, 0, 0, 0 };

	inet_pton(AF_INET6, hop, h + 8 + 16);
	return setsockopt(fd, IPPROTO_IPV6, IPV6_RTHDR, h, sizeof(h));
}

static int set_unicast(int fd, int family, const char *dev)
{
	uint32_t index = htonl(if_nametoindex(dev));

	return family == AF_INET
		       ? setsockopt(fd, IPPROTO_IP, IP_UNICAST_IF, &index, sizeof(index))
		       : setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_IF, &index, sizeof(index));
}

static int set_lsrr(int fd, const char *hop)
{
	uint8_t buf[LSRR_LEN];

	put_lsrr(buf, hop);
	return setsockopt(fd, IPPROTO_IP, IP_OPTIONS, buf, sizeof(buf));
}

static int set_ifindex(int fd, const char *dev)
{
	int index = (int)if_nametoindex(dev);

	return setsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &index, sizeof(index));
}

int probe_setsockopt(int fd, int family, const struct probe_opts *o, const char **ret_call)
{
	const uint8_t padding[8] = { 0, 0, 1, 4, 0, 0, 0, 0 }; /* one PadN option */
	struct sockaddr_storage a;
	int on = 1, err = 0;

	*ret_call = "setsockopt";
	if (o->src)
		err = bind(fd, (struct sockaddr *)&a, live_sockaddr(o->src, "0", false, &a));
	if (err)
		return errno;
	if (o->dev)
		err = setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, o->dev, strlen(o->dev) + 1);
	if (!err && o->ifindex)
		err = set_ifindex(fd, o->ifindex);
	if (!err && o->unicast)
		err = set_unicast(fd, family, o->unicast);
	if (!err && o->dontroute)
		err = setsockopt(fd, SOL_SOCKET, SO_DONTROUTE, &on, sizeof(on));
	if (!err && o->broadcast)
		err = setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on));
	if (!err && o->lsrr)
		err = set_lsrr(fd, o->lsrr);
	if (!err && o->rthdr)
		err = set_rthdr(fd, o->rthdr);
	if (!err && o->hop)
		err = setsockopt(fd, IPPROTO_IPV6, IPV6_HOPOPTS, padding, sizeof(padding));
	if (!err && o->dst)
		err = setsockopt(fd, IPPROTO_IPV6, IPV6_DSTOPTS, padding, sizeof(padding));
	if (!err && o->gso)
		err = setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &o->gso, sizeof(o->gso));
	return err ? errno : 0;
}

size_t probe_cmsg(const struct probe_opts *o, int family, char *buf, size_t size)
{
	struct msghdr m = { .msg_control = buf, .msg_controllen = size };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	size_t len = 0;

	memset(buf, 0, size);
	if (o->pktinfo && family == AF_INET) {
		struct in_pktinfo *info = (void *)CMSG_DATA(c);

		info->ipi_ifindex = (int)if_nametoindex(o->pktinfo);
		c->cmsg_level = IPPROTO_IP;
		c->cmsg_type = IP_PKTINFO;
		len = sizeof(*info);
	} else if (o->pktinfo) {
		struct in6_pktinfo *info = (void *)CMSG_DATA(c);

		info->ipi6_ifindex = if_nametoindex(o->pktinfo);
		c->cmsg_level = IPPROTO_IPV6;
		c->cmsg_type = IPV6_PKTINFO;
		len = sizeof(*info);
	} else if (o->lsrrcmsg) {
		put_lsrr((uint8_t *)CMSG_DATA(c), o->lsrrcmsg);
		c->cmsg_level = IPPROTO_IP;
		c->cmsg_type = IP_RETOPTS;
		len = LSRR_LEN;
	}
	c->cmsg_len = CMSG_LEN(len);
	return len ? CMSG_SPACE(len) : 0;
}
