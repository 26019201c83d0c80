// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stands in for engine.c until it is there, so that the tree links: no engine answers. Weak, so
 * the real functions win. TO BE DELETED with the merge of branch w-disc.
 */
#include <errno.h>

#include "discovery/engine.h"

#define WEAK __attribute__((weak))

WEAK int engine_container(const char *who, int timeout_ms, struct engine_container *ret)
{
	(void)who, (void)timeout_ms, (void)ret;
	return -ENOTCONN;
}

WEAK int engine_find_label(const char *label, int timeout_ms, struct engine_container *ret,
			   char *names, size_t size)
{
	(void)label, (void)timeout_ms, (void)ret, (void)names, (void)size;
	return -ENOTCONN;
}

WEAK int engine_list(int timeout_ms, int (*fn)(const struct engine_container *c, void *ctx),
		     void *ctx)
{
	(void)timeout_ms, (void)fn, (void)ctx;
	return -ENOTCONN;
}

WEAK int engine_stop(const char *id, int grace_seconds, int timeout_ms)
{
	(void)id, (void)grace_seconds, (void)timeout_ms;
	return -ENOTCONN;
}

WEAK int engine_start(const char *id, int timeout_ms)
{
	(void)id, (void)timeout_ms;
	return -ENOTCONN;
}

WEAK int engine_events(int64_t since_ns, const volatile bool *stop,
		       int (*fn)(const struct engine_event *ev, void *ctx), void *ctx)
{
	(void)since_ns, (void)stop, (void)fn, (void)ctx;
	return -ENOTCONN;
}

WEAK int gluetun_control_read(const char *url, const char *auth, int timeout_ms,
			      struct gluetun_control *ret, char *why, size_t why_size)
{
	(void)url, (void)auth, (void)timeout_ms, (void)ret, (void)why, (void)why_size;
	return -ENOTCONN;
}
