/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the catalogue's runner share; attacks see attack.h only. */
#ifndef BPFGUARD_TESTS_ATTACK_RUNNER_H
#define BPFGUARD_TESTS_ATTACK_RUNNER_H

#include <stdio.h>
#include <time.h>

#include "attack.h"

#define ATTACK_SECONDS 3
#define ATTACK_MARK    "BPFGUARD-ATTACK-" /* five digits and `-` follow: the attempt's number */
#define ATTACK_MAX     65000		  /* numbers of attempts: what the targets have room for */

/* Capability sets: who the attacker is. */
struct attack_caps {
	const char *name;
	unsigned int uid;
	bool no_new_privs;
	uint64_t mask;
};
const struct attack_caps *caps_find(const char *name);
/* This process, for good. Ends it when that fails. */
void caps_take(const struct attack_caps *c);

/* What an attempt says; shared with its processes, so that a killed one has said it, too. */
struct attack_report {
	char skipped[200];
	char said[200];
	int rc;
	bool returned;
};

struct attack_world {
	char app[256]; /* paths of network namespaces */
	char gateway[256], rogue[256], wan[256], peer[256], sibling[256];
	char cgroup[256], cgroup_other[256];
	char work[256];	  /* topology.sh's files: how a fresh app is made */
	char sealed[256]; /* where the monitor tells, if it has to seal a fresh app; else empty */
	int app_fd, host_mnt;
	int generation;
	pid_t init; /* app's first process */
};

/* The environment of attempt N. Cgroups: those of slot S. */
void env_fill(struct attack_env *e, const struct attack_world *w, int number);

/* counters.c: the guard's, by reason; all 0 where none is open */
#define COUNTERS 64 /* BG_R_MAX */
bool counters_open(const char *pins);
void counters_read(uint64_t ret[COUNTERS]);
void counters_moved(const uint64_t since[COUNTERS], char *ret, size_t size);

/* attempt.c: one attempt */
struct attempt {
	const struct attack *attack;
	const struct attack_caps *caps;
	int number;
	pid_t pid, helper;
	uint64_t began_ms;
	bool beside; /* others ran meanwhile */
	uint64_t counted[COUNTERS];
	struct timespec began; /* by the clock that events have */
	struct attack_env env;
	struct attack_report *report;
	char cgroup[300], cgroup_other[300];
};
int attempt_start(struct attempt *a, const struct attack_world *w);
/* Kills what is left of it. */
void attempt_end(struct attempt *a);

/* fresh.c */
int app_fresh(struct attack_world *w);
int app_route(const struct attack_world *w, bool gateway);
int in_namespace(int fd, const char *batch);

/* say.c */
extern struct attack_report *attack_report;

/* batch.c */
int batch(int argc, char **argv);

extern const struct attack attacks_self[];
const struct attack *attack_find(const char *name);
uint64_t now_ms(void);
void die(const char *what) __attribute__((noreturn));

#endif /* BPFGUARD_TESTS_ATTACK_RUNNER_H */
