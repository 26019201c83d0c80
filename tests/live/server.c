// SPDX-License-Identifier: GPL-2.0-only
/*
 * The far ends' mouths: server PLACE NETNS QUERIES [ADDRESS PORTFILE]
 *
 * Echo on port 7 (UDP, TCP with Fast Open) and 8 (MPTCP), DNS on 53 and 853 (UDP, TCP). Each query
 * is a line of QUERIES: PLACE PROTO ASKED-ADDRESS NAME. Answers come from the address that was
 * asked. With ADDRESS it is a DNS server only, on a port that the kernel draws and that is written
 * to PORTFILE, as Docker's resolver is. A datagram `push` on port 7 makes it write to each of its
 * echo connections: work that no process of the other side asked for.
 */
#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "live.h"

#define MAX_FDS	   64
#define PORT_ECHO  7
#define PORT_MPTCP 8

enum kind { UDP_ECHO, UDP_DNS, LISTEN_ECHO, LISTEN_DNS, TCP_ECHO, TCP_DNS };

static struct pollfd fds[MAX_FDS];
static enum kind kinds[MAX_FDS];
static nfds_t n_fds;
static struct server_dns dns;

static void add_fd(int fd, enum kind kind)
{
	if (n_fds == MAX_FDS) {
		close(fd);
		return;
	}
	fds[n_fds] = (struct pollfd){ .fd = fd, .events = POLLIN };
	kinds[n_fds++] = kind;
}

static void drop_fd(nfds_t i)
{
	close(fds[i].fd);
	fds[i] = fds[--n_fds];
	kinds[i] = kinds[n_fds];
}

static int open_socket(int type, int proto, const char *addr, int port)
{
	struct sockaddr_storage a;
	int fd, on = 1, off = 0, queue = 16;
	char text[8];
	socklen_t len;

	snprintf(text, sizeof(text), "%d", port);
	len = live_sockaddr(addr, text, false, &a);
	fd = socket(a.ss_family, type | SOCK_CLOEXEC, proto);
	if (fd < 0 && proto)
		return -1; /* no MPTCP in this kernel */
	if (fd < 0)
		live_die("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (a.ss_family == AF_INET6) {
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
	}
	if (type == SOCK_STREAM)
		setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN, &queue, sizeof(queue));
	if (bind(fd, (struct sockaddr *)&a, len) || (type == SOCK_STREAM && listen(fd, 16)))
		live_die("bind");
	return fd;
}

/* The packet's own destination comes back as a control message; sent back, it is the source. */
static void on_datagram(int fd, enum kind kind)
{
	static uint8_t buf[70000];
	char control[256], asked[INET6_ADDRSTRLEN] = "-";
	struct sockaddr_storage from;
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr m = { &from, sizeof(from), &iov, 1, control, sizeof(control), 0 };
	struct cmsghdr *c;
	ssize_t n = recvmsg(fd, &m, MSG_DONTWAIT);

	if (n < 0)
		return;
	c = m.msg_controllen ? CMSG_FIRSTHDR(&m) : NULL;
	if (c && c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
		struct in6_pktinfo *info = (void *)CMSG_DATA(c);

		info->ipi6_ifindex = 0; /* the way back is the routing table's matter */
		server_address(&info->ipi6_addr, asked, sizeof(asked));
	}
	if (kind == UDP_DNS)
		n = (ssize_t)server_answer(&dns, "udp", asked, buf, (size_t)n, sizeof(buf));
	iov.iov_len = (size_t)n;
	if (n > 0)
		sendmsg(fd, &m, 0);
	if (kind == UDP_ECHO && n >= 4 && !memcmp(buf, "push", 4))
		for (nfds_t i = 0; i < n_fds; i++)
			if (kinds[i] == TCP_ECHO)
				send(fds[i].fd, "pushed", 6, MSG_NOSIGNAL);
}

static void on_accept(int fd, enum kind kind)
{
	int c = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

	if (c >= 0)
		add_fd(c, kind);
}

/* Queries over TCP are short here: one comes in one segment. Returns false at the end. */
static bool on_stream(int fd, enum kind kind)
{
	static uint8_t buf[70000];
	char asked[INET6_ADDRSTRLEN];
	ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN;
	if (!n)
		return false;
	if (kind == TCP_ECHO)
		return send(fd, buf, (size_t)n, MSG_NOSIGNAL) == n;
	if (n < 3)
		return true;
	server_own_address(fd, asked, sizeof(asked));
	n = (ssize_t)server_answer(&dns, "tcp", asked, buf + 2, (size_t)n - 2, sizeof(buf) - 2);
	buf[0] = (uint8_t)(n >> 8);
	buf[1] = (uint8_t)n;
	return n > 0 && send(fd, buf, (size_t)n + 2, MSG_NOSIGNAL) == n + 2;
}

static void on_event(nfds_t i)
{
	int fd = fds[i].fd;

	switch (kinds[i]) {
	case UDP_ECHO:
	case UDP_DNS: on_datagram(fd, kinds[i]); break;
	case LISTEN_ECHO: on_accept(fd, TCP_ECHO); break;
	case LISTEN_DNS: on_accept(fd, TCP_DNS); break;
	case TCP_ECHO:
	case TCP_DNS:
		if (!on_stream(fd, kinds[i]))
			drop_fd(i);
		break;
	}
}

static void open_all(void)
{
	static const int dns_ports[] = { 53, 853 };
	int fd;

	add_fd(open_socket(SOCK_DGRAM, 0, "::", PORT_ECHO), UDP_ECHO);
	add_fd(open_socket(SOCK_STREAM, 0, "::", PORT_ECHO), LISTEN_ECHO);
	fd = open_socket(SOCK_STREAM, IPPROTO_MPTCP, "::", PORT_MPTCP);
	if (fd >= 0)
		add_fd(fd, LISTEN_ECHO);
	for (size_t i = 0; i < 2; i++) {
		add_fd(open_socket(SOCK_DGRAM, 0, "::", dns_ports[i]), UDP_DNS);
		add_fd(open_socket(SOCK_STREAM, 0, "::", dns_ports[i]), LISTEN_DNS);
	}
}

/* Docker's resolver listens on one port for UDP and another for TCP. */
static void open_docker(const char *addr, const char *portfile)
{
	FILE *f = fopen(portfile, "we");
	int udp = open_socket(SOCK_DGRAM, 0, addr, 0), tcp = open_socket(SOCK_STREAM, 0, addr, 0);

	if (!f)
		live_die(portfile);
	fprintf(f, "%d %d\n", server_own_port(udp), server_own_port(tcp));
	fclose(f);
	add_fd(udp, UDP_DNS);
	add_fd(tcp, LISTEN_DNS);
}

int main(int argc, char **argv)
{
	if (argc != 4 && argc != 6) {
		fprintf(stderr, "usage: server PLACE NETNS QUERIES [ADDRESS PORTFILE]\n");
		return 64;
	}
	dns.place = argv[1];
	dns.log = open(argv[3], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (dns.log < 0)
		live_die(argv[3]);
	live_enter_netns(argv[2]);
	if (argc == 6)
		open_docker(argv[4], argv[5]);
	else
		open_all();
	puts("ready");
	fflush(stdout);
	for (;;) {
		if (poll(fds, n_fds, -1) < 0)
			live_die("poll");
		for (nfds_t i = n_fds; i-- > 0;)
			if (fds[i].revents)
				on_event(i);
	}
}
