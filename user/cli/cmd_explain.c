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
#include "user/core/explain.h"
#include "user/core/stats.h"
#include "user/policy/model.h"

#define SPORT_DEFAULT 40000
#define DPORT_DEFAULT 80
#define BYTES_MAX     9018
#define SYN	      0x02

static const struct {
	const char *name;
	__u8 number;
} protos[] = { { "tcp", IPPROTO_TCP },
	       { "udp", IPPROTO_UDP },
	       { "icmp", IPPROTO_ICMP },
	       { "icmp6", IPPROTO_ICMPV6 } };

static int take_proto(struct fw_cli *cli, struct fw_explain_packet *p)
{
	const char *text = fw_cli_option(cli, "proto");
	__u64 number;

	p->proto = IPPROTO_TCP;
	if (!text)
		return 0;
	for (size_t i = 0; i < sizeof(protos) / sizeof(*protos); i++)
		if (!strcmp(protos[i].name, text)) {
			p->proto = protos[i].number;
			if (p->proto == IPPROTO_ICMP && !fw_text_is_ip4(p->saddr_be))
				p->proto = IPPROTO_ICMPV6;
			return 0;
		}
	if (fw_text_number(text, &number, NULL) || number > 255)
		return fw_cli_usage(cli, "--proto %.40s: say tcp, udp, icmp or a number up to 255",
				    text);
	p->proto = (__u8)number;
	return 0;
}

/* Letters as tcpdump prints them. */
static int take_flags(struct fw_cli *cli, struct fw_explain_packet *p)
{
	static const char letters[] = "FSRP.UEW"; /* by bit */
	const char *text = fw_cli_option(cli, "flags");

	p->tcp_flags = text ? 0 : SYN;
	for (const char *c = text; c && *c; c++) {
		const char *at = strchr(letters, *c == 'A' ? '.' : *c);

		if (!at)
			return fw_cli_usage(
				cli, "--flags %.40s: say letters of F S R P A U, as in SA", text);
		p->tcp_flags |= (__u8)(1 << (at - letters));
	}
	return 0;
}

/* ADDR, ADDR:PORT, [ADDR]:PORT */
static int take_to(struct fw_cli *cli, const char *text, struct fw_explain_packet *p)
{
	const char *colon = strrchr(text, ':');
	char addr[FW_TEXT_LEN];
	__u16 last;
	int r;

	if (strlen(text) >= sizeof(addr))
		return fw_cli_usage(cli, "--to %.60s: say ADDR:PORT", text);
	/* An address of IPv6 alone has colons, too. */
	if (colon && *text != '[' && strchr(text, ':') != colon)
		colon = NULL;
	if (*text == '[' && (!colon || colon[-1] != ']'))
		colon = NULL;
	snprintf(addr, sizeof(addr), "%.*s", (int)(colon ? colon - text : (long)strlen(text)),
		 text);
	if (*addr == '[' && addr[strlen(addr) - 1] == ']') {
		addr[strlen(addr) - 1] = 0;
		memmove(addr, addr + 1, strlen(addr));
	}
	r = fw_text_addr(addr, p->daddr_be, &cli->err);
	if (!r && colon)
		r = fw_text_ports(colon + 1, &p->dport, &last, &cli->err);
	return r;
}

/* Where nothing is said: the first service that has an address of this family, and speaks this. */
static void guess_to(const struct fw_model *model, struct fw_explain_packet *p)
{
	bool ip4 = fw_text_is_ip4(p->saddr_be);
	const struct fw_model_rule *any = NULL;

	fw_text_addr(ip4 ? "192.0.2.1" : "2001:db8::1", p->daddr_be, NULL);
	for (__u32 i = 0; i < model->rules; i++) {
		const struct fw_model_rule *rule = &model->rule[i];

		if (rule->proto != (p->proto == IPPROTO_UDP ? FW_PORT_UDP : FW_PORT_TCP))
			continue;
		if (rule->any && !any)
			any = rule;
		if (rule->any || fw_text_is_ip4(rule->addr_be) != ip4)
			continue;
		memcpy(p->daddr_be, rule->addr_be, 16);
		p->dport = p->dport ?: rule->first;
		return;
	}
	if (any)
		p->dport = p->dport ?: any->first;
}

static int take_packet(struct fw_cli *cli, const char *addr, struct fw_explain_packet *p,
		       bool *ret_guess)
{
	const char *to = fw_cli_option(cli, "to"), *sport = fw_cli_option(cli, "sport");
	const char *bytes = fw_cli_option(cli, "bytes");
	__u64 number = 0;
	__u16 last;
	int r;

	*p = (struct fw_explain_packet){ .sport = SPORT_DEFAULT };
	r = fw_text_addr(addr, p->saddr_be, &cli->err);
	if (!r)
		r = take_proto(cli, p);
	if (!r)
		r = take_flags(cli, p);
	if (!r && to)
		r = take_to(cli, to, p);
	if (!r && sport)
		r = fw_text_ports(sport, &p->sport, &last, &cli->err);
	if (!r && bytes)
		r = fw_text_bytes(bytes, &number, &cli->err);
	if (!r && number > BYTES_MAX)
		r = fw_cli_usage(cli, "--bytes %.40s: at most %d", bytes, BYTES_MAX);
	if (!r && to && fw_text_is_ip4(p->saddr_be) != fw_text_is_ip4(p->daddr_be))
		r = fw_cli_usage(cli, "%.60s and --to %.60s are not of one family", addr, to);
	p->len = (__u32)number;
	*ret_guess = !to;
	return r;
}

static const char *proto_name(__u8 proto, char *buf, size_t size)
{
	for (size_t i = 0; i < sizeof(protos) / sizeof(*protos); i++)
		if (protos[i].number == proto)
			return protos[i].name;
	snprintf(buf, size, "protocol %u", proto);
	return buf;
}

static bool has_ports(const struct fw_explain_packet *p)
{
	return p->proto == IPPROTO_TCP || p->proto == IPPROTO_UDP;
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

	printf("packet     %s", proto_name(p->proto, name, sizeof(name)));
	if (p->proto == IPPROTO_TCP)
		printf(" %s", put_flags(flags, p->tcp_flags));
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
	       "sockets; "
	       "nothing was charged\n");
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

	return json_pack("{s:s,s:o,s:s,s:o,s:s,s:o,s:i}", "src",
			 fw_text_put_addr(from, sizeof(from), p->saddr_be), "sport",
			 ports ? json_integer(p->sport) : json_null(), "dst",
			 fw_text_put_addr(to, sizeof(to), p->daddr_be), "dport",
			 ports ? json_integer(p->dport) : json_null(), "proto",
			 proto_name(p->proto, name, sizeof(name)), "flags",
			 p->proto == IPPROTO_TCP ? json_string(put_flags(flags, p->tcp_flags))
						 : json_null(),
			 "len", (int)e->len);
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
	r = take_packet(cli, argv[0], &p, &guess);
	if (r)
		return r;
	r = fw_maps_open(cli->pins,
			 FW_MAPS_POLICY | FW_MAPS_LANES | FW_MAPS_SOURCES | FW_MAPS_COUNTS, &maps,
			 &cli->err);
	if (r)
		return r;
	e = calloc(1, sizeof(*e));
	r = e ? fw_apply_read_model(&maps, &model, &cli->err)
	      : fw_err_set(&cli->err, -ENOMEM, NULL, "out of memory");
	if (!r && guess)
		guess_to(model, &p);
	p.dport = p.dport ?: DPORT_DEFAULT;
	if (!r)
		r = fw_explain_run(&maps, &p, e, &cli->err);
	if (!r)
		r = cli->json ? print_json(cli, &p, e, maps.meta->tick_ns) : print(&p, e);
	free(e);
	free(model);
	fw_maps_close(&maps);
	return r;
}

static const struct fw_cli_option explain_options[] = {
	{ "to", 0, "DST:PORT",
	  "Where it goes; left out: the first service that speaks such packets", "@none" },
	{ "proto", 0, "P", "tcp (default), udp, icmp or a number", "tcp udp icmp" },
	{ "flags", 0, "F", "TCP flags as letters: S (default), SA, A, PA, R", "S SA A PA F R" },
	{ "sport", 0, "PORT", "Source port (40000)", "@none" },
	{ "bytes", 0, "N", "Length of the frame; left out: as short as such a packet is", "@none" },
	{ NULL, 0, NULL, NULL, NULL },
};

const struct fw_cli_command fw_cmd_explain[] = {
	{ .object = "explain",
	  .args = "ADDR",
	  .help = "what would happen to a packet of this address now, and why",
	  .doc = "The program itself judges such a packet on a copy of the live policy, buckets, "
		 "levels "
		 "and bans, with this host's sockets; nothing is charged. USED is the part of the "
		 "burst in use now, AFTER the same once the packet has been charged.\n\n"
		 "  floodwall explain 198.51.100.7\n"
		 "  floodwall explain 203.0.113.9 --to 192.0.2.1:443 --proto udp --sport 53",
	  .options = explain_options,
	  .min_args = 1,
	  .max_args = 1,
	  .flags = FW_CLI_WATCH,
	  .run = cmd_explain },
	{ .object = NULL },
};
