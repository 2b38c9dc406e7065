// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an incident was, in words: each reason for which packets were refused or answered speaks for
 * one kind, the kind with the most packets is named, and how sure that is follows from its share.
 * Connections tell a spoofed flood from visitors: who spoofs never sees the answer to go on from.
 */
#include <stdio.h>
#include <sys/param.h>

#include "user/base/text.h"
#include "user/core/record/incident.h"

/* Reason -> the kind it speaks for. Reasons that pass, and those left out, speak for none. Only a
 * ban says that an address itself sent something: whatever is over a limit may be spoofed. */
static const __u8 speaks_for[FW_R_MAX] = {
	[FW_R_TX_COOKIE] = FW_IK_SYN_SPOOFED,	  [FW_R_DROP_COOKIE_OVER] = FW_IK_SYN_SPOOFED,
	[FW_R_DROP_NEWCOMER] = FW_IK_SYN_SPOOFED, [FW_R_DROP_RETRANSMIT] = FW_IK_SYN_SPOOFED,
	[FW_R_DROP_SRC_SYN] = FW_IK_SYN_SOURCE,	  [FW_R_DROP_OUT_OF_STATE] = FW_IK_STATE,
	[FW_R_DROP_COOKIE] = FW_IK_STATE,	  [FW_R_DROP_UNSPOKEN] = FW_IK_UDP,
	[FW_R_DROP_SRC_UDP] = FW_IK_UDP,	  [FW_R_DROP_CROWD_UDP] = FW_IK_UDP,
	[FW_R_DROP_REFLECTED] = FW_IK_REFLECTION, [FW_R_DROP_SRC_ICMP] = FW_IK_ICMP,
	[FW_R_DROP_CROWD_ICMP] = FW_IK_ICMP,	  [FW_R_DROP_ESSENTIAL] = FW_IK_ICMP,
	[FW_R_DROP_FRAGMENT] = FW_IK_FRAGMENTS,	  [FW_R_DROP_SRC_FRAG] = FW_IK_FRAGMENTS,
	[FW_R_DROP_CROWD_FRAG] = FW_IK_FRAGMENTS, [FW_R_DROP_SHORT] = FW_IK_MALFORMED,
	[FW_R_DROP_IP_HEADER] = FW_IK_MALFORMED,  [FW_R_DROP_L4_HEADER] = FW_IK_MALFORMED,
	[FW_R_DROP_TCP_FLAGS] = FW_IK_MALFORMED,  [FW_R_DROP_PORT_ZERO] = FW_IK_MALFORMED,
	[FW_R_DROP_LAND] = FW_IK_MALFORMED,	  [FW_R_DROP_BOGUS_SOURCE] = FW_IK_MALFORMED,
	[FW_R_DROP_DEEP] = FW_IK_MALFORMED,	  [FW_R_DROP_OTHER_L3] = FW_IK_MALFORMED,
	[FW_R_DROP_BANNED] = FW_IK_BOTNET,	  [FW_R_DROP_SRC_PACKETS] = FW_IK_SOURCE,
	[FW_R_DROP_SRC_BYTES] = FW_IK_SOURCE,	  [FW_R_DROP_NET48] = FW_IK_SOURCE,
	[FW_R_DROP_TRUSTED] = FW_IK_SOURCE,
};

_Static_assert(FW_R_MAX == 45, "a new reason: which kind does it speak for?");

/* Amplifiers people have heard of, by UDP source port. */
static const struct {
	__u16 port;
	const char *words;
} amplifiers[] = {
	{ 19, "chargen reflection" }, { 53, "DNS reflection" },
	{ 69, "TFTP reflection" },    { 111, "portmapper reflection" },
	{ 123, "NTP reflection" },    { 137, "NetBIOS reflection" },
	{ 161, "SNMP reflection" },   { 389, "CLDAP reflection" },
	{ 1900, "SSDP reflection" },  { 3702, "WS-Discovery reflection" },
	{ 5353, "mDNS reflection" },  { 11211, "memcached reflection" },
};

static const char *const words[FW_IK_MAX] = {
#define X(id, name, text) text,
	FW_INCIDENT_KINDS(X)
#undef X
};

static const char *const names[FW_IK_MAX] = {
#define X(id, name, text) name,
	FW_INCIDENT_KINDS(X)
#undef X
};

const char *fw_incident_kind_name(enum fw_incident_kind kind)
{
	return kind < FW_IK_MAX ? names[kind] : "?";
}

/* Below this share of connections made nobody real was behind most SYNs; above the other, most
 * were honest. */
#define SPOOFED_MAX 0.1
#define HONEST_MIN  0.75
/* Fewer answers than that say nothing. */
#define COOKIES_MIN 100

__u64 fw_incident_proofs(const struct fw_incident_sums *s)
{
	__u64 cookies = s->reason[FW_R_PASS_COOKIE].packets;
	__u64 socket = s->reason[FW_R_PASS_SOCKET].packets;
	__u64 others = s->sources_proven > cookies ? s->sources_proven - cookies : 0;

	return cookies + MIN(socket, others);
}

double fw_incident_completion(const struct fw_incident_sums *s, __u64 *ret_of)
{
	__u64 back = fw_incident_proofs(s);
	__u64 cookies = s->reason[FW_R_TX_COOKIE].packets;
	/* Each stranger's first SYN is in one of these. */
	__u64 of = cookies + s->reason[FW_R_PASS_NEWCOMER].packets +
		   s->reason[FW_R_DROP_RETRANSMIT].packets;

	*ret_of = cookies < COOKIES_MIN ? 0 : of;
	return *ret_of ? MIN(1.0, (double)back / (double)of) : 0;
}

/* The SYN kind that the connections speak for; *sure is lowered where they are between. */
static enum fw_incident_kind judge_syn(double back, double *sure)
{
	if (back < 0) {
		*sure *= 0.6;
		return FW_IK_SYN_SPOOFED;
	}
	if (back >= HONEST_MIN)
		return FW_IK_RUSH;
	if (back > SPOOFED_MAX)
		*sure *= 1 - back;
	return FW_IK_SYN_SPOOFED;
}

/* In monitor mode they are let through: would of bad were. */
static const char *refused(__u64 bad, __u64 would)
{
	return !would	      ? "refused or answered"
	       : would == bad ? "that monitor mode let through"
			      : "refused or answered, or let through by monitor mode";
}

static void explain(struct fw_incident_guess *g, __u64 fits, __u64 bad, __u64 would, double back)
{
	char a[FW_TEXT_LEN], b[FW_TEXT_LEN];
	size_t used;

	used = (size_t)snprintf(
		g->why, sizeof(g->why), "%s of %s packets %s (%.1f %%) fit this kind",
		fw_text_put_grouped(a, sizeof(a), fits), fw_text_put_grouped(b, sizeof(b), bad),
		refused(bad, would), bad ? 100.0 * (double)fits / (double)bad : 0);
	if (back < 0 || used >= sizeof(g->why))
		return;
	snprintf(g->why + used, sizeof(g->why) - used,
		 "; %.1f %% of strangers' SYNs became connections (a spoofed source's never do)",
		 100 * back);
}

static void name_it(struct fw_incident_guess *g)
{
	snprintf(g->words, sizeof(g->words), "%s", words[g->kind]);
	if (g->kind != FW_IK_REFLECTION)
		g->port = 0;
	for (size_t i = 0; g->port && i < sizeof(amplifiers) / sizeof(*amplifiers); i++)
		if (amplifiers[i].port == g->port)
			snprintf(g->words, sizeof(g->words), "%s", amplifiers[i].words);
}

void fw_incident_guess(const struct fw_incident_sums *s, struct fw_incident_guess *ret)
{
	__u64 bad = 0, would = 0, kind[FW_IK_MAX] = { 0 };
	__u64 asked;
	double back = fw_incident_completion(s, &asked), sure;
	struct fw_incident_guess g = { .port = s->reflect_port };

	back = asked ? back : -1;
	for (int i = 0; i < FW_R_MAX; i++) {
		__u64 n = s->would[i].packets;

		if (fw_incident_reason_verdict((unsigned int)i) != FW_V_PASS)
			n += s->reason[i].packets;
		bad += n;
		would += s->would[i].packets;
		kind[speaks_for[i]] += n;
	}
	for (int i = FW_IK_UNKNOWN + 1; i < FW_IK_MAX; i++)
		if (kind[i] > kind[g.kind] || g.kind == FW_IK_UNKNOWN)
			g.kind = kind[i] ? (enum fw_incident_kind)i : g.kind;
	sure = bad ? (double)kind[g.kind] / (double)bad : 0;
	explain(&g, kind[g.kind], bad, would, back);
	if (!bad)
		snprintf(g.why, sizeof(g.why), "nothing was refused or answered");
	if (g.kind == FW_IK_SYN_SPOOFED)
		g.kind = judge_syn(back, &sure);
	/* The odd packet of a flood that passed otherwise says nothing of what the flood was. */
	if (bad < COOKIES_MIN && s->pass.packets > 100 * bad) {
		g.kind = FW_IK_UNKNOWN;
		sure = 0;
		if (bad)
			snprintf(g.why, sizeof(g.why),
				 "%llu packets passed, and only %llu were refused or answered%s: "
				 "too few to name a kind",
				 (unsigned long long)s->pass.packets, (unsigned long long)bad,
				 would ? ", or would have been" : "");
	}
	/* Amplifiers' answers cannot be asked for proof, and a handful of packets proves nothing.
	 */
	if (bad < COOKIES_MIN)
		sure *= 0.5;
	g.sure_pct = (__u32)(100 * sure);
	name_it(&g);
	*ret = g;
}
