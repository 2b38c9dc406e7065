// SPDX-License-Identifier: GPL-2.0-only
/* The packet that explain is asked about, from the command line. */
#include <netinet/in.h>
#include <string.h>

#include "user/base/text.h"
#include "user/cli/explain.h"

#define SPORT_DEFAULT 40000
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

static const char *const fragments[] = {
	[FW_EXPLAIN_FIRST] = "first",
	[FW_EXPLAIN_LATER] = "later",
};

const char *fw_explain_fragment_name(__u8 fragment)
{
	return fragments[fragment];
}

static int take_fragment(struct fw_cli *cli, struct fw_explain_packet *p)
{
	const char *text = fw_cli_option(cli, "fragment");

	for (__u8 i = FW_EXPLAIN_FIRST; text && i <= FW_EXPLAIN_LATER; i++)
		if (!strcmp(fragments[i], text))
			p->fragment = i;
	return !text || p->fragment
		       ? 0
		       : fw_cli_usage(cli, "--fragment %.40s: say first or later", text);
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
	if (r)
		fw_err_prepend(&cli->err, "--to");
	else if (colon && last != p->dport)
		r = fw_cli_usage(cli, "--to %.60s: a packet goes to one port", text);
	return r;
}

void fw_explain_guess(const struct fw_model *model, struct fw_explain_packet *p)
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

int fw_explain_take(struct fw_cli *cli, const char *addr, struct fw_explain_packet *p,
		    bool *ret_guess)
{
	const char *to = fw_cli_option(cli, "to"), *sport = fw_cli_option(cli, "sport");
	const char *bytes = fw_cli_option(cli, "bytes");
	__u64 number = 0;
	__u16 last;
	int r;

	*p = (struct fw_explain_packet){ .sport = SPORT_DEFAULT };
	r = fw_text_source(addr, p->saddr_be, &cli->err);
	if (!r)
		r = take_proto(cli, p);
	if (!r)
		r = take_flags(cli, p);
	if (!r)
		r = take_fragment(cli, p);
	if (!r && to)
		r = take_to(cli, to, p);
	if (!r && sport)
		r = fw_text_ports(sport, &p->sport, &last, &cli->err);
	if (!r && sport && last != p->sport)
		r = fw_cli_usage(cli, "--sport %.60s: a packet comes from one port", sport);
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

const char *fw_explain_proto(__u8 proto, char *buf, size_t size)
{
	for (size_t i = 0; i < sizeof(protos) / sizeof(*protos); i++)
		if (protos[i].number == proto)
			return protos[i].name;
	snprintf(buf, size, "protocol %u", proto);
	return buf;
}
