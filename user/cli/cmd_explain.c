// SPDX-License-Identifier: GPL-2.0-only
/* explain: what would happen to such a packet now, at which stage, why, and how full its buckets
 * are. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/json.h"
#include "user/base/table.h"
#include "user/base/text.h"
#include "user/cli/cli.h"
#include "user/cli/edit.h"
#include "user/cli/explain.h"
#include "user/core/replay/explain.h"
#include "user/core/stats.h"
#include "user/policy/model.h"

static bool has_ports(const struct fw_explain_packet *p)
{
	return (p->proto == IPPROTO_TCP || p->proto == IPPROTO_UDP) &&
	       p->fragment != FW_EXPLAIN_LATER;
}

static const char *put_flags(char buf[9], __u8 flags)
{
	int n = 0;

	for (int bit = 0; bit < 8; bit++)
		if (flags >> bit & 1)
			buf[n++] = "FSRPAUEW"[bit];
	buf[n] = 0;
	return n ? buf : "no flag";
}

static void print_end(const char *addr, bool ports, __u16 port)
{
	if (!ports)
		printf("%s", addr);
	else if (strchr(addr, ':'))
		printf("[%s]:%u", addr, port);
	else
		printf("%s:%u", addr, port);
}

static void print_packet(const struct fw_explain_packet *p, const struct fw_explain *e)
{
	char name[24], flags[9], addr[FW_TEXT_LEN];
	bool ports = has_ports(p);

	printf("packet     %s", fw_explain_proto(p->proto, name, sizeof(name)));
	if (p->proto == IPPROTO_TCP && ports)
		printf(" %s", put_flags(flags, p->tcp_flags));
	if (p->fragment)
		printf(", %s fragment,", fw_explain_fragment_name(p->fragment));
	printf(" from ");
	print_end(fw_text_put_addr(addr, sizeof(addr), p->saddr_be), ports, p->sport);
	printf(" to ");
	print_end(fw_text_put_addr(addr, sizeof(addr), p->daddr_be), ports, p->dport);
	printf(", %u bytes\n", e->len);
}

static void print_verdict(const struct fw_explain *e)
{
	static const char *const does[FW_V_MAX] = { "would pass", "would be dropped",
						    "would be answered" };
	static const enum fw_style styles[FW_V_MAX] = { FW_STYLE_GOOD, FW_STYLE_BAD,
							FW_STYLE_WARN };
	const struct fw_judged *j = &e->judged;
	const struct fw_stats_name *reason = &fw_stats_reasons[j->reason];

	printf("verdict    %s%s%s: %s, %s\n", fw_table_style(stdout, styles[j->verdict]),
	       does[j->verdict], fw_table_style(stdout, FW_STYLE_NONE), reason->name, reason->text);
	if (e->monitor && j->verdict != FW_V_PASS)
		printf("           but the mode is monitor: it is only counted, and passes\n");
	printf("decided    at stage %s: %s\n", fw_explain_stage_name(e->stage),
	       fw_explain_stage_text(e->stage));
}

static const char *lane_of(const struct fw_source *s)
{
	return s->management ? "management"
	       : s->trusted  ? "trusted"
	       : s->blocked  ? "blocked"
			     : "none";
}

static int print_buckets(const struct fw_explain *e)
{
	static const struct fw_column columns[] = { { "BUCKET", FW_LEFT },
						    { "LIMIT", FW_RIGHT },
						    { "USED", FW_RIGHT },
						    { "AFTER", FW_RIGHT } };
	struct fw_table *table = fw_table_new(columns, 4);
	char text[FW_TEXT_LEN];
	int r;

	if (!table)
		return -ENOMEM;
	for (unsigned int i = 0; i < e->buckets; i++) {
		const struct fw_explain_bucket *b = &e->bucket[i];
		enum fw_style style = b->before > 0.99	? FW_STYLE_BAD
				      : b->before > 0.5 ? FW_STYLE_WARN
							: FW_STYLE_NONE;

		fw_table_cell(table, "%s", b->name);
		fw_table_cell(table, "%s",
			      fw_edit_put_rate(text, sizeof(text), &b->rate, b->bytes));
		if (!b->rate.count) {
			fw_table_cell_styled(table, FW_STYLE_DIM, "-");
			fw_table_cell_styled(table, FW_STYLE_DIM, "-");
			continue;
		}
		fw_table_cell_styled(table, style, "%.2f %%", b->before * 100);
		if (b->after > b->before)
			fw_table_cell(table, "%.2f %%", b->after * 100);
		else
			fw_table_cell_styled(table, FW_STYLE_DIM, "same");
	}
	r = fw_table_print(table, stdout);
	fw_table_free(table);
	return r;
}

static int print(const struct fw_explain_packet *p, const struct fw_explain *e)
{
	const struct fw_source *s = &e->source;
	int r = 0;

	print_packet(p, e);
	print_verdict(e);
	printf("source     lane %s, class %s, %s, %s\n", lane_of(s), s->class_name,
	       s->own.known ? "known" : "never seen", s->own.proven ? "proven" : "not proven");
	if (e->stage >= FW_EXPLAIN_SERVICE)
		printf("service    %s, %s\n", e->service, fw_model_level_name(e->level));
	putchar('\n');
	if (e->buckets)
		r = print_buckets(e);
	else
		printf("decided before any bucket is asked\n");
	printf("\njudged by the program itself on a copy of the live state, with this host's "
	       "sockets; nothing was charged\n");
	return r;
}

static json_t *buckets_json(const struct fw_explain *e, __u32 tick_ns)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < e->buckets; i++) {
		const struct fw_explain_bucket *b = &e->bucket[i];
		bool limited = b->rate.count;

		if (fw_json_push(list,
				 json_pack("{s:s,s:o,s:o,s:o,s:b}", "bucket", b->name, "limit",
					   fw_edit_rate_json(&b->rate, b->bytes, tick_ns),
					   "used_percent",
					   limited ? json_real(b->before * 100) : json_null(),
					   "after_percent",
					   limited ? json_real(b->after * 100) : json_null(),
					   "charged", b->after > b->before)))
			break;
	}
	return list;
}

static json_t *packet_json(const struct fw_explain_packet *p, const struct fw_explain *e)
{
	char name[24], flags[9], from[FW_TEXT_LEN], to[FW_TEXT_LEN];
	bool ports = has_ports(p);

	return json_pack("{s:s,s:o,s:s,s:o,s:s,s:o,s:s?,s:i}", "src",
			 fw_text_put_addr(from, sizeof(from), p->saddr_be), "sport",
			 ports ? json_integer(p->sport) : json_null(), "dst",
			 fw_text_put_addr(to, sizeof(to), p->daddr_be), "dport",
			 ports ? json_integer(p->dport) : json_null(), "proto",
			 fw_explain_proto(p->proto, name, sizeof(name)), "flags",
			 p->proto == IPPROTO_TCP && ports
				 ? json_string(put_flags(flags, p->tcp_flags))
				 : json_null(),
			 "fragment", fw_explain_fragment_name(p->fragment), "len", (int)e->len);
}

static int print_json(struct fw_cli *cli, const struct fw_explain_packet *p,
		      const struct fw_explain *e, __u32 tick_ns)
{
	static const char *const verdicts[FW_V_MAX] = { "pass", "drop", "tx" };
	const struct fw_source *s = &e->source;
	bool asked = e->stage >= FW_EXPLAIN_SERVICE;
	json_t *doc = json_object();
	int err = 0;

	err |= fw_json_set(doc, "packet", packet_json(p, e));
	err |= fw_json_set(doc, "verdict", json_string(verdicts[e->judged.verdict]));
	err |= fw_json_set(doc, "reason", json_string(fw_stats_reasons[e->judged.reason].name));
	err |= fw_json_set(doc, "meaning", json_string(fw_stats_reasons[e->judged.reason].text));
	err |= fw_json_set(doc, "stage", json_string(fw_explain_stage_name(e->stage)));
	err |= fw_json_set(doc, "monitor", json_boolean(e->monitor));
	err |= fw_json_set(doc, "service", asked ? fw_json_text(e->service) : json_null());
	err |= fw_json_set(doc, "level",
			   asked ? json_string(fw_model_level_name(e->level)) : json_null());
	err |= fw_json_set(doc, "lane", json_string(lane_of(s)));
	err |= fw_json_set(doc, "class", fw_json_text(s->class_name));
	err |= fw_json_set(doc, "known", json_boolean(s->own.known));
	err |= fw_json_set(doc, "proven", json_boolean(s->own.proven));
	err |= fw_json_set(doc, "buckets", buckets_json(e, tick_ns));
	err |= fw_json_set(doc, "judged_on", json_string("a copy of the live state"));
	if (err) {
		json_decref(doc);
		doc = NULL;
	}
	return fw_cli_json(cli, doc);
}

static int cmd_explain(struct fw_cli *cli, int argc, char **argv)
{
	struct fw_model *model = NULL;
	struct fw_explain_packet p;
	struct fw_explain *e;
	struct fw_maps maps;
	bool guess;
	int r;

	(void)argc; /* the table says one */
	r = fw_explain_take(cli, argv[0], &p, &guess);
	if (r)
		return r;
	r = fw_maps_open(cli->pins,
			 FW_MAPS_POLICY | FW_MAPS_LANES | FW_MAPS_SOURCES | FW_MAPS_COUNTS, &maps,
			 &cli->err);
	if (r)
		return r;
	e = calloc(1, sizeof(*e));
	if (!e) {
		r = fw_err_set(&cli->err, -ENOMEM, NULL, "out of memory");
		goto out;
	}
	r = fw_apply_read_model(&maps, &model, &cli->err);
	if (!r && guess)
		fw_explain_guess(model, &p);
	p.dport = p.dport ?: FW_EXPLAIN_DPORT;
	if (!r)
		r = fw_explain_run(&maps, &p, e, &cli->err);
	if (!r)
		r = cli->json ? print_json(cli, &p, e, maps.meta->tick_ns) : print(&p, e);
out:
	free(e);
	free(model);
	fw_maps_close(&maps);
	return r;
}

static const struct fw_cli_option explain_options[] = {
	{ "to", 0, "DST:PORT",
	  "where it goes; left out: the first service that speaks such packets", "@none" },
	{ "proto", 0, "P", "tcp (default), udp, icmp or a number", "tcp udp icmp" },
	{ "flags", 0, "F", "TCP flags as letters: S (default), SA, A, PA, R", "S SA A PA F R" },
	{ "fragment", 0, "WHICH", "not whole: its first fragment, or a later one, without ports",
	  "first later" },
	{ "sport", 0, "PORT", "source port (40000)", "@none" },
	{ "bytes", 0, "N", "length of the frame; left out: as short as such a packet is", "@none" },
	{ NULL, 0, NULL, NULL, NULL },
};

const struct fw_cli_command fw_cmd_explain[] = {
	{ .object = "explain",
	  .args = "ADDR",
	  .help = "what would happen to a packet of this address now, and why",
	  .doc = "The program itself judges such a packet on a copy of the live policy, buckets, "
		 "levels and bans, with this host's sockets; nothing is charged. USED is the part "
		 "of the burst in use now, AFTER the same once the packet has been charged.\n\n"
		 "  floodwall explain 198.51.100.7\n"
		 "  floodwall explain 203.0.113.9 --to 192.0.2.1:443 --proto udp --sport 53",
	  .options = explain_options,
	  .min_args = 1,
	  .max_args = 1,
	  .flags = FW_CLI_WATCH,
	  .run = cmd_explain },
	{ .object = NULL },
};
