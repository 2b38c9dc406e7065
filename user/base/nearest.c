// SPDX-License-Identifier: GPL-2.0-only
/* Which word was meant: edit distance with swaps of neighbours, the commonest slip of tired hands.
 */
#include <string.h>

#include "user/base/nearest.h"

#define WORD_MAX 24

static int least(int a, int b)
{
	return a < b ? a : b;
}

/* Optimal string alignment distance; words longer than WORD_MAX are never near. */
static int distance(const char *a, const char *b)
{
	int d[WORD_MAX + 1][WORD_MAX + 1];
	size_t la = strlen(a), lb = strlen(b);

	if (la > WORD_MAX || lb > WORD_MAX)
		return WORD_MAX;
	for (size_t i = 0; i <= la; i++)
		d[i][0] = (int)i;
	for (size_t j = 0; j <= lb; j++)
		d[0][j] = (int)j;
	for (size_t i = 1; i <= la; i++) {
		for (size_t j = 1; j <= lb; j++) {
			int differ = a[i - 1] != b[j - 1];

			d[i][j] = least(least(d[i - 1][j], d[i][j - 1]) + 1,
					d[i - 1][j - 1] + differ);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
		}
	}
	return d[la][lb];
}

const char *fw_nearest_word(const char *word, const char *const *words, size_t count)
{
	size_t len = strlen(word);
	const char *best = NULL;
	int best_distance = len < 4 ? 1 : 2;

	for (size_t i = 0; i < count; i++) {
		int d = distance(word, words[i]);

		if (d > best_distance || (best && d == best_distance))
			continue;
		best = words[i];
		best_distance = d;
	}
	/* An abbreviation is not accepted, but it is understood. */
	for (size_t i = 0; !best && len >= 2 && i < count; i++)
		if (words[i] && !strncmp(word, words[i], len))
			best = words[i];
	return best;
}
