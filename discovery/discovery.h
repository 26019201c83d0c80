/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Room discovery: who are the containers? Facts only, no decisions. Docker's answers are outside
 * bytes: parsed with jansson, bounded in size and time; no answer means "unknown", never an error
 * of the caller's work.
 */
#ifndef BPFGUARD_DISCOVERY_H
#define BPFGUARD_DISCOVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct discovery_container {
	char id[65];
	char name[128];
	char image[256];
	pid_t pid;	  /* 0: not running or unknown */
	char cgroup[256]; /* below the cgroup2 root; "" if unknown */
};

/*
 * The 64-hex container id in a cgroup path (`/bpfguard.slice/docker-<id>.scope`,
 * `/bpfguard/<id>`, libpod too). -ENOENT if there is none.
 */
int discovery_id_from_cgroup(const char *path, char ret[65]);

/*
 * Ask the engine on base_docker_socket() for one container, by id, short id or name. timeout_ms
 * bounds all of it. -ENOENT: no such container; -ENOTCONN: no engine answers; -EBADMSG: it
 * answered something else.
 */
int discovery_docker_inspect(const char *who, int timeout_ms, struct discovery_container *ret);

/* Id -> name and image with a cache, also of misses (for miss_ttl_ms); at most 1024 entries. */
struct discovery_cache;
int discovery_cache_new(int timeout_ms, int miss_ttl_ms, struct discovery_cache **ret);
void discovery_cache_free(struct discovery_cache *c);
int discovery_cache_get(struct discovery_cache *c, const char *id, struct discovery_container *ret);

/* The parser behind it, for the fuzzer: the body of GET /containers/ID/json. */
int discovery_docker_parse(const char *body, size_t len, struct discovery_container *ret);

#endif /* BPFGUARD_DISCOVERY_H */
