// SPDX-License-Identifier: GPL-2.0-only
/* bpfguard: the table of verbs. */
#include <signal.h>
#include <string.h>

#include "cli/cli.h"

static void help(FILE *out)
{
	size_t n, i;
	const struct cli_command *const *commands = cli_commands(&n);

	fputs("bpfguard: no packet of a protected container leaves but through the VPN gateway\n\n"
	      "Usage: bpfguard [--color=auto|always|never] VERB [OPTIONS] [ARGUMENTS]\n\n",
	      out);
	for (i = 0; i < n; i++)
		fprintf(out, "  %-11s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\n  -h, --help     this help; `bpfguard VERB --help` for a verb's own\n"
	      "      --version  print the version\n\n"
	      "Files: /etc/bpfguard/policy.yaml (BPFGUARD_POLICY), /sys/fs/bpf/bpfguard "
	      "(BPFGUARD_PINS),\n       /run/bpfguard (BPFGUARD_RUN), /var/log/bpfguard "
	      "(BPFGUARD_LOG)\n"
	      "Exit codes: 0 yes, 1 no or degraded, 2 not enforced, 64 usage, 65 bad policy,\n"
	      "            69 the kernel lacks something, 77 not permitted\n",
	      out);
}

static const struct cli_command *find(const char *name)
{
	size_t n, i;
	const struct cli_command *const *commands = cli_commands(&n);

	for (i = 0; i < n; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

static int unknown(const char *verb)
{
	const struct cli_command *const *commands;
	const char *names[32], *near;
	char why[128];
	size_t n, i;

	commands = cli_commands(&n);
	for (i = 0; i < n && i < ARRAY_SIZE(names); i++)
		names[i] = commands[i]->name;
	near = cli_suggest(verb, names, i);
	if (near)
		snprintf(why, sizeof(why), "no such verb; did you mean %s?", near);
	else
		snprintf(why, sizeof(why), "no such verb");
	return base_fail(EXIT_USAGE, verb, why, "see bpfguard --help");
}

int main(int argc, char **argv)
{
	const struct cli_command *cmd;
	int i = 1;

	signal(SIGPIPE,
	       SIG_IGN); /* a reader that goes away is an error of write(), not our death */
	for (; i < argc && argv[i][0] == '-'; i++) {
		if (!strcmp(argv[i], "-h") || !strcmp(argv[i], "--help")) {
			help(stdout);
			return EXIT_YES;
		}
		if (!strcmp(argv[i], "--version")) {
			puts("bpfguard " BPFGUARD_VERSION);
			return EXIT_YES;
		}
		if (strncmp(argv[i], "--color=", 8) || base_color_parse(argv[i] + 8, &cli_color))
			return base_fail(EXIT_USAGE, argv[i], "unknown option",
					 "see bpfguard --help");
	}
	if (i == argc) {
		help(stderr);
		return EXIT_USAGE;
	}
	cmd = find(argv[i]);
	if (!cmd)
		return unknown(argv[i]);
	return cli_run(cmd, argc - i, argv + i);
}
