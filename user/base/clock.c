// SPDX-License-Identifier: GPL-2.0-only
/* The clocks of the system, in the program's terms. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "user/base/clock.h"
#include "bpf/abi.h"

static __u64 clock_read(clockid_t id)
{
	struct timespec ts = { 0 };

	clock_gettime(id, &ts);
	return (__u64)ts.tv_sec * FW_NS_PER_S + (__u64)ts.tv_nsec;
}

__u64 fw_clock_now(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

__u32 fw_clock_tick(void)
{
	struct timespec ts = { 0 };

	/* The coarse clocks step with the jiffies; that is the only place HZ shows. */
	clock_getres(CLOCK_MONOTONIC_COARSE, &ts);
	if (ts.tv_sec || ts.tv_nsec < 100000)
		return 10000000; /* HZ=100, the coarsest: a wrong answer can only be on the safe
				    side */
	return (__u32)ts.tv_nsec;
}

/*
 * jiffies64 and CLOCK_MONOTONIC of one moment, from the kernel's own listing (root only). Jiffies
 * advance with that clock, but the ticks lost while booting (0.1 s on some machines) stay lost.
 */
static bool read_jiffies(__u64 *ret_jiffies, __u64 *ret_now_ns)
{
	FILE *in = fopen("/proc/timer_list", "re");
	unsigned long long jiffies = 0, now = 0;
	char line[256];

	if (!in)
		return false;
	while (!jiffies && fgets(line, sizeof(line), in)) {
		if (sscanf(line, "now at %llu", &now) != 1)
			(void)sscanf(line, "jiffies: %llu", &jiffies); /* most lines are others */
	}
	fclose(in);
	*ret_jiffies = jiffies;
	*ret_now_ns = now;
	return jiffies && now;
}

__u64 fw_clock_jiffies0(__u32 tick_ns)
{
	__u64 hz = (FW_NS_PER_S + tick_ns / 2) / tick_ns;
	__u64 initial = (1ULL << 32) - 300 * hz; /* include/linux/jiffies.h, INITIAL_JIFFIES */
	__u64 jiffies, now_ns, measured;

	if (!read_jiffies(&jiffies, &now_ns))
		return initial;
	measured = jiffies - now_ns / tick_ns;
	/* Believed only if it is the same thing, a little more precise. */
	if (measured + 60 * hz < initial || measured > initial + 60 * hz)
		return initial;
	return measured;
}

__u64 fw_clock_realtime(void)
{
	return clock_read(CLOCK_REALTIME);
}

__u64 fw_clock_boottime(void)
{
	return clock_read(CLOCK_BOOTTIME);
}

__u64 fw_clock_to_realtime(__u64 program_ns, __u64 now_ns)
{
	return fw_clock_realtime() + (program_ns - now_ns);
}

__u32 fw_clock_until(__u64 now_ns, __u32 for_s)
{
	__u64 until = (now_ns + FW_NS_PER_S - 1) / FW_NS_PER_S + for_s;

	if (for_s == FW_FOREVER)
		return FW_FOREVER;
	return until < FW_FOREVER ? (__u32)until : FW_FOREVER - 1;
}

char *fw_clock_put(char *buf, size_t size, __u64 realtime_ns)
{
	time_t s = (time_t)(realtime_ns / FW_NS_PER_S);
	struct tm tm;
	char zone[8] = "";
	char text[FW_CLOCK_LEN];

	buf[0] = '\0';
	if (!localtime_r(&s, &tm) || !strftime(text, sizeof(text), "%F %T", &tm) ||
	    strftime(zone, sizeof(zone), "%z", &tm) != 5)
		return buf;
	snprintf(buf, size, "%s%.3s:%s", text, zone, zone + 3);
	return buf;
}

/* "+02:00", "-0530" or "Z"; NULL when it is none of them. */
static const char *zone_parse(const char *p, long *ret_s)
{
	int sign = *p == '-' ? -1 : 1, digit[4];

	if (*p == 'Z') {
		*ret_s = 0;
		return p + 1;
	}
	if (*p != '+' && *p != '-')
		return NULL;
	p++;
	for (int i = 0; i < 4; i++, p++) {
		if (i == 2 && *p == ':')
			p++;
		if (*p < '0' || *p > '9')
			return NULL;
		digit[i] = *p - '0';
	}
	if (digit[0] * 10 + digit[1] > 23 || digit[2] > 5)
		return NULL;
	*ret_s = sign * ((digit[0] * 10 + digit[1]) * 3600L + (digit[2] * 10 + digit[3]) * 60L);
	return p;
}

int fw_clock_parse(const char *text, __u64 *ret_realtime_ns, struct fw_err *err)
{
	static const char *const form[] = { "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S",
					    "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M" };
	const char *end = NULL;
	struct tm tm;
	long zone_s = 0;
	time_t s = -1;
	int day;

	for (size_t i = 0; i < sizeof(form) / sizeof(form[0]) && !end; i++) {
		memset(&tm, 0, sizeof(tm));
		tm.tm_isdst = -1;
		end = strptime(text, form[i], &tm);
	}
	day = tm.tm_mday;
	if (end && !*end)
		s = mktime(&tm);
	else if (end && (end = zone_parse(end + strspn(end, " "), &zone_s)) && !*end)
		s = timegm(&tm) - zone_s;
	/* From 1970 to where nanoseconds end; and 31 November is not 1 December. */
	if (s < 0 || s > 18000000000 || tm.tm_mday != day)
		return fw_err_set(err, -EINVAL, "write 2026-06-09 22:00:00+02:00",
				  "\"%.40s\" is not a date and time", text);
	*ret_realtime_ns = (__u64)s * FW_NS_PER_S;
	return 0;
}

char *fw_clock_put_utc(char *buf, size_t size, __u64 realtime_ns, int digits)
{
	time_t s = (time_t)(realtime_ns / FW_NS_PER_S);
	struct tm tm;

	buf[0] = '\0';
	if (!gmtime_r(&s, &tm))
		return buf;
	snprintf(buf, size, "%04d-%02d-%02dT%02d:%02d:%02d", tm.tm_year + 1900, tm.tm_mon + 1,
		 tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
	if (digits && strlen(buf) + 5 < size)
		snprintf(buf + strlen(buf), 5, ".%03u",
			 (unsigned int)(realtime_ns % FW_NS_PER_S / 1000000));
	if (strlen(buf) + 1 < size)
		strcat(buf, "Z");
	return buf;
}
