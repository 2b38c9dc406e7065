/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Aligned columns for people. Cells are filled left to right, row by row; numbers stand
 * right-aligned. Colour only where a terminal shows it and NO_COLOR is not set. Lack of memory is
 * remembered and reported once, by fw_table_print.
 */
#ifndef FW_TABLE_H
#define FW_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum fw_align { FW_LEFT, FW_RIGHT };
enum fw_style {
	FW_STYLE_NONE,
	FW_STYLE_GOOD,
	FW_STYLE_WARN,
	FW_STYLE_BAD,
	FW_STYLE_DIM,
	FW_STYLE_HEAD
};

struct fw_column {
	const char *title; /* "" in all columns: no head line */
	enum fw_align align;
};

struct fw_table;

/* column: n of them, must outlive the table. NULL: no memory. */
struct fw_table *fw_table_new(const struct fw_column *column, size_t n);
void fw_table_free(struct fw_table *table);

/* The next cell; after the last column a new row begins. Control characters come out as '?'. */
void fw_table_cell(struct fw_table *table, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* The same with a style, shown only in colour. */
void fw_table_cell_styled(struct fw_table *table, enum fw_style style, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Prints head and rows with two spaces between columns and none at the end of a line. On a terminal
 * that is too narrow, a last column of text goes on in the lines below. 0, -ENOMEM, -EIO.
 */
int fw_table_print(const struct fw_table *table, FILE *out);

/* Characters in a line of out; 0: it is no terminal. */
int fw_table_width(FILE *out);

/* Words and a newline; lines behind the first begin with `indent` blanks. room: characters behind
 * these, 0: no limit. A word that is longer stays whole. */
void fw_table_wrap(FILE *out, const char *text, int indent, int room);

/* What the user said about colour; asked once, before anything is printed. */
enum fw_colour { FW_COLOUR_AUTO, FW_COLOUR_ALWAYS, FW_COLOUR_NEVER };
void fw_table_colour_wish(enum fw_colour wish);

/* Whether out is a terminal that wants colour (not NO_COLOR, not TERM=dumb). */
bool fw_table_colour(FILE *out);

/* Escape sequence that begins a style on out, or "" ; FW_STYLE_NONE ends it. */
const char *fw_table_style(FILE *out, enum fw_style style);

#endif
