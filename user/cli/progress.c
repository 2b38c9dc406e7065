// SPDX-License-Identifier: GPL-2.0-only
/* The bar is drawn anew whenever it would show something else, at most a thousand times. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "user/cli/progress.h"

#define WIDTH 30

void fw_progress_begin(struct fw_progress *p, const char *what)
{
	p->what = what;
	p->shown = isatty(STDERR_FILENO) ? -1 : -2;
}

void fw_progress_step(void *arg, __u64 done, __u64 total)
{
	static const char full[] = "##############################";
	struct fw_progress *p = arg;
	int now, bar;

	if (p->shown == -2 || !total)
		return;
	now = done >= total ? 1000 : (int)((double)done * 1000 / (double)total);
	if (now == p->shown)
		return;
	p->shown = now;
	bar = now * WIDTH / 1000;
	fprintf(stderr, "\r%s [%-*.*s] %3d %%", p->what, WIDTH, bar, full, now / 10);
	fflush(stderr);
}

void fw_progress_end(struct fw_progress *p)
{
	if (p->shown >= 0)
		fputs("\r\033[K", stderr);
}
