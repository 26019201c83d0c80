/* SPDX-License-Identifier: GPL-2.0-only */
/* What the programs of the live tests share. They stand alone: none includes a room. */
#ifndef LIVE_H
#define LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* Long, so that no address or random payload looks like it. A token of [A-Za-z0-9] follows. */
#define LIVE_MARK      "BPFGUARD-LIVE-MARK:"
#define LIVE_TOKEN     32
#define LIVE_ETHERTYPE 0x88b5 /* IEEE 802: for local experiments; the barrier's frames */

/* These end the program with a message when they fail: a test cannot go on without them. */
void live_enter_netns(const char *path);
void live_enter_cgroup(const char *dir);
void live_die(const char *what) __attribute__((noreturn));

/* `mapped`: an IPv4 address as ::ffff:a.b.c.d. Returns the length of the socket address. */
socklen_t live_sockaddr(const char *text, const char *port, bool mapped,
			struct sockaddr_storage *ret);
/* ERRNO name, `OK` for 0. */
const char *live_errno(int err);
uint64_t live_ms(void); /* CLOCK_MONOTONIC */

#endif /* LIVE_H */
