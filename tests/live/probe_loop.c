// SPDX-License-Identifier: GPL-2.0-only
/*
 * loop: commands from standard input, one a line, one line of answer each, in one process with one
 * current socket. So a test can change the world between two steps of a program.
 */
#include "probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_WORDS 16
#define CONNECT_S 3

static int fd = -1;

static int kind_of(const char *type)
{
	return !strcmp(type, "stream") ? SOCK_STREAM : !strcmp(type, "raw") ? SOCK_RAW : SOCK_DGRAM;
}

/* socket inet|inet6 stream|dgram|raw PROTOCOL */
static int do_socket(int n, char **w)
{
	struct timeval limit = { .tv_sec = CONNECT_S };

	if (n < 4)
		return EINVAL;
	if (fd >= 0)
		close(fd);
	fd = socket(strcmp(w[1], "inet6") ? AF_INET : AF_INET6, kind_of(w[2]), atoi(w[3]));
	if (fd < 0)
		return errno;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	return 0;
}

static int do_connect(int n, char **w)
{
	struct sockaddr_storage a;
	socklen_t len;

	if (n < 3)
		return EINVAL;
	len = live_sockaddr(w[1], w[2], false, &a);
	return connect(fd, (struct sockaddr *)&a, len) ? errno : 0;
}

/* send [ADDRESS PORT] */
static int do_send(int n, char **w)
{
	struct sockaddr_storage a;
	size_t len;
	const char *data = probe_payload(0, &len);
	socklen_t alen = n > 2 ? live_sockaddr(w[1], w[2], false, &a) : 0;

	return sendto(fd, data, len, MSG_NOSIGNAL, alen ? (struct sockaddr *)&a : NULL, alen) < 0
		       ? errno
		       : 0;
}

static int do_echo(int n, char **w)
{
	int err = do_send(n, w);

	return err ? err : probe_echo(fd);
}

static int do_recv(int n, char **w)
{
	(void)n;
	(void)w;
	return probe_echo(fd);
}

static int do_unshare(int n, char **w)
{
	(void)n;
	(void)w;
	return unshare(CLONE_NEWNET) ? errno : 0;
}

static int do_listen(int n, char **w)
{
	struct sockaddr_storage a;
	socklen_t len;
	int on = 1;

	if (n < 2)
		return EINVAL;
	len = live_sockaddr("0.0.0.0", w[1], false, &a);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0)
		return errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	return bind(fd, (struct sockaddr *)&a, len) || listen(fd, 4) ? errno : 0;
}

/* device NAME: binds to it */
static int do_device(int n, char **w)
{
	if (n < 2)
		return EINVAL;
	return setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, w[1], strlen(w[1]) + 1) ? errno : 0;
}

/* bound NAME: is the socket still bound to it? */
static int do_bound(int n, char **w)
{
	char name[16] = "";
	socklen_t len = sizeof(name);

	if (n < 2)
		return EINVAL;
	if (getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &len))
		return errno;
	return strcmp(name, w[1]) ? ENODEV : 0;
}

/* rawsend SOCKADDR HEADER-DST [HOP|- [PROTO]]: a header of our own; with HOP a source route in it.
 */
static int do_rawsend(int n, char **w)
{
	struct {
		struct iphdr ip;
		uint8_t rest[200];
	} p = { .ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_ICMP } };
	struct sockaddr_storage a;
	uint8_t *at = p.rest;
	const char *data;
	socklen_t alen;
	size_t len;

	if (n < 3)
		return EINVAL;
	data = probe_payload(0, &len);
	alen = live_sockaddr(w[1], "0", false, &a);
	inet_pton(AF_INET, w[2], &p.ip.daddr);
	if (n > 4)
		p.ip.protocol = (uint8_t)atoi(w[4]);
	if (n > 3 && strcmp(w[3], "-")) {
		const uint8_t lsrr[] = { 1, 131, 7, 4 };

		memcpy(at, lsrr, sizeof(lsrr));
		inet_pton(AF_INET, w[3], at + sizeof(lsrr));
		at += 8;
		p.ip.ihl = 7;
	}
	memcpy(at, data, len);
	at += len;
	return sendto(fd, &p, (size_t)(at - (uint8_t *)&p), 0, (struct sockaddr *)&a, alen) < 0
		       ? errno
		       : 0;
}

static int do_ask(int n, char **w)
{
	return probe_ask(fd, n, w);
}

static const struct {
	const char *name;
	int (*run)(int n, char **words);
} steps[] = {
	{ "socket", do_socket }, { "connect", do_connect }, { "send", do_send },
	{ "echo", do_echo },	 { "recv", do_recv },	    { "unshare", do_unshare },
	{ "listen", do_listen }, { "rawsend", do_rawsend }, { "device", do_device },
	{ "bound", do_bound },	 { "ask", do_ask },
};

static void step(int n, char **w)
{
	uint64_t began = live_ms();

	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		if (!strcmp(steps[i].name, w[0])) {
			probe_say(w[0], steps[i].run(n, w), began);
			return;
		}
	}
	if (probe_dispatch(n, w) == 64)
		puts("call=none errno=EINVAL");
}

/* child COMM STEP...: another process, with the socket that this one made */
static void in_child(int n, char **w)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_NAME, w[1]);
		step(n - 2, w + 2);
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

int probe_loop(int argc, char **argv)
{
	char line[512], *w[MAX_WORDS], *save;

	(void)argc;
	(void)argv;
	while (fgets(line, sizeof(line), stdin)) {
		int n = 0;

		for (char *t = strtok_r(line, " \n", &save); t && n < MAX_WORDS;
		     t = strtok_r(NULL, " \n", &save))
			w[n++] = t;
		if (n > 2 && !strcmp(w[0], "child"))
			in_child(n, w);
		else if (n)
			step(n, w);
		fflush(stdout);
	}
	return 0;
}
