// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where sources live: two IPv4 addresses never share a name (set, fingerprint, tag) in a table of
 * the default size or any of at least 8,192 sets, whatever the keys; IPv6 prefixes hardly ever.
 */
#include <string.h>
#include "bpf/hash.h"
#include "tests/unit/unit.h"

struct keys {
	__u64 key[4];
};

static struct keys random_keys(void)
{
	struct keys k;

	for (int i = 0; i < 4; i++)
		k.key[i] = unit_random();
	k.key[1] |= 1;
	k.key[3] |= 1;
	return k;
}

/* Newton's iteration: each step doubles the bits of the inverse that are right. */
static __u32 inverse32(__u32 odd)
{
	__u32 x = odd;

	for (int i = 0; i < 5; i++)
		x *= 2 - odd * x;
	return x;
}

/* fw_hash4() backwards. */
static __u32 unhash4(__u32 x, const struct keys *k)
{
	x ^= x >> 16;
	x *= inverse32((__u32)k->key[3]);
	x ^= x >> 15 ^ x >> 30;
	x *= inverse32((__u32)k->key[1]);
	return x ^ (__u32)k->key[0];
}

/* What can be undone has lost nothing: the mix is a bijection. */
static void hash4_is_a_bijection(void **state)
{
	(void)state;
	for (int round = 0; round < 50; round++) {
		struct keys k = random_keys();

		for (int i = 0; i < 20000; i++) {
			__u32 addr = (__u32)unit_random();
			__u64 hash = fw_hash4(addr, k.key[0], k.key[1], k.key[3]);

			assert_int_equal(unhash4((__u32)hash, &k), addr);
			assert_int_equal(hash >> FW_TAG_SHIFT, (__u32)hash >> 20);
		}
	}
}

/* All hashes of one set: each has a name of its own there. */
static void check_set(__u32 set, __u32 bits, bool far)
{
	static __u8 seen[256 << 12];

	memset(seen, 0, sizeof(seen));
	for (__u64 high = 0; high < 1ULL << (32 - bits); high++) {
		__u32 x = (__u32)(high << bits) | set;
		__u64 hash = (__u64)(x >> 20) << FW_TAG_SHIFT | x;
		struct fw_place place = far ? fw_place_far(hash, bits) : fw_place_near(hash, bits);
		__u32 name = (__u32)place.fp << 12 | place.tag;

		assert_int_not_equal(place.fp, 0);
		assert_true(place.tag < 1 << 12);
		assert_false(seen[name]);
		seen[name] = 1;
	}
}

static void names4_are_unique(void **state)
{
	(void)state;
	for (__u32 bits = 13; bits <= 24; bits++)
		for (int i = 0; i < 20; i++)
			check_set((__u32)unit_below(1ULL << bits), bits, true);
	for (int i = 0; i < 20; i++)
		check_set((__u32)unit_below(1 << FW_NEAR_BITS), FW_NEAR_BITS, false);
}

/* Every place is within the table, the far part behind the near one. */
static void places_are_in_range(void **state)
{
	(void)state;
	for (__u32 bits = 0; bits <= 25; bits++) {
		for (int i = 0; i < 2000; i++) {
			__u64 hash = unit_random();
			__u32 near = fw_place_near(hash, bits).set,
			      far = fw_place_far(hash, bits).set;

			assert_true(near < 1U << fw_near_bits(bits));
			assert_true(far >= 1U << fw_near_bits(bits) && far < fw_table_sets(bits));
		}
	}
}

/* A million random and neighbouring /64s in the default table: as few pairs as 2^-20 allows. */
static int by_value(const void *a, const void *b)
{
	const __u64 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void names6_rarely_meet(void **state)
{
	enum { N = 1 << 20, BITS = 17 };
	__u64 *name = calloc(N, sizeof(*name)), base = unit_random();
	struct keys k = random_keys();
	int pairs = 0;

	(void)state;
	assert_non_null(name);
	for (__u32 i = 0; i < N; i++) {
		__u64 hash =
			fw_hash6(i & 1 ? base + i : unit_random(), k.key[0], k.key[1], k.key[3]);
		struct fw_place place = fw_place_far(hash, BITS);

		name[i] = (__u64)place.set << 20 | (__u64)place.fp << 12 | place.tag;
	}
	qsort(name, N, sizeof(*name), by_value);
	for (__u32 i = 1; i < N; i++)
		pairs += name[i] == name[i - 1];
	free(name);
	/* 2^40 / 2 pairs of prefixes, 37 bits of a name: 4 are to be expected. */
	assert_in_range(pairs, 0, 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hash4_is_a_bijection),
		cmocka_unit_test(names4_are_unique),
		cmocka_unit_test(places_are_in_range),
		cmocka_unit_test(names6_rarely_meet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
