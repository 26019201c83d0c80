// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tunnel devices of a gateway: what came out of them, and where they go. Counters are asked
 * from the kernel here; a tunnel's own control socket by a worker, since it may never answer.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "monitor/internal.h"

#define READ_TIMEOUT_MS 1000
#define READ_UP_NS	(5 * SECOND_NS)
#define READ_DOWN_NS	SECOND_NS
#define READ_AHEAD_NS	(250 * MS_NS)
/* WireGuard takes nothing under keys older than this: REJECT_AFTER_TIME, section 6.1 of its paper
 */
#define KEYS_LIVE_NS (180 * SECOND_NS)

/* A new device gets its configuration a moment after it appears: asked soon, then less often. */
static const unsigned int quick_ms[] = { 20, 50, 100, 200, 300 };

struct reading {
	struct job job;
	int netns;
	pid_t pid;
	char name[IFNAMSIZ];
	unsigned int ifindex;
	uint64_t began_ns;
	struct discovery_tunnel t;
	int err;
};

void tunnel_found(struct guard *g, const struct discovery_link *l, uint64_t now_ns)
{
	struct tunnel *t;
	size_t i;

	for (i = 0; i < g->n_tun; i++)
		if (g->tun[i].ifindex == l->ifindex)
			return;
	if (g->n_tun == GUARD_MAX_TUN) {
		guard_trouble(g, "more than %d tunnel devices (name one: gateway.interface)",
			      GUARD_MAX_TUN);
		return;
	}
	t = &g->tun[g->n_tun++];
	*t = (struct tunnel){ .ifindex = l->ifindex,
			      .rx_packets = l->rx_packets,
			      .sampled_ns = now_ns,
			      .next_read_ns = now_ns,
			      .quick = 0 };
	snprintf(t->name, sizeof(t->name), "%s", l->name);
	say("guard %s: tunnel device %s", g->policy->name, t->name);
	note(g->mon, "tunnel", g->policy->name,
	     json_pack("{s:s, s:s}", "device", t->name, "kind", l->kind));
	g->decide = true;
	g->next_probe_ns = 0;
	g->next_tick_ns = now_ns + 20 * MS_NS; /* a probe soon */
}

void tunnel_gone(struct guard *g, unsigned int ifindex)
{
	size_t i;

	for (i = g->n_tun; i-- > 0;) {
		if (g->tun[i].ifindex != ifindex)
			continue;
		note(g->mon, "tunnel_gone", g->policy->name,
		     json_pack("{s:s}", "device", g->tun[i].name));
		g->tun[i] = g->tun[--g->n_tun];
		g->decide = g->look = true;
	}
}

/*
 * What grew since the last look came in after it: the proof is as old as that look. Silent: nothing
 * came but answers to probes.
 */
void tunnel_sample(struct guard *g, uint64_t now_ns, bool *ret_silent)
{
	size_t i;

	for (i = g->n_tun; i-- > 0;) {
		struct tunnel *t = &g->tun[i];
		struct discovery_link l;
		int err = discovery_link_by_name(g->gw.netns, t->name, &l);

		if (err == -ENODEV || (!err && (l.ifindex != t->ifindex || !l.up))) {
			tunnel_gone(g, t->ifindex);
			continue;
		}
		if (err)
			continue;
		if (l.rx_packets > t->rx_packets) {
			guard_proof(g, t->sampled_ns, "traffic");
			if (l.rx_packets - t->rx_packets > g->answers)
				*ret_silent = false;
		}
		t->rx_packets = l.rx_packets;
		t->sampled_ns = now_ns;
	}
	g->answers = 0;
}

/* ---- where it goes ---- */
static void work(struct job *j)
{
	struct reading *r = (struct reading *)j;

	r->began_ns = base_now_ns(CLOCK_BOOTTIME);
	r->err = discovery_tunnel(r->netns, r->pid, r->name, READ_TIMEOUT_MS, &r->t);
	base_close(&r->netns);
}

/* WireGuard counts what it authenticated, keep-alives and handshakes too. */
static bool is_wireguard(enum discovery_tunnel_kind kind)
{
	return kind == DISCOVERY_TUNNEL_WIREGUARD || kind == DISCOVERY_TUNNEL_WIREGUARD_GO;
}

static void prove(struct guard *g, struct tunnel *t, const struct reading *r)
{
	if (t->read_ns && t->last.kind == r->t.kind && r->t.rx_bytes > t->last.rx_bytes &&
	    is_wireguard(r->t.kind))
		guard_proof(g, t->read_ns, "wireguard");
}

/* A clock that was set makes this wrong for a moment: it counts only together with silence. */
static bool too_old(const struct discovery_tunnel *t)
{
	return is_wireguard(t->kind) && t->last_handshake_real_ns &&
	       base_now_ns(CLOCK_REALTIME) > t->last_handshake_real_ns + KEYS_LIVE_NS;
}

bool tunnel_stale(const struct guard *g)
{
	size_t i;

	for (i = 0; i < g->n_tun; i++)
		if (!g->tun[i].stale)
			return false;
	return g->n_tun > 0;
}

static void done(struct job *j)
{
	struct reading *r = (struct reading *)j;
	struct guard *g = monitor_guard(j->mon, j->guard);
	uint64_t now = base_now_ns(CLOCK_BOOTTIME);
	size_t i;

	for (i = 0; g && i < g->n_tun; i++) {
		struct tunnel *t = &g->tun[i];

		if (t->ifindex != r->ifindex)
			continue;
		t->reading = false;
		t->read_error = r->err;
		t->next_read_ns =
			now + (g->machine.state == MONITOR_UP ? READ_UP_NS : READ_DOWN_NS);
		if (t->quick < ARRAY_SIZE(quick_ms))
			t->next_read_ns = now + quick_ms[t->quick++] * MS_NS;
		if (r->err)
			continue;
		prove(g, t, r);
		t->last = r->t;
		t->read_ns = r->began_ns;
		t->stale = too_old(&r->t);
		uplink_write(g);
	}
	free(r);
}

static void begin(struct guard *g, struct tunnel *t, uint64_t now_ns)
{
	struct reading *r = calloc(1, sizeof(*r));

	t->next_read_ns = now_ns + READ_DOWN_NS;
	if (!r)
		return;
	r->job = (struct job){ .work = work, .done = done, .mon = g->mon, .guard = g->serial };
	r->netns = fcntl(g->gw.netns, F_DUPFD_CLOEXEC, 3);
	r->pid = g->gw.pid;
	r->ifindex = t->ifindex;
	snprintf(r->name, sizeof(r->name), "%s", t->name);
	t->reading = r->netns >= 0 && worker_submit(&g->mon->tunnels, &r->job) == 0;
	if (t->reading)
		return;
	base_close(&r->netns);
	free(r);
}

/* ---- before there is a device ---- */
static void work_ahead(struct job *j)
{
	struct reading *r = (struct reading *)j;

	r->err = discovery_tunnel_ahead(r->netns, r->pid, READ_TIMEOUT_MS, &r->t);
	base_close(&r->netns);
}

static void done_ahead(struct job *j)
{
	struct reading *r = (struct reading *)j;
	struct guard *g = monitor_guard(j->mon, j->guard);

	if (g) {
		g->reading_ahead = false;
		g->next_ahead_ns = base_now_ns(CLOCK_BOOTTIME) + READ_AHEAD_NS;
		if (!r->err && r->t.n_endpoints) {
			g->ahead = r->t;
			uplink_write(g);
		}
	}
	free(r);
}

static void begin_ahead(struct guard *g, uint64_t now_ns)
{
	struct reading *r;

	if (g->reading_ahead || now_ns < g->next_ahead_ns || g->policy->uplink.off ||
	    g->policy->uplink.n_endpoints)
		return;
	g->next_ahead_ns = now_ns + READ_AHEAD_NS;
	r = calloc(1, sizeof(*r));
	if (!r)
		return;
	r->job = (struct job){
		.work = work_ahead, .done = done_ahead, .mon = g->mon, .guard = g->serial
	};
	r->netns = fcntl(g->gw.netns, F_DUPFD_CLOEXEC, 3);
	r->pid = g->gw.pid;
	g->reading_ahead = r->netns >= 0 && worker_submit(&g->mon->tunnels, &r->job) == 0;
	if (g->reading_ahead)
		return;
	base_close(&r->netns);
	free(r);
}

void tunnel_read_due(struct guard *g, uint64_t now_ns)
{
	size_t i;

	if (!g->n_tun)
		begin_ahead(g, now_ns);
	for (i = 0; i < g->n_tun; i++)
		if (!g->tun[i].reading && now_ns >= g->tun[i].next_read_ns)
			begin(g, &g->tun[i], now_ns);
}

/* Silence, or something changed: perhaps it goes elsewhere now. */
void tunnel_read_soon(struct guard *g, uint64_t now_ns)
{
	size_t i;

	for (i = 0; i < g->n_tun; i++)
		if (g->tun[i].next_read_ns > now_ns + 100 * MS_NS)
			g->tun[i].next_read_ns = now_ns + 100 * MS_NS;
}
