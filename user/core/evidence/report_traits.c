// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the samples have in common: TTLs, lengths, kinds of packets. A tool that floods builds its
 * packets alike; many people's machines, far apart, do not. Every sample counts as the packets it
 * stands for. Distrusts every length: samples are what an attacker sent.
 */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <stdio.h>
#include <string.h>
#include "user/core/evidence/report.h"

/* What a packet is, as far as 128 bytes tell. */
struct look {
	__u8 ttl, proto, flags;
	__u16 port; /* destination, host order; 0 = none */
	size_t l4_at;
	bool ip, fragment, later;
};

static __u16 be16(const __u8 *at)
{
	return (__u16)(at[0] << 8 | at[1]);
}

static void look_l4(const __u8 *data, size_t len, size_t at, struct look *l)
{
	l->l4_at = at;
	if (l->later || (l->proto != IPPROTO_TCP && l->proto != IPPROTO_UDP) || len < at + 4)
		return;
	l->port = be16(data + at + 2);
	if (l->proto == IPPROTO_TCP && len > at + 13)
		l->flags = data[at + 13];
}

static void look_ip4(const __u8 *data, size_t len, size_t at, struct look *l)
{
	size_t head = (size_t)(data[at] & 15) * 4;
	__u16 part;

	if (len < at + 20 || head < 20)
		return;
	part = be16(data + at + 6);
	l->ip = true;
	l->ttl = data[at + 8];
	l->proto = data[at + 9];
	l->fragment = part & 0x3fff;
	l->later = part & 0x1fff;
	look_l4(data, len, at + head, l);
}

static void look_ip6(const __u8 *data, size_t len, size_t at, struct look *l)
{
	if (len < at + 40)
		return;
	l->ip = true;
	l->proto = data[at + 6];
	l->ttl = data[at + 7];
	at += 40;
	if (l->proto == IPPROTO_FRAGMENT && len >= at + 8) {
		l->fragment = true;
		l->later = be16(data + at + 2) & 0xfff8;
		l->proto = data[at];
		at += 8;
	}
	look_l4(data, len, at, l);
}

static struct look look(const struct fw_incident_sample *s)
{
	size_t at = 2 * ETH_ALEN,
	       len = s->captured < sizeof(s->data) ? s->captured : sizeof(s->data);
	struct look l = { 0 };
	__u16 type;

	for (int tags = 0; tags <= 2; tags++) {
		if (len < at + 4)
			return l;
		type = be16(s->data + at);
		at += 2;
		if (type != ETH_P_8021Q && type != ETH_P_8021AD)
			break;
		at += 2;
	}
	if (len <= at)
		return l;
	if (type == ETH_P_IP)
		look_ip4(s->data, len, at, &l);
	else if (type == ETH_P_IPV6)
		look_ip6(s->data, len, at, &l);
	return l;
}

static const char *flag_words(__u8 flags)
{
	switch (flags & 0x17) { /* FIN, SYN, RST, ACK; the others say little */
	case 0x02:
		return "SYN";
	case 0x12:
		return "SYN-ACK";
	case 0x10:
		return "ACK";
	case 0x04:
	case 0x14:
		return "RST";
	case 0x01:
	case 0x11:
		return "FIN";
	default:
		return "other flags";
	}
}

static void name_kind(const struct look *l, char *buf, size_t size)
{
	if (!l->ip)
		snprintf(buf, size, "not IP");
	else if (l->fragment)
		snprintf(buf, size, "fragments of IP protocol %u", l->proto);
	else if (l->proto == IPPROTO_TCP)
		snprintf(buf, size, "TCP %s to port %u", flag_words(l->flags), l->port);
	else if (l->proto == IPPROTO_UDP)
		snprintf(buf, size, "UDP to port %u", l->port);
	else if (l->proto == IPPROTO_ICMP || l->proto == IPPROTO_ICMPV6)
		snprintf(buf, size, "ICMP");
	else
		snprintf(buf, size, "IP protocol %u", l->proto);
}

/* The first so many kinds have a place; a flood's is among them within a few samples. */
static void add_kind(struct fw_report_traits *t, const char *name, double weight)
{
	for (unsigned int i = 0; i < t->nr_kinds; i++)
		if (!strcmp(t->kind[i].name, name)) {
			t->kind[i].weight += weight;
			return;
		}
	if (t->nr_kinds == FW_REPORT_KINDS)
		return;
	snprintf(t->kind[t->nr_kinds].name, sizeof(t->kind[0].name), "%s", name);
	t->kind[t->nr_kinds++].weight = weight;
}

/*
 * Of an answered packet the sample holds our answer: a SYN-ACK, from the port that was asked. Its
 * kind is known from that; its TTL and length are ours.
 */
static void turn_round(const struct fw_incident_sample *s, struct look *l)
{
	if (l->proto != IPPROTO_TCP || l->later || !l->l4_at || l->l4_at + 4 > sizeof(s->data) ||
	    s->captured < l->l4_at + 4)
		return;
	l->port = be16(s->data + l->l4_at);
	l->flags = 0x02;
}

void fw_report_traits_add(struct fw_report_traits *t, const struct fw_incident_sample *s,
			  double weight)
{
	char name[sizeof(t->kind[0].name)];
	struct look l = look(s);

	t->samples++;
	t->weight += weight;
	if (s->answered) {
		turn_round(s, &l);
	} else {
		t->length[s->len < FW_REPORT_LENGTH ? s->len : FW_REPORT_LENGTH - 1] += weight;
		t->lengths += weight;
		t->shown++;
		if (l.ip)
			t->ttl[l.ttl] += weight;
	}
	name_kind(&l, name, sizeof(name));
	add_kind(t, name, weight);
}

/*
 * Where packets of ordinary systems arrive: they start at 64, 128 or 255 and pass fewer than 32
 * routers. Random TTLs hit these ranges in 3 of 8 cases.
 */
static bool usual_ttl(unsigned int ttl)
{
	return (ttl > 32 && ttl <= 64) || (ttl > 96 && ttl <= 128) || ttl > 223;
}

void fw_report_traits_finish(struct fw_report_traits *t)
{
	double ttls = 0, usual = 0, top = 0;

	for (unsigned int i = 0; i < 256; i++) {
		ttls += t->ttl[i];
		usual += usual_ttl(i) ? t->ttl[i] : 0;
		t->ttl_distinct += t->ttl[i] > 0;
		if (t->ttl[i] > top) {
			top = t->ttl[i];
			t->ttl_top_value = i;
		}
	}
	t->ttl_top = fw_report_share(top, ttls);
	t->ttl_usual = fw_report_share(usual, ttls);
	top = 0;
	for (unsigned int i = 0; i < FW_REPORT_LENGTH; i++) {
		t->length_distinct += t->length[i] > 0;
		if (t->length[i] > top) {
			top = t->length[i];
			t->length_top_value = i;
		}
	}
	t->length_top = fw_report_share(top, t->lengths);
	top = 0;
	for (unsigned int i = 0; i < t->nr_kinds; i++)
		if (t->kind[i].weight > top) {
			top = t->kind[i].weight;
			snprintf(t->kind_top_name, sizeof(t->kind_top_name), "%s", t->kind[i].name);
		}
	t->kind_top = fw_report_share(top, t->weight);
}
