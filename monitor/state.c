// SPDX-License-Identifier: GPL-2.0-only
/* <run>/monitor.json: what `status` shows of the daemon. Replaced whole. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#include "monitor/internal.h"

#define SCHEMA	  1
#define STATE_MAX (1 << 20)

static void set_time(json_t *o, const char *key, uint64_t boot_ns)
{
	uint64_t now = base_now_ns(CLOCK_BOOTTIME);
	char text[40];

	if (!boot_ns || boot_ns > now) {
		json_object_set_new(o, key, json_null());
		return;
	}
	base_rfc3339(text, sizeof(text), base_now_ns(CLOCK_REALTIME) - (now - boot_ns));
	json_object_set_new(o, key, json_string(text));
}

static json_t *tunnels_json(const struct guard *g)
{
	json_t *a = json_array();
	size_t i;

	for (i = 0; i < g->n_tun; i++) {
		const struct tunnel *t = &g->tun[i];
		char shake[40] = "";

		if (t->last.last_handshake_real_ns)
			base_rfc3339(shake, sizeof(shake), t->last.last_handshake_real_ns);
		json_array_append_new(a, json_pack("{s:s, s:s, s:I, s:s}", "device", t->name,
						   "kind", discovery_tunnel_kind_name(t->last.kind),
						   "rx_packets", (json_int_t)t->rx_packets,
						   "last_handshake", shake));
	}
	return a;
}

static json_t *places_json(const struct guard *g)
{
	json_t *a = json_array();
	size_t i;

	for (i = 0; i < g->n_places; i++) {
		const struct place *p = &g->place[i];

		json_array_append_new(a, json_pack("{s:s, s:s, s:I, s:b, s:b}", "program",
						   loader_place_name(p->where), "device", p->name,
						   "ifindex", (json_int_t)p->ifindex, "in_gateway",
						   p->inside ? 1 : 0, "attached",
						   p->attached ? 1 : 0));
	}
	return a;
}

static json_t *problems_json(const struct guard *g)
{
	json_t *a = json_array();
	char text[200] = "";
	size_t i;

	for (i = 0; i < g->n_trouble; i++)
		json_array_append_new(a, json_string(g->trouble[i].what));
	if (gateway_there(g) && !g->policy->uplink.off && !g->n_endpoints)
		json_array_append_new(
			a, json_string("where the tunnel leads is not known, so that it cannot be "
				       "reached (write its address: uplink.endpoints)"));
	if (g->n_trouble || !gateway_there(g))
		return a;
	if (!place_all(g, text, sizeof(text)))
		json_array_append_new(a, json_string(text));
	else if (g->n_tun &&
		 (g->machine.state == MONITOR_DOWN || g->machine.state == MONITOR_CONNECTING))
		json_array_append_new(
			a,
			json_sprintf("nothing comes out of the tunnel %s (%llu probes sent, %llu "
				     "answered)",
				     g->tun[0].name, (unsigned long long)g->probes_sent,
				     (unsigned long long)g->probes_answered));
	return a;
}

static json_t *guard_json(const struct guard *g)
{
	const struct machine *m = &g->machine;
	const struct policy_guard *p = g->policy;
	uint64_t now = base_now_ns(CLOCK_BOOTTIME);
	json_t *o = json_object(), *gw;

	json_object_set_new(o, "name", json_string(p->name));
	json_object_set_new(o, "watched", json_boolean(g->watched));
	json_object_set_new(o, "state",
			    json_string(g->watched ? monitor_state_name(m->state) : "not watched"));
	json_object_set_new(o, "why", json_string(machine_event_name(m->why)));
	set_time(o, "since", m->since_ns);
	json_object_set_new(o, "open", json_boolean(!p->lease_ms || machine_open(m, now)));
	json_object_set_new(o, "lease_ms", json_integer((json_int_t)p->lease_ms));
	json_object_set_new(o, "flaps", json_integer(m->flaps));
	json_object_set_new(o, "backoff_ms",
			    json_integer((json_int_t)(machine_backoff_ns(m) / MS_NS)));
	gw = json_pack("{s:s, s:I, s:I, s:b}", "name",
		       p->gateway_container[0] ? p->gateway_container : p->gateway_netns, "pid",
		       (json_int_t)g->gw.pid, "netns", (json_int_t)g->gw.inode, "paused",
		       gateway_paused(g) ? 1 : 0);
	json_object_set_new(o, "gateway", gw);
	json_object_set_new(o, "tunnels", tunnels_json(g));
	json_object_set_new(o, "endpoints", endpoints_json(g));
	json_object_set_new(o, "programs", places_json(g));
	set_time(o, "last_proof", g->proof_ns);
	json_object_set_new(o, "proved_by", json_string(g->proof_by));
	json_object_set_new(o, "probes",
			    json_pack("{s:I, s:I}", "sent", (json_int_t)g->probes_sent, "answered",
				      (json_int_t)g->probes_answered));
	json_object_set_new(o, "control_api", json_string(g->api_status));
	json_object_set_new(o, "engine_health",
			    json_string(g->gw.have_container ? g->gw.container.health : ""));
	json_object_set(o, "stopped", json_object_get(g->mon->docker, p->name));
	json_object_set_new(o, "problems", problems_json(g));
	return o;
}

void state_write(struct monitor *mon)
{
	json_t *o = json_object(), *guards = json_array(), *problems = json_array();
	char *text;
	size_t i;
	int err;

	for (i = 0; i < mon->n_guards; i++)
		json_array_append_new(guards, guard_json(mon->guard[i]));
	if (mon->load_trouble[0])
		json_array_append_new(problems, json_string(mon->load_trouble));
	if (mon->audit_bad)
		json_array_append_new(
			problems, json_string("the audit trail cannot be written (check the log "
					      "directory)"));
	json_object_set_new(o, "tamper", tamper_json(mon, problems));
	json_object_set_new(o, "schema", json_integer(SCHEMA));
	json_object_set_new(o, "pid", json_integer(getpid()));
	json_object_set_new(o, "version", json_string(BPFGUARD_VERSION));
	set_time(o, "written", base_now_ns(CLOCK_BOOTTIME));
	json_object_set_new(o, "problems", problems);
	json_object_set_new(o, "guards", guards);
	text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	err = text ? monitor_write_file(base_run_dir(), "monitor.json", text, strlen(text))
		   : -ENOMEM;
	free(text);
	if (err)
		say("cannot write %s/monitor.json: %s", base_run_dir(), strerror(-err));
	mon->state_due = false;
	mon->state_ns = base_now_ns(CLOCK_BOOTTIME);
}

int monitor_read_state(char **ret_json, bool *ret_alive)
{
	char path[4096];
	_close_ int fd = -1;
	size_t len;
	int err;

	snprintf(path, sizeof(path), "%s/monitor.lock", base_run_dir());
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	/* who may hold a shared lock finds no daemon */
	*ret_alive = flock(fd, LOCK_SH | LOCK_NB) != 0;
	snprintf(path, sizeof(path), "%s/monitor.json", base_run_dir());
	err = base_read_file(path, STATE_MAX, ret_json, &len);
	return err;
}
