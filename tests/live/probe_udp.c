// SPDX-License-Identifier: GPL-2.0-only
/* Datagrams: UDP in all its ways of sending, ping sockets, floods, UDP-Lite. */
#include "probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>
#include <fcntl.h>

#define ECHO_MS	 2000
#define MAX_MMSG 16

int probe_echo(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char buf[65536], addr[INET6_ADDRSTRLEN] = "-";
	struct sockaddr_storage from = { 0 };
	socklen_t len = sizeof(from);
	ssize_t n;

	if (poll(&p, 1, ECHO_MS) != 1)
		return ETIMEDOUT;
	n = recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len);
	if (n < 0)
		return errno;
	if (from.ss_family == AF_INET)
		inet_ntop(AF_INET, &((struct sockaddr_in *)&from)->sin_addr, addr, sizeof(addr));
	else if (from.ss_family == AF_INET6)
		inet_ntop(AF_INET6, &((struct sockaddr_in6 *)&from)->sin6_addr, addr, sizeof(addr));
	printf("reply=%s bytes=%zd ", addr, n);
	return 0;
}

static int send_file(int fd, const char *data, size_t len, bool with_splice)
{
	int file = memfd_create("probe", MFD_CLOEXEC), err = 0, pipes[2];
	off_t at = 0;

	if (file < 0 || write(file, data, len) != (ssize_t)len || pipe2(pipes, O_CLOEXEC))
		live_die("memfd");
	if (!with_splice)
		err = sendfile(fd, file, &at, len) < 0 ? errno : 0;
	else if (splice(file, &at, pipes[1], NULL, len, 0) < 0 ||
		 splice(pipes[0], NULL, fd, NULL, len, 0) < 0)
		err = errno;
	close(file);
	close(pipes[0]);
	close(pipes[1]);
	return err;
}

static int send_many(int fd, const struct msghdr *one, int n)
{
	struct mmsghdr m[MAX_MMSG] = { 0 };
	int i;

	for (i = 0; i < n && i < MAX_MMSG; i++)
		m[i].msg_hdr = *one;
	return sendmmsg(fd, m, (unsigned int)i, 0) == i ? 0 : errno ? errno : EIO;
}

/* In three pieces: the first two wait in the kernel for the last. */
static int send_pieces(int fd, struct msghdr *m)
{
	struct iovec *iov = m->msg_iov;
	size_t whole = iov->iov_len, third = whole / 3;

	for (int i = 0; i < 3; i++) {
		iov->iov_len = i < 2 ? third : whole - 2 * third;
		if (sendmsg(fd, m, i < 2 ? MSG_MORE : 0) < 0)
			return errno;
		iov->iov_base = (char *)iov->iov_base + iov->iov_len;
	}
	return 0;
}

static int send_one(int fd, const struct probe_to *to, const struct probe_opts *o)
{
	char control[256];
	struct probe_to copy = *to;
	size_t len, control_len = probe_cmsg(o, to->family, control, sizeof(control));
	struct iovec iov = { .iov_base = (char *)probe_payload((size_t)o->size, &len) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	int n;

	iov.iov_len = len;
	if (!o->connect) {
		m.msg_name = &copy.addr;
		m.msg_namelen = copy.len;
	}
	if (control_len) {
		m.msg_control = control;
		m.msg_controllen = control_len;
	}
	if (o->sendfile || o->splice)
		return send_file(fd, iov.iov_base, len, o->splice);
	if (o->mmsg)
		return send_many(fd, &m, o->mmsg);
	if (o->more)
		return send_pieces(fd, &m);
	if (o->uring) {
		n = probe_uring_sendmsg(fd, &m);
		return n < 0 ? -n : 0;
	}
	return sendmsg(fd, &m, 0) < 0 ? errno : 0;
}

static int send_on(int fd, const struct probe_to *to, const struct probe_opts *o,
		   const char **ret_call)
{
	int err = probe_setsockopt(fd, to->family, o, ret_call);

	if (err)
		return err;
	if (o->connect) {
		*ret_call = "connect";
		if (connect(fd, (const struct sockaddr *)&to->addr, to->len))
			return errno;
	}
	*ret_call = "send";
	err = send_one(fd, to, o);
	if (!err && o->echo) {
		*ret_call = "echo";
		err = probe_echo(fd);
	}
	return err;
}

static int datagram(int argc, char **argv, int proto)
{
	struct probe_opts o;
	struct probe_to to;
	uint64_t began = live_ms();
	const char *call = "socket";
	int fd, err;

	if (probe_parse(argc, argv, &to, &o))
		return 64;
	fd = socket(to.family, SOCK_DGRAM | SOCK_CLOEXEC, proto);
	err = fd < 0 ? errno : send_on(fd, &to, &o, &call);
	probe_say(call, err, began);
	return 0;
}

int probe_udp(int argc, char **argv)
{
	return datagram(argc, argv, 0);
}

int probe_udplite(int argc, char **argv)
{
	return datagram(argc, argv, IPPROTO_UDPLITE);
}

/* ping ADDRESS 0 [echo]: needs the group in net.ipv4.ping_group_range. */
int probe_ping(int argc, char **argv)
{
	struct probe_opts o;
	struct probe_to to;
	uint64_t began = live_ms();
	const char *call = "socket";
	uint8_t packet[256] = { 0 };
	size_t len;
	const char *mark;
	int fd, err;

	if (probe_parse(argc, argv, &to, &o))
		return 64;
	mark = probe_payload(0, &len);
	packet[0] = to.family == AF_INET ? ICMP_ECHO : ICMP6_ECHO_REQUEST;
	memcpy(packet + 8, mark, len);
	fd = socket(to.family, SOCK_DGRAM | SOCK_CLOEXEC,
		    to.family == AF_INET ? IPPROTO_ICMP : (int)IPPROTO_ICMPV6);
	err = fd < 0 ? errno : 0;
	if (!err) {
		call = "send";
		if (sendto(fd, packet, len + 8, 0, (struct sockaddr *)&to.addr, to.len) < 0)
			err = errno;
	}
	if (!err && o.echo) {
		call = "echo";
		err = probe_echo(fd);
	}
	probe_say(call, err, began);
	return 0;
}

/*
 * flood ADDRESS PORT COUNT [SPREAD]: COUNT datagrams, of which each SPREAD (default: all) go to the
 * next port. Prints how many calls failed with which errno.
 */
int probe_flood(int argc, char **argv)
{
	struct sockaddr_storage a;
	int count, spread, fd, last = 0;
	long failed = 0;
	size_t len;
	const char *payload = probe_payload(0, &len);
	socklen_t alen;

	if (argc < 4)
		return 64;
	count = atoi(argv[3]);
	spread = argc > 4 ? atoi(argv[4]) : count;
	alen = live_sockaddr(argv[1], argv[2], false, &a);
	fd = socket(a.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		live_die("socket");
	for (int i = 0; i < count; i++) {
		/* the port stands at the same place in both families */
		((struct sockaddr_in *)&a)->sin_port =
			htons((uint16_t)(atoi(argv[2]) + i / spread));
		if (sendto(fd, payload, len, 0, (struct sockaddr *)&a, alen) < 0) {
			failed++;
			last = errno;
		}
	}
	printf("sent=%d failed=%ld errno=%s pid=%d\n", count, failed, live_errno(last), getpid());
	return 0;
}
