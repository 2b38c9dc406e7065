// SPDX-License-Identifier: GPL-2.0-only
/*
 * A flood at a glance: a row of bars for each verdict, all to one scale, and the level below. A
 * column is the same time in every row. Blocks where the terminal knows them, ASCII elsewhere.
 */
#include <langinfo.h>
#include <stdio.h>
#include <string.h>

#include "user/base/table.h"
#include "user/base/text.h"
#include "user/cli/replay.h"

#define COLUMNS_MAX 100
#define MARGIN	    10
#define STEPS	    8

static const char *const blocks[STEPS + 1] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
static const char *const letters[STEPS + 1] = { " ", ".", ":", "-", "=", "+", "*", "%", "#" };

struct picture {
	unsigned int columns, bins; /* bins a column */
	__u64 packets[COLUMNS_MAX][FW_V_MAX];
	__u32 level[COLUMNS_MAX];
	__u64 most; /* packets of one verdict in one column */
};

static void collect(const struct fw_replay_tally *t, int width, struct picture *p)
{
	unsigned int room =
		width - MARGIN - 1 < COLUMNS_MAX ? (unsigned int)(width - MARGIN - 1) : COLUMNS_MAX;

	memset(p, 0, sizeof(*p));
	p->bins = (t->bins + room - 1) / room;
	p->most = 1;
	for (unsigned int b = 0; b < t->bins; b++) {
		unsigned int column = b / p->bins;
		__u32 level = fw_tally_level(t, b);

		p->columns = column + 1;
		p->level[column] = level > p->level[column] ? level : p->level[column];
		for (int v = 0; v < FW_V_MAX; v++) {
			p->packets[column][v] += t->bin[b][v];
			if (p->packets[column][v] > p->most)
				p->most = p->packets[column][v];
		}
	}
}

static void bars(const struct picture *p, int verdict, const char *name, enum fw_style style)
{
	const char *const *glyph = strcmp(nl_langinfo(CODESET), "UTF-8") ? letters : blocks;

	printf("%-*s%s", MARGIN, name, fw_table_style(stdout, style));
	for (unsigned int c = 0; c < p->columns; c++) {
		__u64 n = p->packets[c][verdict];

		/* Rounded up: what there was is seen. */
		fputs(glyph[(n * STEPS + p->most - 1) / p->most], stdout);
	}
	printf("%s\n", fw_table_style(stdout, FW_STYLE_NONE));
}

static void levels(const struct picture *p)
{
	static const enum fw_style style[FW_LEVEL_MAX] = { FW_STYLE_DIM, FW_STYLE_WARN,
							   FW_STYLE_BAD };
	static const char glyph[FW_LEVEL_MAX] = { '.', 'g', 'S' };

	printf("%-*s", MARGIN, "level");
	for (unsigned int c = 0; c < p->columns; c++)
		printf("%s%c%s", fw_table_style(stdout, style[p->level[c]]), glyph[p->level[c]],
		       fw_table_style(stdout, FW_STYLE_NONE));
	putchar('\n');
}

void fw_replay_picture(const struct fw_replay_tally *t, int width)
{
	char from[FW_REPLAY_TIME_LEN], to[FW_REPLAY_TIME_LEN], rate[FW_TEXT_LEN];
	struct picture p;
	double seconds;
	int gap;

	if (!t->packets || width < MARGIN + 10)
		return;
	collect(t, width, &p);
	seconds = (double)(p.bins * t->bin_ns) / 1e9;
	bars(&p, FW_V_PASS, "passed", FW_STYLE_GOOD);
	if (t->verdict[FW_V_DROP].packets)
		bars(&p, FW_V_DROP, "dropped", FW_STYLE_BAD);
	if (t->verdict[FW_V_TX].packets)
		bars(&p, FW_V_TX, "answered", FW_STYLE_WARN);
	if (t->changes)
		levels(&p);
	fw_replay_put_time(from, sizeof(from), t->begin_ns, false);
	fw_replay_put_time(to, sizeof(to), t->end_ns, false);
	gap = (int)p.columns - (int)strlen(from) - (int)strlen(to);
	printf("%*s%s%*s%s\n", MARGIN, "", from, gap > 1 ? gap : 2, "", to);
	fw_text_put_about(rate, sizeof(rate), (double)p.most / seconds);
	printf("%*sa column is %g s, a full one %s packets/s%s\n", MARGIN, "", seconds, rate,
	       t->changes ? "; level: . calm, g guarded, S siege" : "");
}
