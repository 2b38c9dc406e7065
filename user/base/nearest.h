/* SPDX-License-Identifier: GPL-2.0-only */
/* Which of the known words was meant by an unknown one. Pure. */
#ifndef FW_BASE_NEAREST_H
#define FW_BASE_NEAREST_H

#include <stddef.h>

/* The nearest of `count` words to `word` by edit distance, or NULL when none is near. */
const char *fw_nearest_word(const char *word, const char *const *words, size_t count);

#endif
