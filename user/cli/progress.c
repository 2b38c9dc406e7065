// SPDX-License-Identifier: GPL-2.0-only
/* The bar is drawn anew whenever it would show something else, at most a thousand times; with a
 * count behind it, whenever it is told. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "user/base/text.h"
#include "user/cli/progress.h"

#define WIDTH 30

void fw_progress_begin(struct fw_progress *p, const char *what)
{
	p->what = what;
	p->shown = isatty(STDERR_FILENO) ? -1 : -2;
}

static void draw(const struct fw_progress *p, const char *tail)
{
	static const char full[] = "##############################";

	fprintf(stderr, "\r%s [%-*.*s] %3d %%%s", p->what, WIDTH, p->shown * WIDTH / 1000, full,
		p->shown / 10, tail);
	fflush(stderr);
}

void fw_progress_step(void *arg, __u64 done, __u64 total)
{
	struct fw_progress *p = arg;
	int now;

	if (p->shown == -2 || !total)
		return;
	now = done >= total ? 1000 : (int)((double)done * 1000 / (double)total);
	if (now == p->shown)
		return;
	p->shown = now;
	draw(p, "");
}

void fw_progress_packets(struct fw_progress *p, double part, __u64 packets)
{
	char about[FW_TEXT_LEN], tail[FW_TEXT_LEN + 16];

	if (p->shown == -2)
		return;
	p->shown = part > 0 ? (int)((part < 1 ? part : 1) * 1000) : 0;
	snprintf(tail, sizeof(tail), ", %s packets ",
		 fw_text_put_about(about, sizeof(about), (double)packets));
	if (part >= 0) {
		draw(p, tail);
		return;
	}
	fprintf(stderr, "\r%s%s", p->what, tail);
	fflush(stderr);
}

void fw_progress_end(struct fw_progress *p)
{
	if (p->shown >= 0)
		fputs("\r\033[K", stderr);
}
