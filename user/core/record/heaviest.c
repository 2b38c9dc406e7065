// SPDX-License-Identifier: GPL-2.0-only
/* A vote by weight in each place, after the majority vote of Boyer and Moore. */
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "user/base/clock.h"
#include "user/core/record/heaviest.h"

void fw_heaviest_add(struct fw_heaviest *h, const struct fw_tally *t, __u32 packets, __u32 bytes)
{
	__u8 family = FW_TALLY_FAMILY(t->who);
	size_t at = (t->key ^ family) * 0x9e3779b97f4a7c15ULL >> 32 & (FW_HEAVIEST - 1);
	struct fw_source_heavy *s = &h->at[at];

	if (s->key != t->key || s->family != family) {
		if (h->credit[at] >= packets) {
			h->credit[at] -= packets;
			return;
		}
		*s = (struct fw_source_heavy){ .key = t->key,
					       .family = family,
					       .since_s = (__u32)(t->first_ns / FW_NS_PER_S) };
		h->credit[at] = 0;
	}
	h->credit[at] += packets;
	s->packets += packets;
	s->bytes += bytes;
	s->class = FW_TALLY_CLASS(t->who);
	if (!FW_TALLY_REASON(t->who))
		return;
	s->lost += packets;
	s->reason = FW_TALLY_REASON(t->who);
}

static int by_packets(const void *a, const void *b)
{
	const struct fw_source_heavy *x = a, *y = b;

	return x->packets < y->packets ? 1 : -(x->packets > y->packets);
}

size_t fw_heaviest_take(struct fw_heaviest *h, struct fw_source_heavy *ret, size_t max)
{
	size_t count = 0;

	qsort(h->at, FW_HEAVIEST, sizeof(*h->at), by_packets);
	while (count < MIN(max, FW_HEAVIEST) && h->at[count].packets) {
		ret[count] = h->at[count];
		count++;
	}
	memset(h, 0, sizeof(*h));
	return count;
}
