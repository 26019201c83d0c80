// SPDX-License-Identifier: GPL-2.0-only
/*
 * dns ADDRESS PORT NAME [connect] [tcp] [mapped]: one question of type A, and who seems to answer:
 * from=ADDRESS:PORT as recvfrom() (or getpeername(), for TCP) tells, peer= as getpeername() does.
 */
#include "probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#define WAIT_MS 2000

static size_t put_query(uint8_t *buf, const char *name)
{
	static const uint8_t head[12] = { 0x4b, 0x47, 1, 0, 0, 1 };
	static const uint8_t tail[5] = { 0, 0, 1, 0, 1 }; /* root label, type A, class IN */
	uint8_t *at = buf + sizeof(head);

	memcpy(buf, head, sizeof(head));
	while (*name) {
		size_t label = strcspn(name, ".");

		*at++ = (uint8_t)label;
		memcpy(at, name, label);
		at += label;
		name += label + (name[label] == '.');
	}
	memcpy(at, tail, sizeof(tail));
	return (size_t)(at - buf) + sizeof(tail);
}

static void print_addr(const char *key, const struct sockaddr_storage *a)
{
	char text[INET6_ADDRSTRLEN] = "-";

	if (a->ss_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)a)->sin_addr, text, sizeof(text));
	else if (a->ss_family == AF_INET6)
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)a)->sin6_addr, text,
			  sizeof(text));
	printf("%s=%s:%d ", key, text, ntohs(((const struct sockaddr_in *)a)->sin_port));
}

static int take_answer(int fd, bool tcp, const char **ret_call)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct sockaddr_storage from = { 0 };
	socklen_t len = sizeof(from);
	char text[INET_ADDRSTRLEN] = "none";
	uint8_t buf[600];
	ssize_t n;

	*ret_call = "answer";
	if (poll(&p, 1, WAIT_MS) != 1)
		return ETIMEDOUT;
	n = recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len);
	if (n < 0)
		return errno;
	if (n > (tcp ? 14 : 12) && buf[tcp ? 9 : 7])
		inet_ntop(AF_INET, buf + n - 4, text, sizeof(text));
	if (!tcp)
		print_addr("from", &from);
	printf("answer=%s ", text);
	return 0;
}

static int ask(int fd, const struct probe_to *to, const char *name, bool connected, bool tcp,
	       const char **ret_call)
{
	const struct sockaddr *a = (const struct sockaddr *)&to->addr;
	struct sockaddr_storage peer = { 0 };
	socklen_t len = sizeof(peer);
	uint8_t buf[600];
	size_t n = put_query(buf + 2, name);

	buf[0] = (uint8_t)(n >> 8);
	buf[1] = (uint8_t)n;
	*ret_call = "connect";
	if (connected && connect(fd, a, to->len))
		return errno;
	*ret_call = "getpeername";
	if (connected && getpeername(fd, (struct sockaddr *)&peer, &len))
		return errno;
	if (connected)
		print_addr("peer", &peer);
	*ret_call = "send";
	if (tcp ? send(fd, buf, n + 2, MSG_NOSIGNAL) < 0
		: sendto(fd, buf + 2, n, 0, connected ? NULL : a, connected ? 0 : to->len) < 0)
		return errno;
	return take_answer(fd, tcp, ret_call);
}

int probe_ask(int fd, int argc, char **argv)
{
	const char *call;
	struct probe_to to;

	if (argc < 4)
		return EINVAL;
	to.len = live_sockaddr(argv[1], argv[2], false, &to.addr);
	return ask(fd, &to, argv[3], argc > 4, false, &call);
}

int probe_dns(int argc, char **argv)
{
	struct timeval limit = { .tv_sec = 3 };
	bool connected = false, tcp = false, mapped = false;
	uint64_t began = live_ms();
	const char *call = "socket";
	struct probe_to to;
	int fd, err;

	if (argc < 4)
		return 64;
	for (int i = 4; i < argc; i++) {
		tcp |= !strcmp(argv[i], "tcp");
		mapped |= !strcmp(argv[i], "mapped");
		connected |= tcp || !strcmp(argv[i], "connect");
	}
	to.len = live_sockaddr(argv[1], argv[2], mapped, &to.addr);
	to.family = to.addr.ss_family;
	fd = socket(to.family, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	err = fd < 0 ? errno : ask(fd, &to, argv[3], connected, tcp, &call);
	probe_say(call, err, began);
	return 0;
}
