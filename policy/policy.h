/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Room policy: text in, a checked policy out. Pure: libc and libyaml only, no file, no socket, no
 * clock, nothing of ours; prints into a caller's stream. Every function leaves nothing half-done:
 * either a whole policy that passed every check, or a list of errors and no policy.
 *
 * The policy's meaning is design.md section 7. Addresses are in network order.
 */
#ifndef BPFGUARD_POLICY_H
#define BPFGUARD_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define POLICY_MAX_BYTES     (1u << 20)
#define POLICY_MAX_GUARDS    16
#define POLICY_MAX_GATEWAYS  4	   /* per family */
#define POLICY_MAX_DNS	     2	   /* per family */
#define POLICY_MAX_LOCAL     10000 /* prefixes of one guard, both families */
#define POLICY_MAX_TESTS     1000  /* of one guard */
#define POLICY_MAX_ERRORS    100   /* then "and more" */
#define POLICY_NAME	     32
#define POLICY_PATH	     256
#define POLICY_CONTAINER     128
#define POLICY_IFNAME	     16
#define POLICY_MAX_ENDPOINTS 16 /* of one guard's tunnels */
#define POLICY_MAX_OUTBOUND  16 /* prefixes of uplink.outbound */
#define POLICY_MAX_PROBES    4	/* of each kind */

struct policy_pos {
	unsigned int line, column; /* 1-based; 0: not in the file */
};

struct policy_addr {
	uint8_t family; /* 4 or 6; 0: absent */
	uint8_t bytes[16];
	struct policy_pos pos;
};

struct policy_prefix {
	struct policy_addr addr; /* host bits are zero: the check refuses others */
	uint8_t len;
};

/* A tunnel's far end, or the target of a TCP probe: always an address, never a host name. */
struct policy_endpoint {
	struct policy_addr addr;
	uint16_t port;
	uint8_t proto; /* IPPROTO_UDP (default of an endpoint) or IPPROTO_TCP */
};

/* What becomes of the protected containers while the tunnel is down, besides being denied. */
enum policy_on_down { POLICY_ON_DOWN_DENY, POLICY_ON_DOWN_STOP };

enum policy_control_auth { POLICY_AUTH_NONE, POLICY_AUTH_BASIC, POLICY_AUTH_APIKEY };

/* gateway.control: Gluetun's control API, as further evidence. port 0: not asked. */
struct policy_control {
	uint16_t port;
	enum policy_control_auth auth;
	char secret_file[POLICY_PATH]; /* `USER:PASSWORD` or the key, never in the policy itself */
};

/*
 * `uplink:`. In force when gateway.container or gateway.netns is given, unless `guard: off`: then
 * it is a hole that the user accepts, and status shows it. Without either nobody could watch: off.
 */
struct policy_uplink {
	bool off;
	char interface[POLICY_IFNAME];	/* "": auto */
	char network[POLICY_CONTAINER]; /* Docker network; "": found */
	char bridge[POLICY_IFNAME];	/* host device; "": found through Docker */
	bool endpoints_auto;
	struct policy_endpoint endpoint[POLICY_MAX_ENDPOINTS];
	size_t n_endpoints;
	struct policy_prefix outbound[POLICY_MAX_OUTBOUND];
	size_t n_outbound;
	struct policy_pos pos;
};

/* `link:`. The link seal of the VPN network; in force like the uplink guard, given an address. */
struct policy_link {
	bool off;
	char network[POLICY_CONTAINER]; /* "": the gateway's network that holds gateway.address */
	char bridge[POLICY_IFNAME];
	struct policy_pos pos;
};

struct policy_probe {
	struct policy_addr icmp[POLICY_MAX_PROBES];
	size_t n_icmp;
	struct policy_endpoint tcp[POLICY_MAX_PROBES];
	size_t n_tcp;
	uint64_t every_ms; /* while the tunnel is silent; at most half the lease */
	bool given;	   /* else, without a lease, nothing of it is filled in */
};

enum policy_mode { POLICY_ENFORCE, POLICY_AUDIT };
enum policy_dns { POLICY_DNS_GATEWAY, POLICY_DNS_LOCAL_NAMES, POLICY_DNS_STRICT };

/* What the route of a test case looks like. */
enum policy_via { POLICY_VIA_GATEWAY, POLICY_VIA_ON_LINK, POLICY_VIA_ADDRESS, POLICY_VIA_LOOPBACK };

struct policy_test {
	struct policy_addr to;
	uint16_t port; /* 0: none */
	uint8_t proto; /* IPPROTO_*, default TCP if a port is given, else ICMP(v6) */
	enum policy_via via;
	struct policy_addr via_addr; /* with POLICY_VIA_ADDRESS */
	bool host_namespace;
	bool vpn_down; /* `vpn: down` */
	bool expect_allow;
	char reason[POLICY_NAME]; /* "" : any */
	struct policy_pos pos;
};

struct policy_guard {
	char name[POLICY_NAME];
	char cgroup[POLICY_PATH]; /* as written: `bpfguard.slice`, `/bpfguard` */
	enum policy_mode mode;
	struct policy_addr gateway[2 * POLICY_MAX_GATEWAYS];
	size_t n_gateway;
	char gateway_interface[POLICY_IFNAME]; /* "" : none */
	char gateway_container[POLICY_CONTAINER];
	struct policy_prefix *local;
	size_t n_local;
	enum policy_dns dns;
	struct policy_addr
		dns_server[2 * POLICY_MAX_DNS]; /* filled with the default when not given */
	size_t n_dns_server;
	bool dns_server_given;
	bool dns_tls_deny; /* `dns: {tls: deny}`: DNS over TLS (853) only to the resolver */
	char gateway_netns[POLICY_PATH]; /* file of the gateway's namespace, for other runtimes */
	struct policy_control control;
	struct policy_uplink uplink;
	struct policy_link link;
	uint64_t lease_ms; /* 0: off. Default 5 s when the gateway can be watched, else off */
	bool lease_given;
	enum policy_on_down on_down;
	struct policy_probe probe;
	struct policy_test *tests;
	size_t n_tests;
	struct policy_pos pos, pos_gateway, pos_local, pos_dns, pos_lease, pos_mode, pos_cgroup;
};

struct policy {
	unsigned int version;
	struct policy_guard *guards;
	size_t n_guards;
};

struct policy_error {
	struct policy_pos pos;
	char what[200]; /* what is wrong, quoting the bad token */
	char todo[200]; /* what to do about it */
};

struct policy_errors {
	struct policy_error *list;
	size_t n;
	bool more; /* stopped at POLICY_MAX_ERRORS */
};

/*
 * Parse and check `len` bytes. 0 and a policy (free with policy_free), or -EINVAL and at least one
 * error in file order, or -ENOMEM. `errs` is always to be freed with policy_errors_free.
 */
int policy_parse(const char *text, size_t len, struct policy **ret, struct policy_errors *errs);
void policy_free(struct policy *p);
void policy_errors_free(struct policy_errors *errs);

/* `file:line:column: what (what to do)`, a line each. */
void policy_errors_print(const struct policy_errors *errs, const char *file, FILE *out);

/* The canonical form: every default written out; a fixed point of parse and print. */
void policy_print(const struct policy *p, FILE *out);
void policy_print_guard(const struct policy_guard *g, FILE *out); /* its part of the above */

/* JSON Schema (draft 2020-12) of the policy file. */
void policy_schema(FILE *out);

/* `1.2.3.4`, `1.2.3.0/24` and friends; pos is left alone. -EINVAL on anything else. */
int policy_addr_parse(const char *text, struct policy_addr *ret);
int policy_prefix_parse(const char *text, struct policy_prefix *ret); /* host bits allowed here */
char *policy_addr_format(const struct policy_addr *a, char *buf, size_t size);

/*
 * systemd's rule for slices: `a-b.slice` is /a.slice/a-b.slice; a path that starts with '/' is
 * taken as it is. Result starts with '/', no trailing slash. -EINVAL, -ENAMETOOLONG.
 */
int policy_cgroup_path(const char *name, char *ret, size_t size);

/* `93.184.216.34:443/tcp`, `[2001:db8::1]:53/udp`, `1.1.1.1/icmp`, `1.1.1.1`. */
int policy_target_parse(const char *text, struct policy_addr *ret_addr, uint16_t *ret_port,
			uint8_t *ret_proto);

/* The closest of n candidates to a misspelt word, or NULL when none is near. */
const char *policy_suggest(const char *word, const char *const *candidates, size_t n);

#endif /* BPFGUARD_POLICY_H */
