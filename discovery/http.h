/* SPDX-License-Identifier: GPL-2.0-only */
/* Inside room discovery: HTTP, bounded in time and size, over a unix socket or to an address. */
#ifndef BPFGUARD_DISCOVERY_HTTP_H
#define BPFGUARD_DISCOVERY_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct discovery_http {
	const char *url;
	const char *unix_socket;     /* NULL: to the address in the URL */
	bool post;		     /* with an empty body */
	int timeout_ms;		     /* of all of it; 0: a stream, bounded until it begins */
	const char *user, *password; /* NULL: none */
	const char *header;	     /* one more line, or NULL */
	const volatile bool *stop;   /* looked at every second; NULL: none */
	/* What comes, as it comes; nonzero ends it and is what discovery_http() returns. */
	int (*take)(long status, const char *data, size_t len, void *ctx);
	void *ctx;
};

/*
 * 0 with *ret_status, or -ENOTCONN (nobody answers, or not in time), -EACCES (the socket may not be
 * used), -EBADMSG (not HTTP), -ECANCELED (stop), take's value. Redirects are answers like others.
 */
int discovery_http(const struct discovery_http *h, long *ret_status);

struct discovery_body {
	char *data; /* malloc'ed, with a NUL behind it; NULL: nothing came */
	size_t len, max;
};
/* The whole answer into body; -EBADMSG above max. h->take and h->ctx are not used. */
int discovery_http_body(const struct discovery_http *h, struct discovery_body *body,
			long *ret_status);

/* Docker's rule for names and ids; anything else would be read as part of the URL. */
bool discovery_docker_name_sane(const char *who);

#endif /* BPFGUARD_DISCOVERY_HTTP_H */
