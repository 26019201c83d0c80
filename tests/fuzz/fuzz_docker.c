/* SPDX-License-Identifier: GPL-2.0-only */
/* Bytes as what the Docker engine answers, and as a cgroup path. */
#include <assert.h>
#include <string.h>

#include "base/clock.c"
#include "base/io.c"
#include "base/path.c"
#include "base/text.c"
#include "discovery/cgroup.c"
#include "discovery/docker.c"
#include "discovery/http.c"
#include "discovery/http_parse.c"

static void check_clean(const char *s, size_t size)
{
	assert(strnlen(s, size) < size);
	for (; *s; s++)
		assert((unsigned char)*s >= 0x20 && *s != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct discovery_container c;
	char path[4096], id[65];

	if (discovery_docker_parse((const char *)data, size, &c) == 0) {
		assert(is_full_id(c.id) && c.name[0] && c.pid >= 0);
		check_clean(c.name, sizeof(c.name));
		check_clean(c.image, sizeof(c.image));
	}
	if (size < sizeof(path)) {
		memcpy(path, data, size);
		path[size] = '\0';
		if (discovery_id_from_cgroup(path, id) == 0)
			assert(is_full_id(id) && strstr(path, id));
	}
	return 0;
}
