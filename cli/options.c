// SPDX-License-Identifier: GPL-2.0-only
/* Options of a verb: parsed and explained from its table. */
#include <ctype.h>
#include <getopt.h>
#include <string.h>

#include "cli/cli.h"
#include "policy/policy.h"

#define MAX_OPTS 24

int cli_usage(const struct cli_command *cmd, const char *why)
{
	char what[64], todo[96];

	snprintf(what, sizeof(what), "%s", cmd->name);
	snprintf(todo, sizeof(todo), "see bpfguard %s --help", cmd->name);
	return base_fail(EXIT_USAGE, what, why, todo);
}

int cli_written(int code)
{
	if (fflush(stdout) || ferror(stdout))
		return base_fail(EXIT_NO, "standard output", "cannot write", NULL);
	return code;
}

const char *cli_suggest(const char *word, const char *const *candidates, size_t n)
{
	return policy_suggest(word, candidates, n);
}

static void verb_help(const struct cli_command *cmd)
{
	size_t i;

	printf("Usage: bpfguard %s%s%s%s\n\n%c%s.\n", cmd->name, cmd->n_opts ? " [OPTIONS]" : "",
	       cmd->args && *cmd->args ? " " : "", cmd->args ? cmd->args : "",
	       toupper((unsigned char)cmd->summary[0]), cmd->summary + 1);
	if (cmd->details)
		printf("\n%s\n", cmd->details);
	puts("\nOptions:");
	for (i = 0; i < cmd->n_opts; i++) {
		const struct cli_opt *o = &cmd->opts[i];
		char left[64], letter[8] = "    ";

		if (o->s)
			snprintf(letter, sizeof(letter), "-%c, ", o->s);
		snprintf(left, sizeof(left), "%s--%s%s%s", letter, o->name, o->arg ? "=" : "",
			 o->arg ? o->arg : "");
		printf("  %-26s %s\n", left, o->help);
	}
	printf("  %-26s %s\n", "-h, --help", "this help");
}

static void getopt_tables(const struct cli_command *cmd, char *letters, struct option *longs)
{
	size_t i;
	char *l = letters;

	*l++ = '+'; /* stop at the first positional: verbs of verbs have options of their own */
	*l++ = ':';
	*l++ = 'h';
	for (i = 0; i < cmd->n_opts; i++) {
		const struct cli_opt *o = &cmd->opts[i];

		if (o->s) {
			*l++ = o->s;
			if (o->arg)
				*l++ = ':';
		}
		longs[i] = (struct option){ o->name, o->arg ? required_argument : no_argument, NULL,
					    256 + (int)i };
	}
	*l = 0;
	longs[cmd->n_opts] = (struct option){ "help", no_argument, NULL, 'h' };
	longs[cmd->n_opts + 1] = (struct option){ 0 };
}

static const struct cli_opt *opt_of(const struct cli_command *cmd, int c)
{
	size_t i;

	if (c >= 256)
		return &cmd->opts[c - 256];
	for (i = 0; i < cmd->n_opts; i++)
		if (cmd->opts[i].s == c)
			return &cmd->opts[i];
	return NULL;
}

static int bad_option(const struct cli_command *cmd, char **argv, bool lacks_argument)
{
	const char *names[MAX_OPTS + 1], *word = argv[optind - 1], *near = NULL;
	char why[160];
	size_t i;

	for (i = 0; i < cmd->n_opts; i++)
		names[i] = cmd->opts[i].name;
	names[i++] = "help";
	if (!strncmp(word, "--", 2))
		near = cli_suggest(word + 2, names, i);
	if (lacks_argument)
		snprintf(why, sizeof(why), "option %.60s needs an argument", word);
	else if (near)
		snprintf(why, sizeof(why), "unknown option %.60s; did you mean --%s?", word, near);
	else
		snprintf(why, sizeof(why), "unknown option %.60s", word);
	return cli_usage(cmd, why);
}

int cli_run(const struct cli_command *cmd, int argc, char **argv)
{
	struct option longs[MAX_OPTS + 2];
	char letters[2 * MAX_OPTS + 4];
	char **sorted = argv;
	int c, n;

	getopt_tables(cmd, letters, longs);
	if (cmd->permute)
		memmove(letters, letters + 1, strlen(letters));
	opterr = 0;
	optind = 0;
	while ((c = getopt_long(argc, sorted, letters, longs, NULL)) != -1) {
		const struct cli_opt *o;

		if (c == 'h') {
			verb_help(cmd);
			return EXIT_YES;
		}
		if (c == '?' || c == ':')
			return bad_option(cmd, sorted, c == ':');
		o = opt_of(cmd, c);
		if (o->flag)
			*o->flag = true;
		if (o->value)
			*o->value = optarg;
	}
	n = argc - optind;
	if (n < cmd->min_args)
		return cli_usage(cmd, "too few arguments");
	if (cmd->max_args >= 0 && n > cmd->max_args)
		return cli_usage(cmd, "too many arguments");
	return cmd->run(n, argv + optind);
}
