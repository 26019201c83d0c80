/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A private instance of bpfguard for one test: pins, run directory and cgroups that no other has,
 * and all of it taken away however the test ends.
 */
#ifndef BPFGUARD_TEST_INSTANCE_H
#define BPFGUARD_TEST_INSTANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "loader/loader.h"

/*
 * Runs fn in a child with BPFGUARD_PINS, BPFGUARD_RUN and BPFGUARD_LOG set to places of its own;
 * afterwards, also after a crash, SIGTERM or SIGINT, unloads and removes everything. Returns the
 * exit status for main(): fn's result, or 1 if it died or left something that cannot be removed.
 * seconds: the child is killed (a failure) after so long.
 */
int instance_run(const char *test, int (*fn)(int argc, char **argv), int argc, char **argv,
		 unsigned int seconds);

/* Stops the test with a message; use for everything that must not happen. */
void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
#define check(cond, ...)                                                                           \
	do {                                                                                       \
		if (!(cond))                                                                       \
			die(__VA_ARGS__);                                                          \
	} while (0)

/* Cgroup of this instance, as the policy names it: "/bpfguard-test-PID-NAME". Static buffers (64).
 */
const char *instance_cgroup(const char *name);
/* Its directory. Static buffers (64). */
const char *instance_cgroup_dir(const char *name);
void instance_make_cgroup(const char *name);
/* Moves the calling process. */
void instance_join(const char *name);
void instance_leave(void);

/* A scratch directory of the instance. */
const char *instance_dir(void);
/* Writes text to NAME in the scratch directory and returns its path (static buffers, 64). */
const char *instance_file(const char *name, const char *text);

/* Parses; dies on an error. Free with policy_free(). */
struct policy *parse_policy(const char *text);
/* loader_load() that must succeed with `want`. */
void load_policy(const char *text, bool reload, enum loader_result want);

/* Runs argv[0..] with output to stdout/stderr files in the scratch directory. Exit code. */
int run(const char *const argv[]);
#define RUN(...) run((const char *const[]){ __VA_ARGS__, NULL })
/* What the last run() printed; static buffers. */
const char *run_stdout(void);
const char *run_stderr(void);

/* The bpfguard binary under test: BPFGUARD, or BUILD/bpfguard, or build/bpfguard. */
const char *bpfguard_path(void);

#endif /* BPFGUARD_TEST_INSTANCE_H */
