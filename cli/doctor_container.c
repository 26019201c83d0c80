// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each container in a guard, and each on a VPN network that is in none: what it has that leads
 * around the guard. A table of facts and what is said of them.
 */
#include <dirent.h>
#include <limits.h>
#include <string.h>

#include "base/base.h"
#include "cli/doctor.h"
#include "discovery/route.h"

static const struct judgement {
	uint32_t fact;
	enum doctor_severity severity;
	const char *id, *what, *why, *todo;
} judgements[] = {
	{ INSPECT_PRIVILEGED, DOCTOR_BAD, "container.privileged", "is privileged",
	  "it can load kernel modules, write any cgroup and reach any device: no guard in the "
	  "kernel "
	  "holds against it",
	  "remove `privileged: true`" },
	{ INSPECT_ENGINE_SOCKET, DOCTOR_BAD, "container.engine_socket",
	  "has the container engine's socket",
	  "it can have the engine start a container outside of the guard", "remove the mount" },
	{ INSPECT_DBUS, DOCTOR_BAD, "container.dbus", "has the host's D-Bus or systemd sockets",
	  "it can have systemd start a process outside of the guard", "remove the mount" },
	{ INSPECT_RUN, DOCTOR_BAD, "container.run", "has the host's /run, or a directory above it",
	  "the sockets of engine, systemd and others lie there", "mount only what is needed" },
	{ INSPECT_SYS_RW, DOCTOR_BAD, "container.sys", "can write to the host's /sys",
	  "a process leaves the guard by writing itself into another cgroup.procs",
	  "mount it read-only, or not at all" },
	{ INSPECT_PROC_RW, DOCTOR_BAD, "container.proc", "can write to the host's /proc",
	  "it can change the kernel's settings and reach others' namespaces",
	  "mount it read-only, or not at all" },
	{ INSPECT_NET_HOST, DOCTOR_BAD, "container.network_host", "is in the host's network",
	  "the guard denies everything there; outside of it nothing stands in the way",
	  "give it the VPN network instead of `network_mode: host`" },
	{ INSPECT_PID_HOST, DOCTOR_BAD, "container.pid_host", "sees the host's processes",
	  "by their /proc it can reach their namespaces and sockets", "remove `pid: host`" },
	{ INSPECT_SYS_ADMIN, DOCTOR_BAD, "container.sys_admin", "has CAP_SYS_ADMIN",
	  "it can mount the cgroup tree, make namespaces that imitate the gateway, and more",
	  "remove SYS_ADMIN from cap_add" },
	{ INSPECT_SYS_MODULE, DOCTOR_BAD, "container.sys_module", "has CAP_SYS_MODULE",
	  "code of its own in the kernel undoes any guard", "remove SYS_MODULE from cap_add" },
	{ INSPECT_BPF, DOCTOR_BAD, "container.bpf", "has CAP_BPF",
	  "it can load programs, and with more read and change our maps",
	  "remove BPF from cap_add" },
	{ INSPECT_NET_ADMIN, DOCTOR_BAD, "container.net_admin", "has CAP_NET_ADMIN",
	  "own routes, tunnels, tun devices and rewritten packets lie behind the hooks that judge "
	  "sockets: only the link seal stops them",
	  "remove NET_ADMIN from cap_add" },
	{ INSPECT_SYS_PTRACE, DOCTOR_WARN, "container.sys_ptrace", "has CAP_SYS_PTRACE",
	  "it can take sockets out of other processes that it sees",
	  "remove SYS_PTRACE from cap_add" },
	{ INSPECT_TUN, DOCTOR_WARN, "container.tun", "has /dev/net/tun",
	  "with CAP_NET_ADMIN it can forward packets that no socket made",
	  "remove the device: only the gateway needs it" },
	{ INSPECT_NO_SECCOMP, DOCTOR_WARN, "container.seccomp", "runs without a seccomp profile",
	  "it reaches system calls that the engine's profile keeps away, user namespaces with "
	  "capabilities of their own among them",
	  "remove `seccomp:unconfined`" },
	{ INSPECT_CGROUPNS_HOST, DOCTOR_WARN, "container.cgroupns", "sees the host's cgroup tree",
	  "where it can write there, it leaves the guard", "remove `cgroup: host`" },
	{ INSPECT_NET_RAW, DOCTOR_WARN, "container.net_raw", "has CAP_NET_RAW",
	  "packet sockets pass every hook on sockets: BPF LSM or the link seal alone stops them, "
	  "and it can pose as the gateway towards its peers",
	  "cap_drop: [NET_RAW]" },
	{ INSPECT_NEW_PRIVILEGES, DOCTOR_WARN, "container.new_privileges",
	  "may gain privileges by programs with set-user-id or file capabilities",
	  "one such program gives it back what was taken away",
	  "security_opt: [\"no-new-privileges:true\"]" },
	{ INSPECT_PORTS, DOCTOR_WARN, "container.ports", "publishes a port",
	  "the host has no way back to it, and answers go to the uplink or into the VPN",
	  "remove `ports:` and use the proxy pair (docs/network.md)" },
};

/* Those that a privileged container has anyway. */
#define IMPLIED                                                                                    \
	(INSPECT_SYS_RW | INSPECT_SYS_ADMIN | INSPECT_SYS_MODULE | INSPECT_BPF |                   \
	 INSPECT_NET_ADMIN | INSPECT_SYS_PTRACE | INSPECT_TUN | INSPECT_NO_SECCOMP |               \
	 INSPECT_NET_RAW | INSPECT_NEW_PRIVILEGES)

static enum doctor_severity severity_of(const struct doctor *d, const struct policy_guard *g,
					const struct judgement *j, uint32_t facts)
{
	if (j->fact == INSPECT_NET_RAW && g && g->link.off)
		return DOCTOR_BAD;
	if (j->fact == INSPECT_NO_SECCOMP && d->userns)
		return DOCTOR_BAD;
	if (j->fact == INSPECT_TUN && facts & INSPECT_NET_ADMIN)
		return DOCTOR_BAD;
	if (j->fact == INSPECT_SYS_PTRACE && facts & INSPECT_PID_HOST)
		return DOCTOR_BAD;
	return j->severity;
}

static void judge(struct doctor *d, const struct policy_guard *g, const char *name, uint32_t facts,
		  const char *mount)
{
	size_t i;

	if (facts & INSPECT_PRIVILEGED)
		facts &= ~(uint32_t)IMPLIED;
	for (i = 0; i < ARRAY_SIZE(judgements); i++) {
		const struct judgement *j = &judgements[i];
		bool named = mount[0] && j->fact & (INSPECT_ENGINE_SOCKET | INSPECT_DBUS |
						    INSPECT_RUN | INSPECT_SYS_RW | INSPECT_PROC_RW);

		if (facts & j->fact)
			doctor_add(d, severity_of(d, g, j, facts), j->id, name, j->why, j->todo,
				   "%s%s%s%s", j->what, named ? " (" : "", named ? mount : "",
				   named ? ")" : "");
	}
}

static bool is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return strncmp(path, dir, len) == 0 && (!path[len] || path[len] == '/');
}

bool doctor_is_inside(const struct policy_guard *g, const struct inspect_container *c)
{
	char dir[POLICY_PATH], parent[POLICY_PATH];

	if (policy_cgroup_path(g->cgroup, dir, sizeof(dir)))
		return false;
	if (c->c.cgroup[0])
		return is_below(c->c.cgroup, dir);
	return c->cgroup_parent[0] &&
	       !policy_cgroup_path(c->cgroup_parent, parent, sizeof(parent)) &&
	       is_below(parent, dir);
}

static void check_dns(struct doctor *d, const struct policy_guard *g,
		      const struct inspect_container *c, bool inside)
{
	static const char why_in[] =
		"Docker's resolver would then send its queries from the host, past the VPN; the "
		"guard's DNS capture alone prevents it";
	static const char why_out[] = "Docker's resolver sends its queries from the host, past the "
				      "VPN (Docker 28: always; "
				      "before: where the host's resolv.conf names 127.0.0.53)";
	char todo[100], addr[64] = "the gateway's resolver";

	if (g->n_dns_server)
		policy_addr_format(&g->dns_server[0], addr, sizeof(addr));
	snprintf(todo, sizeof(todo), "dns: [%s]", addr);
	if (c->facts & INSPECT_DNS_HOST)
		doctor_add(d, inside ? DOCTOR_WARN : DOCTOR_BAD, "container.dns_host", c->c.name,
			   inside ? why_in : why_out, todo,
			   "its resolv.conf says ExtServers: [host(...)]");
	else if (c->facts & INSPECT_NO_DNS)
		doctor_add(d, inside ? DOCTOR_WARN : DOCTOR_BAD, "container.dns", c->c.name,
			   inside ? why_in : why_out, todo, "has no `dns:` of its own");
}

static void check_networks(struct doctor *d, const struct policy_guard *g,
			   const struct inspect_container *c)
{
	int vpn = doctor_vpn_net(g, &c->c);
	size_t i;

	if (c->facts & INSPECT_NET_CONTAINER && !g->gateway_interface[0])
		doctor_add(d, DOCTOR_BAD, "container.network_container", c->c.name,
			   "it has no port of its own that could be sealed, and sits in a dead "
			   "namespace after the other's restart",
			   "give it the VPN network instead", "shares another's network (%.90s)",
			   c->c.network_mode);
	if (!g->n_gateway)
		return;
	for (i = 0; i < c->c.n_nets; i++)
		if ((int)i != vpn && vpn >= 0)
			doctor_add(d, DOCTOR_BAD, "container.second_network", c->c.name,
				   "a way out that is not the VPN's; the guard denies it, and "
				   "nothing stands behind the guard there",
				   "put it on the VPN network alone (docs/network.md: the proxy "
				   "pair)",
				   "is on a second network, %s", c->c.net[i].network);
	if (vpn < 0 && c->c.n_nets)
		doctor_add(d, DOCTOR_WARN, "container.no_vpn", c->c.name,
			   "everything that it sends is denied", "put it on the VPN network",
			   "is not on the VPN network");
}

static bool is_gateway(const struct doctor *d, const struct policy_guard *g,
		       const struct inspect_container *c)
{
	return strcmp(c->c.name, g->gateway_container) == 0 ||
	       strcmp(c->c.id, d->gateway_id[g - d->policy->guards]) == 0;
}

static void check_inside(struct doctor *d, const struct policy_guard *g,
			 const struct inspect_container *c)
{
	size_t before = doctor_count(d, DOCTOR_BAD) + doctor_count(d, DOCTOR_WARN);

	if (is_gateway(d, g, c)) {
		doctor_add(d, DOCTOR_BAD, "gateway.inside", c->c.name,
			   "its own packets to the tunnel's endpoint are then denied",
			   "take the gateway's cgroup_parent away",
			   "the gateway itself is in the guard's cgroup");
		return;
	}
	judge(d, g, c->c.name, c->facts, c->mount);
	check_networks(d, g, c);
	check_dns(d, g, c, true);
	if (doctor_count(d, DOCTOR_BAD) + doctor_count(d, DOCTOR_WARN) == before)
		doctor_add(d, DOCTOR_OK, "container.inside", c->c.name, NULL, NULL,
			   "in guard %s, nothing to say", g->name);
}

/* On the VPN network and in no guard: only what concerns the others there is said. */
static void check_outside(struct doctor *d, const struct policy_guard *g,
			  const struct inspect_container *c)
{
	char todo[POLICY_PATH + 64];

	snprintf(todo, sizeof(todo), "cgroup_parent: %s, or take it off that network", g->cgroup);
	doctor_add(d, DOCTOR_BAD, "container.outside", c->c.name,
		   "nothing judges its packets, and its other networks are ways out", todo,
		   "is on the VPN network and not in guard %s", g->name);
	judge(d, g, c->c.name, c->facts & ~(uint32_t)(INSPECT_NEW_PRIVILEGES | INSPECT_NO_SECCOMP),
	      c->mount);
	check_dns(d, g, c, false);
}

/* ---- cgroups of which no engine tells ---- */
static bool is_known(const struct doctor *d, const char *id)
{
	size_t i;

	for (i = 0; i < d->n_containers; i++)
		if (strcmp(d->container[i].c.id, id) == 0)
			return true;
	return false;
}

static pid_t first_pid(const char *dir, const char *name)
{
	char path[PATH_MAX], line[32] = "";
	_fclose_ FILE *f = NULL;

	if (snprintf(path, sizeof(path), "%s/%s/cgroup.procs", dir, name) >= (int)sizeof(path))
		return 0;
	f = fopen(path, "re");
	return f && fgets(line, sizeof(line), f) ? (pid_t)strtol(line, NULL, 10) : 0;
}

static void unknown_cgroups(struct doctor *d, const struct policy_guard *g)
{
	char root[PATH_MAX - POLICY_PATH], cgroup[POLICY_PATH], dir[PATH_MAX], id[65], name[128];
	struct dirent *e;
	DIR *dp;

	if (loader_cgroup_root(root, sizeof(root)) ||
	    policy_cgroup_path(g->cgroup, cgroup, sizeof(cgroup)))
		return;
	snprintf(dir, sizeof(dir), "%s%s", root, cgroup);
	dp = opendir(dir);
	while (dp && (e = readdir(dp))) {
		uint32_t facts = 0;
		pid_t pid;

		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		if (!discovery_id_from_cgroup(e->d_name, id) && is_known(d, id))
			continue;
		pid = first_pid(dir, e->d_name);
		if (!pid || inspect_process(pid, &facts))
			continue;
		base_sanitize(name, sizeof(name), e->d_name, strlen(e->d_name));
		doctor_add(d, DOCTOR_OK, "container.unknown", name, NULL, NULL,
			   "in guard %s, known to no engine: its first process (%d) was looked at",
			   g->name, pid);
		judge(d, g, name, facts, "");
	}
	if (dp)
		closedir(dp);
}

void doctor_containers(struct doctor *d)
{
	size_t i, k;

	for (k = 0; d->policy && k < d->policy->n_guards; k++) {
		const struct policy_guard *g = &d->policy->guards[k];

		for (i = 0; i < d->n_containers; i++) {
			const struct inspect_container *c = &d->container[i];

			if (doctor_is_inside(g, c))
				check_inside(d, g, c);
			else if (doctor_vpn_net(g, &c->c) >= 0 && !is_gateway(d, g, c))
				check_outside(d, g, c);
		}
		unknown_cgroups(d, g);
	}
}
