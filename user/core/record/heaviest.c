// SPDX-License-Identifier: GPL-2.0-only
/* A vote by weight in each place, after the majority vote of Boyer and Moore. */
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "user/base/clock.h"
#include "user/core/record/heaviest.h"

static __u32 add(__u32 a, __u32 b)
{
	return a + b < a ? ~0U : a + b;
}

void fw_heaviest_add(struct fw_heaviest *h, __u64 hash, const struct fw_tally *t, __u32 packets,
		     __u32 bytes)
{
	struct fw_heaviest_place *s = &h->at[hash >> 20 & (FW_HEAVIEST - 1)];
	__u8 family = FW_TALLY_FAMILY(t->who), reason = FW_TALLY_REASON(t->who);

	if (s->key != t->key || s->family != family) {
		if (s->credit >= packets) {
			s->credit -= packets;
			return;
		}
		*s = (struct fw_heaviest_place){ .key = t->key,
						 .family = family,
						 .since_s = (__u32)(t->first_ns / FW_NS_PER_S) };
	}
	s->credit = add(s->credit, packets);
	s->packets = add(s->packets, packets);
	s->bytes += bytes;
	s->class = FW_TALLY_CLASS(t->who);
	s->lost = add(s->lost, reason ? packets : 0);
	s->reason = reason ?: s->reason;
}

static int by_packets(const void *a, const void *b)
{
	const struct fw_heaviest_place *x = a, *y = b;

	return x->packets < y->packets ? 1 : -(x->packets > y->packets);
}

size_t fw_heaviest_take(struct fw_heaviest *h, struct fw_source_heavy *ret, size_t max)
{
	size_t count = 0;

	qsort(h->at, FW_HEAVIEST, sizeof(*h->at), by_packets);
	for (; count < MIN(max, FW_HEAVIEST) && h->at[count].packets; count++) {
		const struct fw_heaviest_place *s = &h->at[count];

		ret[count] = (struct fw_source_heavy){ .key = s->key,
						       .packets = s->packets,
						       .bytes = s->bytes,
						       .lost = s->lost,
						       .since_s = s->since_s,
						       .family = s->family,
						       .class = s->class,
						       .reason = s->reason };
	}
	memset(h, 0, sizeof(*h));
	return count;
}
