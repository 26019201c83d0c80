/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Gluetun's control server, as far as anybody asks it: routes, roles and answers of the versions
 * v3.39 (3.39.0: without any authentication, else as 3.39.1), v3.40, v3.41 (as 3.41.3) and master.
 *
 *   control DIR VERSION MODE
 *
 * DIR holds what entry.sh and we tell each other: `status` and `public_ip` are its, `wanted` is
 * ours, `pid` is whom to signal. MODE: on; rubbish: answers what is no HTTP; hang: takes
 * connections and says nothing. Roles come from HTTP_CONTROL_SERVER_AUTH_CONFIG_FILEPATH
 * (/gluetun/auth/config.toml), read once; HTTP_CONTROL_SERVER_AUTH_DEFAULT_ROLE from 3.41 on.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "roles.h"

enum version { V3_39_0, V3_39, V3_40, V3_41, MASTER };

enum action { VERSION, STATUS, OTHER_STATUS, DNS, UPDATER, PUBLIC_IP, PORT, SETTINGS, MOVED };

static const struct route {
	const char *method, *path;
	enum action action;
	bool unprotected; /* of the role `public`, v3.39.1 to v3.41 */
	enum version since, until;
} routes[] = {
	{ "GET", "/v1/version", VERSION, true, V3_39_0, MASTER },
	{ "GET", "/v1/vpn/status", STATUS, true, V3_39_0, MASTER },
	{ "PUT", "/v1/vpn/status", STATUS, true, V3_39_0, MASTER },
	{ "GET", "/v1/vpn/settings", SETTINGS, false, V3_39_0, MASTER },
	{ "GET", "/v1/openvpn/status", OTHER_STATUS, true, V3_39_0, MASTER },
	{ "GET", "/v1/openvpn/settings", SETTINGS, false, V3_39_0, MASTER },
	{ "GET", "/v1/dns/status", DNS, true, V3_39_0, MASTER },
	{ "GET", "/v1/updater/status", UPDATER, true, V3_39_0, MASTER },
	{ "GET", "/v1/publicip/ip", PUBLIC_IP, true, V3_39_0, MASTER },
	{ "GET", "/v1/portforward", PORT, true, V3_41, MASTER },
	{ "GET", "/v1/openvpn/portforwarded", PORT, true, V3_39_0, V3_40 },
	{ "GET", "/v1/openvpn/portforwarded", MOVED, true, V3_41, MASTER },
};
#define N_ROUTES (sizeof(routes) / sizeof(routes[0]))

static struct roles roles;
static enum version version;
static const char *version_name, *dir;

struct answer {
	int code;
	char body[1024], location[64];
};

/* One line of a file in DIR, without its end. */
static void get(const char *name, char *out, size_t size)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "re");
	if (!f || !fgets(out, (int)size, f))
		*out = '\0';
	if (f)
		fclose(f);
	out[strcspn(out, "\n")] = '\0';
}

static void put(const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "we");
	if (!f)
		return;
	fprintf(f, "%s\n", text);
	fclose(f);
}

/*
 * Gluetun answers when it is done, too. Signalled again and again: entry.sh may be just about to
 * wait when the signal comes.
 */
static void want(const char *word)
{
	char status[32] = "", pid[16];

	put("wanted", word);
	for (int tries = 0; tries < 100; tries++) {
		const struct timespec step = { .tv_nsec = 50000000 };

		get("pid", pid, sizeof(pid));
		if (atoi(pid) > 0)
			kill(atoi(pid), SIGUSR1);
		nanosleep(&step, NULL); /* # poll */
		get("status", status, sizeof(status));
		if (!strcmp(status, word))
			return;
	}
}

static void put_status(const char *body, struct answer *a)
{
	const char *word = strstr(body, "\"running\"")	 ? "running"
			   : strstr(body, "\"stopped\"") ? "stopped"
							 : NULL;
	char status[32];

	if (!word) {
		a->code = 400;
		snprintf(a->body, sizeof(a->body), "invalid status\n");
		return;
	}
	get("status", status, sizeof(status));
	if (!strcmp(status, word)) {
		snprintf(a->body, sizeof(a->body), "{\"outcome\":\"already %s\"}\n", word);
		return;
	}
	want(word);
	snprintf(a->body, sizeof(a->body), "{\"outcome\":\"%s\"}\n", word);
}

static void act(const struct route *r, const char *body, struct answer *a)
{
	const char *type = getenv("VPN_TYPE");
	char word[64];

	a->code = 200;
	switch (r->action) {
	case VERSION:
		snprintf(a->body, sizeof(a->body),
			 "{\"version\":\"%s\",\"commit\":\"stand-in\",\"created\":\"unknown\"}\n",
			 version_name);
		break;
	case STATUS:
		if (!strcmp(r->method, "PUT")) {
			put_status(body, a);
			break;
		}
		get("status", word, sizeof(word));
		snprintf(a->body, sizeof(a->body), "{\"status\":\"%s\"}\n", word);
		break;
	case OTHER_STATUS:
		/* with WireGuard this says "stopped", however well the tunnel is */
		get("status", word, sizeof(word));
		snprintf(a->body, sizeof(a->body), "{\"status\":\"%s\"}\n",
			 type && !strcmp(type, "openvpn") ? word : "stopped");
		break;
	case DNS: snprintf(a->body, sizeof(a->body), "{\"status\":\"running\"}\n"); break;
	case UPDATER: snprintf(a->body, sizeof(a->body), "{\"status\":\"completed\"}\n"); break;
	case PUBLIC_IP:
		get("public_ip", word, sizeof(word));
		snprintf(a->body, sizeof(a->body), "{\"public_ip\":\"%s\"}\n", word);
		break;
	case PORT:
		snprintf(a->body, sizeof(a->body), "%s\n",
			 version >= V3_41 ? "{\"port\":0,\"ports\":[]}" : "{\"port\":0}");
		break;
	case SETTINGS:
		snprintf(a->body, sizeof(a->body), "{\"type\":\"%s\"}\n",
			 type ? type : "wireguard");
		break;
	case MOVED:
		a->code = 301;
		snprintf(a->location, sizeof(a->location), "/v1/portforward");
		break;
	}
}

static bool authorized(const struct route *r, const struct roles_request *q)
{
	if (version == V3_39_0)
		return true;
	if (!roles.n && version < MASTER && r->unprotected)
		return true;
	return roles_allow(&roles, r->method, r->path, q);
}

static void answer_request(const char *method, const char *path, const struct roles_request *q,
			   const char *body, struct answer *a)
{
	bool known = false;

	for (size_t i = 0; i < N_ROUTES; i++) {
		const struct route *r = &routes[i];

		if (strcmp(r->path, path) != 0 || version < r->since || version > r->until)
			continue;
		known = true;
		if (strcmp(r->method, method) != 0)
			continue;
		if (authorized(r, q)) {
			act(r, body, a);
			return;
		}
		a->code = 401;
		snprintf(a->body, sizeof(a->body), "Unauthorized\n");
		return;
	}
	a->code = version < V3_41 ? 401 : known ? 405 : 404;
	snprintf(a->body, sizeof(a->body), "%s\n",
		 a->code == 401	  ? "Unauthorized"
		 : a->code == 405 ? "method not allowed"
				  : "404 page not found");
}

/* The value of a header in the request, or NULL. Ends the text there. */
static char *header(char *head, const char *name)
{
	size_t len = strlen(name);

	for (char *line = strstr(head, "\r\n"); line; line = strstr(line + 2, "\r\n")) {
		char *value = line + 2 + len;

		if (strncasecmp(line + 2, name, len) != 0 || *value != ':')
			continue;
		for (value++; *value == ' ';)
			value++;
		return value;
	}
	return NULL;
}

static void copy_header(char *head, const char *name, char *out, size_t size)
{
	const char *value = header(head, name);

	snprintf(out, size, "%.*s", value ? (int)strcspn(value, "\r") : 0, value ? value : "");
}

/* Head and, as far as Content-Length promises one, body. Length, or -1. */
static ssize_t receive(int fd, char *buf, size_t size, char **body)
{
	size_t have = 0, need = size;

	while (have < need && have + 1 < size) {
		ssize_t n = recv(fd, buf + have, size - 1 - have, 0);

		if (n <= 0)
			return -1;
		have += (size_t)n;
		buf[have] = '\0';
		*body = strstr(buf, "\r\n\r\n");
		if (*body) {
			const char *length = header(buf, "Content-Length");

			*body += 4;
			need = (size_t)(*body - buf) + (length ? strtoul(length, NULL, 10) : 0);
		}
	}
	return have < need ? -1 : (ssize_t)have;
}

static void serve(int fd)
{
	char buf[8192], reply[2048], method[8], target[256], *body = NULL, *query;
	struct roles_request q = { 0 };
	struct answer a = { .code = 400 };
	const char *key = NULL;
	int len;

	if (receive(fd, buf, sizeof(buf), &body) < 0 ||
	    sscanf(buf, "%7s %255s", method, target) != 2)
		return;
	query = strchr(target, '?');
	if (query) {
		*query++ = '\0';
		key = strncmp(query, "api_key=", 8) ? NULL : query + 8;
	}
	copy_header(buf, "Authorization", q.authorization, sizeof(q.authorization));
	copy_header(buf, "X-API-Key", q.key, sizeof(q.key));
	if (key && !*q.key)
		snprintf(q.key, sizeof(q.key), "%.*s", (int)strcspn(key, "&"), key);
	answer_request(method, target, &q, body, &a);
	len = snprintf(reply, sizeof(reply),
		       "HTTP/1.1 %d %s\r\n%s%s%sContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
		       a.code, a.code == 200 ? "OK" : "-", *a.location ? "Location: " : "",
		       a.location, *a.location ? "\r\n" : "", strlen(a.body), a.body);
	if (send(fd, reply, (size_t)len, MSG_NOSIGNAL) < 0)
		fprintf(stderr, "control: send: %s\n", strerror(errno));
}

static enum version version_of(const char *name)
{
	if (!strcmp(name, "v3.39.0"))
		return V3_39_0;
	if (!strncmp(name, "v3.39", 5))
		return V3_39;
	if (!strncmp(name, "v3.40", 5))
		return V3_40;
	return strcmp(name, "master") ? V3_41 : MASTER;
}

static int listening(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(8000) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(fd, (struct sockaddr *)&any, sizeof(any)) || listen(fd, 16)) {
		fprintf(stderr, "control: port 8000: %s\n", strerror(errno));
		exit(1);
	}
	return fd;
}

int main(int argc, char **argv)
{
	static const char rubbish[] = "\0\377{\"status\":\"running\"}\r\n\r\n";
	const struct timeval patience = { .tv_sec = 1 };
	const char *file = getenv("HTTP_CONTROL_SERVER_AUTH_CONFIG_FILEPATH");
	const char *role = getenv("HTTP_CONTROL_SERVER_AUTH_DEFAULT_ROLE");
	int listener;

	if (argc != 4) {
		fprintf(stderr, "usage: control DIR VERSION on|rubbish|hang\n");
		return 64;
	}
	dir = argv[1];
	version_name = argv[2];
	version = version_of(version_name);
	if (roles_read(file ? file : "/gluetun/auth/config.toml", &roles))
		return 1;
	if (role && version >= V3_41)
		roles_default(role, &roles);
	listener = listening();
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			continue;
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		if (!strcmp(argv[3], "hang"))
			continue; /* held open for ever, or until there are no more descriptors */
		if (!strcmp(argv[3], "rubbish"))
			(void)!write(fd, rubbish, sizeof(rubbish) - 1);
		else
			serve(fd);
		close(fd);
	}
}
