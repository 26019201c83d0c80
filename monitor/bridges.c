// SPDX-License-Identifier: GPL-2.0-only
/* The names of a guard's bridges, kept over a reboot so that they are guarded as they appear. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/internal.h"

void bridge_learn_vpn(struct guard *g, const char *name)
{
	if (!*name || strcmp(g->vpn_bridge, name) == 0)
		return;
	snprintf(g->vpn_bridge, IFNAMSIZ, "%s", name);
	bridges_save(g);
}

/* Several uplinks, several bridges; when there is no room, the oldest is forgotten. */
void bridge_learn_uplink(struct guard *g, const char *name)
{
	size_t i;

	for (i = 0; i < GUARD_MAX_BRIDGES; i++)
		if (!*name || strcmp(g->uplink_bridge[i], name) == 0)
			return;
	for (i = 0; i < GUARD_MAX_BRIDGES && g->uplink_bridge[i][0]; i++)
		;
	if (i == GUARD_MAX_BRIDGES)
		memmove(g->uplink_bridge[0], g->uplink_bridge[1], --i * IFNAMSIZ);
	snprintf(g->uplink_bridge[i], IFNAMSIZ, "%s", name);
	bridges_save(g);
}

void bridges_load(struct guard *g)
{
	char path[PATH_MAX], *text = NULL, *line, *save = NULL;
	size_t len, n = 0;

	snprintf(path, sizeof(path), "%s/%s.bridges", monitor_state_dir(), g->policy->name);
	if (base_read_file(path, 4096, &text, &len))
		return;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char what[16], name[IFNAMSIZ];

		if (sscanf(line, "%15s %15s", what, name) != 2)
			continue;
		if (strcmp(what, "vpn") == 0)
			snprintf(g->vpn_bridge, IFNAMSIZ, "%s", name);
		else if (strcmp(what, "uplink") == 0 && n < GUARD_MAX_BRIDGES)
			snprintf(g->uplink_bridge[n++], IFNAMSIZ, "%s", name);
	}
	free(text);
}

void bridges_save(struct guard *g)
{
	char text[(GUARD_MAX_BRIDGES + 1) * (IFNAMSIZ + 8)], name[POLICY_NAME + 16];
	int n = 0, err;
	size_t i;

	if (g->vpn_bridge[0])
		n = snprintf(text, sizeof(text), "vpn %s\n", g->vpn_bridge);
	for (i = 0; i < GUARD_MAX_BRIDGES && g->uplink_bridge[i][0]; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "uplink %s\n",
			      g->uplink_bridge[i]);
	snprintf(name, sizeof(name), "%s.bridges", g->policy->name);
	err = monitor_write_file(monitor_state_dir(), name, text, (size_t)n);
	if (err)
		say("guard %s: cannot remember its bridges in %s: %s", g->policy->name,
		    monitor_state_dir(), strerror(-err));
}
