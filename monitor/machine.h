/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The state machine of one guard: pure, no clock and no kernel. What is known goes in as facts with
 * times of the boot clock; out comes the state, the lease, and what should be done.
 *
 * The one rule: lease.until = time of the last proof + the lease's length, never now + the length.
 * So silence, SIGSTOP, kill -9 and a suspended host all close by themselves.
 */
#ifndef BPFGUARD_MONITOR_MACHINE_H
#define BPFGUARD_MONITOR_MACHINE_H

#include "bpf/bpfguard.h"
#include "monitor/monitor.h"

/* What can happen; names go to the audit trail and to docs/security.md. */
enum machine_event {
	MACHINE_AUDIT_ON,	/* the policy says mode: audit */
	MACHINE_AUDIT_OFF,	/* ... and no longer */
	MACHINE_PAUSE,		/* bpfguard pause */
	MACHINE_RESUME,		/* the pause is over */
	MACHINE_SLEPT,		/* the host was suspended */
	MACHINE_GATEWAY_GONE,	/* no process, no namespace */
	MACHINE_GATEWAY_FROZEN, /* there, but paused */
	MACHINE_TUNNEL_GONE,	/* no tunnel device, or it is down */
	MACHINE_UNGUARDED,	/* a program that the policy wants is not where it has to be */
	MACHINE_READY,		/* gateway, tunnel device and programs are there */
	MACHINE_PROOF,		/* the tunnel carried something */
	MACHINE_PROOF_EARLY,	/* ... but after many flaps it has to do so for longer */
	MACHINE_SILENT,		/* no proof for some probe intervals */
	MACHINE_EVIDENCE,	/* silent, and something else says that it is dead, too */
	MACHINE_EXPIRED,	/* no proof for the lease's length */
	MACHINE_LONG_DOWN,	/* closed for longer than the lease, after it had been up */
	MACHINE_EVENTS,
	MACHINE_NOTHING = MACHINE_EVENTS,
};
const char *machine_event_name(enum machine_event e);

enum machine_action {
	MACHINE_CLOSE = 1 << 0, /* vpn_state down, now */
	MACHINE_RENEW = 1 << 1, /* vpn_state up until proof + lease */
	MACHINE_FLAP = 1 << 2,	/* count it: recovery takes longer each time */
	MACHINE_PROBE = 1 << 3, /* ask the tunnel now */
	MACHINE_STOP = 1 << 4,	/* on_down: stop */
	MACHINE_START = 1 << 5, /* ... and its end */
};

struct machine_cell {
	uint8_t to;
	uint8_t actions;
};
const struct machine_cell *machine_cell(enum monitor_state from, enum machine_event e);

struct machine_config {
	uint64_t lease_ns;  /* 0: off; the machine then never closes */
	uint64_t silent_ns; /* without proof for so long: suspect */
};

struct machine_facts {
	uint64_t now_ns;
	bool gateway, frozen, tunnel;
	bool guarded;	   /* all that the policy wants attached is */
	uint64_t proof_ns; /* time of the last proof; 0: never */
	bool said_dead;	   /* by control API, Docker's health or WireGuard's last handshake */
	uint64_t pause_until_ns;
	bool audit;
	bool slept; /* since the last step */
};

struct machine {
	struct machine_config config;
	enum monitor_state state;
	enum machine_event why; /* the event that led here */
	uint64_t since_ns;	/* in this state */
	struct bg_lease lease;	/* as it should be in the kernel; only if lease_known */
	bool lease_known;	/* false: what an earlier monitor wrote stays, it ends by itself */
	uint64_t fresh_ns;	/* proofs from before this time do not count */
	uint64_t proof_ns;	/* the last one that counted */
	uint64_t closed_ns;	/* since when closed; 0: it is not */
	uint64_t up_ns;		/* entered UP; 0: not up */
	uint64_t stable_ns;	/* first of the proofs that wait for the back-off */
	uint64_t early_ns;	/* the last of them */
	unsigned int flaps;	/* hard downs, forgotten after MACHINE_FORGET_NS up */
	bool was_up, stop_wished;
};

#define MACHINE_FORGET_NS      (600ull * 1000000000ull)
#define MACHINE_MAX_BACKOFF_NS (30ull * 1000000000ull)

struct machine_out {
	bool changed; /* the state, in this step */
	enum monitor_state from;
	unsigned int actions; /* of every event of this step */
};

void machine_init(struct machine *m, const struct machine_config *config, uint64_t now_ns);
/* One event, for the model test; machine_step makes them of facts. */
void machine_apply(struct machine *m, enum machine_event e, const struct machine_facts *f,
		   struct machine_out *out);
void machine_step(struct machine *m, const struct machine_facts *f, struct machine_out *out);
/* How long the proofs have to last before it opens again; 0: the first one opens. */
uint64_t machine_backoff_ns(const struct machine *m);
/* When the next step is due at the latest although nothing happens (boot clock). */
uint64_t machine_due_ns(const struct machine *m);
/* Would the kernel give path (c) at `now`? */
bool machine_open(const struct machine *m, uint64_t now_ns);
/* The table, as docs/security.md has it. */
void machine_print_table(FILE *out);

#endif /* BPFGUARD_MONITOR_MACHINE_H */
