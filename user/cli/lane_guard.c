// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guards around prefix changes: nobody shall lock herself or the voters out by a slip at 22:00, and
 * a prefix that another lane outweighs shall not look as if it worked.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/base/text.h"
#include "user/cli/lane.h"
#include "user/core/apply.h"
#include "user/policy/slip.h"

#define ANCESTORS_MAX	32
#define WARNINGS_MAX	5
#define ENVIRONMENT_MAX (256 * 1024)

/* A word of at most an address, its zone left out. Returns what follows, NULL when it is none. */
static const char *take_addr(const char *text, __be32 ret_addr_be[4])
{
	char addr[64];
	size_t len = strcspn(text, " %");

	if (!len || len >= sizeof(addr))
		return NULL;
	memcpy(addr, text, len);
	addr[len] = '\0';
	return fw_text_addr(addr, ret_addr_be, NULL) ? NULL : text + strcspn(text, " ");
}

/* "client port server port" of SSH_CONNECTION, "client port port" of SSH_CLIENT. */
static int session_parse(const char *text, struct fw_file_session *ret)
{
	struct fw_file_session session = { 0 };
	unsigned int port;

	text = take_addr(text, session.peer_be);
	if (!text)
		return -ENOENT;
	text += strspn(text, " ");
	text += strcspn(text, " ");
	text = take_addr(text + strspn(text, " "), session.server_be);
	if (text && sscanf(text, " %u", &port) == 1 && port && port <= 65535)
		session.port = (__u16)port;
	else
		memset(session.server_be, 0, sizeof(session.server_be));
	*ret = session;
	return 0;
}

static const char *const session_names[] = { "SSH_CONNECTION=", "SSH_CLIENT=" };

/* Look through an environment block: strings one after the other. */
static int session_in(const char *block, size_t size, struct fw_file_session *ret)
{
	for (const char *at = block; at < block + size; at += strlen(at) + 1)
		for (int i = 0; i < 2; i++) {
			size_t len = strlen(session_names[i]);

			if (!strncmp(at, session_names[i], len) && !session_parse(at + len, ret))
				return 0;
		}
	return -ENOENT;
}

/* Whole file into buf, terminated. Bytes read, or 0. */
static size_t read_proc(pid_t pid, const char *file, char *buf, size_t size)
{
	char path[64];
	size_t got;
	FILE *in;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	in = fopen(path, "re");
	if (!in)
		return 0;
	got = fread(buf, 1, size - 1, in);
	fclose(in);
	buf[got] = '\0';
	return got;
}

/* The name in /proc/PID/stat may hold anything; the parent stands after its last parenthesis. */
static pid_t parent_of(pid_t pid)
{
	char buf[1024], *after;
	int parent;

	if (!read_proc(pid, "stat", buf, sizeof(buf)))
		return 0;
	after = strrchr(buf, ')');
	if (!after || sscanf(after + 1, " %*c %d", &parent) != 1)
		return 0;
	return parent;
}

int fw_lane_session_full(struct fw_file_session *ret)
{
	const char *own[] = { getenv("SSH_CONNECTION"), getenv("SSH_CLIENT") };
	int found = -ENOENT;
	pid_t pid = getppid();
	char *block;

	for (int i = 0; i < 2; i++)
		if (own[i] && !session_parse(own[i], ret))
			return 0;
	block = malloc(ENVIRONMENT_MAX);
	if (!block)
		return -ENOENT;
	for (int i = 0; found && pid > 1 && i < ANCESTORS_MAX; i++, pid = parent_of(pid)) {
		size_t size = read_proc(pid, "environ", block, ENVIRONMENT_MAX);

		found = session_in(block, size, ret);
	}
	free(block);
	return found;
}

int fw_lane_session(__be32 ret_addr_be[4])
{
	struct fw_file_session session;
	int r = fw_lane_session_full(&session);

	if (!r)
		memcpy(ret_addr_be, session.peer_be, sizeof(session.peer_be));
	return r;
}

/* A prefix of the lane that holds the address, or NULL. */
static const struct fw_prefix *holder(const struct fw_prefixes *set, enum fw_lane lane,
				      const __be32 addr_be[4])
{
	for (size_t i = 0; i < set->count; i++)
		if (set->at[i].lane == lane && fw_prefixes_covers(&set->at[i], addr_be))
			return &set->at[i];
	return NULL;
}

/* The blocked prefix that cuts the address off, or NULL when none does. */
static const struct fw_prefix *cutter(const struct fw_prefixes *set, const __be32 addr_be[4])
{
	const struct fw_prefix *by = holder(set, FW_LANE_BLOCKED, addr_be);

	if (!by || holder(set, FW_LANE_MANAGEMENT, addr_be) ||
	    holder(set, FW_LANE_TRUSTED, addr_be))
		return NULL;
	return by;
}

bool fw_lane_cuts(const struct fw_prefixes *set, const __be32 addr_be[4])
{
	return cutter(set, addr_be) != NULL;
}

/* How an address is kept, for an error about it. */
static void put_hint(char hint[FW_ERR_LEN], const char *addr)
{
	snprintf(hint, FW_ERR_LEN, "protect it first: floodwall manage add %s; or say --force",
		 addr);
}

int fw_lane_check_lockout(struct fw_cli *cli, const struct fw_prefixes *after, bool cut_before)
{
	char addr[FW_TEXT_LEN], prefix[FW_TEXT_LEN], hint[FW_ERR_LEN];
	const struct fw_prefix *by;
	__be32 session[4];

	if (cut_before || fw_lane_session(session))
		return 0;
	by = cutter(after, session);
	if (!by)
		return 0;
	fw_text_put_prefix(prefix, sizeof(prefix), by->addr_be, by->len);
	fw_text_put_addr(addr, sizeof(addr), session);
	put_hint(hint, addr);
	return fw_err_set(&cli->err, -EINVAL, hint,
			  "this would cut your own session: %s would block %s, where you are "
			  "logged in from",
			  prefix, addr);
}

/* The session that a change of the policy may cut, unless nothing is dropped or it is forced. */
static bool session_at_risk(struct fw_cli *cli, const struct fw_model *model,
			    struct fw_file_session *ret)
{
	return !(model->flags & FW_P_MONITOR) && !fw_cli_option(cli, "force") &&
	       !fw_lane_session_full(ret);
}

/* The class of an address now, as fw_file_session_class(). */
static int class_now(struct fw_cli *cli, const __be32 peer_be[4], int *ret)
{
	struct fw_prefixes set = { 0 };
	struct fw_maps maps;
	int err = fw_maps_open(cli->pins, FW_MAPS_LANES, &maps, &cli->err);

	if (err)
		return err;
	err = fw_apply_read_prefixes(&maps, &set, &cli->err);
	if (!err)
		*ret = fw_file_session_class(&set, peer_be);
	fw_prefixes_free(&set);
	fw_maps_close(&maps);
	return err;
}

int fw_lane_check_limit(struct fw_cli *cli, const struct fw_model *model, int class,
			unsigned int kind, const struct fw_rate *was)
{
	char addr[FW_TEXT_LEN], hint[FW_ERR_LEN];
	struct fw_file_session session;
	int err, own = -1;

	if (!fw_file_session_starves(kind, &model->class[class].rate[kind]) ||
	    fw_file_session_starves(kind, was) || !session_at_risk(cli, model, &session))
		return 0;
	err = class_now(cli, session.peer_be, &own);
	if (err || own != class)
		return err;
	fw_text_put_addr(addr, sizeof(addr), session.peer_be);
	put_hint(hint, addr);
	return fw_err_set(&cli->err, -EINVAL, hint,
			  "this limit could cut your own session off: %s, where you are logged in "
			  "from, is of class \"%s\"",
			  addr, model->class[class].name);
}

bool fw_lane_closes(const struct fw_model *model)
{
	struct fw_file_session session;

	return !fw_lane_session_full(&session) && fw_file_session_closer(model, &session);
}

int fw_lane_check_closed(struct fw_cli *cli, const struct fw_model *model, bool closed_before)
{
	char addr[FW_TEXT_LEN], who[FW_TEXT_LEN], hint[FW_ERR_LEN];
	struct fw_file_session session;
	int err, own = -1;

	if (closed_before || !session_at_risk(cli, model, &session) ||
	    !fw_file_session_closer(model, &session))
		return 0;
	err = class_now(cli, session.peer_be, &own);
	if (err || own < 0)
		return err;
	fw_text_put_addr(who, sizeof(who), session.peer_be);
	fw_text_put_addr(addr, sizeof(addr), session.server_be);
	put_hint(hint, who);
	return fw_err_set(&cli->err, -EINVAL, hint,
			  "this would cut your own session off: %s would speak no TCP port %u any "
			  "more, and %s is logged in to it",
			  addr, session.port, who);
}

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
