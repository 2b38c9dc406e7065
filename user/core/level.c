// SPDX-License-Identifier: GPL-2.0-only
/* Levels are computed by the program's own arithmetic, on a copy, so that the two cannot differ. */
#include <stdio.h>
#include <sys/param.h>

#include "bpf/level.h"
#include "user/base/clock.h"
#include "user/core/apply.h"
#include "user/core/level.h"

static void read_one(const struct fw_service_state *stored, __u8 pin, __u64 now, __u64 born_ns,
		     struct fw_level_now *ret)
{
	struct fw_service_state s = *stored;

	if (s.over_ns)
		fw_level_settle(&s, s.over_ns, now);
	if (s.level >= FW_LEVEL_MAX)
		s.level = FW_LEVEL_CALM;
	/* The program's clock may be a tick ahead of ours. */
	if (now > s.entered_ns)
		s.spent_ns[s.level] += now - s.entered_ns;
	ret->pinned = pin;
	ret->level = fw_level_now(&s, now, pin);
	if (!pin && s.entered_ns && now > s.entered_ns)
		ret->for_s = (__u32)((now - s.entered_ns) / FW_NS_PER_S);
	/* Calm began when the state was made, not with the machine. */
	s.spent_ns[FW_LEVEL_CALM] -= MIN(born_ns, s.spent_ns[FW_LEVEL_CALM]);
	for (int i = 0; i < FW_LEVEL_MAX; i++) {
		ret->entries[i] = s.entries[i];
		ret->spent_s[i] = (__u32)(s.spent_ns[i] / FW_NS_PER_S);
	}
}

unsigned int fw_level_read(const struct fw_maps *maps, __u64 now_ns,
			   struct fw_level_now ret[FW_SERVICE_MAX])
{
	__u32 half = FW_LIVE_POLICY(fw_apply_live(maps));
	const struct fw_policy_text *text = &maps->policy_txt[half];
	__u64 age_ns = fw_clock_boottime() - maps->meta->loaded_ns;
	__u64 born_ns = now_ns > age_ns ? now_ns - age_ns : 0;
	unsigned int nr = 0;

	for (int i = 0; i < FW_SERVICE_MAX; i++) {
		if (!*text->service_name[i])
			continue;
		ret[nr] = (struct fw_level_now){};
		snprintf(ret[nr].name, sizeof(ret[nr].name), "%.*s", FW_NAME_LEN - 1,
			 text->service_name[i]);
		read_one(&maps->level[i], maps->policy[half].service[i].level_pin, now_ns, born_ns,
			 &ret[nr++]);
	}
	return nr;
}
