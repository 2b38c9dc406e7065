// SPDX-License-Identifier: GPL-2.0-only
/*
 * Columns aligned over all rows, so a table is collected first and printed once. Widths count
 * characters, not bytes; styles never count.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "user/base/table.h"
#include "user/base/text.h"

#define WRAP_MIN 24 /* less room than that is no help */

struct cell {
	char *text;
	enum fw_style style;
};

struct fw_table {
	const struct fw_column *column;
	size_t columns;
	struct cell *cell;
	size_t cells;
	size_t room;
	bool failed; /* memory ran out on the way */
};

struct fw_table *fw_table_new(const struct fw_column *column, size_t n)
{
	struct fw_table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->column = column;
	table->columns = n;
	return table;
}

void fw_table_free(struct fw_table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->cells; i++)
		free(table->cell[i].text);
	free(table->cell);
	free(table);
}

/* Takes over text. */
static void cell_add(struct fw_table *table, enum fw_style style, char *text)
{
	struct cell *grown;

	if (!text)
		table->failed = true;
	if (!table->failed && table->cells == table->room) {
		size_t room = table->room ? table->room * 2 : 64;

		grown = reallocarray(table->cell, room, sizeof(*grown));
		table->failed = !grown;
		if (grown) {
			table->cell = grown;
			table->room = room;
		}
	}
	if (table->failed) {
		free(text);
		return;
	}
	fw_text_clean(text, strlen(text) + 1, text);
	table->cell[table->cells++] = (struct cell){ text, style };
}

__attribute__((format(printf, 1, 0))) static char *format(const char *fmt, va_list args)
{
	char *text;

	return vasprintf(&text, fmt, args) < 0 ? NULL : text;
}

void fw_table_cell(struct fw_table *table, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	cell_add(table, FW_STYLE_NONE, format(fmt, args));
	va_end(args);
}

void fw_table_cell_styled(struct fw_table *table, enum fw_style style, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	cell_add(table, style, format(fmt, args));
	va_end(args);
}

/* Characters of valid UTF-8. */
static int width(const char *text)
{
	int n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

int fw_table_width(FILE *out)
{
	struct winsize w;

	return ioctl(fileno(out), TIOCGWINSZ, &w) ? 0 : w.ws_col;
}

void fw_table_wrap(FILE *out, const char *text, int indent, int room)
{
	int used = 0;

	while (*text) {
		int bytes = (int)strcspn(text, " "), chars = 0;

		for (int i = 0; i < bytes; i++)
			chars += ((unsigned char)text[i] & 0xc0) != 0x80;
		if (used && room && used + 1 + chars > room) {
			fprintf(out, "\n%*s", indent, "");
			used = 0;
		}
		fprintf(out, "%s%.*s", used ? " " : "", bytes, text);
		used += chars + !!used;
		text += bytes;
		text += *text == ' ';
	}
	putc('\n', out);
}

/* What stands before and behind a cell's text: nothing, unless it has a style. */
static const char *before_text(FILE *out, const struct cell *cell)
{
	return cell->style == FW_STYLE_NONE ? "" : fw_table_style(out, cell->style);
}

static const char *behind_text(FILE *out, const struct cell *cell)
{
	return cell->style == FW_STYLE_NONE ? "" : fw_table_style(out, FW_STYLE_NONE);
}

static void text_print(FILE *out, const struct cell *cell, enum fw_align align, int room, bool last)
{
	int pad = room - width(cell->text);
	int before = align == FW_RIGHT ? pad : 0;
	int behind = align == FW_LEFT && !last ? pad : 0;

	fprintf(out, "%*s%s%s%s%*s%s", before, "", before_text(out, cell), cell->text,
		behind_text(out, cell), behind, "", last ? "\n" : "  ");
}

/* Where the last column begins, and its room on a narrow terminal; room 0: as it comes. */
struct tail {
	int indent, room;
};

static struct tail tail_of(const struct fw_table *table, const int *room, FILE *out)
{
	struct tail tail = { 0 };
	int line = fw_table_width(out);

	for (size_t i = 0; i + 1 < table->columns; i++)
		tail.indent += room[i] + 2;
	if (table->column[table->columns - 1].align == FW_LEFT && line - tail.indent >= WRAP_MIN)
		tail.room = line - tail.indent;
	return tail;
}

/* n cells, up to the last that is not empty, so that no line ends in blanks. */
static void row_print(const struct fw_table *table, const struct cell *cell, size_t n,
		      const int *room, struct tail tail, FILE *out)
{
	bool wrap;

	while (n > 1 && !cell[n - 1].text[0])
		n--;
	wrap = n == table->columns && tail.room && width(cell[n - 1].text) > tail.room;
	for (size_t i = 0; i < n - wrap; i++)
		text_print(out, &cell[i], table->column[i].align, room[i], i + 1 == n);
	if (!wrap)
		return;
	fputs(before_text(out, &cell[n - 1]), out);
	fw_table_wrap(out, cell[n - 1].text, tail.indent, tail.room);
	fputs(behind_text(out, &cell[n - 1]), out);
}

static void head_print(const struct fw_table *table, const int *room, FILE *out)
{
	for (size_t i = 0; i < table->columns; i++) {
		struct cell title = { (char *)table->column[i].title, FW_STYLE_HEAD };

		text_print(out, &title, table->column[i].align, room[i], i + 1 == table->columns);
	}
}

int fw_table_print(const struct fw_table *table, FILE *out)
{
	bool head = false;
	struct tail tail;
	int *room;

	if (table->failed)
		return -ENOMEM;
	room = calloc(table->columns, sizeof(*room));
	if (!room)
		return -ENOMEM;
	for (size_t i = 0; i < table->columns; i++) {
		room[i] = width(table->column[i].title);
		head |= room[i] > 0;
	}
	for (size_t i = 0; i < table->cells; i++) {
		int w = width(table->cell[i].text);

		if (w > room[i % table->columns])
			room[i % table->columns] = w;
	}
	tail = tail_of(table, room, out);
	if (head)
		head_print(table, room, out);
	for (size_t i = 0; i < table->cells; i += table->columns) {
		size_t left = table->cells - i;

		row_print(table, table->cell + i, left < table->columns ? left : table->columns,
			  room, tail, out);
	}
	free(room);
	return ferror(out) ? -EIO : 0;
}

static enum fw_colour colour_wish = FW_COLOUR_AUTO;

void fw_table_colour_wish(enum fw_colour wish)
{
	colour_wish = wish;
}

bool fw_table_colour(FILE *out)
{
	const char *no_color = getenv("NO_COLOR"); /* no-color.org: set and not empty */
	const char *term = getenv("TERM");

	if (colour_wish != FW_COLOUR_AUTO)
		return colour_wish == FW_COLOUR_ALWAYS;
	return isatty(fileno(out)) && !(no_color && *no_color) && !(term && !strcmp(term, "dumb"));
}

const char *fw_table_style(FILE *out, enum fw_style style)
{
	static const char *const code[] = {
		[FW_STYLE_NONE] = "\033[0m",  [FW_STYLE_GOOD] = "\033[32m",
		[FW_STYLE_WARN] = "\033[33m", [FW_STYLE_BAD] = "\033[31m",
		[FW_STYLE_DIM] = "\033[2m",   [FW_STYLE_HEAD] = "\033[1m",
	};

	return fw_table_colour(out) ? code[style] : "";
}
