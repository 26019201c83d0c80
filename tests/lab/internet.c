/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The laboratory's internet: answers at every address that is routed to it, and writes down who
 * asked, so that a test can say from which address a packet came out.
 *
 *   internet LOGFILE NAMED-ADDRESS
 *
 * TCP 80 (HTTP) and 443 and UDP 9999 answer `src=<address of the client>`; UDP and TCP 53 is a name
 * server for which every name has the address NAMED-ADDRESS. One line a request in LOGFILE:
 * `tcp|udp|dns|dnstcp SOURCE SPORT DESTINATION DPORT [NAME]`. Runs until killed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define DNS_HEADER 12
#define DNS_MAX	   512

enum kind { WEB, ECHO, NAMES, NAMES_TCP };

static const struct service {
	uint16_t port;
	int type;
	enum kind kind;
	const char *log;
} services[] = {
	{ 80, SOCK_STREAM, WEB, "tcp" },	  { 443, SOCK_STREAM, WEB, "tcp" },
	{ 9999, SOCK_DGRAM, ECHO, "udp" },	  { 53, SOCK_DGRAM, NAMES, "dns" },
	{ 53, SOCK_STREAM, NAMES_TCP, "dnstcp" },
};
#define N_SERVICES (sizeof(services) / sizeof(services[0]))

static FILE *logfile;
static struct in_addr named;

static void note(const struct service *s, const struct sockaddr_in *from, struct in_addr to,
		 const char *name)
{
	char a[INET_ADDRSTRLEN], b[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &from->sin_addr, a, sizeof(a));
	inet_ntop(AF_INET, &to, b, sizeof(b));
	fprintf(logfile, "%s %s %u %s %u%s%s\n", s->log, a, ntohs(from->sin_port), b, s->port,
		*name ? " " : "", name);
	fflush(logfile);
}

static int answer_source(const struct sockaddr_in *from, char *out, size_t size)
{
	char a[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &from->sin_addr, a, sizeof(a));
	return snprintf(out, size, "src=%s\n", a);
}

/* Turns a query in `msg` into its answer in place. Length of the answer, 0 if it is no query. */
static size_t answer_names(uint8_t *msg, size_t len, char *name, size_t size)
{
	static const uint8_t record[] = { 0xc0, DNS_HEADER, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4 };
	size_t at = DNS_HEADER, out = 0;
	bool a_record;

	if (len < DNS_HEADER + 5 || len > DNS_MAX || msg[4] || msg[5] != 1)
		return 0;
	while (at < len && msg[at]) {
		size_t label = msg[at++];

		if (label > 63 || at + label + 5 > len || out + label + 2 > size)
			return 0;
		if (out)
			name[out++] = '.';
		for (size_t i = 0; i < label; i++)
			name[out++] =
				msg[at + i] > ' ' && msg[at + i] < 127 ? (char)msg[at + i] : '?';
		at += label;
	}
	if (at + 5 > len)
		return 0;
	name[out] = '\0';
	a_record = !msg[at + 1] && msg[at + 2] == 1;
	at += 5;
	msg[2] = 0x81;	       /* answer, recursion desired */
	msg[3] = 0x80;	       /* recursion available, no error */
	memset(msg + 6, 0, 6); /* no other section, so also no EDNS record is echoed */
	msg[7] = a_record;
	if (a_record) {
		memcpy(msg + at, record, sizeof(record));
		memcpy(msg + at + sizeof(record), &named, sizeof(named));
		at += sizeof(record) + sizeof(named);
	}
	return at;
}

/* One datagram; the answer leaves from the address that was asked. */
static void serve_datagram(int fd, const struct service *s)
{
	char control[CMSG_SPACE(sizeof(struct in_pktinfo))], name[256] = "";
	uint8_t buf[DNS_MAX + 64];
	struct sockaddr_in from;
	struct iovec iov = { buf, DNS_MAX };
	struct msghdr msg = { .msg_name = &from,
			      .msg_namelen = sizeof(from),
			      .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(fd, &msg, 0);
	struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&msg);
	struct in_pktinfo *info;

	if (!c || c->cmsg_type != IP_PKTINFO)
		return;
	info = (struct in_pktinfo *)CMSG_DATA(c);
	iov.iov_len = s->kind == NAMES ? answer_names(buf, (size_t)n, name, sizeof(name))
				       : (size_t)answer_source(&from, (char *)buf, sizeof(buf));
	note(s, &from, info->ipi_addr, name);
	info->ipi_ifindex = 0;
	info->ipi_spec_dst = info->ipi_addr;
	if (iov.iov_len && sendmsg(fd, &msg, 0) < 0)
		fprintf(stderr, "internet: sendmsg: %s\n", strerror(errno));
}

static void serve_names_tcp(int fd, const struct service *s, const struct sockaddr_in *from,
			    struct in_addr to)
{
	uint8_t buf[2 + DNS_MAX + 64];
	char name[256] = "";
	size_t have = 0, want = 2;

	while (have < want) {
		ssize_t n = recv(fd, buf + have, want - have, 0);

		if (n <= 0)
			return;
		have += (size_t)n;
		if (have == 2)
			want = 2 + ((size_t)buf[0] << 8 | buf[1]);
		if (want > 2 + DNS_MAX)
			return;
	}
	want = answer_names(buf + 2, have - 2, name, sizeof(name));
	note(s, from, to, name);
	buf[0] = (uint8_t)(want >> 8);
	buf[1] = (uint8_t)want;
	if (want && send(fd, buf, want + 2, MSG_NOSIGNAL) < 0)
		fprintf(stderr, "internet: send: %s\n", strerror(errno));
}

static void serve_web(int fd, const struct sockaddr_in *from)
{
	char request[2048], body[64], reply[256];
	int len;

	/* The request itself is of no interest; without it curl would report a reset. */
	if (recv(fd, request, sizeof(request), 0) < 0)
		return;
	len = answer_source(from, body, sizeof(body));
	len = snprintf(
		reply, sizeof(reply),
		"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s", len,
		body);
	if (send(fd, reply, (size_t)len, MSG_NOSIGNAL) < 0)
		fprintf(stderr, "internet: send: %s\n", strerror(errno));
}

static void serve_connection(int listener, const struct service *s)
{
	struct sockaddr_in from, to;
	socklen_t len = sizeof(from), tolen = sizeof(to);
	int fd = accept4(listener, (struct sockaddr *)&from, &len, SOCK_CLOEXEC);
	/* A silent client must not hold up the rest: requests are served one by one. */
	const struct timeval patience = { .tv_usec = 300000 };

	if (fd < 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (!getsockname(fd, (struct sockaddr *)&to, &tolen)) {
		if (s->kind == WEB) {
			note(s, &from, to.sin_addr, "");
			serve_web(fd, &from);
		} else {
			serve_names_tcp(fd, s, &from, to.sin_addr);
		}
	}
	close(fd);
}

static int open_service(const struct service *s)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(s->port) };
	int fd = socket(AF_INET, s->type | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(fd, (struct sockaddr *)&any, sizeof(any)) ||
	    (s->type == SOCK_STREAM ? listen(fd, 128)
				    : setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)))) {
		fprintf(stderr, "internet: %s port %u: %s\n", s->log, s->port, strerror(errno));
		exit(1);
	}
	return fd;
}

int main(int argc, char **argv)
{
	struct pollfd fds[N_SERVICES];

	if (argc != 3 || inet_pton(AF_INET, argv[2], &named) != 1) {
		fprintf(stderr, "usage: internet LOGFILE NAMED-ADDRESS\n");
		return 64;
	}
	logfile = fopen(argv[1], "a");
	if (!logfile) {
		fprintf(stderr, "internet: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	for (size_t i = 0; i < N_SERVICES; i++)
		fds[i] = (struct pollfd){ .fd = open_service(&services[i]), .events = POLLIN };
	puts("ready");
	fflush(stdout);
	for (;;) {
		if (poll(fds, N_SERVICES, -1) < 0)
			continue;
		for (size_t i = 0; i < N_SERVICES; i++) {
			if (!fds[i].revents)
				continue;
			if (services[i].type == SOCK_STREAM)
				serve_connection(fds[i].fd, &services[i]);
			else
				serve_datagram(fds[i].fd, &services[i]);
		}
	}
}
