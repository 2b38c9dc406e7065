// SPDX-License-Identifier: GPL-2.0-only
/* One change from the command line; see edit.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/json.h"
#include "user/base/text.h"
#include "user/cli/session.h"
#include "user/kern/pin.h"
#include "user/policy/compile.h"

#define LOCK_WAIT_S 20 /* a million prefixes take a few seconds to write */

int fw_edit_begin(struct fw_cli *cli, unsigned int parts, struct fw_edit *ret)
{
	/* Both, whatever is changed: the guard looks at all that may cut a session off. */
	unsigned int want = FW_MAPS_WRITE | FW_MAPS_POLICY | FW_MAPS_LANES | FW_MAPS_COUNTS;
	int err;

	*ret = (struct fw_edit){ .lock = -1 };
	err = fw_pin_lock(cli->pins, LOCK_WAIT_S, &ret->lock, &cli->err);
	if (err)
		return err;
	err = fw_maps_open(cli->pins, want, &ret->maps, &cli->err);
	if (err)
		return err;
	return fw_apply_begin(&ret->maps, parts, &ret->apply, &cli->err);
}

int fw_edit_commit(struct fw_cli *cli, struct fw_edit *edit, unsigned int changed)
{
	int err = fw_session_guard(cli, edit, changed);

	if (err)
		return err;
	edit->apply.changed = changed;
	return fw_apply_commit(&edit->apply, &cli->err);
}

void fw_edit_end(struct fw_edit *edit)
{
	fw_apply_end(&edit->apply);
	fw_maps_close(&edit->maps);
	fw_pin_unlock(edit->lock);
	edit->lock = -1;
}

int fw_edit_read_model(struct fw_cli *cli, struct fw_model **ret)
{
	struct fw_maps maps;
	int err;

	err = fw_maps_open(cli->pins, FW_MAPS_POLICY, &maps, &cli->err);
	if (err)
		return err;
	err = fw_apply_read_model(&maps, ret, &cli->err);
	fw_maps_close(&maps);
	return err;
}

const char *fw_edit_put_rate(char *buf, size_t size, const struct fw_rate *rate, bool bytes)
{
	char text[FW_TEXT_LEN];
	int number;

	if (!rate->count) {
		snprintf(buf, size, "no limit");
		return buf;
	}
	fw_text_put_rate(text, sizeof(text), rate);
	number = (int)strcspn(text, "/");
	snprintf(buf, size, "%.*s%s%s", number, text, bytes ? "B" : "", text + number);
	return buf;
}

const char *fw_edit_put_limit(char *buf, size_t size, const struct fw_rate *rate, bool bytes,
			      __u32 tick_ns)
{
	char text[FW_TEXT_LEN], burst[FW_TEXT_LEN], soft[32] = "";

	fw_edit_put_rate(text, sizeof(text), rate, bytes);
	if (!rate->count) {
		snprintf(buf, size, "%s", text);
		return buf;
	}
	fw_text_put_number(burst, sizeof(burst), fw_compile_burst(rate, bytes, tick_ns));
	if (rate->soft_pct)
		snprintf(soft, sizeof(soft), " soft %u%%", rate->soft_pct);
	snprintf(buf, size, "%s burst %s%s%s", text, burst, bytes ? "B" : "", soft);
	return buf;
}

json_t *fw_edit_rate_json(const struct fw_rate *rate, bool bytes, __u32 tick_ns)
{
	__u64 burst = rate->count ? fw_compile_burst(rate, bytes, tick_ns) : 0;
	char text[FW_TEXT_LEN];
	json_t *one = json_object();
	int err = 0;

	fw_edit_put_rate(text, sizeof(text), rate, bytes);
	err |= fw_json_set(one, "text", fw_json_text(text));
	err |= fw_json_set(one, "count", fw_json_count(rate->count));
	err |= fw_json_set(one, "per_s", json_integer(rate->per_s));
	err |= fw_json_set(one, "burst", fw_json_count(burst));
	err |= fw_json_set(one, "soft_percent", json_integer(rate->soft_pct));
	if (!err)
		return one;
	json_decref(one);
	return NULL;
}

/* "80%" or "80"; 0 = no soft limit. */
static int parse_percent(struct fw_cli *cli, const char *text, __u32 *ret)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || (strcmp(end, "") && strcmp(end, "%")) || value > 100)
		return fw_cli_usage(
			cli, "soft \"%.40s\": say a percentage of the burst, 0%% to 100%%", text);
	*ret = (__u32)value;
	return 0;
}

/*
 * The same time's worth of the new rate, and never less than the new rate needs by itself; 0 is the
 * default. A burst that was the least there can be stands for no time: of a rate far too low, as by
 * a slip of the unit, it would be hours of the right one.
 */
static __u64 scaled_burst(const struct fw_rate *old, const struct fw_rate *new, bool bytes,
			  __u32 tick_ns)
{
	struct fw_rate plain = { .count = new->count, .per_s = new->per_s };
	struct fw_rate was = { .count = old->count, .per_s = old->per_s };
	__u64 least = fw_compile_burst(&plain, bytes, tick_ns);
	long double scaled;

	if (!old->count || !old->burst || old->burst == fw_compile_burst(&was, bytes, tick_ns))
		return 0;
	scaled = (long double)old->burst * new->count / new->per_s * old->per_s / old->count;
	if (scaled > 1e18L)
		return 0;
	return scaled > least ? (__u64)(scaled + 0.5L) : least;
}

int fw_edit_parse_rate(struct fw_cli *cli, int argc, char **argv, bool bytes, __u32 tick_ns,
		       struct fw_rate *rate)
{
	struct fw_rate new = *rate;
	bool burst = false;
	int err;

	if (!strcmp(argv[0], "off")) {
		if (argc > 1)
			return fw_cli_usage(cli, "\"%.40s\" makes no sense after \"off\"", argv[1]);
		rate->count = 0;
		return 0;
	}
	err = fw_text_rate(argv[0], bytes, &new, &cli->err);
	if (err)
		return err;
	for (int i = 1; i < argc; i += 2) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;

		if (strcmp(argv[i], "burst") && strcmp(argv[i], "soft"))
			return fw_cli_usage(
				cli, "\"%.40s\": after the rate come burst N or soft P%%", argv[i]);
		if (!value)
			return fw_cli_usage(cli, "%s needs a number", argv[i]);
		if (!strcmp(argv[i], "soft")) {
			err = parse_percent(cli, value, &new.soft_pct);
		} else {
			burst = true;
			err = bytes ? fw_text_bytes(value, &new.burst, &cli->err)
				    : fw_text_number(value, &new.burst, &cli->err);
		}
		if (err)
			return err;
	}
	if (burst && !new.burst &&new.count)
		return fw_cli_usage(cli,
				    "burst 0 would let nothing pass; leave it out for the default");
	if (!burst && new.count)
		new.burst = scaled_burst(rate, &new, bytes, tick_ns);
	*rate = new;
	return 0;
}
