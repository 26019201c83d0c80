/* SPDX-License-Identifier: GPL-2.0-only */
/* Inside room discovery: an answer of HTTP/1.0 or 1.1 (RFC 9112), as its bytes come. */
#ifndef BPFGUARD_DISCOVERY_HTTP_PARSE_H
#define BPFGUARD_DISCOVERY_HTTP_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_LINE_MAX 4096  /* of the head and of a chunk's size */
#define HTTP_HEAD_MAX 32768 /* all lines before the body */

struct http_answer {
	enum {
		HTTP_STATUS,
		HTTP_HEADER,
		HTTP_BODY,
		HTTP_SIZE,
		HTTP_CRLF,
		HTTP_TRAILER,
		HTTP_DONE
	} at;
	long status;
	bool chunked, has_length;
	uint64_t left; /* of the body, or of its chunk */
	size_t head, len;
	char line[HTTP_LINE_MAX];
};

/*
 * Takes bytes; what is body goes to take, whose nonzero value ends it and is returned. -EBADMSG:
 * not HTTP. a->at is HTTP_DONE when the answer is whole; what follows it is not looked at.
 */
int http_answer_feed(struct http_answer *a, const char *data, size_t len,
		     int (*take)(long status, const char *data, size_t len, void *ctx), void *ctx);
/* The connection has ended: is the answer whole? */
bool http_answer_whole(const struct http_answer *a);

#endif /* BPFGUARD_DISCOVERY_HTTP_PARSE_H */
