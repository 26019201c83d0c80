/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inside of room monitor. One thread runs the loop and owns everything here; what may block
 * (Docker, a tunnel's control socket, the disk) is a job of a worker thread, which sees only its
 * job.
 */
#ifndef BPFGUARD_MONITOR_INTERNAL_H
#define BPFGUARD_MONITOR_INTERNAL_H

#include <jansson.h>
#include <linux/if.h>
#include <pthread.h>
#include <sys/types.h>

#include "discovery/engine.h"
#include "discovery/netns.h"
#include "discovery/tunnel.h"
#include "loader/link.h"
#include "loader/traps.h"
#include "monitor/machine.h"
#include "policy/policy.h"

#define SECOND_NS	  1000000000ull
#define MS_NS		  1000000ull
#define GUARD_MAX_TUN	  4
#define GUARD_MAX_PLACES  128
#define GUARD_MAX_TRACKS  16
#define GUARD_MAX_DEVS	  16
#define GUARD_MAX_TROUBLE 12
#define GUARD_MAX_BRIDGES 4

/* A descriptor in the loop. */
struct source {
	int fd;
	void (*ready)(struct source *s, uint32_t events);
	void *ctx;
};

/* ---- worker.c ---- */
struct job {
	void (*work)(struct job *j); /* in the worker's thread */
	void (*done)(struct job *j); /* in the loop; frees it */
	struct monitor *mon;
	uint64_t guard; /* serial: it may be gone meanwhile; 0: none */
	struct job *next;
};

struct worker {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct job *queue, *finished;
	unsigned int waiting;
	bool stop, started;
	size_t stack_bytes;   /* 0: enough for what asks others */
	struct source source; /* eventfd */
};

/* ---- per guard ---- */
struct tunnel {
	char name[IFNAMSIZ];
	unsigned int ifindex;
	uint64_t rx_packets, sampled_ns; /* of the device */
	struct discovery_tunnel last;	 /* as read last */
	uint64_t read_ns;		 /* when; 0: never */
	bool stale;			 /* its keys were too old when it was read */
	int read_error;
	bool reading;
	unsigned int quick; /* further reads that follow soon */
	uint64_t next_read_ns;
};

/* Where a program hangs, or should. */
struct place {
	enum loader_place where;
	unsigned int ifindex;
	char name[IFNAMSIZ];
	bool inside; /* in the gateway's namespace */
	bool wanted, attached, ever;
	bool stale;   /* its entries are to be written again */
	bool learnt;  /* the MAC of the other end is final */
	bool taken;   /* it is another's: nothing passes */
	bool way_out; /* an uplink with a route through somebody; for good */
	struct bg_port port;
	char why[160];
};

struct gateway {
	pid_t pid; /* of a process in it; 0: none known */
	uint32_t inode;
	int netns;
	struct source pidfd, watch, cgroup_events;
	bool frozen;
	struct engine_container container; /* as the engine told last */
	bool have_container;
	int engine_error;
	char engine_why[160];
	bool asking, ask_again;
	uint64_t next_ask_ns, path_ino;
};

struct dev { /* an Ethernet device of the gateway */
	char name[IFNAMSIZ];
	unsigned int ifindex, peer;
	uint8_t mac[6];
	bool ether, plain; /* plain: neither a bridge nor in one */
	bool vpn, uplink, guarded;
};

struct track { /* a probe that is under way */
	struct source source;
	uint64_t sent_ns;
	uint64_t rx_packets; /* of its tunnel when it was sent */
	int family;
	bool tcp;
	uint16_t id, seq;
	uint8_t secret[16];
	unsigned int tun; /* ifindex */
};

struct trouble {
	char what[256];
};

struct guard {
	struct monitor *mon;
	uint64_t serial;
	unsigned int slot;
	const struct policy_guard *policy;
	bool watched; /* a gateway to watch is named */
	struct machine machine;
	struct gateway gw;
	struct tunnel tun[GUARD_MAX_TUN];
	size_t n_tun;
	struct discovery_tunnel ahead; /* of a tunnel that is not there yet */
	bool reading_ahead;
	uint64_t next_ahead_ns;
	struct dev dev[GUARD_MAX_DEVS];
	size_t n_dev;
	struct bg_outbound onlink[BG_MAX_OUTBOUND];
	size_t n_onlink;
	struct place place[GUARD_MAX_PLACES];
	size_t n_places;
	char vpn_bridge[IFNAMSIZ]; /* as found once */
	char uplink_bridge[GUARD_MAX_BRIDGES][IFNAMSIZ];
	char stray[IFNAMSIZ]; /* a device with a way out that is not guarded */
	bool swept, tidy, macs_known;
	bool released; /* paused without end, at one look */
	struct discovery_endpoint endpoint[DISCOVERY_MAX_ENDPOINTS];
	size_t n_endpoints;
	struct bg_uplink uplink; /* as written */
	bool uplink_written;
	struct bg_lease lease; /* as written */
	bool lease_written, lease_bad;
	uint64_t proof_ns;
	char proof_by[24];
	bool api_stopped;
	char api_status[96];
	uint64_t next_control_ns;
	bool asking_control;
	uint64_t pause_until_ns;
	struct track track[GUARD_MAX_TRACKS];
	uint64_t probes_sent, probes_answered, next_probe_ns;
	uint64_t asked_ns, again_ns; /* an unanswered probe is followed by another; 0: none */
	unsigned int answers;	     /* since the last sample */
	uint64_t next_tick_ns, next_look_ns, retry_ns;
	bool look, decide;
	bool looked; /* once: before that nothing is known, and nothing closed */
	uint64_t began_ns;
	struct trouble trouble[GUARD_MAX_TROUBLE];
	size_t n_trouble;
	bool stopping; /* a job of stop.c is under way */
	uint64_t start_after_ns, stop_after_ns;
	unsigned int start_tries, stop_tries;
};

/* ---- tamper.c ---- */
#define TAMPER_MAX_SEEN 8

struct tampering {
	uint64_t when_ns;
	char what[160];
	bool repaired;
};

struct tamper {
	struct worker worker;
	struct source notify; /* inotify on the pins */
	struct loader_watch *watch;
	char *text; /* the policy in force, canonical */
	size_t len;
	bool suspect, mending, renew;
	uint64_t next_ns, deep_ns, retry_ns;
	char wounded[256]; /* cannot be put right: closed */
	struct tampering seen[TAMPER_MAX_SEEN];
	size_t n_seen;
};

struct monitor {
	int epoll;
	struct source timer, signals, host_watch, run_watch, engine_news;
	struct worker tunnels, engine, control, containers, disk;
	pthread_t news_thread;
	bool news_started;
	volatile bool stop;
	struct policy *policy;
	uint32_t generation;
	struct guard *guard[BG_MAX_GUARDS];
	size_t n_guards;
	uint64_t serials;
	int64_t clock_gap_ns; /* boot clock minus monotonic: grows while suspended */
	bool slept, reload, state_due, once, audit_bad, engine_down;
	uint64_t state_ns;
	uint64_t half_way_ns; /* since when a load has not noted its policy */
	char load_trouble[256];
	struct tamper tamper;
	json_t *docker; /* containers that we stopped, by guard */
	int lock_fd;
};

/* run.c */
int source_add(struct monitor *mon, struct source *s, int fd, uint32_t events,
	       void (*ready)(struct source *s, uint32_t events), void *ctx);
void source_drop(struct monitor *mon, struct source *s); /* closes it */
struct guard *monitor_guard(struct monitor *mon, uint64_t serial);
uint64_t monitor_random(void);
const char *monitor_state_dir(void);
int monitor_write_file(const char *dir, const char *name, const char *text, size_t len);

/* worker.c */
int worker_start(struct monitor *mon, struct worker *w);
void worker_stop(struct monitor *mon, struct worker *w);
/* Takes the job; -EBUSY when too many wait. */
int worker_submit(struct worker *w, struct job *j);

/* config.c */
void config_refresh(struct monitor *mon);
void config_drop(struct monitor *mon);

/* guard.c */
struct guard *guard_new(struct monitor *mon, unsigned int slot, const struct policy_guard *policy);
void guard_free(struct guard *g);
void guard_run(struct guard *g, uint64_t now_ns);
uint64_t guard_due_ns(const struct guard *g);
void guard_trouble(struct guard *g, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void guard_proof(struct guard *g, uint64_t when_ns, const char *by);

/* gateway.c */
void gateway_init(struct guard *g);
void gateway_look(struct guard *g, uint64_t now_ns);
void gateway_lose(struct guard *g, const char *why);
bool gateway_there(const struct guard *g);
bool gateway_paused(const struct guard *g);
bool gateway_moved(const struct guard *g);

/* known.c: the gateway's process, for the next monitor */
struct known {
	pid_t pid;
	uint64_t start; /* /proc/PID/stat, field 22 */
	uint32_t inode;
	char boot[40], who[POLICY_CONTAINER];
};
void known_save(const struct guard *g);
void known_forget(const struct guard *g);
bool known_load(const struct guard *g, struct known *ret);
bool known_same(const struct known *k, pid_t pid, int netns);

/* uplink.c: devices of the gateway's namespace */
void uplink_look(struct guard *g, uint64_t now_ns);
void uplink_write(struct guard *g);
void uplink_recall(struct guard *g);
bool prefix_covers(const uint8_t *net, unsigned int len, const uint8_t *addr);

/* tunnel.c */
void tunnel_found(struct guard *g, const struct discovery_link *l, uint64_t now_ns);
void tunnel_gone(struct guard *g, unsigned int ifindex);
void tunnel_sample(struct guard *g, uint64_t now_ns, bool *ret_silent);
bool tunnel_stale(const struct guard *g); /* no tunnel can carry anything any more */
void tunnel_read_due(struct guard *g, uint64_t now_ns);
void tunnel_read_soon(struct guard *g, uint64_t now_ns);

/* place.c */
struct place *place_want(struct guard *g, enum loader_place where, bool inside,
			 unsigned int ifindex, const char *name);
void place_begin(struct guard *g, bool inside);
void place_settle(struct guard *g, bool inside);
void place_stale(struct guard *g); /* write its entries again */
bool place_check(struct guard *g); /* false: one was missing */
void place_forget(struct guard *g, unsigned int ifindex, bool inside);
bool place_all(const struct guard *g, char *why, size_t size);

/* seal.c: devices of the host */
void seal_look(struct guard *g);
void seal_drop_mac(struct guard *g, const struct place *of); /* unless it is another's too */

/* bridges.c */
void bridge_learn_vpn(struct guard *g, const char *name);
void bridge_learn_uplink(struct guard *g, const char *name);
void bridges_load(struct guard *g);
void bridges_save(struct guard *g);

/* probe.c */
void probe_send(struct guard *g, uint64_t now_ns);
void probe_end(struct guard *g);

/* engine.c */
int engine_begin(struct monitor *mon);
void engine_ask(struct guard *g, uint64_t now_ns);
void control_ask(struct guard *g, uint64_t now_ns);

/* stop.c */
void stop_containers(struct guard *g);
void start_containers(struct guard *g, uint64_t now_ns);
void stop_due(struct guard *g, uint64_t now_ns);
void stop_load(struct monitor *mon);

/* tamper.c */
int tamper_begin(struct monitor *mon);
void tamper_renew(struct monitor *mon);
bool tamper_keeps(const struct monitor *mon);
void tamper_run(struct monitor *mon, uint64_t now_ns);
void tamper_acknowledge(struct monitor *mon);
void tamper_look_at_maps(struct monitor *mon); /* tamper_maps.c */
void tamper_tell(struct monitor *mon, const char *guard, const char *what, bool repaired,
		 const char *why);
/* The list for status; each goes to problems, too. */
json_t *tamper_json(const struct monitor *mon, json_t *problems);

/* pause.c */
bool pause_judge(struct guard *g, uint64_t until_ns, uint64_t now_ns);

/* note.c */
void note(struct monitor *mon, const char *what, const char *guard, json_t *fields);
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* state.c */
void state_write(struct monitor *mon);
const char *endpoint_text(const struct discovery_endpoint *e, char *buf, size_t size);
json_t *endpoints_json(const struct guard *g); /* as the trail and status have them */

#endif /* BPFGUARD_MONITOR_INTERNAL_H */
