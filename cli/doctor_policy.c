// SPDX-License-Identifier: GPL-2.0-only
/* The policy: can it be read, is it the one in force, and which doors does it leave open? */
#include <errno.h>
#include <string.h>

#include "base/base.h"
#include "cli/doctor.h"

#define MAX_ERRORS 5

static int parse_file(struct doctor *d, const char *path, struct policy **ret)
{
	struct policy_errors errs = { 0 };
	_free_ char *text = NULL;
	char name[160], at[200];
	size_t len, i;
	int err = base_read_file(path, POLICY_MAX_BYTES, &text, &len);

	base_sanitize(name, sizeof(name), path, strlen(path));
	if (err) {
		doctor_add(d, DOCTOR_BAD, "policy.file", name, "nothing can be loaded from it",
			   "write a policy: see bpfguard-policy(5)", "%s", strerror(-err));
		return err;
	}
	err = policy_parse(text, len, ret, &errs);
	for (i = 0; i < errs.n && i < MAX_ERRORS; i++) {
		snprintf(at, sizeof(at), "%.140s:%u", name, errs.list[i].pos.line);
		doctor_add(d, DOCTOR_BAD, "policy.file", at, "load refuses a policy with an error",
			   errs.list[i].todo, "%s", errs.list[i].what);
	}
	policy_errors_free(&errs);
	if (!err)
		doctor_add(d, DOCTOR_OK, "policy.file", name, NULL, NULL, "can be read");
	return err;
}

static char *print(const struct policy *p)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	policy_print(p, f);
	fclose(f);
	return text;
}

static bool same(const struct policy *a, const struct policy *b)
{
	_free_ char *x = print(a), *y = print(b);

	return x && y && strcmp(x, y) == 0;
}

/* What `local` opens besides the VPN network: it is allowed on-link only, but a mistake is near. */
static void check_local(struct doctor *d, const struct policy_guard *g)
{
	size_t i;

	for (i = 0; i < g->n_local; i++)
		if (g->local[i].len < (g->local[i].addr.family == 4 ? 8 : 16)) {
			doctor_add(d, DOCTOR_WARN, "policy.local", g->name,
				   "whatever the container's network calls on-link is then reached "
				   "without the VPN",
				   "list the VPN network alone", "`local` has a prefix of %u bits",
				   g->local[i].len);
			return;
		}
}

static void check_guard(struct doctor *d, const struct policy_guard *g)
{
	bool watched = g->gateway_container[0] || g->gateway_netns[0];

	if (g->mode == POLICY_AUDIT)
		doctor_add(d, DOCTOR_BAD, "policy.audit", g->name,
			   "in mode audit packets are reported and let through",
			   "set mode: enforce", "mode: audit");
	if (!watched)
		doctor_add(d, DOCTOR_WARN, "policy.gateway", g->name,
			   "nobody can watch the tunnel, guard the gateway's uplink or seal the "
			   "network: while the tunnel is down the gateway alone stands in the way",
			   "name the gateway: gateway: {container: NAME}",
			   "neither gateway.container nor gateway.netns is given");
	if (watched && !g->lease_ms)
		doctor_add(d, DOCTOR_WARN, "policy.lease", g->name,
			   "the way to the gateway stays open while the tunnel is down",
			   "leave kill_switch.lease at its default", "kill_switch: {lease: off}");
	if (watched && g->uplink.off)
		doctor_add(d, DOCTOR_WARN, "policy.uplink", g->name,
			   "each restart of the gateway lets packets out in clear before its own "
			   "firewall is up",
			   "remove `uplink: {guard: off}`", "the uplink guard is off");
	if (watched && g->link.off)
		doctor_add(
			d, DOCTOR_WARN, "policy.link", g->name,
			"frames that need no IP socket (AF_PACKET, tunnels, forwarding) are then "
			"not stopped",
			"remove `link: {seal: off}`", "the link seal is off");
	check_local(d, g);
}

void doctor_policy(struct doctor *d)
{
	const char *path = d->policy_path ? d->policy_path : base_policy_path();
	struct policy *file = NULL, *force = NULL;
	size_t i;

	if (loader_read_policy(&force, NULL))
		force = NULL;
	if (parse_file(d, path, &file))
		file = NULL;
	if (file && force && !same(file, force))
		doctor_add(d, DOCTOR_WARN, "policy.in_force", NULL,
			   "what the kernel holds is followed, not the file", "bpfguard reload",
			   "the file is not the policy that is in force");
	if (file && (d->policy_path || !force)) {
		d->policy = TAKE_PTR(file);
		policy_free(force);
	} else {
		d->policy = force;
		policy_free(file);
	}
	for (i = 0; d->policy && i < d->policy->n_guards; i++)
		check_guard(d, &d->policy->guards[i]);
}
