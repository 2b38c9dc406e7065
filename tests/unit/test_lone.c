// SPDX-License-Identifier: GPL-2.0-only
/* What the program says of a packet in two words is what the accounts book, up to the ends of each
 * field. */
#include "tests/unit/unit.h"
#include "user/core/record/accounts.h"

/* What two words say of a packet, at their ends. */
static void two_words(void **state)
{
	const __u32 most = (1U << 17) - 1;
	const __u64 steps = (1ULL << 39) - 1;
	struct fw_heavy h;

	(void)state;
	fw_accounts_lone(&(struct fw_lone){ ~0ULL, most | (FW_REASON_SLOTS - 1ULL) << 17 |
							   1ULL << 23 | 1ULL << 24 | steps << 25 },
			 &h);
	assert_int_equal(h.key, ~0ULL);
	assert_int_equal(h.bytes, most);
	assert_int_equal(h.lost_bytes, most);
	assert_int_equal(h.packets + h.lost, 2);
	assert_int_equal(h.reason, FW_REASON_SLOTS - 1);
	assert_int_equal(h.proven, 1);
	assert_int_equal(h.family, 6);
	assert_int_equal(h.first_ns, steps * FW_HEAVY_STEP_NS);
	fw_accounts_lone(&(struct fw_lone){ 1, 60 }, &h);
	assert_int_equal(h.bytes, 60);
	assert_int_equal(h.lost + h.lost_bytes + h.reason + h.proven + h.first_ns, 0);
	assert_int_equal(h.family, 4);
	assert_int_equal(h.slot, FW_HEAVY_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
