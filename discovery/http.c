// SPDX-License-Identifier: GPL-2.0-only
/*
 * libcurl is opened when it is first needed. It brings some twenty libraries (5 MB resident), more
 * than all the rest of a log service that may never meet a container.
 */
#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/base.h"
#include "discovery/http.h"

#define BEGIN_MS 10000 /* until a stream begins */

static struct {
	__typeof__(curl_global_init) *global_init;
	__typeof__(curl_easy_init) *init;
	__typeof__(curl_easy_setopt) *setopt;
	__typeof__(curl_easy_perform) *perform;
	__typeof__(curl_easy_getinfo) *getinfo;
	__typeof__(curl_easy_cleanup) *cleanup;
	__typeof__(curl_slist_append) *append;
	__typeof__(curl_slist_free_all) *free_list;
} http;

static int library_state = -ENOTCONN;

static void open_library(void)
{
	void *lib = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);

	if (!lib)
		return;
	http.global_init = dlsym(lib, "curl_global_init");
	http.init = dlsym(lib, "curl_easy_init");
	http.setopt = dlsym(lib, "curl_easy_setopt");
	http.perform = dlsym(lib, "curl_easy_perform");
	http.getinfo = dlsym(lib, "curl_easy_getinfo");
	http.cleanup = dlsym(lib, "curl_easy_cleanup");
	http.append = dlsym(lib, "curl_slist_append");
	http.free_list = dlsym(lib, "curl_slist_free_all");
	if (!http.global_init || !http.init || !http.setopt || !http.perform || !http.getinfo ||
	    !http.cleanup || !http.append || !http.free_list)
		return;
	/* No TLS is ever used. */
	library_state = http.global_init(CURL_GLOBAL_NOTHING) ? -ENOMEM : 0;
}

struct transfer {
	const struct discovery_http *h;
	CURL *curl;
	uint64_t began_ns;
	bool answered;
	int verdict; /* of take, or why it was broken off */
};

static size_t on_header(char *data, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;

	(void)data;
	t->answered = true;
	return size * n;
}

static size_t on_data(char *data, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;
	long status = 0;

	http.getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
	t->verdict = t->h->take(status, data, size * n, t->h->ctx);
	/* Less taken than offered: libcurl gives up. */
	return t->verdict ? CURL_WRITEFUNC_ERROR : size * n;
}

/* libcurl calls this at least once a second, also while nothing comes. */
static int on_second(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	struct transfer *t = ctx;

	(void)a;
	(void)b;
	(void)c;
	(void)d;
	if (t->h->stop && *t->h->stop)
		t->verdict = -ECANCELED;
	else if (!t->h->timeout_ms && !t->answered &&
		 base_now_ns(CLOCK_MONOTONIC) - t->began_ns > BEGIN_MS * 1000000ull)
		t->verdict = -ENOTCONN;
	return t->verdict != 0;
}

static int set_options(CURL *curl, const struct discovery_http *h, struct transfer *t,
		       struct curl_slist *headers)
{
	long connect_ms = h->timeout_ms ? h->timeout_ms : BEGIN_MS;
	CURLcode rc = CURLE_OK;

#define SET(option, value)                                                                         \
	do {                                                                                       \
		if (rc == CURLE_OK)                                                                \
			rc = http.setopt(curl, option, value);                                     \
	} while (0)
	if (h->unix_socket)
		SET(CURLOPT_UNIX_SOCKET_PATH, h->unix_socket);
	SET(CURLOPT_URL, h->url);
	SET(CURLOPT_PROXY, ""); /* http_proxy in the environment is not meant for us */
	SET(CURLOPT_PROTOCOLS_STR, "http");
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_TIMEOUT_MS, (long)h->timeout_ms);
	SET(CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
	SET(CURLOPT_BUFFERSIZE, 4096L);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, t);
	SET(CURLOPT_WRITEFUNCTION, on_data);
	SET(CURLOPT_WRITEDATA, t);
	SET(CURLOPT_NOPROGRESS, 0L);
	SET(CURLOPT_XFERINFOFUNCTION, on_second);
	SET(CURLOPT_XFERINFODATA, t);
	if (h->post) {
		SET(CURLOPT_POST, 1L);
		SET(CURLOPT_POSTFIELDSIZE, 0L);
		SET(CURLOPT_POSTFIELDS, "");
	}
	if (h->user) {
		SET(CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		SET(CURLOPT_USERNAME, h->user);
		SET(CURLOPT_PASSWORD, h->password);
	}
	if (headers)
		SET(CURLOPT_HTTPHEADER, headers);
#undef SET
	return rc == CURLE_OK ? 0 : -ENOMEM;
}

static int as_errno(const struct transfer *t, CURLcode rc)
{
	long os_errno = 0;

	if (t->verdict)
		return t->verdict;
	switch (rc) {
	case CURLE_OK: return 0;
	case CURLE_WRITE_ERROR:
	case CURLE_FILESIZE_EXCEEDED:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_UNSUPPORTED_PROTOCOL: return -EBADMSG;
	default: break;
	}
	http.getinfo(t->curl, CURLINFO_OS_ERRNO, &os_errno);
	return rc == CURLE_COULDNT_CONNECT && os_errno == EACCES ? -EACCES : -ENOTCONN;
}

static int perform(const struct discovery_http *h, CURL *curl, long *ret_status)
{
	struct transfer t = { .h = h, .curl = curl, .began_ns = base_now_ns(CLOCK_MONOTONIC) };
	struct curl_slist *headers = NULL;
	long status = 0;
	int err;

	if (h->header) {
		headers = http.append(NULL, h->header);
		if (!headers)
			return -ENOMEM;
	}
	err = set_options(curl, h, &t, headers);
	if (!err)
		err = as_errno(&t, http.perform(curl));
	http.getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	http.free_list(headers);
	if (!err)
		*ret_status = status;
	return err;
}

int discovery_http(const struct discovery_http *h, long *ret_status)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	CURL *curl;
	int err;

	pthread_once(&once, open_library);
	if (library_state)
		return library_state;
	curl = http.init();
	if (!curl)
		return -ENOMEM;
	err = perform(h, curl, ret_status);
	http.cleanup(curl);
	return err;
}

static int take_body(long status, const char *data, size_t len, void *ctx)
{
	struct discovery_body *b = ctx;
	char *grown;

	(void)status;
	if (len > b->max - b->len)
		return -EBADMSG;
	grown = realloc(b->data, b->len + len + 1);
	if (!grown)
		return -ENOMEM;
	memcpy(grown + b->len, data, len);
	b->data = grown;
	b->len += len;
	grown[b->len] = '\0';
	return 0;
}

int discovery_http_body(const struct discovery_http *h, struct discovery_body *body,
			long *ret_status)
{
	struct discovery_http all = *h;
	int err;

	all.take = take_body;
	all.ctx = body;
	body->data = NULL;
	body->len = 0;
	err = discovery_http(&all, ret_status);
	if (err) {
		free(body->data);
		body->data = NULL;
		body->len = 0;
	}
	return err;
}
