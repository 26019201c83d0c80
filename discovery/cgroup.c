/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Container ids in cgroup paths.
 */
#include <errno.h>
#include <string.h>

#include "base/base.h"
#include "discovery/discovery.h"

#define ID_LEN 64

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/*
 * Does the id stand alone in its path component? Before it: nothing, or a runtime's prefix
 * (`docker-`, `libpod-`, `cri-containerd-`); behind it: nothing, or `.scope`.
 */
static bool is_id(const char *component, size_t at, size_t len)
{
	const char *tail = component + at + ID_LEN;
	size_t rest = len - at - ID_LEN;

	if (at > 0 && component[at - 1] != '-' && component[at - 1] != ':')
		return false;
	return rest == 0 || (rest == strlen(".scope") && memcmp(tail, ".scope", rest) == 0);
}

static bool find_id(const char *component, size_t len, char ret[65])
{
	size_t run = 0;

	for (size_t i = 0; i < len; i++) {
		run = is_hex(component[i]) ? run + 1 : 0;
		if (run < ID_LEN || (i + 1 < len && is_hex(component[i + 1])))
			continue;
		if (run == ID_LEN && is_id(component, i + 1 - ID_LEN, len)) {
			memcpy(ret, component + i + 1 - ID_LEN, ID_LEN);
			ret[ID_LEN] = '\0';
			return true;
		}
	}
	return false;
}

/*
 * The innermost id counts: a container's own cgroups are below its scope, and an engine inside of
 * a container names its containers below that.
 */
int discovery_id_from_cgroup(const char *path, char ret[65])
{
	char found[ID_LEN + 1] = "";

	for (const char *at = path; *at;) {
		size_t len;

		at += strspn(at, "/");
		len = strcspn(at, "/");
		find_id(at, len, found);
		at += len;
	}
	if (!found[0])
		return -ENOENT;
	memcpy(ret, found, sizeof(found));
	return 0;
}
