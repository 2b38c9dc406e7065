// SPDX-License-Identifier: GPL-2.0-only
/*
 * struct fw_rate -> struct fw_limit. What must stay true: costs round up, so nobody gets more than
 * the rate; whatever would lose more than 2 % to rounding or to the steps of the clock is refused
 * with the nearest value that works.
 *
 * The interval of one packet or byte is num / den ns. Its cost is that in units of 2^shift ns, with
 * q fractional bits where charges are large (bytes); the window is the cost of the whole burst.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "user/base/clock.h"
#include "user/base/text.h"
#include "user/policy/compile.h"

typedef unsigned __int128 u128;

#define SHIFT_MAX_BYTES 24 /* abi.h: 0..24 */
/* The packets' stamp has 52 bits in ns; a window may fill an eighth of them, as in 32-bit stamps.
 */
#define SHIFT_MAX_PACKETS 20
_Static_assert((__u64)FW_WINDOW_MAX << SHIFT_MAX_PACKETS <= FW_TAT_MASK / 8 + 1, "52-bit stamps");
#define COST_BITS 31
#define Q_MAX	  31
#define JUMBO	  9216 /* largest frame that must not be held up by the size of the burst */
#define FRAME_MIN 60   /* smallest frame, without FCS: where rounding of bytes weighs most */
#define FRAME_MAX 65535

struct want {
	u128 num;
	__u64 den;
	__u64 burst;
	bool bytes;
};

struct fit {
	__u64 cost;
	__u64 window;
	__u8 shift;
	__u8 q;
};

static u128 ceil_div(u128 a, u128 b)
{
	return (a + b - 1) / b;
}

static struct want want_of(const struct fw_rate *rate, __u64 burst, bool bytes)
{
	return (struct want){ (u128)rate->per_s * FW_NS_PER_S, rate->count, burst, bytes };
}

/*
 * Between two steps of the clock a full bucket overflows, so it must hold two steps of the rate.
 * A single packet at a time may do if a step is lost in 2 % of its interval.
 */
static __u64 burst_least(const struct want *w, __u32 tick_ns)
{
	u128 tick = (u128)tick_ns * w->den;
	__u64 two = (__u64)ceil_div(2 * tick, w->num);
	__u64 jumbo = (__u64)ceil_div(tick, w->num) + JUMBO;

	if (!w->bytes)
		return tick * 50 <= w->num ? 1 : two > 2 ? two : 2;
	if (two < jumbo)
		two = jumbo;
	return two > FW_COMPILE_BYTES_MIN ? two : FW_COMPILE_BYTES_MIN;
}

__u64 fw_compile_burst(const struct fw_rate *rate, bool bytes, __u32 tick_ns)
{
	struct want w;
	__u64 least, tenth;

	if (rate->burst || !rate->count || !rate->per_s)
		return rate->burst;
	w = want_of(rate, 0, bytes);
	least = burst_least(&w, tick_ns);
	tenth = rate->count / (10 * (__u64)rate->per_s);
	return tenth > least ? tenth : least;
}

/* Cost and window in units of 2^shift; false when they do not fit the program's fields. */
static bool fit_at(const struct want *w, __u8 shift, struct fit *ret)
{
	u128 den = (u128)w->den << shift, cost, window;
	__u8 q = w->bytes ? Q_MAX : 0;

	cost = ceil_div(w->num << q, den);
	for (; q && cost >> COST_BITS; q--)
		cost = ceil_div(w->num << (q - 1), den);
	if (cost >> COST_BITS)
		return false;
	window = ((u128)w->burst * cost + (((u128)1 << q) - 1)) >> q;
	*ret = (struct fit){ (__u64)cost, window > FW_WINDOW_MAX ? ~0ULL : (__u64)window, shift,
			     q };
	return window <= FW_WINDOW_MAX;
}

/* Whether rounding costs up takes at most 2 %, for every size of frame. */
static bool precise(const struct want *w, const struct fit *f)
{
	u128 den = (u128)w->den << f->shift;

	if (!w->bytes)
		return den * f->cost * 98 <= w->num * 100;
	for (__u32 len = FRAME_MIN; len <= FRAME_MAX; len++) {
		__u64 charge = (len * f->cost + ((1ULL << f->q) - 1)) >> f->q;

		if (den * charge * 98 > w->num * len * 100)
			return false;
		if (w->num * len >= den * 50) /* from here one unit is less than 2 % */
			break;
	}
	return true;
}

/* Longest burst that fits and is precise; 0: the rate is too fast or too slow for any. */
static __u64 burst_most(struct want w, __u8 shift_max)
{
	w.burst = 1;
	for (int shift = shift_max; shift >= 0; shift--) {
		struct fit f;

		if (fit_at(&w, (__u8)shift, &f) && precise(&w, &f))
			return (__u64)(((u128)FW_WINDOW_MAX << f.q) / f.cost);
	}
	return 0;
}

/* What is wrong with a rate by itself, or NULL. */
static const char *rate_fault(const struct fw_rate *rate)
{
	if (rate->per_s != 1 && rate->per_s != 60 && rate->per_s != 3600)
		return "a rate is per second, minute or hour";
	if (rate->soft_pct > 100)
		return "a soft limit is a share of the burst, from 0 to 100 %";
	if (rate->count >> 63 || rate->burst >> 63)
		return "rate or burst is too large";
	return NULL;
}

static int refuse_small(const struct fw_rate *rate, const struct want *w, __u64 least,
			struct fw_err *err)
{
	char burst[FW_TEXT_LEN], text[FW_TEXT_LEN], hint[FW_ERR_LEN];

	snprintf(hint, sizeof(hint), "use a burst of at least %llu, or leave it out", least);
	return fw_err_set(err, -EINVAL, hint,
			  "a burst of %s%s is too small to give %s in full (steps of the clock, "
			  "size of frames)",
			  fw_text_put_number(burst, sizeof(burst), w->burst),
			  w->bytes ? " bytes" : "", fw_text_put_rate(text, sizeof(text), rate));
}

static int refuse_large(const struct fw_rate *rate, const struct want *w, __u64 least, __u64 most,
			struct fw_err *err)
{
	char burst[FW_TEXT_LEN], text[FW_TEXT_LEN], hint[FW_ERR_LEN];

	fw_text_put_rate(text, sizeof(text), rate);
	if (most < least && w->num < (u128)w->den * FW_NS_PER_S)
		return fw_err_set(err, -EINVAL,
				  w->bytes ? "use at most 1.2G/s, or none"
					   : "use at most 20M/s, or none",
				  "%s is too fast to be counted within 2 %%", text);
	if (most < least)
		return fw_err_set(err, -EINVAL, "use 1/s or more",
				  "%s is too slow: the least burst of %llu would last for months",
				  text, least);
	snprintf(hint, sizeof(hint), "use a burst of at most %llu", most);
	return fw_err_set(err, -EINVAL, hint, "a burst of %s is too long for a rate of %s",
			  fw_text_put_number(burst, sizeof(burst), w->burst), text);
}

static int limit_compile(const struct fw_rate *rate, bool bytes, __u32 tick_ns, bool loose,
			 struct fw_limit *ret_limit, struct fw_err *err)
{
	__u8 shift_max = bytes ? SHIFT_MAX_BYTES : SHIFT_MAX_PACKETS, shift = 0;
	struct fit f = { 0 };
	struct want w;
	__u64 least;

	if (!rate->count) {
		*ret_limit = (struct fw_limit){ 0 };
		return 0;
	}
	if (rate_fault(rate))
		return fw_err_set(err, -EINVAL, NULL, "%s", rate_fault(rate));
	w = want_of(rate, fw_compile_burst(rate, bytes, tick_ns), bytes);
	least = burst_least(&w, tick_ns);
	if (w.burst < least)
		return refuse_small(rate, &w, least, err);
	while (!fit_at(&w, shift, &f) && shift < shift_max)
		shift++;
	if (f.window > FW_WINDOW_MAX || !f.cost || (!loose && !precise(&w, &f)))
		return refuse_large(rate, &w, least, burst_most(w, shift_max), err);
	*ret_limit = (struct fw_limit){
		.window = (__u32)f.window,
		.cost = (__u32)f.cost,
		.soft = (__u32)(f.window * rate->soft_pct / 100),
		.shift = f.shift,
		.q = f.q,
	};
	return 0;
}

int fw_compile_limit(const struct fw_rate *rate, bool bytes, __u32 tick_ns,
		     struct fw_limit *ret_limit, struct fw_err *err)
{
	return limit_compile(rate, bytes, tick_ns, false, ret_limit, err);
}

int fw_compile_net48(const struct fw_rate *rate, __u32 factor, bool bytes, __u32 tick_ns,
		     struct fw_limit *ret_limit, struct fw_err *err)
{
	struct fw_rate scaled = *rate;
	char text[FW_TEXT_LEN];

	if (!__builtin_mul_overflow(rate->count, factor, &scaled.count) &&
	    !__builtin_mul_overflow(fw_compile_burst(rate, bytes, tick_ns), factor,
				    &scaled.burst) &&
	    !limit_compile(&scaled, bytes, tick_ns, true, ret_limit, NULL))
		return 0;
	/* What a single limit is refused with does not help: the product is too large. */
	return fw_err_set(err, -EINVAL, "set net48-factor or this limit lower",
			  "%u times %s is more than can be counted", factor,
			  fw_text_put_rate(text, sizeof(text), rate));
}
