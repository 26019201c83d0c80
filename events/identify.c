/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who was it?
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <time.h>

#include "base/base.h"
#include "discovery/discovery.h"
#include "events/identify.h"

#define DOCKER_TIMEOUT_MS  200
#define DOCKER_MISS_TTL_MS 5000
#define CGROUPS		   256u
#define PROC_MAX	   65536u

/* Ids are never used again, so a name that was found once stays true after the cgroup is gone. */
struct cgroup {
	uint64_t id;
	char *path;
};

struct events_identity {
	events_cgroup_fn cgroup_name;
	struct discovery_cache *docker;
	struct cgroup cgroup[CGROUPS]; /* by the low bits of the id */
	uint64_t tick_ns;
};

int events_identity_new(events_cgroup_fn cgroup_name, struct events_identity **ret)
{
	struct events_identity *id = calloc(1, sizeof(*id));
	long hz = sysconf(_SC_CLK_TCK);
	int err;

	if (!id)
		return -ENOMEM;
	err = discovery_cache_new(DOCKER_TIMEOUT_MS, DOCKER_MISS_TTL_MS, &id->docker);
	if (err) {
		free(id);
		return err;
	}
	id->cgroup_name = cgroup_name;
	id->tick_ns = 1000000000ull / (uint64_t)(hz > 0 ? hz : 100);
	*ret = id;
	return 0;
}

void events_identity_free(struct events_identity *id)
{
	if (!id)
		return;
	for (size_t i = 0; i < CGROUPS; i++)
		free(id->cgroup[i].path);
	discovery_cache_free(id->docker);
	free(id);
}

/* The raw path, unsanitized: it is compared with what /proc says. NULL if unknown. */
static const char *cgroup_path(struct events_identity *id, uint64_t cgroup)
{
	struct cgroup *c = &id->cgroup[cgroup % CGROUPS];
	char path[BG_PATH];

	if (c->path && c->id == cgroup)
		return c->path;
	if (!cgroup || !id->cgroup_name || id->cgroup_name(cgroup, path, sizeof(path)))
		return NULL;
	free(c->path);
	c->id = cgroup;
	c->path = strdup(path);
	return c->path;
}

static void identify_container(struct events_identity *id, const char *cgroup,
			       struct events_record *r)
{
	struct discovery_container c;

	if (discovery_id_from_cgroup(cgroup, r->container_id))
		return;
	if (discovery_cache_get(id->docker, r->container_id, &c))
		return;
	base_sanitize(r->container_name, sizeof(r->container_name), c.name, strlen(c.name));
	base_sanitize(r->container_image, sizeof(r->container_image), c.image, strlen(c.image));
}

/* Was the process that has this number now there when the event was made? */
static bool started_before(struct events_identity *id, uint32_t tgid, uint64_t ts_real_ns)
{
	_free_ char *text = NULL;
	uint64_t ticks, start_ns;
	char path[64], *at;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/stat", tgid);
	if (base_read_file(path, PROC_MAX, &text, &len))
		return false;
	at = strrchr(text, ')'); /* the name may hold anything, also `) R 1 1` */
	/* Field 22, the start in ticks since boot; the name was field 2. */
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	if (!at || sscanf(at, " %" SCNu64, &ticks) != 1)
		return false;
	start_ns = ticks * id->tick_ns + base_now_ns(CLOCK_REALTIME) - base_now_ns(CLOCK_BOOTTIME);
	/* The start is rounded down to a tick: one tick of doubt is ours. */
	return start_ns <= ts_real_ns + id->tick_ns;
}

static bool in_cgroup(uint32_t tgid, const char *cgroup)
{
	_free_ char *text = NULL;
	char path[64], *line;
	size_t len, want = strlen(cgroup);

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/cgroup", tgid);
	if (base_read_file(path, PROC_MAX, &text, &len))
		return false;
	line = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");
	if (!line)
		return false;
	line += strcspn(line, "/");
	return strncmp(line, cgroup, want) == 0 && (line[want] == '\n' || !line[want]);
}

/* A program that started another in its place (exec) has another name now. */
static bool renamed(const struct events_record *r)
{
	char path[64], now[sizeof(r->comm)];
	_free_ char *text = NULL;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/task/%" PRIu32 "/comm", r->tgid, r->pid);
	if (base_read_file(path, PROC_MAX, &text, &len))
		return false; /* that thread has ended, its process may go on */
	base_sanitize(now, sizeof(now), text, strcspn(text, "\n"));
	return strcmp(now, r->comm) != 0;
}

/* Process numbers are used again: a wrong name would be worse than none. */
static void identify_exe(struct events_identity *id, const char *cgroup, struct events_record *r)
{
	char path[64], exe[PATH_MAX];
	ssize_t n;

	if (!r->tgid)
		return;
	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/exe", r->tgid);
	n = readlink(path, exe, sizeof(exe));
	if (n <= 0 || (cgroup && !in_cgroup(r->tgid, cgroup)) ||
	    !started_before(id, r->tgid, r->ts_real_ns) || renamed(r))
		return;
	base_sanitize(r->exe, sizeof(r->exe), exe, (size_t)n);
}

void events_identify(struct events_identity *id, struct events_record *r)
{
	const char *cgroup = cgroup_path(id, r->cgroup_id);

	if (cgroup) {
		base_sanitize(r->cgroup, sizeof(r->cgroup), cgroup, strlen(cgroup));
		identify_container(id, cgroup, r);
	}
	identify_exe(id, cgroup, r);
}
