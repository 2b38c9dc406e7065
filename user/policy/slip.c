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
