// SPDX-License-Identifier: GPL-2.0-only
/* The table of verbs, in the order of --help. */
#include "cli/cli.h"

static const struct cli_command *const commands[] = {
	&cmd_load,   &cmd_reload,  &cmd_unload, &cmd_status, &cmd_log,	  &cmd_why,
	&cmd_policy, &cmd_monitor, &cmd_pause,	&cmd_audit,  &cmd_doctor, &cmd_completion,
};

enum base_color cli_color = COLOR_AUTO;

const struct cli_command *const *cli_commands(size_t *ret_n)
{
	*ret_n = ARRAY_SIZE(commands);
	return commands;
}
