// SPDX-License-Identifier: GPL-2.0-only
/* What the kernel says of the LSM programs. */
#include <string.h>

#include "loader/lsm_internal.h"

static const char *why(enum bg_lsm_state state)
{
	switch (state) {
	case BG_LSM_UNKNOWN: return "no load has looked for it";
	case BG_LSM_NOT_ACTIVE:
		return "bpf is not in /sys/kernel/security/lsm (boot with lsm=...,bpf)";
	case BG_LSM_UNAVAILABLE: return "this kernel refuses LSM programs, also empty ones";
	case BG_LSM_UNREADABLE:
		return "cannot read /sys/kernel/security/lsm (mount securityfs there)";
	case BG_LSM_FAILED: return "the kernel takes not our programs, which was accepted";
	case BG_LSM_ACTIVE: return "";
	}
	return "?";
}

void loader_lsm_status(struct loader_lsm_status *ret, const struct loader_pinned *pinned,
		       void (*broken)(void *ctx, const char *what), void *ctx)
{
	static const uint8_t none[8];
	struct bg_lsm conf;
	char what[160];
	size_t i;

	memset(ret, 0, sizeof(*ret));
	if (loader_lsm_read(&conf))
		conf.state = BG_LSM_UNKNOWN;
	ret->state = conf.state;
	ret->why = why(ret->state);
	if (ret->state != BG_LSM_ACTIVE)
		return;
	for (i = 0; i < BG_LSM_HOOKS; i++) {
		const struct loader_lsm_hook *h = &loader_lsm_hooks[i];
		struct loader_hook_status *s = &ret->hook[ret->n_hooks];
		bool whole;

		if (!memcmp(conf.tag[i], none, sizeof(none)))
			continue;
		s->name = h->name;
		whole = loader_lsm_hook_is_whole(h, &conf, pinned, s);
		ret->n_hooks++;
		ret->n_attached += s->attached;
		if (whole)
			continue;
		snprintf(what, sizeof(what), "lsm: %s: %s (bpfguard load puts it right)", h->name,
			 s->attached ? "it is not the program that was loaded"
				     : "its link is gone");
		broken(ctx, what);
	}
}
