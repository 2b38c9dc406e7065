// SPDX-License-Identifier: GPL-2.0-only
/* Sets of addresses and what they share. Pure arithmetic; sorted arrays, 16 bytes an address. */
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "user/core/evidence/compare.h"

/* Addresses and /24s that may be sources (IANA: what is neither reserved, private nor multicast).
 */
#define USABLE4	   3702258432.0
#define USABLE4_24 (USABLE4 / 256)
/* Of 2000::/3, where all public IPv6 lies: /64s and /48s. */
#define USABLE6	   2305843009213693952.0
#define USABLE6_48 35184372088832.0
#define IP4_LOW	   0xffff00000000ULL

static bool is_ip4(const struct fw_compare_addr *a)
{
	return !a->high && (a->low & 0xffffffff00000000ULL) == IP4_LOW;
}

int fw_compare_add(struct fw_compare_set *s, const __be32 be[4])
{
	struct fw_compare_addr a = { (__u64)ntohl(be[0]) << 32 | ntohl(be[1]),
				     (__u64)ntohl(be[2]) << 32 | ntohl(be[3]) };

	if (s->nr == s->room) {
		size_t room = s->room ? 2 * s->room : 1024;
		void *more = realloc(s->addr, room * sizeof(a));

		if (!more)
			return -ENOMEM;
		s->addr = more;
		s->room = room;
	}
	if (!is_ip4(&a))
		a.low = 0;
	s->addr[s->nr++] = a;
	return 0;
}

static int order(const void *x, const void *y)
{
	const struct fw_compare_addr *a = x, *b = y;

	if (a->high != b->high)
		return a->high < b->high ? -1 : 1;
	return (a->low > b->low) - (a->low < b->low);
}

void fw_compare_sort(struct fw_compare_set *s)
{
	size_t n = 0;

	if (!s->nr)
		return;
	qsort(s->addr, s->nr, sizeof(*s->addr), order);
	for (size_t i = 1; i < s->nr; i++)
		if (order(&s->addr[n], &s->addr[i]))
			s->addr[++n] = s->addr[i];
	s->nr = n + 1;
}

static struct fw_compare_addr network(struct fw_compare_addr a)
{
	if (is_ip4(&a))
		a.low &= ~0xffULL;
	else
		a.high &= ~0xffffULL;
	return a;
}

/*
 * Chernoff's bound on a Poisson variable: P(X >= k) <= exp(-m) (e m / k)^k for k > m. Two random
 * draws share about Poisson(m) elements while both are small against what they are drawn from.
 */
static double log10_limit(double k, double m)
{
	if (k <= m || k < 1)
		return 0;
	if (m <= 0)
		return -999;
	return (k - m + k * log(m / k)) / log(10);
}

static void finish(struct fw_compare_overlap *o, double expected)
{
	__u64 all = o->a + o->b - o->shared;

	o->jaccard = all ? (double)o->shared / (double)all : 0;
	o->expected = expected;
	o->log10_limit = log10_limit((double)o->shared, expected);
}

/* One network's run of addresses in a sorted set. */
static size_t run_of(const struct fw_compare_set *s, size_t i, struct fw_compare_addr *ret)
{
	size_t n = 0;

	*ret = network(s->addr[i]);
	for (; i + n < s->nr; n++) {
		struct fw_compare_addr next = network(s->addr[i + n]);

		if (order(ret, &next))
			break;
	}
	return n;
}

static __u64 count4(const struct fw_compare_set *s)
{
	__u64 n = 0;

	for (size_t i = 0; i < s->nr; i++)
		n += is_ip4(&s->addr[i]);
	return n;
}

static __u64 shared_addresses(const struct fw_compare_set *a, const struct fw_compare_set *b)
{
	size_t i = 0, j = 0;
	__u64 n = 0;

	while (i < a->nr && j < b->nr) {
		int o = order(&a->addr[i], &b->addr[j]);

		n += !o;
		i += o <= 0;
		j += o >= 0;
	}
	return n;
}

/* Networks, and what chance gives within those that both came from. */
struct nets {
	__u64 a, b, shared, a4, b4;
	double within;
};

static struct nets count_networks(const struct fw_compare_set *a, const struct fw_compare_set *b)
{
	struct nets n = { 0 };
	size_t i = 0, j = 0;

	while (i < a->nr || j < b->nr) {
		struct fw_compare_addr x = { 0, 0 }, y = { 0, 0 };
		size_t in_a = i < a->nr ? run_of(a, i, &x) : 0;
		size_t in_b = j < b->nr ? run_of(b, j, &y) : 0;
		int o = !in_a ? 1 : !in_b ? -1 : order(&x, &y);

		if (o <= 0) {
			n.a++;
			n.a4 += is_ip4(&x);
			i += in_a;
		}
		if (o >= 0) {
			n.b++;
			n.b4 += is_ip4(&y);
			j += in_b;
		}
		if (!o) {
			n.shared++;
			n.within += (double)in_a * (double)in_b / (is_ip4(&x) ? 256 : 65536);
		}
	}
	return n;
}

void fw_compare_sources(const struct fw_compare_set *a, const struct fw_compare_set *b,
			struct fw_compare_sources *ret)
{
	double a4 = (double)count4(a), b4 = (double)count4(b);
	double a6 = (double)a->nr - a4, b6 = (double)b->nr - b4;
	struct nets n = count_networks(a, b);

	*ret = (struct fw_compare_sources){ .within = n.within };
	ret->addresses.a = a->nr;
	ret->addresses.b = b->nr;
	ret->addresses.shared = shared_addresses(a, b);
	finish(&ret->addresses, a4 * b4 / USABLE4 + a6 * b6 / USABLE6);
	ret->networks.a = n.a;
	ret->networks.b = n.b;
	ret->networks.shared = n.shared;
	finish(&ret->networks, (double)n.a4 * (double)n.b4 / USABLE4_24 +
				       (double)(n.a - n.a4) * (double)(n.b - n.b4) / USABLE6_48);
}

double fw_compare_shares(const json_t *a, const json_t *b)
{
	double sum = 0;

	if (!json_object_size(a) || !json_object_size(b))
		return -1;
	for (void *at = json_object_iter((json_t *)a); at;
	     at = json_object_iter_next((json_t *)a, at)) {
		double x = json_number_value(json_object_iter_value(at));
		double y = json_number_value(json_object_get(b, json_object_iter_key(at)));

		sum += x < y ? x : y;
	}
	return sum;
}
