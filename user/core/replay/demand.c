// SPDX-License-Identifier: GPL-2.0-only
/*
 * Open addressing; when three quarters are in use, every other source goes, by one more bit of its
 * hash, and from then on sources with that bit are not taken. What is left is an even sample.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "user/core/replay/addr_hash.h"
#include "user/core/replay/demand.h"
#include "user/core/replay/suggest.h"

#define SLOTS_BITS 16
#define SLOTS	   (1U << SLOTS_BITS)
#define FULL	   (SLOTS / 4 * 3)

struct fw_demands {
	__u32 used;
	unsigned int sampled; /* log2: one source in so many */
	struct fw_demand slot[SLOTS];
};

void fw_window_add(struct fw_window *w, __u64 length_ns, __u64 now_ns, __u64 n)
{
	__u64 part = now_ns / (length_ns / FW_WINDOW_PARTS);
	__u32 *sum = &w->sum[part % (FW_WINDOW_PARTS + 1)], room;

	if (part - w->part > FW_WINDOW_PARTS) {
		memset(w->sum, 0, sizeof(w->sum));
		w->total = 0;
		w->part = part;
	}
	while (w->part < part) {
		__u32 *gone = &w->sum[++w->part % (FW_WINDOW_PARTS + 1)];

		w->total -= *gone;
		*gone = 0;
	}
	room = ~*sum;
	n = n < room ? n : room;
	*sum += (__u32)n;
	w->total += n;
	if (w->total > w->most)
		w->most = w->total;
}

struct fw_demands *fw_demands_new(void)
{
	return calloc(1, sizeof(struct fw_demands));
}

void fw_demands_free(struct fw_demands *demands)
{
	free(demands);
}

static bool is_sampled(const struct fw_demands *demands, __u64 hash)
{
	return !demands->sampled ||
	       !(hash >> (64 - demands->sampled) & ((1ULL << demands->sampled) - 1));
}

static struct fw_demand *place(struct fw_demands *demands, __u64 hash, const __be32 addr_be[4])
{
	for (__u32 i = (__u32)hash;; i++) {
		struct fw_demand *d = &demands->slot[i & (SLOTS - 1)];

		if (!d->taken || !memcmp(d->addr_be, addr_be, 16))
			return d;
	}
}

/* Keep every other source. */
static int thin(struct fw_demands *demands)
{
	struct fw_demand *old = malloc(sizeof(demands->slot));

	if (!old)
		return -ENOMEM;
	memcpy(old, demands->slot, sizeof(demands->slot));
	memset(demands->slot, 0, sizeof(demands->slot));
	demands->sampled++;
	demands->used = 0;
	for (__u32 i = 0; i < SLOTS; i++) {
		__u64 hash = fw_addr_hash(old[i].addr_be);

		if (!old[i].taken || !is_sampled(demands, hash))
			continue;
		*place(demands, hash, old[i].addr_be) = old[i];
		demands->used++;
	}
	free(old);
	return 0;
}

struct fw_demand *fw_demands_find(struct fw_demands *demands, const __be32 addr_be[4])
{
	__u64 hash = fw_addr_hash(addr_be);
	struct fw_demand *d;

	if (!is_sampled(demands, hash))
		return NULL;
	d = place(demands, hash, addr_be);
	if (d->taken)
		return d;
	if (demands->used >= FULL) {
		if (thin(demands) || !is_sampled(demands, hash))
			return NULL;
		d = place(demands, hash, addr_be);
	}
	memcpy(d->addr_be, addr_be, 16);
	d->taken = true;
	demands->used++;
	return d;
}

void fw_demand_add(struct fw_demand *d, unsigned int kind, __u64 now_ns, __u64 n)
{
	fw_window_add(&d->burst[kind], FW_WINDOW_SHORT_NS, now_ns, n);
	fw_window_add(&d->rate[kind], FW_WINDOW_LONG_NS, now_ns, n);
}

void fw_demands_server(struct fw_demands *demands, const __be32 addr_be[4])
{
	struct fw_demand *d = fw_demands_find(demands, addr_be);

	if (d)
		d->server = true;
}

static int order(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Nearest rank; 99.9 % of 1000 are 999, though not as doubles. values are sorted in place. */
static double percentile_of(double *values, size_t n, double percentile)
{
	double rank = percentile / 100 * (double)n;
	size_t at = (size_t)rank + (rank - (double)(size_t)rank > 1e-6);

	qsort(values, n, sizeof(*values), order);
	return values[at ? (at > n ? n : at) - 1 : 0];
}

static double rate_of(const struct fw_demand *d, unsigned int kind)
{
	return (double)d->rate[kind].most * FW_WINDOW_SHORT_NS / (double)FW_WINDOW_LONG_NS;
}

/* One class and kind; rates and bursts have room for all sources. */
static void measure(const struct fw_demands *demands, unsigned int class, unsigned int kind,
		    double percentile, double *rates, double *bursts, struct fw_suggest_limit *ret)
{
	size_t n = 0;

	for (__u32 i = 0; i < SLOTS; i++) {
		const struct fw_demand *d = &demands->slot[i];

		if (!d->taken || d->server || d->unlimited || d->class != class ||
		    !d->burst[kind].most)
			continue;
		rates[n] = rate_of(d, kind);
		bursts[n++] = (double)d->burst[kind].most;
	}
	*ret = (struct fw_suggest_limit){ .sources = n };
	if (!n)
		return;
	ret->rate = percentile_of(rates, n, percentile);
	ret->burst = percentile_of(bursts, n, percentile);
	ret->most_rate = rates[n - 1];
	ret->most_burst = bursts[n - 1];
}

int fw_demands_percentiles(const struct fw_demands *demands, double percentile,
			   struct fw_suggest *ret)
{
	double *rates = calloc(demands->used + 1, sizeof(*rates));
	double *bursts = calloc(demands->used + 1, sizeof(*bursts));
	int r = rates && bursts ? 0 : -ENOMEM;

	ret->sampled = 1U << demands->sampled;
	for (__u32 i = 0; i < SLOTS; i++) {
		const struct fw_demand *d = &demands->slot[i];

		if (!d->taken || (!d->server && !d->classed))
			continue;
		ret->servers += d->server;
		ret->unlimited += !d->server && d->unlimited;
		if (d->server || d->unlimited)
			continue;
		ret->sources++;
		ret->class_sources[d->class & (FW_CLASS_MAX - 1)]++;
	}
	for (unsigned int c = 0; c < FW_CLASS_MAX && !r; c++)
		for (unsigned int k = 0; ret->class_sources[c] && k < FW_K_MAX; k++)
			measure(demands, c, k, percentile, rates, bursts, &ret->limit[c][k]);
	free(rates);
	free(bursts);
	return r;
}
