// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the gateway is: a container's process, or a file that names a namespace. A descriptor of
 * its namespace, a netlink socket in it and its probes keep the namespace alive: all are closed the
 * moment its process ends.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "discovery/route.h"
#include "monitor/internal.h"

#define WATCH_GROUPS                                                                               \
	(RTMGRP_LINK | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE | RTMGRP_IPV4_IFADDR |                \
	 RTMGRP_IPV6_IFADDR)

void gateway_init(struct guard *g)
{
	g->gw.netns = -1;
	g->gw.pidfd.fd = g->gw.watch.fd = g->gw.cgroup_events.fd = -1;
}

bool gateway_there(const struct guard *g)
{
	return g->gw.netns >= 0;
}

/* cgroup.events tells at once, but not of a container that cgroup v1's freezer holds (hybrid). */
bool gateway_paused(const struct guard *g)
{
	return g->gw.frozen || (g->gw.have_container && g->gw.container.paused);
}

void gateway_lose(struct guard *g, const char *why)
{
	struct gateway *gw = &g->gw;
	bool had = gw->netns >= 0;

	probe_end(g);
	source_drop(g->mon, &gw->pidfd);
	source_drop(g->mon, &gw->watch);
	source_drop(g->mon, &gw->cgroup_events);
	base_close(&gw->netns);
	gw->netns = -1;
	gw->pid = 0;
	gw->inode = 0;
	gw->frozen = false;
	g->n_tun = 0;
	place_begin(g, true);
	place_settle(g, true);
	g->decide = true;
	if (!had || !why)
		return;
	say("guard %s: the gateway is gone: %s", g->policy->name, why);
	note(g->mon, "gateway_gone", g->policy->name, json_pack("{s:s}", "why", why));
	g->look = true;
}

static void on_exit_of(struct source *s, uint32_t events)
{
	struct guard *g = s->ctx;

	(void)events;
	gateway_lose(g, "its process ended");
	known_forget(g);
	/* its number may be another's soon: only what Docker says from now on counts */
	g->gw.have_container = false;
	snprintf(g->gw.engine_why, sizeof(g->gw.engine_why), "its process ended");
	engine_ask(g, base_now_ns(CLOCK_BOOTTIME));
}

static void on_change(enum discovery_change what, const struct discovery_link *l, void *ctx)
{
	struct guard *g = ctx;
	size_t i;

	if (what == DISCOVERY_LINK_GONE && l) {
		tunnel_gone(g, l->ifindex);
		place_forget(g, l->ifindex, true);
		g->tidy = true;
	}
	if (what == DISCOVERY_LINK_NEW && l && !l->up)
		tunnel_gone(g, l->ifindex);
	for (i = 0; what == DISCOVERY_LINK_NEW && l && i < g->n_tun; i++)
		if (g->tun[i].ifindex == l->ifindex)
			return; /* an address, a counter: nothing that is looked at by name */
	g->look = g->decide = true;
}

static void on_watch(struct source *s, uint32_t events)
{
	struct guard *g = s->ctx;

	(void)events;
	if (discovery_watch_read(s->fd, on_change, g))
		g->look = true;
}

/* cgroup.events: `frozen 1`. A change wakes us by EPOLLPRI (Documentation/admin-guide/cgroup-v2).
 */
static void read_frozen(struct guard *g)
{
	char text[256];
	ssize_t n = pread(g->gw.cgroup_events.fd, text, sizeof(text) - 1, 0);
	bool frozen;

	if (n <= 0)
		return;
	text[n] = 0;
	frozen = strstr(text, "frozen 1") != NULL;
	if (frozen != g->gw.frozen) {
		g->gw.frozen = frozen;
		g->decide = true;
		note(g->mon, frozen ? "gateway_paused" : "gateway_unpaused", g->policy->name, NULL);
	}
}

static void on_cgroup(struct source *s, uint32_t events)
{
	(void)events;
	read_frozen(s->ctx);
}

static void watch_cgroup(struct guard *g, pid_t pid)
{
	char root[4096], path[PATH_MAX], cgroup[256];
	int fd;

	if (loader_cgroup_root(root, sizeof(root)) ||
	    discovery_cgroup_of(pid, cgroup, sizeof(cgroup)) || strcmp(cgroup, "/") == 0)
		return;
	if (snprintf(path, sizeof(path), "%s%s/cgroup.events", root, cgroup) >= (int)sizeof(path))
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (source_add(g->mon, &g->gw.cgroup_events, fd, EPOLLPRI, on_cgroup, g) == 0)
		read_frozen(g);
}

static int enter(struct guard *g, int netns, const char *what)
{
	int fd = discovery_watch_open(netns, WATCH_GROUPS);

	if (fd < 0)
		return fd;
	if (source_add(g->mon, &g->gw.watch, fd, EPOLLIN, on_watch, g))
		return -EIO;
	g->gw.inode = discovery_netns_inode(netns);
	g->gw.netns = netns;
	say("guard %s: gateway %s (namespace %u)", g->policy->name, what, g->gw.inode);
	note(g->mon, "gateway", g->policy->name,
	     json_pack("{s:s, s:I, s:I}", "gateway", what, "pid", (json_int_t)g->gw.pid, "netns",
		       (json_int_t)g->gw.inode));
	g->look = g->decide = true;
	return 0;
}

/* The namespace is taken through a process that the pidfd proves to be the same one all along. */
static int enter_pid(struct guard *g, pid_t pid, const char *name, const struct known *known)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	int netns, err;

	if (pidfd < 0)
		return -errno;
	netns = discovery_netns_of_pid(pid);
	if (netns < 0) {
		close(pidfd);
		return netns;
	}
	if (known && !known_same(known, pid, netns)) {
		close(netns);
		close(pidfd);
		return -ESRCH;
	}
	if (source_add(g->mon, &g->gw.pidfd, pidfd, EPOLLIN, on_exit_of, g)) {
		close(netns);
		return -EIO;
	}
	g->gw.pid = pid;
	err = enter(g, netns, name);
	if (err) {
		close(netns);
		gateway_lose(g, NULL);
		return err;
	}
	watch_cgroup(g, pid);
	known_save(g);
	return 0;
}

/* Docker says nothing: the process that an earlier monitor watched, if it lives, is the gateway. */
static void recall(struct guard *g)
{
	struct known k;

	if (gateway_there(g) || g->gw.engine_error != -ENOTCONN || !known_load(g, &k))
		return;
	if (enter_pid(g, k.pid, g->policy->gateway_container, &k))
		known_forget(g);
}

static void look_container(struct guard *g, uint64_t now_ns)
{
	struct gateway *gw = &g->gw;
	int err;

	if (now_ns >= gw->next_ask_ns)
		engine_ask(g, now_ns);
	if (!gw->have_container) {
		recall(g);
		guard_trouble(g, "gateway container %s: %s", g->policy->gateway_container,
			      gw->engine_why[0] ? gw->engine_why : "Docker was not asked yet");
		return;
	}
	if (!gw->container.running || gw->container.pid <= 0) {
		guard_trouble(g, "gateway container %s does not run (start it)",
			      g->policy->gateway_container);
		return;
	}
	if (gw->netns >= 0 && gw->pid == gw->container.pid)
		return;
	if (gw->netns >= 0)
		gateway_lose(g, "another container took its place");
	err = enter_pid(g, gw->container.pid, g->policy->gateway_container, NULL);
	if (err) {
		gw->next_ask_ns = 0;
		guard_trouble(g, "gateway container %s: cannot enter its namespace: %s",
			      g->policy->gateway_container, strerror(-err));
	}
}

/* A process in that namespace, for the tunnel's files: the one with the lowest number. */
static pid_t process_in(uint32_t inode)
{
	DIR *proc = opendir("/proc");
	struct dirent *d;
	pid_t best = 0;

	while (proc && (d = readdir(proc))) {
		char path[64];
		struct stat st;
		pid_t pid = atoi(d->d_name);

		if (pid <= 0 || (best && pid > best))
			continue;
		snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
		if (stat(path, &st) == 0 && (uint32_t)st.st_ino == inode)
			best = pid;
	}
	if (proc)
		closedir(proc);
	return best;
}

/* Is the file still that namespace? Cheap: asked at each tick. */
bool gateway_moved(const struct guard *g)
{
	struct stat st;

	return g->policy->gateway_netns[0] && gateway_there(g) &&
	       (stat(g->policy->gateway_netns, &st) || (uint32_t)st.st_ino != g->gw.inode);
}

static void look_netns(struct guard *g)
{
	const char *path = g->policy->gateway_netns;
	int netns = discovery_netns_of_path(path), err;
	char proc[32];

	if (netns < 0) {
		guard_trouble(g, "gateway.netns %s: %s", path, strerror(-netns));
		if (gateway_there(g))
			gateway_lose(g, "its namespace's file is gone");
		return;
	}
	if (gateway_there(g) && discovery_netns_inode(netns) == g->gw.inode) {
		close(netns);
		snprintf(proc, sizeof(proc), "/proc/%d", g->gw.pid);
		if (!g->gw.pid || access(proc, F_OK))
			g->gw.pid = process_in(g->gw.inode);
		return;
	}
	if (gateway_there(g))
		gateway_lose(g, "another namespace took its place");
	g->gw.pid = process_in(discovery_netns_inode(netns));
	err = enter(g, netns, path);
	if (err) {
		close(netns);
		guard_trouble(g, "gateway.netns %s: %s", path, strerror(-err));
	}
}

void gateway_look(struct guard *g, uint64_t now_ns)
{
	if (g->policy->gateway_netns[0])
		look_netns(g);
	else
		look_container(g, now_ns);
}
