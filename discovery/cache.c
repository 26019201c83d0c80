/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Containers that were asked for lately.
 *
 * A caller that handles a stream of events must never be held up by the engine: whatever fails is
 * remembered for miss_ttl, and an engine that does not answer is not asked by anybody meanwhile,
 * so a dead engine costs one timeout per miss_ttl and not one per event.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "base/base.h"
#include "discovery/discovery.h"

#define CACHE_MAX	1024
#define CACHE_BUCKETS	256
#define CHILD_MARGIN_MS 50
#define REFRESH_NS	(60ull * 1000000000ull) /* names change by `docker rename` */

struct entry {
	struct entry *next;
	uint64_t ask_again_ns, used_ns;
	bool known;
	struct discovery_container c;
};

struct discovery_cache {
	int timeout_ms;
	uint64_t miss_ttl_ns, engine_quiet_until_ns;
	size_t n;
	struct entry *bucket[CACHE_BUCKETS];
};

int discovery_cache_new(int timeout_ms, int miss_ttl_ms, struct discovery_cache **ret)
{
	struct discovery_cache *c;

	if (timeout_ms <= 0 || miss_ttl_ms < 0)
		return -EINVAL;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->timeout_ms = timeout_ms;
	c->miss_ttl_ns = (uint64_t)miss_ttl_ms * 1000000ull;
	*ret = c;
	return 0;
}

void discovery_cache_free(struct discovery_cache *c)
{
	for (size_t i = 0; c && i < CACHE_BUCKETS; i++) {
		while (c->bucket[i]) {
			struct entry *e = c->bucket[i];

			c->bucket[i] = e->next;
			free(e);
		}
	}
	free(c);
}

/* Ids are random, but only as long as Docker makes them. FNV-1a. */
static struct entry **bucket_of(struct discovery_cache *c, const char *id)
{
	uint32_t h = 2166136261u;

	for (; *id; id++)
		h = (h ^ (uint8_t)*id) * 16777619u;
	return &c->bucket[h % CACHE_BUCKETS];
}

/* The least recently used makes room. A walk over all, at the rate of new containers. */
static void evict(struct discovery_cache *c)
{
	struct entry **oldest = NULL, *e;

	for (size_t i = 0; i < CACHE_BUCKETS; i++) {
		for (struct entry **at = &c->bucket[i]; *at; at = &(*at)->next) {
			if (!oldest || (*at)->used_ns < (*oldest)->used_ns)
				oldest = at;
		}
	}
	if (!oldest)
		return;
	e = *oldest;
	*oldest = e->next;
	free(e);
	c->n--;
}

static struct entry *find_or_add(struct discovery_cache *c, const char *id)
{
	struct entry **bucket = bucket_of(c, id), *e;

	for (e = *bucket; e; e = e->next) {
		if (strcmp(e->c.id, id) == 0)
			return e;
	}
	if (c->n >= CACHE_MAX)
		evict(c);
	e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	snprintf(e->c.id, sizeof(e->c.id), "%s", id);
	e->next = *bucket;
	*bucket = e;
	c->n++;
	return e;
}

struct reply {
	int err;
	struct discovery_container c;
};

static int wait_for_reply(int fd, int timeout_ms, struct reply *ret)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	struct reply reply;

	/* The child keeps the time itself; the margin is for a machine that is busy. */
	if (poll(&pfd, 1, timeout_ms + CHILD_MARGIN_MS) != 1 ||
	    read(fd, &reply, sizeof(reply)) != sizeof(reply))
		return -ENOTCONN;
	*ret = reply;
	return 0;
}

/*
 * In a process of its own: what the HTTP library needs in memory goes with it, and so does whatever
 * the answer might do to its reader.
 */
static int inspect_apart(const char *id, int timeout_ms, struct discovery_container *ret)
{
	_close_ int in = -1, out = -1;
	struct reply reply = { 0 };
	int fds[2], err;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	in = fds[0];
	out = fds[1];
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		reply.err = discovery_docker_inspect(id, timeout_ms, &reply.c);
		/* Smaller than PIPE_BUF, so whole or not at all. */
		_exit(write(out, &reply, sizeof(reply)) != sizeof(reply));
	}
	base_close(&out);
	out = -1;
	err = wait_for_reply(in, timeout_ms, &reply);
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (err || reply.err)
		return err ? err : reply.err;
	*ret = reply.c;
	return 0;
}

static void ask(struct discovery_cache *c, struct entry *e, uint64_t now)
{
	struct discovery_container fresh;
	int err;

	if (now < c->engine_quiet_until_ns)
		return;
	err = inspect_apart(e->c.id, c->timeout_ms, &fresh);
	now = base_now_ns(CLOCK_MONOTONIC);
	if (!err && strcmp(fresh.id, e->c.id) == 0) {
		e->c = fresh;
		e->known = true;
		e->ask_again_ns = now + REFRESH_NS;
		return;
	}
	/* What was known before stays: a container that is gone keeps its name. */
	e->ask_again_ns = now + c->miss_ttl_ns;
	if (err == -ENOTCONN)
		c->engine_quiet_until_ns = now + c->miss_ttl_ns;
}

int discovery_cache_get(struct discovery_cache *c, const char *id, struct discovery_container *ret)
{
	uint64_t now = base_now_ns(CLOCK_MONOTONIC);
	struct entry *e;

	if (strlen(id) != sizeof(e->c.id) - 1)
		return -EINVAL;
	e = find_or_add(c, id);
	if (!e)
		return -ENOMEM;
	e->used_ns = now;
	if (now >= e->ask_again_ns)
		ask(c, e, now);
	if (!e->known)
		return -ENOENT;
	*ret = e->c;
	return 0;
}
