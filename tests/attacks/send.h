/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What attacks are put together from. A step takes a descriptor and gives one back, or -errno,
 * which the steps behind it hand on untouched; the last one tells the table which step failed, so
 * that an attack is a chain without an `if`.
 */
#ifndef BPFGUARD_TESTS_ATTACK_SEND_H
#define BPFGUARD_TESTS_ATTACK_SEND_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "attack.h"

/* Younger than the oldest headers that this is built with. */
#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

/* ---- where to */
struct dest {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		uint8_t raw[sizeof(struct sockaddr_storage)];
	};
	socklen_t len;
};
struct dest dest4(struct in_addr a, uint16_t port);
struct dest dest6(struct in6_addr a, uint16_t port);
struct dest mapped(struct in_addr a, uint16_t port);
/* e->target4 or e->target6, at e->port */
struct dest target4(const struct attack_env *e);
struct dest target6(const struct attack_env *e);
struct dest target_mapped(const struct attack_env *e);
/* The link-local address that a kernel makes of its MAC (RFC 4291, appendix A). */
struct in6_addr link_local(const uint8_t mac[6]);

/* ---- steps: a descriptor or -errno */
int open_socket(int family, int type,
		int protocol); /* non-blocking: nothing here waits for peers */
int set_option(int fd, int level, int name, const void *value, size_t size);
int set_int(int fd, int level, int name, int value);
int bind_to(int fd, struct dest to);
int connect_to(int fd, struct dest to);
/* A step of the attack's own: `result` is what a system call returned, errno says why. */
int step(int fd, const char *call, ssize_t result);

/* ---- ends: ATTACK_TRIED or ATTACK_SKIP */
/* What the last step said: went well, was refused, or is nothing that this kernel knows. */
int done(int fd);
/* A command failed (attack_command's rc): for want of the right, or this kernel has no such thing.
 */
int lack(const char *what, int rc);
int send_mark(const struct attack_env *e, int fd, struct dest to);
int send_connected(const struct attack_env *e, int fd); /* without an address */
int send_size(const struct attack_env *e, int fd, struct dest to, size_t size, int flags);
/* `m` lacks the payload only */
int send_message(const struct attack_env *e, int fd, struct msghdr *m);
/* ... with one control message */
int send_cmsg(const struct attack_env *e, int fd, struct dest to, int level, int type,
	      const void *data, size_t size);

/* The mark and dots, size bytes at the most 65535; static. size 0: as short as can be. */
struct iovec payload(const struct attack_env *e, size_t size);

/* ---- a listener on the host, whom a technique's frames reach though no router forwards them */
/* Helpers: for whatever comes in at fd and has `what` in it, the mark is sent to the target. */
int relay(const struct attack_env *e, int fd, struct iovec what);
/* A packet socket takes what its protocol's handler takes: not before tc has let it in. */
int relay_frames(const struct attack_env *e, uint16_t ethertype, struct iovec what);
/* ... with the mark in it */
int relay_marked(const struct attack_env *e, uint16_t ethertype);
int hear_ip4(const struct attack_env *e);
int hear_ip6(const struct attack_env *e);
/* The attack: waits for the listener; gives it the time to hear. */
void relay_begin(const struct attack_env *e);
int relay_end(const struct attack_env *e, int tried);
/* For what a thread of the kernel sends: it has the time to. */
int linger(int fd);

/* ---- ATTACK_OUTSIDE: the attack asks to come under the guard; its helper moves it */
void ask_in(const struct attack_env *e);
int move_in(const struct attack_env *e);

#endif /* BPFGUARD_TESTS_ATTACK_SEND_H */
