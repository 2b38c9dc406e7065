// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guards around prefix changes: nobody shall lock the voters out by a slip at 22:00, and a prefix
 * that another lane outweighs shall not look as if it worked.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/text.h"
#include "user/cli/lane.h"
#include "user/core/apply.h"
#include "user/policy/slip.h"

#define WARNINGS_MAX 5

int fw_lane_check_width(struct fw_cli *cli, const struct fw_prefix *one)
{
	char text[FW_ERR_LEN];

	if (!fw_slip_wide(one, text, sizeof(text)))
		return 0;
	return fw_err_set(&cli->err, -EINVAL, "say --force if that is meant", "%s", text);
}

/* The entry of `lane` that covers all of `one`, looked for at the lengths in use only. */
static const struct fw_prefix *covering(struct fw_prefixes *set, enum fw_lane lane,
					const bool used[129], const struct fw_prefix *one)
{
	for (int len = one->len; len >= 0; len--) {
		__be32 addr_be[4] = { 0 };
		const struct fw_prefix *found;

		if (!used[len])
			continue;
		memcpy(addr_be, one->addr_be, (size_t)len / 8);
		if (len % 8)
			((__u8 *)addr_be)[len / 8] =
				((const __u8 *)one->addr_be)[len / 8] & (__u8)(0xff00 >> len % 8);
		found = fw_prefixes_find(set, lane, addr_be, (__u8)len);
		if (found)
			return found;
	}
	return NULL;
}

/* Which lengths a lane uses; how many entries it has. */
static size_t lengths(const struct fw_prefixes *set, enum fw_lane lane, bool used[129])
{
	size_t n = 0;

	memset(used, 0, 129 * sizeof(*used));
	for (size_t i = 0; i < set->count; i++) {
		if (set->at[i].lane != lane)
			continue;
		used[set->at[i].len] = true;
		n++;
	}
	return n;
}

static const char *lane_noun(enum fw_lane lane)
{
	return lane == FW_LANE_MANAGEMENT ? "management" : "the trusted lane";
}

/* Which blocks are news: those of `list`, or without one all that carry this change's time. */
static bool is_news(const struct fw_prefix *one, const struct fw_lane_news *news)
{
	for (int i = 0; i < news->n; i++)
		if (news->list[i].len == one->len &&
		    !memcmp(news->list[i].addr_be, one->addr_be, sizeof(one->addr_be)))
			return true;
	return !news->list && one->since_s == news->now_s;
}

static void say_useless(struct fw_cli *cli, const struct fw_prefix *one, const struct fw_prefix *by,
			enum fw_lane over)
{
	bool same = one->len == by->len;
	char text[FW_TEXT_LEN], other[FW_TEXT_LEN];

	fw_text_put_prefix(text, sizeof(text), one->addr_be, one->len);
	fw_text_put_prefix(other, sizeof(other), by->addr_be, by->len);
	fw_cli_warn(cli, "%s is not cut off: %s is in %s, which wins over blocked", text,
		    same ? "it" : other, lane_noun(over));
}

/* New blocks below a stronger prefix do nothing; stronger prefixes below a new block escape it. */
static size_t warn_block(struct fw_cli *cli, struct fw_prefixes *set, enum fw_lane over,
			 const struct fw_lane_news *news, size_t said)
{
	bool blocked[129], stronger[129];
	char one[FW_TEXT_LEN], other[FW_TEXT_LEN];

	lengths(set, FW_LANE_BLOCKED, blocked);
	if (!lengths(set, over, stronger))
		return said;
	for (size_t i = 0; i < set->count; i++) {
		const struct fw_prefix *p = &set->at[i], *found;

		if (p->lane == FW_LANE_BLOCKED && is_news(p, news)) {
			found = covering(set, over, stronger, p);
			if (found && ++said <= WARNINGS_MAX)
				say_useless(cli, p, found, over);
		} else if (p->lane == over) {
			found = covering(set, FW_LANE_BLOCKED, blocked, p);
			if (!found || found->len == p->len || !is_news(found, news) ||
			    ++said > WARNINGS_MAX)
				continue;
			fw_text_put_prefix(one, sizeof(one), p->addr_be, p->len);
			fw_text_put_prefix(other, sizeof(other), found->addr_be, found->len);
			fw_cli_warn(cli, "%s is blocked but for %s, which is in %s", other, one,
				    lane_noun(over));
		}
	}
	return said;
}

void fw_lane_warn_outweighed(struct fw_cli *cli, struct fw_prefixes *set, enum fw_lane lane,
			     const struct fw_lane_news *news)
{
	size_t said;

	if (lane != FW_LANE_BLOCKED)
		return;
	said = warn_block(cli, set, FW_LANE_MANAGEMENT, news, 0);
	said = warn_block(cli, set, FW_LANE_TRUSTED, news, said);
	if (said > WARNINGS_MAX)
		fw_cli_warn(cli, "and %zu more that management or trust outweighs",
			    said - WARNINGS_MAX);
}

void fw_lane_warn_reserved(struct fw_cli *cli, const struct fw_model *model,
			   const struct fw_prefix *list, size_t n, enum fw_lane lane)
{
	char text[FW_TEXT_LEN];
	size_t said = 0;

	if (!(model->flags & FW_P_RESERVED_SOURCE))
		return;
	for (size_t i = 0; i < n; i++) {
		enum fw_lane in = lane == FW_LANE_MAX ? (enum fw_lane)list[i].lane : lane;

		if (in == FW_LANE_BLOCKED || !fw_slip_reserved(list[i].addr_be, list[i].len) ||
		    ++said > WARNINGS_MAX)
			continue;
		fw_cli_warn(cli,
			    "%s is dropped all the same: it is reserved, and reserved-source is on",
			    fw_text_put_prefix(text, sizeof(text), list[i].addr_be, list[i].len));
	}
	if (said > WARNINGS_MAX)
		fw_cli_warn(cli, "and %zu more that reserved-source drops", said - WARNINGS_MAX);
}
