// SPDX-License-Identifier: GPL-2.0-only
/*
 * The recorder's use of the log of sources: what changed in a second is appended to it, so that
 * whoever loses power loses that second. A log that has grown far beyond what its sources need
 * begins anew; its older files go when the new one holds every source.
 */
#include <errno.h>
#include <sys/param.h>

#include "user/core/record/recorder_parts.h"

void fw_rec_log_all(struct fw_recorder *r)
{
	fw_source_log_close(r->log);
	r->log = NULL; /* the next second begins one */
	fw_accounts_list(r->accounts, true);
	fw_accounts_list(r->sampled, true);
}

/* What is in the frame counts as logged before it is: whoever fails begins anew. The ledgers fill
 * meanwhile, in the fastest flood within less time than a great frame takes. */
static int add(struct fw_recorder *r, const struct fw_recorder_now *now, struct fw_accounts *table)
{
	size_t left = FW_REC_LOG_ROWS, n;
	__u32 at[FW_ACCOUNTS_BATCH];
	int code = 0;

	while (!code && left && (n = fw_accounts_changed(table, at, left))) {
		left -= n;
		for (size_t i = 0; i < n && !code; i++) {
			struct fw_account_brief a;

			fw_accounts_brief(table, at[i], &a);
			/* One that is proven must not also read as possibly spoofed. */
			if (table == r->sampled && fw_accounts_proven(r->accounts, a.family, a.key))
				continue;
			code = fw_source_frame_put(&r->frame, &a, table == r->accounts,
						   now->program_ns);
		}
		(void)fw_rec_ledgers(r);
	}
	return code;
}

static int put_frame(struct fw_recorder *r, const struct fw_recorder_now *now, struct fw_err *err)
{
	int code;

	fw_source_frame_begin(&r->frame, now->when);
	code = add(r, now, r->accounts);
	if (!code)
		code = add(r, now, r->sampled);
	if (code)
		return fw_err_set(err, code, NULL, "no memory for the log of sources");
	fw_accounts_totals(r->accounts, &r->frame.proven, &r->frame.other);
	/* An address that is counted and sampled is one, and proven if it is. */
	r->frame.other += fw_accounts_apart(r->sampled, r->accounts);
	code = fw_source_log_append(r->log, &r->frame, err);
	if (r->frame.room > FW_REC_FRAME_KEPT) /* a great second is no reason to stay great */
		fw_source_frame_free(&r->frame);
	return code;
}

/* Far more than its sources need: what changes often is in it often. */
static bool is_long(const struct fw_recorder *r)
{
	__u64 sources = fw_accounts_count(r->accounts) + fw_accounts_count(r->sampled);

	return fw_source_log_size(r->log) > MAX(FW_REC_LOG_BYTES, (__u64)FW_REC_LOG_EACH * sources);
}

static void settle(struct fw_recorder *r)
{
	if (!r->log_whole && !fw_accounts_changes(r->accounts) &&
	    !fw_accounts_changes(r->sampled)) {
		fw_source_log_drop_older(r->log);
		r->log_whole = true;
	}
	if (!r->log_whole || !is_long(r))
		return;
	fw_source_log_close(r->log);
	r->log = NULL;
	fw_accounts_list_all(r->accounts);
	fw_accounts_list_all(r->sampled);
}

int fw_rec_log(struct fw_recorder *r, const struct fw_recorder_now *now, struct fw_err *err)
{
	bool ended = !r->incident.id; /* its last second */
	int code = 0;

	if (!fw_accounts_listing(r->accounts))
		return 0;
	if (!r->log) {
		r->log_whole = false;
		code = fw_source_log_begin(r->path, r->incident.id ?: r->closing, &r->log, err);
	}
	if (!code)
		code = put_frame(r, now, err);
	if (code) {
		fw_rec_log_all(r);
		return code;
	}
	settle(r);
	if (ended && !fw_accounts_changes(r->accounts) && !fw_accounts_changes(r->sampled)) {
		fw_accounts_list(r->accounts, false);
		fw_accounts_list(r->sampled, false);
	}
	return 0;
}

void fw_rec_log_leave(struct fw_recorder *r, const struct fw_recorder_now *now)
{
	struct fw_err err;

	while (r->log && (fw_accounts_changes(r->accounts) || fw_accounts_changes(r->sampled)) &&
	       !put_frame(r, now, &err))
		;
	r->left = r->closing;
	r->closing = 0;
	r->closing_part = 0;
	r->folded = false;
	fw_accounts_turn(r->accounts, false, 0);
	fw_accounts_turn(r->accounts, false, 0);
}

void fw_rec_log_done(struct fw_recorder *r)
{
	if (!r->complete)
		return;
	if (r->log && fw_source_log_incident(r->log) == r->complete) {
		fw_source_log_close(r->log);
		r->log = NULL;
		fw_accounts_list(r->accounts, false);
		fw_accounts_list(r->sampled, false);
	}
	fw_source_log_remove(r->path, r->complete);
	r->complete = 0;
}

/* The next one to fold; logs that nobody needs any more go. 0: none is left. */
static __s64 left_behind(struct fw_recorder *r)
{
	__s64 id = 0;

	while ((id = fw_source_log_first(r->path, id))) {
		struct fw_incident in;
		int code = fw_incident_read(r->history, id, &in, NULL);

		if (!code && !in.open && !in.sources_complete)
			return id;
		if (code == -ENOENT || (!code && !in.open))
			fw_source_log_remove(r->path, id);
	}
	return 0;
}

int fw_rec_fold(struct fw_recorder *r, struct fw_err *err)
{
	bool left;
	int code;

	if (r->incident.id || r->closing || r->folded)
		return 0;
	if (!r->folding)
		r->folding = left_behind(r);
	if (!r->folding) {
		r->folded = true;
		return 0;
	}
	code = fw_incident_log_fold(r->history, r->folding, FW_REC_CLOSING_ROWS, &left, err);
	if (code || left)
		return code;
	r->complete = r->folding;
	r->folding = 0;
	return fw_incident_sources_complete(r->history, r->complete, 0, err);
}
