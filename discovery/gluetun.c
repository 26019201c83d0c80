// SPDX-License-Identifier: GPL-2.0-only
/*
 * Gluetun's control API, by GET alone. What the versions have in common is enough: every one since
 * v3.39 has these paths, answers JSON whatever it calls it, and protects them by a role or not.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/base.h"
#include "discovery/engine.h"
#include "discovery/http.h"

#define ANSWER_MAX 65536
#define AUTH_MAX   512

static void text_of(const json_t *o, const char *key, char *ret, size_t size)
{
	const json_t *v = json_object_get(o, key);

	ret[0] = '\0';
	if (json_is_string(v))
		base_sanitize(ret, size, json_string_value(v), json_string_length(v));
}

static int port_of(const json_t *o)
{
	const json_t *first = json_array_get(json_object_get(o, "ports"), 0);
	json_int_t port = json_integer_value(first ? first : json_object_get(o, "port"));

	return port > 0 && port <= 65535 ? (int)port : 0;
}

int gluetun_parse(const char *what, const char *body, size_t len, struct gluetun_control *ret)
{
	json_t *o = json_loadb(body, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);

	/* `null` before the port forwarding service has begun */
	if (json_is_null(o) && strcmp(what, "portforward") == 0) {
		ret->forwarded_port = 0;
		json_decref(o);
		return 0;
	}
	if (!json_is_object(o)) {
		json_decref(o);
		return -EBADMSG;
	}
	if (strcmp(what, "version") == 0)
		text_of(o, "version", ret->version, sizeof(ret->version));
	else if (strcmp(what, "status") == 0)
		text_of(o, "status", ret->status, sizeof(ret->status));
	else if (strcmp(what, "publicip") == 0)
		text_of(o, "public_ip", ret->public_ip, sizeof(ret->public_ip));
	else if (strcmp(what, "portforward") == 0)
		ret->forwarded_port = port_of(o);
	json_decref(o);
	return strcmp(what, "status") == 0 && !ret->status[0] ? -EBADMSG : 0;
}

/* "", "basic:USER:PASSWORD" or "apikey:KEY" */
struct credentials {
	char text[AUTH_MAX], header[AUTH_MAX + 16];
	const char *user, *password;
};

static int read_auth(const char *auth, struct credentials *ret)
{
	char *colon;

	if (strlen(auth) >= sizeof(ret->text))
		return -EINVAL;
	memset(ret, 0, sizeof(*ret));
	if (strncmp(auth, "apikey:", 7) == 0) {
		snprintf(ret->header, sizeof(ret->header), "X-API-Key: %s", auth + 7);
	} else if (strncmp(auth, "basic:", 6) == 0) {
		snprintf(ret->text, sizeof(ret->text), "%s", auth + 6);
		colon = strchr(ret->text, ':');
		if (!colon)
			return -EINVAL;
		*colon = '\0';
		ret->user = ret->text;
		ret->password = colon + 1;
	} else if (auth[0]) {
		return -EINVAL;
	}
	return 0;
}

static int ask(const char *url, const char *path, const char *what, const struct credentials *c,
	       int timeout_ms, struct gluetun_control *ret)
{
	struct discovery_body body = { .max = ANSWER_MAX };
	char full[256];
	struct discovery_http h = { .url = full,
				    .timeout_ms = timeout_ms,
				    .user = c->user,
				    .password = c->password,
				    .header = c->header[0] ? c->header : NULL };
	long status = 0;
	int err, n = snprintf(full, sizeof(full), "%s%s", url, path);

	if (n < 0 || n >= (int)sizeof(full))
		return -EINVAL;
	err = discovery_http_body(&h, &body, &status);
	if (err)
		return err;
	if (status == 401 || status == 403)
		err = -EACCES;
	else if (status != 200 || !body.data)
		err = status == 404 || (status >= 300 && status < 400) ? -ENOENT : -EBADMSG;
	else
		err = gluetun_parse(what, body.data, body.len, ret);
	free(body.data);
	return err;
}

static int left_ms(uint64_t began_ns, int timeout_ms)
{
	uint64_t gone = (base_now_ns(CLOCK_MONOTONIC) - began_ns) / 1000000;

	return gone < (uint64_t)timeout_ms ? timeout_ms - (int)gone : 0;
}

/* What a role may hide from us without harm: only the status is needed. */
static void ask_more(const char *url, const struct credentials *c, uint64_t began_ns,
		     int timeout_ms, struct gluetun_control *ret)
{
	static const struct {
		const char *path, *what;
	} more[] = {
		{ "/v1/publicip/ip", "publicip" },
		{ "/v1/version", "version" },
		{ "/v1/portforward", "portforward" },
		{ "/v1/openvpn/portforwarded", "portforward" }, /* before v3.41 */
	};
	size_t i;
	int left, err = 0;

	for (i = 0; i < ARRAY_SIZE(more); i++) {
		if (i == 3 && !err)
			return;
		left = left_ms(began_ns, timeout_ms);
		if (!left)
			return;
		err = ask(url, more[i].path, more[i].what, c, left, ret);
	}
}

static const char *explain(int err)
{
	switch (err) {
	case -EACCES: return "it wants other credentials (gateway.control.auth in the policy)";
	case -ENOENT: return "it has no /v1/vpn/status (is it Gluetun's control API?)";
	case -EBADMSG: return "its answer cannot be read (is it Gluetun's control API?)";
	case -EINVAL: return "the credentials cannot be used (USER:PASSWORD for basic)";
	case -ENOTCONN: return "it does not answer";
	default: return strerror(-err);
	}
}

int gluetun_control_read(const char *url, const char *auth, int timeout_ms,
			 struct gluetun_control *ret, char *why, size_t why_size)
{
	uint64_t began = base_now_ns(CLOCK_MONOTONIC);
	struct gluetun_control c = { 0 };
	struct credentials cred;
	int err = read_auth(auth, &cred);

	if (!err)
		err = ask(url, "/v1/vpn/status", "status", &cred, timeout_ms, &c);
	if (!err)
		ask_more(url, &cred, began, timeout_ms, &c);
	explicit_bzero(&cred, sizeof(cred));
	if (err) {
		snprintf(why, why_size, "%s", explain(err));
		return err;
	}
	*ret = c;
	return 0;
}
