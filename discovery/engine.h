/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The Docker engine as the monitor needs it: one snapshot of a gateway and its networks, the stream
 * of events, and stop/start. Blocking, each call bounded by timeout_ms: the monitor calls from a
 * thread of its own. Errors: -ENOENT no such object, -ENOTCONN no engine answers in time, -EBADMSG
 * it answered something else (its words in `why`), -EACCES the engine refused.
 */
#ifndef BPFGUARD_DISCOVERY_ENGINE_H
#define BPFGUARD_DISCOVERY_ENGINE_H

#include "discovery/discovery.h"

#define ENGINE_MAX_NETWORKS 8
#define ENGINE_MAX_MEMBERS  256

struct engine_attachment {
	char network[128]; /* name */
	char network_id[65];
	char bridge[16]; /* host device: option com.docker.network.bridge.name, else br-ID */
	char driver[32];
	uint8_t address[16]; /* the container's IPv4 there; all zero: none */
	bool has_mac;
	uint8_t mac[6];
	bool has_subnet;
	uint8_t subnet[4], subnet_len; /* first IPv4 subnet of the network */
};

struct engine_container {
	char id[65];
	char name[128];
	char image[256];
	pid_t pid; /* 0: not running */
	bool running, paused, restarting;
	char health[16];  /* "healthy", "unhealthy", "starting", "" */
	char cgroup[256]; /* below the cgroup2 root; "" if not running */
	char network_mode[160];
	struct engine_attachment net[ENGINE_MAX_NETWORKS];
	size_t n_nets;
	char compose_project[64], compose_service[64];
	char depends_on[512]; /* com.docker.compose.depends_on, as it is */
	int64_t started_real_ns;
};

/* By name or id. */
int engine_container(const char *who, int timeout_ms, struct engine_container *ret);
/*
 * The one container with this label (`bpfguard.gateway=true`): -ENOENT none, -EEXIST several, whose
 * names are then in `names`.
 */
int engine_find_label(const char *label, int timeout_ms, struct engine_container *ret, char *names,
		      size_t size);
/* Every container, running or not. */
int engine_list(int timeout_ms, int (*fn)(const struct engine_container *c, void *ctx), void *ctx);

/* 1: it was so already, nobody did anything */
int engine_stop(const char *id, int grace_seconds, int timeout_ms);
int engine_start(const char *id, int timeout_ms);

struct engine_event {
	char type[16];	 /* "container", "network" */
	char action[64]; /* "start", "die", "pause", "health_status: unhealthy", "connect" */
	char id[65];
	char name[128];
	char container[65]; /* of a network event: who connected */
	int64_t time_ns;
};
/*
 * Streams events from since_ns (0: now) until the engine ends it, `stop` becomes true (looked at
 * least once a second) or fn returns nonzero. 0, fn's value, or an error.
 */
int engine_events(int64_t since_ns, const volatile bool *stop,
		  int (*fn)(const struct engine_event *ev, void *ctx), void *ctx);

/* The parsers behind it, for the fuzzer. */
int engine_parse_container(const char *body, size_t len, struct engine_container *ret);
int engine_parse_event(const char *line, size_t len, struct engine_event *ret);

/*
 * Gluetun's control API, asked in the namespace that the calling thread is in, at addr:port.
 * auth: "" none; "basic:USER:PASSWORD"; "apikey:KEY". Further evidence only. `status` is
 * "running", "stopped", ...; public_ip "" when the tunnel has not worked. -EACCES: 401 or 403.
 */
struct gluetun_control {
	char version[32];
	char status[16];
	char public_ip[46];
	int forwarded_port; /* 0: none */
};
int gluetun_control_read(const char *url, const char *auth, int timeout_ms,
			 struct gluetun_control *ret, char *why, size_t why_size);
int gluetun_parse(const char *what, const char *body, size_t len, struct gluetun_control *ret);

#endif /* BPFGUARD_DISCOVERY_ENGINE_H */
