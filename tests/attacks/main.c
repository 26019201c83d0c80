// SPDX-License-Identifier: GPL-2.0-only
/*
 * The attack catalogue as one program: attack list | attack batch OPTIONS < PLAN; see batch.c.
 *
 * list: NAME FILE STOP NEEDS FLAGS WHAT WHY-OUT, tab-separated; FLAGS: letters D(irty) O(utside)
 * G(ateway) A(lone) C(aptured), `-` for none.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runner.h"

/* TABLES(X): X(inet) X(path) ..., each file's table, made by attacks.mk */
#include "attacks/tables.h"
#define DECLARE(name) extern const struct attack attacks_##name[];
#define ENTRY(name)   { #name, attacks_##name },
TABLES(DECLARE)

static const struct {
	const char *file;
	const struct attack *table;
} tables[] = { TABLES(ENTRY) };

const struct attack *attack_find(const char *name)
{
	const struct attack *a;
	size_t i;

	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (a = tables[i].table; a && a->name; a++)
			if (!strcmp(a->name, name))
				return a;
	return NULL;
}

static int list(void)
{
	static const char *const stop[] = { "I1", "I2", "I3", "LSM", "OUT" };
	static const char *const needs[] = { "none", "default", "admin", "sys" };
	const struct attack *a;
	size_t i;

	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (a = tables[i].table; a && a->name; a++) {
			if (strlen(a->name) > 15 || attack_find(a->name) != a) {
				fprintf(stderr, "attack: the name %s is too long or taken\n",
					a->name);
				return 1;
			}
			if ((a->stop == STOP_OUT) != (a->why_out != NULL)) {
				fprintf(stderr,
					"attack: %s: why_out and STOP_OUT belong together\n",
					a->name);
				return 1;
			}
			printf("%s\t%s\t%s\t%s\t%s%s%s%s%s%s\t%s\t%s\n", a->name, tables[i].file,
			       stop[a->stop], needs[a->needs], a->flags ? "" : "-",
			       a->flags & ATTACK_DIRTY ? "D" : "",
			       a->flags & ATTACK_OUTSIDE ? "O" : "",
			       a->flags & ATTACK_GATEWAY ? "G" : "",
			       a->flags & ATTACK_ALONE ? "A" : "",
			       a->flags & ATTACK_CAPTURED ? "C" : "", a->what,
			       a->why_out ? a->why_out : "-");
		}
	return 0;
}

uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

void die(const char *what)
{
	fprintf(stderr, "attack: %s: %s\n", what, strerror(errno));
	exit(99);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "list"))
		return list();
	if (argc > 1 && !strcmp(argv[1], "batch"))
		return batch(argc - 1, argv + 1);
	fprintf(stderr, "usage: attack list | attack batch WORLD < PLAN\n");
	return 64;
}
