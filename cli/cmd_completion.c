// SPDX-License-Identifier: GPL-2.0-only
/* completion: scripts for bash, zsh and fish, made from the same tables as parsing and help. */
#include <string.h>

#include "cli/cli.h"

static bool is_words(const char *complete)
{
	return complete && strcmp(complete, "file") && strcmp(complete, "container");
}

static void bash(void)
{
	size_t n, i, k;
	const struct cli_command *const *c = cli_commands(&n);

	puts("# bash completion for bpfguard: eval \"$(bpfguard completion bash)\"\n"
	     "_bpfguard() {\n"
	     "\tlocal cur=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]} words=\n"
	     "\tif [ \"$COMP_CWORD\" -eq 1 ]; then");
	fputs("\t\twords='", stdout);
	for (i = 0; i < n; i++)
		printf("%s ", c[i]->name);
	puts("--help --version'\n\telse\n\t\tcase $verb in");
	for (i = 0; i < n; i++) {
		printf("\t\t%s) words='", c[i]->name);
		for (k = 0; k < c[i]->n_opts; k++)
			printf("--%s ", c[i]->opts[k].name);
		printf("--help%s%s'", is_words(c[i]->complete) ? " " : "",
		       is_words(c[i]->complete) ? c[i]->complete : "");
		if (c[i]->complete && !strcmp(c[i]->complete, "container"))
			fputs("\" $(docker ps --format '{{.Names}}' 2>/dev/null)\"", stdout);
		puts(" ;;");
	}
	puts("\t\tesac\n\tfi\n"
	     "\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
	     "\t[ \"${#COMPREPLY[@]}\" -gt 0 ] || mapfile -t COMPREPLY < <(compgen -f -- "
	     "\"$cur\")\n"
	     "}\n"
	     "complete -F _bpfguard bpfguard");
}

/* Text inside single quotes of zsh and fish: ours holds none, brackets and colons must go. */
static void put_plain(const char *s)
{
	for (; *s; s++)
		putchar(strchr("[]:'\\", *s) ? ' ' : *s);
}

static void zsh(void)
{
	size_t n, i, k;
	const struct cli_command *const *c = cli_commands(&n);

	puts("#compdef bpfguard\n"
	     "_bpfguard() {\n"
	     "\tlocal -a verbs\n"
	     "\tverbs=(");
	for (i = 0; i < n; i++) {
		printf("\t\t'%s:", c[i]->name);
		put_plain(c[i]->summary);
		puts("'");
	}
	puts("\t)\n"
	     "\tif (( CURRENT == 2 )); then\n"
	     "\t\t_describe verb verbs\n"
	     "\t\treturn\n"
	     "\tfi\n"
	     "\tcase $words[2] in");
	for (i = 0; i < n; i++) {
		printf("\t%s) _arguments '--help[this help]'", c[i]->name);
		for (k = 0; k < c[i]->n_opts; k++) {
			printf(" '--%s%s[", c[i]->opts[k].name, c[i]->opts[k].arg ? "=" : "");
			put_plain(c[i]->opts[k].help);
			printf("]%s'", c[i]->opts[k].arg ? ":value:_files" : "");
		}
		if (is_words(c[i]->complete))
			printf(" '2:what:(%s)'", c[i]->complete);
		puts(" '*:file:_files' ;;");
	}
	puts("\tesac\n"
	     "}\n"
	     "if [ \"$funcstack[1]\" = _bpfguard ]; then _bpfguard \"$@\"; else compdef _bpfguard "
	     "bpfguard; fi");
}

static void fish(void)
{
	size_t n, i, k;
	const struct cli_command *const *c = cli_commands(&n);

	for (i = 0; i < n; i++) {
		printf("complete -c bpfguard -n __fish_use_subcommand -f -a %s -d '", c[i]->name);
		put_plain(c[i]->summary);
		puts("'");
		for (k = 0; k < c[i]->n_opts; k++) {
			const struct cli_opt *o = &c[i]->opts[k];

			printf("complete -c bpfguard -n '__fish_seen_subcommand_from %s' -l %s",
			       c[i]->name, o->name);
			if (o->s)
				printf(" -s %c", o->s);
			printf("%s -d '", o->arg ? " -r" : "");
			put_plain(o->help);
			puts("'");
		}
		if (is_words(c[i]->complete))
			printf("complete -c bpfguard -n '__fish_seen_subcommand_from %s' -a '%s'\n",
			       c[i]->name, c[i]->complete);
	}
}

static int completion(int argc, char **argv)
{
	(void)argc;
	if (!strcmp(argv[0], "bash"))
		bash();
	else if (!strcmp(argv[0], "zsh"))
		zsh();
	else if (!strcmp(argv[0], "fish"))
		fish();
	else
		return base_fail(EXIT_USAGE, argv[0], "unknown shell", "bash, zsh or fish");
	return EXIT_YES;
}

const struct cli_command cmd_completion = {
	.name = "completion",
	.args = "bash|zsh|fish",
	.summary = "print the completion script for a shell",
	.min_args = 1,
	.max_args = 1,
	.run = completion,
	.complete = "bash zsh fish",
};
