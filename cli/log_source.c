/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `bpfguard log`: the loader's ring as the source of events.
 */
#include <errno.h>
#include <sys/stat.h>

#include "cli/cli.h"
#include "cli/log.h"

static bool source_may(void)
{
	return geteuid() == 0;
}

static int stat_pin(const char *name, struct stat *ret)
{
	char path[4096];

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", base_pins_dir(), name) >= sizeof(path))
		return -ENAMETOOLONG;
	return stat(path, ret) ? -errno : 0;
}

/* The ring's pin is made anew by each load after an unload, but not by a reload. */
static int source_stream(char *ret, size_t size)
{
	struct stat st;
	int err = stat_pin("maps/bg_event", &st);

	if (err)
		return err;
	snprintf(ret, size, "%llu.%lld.%09ld", (unsigned long long)st.st_ino,
		 (long long)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
	return 0;
}

/* The program that makes events of folded repeats comes after the ring, and with each reload. */
static uint64_t source_version(void)
{
	struct stat st;

	return stat_pin("flush", &st) ? 0 : (uint64_t)st.st_ino;
}

const struct log_source log_source_loader = {
	.may = source_may,
	.stream = source_stream,
	.version = source_version,
	.open = loader_ring_open,
	.fd = loader_ring_fd,
	.consume = loader_ring_consume,
	.flush = loader_ring_flush,
	.free = loader_ring_free,
};
