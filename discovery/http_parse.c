// SPDX-License-Identifier: GPL-2.0-only
/*
 * RFC 9112, an answer: status line, header fields, and a body whose end is told by its chunks
 * (section 7.1), by Content-Length, or by the end of the connection (section 6.3, in this order).
 * Strict where two readers could disagree: both at once, two lengths, folded lines are refused.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "discovery/http_parse.h"

#define LENGTH_MAX (UINT64_MAX / 32)

/* `HTTP/1.1 200 OK`: section 4 */
static int status_line(struct http_answer *a)
{
	const char *s = a->line;
	size_t i;

	if (strncmp(s, "HTTP/1.", 7) != 0 || (s[7] != '0' && s[7] != '1') || s[8] != ' ')
		return -EBADMSG;
	a->status = 0;
	for (i = 9; i < 12; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -EBADMSG;
		a->status = a->status * 10 + (s[i] - '0');
	}
	if ((s[12] && s[12] != ' ') || a->status < 100)
		return -EBADMSG;
	a->at = HTTP_HEADER;
	return 0;
}

static int number(const char *s, unsigned int base, const char *end, uint64_t *ret)
{
	static const char digits[] = "0123456789abcdef";
	uint64_t n = 0;
	const char *d;
	size_t i;

	for (i = 0; s[i] && !strchr(end, s[i]); i++) {
		d = memchr(digits, s[i] >= 'A' && s[i] <= 'F' ? s[i] + 32 : s[i], base);
		if (!d || n > LENGTH_MAX)
			return -EBADMSG;
		n = n * base + (uint64_t)(d - digits);
	}
	if (!i)
		return -EBADMSG;
	*ret = n;
	return 0;
}

/* What ends the body; other fields are nobody's matter here. */
static int header_line(struct http_answer *a)
{
	char *colon = strchr(a->line, ':'), *value;
	uint64_t n;
	size_t len;

	if (!colon || colon == a->line || a->line[0] == ' ' || a->line[0] == '\t')
		return -EBADMSG;
	*colon = '\0';
	value = colon + 1 + strspn(colon + 1, " \t");
	for (len = strlen(value); len && strchr(" \t", value[len - 1]); len--)
		value[len - 1] = '\0';
	if (strcasecmp(a->line, "transfer-encoding") == 0) {
		if (a->chunked || strcasecmp(value, "chunked") != 0)
			return -EBADMSG;
		a->chunked = true;
	} else if (strcasecmp(a->line, "content-length") == 0) {
		if (number(value, 10, "", &n) || (a->has_length && n != a->left))
			return -EBADMSG;
		a->has_length = true;
		a->left = n;
	}
	return a->chunked && a->has_length ? -EBADMSG : 0;
}

/* The empty line: what comes now? */
static void head_done(struct http_answer *a)
{
	if (a->status < 200) { /* 100 Continue: the answer is still to come */
		a->at = HTTP_STATUS;
		a->chunked = a->has_length = false;
		a->left = 0;
	} else if (a->status == 204 || a->status == 304 || (a->has_length && !a->left)) {
		a->at = HTTP_DONE;
	} else {
		a->at = a->chunked ? HTTP_SIZE : HTTP_BODY;
	}
}

static int line_done(struct http_answer *a)
{
	int err = 0;

	if (a->len && a->line[a->len - 1] == '\r')
		a->len--;
	a->line[a->len] = '\0';
	if (memchr(a->line, '\0', a->len))
		return -EBADMSG;
	switch (a->at) {
	case HTTP_STATUS: err = status_line(a); break;
	case HTTP_HEADER:
		if (a->len)
			err = header_line(a);
		else
			head_done(a);
		break;
	case HTTP_SIZE:
		a->head = 0;
		err = number(a->line, 16, "; \t", &a->left);
		a->at = a->left ? HTTP_BODY : HTTP_TRAILER;
		break;
	case HTTP_CRLF:
		err = a->len ? -EBADMSG : 0;
		a->at = HTTP_SIZE;
		break;
	case HTTP_TRAILER:
		if (!a->len)
			a->at = HTTP_DONE;
		break;
	default: break;
	}
	a->len = 0;
	return err;
}

static int line_byte(struct http_answer *a, char c)
{
	if (++a->head > HTTP_HEAD_MAX)
		return -EBADMSG;
	if (c == '\n')
		return line_done(a);
	if (a->len >= sizeof(a->line) - 1)
		return -EBADMSG;
	a->line[a->len++] = c;
	return 0;
}

int http_answer_feed(struct http_answer *a, const char *data, size_t len,
		     int (*take)(long status, const char *data, size_t len, void *ctx), void *ctx)
{
	int err = 0;
	size_t n;

	while (len && !err && a->at != HTTP_DONE) {
		n = 1;
		if (a->at != HTTP_BODY) {
			err = line_byte(a, *data);
		} else {
			n = (a->chunked || a->has_length) && a->left < len ? (size_t)a->left : len;
			err = take(a->status, data, n, ctx);
			if (a->chunked || a->has_length) {
				a->left -= n;
				if (!a->left)
					a->at = a->chunked ? HTTP_CRLF : HTTP_DONE;
			}
		}
		data += n;
		len -= n;
	}
	return err;
}

bool http_answer_whole(const struct http_answer *a)
{
	return a->at == HTTP_DONE || (a->at == HTTP_BODY && !a->chunked && !a->has_length);
}
