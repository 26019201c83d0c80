/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `bpfguard doctor`, between its files: each looks at one part and adds findings. Facts come from
 * the kernel, from the monitor's state and from the engine; nothing is changed.
 */
#ifndef BPFGUARD_CLI_DOCTOR_H
#define BPFGUARD_CLI_DOCTOR_H

#include <stdio.h>

#include "discovery/inspect.h"
#include "loader/loader.h"
#include "policy/policy.h"

#define DOCTOR_SCHEMA	      1
#define DOCTOR_MAX_CONTAINERS 512

enum doctor_severity {
	DOCTOR_OK,
	DOCTOR_WARN, /* a layer less, or something to know */
	DOCTOR_BAD,  /* a way out, or something that does not work */
};

struct doctor_finding {
	enum doctor_severity severity;
	char id[40];	   /* stable: "container.net_raw"; what stands before the dot is the part */
	char subject[160]; /* whose; "" */
	char what[320], why[320], todo[320];
};

struct doctor {
	struct doctor_finding *list;
	size_t n;
	bool enforced;		      /* by the kernel's word */
	bool userns;		      /* any process may make a user namespace */
	const char *policy_path;      /* -p, or NULL */
	struct policy *policy;	      /* that is looked at; NULL: none can be read */
	struct loader_status *status; /* NULL: nothing is loaded */
	struct inspect_container *container;
	size_t n_containers;
	bool engine; /* it answers */
	char gateway_id[POLICY_MAX_GUARDS][65];
};

/* why and todo may be NULL for DOCTOR_OK. */
void doctor_add(struct doctor *d, enum doctor_severity s, const char *id, const char *subject,
		const char *why, const char *todo, const char *fmt, ...)
	__attribute__((format(printf, 7, 8)));
size_t doctor_count(const struct doctor *d, enum doctor_severity s);

/* In this order: later parts use what earlier ones found. */
void doctor_policy(struct doctor *d);
void doctor_kernel(struct doctor *d);
void doctor_guard(struct doctor *d);
void doctor_monitor(struct doctor *d);
void doctor_docker(struct doctor *d);
void doctor_containers(struct doctor *d);
void doctor_sockets(struct doctor *d);

/* All of it. Free with doctor_free(). */
void doctor_run(struct doctor *d);
void doctor_free(struct doctor *d);
int doctor_code(const struct doctor *d); /* the contract's exit code */

void doctor_print_text(const struct doctor *d, FILE *out, bool color);
void doctor_print_json(const struct doctor *d, FILE *out);

/* Does a container belong to the guard: it is in its cgroup, or will be when it starts? */
bool doctor_is_inside(const struct policy_guard *g, const struct inspect_container *c);
/* On which of its networks is the guard's VPN network? -1: on none. */
int doctor_vpn_net(const struct policy_guard *g, const struct engine_container *c);

#endif /* BPFGUARD_CLI_DOCTOR_H */
