/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A container's stand-in: a process in the guard's cgroup and in a network namespace of its own,
 * which sends one UDP datagram to each of a list of addresses and says which were let out.
 */
#ifndef BPFGUARD_TEST_PROBE_H
#define BPFGUARD_TEST_PROBE_H

#include <stdint.h>
#include <sys/types.h>

#define PROBE_PORT 9000

struct probe {
	pid_t pid;
	int to, from;
};

/* Addresses of the layout: 10.0.0.0/16 is on-link, three networks lie behind three routers. */
#define PROBE_ROUTER1 "10.0.9.1" /* 192.0.2.0/26 */
#define PROBE_ROUTER2 "10.0.9.2" /* 192.0.2.64/26 */
#define PROBE_ROUTER3 "10.0.9.3" /* 192.0.2.128/26 */

/* Starts one in cgroup `name` (instance.h), which must exist. */
struct probe probe_start(const char *name);
#define PROBE_TORN (1u << 31)
/*
 * Bit i: the datagram to addr[i] was sent. Tried twice, with a socket made now and with one that
 * was made when the probe started; PROBE_TORN: they were not treated alike. Dies on every error
 * other than EPERM.
 */
uint32_t probe_ask(struct probe *p, const char *const addr[], unsigned int n);
/* Ends it and waits. */
void probe_stop(struct probe *p);

/* Runs a shell command; dies if it fails. */
void shell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif /* BPFGUARD_TEST_PROBE_H */
