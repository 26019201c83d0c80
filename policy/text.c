// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bytes to text. A policy must read the same to a person, to an editor and to us, so characters
 * that hide, reorder or break lines are refused before YAML sees them.
 */
#include <stdlib.h>
#include <string.h>

#include "policy/internal.h"

/* Length of the UTF-8 character at s and its code point; 0: not UTF-8 (RFC 3629, section 4). */
static size_t utf8_next(const unsigned char *s, size_t left, uint32_t *ret)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len;
	uint32_t cp;

	if (s[0] < 0x80) {
		*ret = s[0];
		return 1;
	}
	if ((s[0] & 0xe0) == 0xc0) {
		len = 2;
		cp = s[0] & 0x1f;
	} else if ((s[0] & 0xf0) == 0xe0) {
		len = 3;
		cp = s[0] & 0x0f;
	} else if ((s[0] & 0xf8) == 0xf0) {
		len = 4;
		cp = s[0] & 0x07;
	} else {
		return 0;
	}
	if (len > left)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		cp = cp << 6 | (s[i] & 0x3f);
	}
	if (cp < smallest[len] || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		return 0;
	*ret = cp;
	return len;
}

/* Controls, line and paragraph separators, text direction marks, byte order marks. */
static bool hidden(uint32_t cp)
{
	return cp < 0x20 || (cp >= 0x7f && cp <= 0x9f) || (cp >= 0x200b && cp <= 0x200f) ||
	       (cp >= 0x2028 && cp <= 0x202e) || (cp >= 0x2060 && cp <= 0x2069) || cp == 0xfeff ||
	       cp == 0xfffe || cp == 0xffff;
}

uint32_t text_forbidden(const char *text, size_t len)
{
	uint32_t cp;

	for (size_t i = 0, step; i < len; i += step) {
		step = utf8_next((const unsigned char *)text + i, len - i, &cp);
		if (!step)
			return 0xfffd;
		if (cp == 0)
			return 0xffff; /* 0 stands for none */
		if (hidden(cp))
			return cp;
	}
	return 0;
}

/*
 * Two kinds end the reading: after a NUL or a byte that is not UTF-8 nothing can be trusted to be
 * text. The others are reported one by one. A tab among spaces between words leaves the meaning
 * clear, so the rest is still checked; one in the indentation does not.
 */
bool text_check(struct parse *c, const char *text, size_t len, char **ret_copy)
{
	struct policy_pos pos = { 1, 1 };
	bool readable = true, indent = true, tab_seen = false;
	char *copy;

	if (len > POLICY_MAX_BYTES) {
		err_add(c, pos, "split it, or list fewer, larger networks",
			"the file is larger than %u bytes", POLICY_MAX_BYTES);
		return false;
	}
	copy = malloc(len + 1);
	if (!copy) {
		c->nomem = true;
		return false;
	}
	for (size_t i = 0, step; i < len; i += step) {
		const unsigned char *s = (const unsigned char *)text + i;
		uint32_t cp;

		step = utf8_next(s, len - i, &cp);
		if (!step) {
			err_add(c, pos, "save the file as UTF-8", "byte 0x%02x is not UTF-8", *s);
			readable = false;
			break;
		}
		if (cp == 0) {
			err_add(c, pos, "a policy is a text file; remove the byte",
				"there is a NUL byte");
			readable = false;
			break;
		}
		memcpy(copy + i, s, step);
		if (cp == '\n' || (cp == '\r' && i + 1 < len && s[1] == '\n')) {
			if (cp == '\n') {
				pos = (struct policy_pos){ pos.line + 1, 1 };
				indent = true;
				tab_seen = false;
			}
			continue;
		}
		if (cp == '\t') {
			if (!tab_seen)
				err_add(c, pos, "use spaces", "there is a tab");
			tab_seen = true;
			readable = readable && !indent;
			copy[i] = ' ';
		} else if (cp == 0xfeff && i == 0) {
			err_add(c, pos, "save the file as UTF-8 without it",
				"the file starts with a byte order mark");
			readable = false;
		} else if (hidden(cp)) {
			err_add(c, pos, "remove it", "there is a control character, U+%04X", cp);
			readable = false;
		}
		indent = indent && (cp == ' ' || cp == '\t');
		pos.column++;
	}
	if (!readable) {
		free(copy);
		return false;
	}
	copy[len] = '\0';
	*ret_copy = copy;
	return true;
}
