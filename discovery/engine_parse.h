/* SPDX-License-Identifier: GPL-2.0-only */
/* Inside room discovery: the engine's answers. */
#ifndef BPFGUARD_DISCOVERY_ENGINE_PARSE_H
#define BPFGUARD_DISCOVERY_ENGINE_PARSE_H

#include <jansson.h>

#include "discovery/engine.h"

/* GET path of the engine; 0 and a body to be freed, or an error of engine.h. */
struct discovery_body;
int engine_get(const char *path, int timeout_ms, struct discovery_body *body);
bool engine_is_id(const char *id);
/* GET /networks/ID: bridge, driver and subnet of *ret; the rest of it is left alone. */
int engine_parse_network(const char *body, size_t len, struct engine_attachment *ret);
/* GET /containers/json: the ids. fn's nonzero value ends it and is returned. */
int engine_parse_ids(const char *body, size_t len, int (*fn)(const char *id, void *ctx), void *ctx);

#endif /* BPFGUARD_DISCOVERY_ENGINE_PARSE_H */
