// SPDX-License-Identifier: GPL-2.0-only
/*
 * When an incident begins and ends, and its sources: a few a second while it lasts, so that the
 * file grows slowly and little is lost with the machine's power, and the rest once it is over.
 */
#include <errno.h>
#include <string.h>
#include <arpa/inet.h>

#include "user/base/clock.h"
#include "user/base/text.h"
#include "user/core/record/recorder_parts.h"

#define TURN_NS	 (10 * FW_NS_PER_S)
#define IDLE_NS	 (20 * FW_NS_PER_S)
#define SCAN	 200000 /* sources looked at in one second, at most */
#define PICK	 32768	/* the same while the incident lasts: the log holds them all anyway */
#define BY_LEVEL "level"
#define BY_QUIET "quiet"

/* A moment of program time on both clocks, by how they stand now. */
static struct fw_when when_of(const struct fw_recorder_now *now, __u64 program_ns)
{
	__u64 ago = now->program_ns - program_ns;

	return (struct fw_when){ now->when.utc_ns - ago, now->when.boot_ns - ago };
}

void fw_rec_addr(__u8 family, __u64 key, __be32 ret_addr_be[4])
{
	memset(ret_addr_be, 0, 16);
	if (family == 4) {
		ret_addr_be[2] = htonl(0xffff);
		ret_addr_be[3] = htonl((__u32)key);
	} else {
		ret_addr_be[0] = htonl((__u32)(key >> 32));
		ret_addr_be[1] = htonl((__u32)key);
	}
}

/* A service that has just left calm by itself; the worst one. NULL: none. */
static const struct fw_rec_level *left_calm(const struct fw_recorder *r,
					    const struct fw_rec_levels *levels)
{
	const struct fw_rec_level *worst = NULL;

	for (unsigned int i = 0; i < levels->nr; i++) {
		const struct fw_rec_level *l = &levels->at[i];
		__u32 was = FW_LEVEL_CALM;

		for (unsigned int k = 0; k < r->levels.nr; k++)
			if (!strcmp(r->levels.at[k].name, l->name))
				was = r->levels.at[k].level;
		if (!l->pinned && l->level != FW_LEVEL_CALM && was == FW_LEVEL_CALM &&
		    (!worst || l->level > worst->level))
			worst = l;
	}
	return worst;
}

static bool all_calm(const struct fw_rec_levels *levels)
{
	for (unsigned int i = 0; i < levels->nr; i++)
		if (!levels->at[i].pinned && levels->at[i].level != FW_LEVEL_CALM)
			return false;
	return true;
}

/* Whoever comes has an account again. */
static void widen(struct fw_recorder *r)
{
	r->forgotten = 0;
	fw_accounts_narrow(r->accounts, false);
}

static void begin(struct fw_recorder *r, const struct fw_recorder_now *now)
{
	if (r->closing)
		fw_rec_log_leave(r, now);
	widen(r);
	fw_accounts_begin(r->accounts);
	fw_accounts_forget(r->sampled);
	r->cursor[0] = r->cursor[1] = 0;
	r->samples_written = 0;
	r->before_written = false;
	r->quiet_since_ns = 0;
	fw_rec_log_all(r);
}

static void end(struct fw_recorder *r)
{
	fw_accounts_sort(r->accounts);
	fw_accounts_sort(r->sampled);
	/* If the second in which it was left to its log failed, that still holds. */
	r->closing = r->incident.id == r->left ? 0 : r->incident.id;
	r->cursor[0] = r->cursor[1] = 0;
	r->incident = (struct fw_incident){};
}

/* What admins have opened or closed meanwhile. */
static void follow(struct fw_recorder *r, const struct fw_recorder_now *now)
{
	struct fw_incident known = {};

	if (fw_incident_current(r->history, &known))
		known.id = 0;
	if (r->incident.id && known.id != r->incident.id)
		end(r);
	if (known.id && known.id != r->incident.id) {
		begin(r, now);
		r->incident = known;
	}
}

static int close_quiet(struct fw_recorder *r, const struct fw_recorder_now *now,
		       const struct fw_rec_levels *levels, struct fw_err *err)
{
	int code;

	if (!all_calm(levels)) {
		r->quiet_since_ns = 0;
		return 0;
	}
	if (!r->quiet_since_ns)
		r->quiet_since_ns = now->when.boot_ns;
	/* What was opened by hand is closed by hand. */
	if (strcmp(r->incident.opened_by, BY_LEVEL) ||
	    now->when.boot_ns < r->quiet_since_ns + r->opts.quiet_s * FW_NS_PER_S)
		return 0;
	code = fw_incident_close(r->history, r->incident.id, now->when, BY_QUIET, err);
	if (!code)
		end(r);
	return code;
}

int fw_rec_incident(struct fw_recorder *r, const struct fw_recorder_now *now,
		    const struct fw_rec_levels *levels, struct fw_err *err)
{
	const struct fw_rec_level *worst = left_calm(r, levels);
	__s64 id;
	int code;

	follow(r, now);
	if (r->incident.id)
		return close_quiet(r, now, levels, err);
	if (!worst)
		return 0;
	code = fw_incident_open(r->history, now->when, worst->name, BY_LEVEL, &id, err);
	if (code)
		return code == -EBUSY ? 0 : code;
	begin(r, now);
	return fw_incident_read(r->history, id, &r->incident, err);
}

struct seed {
	struct fw_recorder *r;
	const struct fw_recorder_now *now;
};

static int seed_source(void *arg, const struct fw_incident_source *source)
{
	struct seed *seed = arg;
	const struct fw_recorder_now *now = seed->now;
	bool ip4 = fw_text_is_ip4(source->addr_be);
	bool kept = source->exact ? seed->r->accounts_kept : seed->r->sampled_kept;
	struct fw_account a = {
		.family = ip4 ? 4 : 6,
		.key = ip4 ? ntohl(source->addr_be[3])
			   : (__u64)ntohl(source->addr_be[0]) << 32 | ntohl(source->addr_be[1]),
		.first_ns = now->program_ns - (now->when.utc_ns - source->first.utc_ns),
		.last_ns = now->program_ns - (now->when.utc_ns - source->last.utc_ns),
		.packets = source->packets,
		.bytes = source->bytes,
		.weight = source->weight,
		.proven = source->proven,
		.banned = source->banned,
	};

	if (kept)
		return 0;
	memcpy(a.lost, source->reason, sizeof(a.lost));
	fw_accounts_seed(source->exact ? seed->r->accounts : seed->r->sampled, &a);
	return 0;
}

static int seed_accounts(struct fw_recorder *r, struct seed *seed, struct fw_err *err)
{
	__s64 id = r->incident.id;
	int code = fw_incident_log_attach(r->history, id, err);

	if (!code)
		code = fw_incident_each_source(r->history, id, true, 0, seed_source, seed, err);
	return code ?: fw_incident_each_source(r->history, id, false, 0, seed_source, seed, err);
}

int fw_rec_adopt(struct fw_recorder *r, const struct fw_recorder_now *now, struct fw_err *err)
{
	struct seed seed = { r, now };
	int code = 0;

	if (r->closing) { /* its accounts are gone */
		r->left = r->closing;
		r->closing = 0;
		r->closing_part = 0;
	}
	r->folded = false;
	if (fw_incident_current(r->history, &r->incident)) {
		r->incident = (struct fw_incident){};
		return 0;
	}
	code = fw_rec_adopt_levels(r, err);
	if (code)
		return code;
	r->before_written = true;
	r->cursor[0] = r->cursor[1] = 0;
	if (r->accounts_kept) /* the last second may not have been */
		fw_accounts_unwritten(r->accounts);
	if (r->sampled_kept)
		fw_accounts_unwritten(r->sampled);
	if (!r->accounts_kept || !r->sampled_kept) {
		code = seed_accounts(r, &seed, err);
		fw_incident_log_detach(r->history);
	}
	if (!code)
		fw_rec_log_all(r);
	return code;
}

/* An account as fw_incident_put_source() takes it. */
static void source_of(const struct fw_recorder_now *now, const struct fw_account *a, bool exact,
		      struct fw_incident_source *ret)
{
	*ret = (struct fw_incident_source){
		.exact = exact,
		.proven = a->proven,
		.banned = a->banned,
		.first = when_of(now, a->first_ns),
		.last = when_of(now, a->last_ns),
		.packets = a->packets,
		.bytes = a->bytes,
		.dropped = a->lost_packets,
		.dropped_bytes = a->lost_bytes,
		.weight = exact ? (double)a->packets : a->weight,
	};
	fw_rec_addr(a->family, a->key, ret->addr_be);
	memcpy(ret->reason, a->lost, sizeof(ret->reason));
}

static int put_account(struct fw_recorder *r, const struct fw_recorder_now *now, __s64 id,
		       const struct fw_account *a, bool exact, struct fw_err *err)
{
	struct fw_incident_source s;

	source_of(now, a, exact, &s);
	return fw_incident_put_source(r->history, id, &s, err);
}

/* Those of the table that should have a row soonest, of the next PICK positions. */
struct pick {
	size_t at;
	__u64 rank;
};

static unsigned int pick(struct fw_recorder *r, int which, struct pick *best, unsigned int rows)
{
	struct fw_accounts *table = which ? r->sampled : r->accounts;
	size_t count = fw_accounts_count(table), n;
	unsigned int nr = 0, at;

	if (r->cursor[which] >= count)
		r->cursor[which] = 0;
	for (n = 0; n < PICK && r->cursor[which] < count; n++, r->cursor[which]++) {
		__u64 rank = fw_accounts_rank(table, r->cursor[which]);

		if (!rank || (nr == rows && rank <= best[nr - 1].rank))
			continue;
		for (at = nr < rows ? nr++ : nr - 1; at && best[at - 1].rank < rank; at--)
			best[at] = best[at - 1];
		best[at] = (struct pick){ r->cursor[which], rank };
	}
	return nr;
}

/* While it lasts: few rows a second, the most urgent first. */
static int put_urgent(struct fw_recorder *r, const struct fw_recorder_now *now, int which,
		      unsigned int rows, struct fw_err *err)
{
	struct fw_accounts *table = which ? r->sampled : r->accounts;
	struct pick best[FW_REC_SOURCE_ROWS];
	unsigned int nr = pick(r, which, best, rows);
	int code = 0;

	for (unsigned int i = 0; i < nr && !code; i++) {
		struct fw_account a;

		fw_accounts_get(table, best[i].at, &a);
		/* One that is proven must not also read as possibly spoofed. */
		if (!which || !fw_accounts_proven(r->accounts, a.family, a.key))
			code = put_account(r, now, r->incident.id, &a, !which, err);
		fw_accounts_written(table, best[i].at);
	}
	return code;
}

/* Rows of one table of accounts from its cursor on; *ret_end: the cursor came round. */
static int put_some(struct fw_recorder *r, const struct fw_recorder_now *now, __s64 id, int which,
		    unsigned int rows, bool *ret_end, struct fw_err *err)
{
	struct fw_accounts *table = which ? r->sampled : r->accounts;
	size_t count = fw_accounts_count(table);
	int code = 0;

	*ret_end = false;
	for (size_t n = 0; n < SCAN && rows && !code; n++) {
		struct fw_account a;

		if (r->cursor[which] >= count) {
			r->cursor[which] = 0;
			*ret_end = true;
			break;
		}
		if (fw_accounts_due(table, r->cursor[which])) {
			fw_accounts_get(table, r->cursor[which], &a);
			/* One that is proven must not also read as possibly spoofed. */
			if (!which || !fw_accounts_proven(r->accounts, a.family, a.key)) {
				code = put_account(r, now, id, &a, !which, err);
				rows--;
			}
			fw_accounts_written(table, r->cursor[which]);
		}
		r->cursor[which]++;
	}
	return code;
}

static int finish(struct fw_recorder *r, const struct fw_recorder_now *now, struct fw_err *err)
{
	bool end[2] = { true, true };
	int code = 0;

	/* The exact ones to their end, then the others. */
	for (int which = 0; which < 2 && !code && end[0]; which++) {
		if (which < r->closing_part)
			continue;
		code = put_some(r, now, r->closing, which, FW_REC_CLOSING_ROWS, &end[which], err);
		if (end[which])
			r->closing_part = which + 1;
	}
	if (code || r->closing_part < 2)
		return code;
	code = fw_incident_sources_complete(r->history, r->closing, fw_accounts_lost(r->accounts),
					    err);
	r->complete = r->closing;
	r->closing = 0;
	r->closing_part = 0;
	fw_accounts_forget(r->sampled);
	/* Both windows are the incident's: nothing of it belongs to the next one. */
	fw_accounts_turn(r->accounts, false, 0);
	fw_accounts_turn(r->accounts, false, 0);
	return code;
}

int fw_rec_sources(struct fw_recorder *r, const struct fw_recorder_now *now, struct fw_err *err)
{
	bool incident = r->incident.id;
	int code = 0;

	if (r->closing)
		code = finish(r, now, err);
	else if (incident)
		code = put_urgent(r, now, 0, FW_REC_SOURCE_ROWS * 3 / 4, err);
	if (!code && incident && !r->closing)
		code = put_urgent(r, now, 1, FW_REC_SOURCE_ROWS / 4, err);
	if (code || r->closing || now->when.boot_ns < r->turned_ns + TURN_NS)
		return code;
	r->turned_ns = now->when.boot_ns;
	widen(r);
	fw_accounts_turn(r->accounts, incident, now->program_ns - IDLE_NS);
	return 0;
}
