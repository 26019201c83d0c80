/* SPDX-License-Identifier: GPL-2.0-only */
#include <ctype.h>
#include <stdio.h>
#include <stdint.h>
#include <string.h>

#include "roles.h"

/* The text between the first two quotes behind `at`. */
static void quoted(const char *at, char *out, size_t size)
{
	const char *begin = strchr(at, '"');
	size_t len = begin ? strcspn(begin + 1, "\"") : 0;

	snprintf(out, size, "%.*s", (int)len, begin ? begin + 1 : "");
}

static char *trim(char *line)
{
	line[strcspn(line, "#\r\n")] = '\0';
	while (isspace((unsigned char)*line))
		line++;
	for (size_t n = strlen(line); n && isspace((unsigned char)line[n - 1]);)
		line[--n] = '\0';
	return line;
}

static bool has_key(const char *line, const char *key)
{
	size_t len = strlen(key);

	return !strncmp(line, key, len) && (isspace((unsigned char)line[len]) || line[len] == '=');
}

/* One `key = value`; whether an array goes on in the next line. -1: unknown. */
static int role_set(struct role *r, const char *line)
{
	char name[64];

	if (has_key(line, "routes")) {
		snprintf(r->routes, sizeof(r->routes), "%s", strchr(line, '=') + 1);
		return !strchr(line, ']');
	}
	if (has_key(line, "auth"))
		quoted(line, r->auth, sizeof(r->auth));
	else if (has_key(line, "username"))
		quoted(line, r->username, sizeof(r->username));
	else if (has_key(line, "password"))
		quoted(line, r->password, sizeof(r->password));
	else if (has_key(line, "apikey"))
		quoted(line, r->apikey, sizeof(r->apikey));
	else if (has_key(line, "name"))
		quoted(line, name, sizeof(name));
	else
		return -1;
	return 0;
}

int roles_read(const char *path, struct roles *ret)
{
	FILE *f = fopen(path, "re");
	struct role *r = NULL;
	char line[512];
	int in_array = 0;

	while (f && fgets(line, sizeof(line), f)) {
		const char *text = trim(line);

		if (in_array) {
			strncat(r->routes, text, sizeof(r->routes) - strlen(r->routes) - 1);
			in_array = !strchr(text, ']');
		} else if (!strcmp(text, "[[roles]]") && ret->n < ROLES_MAX) {
			r = &ret->role[ret->n++];
		} else if (*text) {
			in_array = r && strchr(text, '=') ? role_set(r, text) : -1;
			if (in_array < 0) {
				fprintf(stderr, "control: %s: unknown: %s\n", path, text);
				fclose(f);
				return -1;
			}
		}
	}
	if (f)
		fclose(f);
	return 0;
}

static void member(const char *json, const char *name, char *out, size_t size)
{
	char key[32];
	const char *at;

	snprintf(key, sizeof(key), "\"%s\":", name);
	at = strstr(json, key);
	if (at)
		quoted(at + strlen(key), out, size);
}

void roles_default(const char *json, struct roles *ret)
{
	member(json, "auth", ret->other.auth, sizeof(ret->other.auth));
	member(json, "username", ret->other.username, sizeof(ret->other.username));
	member(json, "password", ret->other.password, sizeof(ret->other.password));
	member(json, "apikey", ret->other.apikey, sizeof(ret->other.apikey));
	ret->has_other = *ret->other.auth;
}

static void base64(const char *in, char *out, size_t size)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t n = strlen(in), o = 0;

	for (size_t i = 0; i < n && o + 5 < size; i += 3) {
		uint32_t v = (uint32_t)(unsigned char)in[i] << 16;

		v |= i + 1 < n ? (uint32_t)(unsigned char)in[i + 1] << 8 : 0;
		v |= i + 2 < n ? (unsigned char)in[i + 2] : 0;
		out[o++] = digits[v >> 18];
		out[o++] = digits[v >> 12 & 63];
		out[o++] = i + 1 < n ? digits[v >> 6 & 63] : '=';
		out[o++] = i + 2 < n ? digits[v & 63] : '=';
	}
	out[o] = '\0';
}

static bool role_allows(const struct role *r, const struct roles_request *q)
{
	char plain[160], coded[256];

	if (!strcmp(r->auth, "none"))
		return true;
	if (!strcmp(r->auth, "apikey"))
		return *r->apikey && !strcmp(r->apikey, q->key);
	if (strcmp(r->auth, "basic") != 0 || strncmp(q->authorization, "Basic ", 6) != 0)
		return false;
	snprintf(plain, sizeof(plain), "%s:%s", r->username, r->password);
	base64(plain, coded, sizeof(coded));
	return !strcmp(coded, q->authorization + 6);
}

bool roles_allow(const struct roles *roles, const char *method, const char *path,
		 const struct roles_request *q)
{
	char route[300];
	bool named = false;

	snprintf(route, sizeof(route), "\"%s %s\"", method, path);
	for (size_t i = 0; i < roles->n; i++) {
		if (!strstr(roles->role[i].routes, route))
			continue;
		named = true;
		if (role_allows(&roles->role[i], q))
			return true;
	}
	return !named && roles->has_other && role_allows(&roles->other, q);
}
