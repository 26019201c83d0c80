/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The benchmark's own program. One sender per variant, each in its own namespace and cgroup; the
 * senders take turns of some milliseconds, so that whatever else the machine does hits all alike.
 */
#ifndef BPFGUARD_TESTS_BENCH_H
#define BPFGUARD_TESTS_BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define BENCH_PORT	  7001 /* UDP: never read; TCP: bulk */
#define BENCH_PORT_ACCEPT 7002 /* TCP: accepts and closes */

/* What one turn cost, in ns per operation. */
struct turn {
	double cpu;  /* of the sender's thread, the softirq work done in it included */
	double wall; /* median over the turn for calls that are timed one by one */
};

struct op {
	const char *name;
	const char *unit; /* of one operation */
	bool wall;	  /* judged by wall time; else by CPU time */
	uint64_t count;	  /* operations a turn, if not told */
	int (*start)(const char *dst, unsigned int sockets, const char *cgroup);
	int (*turn)(uint64_t count, struct turn *ret);
};

extern const struct op *const bench_ops[];

/* Prints what failed, with errno, and exits 1. */
void bench_die(const char *what) __attribute__((noreturn));
uint64_t bench_now(int clock);
int bench_by_value(const void *a, const void *b); /* qsort of doubles */
/* Joins the cgroup (an absolute directory; empty: stays) and the network namespace (a file). */
void bench_enter(const char *cgroup, const char *netns);
void bench_pin_cpu(int cpu);

/* sink NETNS CPU: serves BENCH_PORT and BENCH_PORT_ACCEPT until killed. */
int bench_sink(const char *netns, int cpu);
/* lpm OBJECT CGROUP PREFIX...: attaches the address-only program until killed. */
int bench_lpm(const char *object, const char *cgroup, int n, char **prefixes);
/* Total run time and runs of the egress programs in force on a cgroup; BPF statistics are on. */
int bench_prog_stats(const char *cgroup, uint64_t *ret_ns, uint64_t *ret_runs);
int bench_stats_on(void);

#endif /* BPFGUARD_TESTS_BENCH_H */
