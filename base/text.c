/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Outside text made safe to show.
 */
#include <string.h>

#include "base/base.h"

/*
 * Bytes of the well-formed UTF-8 sequence at p, or 0 (RFC 3629: no overlong form, no surrogate,
 * nothing above U+10FFFF).
 */
static size_t utf8_len(const uint8_t *p, size_t left)
{
	uint32_t cp;
	size_t n;

	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		n = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		n = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (n > left)
		return 0;
	cp = p[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		cp = cp << 6 | (p[i] & 0x3f);
	}
	if ((n == 3 && cp < 0x800) || (n == 4 && (cp < 0x10000 || cp > 0x10ffff)))
		return 0;
	if (cp >= 0xd800 && cp <= 0xdfff)
		return 0;
	return n;
}

/*
 * U+0080..U+009F are control characters too, and the bidirectional marks (U+202A..E, U+2066..9,
 * U+200E/F) and line separators (U+2028/9) can make a line read as something else.
 */
static bool utf8_harmful(const uint8_t *p, size_t n)
{
	if (n == 1)
		return p[0] < 0x20 || p[0] == 0x7f;
	if (n == 2)
		return p[0] == 0xc2 && p[1] < 0xa0;
	if (n == 3 && p[0] == 0xe2 && p[1] == 0x80)
		return p[2] == 0x8e || p[2] == 0x8f || (p[2] >= 0xa8 && p[2] <= 0xae);
	if (n == 3 && p[0] == 0xe2 && p[1] == 0x81)
		return p[2] >= 0xa6 && p[2] <= 0xa9;
	return false;
}

char *base_sanitize(char *dst, size_t size, const char *src, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	const uint8_t *p = (const uint8_t *)src;
	size_t out = 0;

	if (size == 0)
		return dst;
	while (len > 0) {
		size_t n = utf8_len(p, len);
		bool escape = n == 0 || utf8_harmful(p, n);

		if (n == 0)
			n = 1;
		/* Whole characters and whole escapes only: a cut one would be what we prevent. */
		if (out + (escape ? 4 * n : n) >= size)
			break;
		for (size_t i = 0; i < n; i++) {
			if (escape) {
				dst[out++] = '\\';
				dst[out++] = 'x';
				dst[out++] = hex[p[i] >> 4];
				dst[out++] = hex[p[i] & 15];
			} else {
				dst[out++] = (char)p[i];
			}
		}
		p += n;
		len -= n;
	}
	dst[out] = '\0';
	return dst;
}
