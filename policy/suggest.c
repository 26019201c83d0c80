// SPDX-License-Identifier: GPL-2.0-only
/* What a misspelt word was meant to be. */
#include <string.h>

#include "policy/internal.h"

#define MAX_WORD 32

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

static char lower(char ch)
{
	if (ch >= 'A' && ch <= 'Z')
		return (char)(ch - 'A' + 'a');
	return ch == '-' ? '_' : ch;
}

/* Insertions, deletions, replacements and swaps of neighbours that turn a into b. */
static size_t distance(const char *a, size_t la, const char *b, size_t lb)
{
	size_t d[MAX_WORD + 1][MAX_WORD + 1];

	for (size_t i = 0; i <= la; i++)
		d[i][0] = i;
	for (size_t j = 0; j <= lb; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= la; i++) {
		for (size_t j = 1; j <= lb; j++) {
			char ca = lower(a[i - 1]), cb = lower(b[j - 1]);

			d[i][j] = min3(d[i - 1][j] + 1, d[i][j - 1] + 1,
				       d[i - 1][j - 1] + (ca != cb));
			if (i > 1 && j > 1 && ca == lower(b[j - 2]) && lower(a[i - 2]) == cb &&
			    d[i - 2][j - 2] + 1 < d[i][j])
				d[i][j] = d[i - 2][j - 2] + 1;
		}
	}
	return d[la][lb];
}

/* One slip in a short word, more in a long one; or a beginning of at least three letters. */
const char *policy_suggest(const char *word, const char *const *candidates, size_t n)
{
	size_t len = strlen(word), best = MAX_WORD;
	const char *ret = NULL;

	if (!len || len > MAX_WORD)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		size_t clen = strlen(candidates[i]), longer = len > clen ? len : clen, d;

		if (clen > MAX_WORD)
			continue;
		d = distance(word, len, candidates[i], clen);
		if (len >= 3 && len < clen && !strncmp(word, candidates[i], len))
			d = 1;
		if (d < longer && d <= (longer + 2) / 4 + (longer > 2) && d < best) {
			best = d;
			ret = candidates[i];
		}
	}
	return ret;
}
