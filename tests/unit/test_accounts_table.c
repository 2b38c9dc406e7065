// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of accounts: put in order, listed by what changed, with more reasons than one, and left
 * behind by whoever was killed while writing to it; and who is heaviest in it.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/unit/unit.h"
#include "user/core/record/accounts.h"
#include "user/core/record/heaviest.h"

static struct fw_tally lone(__u64 key, __u64 when, bool proven)
{
	return (struct fw_tally){ .key = key,
				  .packets = 1,
				  .bytes = 60,
				  .first_ns = when,
				  .who = FW_TALLY_WHO(0, 0, (__u32)proven, 0, 0) };
}

static struct fw_accounts *open_at(const char *path, bool *kept)
{
	const struct fw_accounts_id id = { .boot_id = "boot", .state = 1, .cpus = 1, .max = 4096 };
	struct fw_accounts *a = NULL;
	struct fw_err err;

	assert_int_equal(fw_accounts_open(path, &id, &a, kept, &err), 0);
	return a;
}

/* Any order they came in: by family and key, each one once, and found where it lies now. */
static void sorted(void **state)
{
	const struct fw_accounts_id id = {
		.boot_id = "boot", .state = 1, .cpus = 1, .max = 1 << 20
	};
	static const unsigned int counts[] = { 0, 1, 2, 31, 33, 500, 50000 };

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts) * 3; i++) {
		unsigned int count = counts[i / 3], how = i % 3;
		struct fw_accounts *a = NULL;
		struct fw_account got, last = {};
		struct fw_err err;
		__u64 sum = 0;
		bool kept;

		assert_int_equal(fw_accounts_open(NULL, &id, &a, &kept, &err), 0);
		for (__u64 n = 0; n < count; n++) {
			__u64 key = how == 0 ? n : how == 1 ? count - n : n * 0x9e3779b97f4a7c15ULL;
			bool ip6 = key >> 63;
			struct fw_tally h =
				lone(ip6 ? key : (__u32)(n * 2654435761), 1000, n % 7 == 0);

			h.who |= FW_TALLY_WHO(0, 0, 0, (__u32)ip6, 0);
			h.bytes = (__u32)h.key;
			sum += h.bytes;
			fw_accounts_record(a, 0, &h);
		}
		assert_int_equal(fw_accounts_count(a), count);
		fw_accounts_sort(a);
		for (unsigned int n = 0; n < count; n++, last = got) {
			fw_accounts_get(a, n, &got);
			assert_int_equal(got.bytes, (__u32)got.key);
			assert_int_equal(fw_accounts_proven(a, got.family, got.key), got.proven);
			assert_true(!n || got.family > last.family ||
				    (got.family == last.family && got.key > last.key));
			sum -= got.bytes;
		}
		assert_int_equal(sum, 0);
		fw_accounts_close(a);
	}
}

/* What changed comes once, whatever moves meanwhile, and in the order of addresses as it can be. */
static void listed(void **state)
{
	struct fw_accounts_id id = { .boot_id = "boot-1", .state = 7, .cpus = 1, .max = 1U << 17 };
	static __u32 at[FW_ACCOUNTS_BATCH];
	static __u8 seen[100001];
	__u64 proven, other, key, count = 100000;
	struct fw_accounts *a = NULL;
	struct fw_account got, last;
	struct fw_err err;
	size_t n, left;
	bool kept;

	(void)state;
	assert_int_equal(fw_accounts_open(NULL, &id, &a, &kept, &err), 0);
	fw_accounts_list(a, true);
	assert_int_equal(fw_accounts_changed(a, at, 10), 0); /* nobody sent anything */
	for (__u64 i = 1; i <= count; i++) {
		struct fw_tally h = lone(i * 48271 % (count + 1) ?: count, 1000, i % 3);

		if (!FW_TALLY_PROVEN(h.who))
			h.who |= FW_R_DROP_SRC_UDP;
		if (!(h.key & 1)) {
			h.who |= FW_TALLY_WHO(0, 0, 0, 1, 0);
			h.key <<= 40;
		}
		fw_accounts_record(a, 0, &h);
	}
	for (left = fw_accounts_changes(a); left; left -= n) {
		n = fw_accounts_changed(a, at, left % 7 ? FW_ACCOUNTS_BATCH : 1000);
		assert_true(n);
		assert_int_equal(fw_accounts_changes(a), left - n);
		for (size_t i = 0; i < n; i++, last = got) {
			fw_accounts_get(a, at[i], &got);
			key = got.family == 6 ? got.key >> 40 : got.key;
			assert_true(key <= count && !seen[key]++);
			assert_true(!i || got.family > last.family ||
				    (got.family == last.family && got.key > last.key));
		}
		fw_accounts_sort(a); /* positions change, what is on the list does not */
	}
	for (size_t i = 0; i < fw_accounts_count(a); i++) {
		fw_accounts_get(a, i, &got);
		assert_int_equal(seen[got.family == 6 ? got.key >> 40 : got.key], 1);
	}
	fw_accounts_totals(a, &proven, &other);
	assert_int_equal(proven + other, fw_accounts_count(a));
	assert_true(other > count / 4 && other < count / 2);
	fw_accounts_list_all(a);
	assert_int_equal(fw_accounts_changes(a), fw_accounts_count(a));
	fw_accounts_close(a);
}

/* Losses for every reason, in both windows, together and apart. */
static void reasons(void **state)
{
	struct fw_account_brief b;
	struct fw_accounts *a;
	struct fw_account got;
	bool kept;

	(void)state;
	a = open_at(NULL, &kept);
	for (int window = 0; window < 3; window++) {
		for (__u64 i = 0; i < 3 * FW_R_MAX; i++) {
			struct fw_tally h = lone(1 + i % 2, 1000 + i, false);

			h.packets = (__u32)(10 + i);
			h.bytes = 100 * h.packets;
			fw_accounts_record(a, 0, &h);
			h.who |= (__u32)(i % FW_R_MAX);
			h.packets = (__u32)(1 + i % FW_R_MAX);
			h.bytes = 100 * h.packets;
			fw_accounts_record(a, 0, &h);
		}
		if (window < 2)
			fw_accounts_turn(a, false, 0);
	}
	for (int joined = 0; joined < 2; joined++) {
		__u64 packets = 0;

		for (size_t s = 0; s < 2; s++) {
			fw_accounts_get(a, s, &got);
			fw_accounts_brief(a, s, &b);
			packets += got.packets;
			assert_int_equal(got.bytes, 100 * got.packets);
			assert_int_equal(got.lost_bytes, 100 * got.lost_packets);
			assert_int_equal(b.packets, got.packets);
			for (unsigned int i = 0; i < b.reasons; i++)
				got.lost_packets -= b.lost[i].count.packets;
			assert_int_equal(got.lost_packets, 0);
			for (__u64 r = 0; r < FW_R_MAX; r++)
				assert_int_equal(got.lost[r].packets % (r + 1), 0);
		}
		assert_int_equal(packets,
				 2 * (30ULL * FW_R_MAX + 3ULL * FW_R_MAX * (3 * FW_R_MAX - 1) / 2 +
				      3ULL * FW_R_MAX * (FW_R_MAX + 1) / 2));
		fw_accounts_begin(a);
	}
	assert_int_equal(fw_accounts_lost(a), 0);
	fw_accounts_close(a);
}

#define KEYS 500 /* 1 to that */

static void some(struct fw_accounts *a, unsigned int records)
{
	while (records--) {
		struct fw_tally t = lone(1 + unit_below(KEYS), 1000, !unit_below(4));

		t.who |= (__u32)unit_below(4);
		t.packets = 1 + (__u32)unit_below(9);
		t.bytes = 100 * t.packets;
		fw_accounts_record(a, 0, &t);
	}
}

/* Writes a byte before each thing it does, and never ends. */
static void work(const char *path, int fd)
{
	bool kept;
	struct fw_accounts *a = open_at(path, &kept);

	for (;;) {
		if (write(fd, "", 1) != 1)
			_exit(1);
		switch (unit_below(6)) {
		case 0:
			fw_accounts_turn(a, false, 0);
			break;
		case 1:
			fw_accounts_turn(a, true, 2000);
			break;
		case 2:
			fw_accounts_sort(a);
			break;
		case 3:
			fw_accounts_begin(a);
			break;
		default:
			some(a, 300);
		}
	}
}

static void kill_one(const char *path)
{
	__u64 things = unit_below(30), seed = unit_random();
	int fd[2], status;
	char byte;
	pid_t pid;

	assert_int_equal(pipe(fd), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		for (seed %= 100; seed--;)
			unit_random();
		work(path, fd[1]);
	}
	close(fd[1]);
	do
		assert_int_equal(read(fd[0], &byte, 1), 1);
	while (things--);
	for (volatile __u64 n = unit_below(100000); n; n--)
		;
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	close(fd[0]);
}

/* No source twice, and of all of them one record half booked at most. */
static void is_sound(const struct fw_accounts *a)
{
	bool seen[KEYS + 1] = { false };
	unsigned int half = 0;

	for (size_t i = 0; i < fw_accounts_count(a); i++) {
		struct fw_account got;

		fw_accounts_get(a, i, &got);
		assert_true(got.key >= 1 && got.key <= KEYS && !seen[got.key]);
		seen[got.key] = true;
		half += got.bytes != 100 * got.packets || got.lost_bytes != 100 * got.lost_packets;
	}
	assert_true(half <= 1);
}

/* Every reason of every source has its own place, as in a table that nobody was killed over. */
static void is_usable(struct fw_accounts *a)
{
	struct fw_account got;

	fw_accounts_turn(a, false, 0);
	fw_accounts_turn(a, false, 0);
	assert_int_equal(fw_accounts_count(a), 0);
	for (__u32 i = 0; i < 60 * FW_R_MAX; i++) {
		struct fw_tally t = lone(1 + i % 60, 3000, false);

		t.who |= i / 60;
		t.packets = 1 + i;
		fw_accounts_record(a, 0, &t);
	}
	for (size_t n = 0; n < 60; n++) {
		fw_accounts_get(a, n, &got);
		for (__u32 r = 1; r < FW_R_MAX; r++)
			assert_int_equal(got.lost[r].packets, got.key + 60 * r);
	}
	fw_accounts_forget(a);
}

static void killed(void **state)
{
	char path[] = "/tmp/fw-accounts-XXXXXX";
	struct fw_accounts *a;
	bool kept;

	(void)state;
	close(mkstemp(path));
	for (int round = 0; round < 60; round++) {
		kill_one(path);
		a = open_at(path, &kept);
		assert_true(kept || !fw_accounts_count(a));
		is_sound(a);
		if (!(round % 3))
			is_usable(a);
		fw_accounts_close(a);
	}
	unlink(path);
}

/* A heavy source, and so many small ones that whoever knows how places are chosen would send in
 * order to push it out of its own: with a salt, they are all over the table. */
#define HEAVY 0x29500007U

static size_t place_without_salt(__u64 key)
{
	return (key ^ 4) * 0x9e3779b97f4a7c15ULL >> 32 & (FW_HEAVIEST - 1);
}

static void not_aimed(void **state)
{
	const struct fw_accounts_id id = {
		.boot_id = "boot", .state = 1, .cpus = 1, .max = 1 << 14
	};
	static struct fw_heaviest heaviest;
	struct fw_source_heavy top[2];
	struct fw_accounts *a = NULL;
	struct fw_tally heavy = lone(HEAVY, 1000, true);
	struct fw_err err;
	bool kept;

	(void)state;
	heavy.packets = 900;
	heavy.bytes = 54000;
	assert_int_equal(fw_accounts_open(NULL, &id, &a, &kept, &err), 0);
	fw_accounts_watch(a, &heaviest);
	fw_accounts_record(a, 0, &heavy);
	for (__u32 key = 1, n = 0; n < 1000; key++) {
		struct fw_tally small = lone(key, 1000, false);

		if (place_without_salt(key) != place_without_salt(HEAVY))
			continue;
		fw_accounts_record(a, 0, &small);
		n++;
	}
	assert_int_equal(fw_heaviest_take(&heaviest, top, 2), 2);
	assert_int_equal(top[0].key, HEAVY);
	assert_int_equal(top[0].packets, 900);
	assert_int_equal(top[0].bytes, 54000);
	assert_int_equal(top[1].packets, 1);
	assert_int_equal(fw_heaviest_take(&heaviest, top, 2), 0);
	fw_accounts_close(a);
}

/* Spoofers bring any number of addresses, and reasons for each of them: the last room is for who is
 * real, with all of his. */
static void room_for_the_proven(void **state)
{
	const struct fw_accounts_id id = {
		.boot_id = "boot", .state = 1, .cpus = 1, .max = 1 << 20
	};
	static const __u32 reason[] = { FW_R_DROP_SRC_PACKETS, FW_R_DROP_SRC_SYN, FW_R_DROP_SRC_UDP,
					FW_R_DROP_SRC_ICMP, FW_R_DROP_SRC_FRAG };
	struct fw_accounts *a = NULL;
	struct fw_account got;
	struct fw_err err;
	bool kept;

	(void)state;
	assert_int_equal(fw_accounts_open(NULL, &id, &a, &kept, &err), 0);
	fw_accounts_bound(a, 16 << 20);
	for (__u64 n = 0; n < 5 * 200000; n++) {
		struct fw_tally t = lone(1 + n % 200000, 1000, false);

		t.who |= FW_TALLY_WHO(reason[n / 200000], 0, 0, 0, 0);
		fw_accounts_record(a, 0, &t);
	}
	assert_true(fw_accounts_lost(a) > 0); /* it is full */
	for (__u64 n = 0; n < 1000 * 5; n++) {
		struct fw_tally t = lone(0x29500000 + n / 5, 2000, true);

		t.who |= FW_TALLY_WHO(reason[n % 5], 0, 0, 0, 0);
		fw_accounts_record(a, 0, &t);
	}
	for (__u64 key = 0x29500000; key < 0x29500000 + 1000; key++)
		assert_true(fw_accounts_proven(a, 4, key));
	fw_accounts_get(a, fw_accounts_count(a) - 1, &got);
	assert_int_equal(got.key, 0x29500000 + 999);
	assert_int_equal(got.lost_packets, 5);
	fw_accounts_close(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sorted),    cmocka_unit_test(listed),
		cmocka_unit_test(reasons),   cmocka_unit_test(killed),
		cmocka_unit_test(not_aimed), cmocka_unit_test(room_for_the_proven),
	};

	return cmocka_run_group_tests_name("accounts_table", tests, NULL, NULL);
}
