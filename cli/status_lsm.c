// SPDX-License-Identifier: GPL-2.0-only
/* BPF LSM in `status`: the layer that may be absent, and what is open then. */
#include <jansson.h>

#include "base/base.h"
#include "cli/status.h"
#include "events/names.h"

/* What only the LSM programs refuse at the call; the link's stop the packets of all but tampering.
 */
static const enum bg_reason only_here[] = { BG_R_PACKET_SOCKET, BG_R_SOCKET_FAMILY,
					    BG_R_FOREIGN_SOCKET, BG_R_TAMPER };

static const char *state_name(enum bg_lsm_state state)
{
	switch (state) {
	case BG_LSM_UNKNOWN: return "unknown";
	case BG_LSM_NOT_ACTIVE: return "not_active";
	case BG_LSM_UNAVAILABLE: return "unavailable";
	case BG_LSM_UNREADABLE: return "unreadable";
	case BG_LSM_FAILED: return "failed";
	case BG_LSM_ACTIVE: return "active";
	}
	return "unknown";
}

void status_lsm_text(const struct loader_lsm_status *lsm, FILE *out, bool color)
{
	if (lsm->state == BG_LSM_ACTIVE) {
		fprintf(out, "\nlsm          active, %zu of %zu programs attached\n",
			lsm->n_attached, lsm->n_hooks);
		return;
	}
	fprintf(out, "\nlsm          %snot active%s: %s\n", color ? C_YELLOW : "",
		color ? C_RESET : "", lsm->why);
	fprintf(out, "             so packet, odd and foreign sockets are stopped at the link only,"
		     "\n             and hands on the guard itself are seen but not refused\n");
}

json_t *status_lsm_json(const struct loader_lsm_status *lsm)
{
	json_t *hooks = json_array(), *open = json_array();
	size_t i;

	for (i = 0; i < lsm->n_hooks; i++)
		json_array_append_new(hooks, json_pack("{s:s, s:b, s:I, s:I, s:s}", "hook",
						       lsm->hook[i].name, "attached",
						       lsm->hook[i].attached, "program",
						       (json_int_t)lsm->hook[i].prog_id, "link",
						       (json_int_t)lsm->hook[i].link_id, "tag",
						       lsm->hook[i].tag));
	for (i = 0; lsm->state != BG_LSM_ACTIVE && i < ARRAY_SIZE(only_here); i++)
		json_array_append_new(open, json_string(events_reason_name(only_here[i])));
	return json_pack("{s:s, s:s, s:o, s:o}", "state", state_name(lsm->state), "why", lsm->why,
			 "not_refused", open, "hooks", hooks);
}
