// SPDX-License-Identifier: GPL-2.0-only
/* source show: everything floodwall knows and holds against one address. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/clock.h"
#include "user/base/json.h"
#include "user/base/table.h"
#include "user/base/text.h"
#include "user/cli/lane.h"
#include "user/cli/source.h"
#include "user/core/ban.h"
#include "user/core/source.h"

/* What happens to a packet of this source before its buckets are asked. */
static const char *lane_of(const struct fw_source *s)
{
	return s->management ? "management"
	       : s->trusted  ? "trusted"
	       : s->blocked  ? "blocked"
			     : "none";
}

static void add_listing(struct fw_table *table, const struct fw_source *s,
			const struct fw_source_listing *l)
{
	__u32 now_s = (__u32)(s->now_ns / FW_NS_PER_S);
	char text[FW_TEXT_LEN], since[FW_CLOCK_LEN];

	fw_table_cell(table, "  %s", fw_model_lane_name(l->prefix.lane));
	fw_table_cell(table, "%s",
		      fw_text_put_prefix(text, sizeof(text), l->prefix.addr_be, l->prefix.len));
	fw_table_cell(
		table, "%s",
		fw_clock_put(since, sizeof(since),
			     fw_clock_to_realtime(l->prefix.since_s * FW_NS_PER_S, s->now_ns)));
	if (l->prefix.until_s == FW_FOREVER)
		fw_table_cell(table, "forever");
	else if (l->prefix.until_s <= now_s)
		fw_table_cell_styled(table, FW_STYLE_DIM, "expired");
	else
		fw_table_cell(table, "%s",
			      fw_text_put_duration(text, sizeof(text),
						   fw_lane_left(s->now_ns, l->prefix.until_s)));
	fw_table_cell(table, "%s", l->why);
}

static int print_listings(const struct fw_source *s)
{
	static const struct fw_column columns[] = {
		{ "  LANE", FW_LEFT }, { "PREFIX", FW_LEFT }, { "SINCE", FW_LEFT },
		{ "LEFT", FW_RIGHT },  { "WHY", FW_LEFT },
	};
	struct fw_table *table;
	int err;

	if (!s->listings) {
		printf("listed     nowhere\n");
		return 0;
	}
	printf("listed\n");
	table = fw_table_new(columns, 5);
	if (!table)
		return -ENOMEM;
	for (unsigned int i = 0; i < s->listings; i++)
		add_listing(table, s, &s->listing[i]);
	err = fw_table_print(table, stdout);
	fw_table_free(table);
	if (s->listings_all > s->listings)
		printf("  and %zu more\n", s->listings_all - s->listings);
	return err;
}

static void bucket_cells(struct fw_table *table, const struct fw_source_bucket *b, bool known)
{
	if (!b->limited)
		fw_table_cell_styled(table, FW_STYLE_DIM, "no limit");
	else if (!known)
		fw_table_cell(table, "-");
	else
		fw_table_cell_styled(table,
				     b->debt > 0.99  ? FW_STYLE_BAD
				     : b->debt > 0.5 ? FW_STYLE_WARN
						     : FW_STYLE_NONE,
				     "%.0f%%", b->debt * 100);
}

static int print_buckets(const struct fw_source *s, const struct fw_model_class *class)
{
	static const struct fw_column columns[] = {
		{ "  KIND", FW_LEFT },
		{ "LIMIT", FW_RIGHT },
		{ "USED", FW_RIGHT },
		{ "USED BY /48", FW_RIGHT },
	};
	struct fw_table *table = fw_table_new(columns, s->family == 6 ? 4 : 3);
	char text[FW_TEXT_LEN];
	int err;

	if (!table)
		return -ENOMEM;
	for (unsigned int k = 0; k < FW_K_MAX; k++) {
		fw_table_cell(table, "  %s", fw_model_kind_name(k));
		fw_table_cell(table, "%s",
			      fw_edit_put_rate(text, sizeof(text), &class->rate[k],
					       fw_model_kind_bytes(k)));
		bucket_cells(table, &s->own.bucket[k], s->own.known);
		if (s->family == 6)
			bucket_cells(table, &s->net48.bucket[k], s->net48.known);
	}
	printf("buckets    (part of the burst in use)\n");
	err = fw_table_print(table, stdout);
	fw_table_free(table);
	return err;
}

/* What it sent is of so many seconds. */
static double heavy_seconds(const struct fw_source *s)
{
	return s->heavy_since_ns < s->now_ns ? (double)(s->now_ns - s->heavy_since_ns) / FW_NS_PER_S
					     : 0;
}

const char *fw_source_span(char *buf, size_t size, double seconds)
{
	if (seconds >= 10)
		return fw_text_put_duration(buf, size, (__u32)seconds);
	snprintf(buf, size, "%.1fs", seconds);
	return buf;
}

static void print_heavy(const struct fw_source *s)
{
	char packets[FW_TEXT_LEN], bytes[FW_TEXT_LEN], lost[FW_TEXT_LEN], span[FW_TEXT_LEN];
	const struct fw_source_heavy *h = &s->heavy;

	fw_source_span(span, sizeof(span), heavy_seconds(s));
	if (s->heavy_since_ns >= s->now_ns) {
		printf("charged    nothing: no source was charged anything yet\n");
		return;
	}
	if (!h->family) {
		printf("charged    nothing in the last %s\n", span);
		return;
	}
	fw_text_put_about(packets, sizeof(packets), (double)h->packets);
	fw_text_put_about(bytes, sizeof(bytes), (double)h->bytes);
	fw_text_put_about(lost, sizeof(lost), (double)h->lost);
	printf("charged    %s packet%s, %sB in the last %s\n", packets, h->packets == 1 ? "" : "s",
	       bytes, span);
	if (h->lost)
		printf("dropped    %s packet%s (%.0f%%), last %s\n", lost, h->lost == 1 ? "" : "s",
		       100.0 * (double)h->lost / (double)h->packets, fw_source_reason(h->reason));
	else
		printf("dropped    nothing\n");
}

static int print_source(const __be32 addr_be[4], const struct fw_source *s,
			const struct fw_model *model, const struct fw_ban_entry *ban)
{
	char text[FW_TEXT_LEN], addr[FW_TEXT_LEN];
	int err;

	printf("source     %s%s\n", fw_text_put_addr(text, sizeof(text), addr_be),
	       s->family == 6 ? " (counted by its /64)" : "");
	printf("lane       %s: %s\n", lane_of(s),
	       s->management ? "never cut off"
	       : s->trusted  ? "a budget of its own, ahead of all others"
	       : s->blocked  ? "every packet is dropped"
			     : "within the limits of its class");
	if (model->flags & FW_P_MONITOR)
		puts("           the mode is monitor: what would be dropped is counted, and "
		     "passes");
	printf("class      %s\n", s->class_name);
	if (s->own.known)
		printf("seen       %s%s, %s\n",
		       s->own.seen_age_s < 3
			       ? "just now"
			       : fw_text_put_duration(text, sizeof(text), s->own.seen_age_s),
		       s->own.seen_age_s < 3 ? "" : " ago",
		       s->own.proven ? "proven: it has completed a handshake" : "not proven");
	else
		printf("seen       not in the table: it sent nothing yet, or nothing for long\n");
	if (ban)
		printf("banned     for %s more, %u time%s so far; floodwall ban lift %s ends it\n",
		       fw_text_put_duration(text, sizeof(text),
					    (__u32)((ban->until_ns - s->now_ns) / FW_NS_PER_S + 1)),
		       ban->times, ban->times > 1 ? "s" : "",
		       fw_text_put_addr(addr, sizeof(addr), addr_be));
	print_heavy(s);
	if (s->own.known && !s->own.proven && s->class == FW_CLASS_DEFAULT)
		puts("           without what budgets that all strangers share refused: who has "
		     "not\n"
		     "           proven himself has no account of that, see floodwall stats");
	err = print_listings(s);
	return err ? err : print_buckets(s, &model->class[s->class]);
}

static json_t *place_json(const struct fw_source_place *place)
{
	json_t *one = json_object(), *buckets = json_object();
	int err = 0;

	for (unsigned int k = 0; k < FW_K_MAX; k++) {
		const struct fw_source_bucket *b = &place->bucket[k];

		err |= fw_json_set(buckets, fw_model_kind_name(k),
				   b->limited && place->known ? json_real(b->debt * 100)
							      : json_null());
	}
	err |= fw_json_set(one, "known", json_boolean(place->known));
	err |= fw_json_set(one, "proven", json_boolean(place->proven));
	err |= fw_json_set(one, "seen_s_ago",
			   place->known ? json_integer(place->seen_age_s) : json_null());
	err |= fw_json_set(one, "used_percent", buckets);
	if (!err)
		return one;
	json_decref(one);
	return NULL;
}

static json_t *listing_json(const struct fw_maps *maps, const struct fw_source_listing *l)
{
	json_t *one = json_object();
	char text[FW_TEXT_LEN];
	int err = 0;

	fw_text_put_prefix(text, sizeof(text), l->prefix.addr_be, l->prefix.len);
	err |= fw_json_set(one, "lane", fw_json_text(fw_model_lane_name(l->prefix.lane)));
	err |= fw_json_set(one, "prefix", fw_json_text(text));
	err |= fw_json_set(one, "since", fw_lane_time_json(maps, l->prefix.since_s));
	err |= fw_json_set(one, "until", fw_lane_time_json(maps, l->prefix.until_s));
	err |= fw_json_set(one, "why", fw_json_text(l->why));
	if (!err)
		return one;
	json_decref(one);
	return NULL;
}

static json_t *ban_json(const struct fw_maps *maps, const struct fw_ban_entry *ban)
{
	return json_pack("{s:o,s:i}", "until",
			 fw_lane_time_json(maps, (__u32)(ban->until_ns / FW_NS_PER_S)), "times",
			 (int)ban->times);
}

static json_t *limits_json(const struct fw_maps *maps, const struct fw_model_class *class)
{
	json_t *limits = json_object();

	for (unsigned int k = 0; k < FW_K_MAX; k++)
		(void)fw_json_set(limits, fw_model_kind_name(k), /* a NULL in it says it */
				  fw_edit_rate_json(&class->rate[k], fw_model_kind_bytes(k),
						    maps->meta->tick_ns));
	return limits;
}

static int show_json(struct fw_cli *cli, const struct fw_maps *maps, const __be32 addr_be[4],
		     const struct fw_source *s, const struct fw_model *model,
		     const struct fw_ban_entry *ban)
{
	json_t *doc = json_object(), *list = json_array();
	char text[FW_TEXT_LEN];
	int err = 0;

	for (unsigned int i = 0; i < s->listings; i++)
		err |= fw_json_push(list, listing_json(maps, &s->listing[i]));
	fw_text_put_addr(text, sizeof(text), addr_be);
	err |= fw_json_set(doc, "source", fw_json_text(text));
	err |= fw_json_set(doc, "lane", fw_json_text(lane_of(s)));
	err |= fw_json_set(doc, "monitor", json_boolean(model->flags & FW_P_MONITOR));
	err |= fw_json_set(doc, "class", fw_json_text(s->class_name));
	err |= fw_json_set(doc, "listed", list);
	err |= fw_json_set(doc, "banned", ban ? ban_json(maps, ban) : json_null());
	err |= fw_json_set(doc, "limits", limits_json(maps, &model->class[s->class]));
	err |= fw_json_set(doc, "buckets", place_json(&s->own));
	err |= fw_json_set(doc, "net48", s->family == 6 ? place_json(&s->net48) : json_null());
	err |= fw_json_set(doc, "heavy",
			   s->heavy.family ? fw_source_heavy_json(maps, &s->heavy) : json_null());
	err |= fw_json_set(doc, "heavy_seconds", json_real(heavy_seconds(s)));
	if (err) {
		json_decref(doc);
		doc = NULL;
	}
	return fw_cli_json(cli, doc);
}

static int cmd_show(struct fw_cli *cli, int argc, char **argv)
{
	struct fw_model *model = NULL;
	struct fw_ban_entry ban;
	struct fw_source source;
	struct fw_maps maps;
	__be32 addr_be[4];
	bool banned;
	int err;

	(void)argc; /* the table says one */
	err = fw_text_source(argv[0], addr_be, &cli->err);
	if (err)
		return err;
	err = fw_maps_open(cli->pins,
			   FW_MAPS_POLICY | FW_MAPS_LANES | FW_MAPS_SOURCES | FW_MAPS_TALLIES,
			   &maps, &cli->err);
	if (err)
		return err;
	err = fw_source_read(&maps, addr_be, &source, &cli->err);
	if (!err)
		err = fw_apply_read_model(&maps, &model, &cli->err);
	if (!err) {
		banned = fw_ban_find(&maps, source.now_ns, addr_be, &ban);
		err = cli->json
			      ? show_json(cli, &maps, addr_be, &source, model, banned ? &ban : NULL)
			      : print_source(addr_be, &source, model, banned ? &ban : NULL);
	}
	free(model);
	fw_maps_close(&maps);
	return err;
}

static const struct fw_cli_option top_options[] = {
	{ "by", 'b', "WHAT", "order by packets (default), lost or bytes", "packets lost bytes" },
	{ NULL, 0, NULL, NULL, NULL },
};

const struct fw_cli_command fw_cmd_source[] = {
	{ .object = "source",
	  .verb = "top",
	  .args = "[N]",
	  .help = "the heaviest sources of the last seconds or minutes",
	  .doc = "Exact, of the last seconds or minutes: of the time that is said above the list, "
		 "for which "
		 "every CPU remembers what it has seen. With --watch, per second since the last "
		 "look. LOST is what was dropped. Only sources in the table are counted: who is "
		 "not "
		 "let in there has no account. Nor is there one of what the budgets that strangers "
		 "share refused of who has not proven itself.",
	  .options = top_options,
	  .max_args = 1,
	  .flags = FW_CLI_WATCH | FW_CLI_DEFAULT,
	  .run = fw_source_top },
	{ .object = "source",
	  .verb = "show",
	  .args = "ADDR",
	  .help = "one source: lanes, class, proof, what it was charged for and lost",
	  .min_args = 1,
	  .max_args = 1,
	  .flags = FW_CLI_WATCH,
	  .run = cmd_show },
	{ .object = NULL },
};
