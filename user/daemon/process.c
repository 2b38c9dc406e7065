// SPDX-License-Identifier: GPL-2.0-only
/* getrusage, and three files of /proc/self. The maps count as resident where they are mapped. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include "user/base/clock.h"
#include "user/daemon/process.h"

static void read_memory(struct fw_snap_process *ret)
{
	unsigned long long kib;
	char line[128];
	FILE *f = fopen("/proc/self/status", "re");

	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "VmRSS: %llu", &kib) == 1)
			ret->resident = kib << 10;
		if (sscanf(line, "RssAnon: %llu", &kib) == 1)
			ret->private_bytes = kib << 10;
	}
	fclose(f);
}

/* Field 22 of /proc/self/stat; the name in field 2 may hold blanks and brackets. */
static double read_start(__u64 realtime_ns)
{
	unsigned long long ticks = 0;
	char text[1024] = "", *at;
	FILE *f = fopen("/proc/self/stat", "re");

	if (!f)
		return 0;
	if (!fgets(text, sizeof(text), f))
		*text = '\0';
	fclose(f);
	at = strrchr(text, ')');
	if (!at || sscanf(at + 1,
			  " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d "
			  "%*d %*d %llu",
			  &ticks) != 1)
		return 0;
	return (double)(realtime_ns - fw_clock_boottime()) / 1e9 +
	       (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

static unsigned int count_fds(void)
{
	unsigned int nr = 0;
	DIR *dir = opendir("/proc/self/fd");

	if (!dir)
		return 0;
	while (readdir(dir))
		nr++;
	closedir(dir);
	return nr > 3 ? nr - 3 : 0; /* ., .. and the directory itself */
}

void fw_process_read(struct fw_snap_process *ret, __u64 realtime_ns)
{
	struct rlimit limit;
	struct rusage usage;

	*ret = (struct fw_snap_process){};
	if (!getrusage(RUSAGE_SELF, &usage))
		ret->cpu_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
			     (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
	read_memory(ret);
	ret->start_s = read_start(realtime_ns);
	ret->fds = count_fds();
	if (!getrlimit(RLIMIT_NOFILE, &limit))
		ret->fds_max = (unsigned int)limit.rlim_cur;
}
