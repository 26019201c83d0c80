// SPDX-License-Identifier: GPL-2.0-only
/* The engine, the gateway and the VPN network. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/base.h"
#include "cli/doctor.h"

#define ASK_MS	2000
#define LIST_MS 5000

static bool covers(const uint8_t net[4], unsigned int len, const uint8_t *addr)
{
	uint32_t a, b;

	memcpy(&a, net, 4);
	memcpy(&b, addr, 4);
	return !len || ((ntohl(a) ^ ntohl(b)) >> (32 - len)) == 0;
}

int doctor_vpn_net(const struct policy_guard *g, const struct engine_container *c)
{
	size_t i, k;

	for (i = 0; i < c->n_nets; i++) {
		const struct engine_attachment *a = &c->net[i];

		if (g->link.network[0]) {
			if (strcmp(a->network, g->link.network) == 0)
				return (int)i;
			continue;
		}
		for (k = 0; k < g->n_gateway; k++)
			if (g->gateway[k].family == 4 && a->has_subnet &&
			    covers(a->subnet, a->subnet_len, g->gateway[k].bytes))
				return (int)i;
	}
	return -1;
}

static void check_network(struct doctor *d, const struct policy_guard *g,
			  const struct inspect_network *n)
{
	bool sealed = !g->link.off, right = !n->has_gateway4;
	size_t k;

	for (k = 0; k < g->n_gateway; k++)
		right |= g->gateway[k].family == 4 && !memcmp(g->gateway[k].bytes, n->gateway4, 4);
	doctor_add(d, DOCTOR_OK, "network.vpn", n->name, NULL, NULL, "the VPN network, bridge %s",
		   n->bridge[0] ? n->bridge : "unknown");
	if (strcmp(n->driver, "bridge") != 0)
		doctor_add(d, DOCTOR_BAD, "network.driver", n->name,
			   "only the ports of a bridge can be sealed",
			   "make it with driver: bridge", "its driver is %s", n->driver);
	if (!right)
		doctor_add(d, DOCTOR_BAD, "network.gateway", n->name,
			   "the containers' default route leads to somebody else, and is denied",
			   "set the network's `gateway:` to the policy's gateway.address",
			   "its default gateway is not the policy's");
	if (n->ipv6 && !n->has_gateway6)
		doctor_add(d, DOCTOR_BAD, "network.ipv6", n->name,
			   "its IPv6 default route is the host itself, past the VPN",
			   "enable_ipv6: false, or name a DefaultGatewayIPv6 that is the VPN's",
			   "IPv6 is on and has no gateway of its own");
	if (n->internal)
		doctor_add(
			d, DOCTOR_WARN, "network.internal", n->name,
			"with br_netfilter Docker's own rule drops what goes to the gateway, and "
			"since Docker 25 there is no default route",
			"leave `internal` out; the guard does what it is for", "it is internal");
	else if (!n->inhibit_ipv4 && !n->isolated)
		doctor_add(d, sealed ? DOCTOR_WARN : DOCTOR_BAD, "network.host_address", n->name,
			   sealed ? "the link seal alone keeps frames from the host's services"
				  : "containers reach the host's services, and through it the "
				    "Internet",
			   "driver_opts: {com.docker.network.bridge.inhibit_ipv4: \"true\"}",
			   "the host has an address on it");
	if (!n->internal && n->masquerade)
		doctor_add(d, sealed ? DOCTOR_WARN : DOCTOR_BAD, "network.masquerade", n->name,
			   "what gets past the VPN would be answered: the host gives it its own "
			   "address",
			   "driver_opts: {com.docker.network.bridge.enable_ip_masquerade: "
			   "\"false\"}",
			   "the host masquerades for it");
}

static void ask_network(struct doctor *d, const struct policy_guard *g, const char *who)
{
	struct inspect_network n;
	int err = inspect_network(who, ASK_MS, &n);

	if (!err)
		check_network(d, g, &n);
	else
		doctor_add(d, DOCTOR_WARN, "network.vpn", who, "its settings are not known",
			   "docker network inspect", "cannot be read: %s", strerror(-err));
}

/* By its name, else by its label: as the monitor finds it. */
static int find_gateway(const struct policy_guard *g, struct engine_container *ret, char *why,
			size_t size, const char **ret_how)
{
	char names[100] = "";
	int err = engine_container(g->gateway_container, ASK_MS, ret);

	*ret_how = "";
	if (err == -ENOENT) {
		err = engine_find_label("bpfguard.gateway=true", ASK_MS, ret, names, sizeof(names));
		*ret_how = ", found by its label";
	}
	if (err == -EEXIST)
		snprintf(why, size, "several containers have the label bpfguard.gateway: %s",
			 names);
	else
		snprintf(why, size, "%s",
			 err == -ENOENT ? "there is no such container, and none with the label "
					  "bpfguard.gateway=true"
					: strerror(-err));
	return err;
}

static void check_gateway(struct doctor *d, const struct policy_guard *g, char ret_id[65])
{
	struct engine_container *c = calloc(1, sizeof(*c));
	char why[200] = "out of memory";
	const char *how = "";
	int err = c ? find_gateway(g, c, why, sizeof(why), &how) : -ENOMEM, vpn;

	if (err) {
		doctor_add(d, DOCTOR_BAD, "gateway.container", g->gateway_container,
			   "nothing passes without it, and its uplink cannot be guarded",
			   "start it, or name another in gateway.container", "%s", why);
		free(c);
		if (g->link.network[0])
			ask_network(d, g, g->link.network);
		return;
	}
	memcpy(ret_id, c->id, 65);
	doctor_add(d, c->running ? DOCTOR_OK : DOCTOR_BAD, "gateway.container", c->name,
		   c->running ? NULL : "nothing passes without it", c->running ? NULL : "start it",
		   "%s, %s%s", c->image, c->running ? "runs" : "does not run", how);
	vpn = doctor_vpn_net(g, c);
	if (vpn >= 0)
		ask_network(d, g,
			    c->net[vpn].network_id[0] ? c->net[vpn].network_id
						      : c->net[vpn].network);
	else if (g->n_gateway)
		doctor_add(d, DOCTOR_BAD, "gateway.network", c->name,
			   "whoever has the gateway's address is not this container",
			   "put it on the VPN network, or set gateway.address to where it is",
			   "it is on no network that holds gateway.address");
	free(c);
}

static void check_engine(struct doctor *d, const struct inspect_engine *e)
{
	size_t i;

	doctor_add(d, DOCTOR_OK, "docker.engine", NULL, NULL, NULL, "version %s, cgroup driver %s",
		   e->version[0] ? e->version : "unknown",
		   e->cgroup_driver[0] ? e->cgroup_driver : "unknown");
	if (strcmp(e->cgroup_version, "1") == 0)
		doctor_add(d, DOCTOR_BAD, "docker.cgroup_version", NULL,
			   "its containers are in no cgroup that a guard can hang on",
			   "boot with systemd.unified_cgroup_hierarchy=1",
			   "the engine uses cgroup v1");
	for (i = 0; d->policy && i < d->policy->n_guards; i++) {
		const char *cgroup = d->policy->guards[i].cgroup;
		size_t len = strlen(cgroup);
		bool slice = cgroup[0] != '/' && len > 6 && !strcmp(cgroup + len - 6, ".slice");

		if (strcmp(e->cgroup_driver, "systemd") == 0 && !slice)
			doctor_add(d, DOCTOR_WARN, "docker.cgroup_driver",
				   d->policy->guards[i].name,
				   "with the systemd driver cgroup_parent takes a slice only",
				   "use a slice, such as bpfguard.slice",
				   "no container can be put into %s", cgroup);
		if (strcmp(e->cgroup_driver, "cgroupfs") == 0 && cgroup[0] != '/')
			doctor_add(d, DOCTOR_WARN, "docker.cgroup_driver",
				   d->policy->guards[i].name,
				   "with the cgroupfs driver a relative cgroup_parent lands below "
				   "the engine's own cgroup",
				   "set cgroup_parent to its path, beginning with /",
				   "cgroup %s is a slice", cgroup);
	}
}

static int keep(const struct inspect_container *c, void *ctx)
{
	struct doctor *d = ctx;

	if (d->n_containers == DOCTOR_MAX_CONTAINERS)
		return -E2BIG;
	d->container[d->n_containers++] = *c;
	return 0;
}

/* A container that was never started has its networks by name alone. */
static bool is_network(const struct inspect_network *n, const struct engine_attachment *a)
{
	return a->network_id[0] ? strcmp(n->id, a->network_id) == 0
				: strcmp(n->name, a->network) == 0;
}

/* The engine's list tells of networks by name and id only; those of the VPN have a subnet. */
static void fill_subnets(struct doctor *d)
{
	struct inspect_network seen[32];
	size_t n_seen = 0, i, k, s;

	for (i = 0; i < d->n_containers; i++)
		for (k = 0; k < d->container[i].c.n_nets; k++) {
			struct engine_attachment *a = &d->container[i].c.net[k];

			for (s = 0; s < n_seen && !is_network(&seen[s], a); s++)
				;
			if (s == n_seen) {
				if (n_seen == ARRAY_SIZE(seen) ||
				    inspect_network(a->network_id[0] ? a->network_id : a->network,
						    ASK_MS, &seen[s]))
					continue;
				n_seen++;
			}
			a->has_subnet = seen[s].has_subnet;
			a->subnet_len = seen[s].subnet_len;
			memcpy(a->subnet, seen[s].subnet, sizeof(a->subnet));
		}
}

void doctor_docker(struct doctor *d)
{
	struct inspect_engine e;
	int err = inspect_engine(ASK_MS, &e);
	size_t i;

	if (err) {
		doctor_add(d, DOCTOR_WARN, "docker.engine", NULL,
			   "the containers' settings were not looked at, only their processes",
			   "start the engine, or set BPFGUARD_DOCKER to its socket",
			   "no engine answers on %s%s%s", base_docker_socket(),
			   err == -ENOTCONN ? "" : ": ", err == -ENOTCONN ? "" : strerror(-err));
		return;
	}
	d->engine = true;
	check_engine(d, &e);
	for (i = 0; d->policy && i < d->policy->n_guards; i++)
		if (d->policy->guards[i].gateway_container[0])
			check_gateway(d, &d->policy->guards[i], d->gateway_id[i]);
	d->container = calloc(DOCTOR_MAX_CONTAINERS, sizeof(*d->container));
	err = d->container ? inspect_list(LIST_MS, keep, d) : -ENOMEM;
	if (err)
		doctor_add(d, DOCTOR_WARN, "docker.containers", NULL,
			   "what was not read was not looked at", "run bpfguard doctor again",
			   "only %zu containers were read: %s", d->n_containers, strerror(-err));
	fill_subnets(d);
}
