/* SPDX-License-Identifier: GPL-2.0-only */
/* Who may ask the stand-in's control server: Gluetun's config.toml, as far as it is used. */
#ifndef GATEWAY_ROLES_H
#define GATEWAY_ROLES_H

#include <stdbool.h>
#include <stddef.h>

#define ROLES_MAX    8
#define ROLES_ROUTES 1024

struct role {
	char routes[ROLES_ROUTES]; /* "METHOD PATH" in quotes, as written; "" : every other route */
	char auth[8], username[64], password[64], apikey[64];
};

struct roles {
	struct role role[ROLES_MAX];
	size_t n; /* of the file */
	struct role other;
	bool has_other;
};

struct roles_request {
	char authorization[256], key[128];
};

/* No file: no roles. -1, said why: Gluetun would not start with it either. */
int roles_read(const char *path, struct roles *ret);
/* HTTP_CONTROL_SERVER_AUTH_DEFAULT_ROLE: for the routes that no role of the file has. */
void roles_default(const char *json, struct roles *ret);
bool roles_allow(const struct roles *roles, const char *method, const char *path,
		 const struct roles_request *q);

#endif
