// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench sink NETNS CPU
 * bench lpm OBJECT CGROUP PREFIX...
 * bench run [-r ROUNDS] [-n COUNT] [-c CPU] [-k SOCKETS] [-s] OP NAME=NETNS:CGROUP:DST...
 *
 * The first variant is the base. `run` prints a line for each variant, separated by tabs:
 *   name, ns per operation (median), speed in % of the base (median, quartiles), ns more than the
 *   base (median, quartiles), ns per run of the cgroup's egress programs (-s, else "-")
 * A speed or a difference is taken inside a round, where variants follow each other at once; then
 * the median of all rounds.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define MAX_VARIANTS 8
#define WARM_UP	     3 /* rounds that are not counted */

struct variant {
	const char *name, *netns, *cgroup, *dst;
	int to, from;
	double *ns;
	uint64_t prog_ns, prog_runs;
};

static struct variant variants[MAX_VARIANTS];
static unsigned int n_variants, rounds = 100, sockets = 1;
static uint64_t count;
static int cpu;
static bool stats;

void bench_die(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

uint64_t bench_now(int clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

int bench_by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void bench_pin_cpu(int on)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(on, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		bench_die("sched_setaffinity");
}

/* The cgroup first: its path may be out of sight afterwards. */
void bench_enter(const char *cgroup, const char *netns)
{
	char path[4096];
	int fd;

	if (cgroup[0]) {
		snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd < 0 || write(fd, "0", 1) != 1)
			bench_die(path);
		close(fd);
	}
	if (!netns[0])
		return;
	fd = open(netns, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		bench_die(netns);
	close(fd);
}

static void sender(const struct op *op, const struct variant *v, int from, int to)
{
	struct turn t;
	char go;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	bench_enter(strchr(v->cgroup, '%') ? "" : v->cgroup, v->netns);
	bench_pin_cpu(cpu);
	if (op->start(v->dst, sockets, v->cgroup))
		bench_die(v->name);
	while (read(from, &go, 1) == 1) {
		if (op->turn(count, &t))
			bench_die(v->name);
		if (write(to, &t, sizeof(t)) != sizeof(t))
			bench_die("pipe");
	}
	exit(0);
}

static void start_sender(const struct op *op, struct variant *v)
{
	int there[2], back[2];

	if (pipe2(there, O_CLOEXEC) || pipe2(back, O_CLOEXEC))
		bench_die("pipe");
	switch (fork()) {
	case -1: bench_die("fork");
	case 0:
		close(there[1]);
		close(back[0]);
		sender(op, v, there[0], back[1]);
	}
	close(there[0]);
	close(back[1]);
	v->to = there[1];
	v->from = back[0];
	v->ns = calloc(rounds, sizeof(*v->ns));
	if (!v->ns)
		bench_die("calloc");
}

static double take_turn(const struct op *op, struct variant *v)
{
	uint64_t ns0 = 0, runs0 = 0, ns1 = 0, runs1 = 0;
	struct turn t;

	if (stats && bench_prog_stats(v->cgroup, &ns0, &runs0))
		bench_die(v->cgroup);
	if (write(v->to, "g", 1) != 1 || read(v->from, &t, sizeof(t)) != sizeof(t)) {
		fprintf(stderr, "bench: %s: its sender is gone\n", v->name);
		exit(1);
	}
	if (stats && bench_prog_stats(v->cgroup, &ns1, &runs1))
		bench_die(v->cgroup);
	v->prog_ns += ns1 - ns0;
	v->prog_runs += runs1 - runs0;
	return op->wall ? t.wall : t.cpu;
}

/* Sorts, and gives the quartiles. */
static void quartiles(double *v, double ret[3])
{
	qsort(v, rounds, sizeof(*v), bench_by_value);
	ret[0] = v[rounds / 4];
	ret[1] = v[rounds / 2];
	ret[2] = v[rounds * 3 / 4];
}

static void report(const struct variant *v)
{
	double *speed = calloc(rounds, sizeof(double)), *more = calloc(rounds, sizeof(double));
	double *own = calloc(rounds, sizeof(double)), s[3], m[3], o[3];
	unsigned int i;

	if (!speed || !more || !own)
		bench_die("calloc");
	for (i = 0; i < rounds; i++) {
		own[i] = v->ns[i];
		speed[i] = 100 * variants[0].ns[i] / v->ns[i];
		more[i] = v->ns[i] - variants[0].ns[i];
	}
	quartiles(own, o);
	quartiles(speed, s);
	quartiles(more, m);
	printf("%s\t%.1f\t%.2f\t%.2f\t%.2f\t%.1f\t%.1f\t%.1f\t", v->name, o[1], s[1], s[0], s[2],
	       m[1], m[0], m[2]);
	if (stats && v->prog_runs)
		printf("%.1f\n", (double)v->prog_ns / v->prog_runs);
	else
		printf("-\n");
	free(own);
	free(speed);
	free(more);
}

static void add_variant(char *text)
{
	struct variant *v = &variants[n_variants++];
	char *rest = strchr(text, '=');

	if (n_variants > MAX_VARIANTS || !rest) {
		fprintf(stderr, "bench: %s: not NAME=NETNS:CGROUP:DST, or too many\n", text);
		exit(64);
	}
	*rest++ = 0;
	v->name = text;
	v->netns = strsep(&rest, ":");
	v->cgroup = strsep(&rest, ":");
	v->dst = rest;
	if (!v->cgroup || !v->dst) {
		fprintf(stderr, "bench: %s: not NAME=NETNS:CGROUP:DST\n", text);
		exit(64);
	}
}

static int run(const struct op *op)
{
	unsigned int round, i, k;
	int on = -1;

	if (!count)
		count = op->count;
	if (stats) {
		on = bench_stats_on();
		if (on < 0)
			bench_die("BPF_ENABLE_STATS");
	}
	for (i = 0; i < n_variants; i++)
		start_sender(op, &variants[i]);
	for (round = 0; round < WARM_UP + rounds; round++) {
		for (k = 0; k < n_variants; k++) {
			/* there and back again: a drift of the machine's speed cancels out */
			struct variant *v = &variants[round % 2 ? n_variants - 1 - k : k];
			double ns = take_turn(op, v);

			if (round >= WARM_UP)
				v->ns[round - WARM_UP] = ns;
		}
	}
	for (i = 0; i < n_variants; i++)
		close(variants[i].to);
	while (wait(NULL) > 0)
		;
	for (i = 0; i < n_variants; i++)
		report(&variants[i]);
	if (on >= 0)
		close(on);
	return 0;
}

static int usage(void)
{
	fprintf(stderr, "bench sink NETNS CPU | lpm OBJECT CGROUP PREFIX... |\n"
			"      run [-r ROUNDS] [-n COUNT] [-c CPU] [-k SOCKETS] [-s] OP "
			"NAME=NETNS:CGROUP:DST...\n");
	return 64;
}

int main(int argc, char **argv)
{
	const struct op *const *op;
	int c;

	if (argc == 4 && !strcmp(argv[1], "sink"))
		return bench_sink(argv[2], atoi(argv[3]));
	if (argc > 4 && !strcmp(argv[1], "lpm"))
		return bench_lpm(argv[2], argv[3], argc - 4, argv + 4);
	if (argc < 2 || strcmp(argv[1], "run"))
		return usage();
	while ((c = getopt(argc - 1, argv + 1, "r:n:c:k:s")) != -1) {
		switch (c) {
		case 'r': rounds = strtoul(optarg, NULL, 10); break;
		case 'n': count = strtoull(optarg, NULL, 10); break;
		case 'c': cpu = atoi(optarg); break;
		case 'k': sockets = strtoul(optarg, NULL, 10); break;
		case 's': stats = true; break;
		default: return usage();
		}
	}
	argv += optind + 1;
	argc -= optind + 1;
	if (argc < 2 || !rounds || !sockets)
		return usage();
	for (op = bench_ops; *op && strcmp((*op)->name, argv[0]); op++)
		;
	if (!*op)
		return usage();
	for (c = 1; c < argc; c++)
		add_variant(argv[c]);
	return run(*op);
}
