// SPDX-License-Identifier: GPL-2.0-only
/*
 * When each service was above calm. One incident lasts until all services are calm again; whoever
 * asks about one service must not be answered with the times of another.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/core/record/incident.h"

const char *const fw_incident_level_names[FW_LEVEL_MAX] = { "calm", "guarded", "siege" };

/* The service's stretch that has not ended. */
static struct fw_incident_span *open_span(struct fw_incident_span *list, size_t count,
					  const char *service)
{
	for (size_t i = count; i-- > 0;)
		if (!strcmp(list[i].service, service) && !list[i].over)
			return &list[i];
	return NULL;
}

int fw_incident_spans(const struct fw_incident *in, const struct fw_history_level *level,
		      size_t levels, struct fw_incident_span **ret, size_t *ret_count)
{
	struct fw_incident_span *list = calloc(levels ?: 1, sizeof(*list));
	size_t count = 0;

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < levels; i++) {
		const struct fw_history_level *l = &level[i];
		struct fw_incident_span *s = open_span(list, count, l->service);

		/* A recorder that was started anew tells the level once more. */
		if (!s && l->to == FW_LEVEL_CALM && l->from == FW_LEVEL_CALM)
			continue;
		if (!s) {
			s = &list[count++];
			memcpy(s->service, l->service, sizeof(s->service));
			/* It was above calm before the incident was opened. */
			s->from = l->from == FW_LEVEL_CALM ? l->when : in->start;
			s->worst = l->from;
		}
		s->worst = l->to > s->worst ? l->to : s->worst;
		s->pinned |= l->pinned;
		s->to = l->when;
		s->over = l->to == FW_LEVEL_CALM;
	}
	*ret = list;
	*ret_count = count;
	return 0;
}
