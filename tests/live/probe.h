/* SPDX-License-Identifier: GPL-2.0-only */
/* The techniques of the live tests, one small function each: see probe.c for how it is called. */
#ifndef PROBE_H
#define PROBE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "live.h"

/* The words behind ADDRESS and PORT. A word is FLAG or KEY=VALUE. */
struct probe_opts {
	bool connect; /* connect(), then send() */
	bool echo;    /* wait for what the far end sends back */
	bool mapped;  /* an IPv6 socket with an IPv4-mapped address */
	bool dontroute, hop, dst, more, sendfile, splice, uring, mptcp, tfo, nonblock, broadcast;
	int size, gso, mmsg;
	const char *dev, *ifindex, *unicast, *pktinfo; /* names of devices */
	const char *lsrr, *lsrrcmsg, *rthdr;	       /* addresses of hops */
	const char *src;			       /* address to bind to */
};

struct probe_to {
	struct sockaddr_storage addr;
	socklen_t len;
	int family; /* of the socket */
};

/* Parses ADDRESS PORT [WORD...]; -EINVAL with a message on a word that is not known. */
int probe_parse(int argc, char **argv, struct probe_to *to, struct probe_opts *o);
/* Socket options that were asked for; 0 or the errno, and which in *ret_call. */
int probe_setsockopt(int fd, int family, const struct probe_opts *o, const char **ret_call);
/* Control messages that were asked for; their length. */
size_t probe_cmsg(const struct probe_opts *o, int family, char *buf, size_t size);

/* The payload: the mark and its token, then dots up to `size`. */
const char *probe_payload(size_t size, size_t *ret_len);
void probe_set_mark(const char *token);

/* One line of result: call=CALL errno=NAME ms=MS pid=PID. */
void probe_say(const char *call, int err, uint64_t since_ms);
/* Waits for the echo; 0 or errno, ETIMEDOUT after 2 s. Prints reply=ADDRESS. */
int probe_echo(int fd);

/* io_uring; -ENOSYS where it was not built in. Results as the system calls give them, -errno. */
int probe_uring_connect(int fd, const struct probe_to *to);
int probe_uring_sendmsg(int fd, const struct msghdr *m);

/* Commands: the exit code. */
int probe_udp(int argc, char **argv);
int probe_tcp(int argc, char **argv);
int probe_ping(int argc, char **argv);
int probe_flood(int argc, char **argv);
int probe_socket(int argc, char **argv);
int probe_udplite(int argc, char **argv);
int probe_redirect(int argc, char **argv);
int probe_toobig(int argc, char **argv);
int probe_barrier(int argc, char **argv);
int probe_dns(int argc, char **argv);
/* ask ADDRESS PORT NAME [connect]: a query on a datagram socket that is there. 0 or errno. */
int probe_ask(int fd, int argc, char **argv);
int probe_loop(int argc, char **argv);

/* Runs the command argv[0]; 64 if there is none of that name. */
int probe_dispatch(int argc, char **argv);

#endif /* PROBE_H */
