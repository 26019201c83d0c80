// SPDX-License-Identifier: GPL-2.0-only
/* why: the verdict on one flow, computed by the kernel's own function on the kernel's own maps. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/load.h"
#include "discovery/discovery.h"
#include "discovery/route.h"
#include "events/names.h"
#include "loader/loader.h"
#include "policy/policy.h"

#define DOCKER_TIMEOUT_MS 2000
#define ARPHRD_ETHER	  1
#define ARPHRD_LOOPBACK	  772

static bool opt_json;

static const struct cli_opt opts[] = {
	{ 0, "json", NULL, "one JSON object", &opt_json, NULL, NULL },
};

struct subject {
	char name[256]; /* as people call it */
	char cgroup[256];
	pid_t pid;
	unsigned int slot;
};

struct answer {
	struct bg_flow flow;
	struct discovery_route route;
	struct bg_decision d;
	bool captured;
	const char *hook;
};

/* A process in the cgroup or below it. */
static pid_t first_pid(const char *abs)
{
	char cmd_path[PATH_MAX];
	_free_ char *buf = NULL;
	size_t len;

	if (snprintf(cmd_path, sizeof(cmd_path), "%s/cgroup.procs", abs) >= (int)sizeof(cmd_path))
		return 0;
	return base_read_file(cmd_path, 1 << 20, &buf, &len) ? 0 : atoi(buf);
}

static int find_subject(const char *who, struct subject *s)
{
	struct discovery_container c;
	char abs[PATH_MAX], *end;
	long pid = strtol(who, &end, 10);
	int err;

	memset(s, 0, sizeof(*s));
	snprintf(s->name, sizeof(s->name), "%s", who);
	if (*who && !*end && pid > 0) {
		s->pid = pid;
	} else if (*who == '/') {
		if (loader_cgroup_root(abs, sizeof(abs)))
			return base_fail(EXIT_KERNEL, who, "no cgroup v2 is mounted", NULL);
		snprintf(abs + strlen(abs), sizeof(abs) - strlen(abs), "%s", who);
		s->pid = first_pid(abs);
		if (!s->pid)
			return base_fail(
				EXIT_NO, who, "no process is in this cgroup",
				"name a cgroup with a running process, a pid or a container");
	} else {
		err = discovery_docker_inspect(who, DOCKER_TIMEOUT_MS, &c);
		if (err == -ENOTCONN)
			return base_fail(EXIT_NO, who, "no Docker engine answers",
					 "name a pid or a cgroup path, or set BPFGUARD_DOCKER");
		if (err)
			return base_fail(EXIT_NO, who, "no such container", "see docker ps");
		if (!c.pid)
			return base_fail(EXIT_NO, who, "the container is not running",
					 "start it first: its route is asked from its namespace");
		s->pid = c.pid;
		snprintf(s->name, sizeof(s->name), "%s", c.name);
	}
	err = discovery_cgroup_of(s->pid, s->cgroup, sizeof(s->cgroup));
	if (err)
		return base_fail(EXIT_NO, who, "no such process", NULL);
	return 0;
}

/* The guard whose cgroup holds the process. */
static bool find_guard(const struct loader_image *img, struct subject *s)
{
	unsigned int i;

	for (i = 0; i < BG_MAX_GUARDS; i++) {
		const char *path = img->guard[i].cgroup;
		size_t len = strlen(path);

		if (!img->guard[i].generation || strncmp(s->cgroup, path, len))
			continue;
		if (s->cgroup[len] == '/' || !s->cgroup[len]) {
			s->slot = i;
			return true;
		}
	}
	return false;
}

static void fill_route(const struct loader_image *img, const struct subject *s, struct answer *a)
{
	const struct bg_guard *g = &img->guard[s->slot];
	struct bg_flow *f = &a->flow;
	const struct discovery_route *r = &a->route;

	f->netns = r->netns;
	f->ifindex = r->ifindex;
	if (!r->exists)
		return;
	f->flags |= BG_F_ROUTE;
	f->nh_family = r->via_family;
	memcpy(f->next_hop, r->via, sizeof(f->next_hop));
	memcpy(f->saddr, r->src, sizeof(f->saddr));
	if (r->local && r->dev_type == ARPHRD_LOOPBACK)
		f->flags |= BG_F_LOOPBACK;
	if (r->encap || r->dev_type != ARPHRD_ETHER)
		f->flags |= BG_F_ENCAP;
	if ((g->flags & BG_G_TUNNEL) && !strcmp(g->interface, r->ifname))
		f->flags |= BG_F_TUNNEL;
}

/* As the packet would go: the call first, which may capture or refuse, then the packet hook. */
static int judge(const struct loader_image *img, const struct subject *s, struct answer *a)
{
	uint64_t now = base_now_ns(CLOCK_BOOTTIME);
	struct bg_lease lease = { 0 };
	int err;

	err = loader_read_lease(s->slot, &lease);
	if (err)
		return err;
	a->captured = loader_capture(img, s->slot, &a->flow);
	err = discovery_route(s->pid, a->flow.family, (const uint8_t *)a->flow.daddr, &a->route);
	if (err)
		return err;
	a->flow.netns = a->route.netns;
	a->hook = "connect";
	a->flow.hook = a->flow.family == 4 ? BG_HOOK_CONNECT4 : BG_HOOK_CONNECT6;
	loader_decide(img, s->slot, &a->flow, &lease, now, NULL, &a->d);
	if (a->d.verdict == BG_ALLOW) {
		fill_route(img, s, a);
		a->hook = "egress";
		a->flow.hook = BG_HOOK_EGRESS;
		loader_decide(img, s->slot, &a->flow, &lease, now, NULL, &a->d);
	}
	if (a->d.verdict == BG_DENY && (img->guard[s->slot].flags & BG_G_AUDIT))
		a->d.verdict = BG_WOULD_DENY;
	return 0;
}

static const char *verdict_name(const struct answer *a)
{
	return a->d.verdict == BG_ALLOW ? "allow" : a->d.verdict == BG_DENY ? "deny" : "would_deny";
}

static void route_text(const struct answer *a, char *buf, size_t size)
{
	const struct discovery_route *r = &a->route;
	char via[INET6_ADDRSTRLEN] = "";

	if (!r->exists) {
		snprintf(buf, size, "none");
		return;
	}
	if (r->via_family)
		inet_ntop(r->via_family == 4 ? AF_INET : AF_INET6, r->via, via, sizeof(via));
	snprintf(buf, size, "%s%s%sdev %s",
		 r->local	 ? "local "
		 : r->via_family ? "via "
				 : "on-link ",
		 via, r->via_family ? " " : "", r->ifname);
}

static void print_json(const struct loader_image *img, const struct subject *s, const char *dst,
		       const struct answer *a)
{
	const struct bg_guard *g = &img->guard[s->slot];
	const char *remedy = events_reason_remedy(a->d.reason);
	char route[128], to[INET6_ADDRSTRLEN];
	json_t *o;

	route_text(a, route, sizeof(route));
	inet_ntop(a->flow.family == 4 ? AF_INET : AF_INET6, a->flow.daddr, to, sizeof(to));
	o = json_pack(
		"{s:i, s:s, s:s, s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:s?, s:s, s:i, s:s, s:b, s:s}",
		"schema", 1, "who", s->name, "guard", g->name, "pid", (int)s->pid, "cgroup",
		s->cgroup, "destination", dst, "verdict", verdict_name(a), "hook", a->hook,
		"reason", events_reason_name(a->d.reason), "text", events_reason_text(a->d.reason),
		"remedy", remedy, "rule_file", g->policy_path, "rule_line", (int)a->d.line, "route",
		route, "captured", a->captured, "sent_to", to);
	if (o)
		json_dumpf(o, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(o);
}

static void print_text(const struct loader_image *img, const struct subject *s, const char *dst,
		       const struct answer *a)
{
	const struct bg_guard *g = &img->guard[s->slot];
	const char *remedy = events_reason_remedy(a->d.reason);
	bool color = base_color_on(cli_color, stdout);
	char route[128], to[INET6_ADDRSTRLEN];

	route_text(a, route, sizeof(route));
	printf("%s (pid %d, guard %s) -> %s\n", s->name, s->pid, g->name, dst);
	printf("verdict  %s%s%s\n", color ? a->d.verdict == BG_ALLOW ? C_GREEN : C_RED : "",
	       a->d.verdict == BG_WOULD_DENY ? "allow (audit: would deny)" : verdict_name(a),
	       color ? C_RESET : "");
	printf("reason   %s: %s\n", events_reason_name(a->d.reason),
	       events_reason_text(a->d.reason));
	if (a->captured) {
		inet_ntop(a->flow.family == 4 ? AF_INET : AF_INET6, a->flow.daddr, to, sizeof(to));
		printf("dns      captured: the query is sent to %s\n", to);
	}
	printf("route    %s\n", route);
	if (a->d.line)
		printf("rule     %s:%u\n", g->policy_path, a->d.line);
	if (a->d.verdict != BG_ALLOW && remedy)
		printf("remedy   %s\n", remedy);
}

static int why(int argc, char **argv)
{
	struct loader_error err = { 0 };
	struct answer a = { .flow = { .flags = BG_F_PORTS } };
	struct policy_addr addr;
	struct loader_image img;
	struct subject s;
	int ret;

	(void)argc;
	ret = policy_target_parse(argv[1], &addr, &a.flow.dport, &a.flow.proto);
	if (ret)
		return base_fail(EXIT_USAGE, argv[1], "not a destination",
				 "write ADDRESS[:PORT][/PROTOCOL], e.g. 93.184.216.34:443/tcp");
	a.flow.family = addr.family;
	memcpy(a.flow.daddr, addr.bytes, addr.family == 4 ? 4 : 16);
	if (loader_read_image(&img, &err))
		return cli_loader_fail(&err);
	ret = find_subject(argv[0], &s);
	if (ret) {
		loader_image_free(&img);
		return ret;
	}
	if (!find_guard(&img, &s)) {
		loader_image_free(&img);
		return base_fail(EXIT_NOT_ENFORCED, s.name,
				 "is in no guard: nothing is enforced on it",
				 "start it with cgroup_parent set to the guard's cgroup");
	}
	ret = judge(&img, &s, &a);
	if (ret) {
		loader_image_free(&img);
		return base_fail(ret == -EPERM || ret == -EACCES ? EXIT_PERMISSION : EXIT_NO,
				 s.name, strerror(-ret), "run as root while the container runs");
	}
	if (opt_json)
		print_json(&img, &s, argv[1], &a);
	else
		print_text(&img, &s, argv[1], &a);
	loader_image_free(&img);
	return cli_written(a.d.verdict == BG_DENY ? EXIT_NO : EXIT_YES);
}

const struct cli_command cmd_why = {
	.name = "why",
	.args = "WHO DST[:PORT][/PROTO]",
	.summary = "say what would happen to a flow, and which rule says so",
	.details =
		"WHO is a container, a cgroup path or a pid. The answer comes from the policy as\n"
		"the kernel holds it and from the route in WHO's own network namespace, by the\n"
		"function that the kernel runs. Exit code 0: allowed, 1: denied, 2: not guarded.",
	.opts = opts,
	.n_opts = ARRAY_SIZE(opts),
	.min_args = 2,
	.max_args = 2,
	.permute = true,
	.run = why,
	.complete = "container",
};
