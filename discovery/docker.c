/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One question to the Docker engine: who is this container?
 *
 * The path carries no API version, so that the engine answers in its own: what is read here has
 * been the same since API 1.24, while engines keep raising the oldest version they speak.
 */
#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "discovery/discovery.h"

#define ANSWER_MAX (1u << 20)
#define WHO_MAX	   255

/*
 * libcurl is opened when it is first needed. It brings some twenty libraries (5 MB resident), more
 * than all the rest of a log service that may never meet a container.
 */
static struct {
	__typeof__(curl_global_init) *global_init;
	__typeof__(curl_easy_init) *init;
	__typeof__(curl_easy_setopt) *setopt;
	__typeof__(curl_easy_perform) *perform;
	__typeof__(curl_easy_getinfo) *getinfo;
	__typeof__(curl_easy_cleanup) *cleanup;
} http;

static int open_library(void)
{
	static bool ready;
	void *lib;

	if (ready)
		return 0;
	lib = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
	if (!lib)
		return -ENOTCONN;
	http.global_init = dlsym(lib, "curl_global_init");
	http.init = dlsym(lib, "curl_easy_init");
	http.setopt = dlsym(lib, "curl_easy_setopt");
	http.perform = dlsym(lib, "curl_easy_perform");
	http.getinfo = dlsym(lib, "curl_easy_getinfo");
	http.cleanup = dlsym(lib, "curl_easy_cleanup");
	if (!http.global_init || !http.init || !http.setopt || !http.perform || !http.getinfo ||
	    !http.cleanup)
		return -ENOTCONN;
	/* No TLS is ever used. */
	if (http.global_init(CURL_GLOBAL_NOTHING))
		return -ENOMEM;
	ready = true;
	return 0;
}

struct answer {
	char *body;
	size_t len;
};

/* Less than offered taken: libcurl gives up, which is what too long an answer deserves. */
static size_t take_body(char *data, size_t size, size_t n, void *ctx)
{
	struct answer *a = ctx;
	size_t more = size * n;
	char *grown;

	if (more > ANSWER_MAX - a->len)
		return 0;
	grown = realloc(a->body, a->len + more + 1);
	if (!grown)
		return 0;
	memcpy(grown + a->len, data, more);
	a->body = grown;
	a->len += more;
	return more;
}

static int copy_string(char *dst, size_t size, const char *src)
{
	base_sanitize(dst, size, src, strlen(src));
	return dst[0] ? 0 : -EBADMSG;
}

static bool is_full_id(const char *id)
{
	return id && strlen(id) == 64 && strspn(id, "0123456789abcdef") == 64;
}

int discovery_docker_parse(const char *body, size_t len, struct discovery_container *ret)
{
	struct discovery_container c = { 0 };
	const char *id = NULL, *name = NULL, *image = NULL;
	json_int_t pid = 0;
	json_t *o;
	int err = -EBADMSG;

	o = json_loadb(body, len, 0, NULL);
	if (!o)
		return -EBADMSG;
	if (json_unpack(o, "{s:s, s:s, s?{s?I}, s?{s?s}}", "Id", &id, "Name", &name, "State", "Pid",
			&pid, "Config", "Image", &image) ||
	    !is_full_id(id))
		goto out;
	memcpy(c.id, id, sizeof(c.id));
	if (copy_string(c.name, sizeof(c.name), name + (name[0] == '/')))
		goto out;
	if (image)
		copy_string(c.image, sizeof(c.image), image);
	if (pid > 0 && pid <= INT32_MAX)
		c.pid = (pid_t)pid;
	*ret = c;
	err = 0;
out:
	json_decref(o);
	return err;
}

/* What Docker allows in names and ids; anything else would be read as part of the URL. */
static bool who_sane(const char *who)
{
	size_t len = strlen(who);

	return len > 0 && len <= WHO_MAX && who[0] != '.' &&
	       strspn(who, "abcdefghijklmnopqrstuvwxyz"
			   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == len;
}

static int set_options(CURL *curl, const char *url, int timeout_ms, struct answer *a)
{
	CURLcode rc = CURLE_OK;

#define SET(option, value)                                                                         \
	do {                                                                                       \
		if (rc == CURLE_OK)                                                                \
			rc = http.setopt(curl, option, value);                                     \
	} while (0)
	SET(CURLOPT_UNIX_SOCKET_PATH, base_docker_socket());
	SET(CURLOPT_URL, url);
	SET(CURLOPT_PROXY, ""); /* http_proxy in the environment is not meant for us */
	SET(CURLOPT_PROTOCOLS_STR, "http");
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_TIMEOUT_MS, (long)timeout_ms);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)timeout_ms);
	SET(CURLOPT_BUFFERSIZE, 4096L);
	SET(CURLOPT_MAXFILESIZE, (long)ANSWER_MAX);
	SET(CURLOPT_WRITEFUNCTION, take_body);
	SET(CURLOPT_WRITEDATA, a);
#undef SET
	return rc == CURLE_OK ? 0 : -ENOMEM;
}

/* The engine's answer to GET url. -ENOTCONN also when it is too slow. */
static int ask(const char *url, int timeout_ms, struct answer *a)
{
	long status = 0;
	CURLcode rc;
	CURL *curl;
	int err;

	err = open_library();
	if (err)
		return err;
	curl = http.init();
	if (!curl)
		return -ENOMEM;
	err = set_options(curl, url, timeout_ms, a);
	if (!err) {
		rc = http.perform(curl);
		http.getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
		if (rc == CURLE_WRITE_ERROR || rc == CURLE_FILESIZE_EXCEEDED ||
		    rc == CURLE_WEIRD_SERVER_REPLY || rc == CURLE_UNSUPPORTED_PROTOCOL)
			err = -EBADMSG;
		else if (rc != CURLE_OK)
			err = -ENOTCONN;
		else if (status == 404)
			err = -ENOENT;
		else if (status != 200)
			err = -EBADMSG;
	}
	http.cleanup(curl);
	return err;
}

/* The line of cgroup2 in /proc/PID/cgroup: `0::/path`. */
static void fill_cgroup(struct discovery_container *c)
{
	_free_ char *text = NULL;
	char path[32], *line, *end;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", c->pid);
	if (base_read_file(path, 65536, &text, &len))
		return;
	line = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");
	if (!line)
		return;
	line += strcspn(line, "/");
	end = line + strcspn(line, "\n");
	if ((size_t)(end - line) >= sizeof(c->cgroup))
		return;
	memcpy(c->cgroup, line, (size_t)(end - line));
	c->cgroup[end - line] = '\0';
}

int discovery_docker_inspect(const char *who, int timeout_ms, struct discovery_container *ret)
{
	struct discovery_container c;
	struct answer a = { 0 };
	char url[WHO_MAX + 64];
	int err;

	if (*who == '/')
		who++;
	if (!who_sane(who))
		return -ENOENT;
	snprintf(url, sizeof(url), "http://docker/containers/%s/json", who);
	err = ask(url, timeout_ms, &a);
	if (!err)
		err = discovery_docker_parse(a.body ? a.body : "", a.len, &c);
	free(a.body);
	if (err)
		return err;
	if (c.pid)
		fill_cgroup(&c);
	*ret = c;
	return 0;
}
