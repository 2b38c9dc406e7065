// SPDX-License-Identifier: GPL-2.0-only
/*
 * Slips, as tables: what is least for ordinary use, and what falls out below it. What must stay
 * true: nothing that one would set on purpose during an attack is called one.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include "user/base/text.h"
#include "user/policy/slip.h"

/* One browser that opens one page, as it arrives here: requests and acknowledgements. */
static const double visitor[FW_K_MAX] = {
	[FW_K_PACKETS] = 500,
	[FW_K_BYTES] = 100000,
	[FW_K_SYN] = 5,
};

static const struct {
	double least; /* a second; 0: may be as low as one likes */
	const char *then;
} budget[FW_B_MAX] = {
	[FW_B_ARP] = { 50, "neighbours and routers would not find this host" },
	[FW_B_ND] = { 50, "neighbours and routers would not find this host" },
	[FW_B_TRUSTED] = { 500, "the clerks together would exceed it" },
	[FW_B_NEW4] = { 200, "honest newcomers would not be remembered" },
	[FW_B_NEW6] = { 200, "honest newcomers would not be remembered" },
	[FW_B_COOKIE] = { 10000, "newcomers would get no answer during a flood" },
};

static bool below(const struct fw_rate *rate, double least)
{
	return rate->count && (double)rate->count / rate->per_s < least;
}

bool fw_slip_wide(const struct fw_prefix *one, char *buf, size_t size)
{
	static const char *const then[] = {
		[FW_LANE_MANAGEMENT] = ": nothing from there would be filtered",
		[FW_LANE_TRUSTED] = ": voters would share the clerks' budget",
		[FW_LANE_BLOCKED] = ", voters included",
	};
	bool ip4 = one->len >= 96 && fw_text_is_ip4(one->addr_be);
	char text[FW_TEXT_LEN];

	if (one->lane == FW_LANE_CLASS || one->len >= (ip4 ? 96 + 3 : 4) ||
	    (!ip4 && one->len == 3 && one->addr_be[0] != htonl(0x20000000)))
		return false;
	snprintf(buf, size, "%s is a large part of the whole Internet%s",
		 fw_text_put_prefix(text, sizeof(text), one->addr_be, one->len), then[one->lane]);
	return true;
}

/* source4_reserved() and source6_reserved() in bpf/stage_sanity.h. */
bool fw_slip_reserved(const __be32 addr_be[4], __u8 len)
{
	static const struct {
		__u32 net;
		int len;
	} reserved[] = { { 0x00000000, 8 },  { 0x0a000000, 8 },	 { 0xf0000000, 4 },
			 { 0x64400000, 10 }, { 0xa9fe0000, 16 }, { 0xac100000, 12 },
			 { 0xc0a80000, 16 }, { 0xc6120000, 15 }, { 0xc0000000, 24 },
			 { 0xc0000200, 24 }, { 0xc6336400, 24 }, { 0xcb007100, 24 } };
	__u32 a = ntohl(addr_be[3]), top = ntohl(addr_be[0]);

	if (len < 96 || !fw_text_is_ip4(addr_be))
		return (len >= 3 && top >> 29 != 1 && (len >= 10 || top >> 29 != 7) &&
			top >> 22 != 0xfe80 >> 6) ||
		       (len >= 32 && top == 0x20010db8);
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (len - 96 >= reserved[i].len &&
		    (a ^ reserved[i].net) >> (32 - reserved[i].len) == 0)
			return true;
	return false;
}

/* Addresses at which nobody can be served. */
static bool never_local(const struct fw_model_rule *rule)
{
	__u32 high = ntohl(rule->addr_be[0]), low = ntohl(rule->addr_be[3]);

	if (rule->any)
		return false;
	if (fw_text_is_ip4(rule->addr_be))
		return low >> 28 >= 14 || low >> 24 == 127 || low >> 24 == 0;
	return high >> 24 == 0xff || (!high && !rule->addr_be[1] && !rule->addr_be[2] && low <= 1);
}

bool fw_slip_service(const struct fw_model *model, __u8 service, char *buf, size_t size)
{
	char addr[FW_TEXT_LEN];

	for (__u32 i = 0; i < model->rules; i++) {
		const struct fw_model_rule *rule = &model->rule[i];

		if (rule->service != service || !never_local(rule))
			continue;
		snprintf(buf, size, "service \"%s\" can never match at %s: nobody is reached there",
			 model->service[service].name,
			 fw_text_put_addr(addr, sizeof(addr), rule->addr_be));
		return true;
	}
	return false;
}

bool fw_slip_limit(unsigned int kind, const struct fw_rate *rate, char *buf, size_t size)
{
	if (!below(rate, visitor[kind]))
		return false;
	snprintf(buf, size,
		 "so low a limit of %s cuts honest visitors off: one page takes a browser more",
		 fw_model_kind_name(kind));
	return true;
}

bool fw_slip_budget(unsigned int id, const struct fw_rate *rate, char *buf, size_t size)
{
	if (!below(rate, budget[id].least))
		return false;
	snprintf(buf, size, "so low a budget \"%s\" harms the honest: %s", fw_model_budget_name(id),
		 budget[id].then);
	return true;
}
