/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Room cli: verbs. One file a verb, each with one struct cli_command; options are data, from which
 * parsing, --help and shell completion are made. printf lives here (and in events/ printers).
 */
#ifndef BPFGUARD_CLI_H
#define BPFGUARD_CLI_H

#include "base/base.h"

struct cli_opt {
	char s;		  /* short letter, 0: none */
	const char *name; /* long name without dashes */
	const char *arg;  /* name of the argument in help, NULL: a flag */
	const char *help;
	bool *flag;	      /* set to true, for a flag */
	const char **value;   /* set to the argument */
	const char *complete; /* for shells: "file", or the possible words, space-separated */
};

struct cli_command {
	const char *name;
	const char *args;    /* usage after the options: `WHO DST[:PORT][/PROTO]` */
	const char *summary; /* one line, no full stop */
	const char *details; /* paragraphs for --help, may be NULL */
	const struct cli_opt *opts;
	size_t n_opts;
	int min_args, max_args;		   /* positional arguments; max -1: any number */
	int (*run)(int argc, char **argv); /* positionals only; returns the exit code */
	const char *complete;		   /* words for the first positional, as in cli_opt */
	bool permute;			   /* options may also follow the positionals */
};

extern const struct cli_command cmd_load, cmd_reload, cmd_unload, cmd_status, cmd_log, cmd_why,
	cmd_policy, cmd_monitor, cmd_pause, cmd_audit, cmd_doctor, cmd_completion;

/* Set by the global option --color. */
extern enum base_color cli_color;

const struct cli_command *const *cli_commands(size_t *ret_n);
/* Parses the verb's options (argv[0] is the verb) and runs it. */
int cli_run(const struct cli_command *cmd, int argc, char **argv);
const char *cli_suggest(const char *word, const char *const *candidates, size_t n);

/* Usage error: `bpfguard VERB: why (see bpfguard VERB --help)`; returns EXIT_USAGE. */
int cli_usage(const struct cli_command *cmd, const char *why);

/* For the end of a verb: `code`, or EXIT_NO and an error when stdout could not be written. */
int cli_written(int code);

#endif /* BPFGUARD_CLI_H */
