// SPDX-License-Identifier: GPL-2.0-only
/*
 * The gateway's process, remembered in <run>/NAME.gateway, for a monitor that starts while Docker
 * does not answer. It is believed only of a process that is the very same: number, start time and
 * namespace, in the same boot. A container's first process lives as long as the container does.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "monitor/internal.h"

#define FILE_MAX 4096

/* Field 22; the second, in brackets, may hold anything (proc(5)). */
static uint64_t start_of(pid_t pid)
{
	_free_ char *text = NULL;
	unsigned long long start = 0;
	char path[32], *at, *save = NULL, *word;
	unsigned int field = 3;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (base_read_file(path, FILE_MAX, &text, &len))
		return 0;
	at = strrchr(text, ')');
	if (!at)
		return 0;
	for (word = strtok_r(at + 1, " ", &save); word; word = strtok_r(NULL, " ", &save))
		if (field++ == 22)
			start = strtoull(word, NULL, 10);
	return start;
}

static bool boot_of(char ret[40])
{
	_free_ char *text = NULL;
	size_t len;

	if (base_read_file("/proc/sys/kernel/random/boot_id", 64, &text, &len))
		return false;
	text[strcspn(text, "\n")] = 0;
	snprintf(ret, 40, "%s", text);
	return ret[0] != 0;
}

static void name_of(const struct guard *g, char *ret, size_t size)
{
	snprintf(ret, size, "%s.gateway", g->policy->name);
}

void known_save(const struct guard *g)
{
	char text[256], name[POLICY_NAME + 16], boot[40] = "";
	uint64_t start = start_of(g->gw.pid);
	int n, err;

	if (!start || !boot_of(boot))
		return;
	n = snprintf(text, sizeof(text), "%d %llu %u %s %s\n", g->gw.pid, (unsigned long long)start,
		     g->gw.inode, boot, g->policy->gateway_container);
	if (n < 0 || n >= (int)sizeof(text))
		return;
	name_of(g, name, sizeof(name));
	err = monitor_write_file(base_run_dir(), name, text, (size_t)n);
	if (err)
		say("guard %s: cannot remember its gateway in %s: %s", g->policy->name,
		    base_run_dir(), strerror(-err));
}

void known_forget(const struct guard *g)
{
	char path[PATH_MAX], name[POLICY_NAME + 16];

	name_of(g, name, sizeof(name));
	if (snprintf(path, sizeof(path), "%s/%s", base_run_dir(), name) < (int)sizeof(path))
		unlink(path);
}

bool known_load(const struct guard *g, struct known *ret)
{
	_free_ char *text = NULL;
	char path[PATH_MAX], name[POLICY_NAME + 16], boot[40] = "";
	struct known k = { 0 };
	unsigned long long start = 0;
	size_t len;

	name_of(g, name, sizeof(name));
	if (snprintf(path, sizeof(path), "%s/%s", base_run_dir(), name) >= (int)sizeof(path) ||
	    base_read_file(path, FILE_MAX, &text, &len))
		return false;
	if (sscanf(text, "%d %llu %u %39s %127s", &k.pid, &start, &k.inode, k.boot, k.who) != 5)
		return false;
	k.start = start;
	if (k.pid <= 0 || !k.start || !k.inode || !boot_of(boot) || strcmp(boot, k.boot) != 0 ||
	    strcmp(k.who, g->policy->gateway_container) != 0)
		return false;
	*ret = k;
	return true;
}

/* The caller holds a pidfd: what is true of the number now was true of that process before. */
bool known_same(const struct known *k, pid_t pid, int netns)
{
	return pid == k->pid && start_of(pid) == k->start &&
	       discovery_netns_inode(netns) == k->inode;
}
