/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Containers and networks as `bpfguard doctor` looks at them: every setting that gives a container
 * a way around the guard. Facts only: what is bad about them is said in room cli. Blocking, each
 * call bounded; errors as in engine.h.
 */
#ifndef BPFGUARD_DISCOVERY_INSPECT_H
#define BPFGUARD_DISCOVERY_INSPECT_H

#include "discovery/engine.h"

/* Bits of what a container has or lacks. */
enum inspect_fact {
	INSPECT_PRIVILEGED = 1 << 0,
	INSPECT_NET_ADMIN = 1 << 1,
	INSPECT_SYS_ADMIN = 1 << 2,
	INSPECT_SYS_PTRACE = 1 << 3,
	INSPECT_BPF = 1 << 4,
	INSPECT_SYS_MODULE = 1 << 5,
	INSPECT_NET_RAW = 1 << 6,	 /* not dropped: engines give it by default */
	INSPECT_NEW_PRIVILEGES = 1 << 7, /* no-new-privileges is not set */
	INSPECT_NO_SECCOMP = 1 << 8,	 /* unconfined */
	INSPECT_NET_HOST = 1 << 9,
	INSPECT_NET_CONTAINER = 1 << 10, /* network_mode: container:X, compose's service:X */
	INSPECT_PID_HOST = 1 << 11,
	INSPECT_CGROUPNS_HOST = 1 << 12,
	INSPECT_ENGINE_SOCKET = 1 << 13, /* docker.sock, containerd.sock, podman.sock */
	INSPECT_DBUS = 1 << 14,
	INSPECT_RUN = 1 << 15,	    /* the host's /run, or a directory above it */
	INSPECT_SYS_RW = 1 << 16,   /* /sys or below, writable */
	INSPECT_TUN = 1 << 17,	    /* /dev/net/tun */
	INSPECT_NO_DNS = 1 << 18,   /* no dns: of its own */
	INSPECT_DNS_HOST = 1 << 19, /* resolv.conf: the engine asks from the host's namespace */
	INSPECT_PORTS = 1 << 20,
	INSPECT_PROC_RW = 1 << 21, /* the host's /proc, writable */
};

struct inspect_container {
	struct engine_container c;
	uint32_t facts;
	char cgroup_parent[256]; /* as it was given */
	char mount[128];	 /* source of the first mount behind a fact */
	char ports[64];		 /* the first published port: "8080/tcp" */
};

struct inspect_network {
	char id[65], name[128], driver[32], bridge[16];
	bool internal, ipv6, inhibit_ipv4, masquerade, isolated;
	bool has_gateway4, has_gateway6; /* has_gateway6: DefaultGatewayIPv6, or IPAM's Gateway */
	uint8_t gateway4[4];
	uint8_t subnet[4], subnet_len;
	bool has_subnet;
};

struct inspect_engine {
	char version[32];
	char cgroup_driver[16]; /* "systemd", "cgroupfs" */
	char cgroup_version[8]; /* "2" */
};

/*
 * Every container, running or not, with the networks it is on. What the kernel says of a running
 * one's first process (capabilities, no-new-privileges, seccomp) overrules the engine's word.
 */
int inspect_list(int timeout_ms, int (*fn)(const struct inspect_container *c, void *ctx),
		 void *ctx);
int inspect_network(const char *who, int timeout_ms, struct inspect_network *ret);
int inspect_engine(int timeout_ms, struct inspect_engine *ret);

/*
 * The facts of a process by the kernel's word, also for containers of no engine that we can ask.
 * Facts that it cannot tell are left alone. -ESRCH: there is no such process.
 */
int inspect_process(pid_t pid, uint32_t *facts);

/* The parsers behind it, for the fuzzer. */
int inspect_parse_container(const char *body, size_t len, struct inspect_container *ret);
int inspect_parse_network(const char *body, size_t len, struct inspect_network *ret);
int inspect_parse_engine(const char *body, size_t len, struct inspect_engine *ret);
void inspect_parse_status(const char *text, uint32_t *facts); /* /proc/PID/status */
/* Does a container's resolv.conf say that the engine asks from the host's namespace? */
bool inspect_dns_from_host(const char *text);

#endif /* BPFGUARD_DISCOVERY_INSPECT_H */
