// SPDX-License-Identifier: GPL-2.0-only
/*
 * Policies of files under the program: what goes back goes back by itself, what goes on keeps its
 * state, what is shown applies to the same, and two hundred changes harm no packet.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/lib/prog.h"
#include "user/core/policy.h"
#include "user/policy/compile.h"
#include "user/policy/file_diff.h"

#define FLIPS	 200
#define TEXT_MAX 8192

static const struct spec attacker = { .src = ATTACKER, .proto = 17, .dport = 9 };
static const struct spec carrier = { .src = CARRIER, .proto = 17, .dport = 9 };
static const struct spec voter = { .src = VOTER, .proto = 17, .dport = 9 };

static struct fw_policy_diff apply(struct prog *prog, const char *text)
{
	return prog_apply(prog, text, 0, NULL);
}

/* "lanes: {blocked: [ATTACKER]}" with more behind it. */
static const char *blocking(const char *more)
{
	static char text[1024];

	snprintf(text, sizeof(text), "lanes: {blocked: [%s]}\n%s", packet_addr_text(ATTACKER, 4, 0),
		 more);
	return text;
}

static void unconfirmed_goes_back_in_the_program(void **state)
{
	struct prog *prog = *state;
	struct fw_change change;
	__u64 before = prog->maps.ctl->live;
	struct fw_apply again;
	struct fw_err err;

	prog_no_crowd(prog);
	prog_expect(prog, &attacker, FW_R_PASS_NEWCOMER);
	prog_apply(prog, blocking(""), 60, &change);
	assert_string_equal(change.who, "somebody");
	assert_string_equal(change.what, "applied /etc/floodwall/t.yaml");
	assert_non_null(strstr(change.after, "back in 60 s unless confirmed"));
	prog_expect(prog, &attacker, FW_R_DROP_BLOCKED);
	/* Nobody may change anything meanwhile: there would be nothing to go back to. */
	assert_int_equal(fw_apply_begin(&prog->maps, FW_APPLY_POLICY, &again, &err), -EBUSY);
	prog_step(prog, 60 * SECOND - 1);
	prog_expect(prog, &attacker, FW_R_DROP_BLOCKED);
	assert_int_equal(fw_apply_pending(&prog->maps), 1);
	/* Not one call of user space from here on: the clock alone. */
	prog_clock(prog, prog_now(prog) + 1);
	assert_int_equal(prog_action(prog_send(prog, &attacker).reason),
			 prog_action(FW_R_PASS_SOURCE));
	assert_true(fw_apply_live(&prog->maps) == before);
	assert_int_equal(fw_apply_pending(&prog->maps), 0);
	assert_int_equal(fw_apply_confirm(&prog->maps, &err), -ETIME);
	/* And the next change begins where it went back to. */
	apply(prog, "proof_time: 3m\n");
	assert_int_equal(prog->maps.ctl->deadline_ns, 0);
	assert_int_equal(prog_policy(prog)->proof_s, 180);
	assert_int_equal(prog->maps.lane_head[FW_LIVE_LANES(prog->maps.ctl->live)].prefixes, 0);
	assert_true(FW_LIVE_GENERATION(prog->maps.ctl->live) > FW_LIVE_GENERATION(before) + 1);
}

static void confirmed_stays(void **state)
{
	struct prog *prog = *state;
	struct fw_change change;
	struct fw_err err;

	assert_int_equal(fw_policy_confirm(&prog->maps, &change, &err), -ENOENT);
	prog_apply(prog, blocking(""), 60, NULL);
	assert_int_equal(fw_policy_confirm(&prog->maps, &change, &err), 0);
	assert_string_equal(change.what, "confirmed");
	prog_step(prog, 3600 * SECOND);
	prog_expect(prog, &attacker, FW_R_DROP_BLOCKED);
	assert_int_equal(fw_policy_undo(&prog->maps, &change, &err), 0);
	assert_int_not_equal(prog_send(prog, &attacker).reason, FW_R_DROP_BLOCKED);
}

static void undo_takes_back_whatever_it_was(void **state)
{
	struct prog *prog = *state;
	struct fw_change change;
	struct fw_err err;
	__u32 generation;

	apply(prog, blocking("proof_time: 5m\n"));
	generation = FW_LIVE_GENERATION(prog->maps.ctl->live);
	assert_int_equal(fw_policy_undo(&prog->maps, &change, &err), 0);
	assert_int_equal(FW_LIVE_GENERATION(prog->maps.ctl->live), generation + 1);
	assert_int_equal(prog_policy(prog)->proof_s, 600);
	assert_int_not_equal(prog_send(prog, &attacker).reason, FW_R_DROP_BLOCKED);
	/* A second undo takes the first back. */
	assert_int_equal(fw_policy_undo(&prog->maps, &change, &err), 0);
	assert_int_equal(prog_policy(prog)->proof_s, 300);
	prog_expect(prog, &attacker, FW_R_DROP_BLOCKED);
	/* A change of one half by another command, and back: the other half stays. */
	prog_lane(prog, FW_LANE_BLOCKED, "192.0.2.1/32", FW_FOREVER, 0);
	assert_int_equal(fw_policy_undo(&prog->maps, &change, &err), 0);
	assert_int_equal(prog->maps.lane_head[FW_LIVE_LANES(prog->maps.ctl->live)].prefixes, 1);
	assert_int_equal(prog_policy(prog)->proof_s, 300);
	/* While it waits for confirmation too. */
	prog_apply(prog, "proof_time: 7m\n", 60, NULL);
	assert_int_equal(fw_policy_undo(&prog->maps, &change, &err), 0);
	assert_int_equal(prog_policy(prog)->proof_s, 300);
	prog_step(prog, 120 * SECOND);
	assert_int_equal(prog_policy(prog)->proof_s, 300);
	prog_expect(prog, &attacker, FW_R_DROP_BLOCKED);
}

/* A change that failed half-way has overwritten what undo would go back to: say so. */
static void no_undo_into_rubbish(void **state)
{
	struct prog *prog = *state;
	struct fw_change change;
	struct fw_err err;
	struct fw_apply *a;
	__u32 room;

	apply(prog, blocking(""));
	a = prog_edit(prog);
	prog_lane_add(a, FW_LANE_BLOCKED, "2001:db8::/48", FW_FOREVER, 0);
	a->changed = FW_APPLY_LANES;
	room = prog->maps.cap_profile;
	prog->maps.cap_profile = 1; /* not enough, as is found out while it is written */
	assert_int_equal(fw_apply_commit(a, &err), -ENOSPC);
	prog->maps.cap_profile = room;
	fw_apply_end(a);
	free(a);
	assert_int_equal(fw_policy_undo(&prog->maps, &change, &err), -ENOENT);
	prog_expect(prog, &attacker, FW_R_DROP_BLOCKED);
}

static const char three[] = "classes:\n"
			    "  one: {udp: 10/s burst 10, prefixes: [192.0.2.1]}\n"
			    "  two: {udp: 5/s burst 5, prefixes: [%s]}\n"
			    "  three: {prefixes: [192.0.2.3]}\n"
			    "services:\n"
			    "  a: {udp: 1001}\n  b: {udp: 1002}\n  c: {udp: 1003}\n";
static const char again[] = "services:\n"
			    "  d: {udp: 1004}\n  c: {udp: 1003}\n  b: {udp: [1002, 1005]}\n"
			    "classes:\n"
			    "  four: {prefixes: [192.0.2.4]}\n"
			    "  two: {udp: 5/s burst 5, prefixes: [%s]}\n"
			    "  one: {udp: 20/s burst 20, prefixes: [192.0.2.1]}\n";

static int class_of(struct prog *prog, const char *name)
{
	const struct fw_policy_text *text =
		&prog->maps.policy_txt[FW_LIVE_POLICY(prog->maps.ctl->live)];

	for (int i = 0; i < FW_CLASS_MAX; i++)
		if (!strcmp(text->class_name[i], name))
			return i;
	return -1;
}

static int service_of(struct prog *prog, const char *name)
{
	const struct fw_policy_text *text =
		&prog->maps.policy_txt[FW_LIVE_POLICY(prog->maps.ctl->live)];

	for (int i = 0; i < FW_SERVICE_MAX; i++)
		if (!strcmp(text->service_name[i], name))
			return i;
	return -1;
}

static void what_goes_on_keeps_its_place_and_state(void **state)
{
	struct prog *prog = *state;
	char text[1024];
	int two, one, b, c;

	snprintf(text, sizeof(text), three, packet_addr_text(CARRIER, 4, 0));
	apply(prog, text);
	one = class_of(prog, "one");
	two = class_of(prog, "two");
	b = service_of(prog, "b");
	c = service_of(prog, "c");
	assert_int_equal(prog_admitted(prog, &carrier, 20), 5);
	prog_expect(prog, &carrier, FW_R_DROP_SRC_UDP);
	snprintf(text, sizeof(text), again, packet_addr_text(CARRIER, 4, 0));
	apply(prog, text);
	assert_int_equal(class_of(prog, "one"), one);
	assert_int_equal(class_of(prog, "two"), two);
	assert_int_equal(service_of(prog, "b"), b);
	assert_int_equal(service_of(prog, "c"), c);
	assert_true(class_of(prog, "three") < 0 && service_of(prog, "a") < 0);
	/* A place nothing ran in before the change, so that no counter changes its meaning. */
	assert_true(service_of(prog, "d") > c);
	assert_true(class_of(prog, "four") > two);
	/* The bucket is as empty as it was; and fills as it would have. */
	prog_expect(prog, &carrier, FW_R_DROP_SRC_UDP);
	prog_step(prog, SECOND);
	assert_int_equal(prog_admitted(prog, &carrier, 20), 5);
}

static void the_same_again_is_no_change(void **state)
{
	struct prog *prog = *state;
	struct fw_policy_diff diff;
	char text[1024], timed[2048];
	__u64 live;

	snprintf(text, sizeof(text), again, packet_addr_text(CARRIER, 4, 0));
	snprintf(timed, sizeof(timed),
		 "%slanes: {blocked: [{prefix: 192.0.2.0/24, for: 1h, why: x}]}\n", text);
	diff = apply(prog, timed);
	assert_true(diff.policy);
	assert_int_equal(diff.added, 4);
	live = prog->maps.ctl->live;
	prog_step(prog, 600 * SECOND);
	diff = apply(prog, timed);
	assert_true(!diff.policy && !diff.added && !diff.removed && !diff.changed);
	assert_true(prog->maps.ctl->live == live);
	/* Its hour began with the first apply. */
	prog_step(prog, 3001 * SECOND);
	diff = apply(prog, timed);
	assert_int_equal(diff.added, 1);
}

/* Is what runs still what the file on record said? */
static void expect_differs(struct prog *prog, bool differs)
{
	struct fw_policy_record record;

	fw_policy_record(&prog->maps, &record);
	assert_true(record.known);
	assert_int_equal(record.live_changes, differs);
}

static void the_record_tells_what_differs(void **state)
{
	struct prog *prog = *state;
	struct fw_policy_record record;
	struct fw_change change;
	struct fw_err err;

	fw_policy_record(&prog->maps, &record);
	assert_false(record.known);
	apply(prog, blocking("metrics: {port: 9100}\n"));
	expect_differs(prog, false);
	fw_policy_record(&prog->maps, &record);
	assert_string_equal(record.path, "/etc/floodwall/t.yaml");
	assert_string_equal(record.who, "somebody");
	prog_lane(prog, FW_LANE_BLOCKED, "192.0.2.1/32", FW_FOREVER, 0);
	expect_differs(prog, true);
	assert_int_equal(fw_policy_undo(&prog->maps, &change, &err), 0);
	expect_differs(prog, false);
	/* A file that went back is not what runs. */
	prog_apply(prog, "proof_time: 4m\n", 60, NULL);
	expect_differs(prog, false);
	prog_step(prog, 61 * SECOND);
	expect_differs(prog, false);
	prog_lane(prog, FW_LANE_BLOCKED, "192.0.2.1/32", FW_FOREVER, 0);
	expect_differs(prog, true);
}

/* A prefix of the file whose time is over, and one that somebody blocked for a while. */
static void what_ends_by_itself_is_no_difference(void **state)
{
	struct prog *prog = *state;
	struct fw_apply *a;
	struct fw_err err;

	apply(prog, "lanes: {blocked: [{prefix: 192.0.2.0/24, for: 10s}, 198.51.100.0/24]}\n");
	prog_step(prog, 20 * SECOND);
	a = prog_edit(prog);
	a->changed = FW_APPLY_LANES;
	assert_int_equal(a->prefixes.count, 1); /* the other one is gone */
	assert_int_equal(fw_apply_commit(a, &err), 0);
	fw_apply_end(a);
	free(a);
	expect_differs(prog, false);
	prog_lane(prog, FW_LANE_BLOCKED, "192.0.2.1/32", (__u32)(prog_now(prog) / SECOND) + 600, 0);
	expect_differs(prog, false);
	prog_lane(prog, FW_LANE_BLOCKED, "192.0.2.2/32", FW_FOREVER, 0);
	expect_differs(prog, true);
}

/* An undo that comes too late, or has nothing to go back to, leaves the record as it was. */
static void a_refused_undo_forgets_no_file(void **state)
{
	struct prog *prog = *state;
	struct fw_change change;
	struct fw_err err;

	apply(prog, blocking(""));
	prog_apply(prog, "proof_time: 4m\n", 60, NULL);
	prog_step(prog, 61 * SECOND);
	assert_int_equal(fw_policy_undo(&prog->maps, &change, &err), -ENOENT);
	expect_differs(prog, false);
	prog_lane(prog, FW_LANE_BLOCKED, "192.0.2.1/32", FW_FOREVER, 0);
	expect_differs(prog, true);
	prog->maps.ctl->revert = 0; /* what a change that failed half-way leaves */
	assert_int_equal(fw_policy_undo(&prog->maps, &change, &err), -ENOENT);
	prog_lane(prog, FW_LANE_BLOCKED, "192.0.2.2/32", FW_FOREVER, 0);
	expect_differs(prog, true);
}

static __u32 pick(__u32 n)
{
	static __u64 x = 0x5eed0f10d3a11ULL;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	return (__u32)((x * 0x2545f4914f6cdd1dULL) >> 33) % n;
}

/* A policy that nobody has written before. */
static void random_policy(char *text, size_t size)
{
	static const char *const rate[] = { "none", "100/s", "20k/m burst 3k",
					    "7k/s burst 9001 soft 33%" };
	static const char *const proof[] = { "cookie", "retransmit", "off" };
	FILE *out = fmemopen(text, size, "w");
	__u32 classes = pick(6), services = pick(8);

	assert_non_null(out);
	fprintf(out, "mode: %s\nproof_time: %us\nban_time: %s\nnet48_factor: %u\n",
		pick(2) ? "enforce" : "monitor", 1 + pick(1800), pick(2) ? "off" : "90s",
		1 + pick(64));
	fprintf(out, "sanity: {reserved_source: %s}\nclasses:\n", pick(2) ? "on" : "off");
	for (__u32 i = 0; i < classes; i++)
		fprintf(out,
			"  c%u: {packets: %s, syn: %s, prefixes: [10.%u.%u.0/24, {prefix: "
			"'2001:db8:%x::/48', why: 'w%u'}]}\n",
			pick(1000) * 10 + i, rate[pick(4)], rate[pick(4)], pick(250), i, i,
			pick(3));
	fprintf(out, "services:\n  host: {proof: %s, crowd: {syn: %s}}\n", proof[pick(3)],
		rate[pick(4)]);
	for (__u32 i = 0; i < services; i++) {
		fprintf(out, "  s%u: {tcp: [%u, %u-%u], network: {packets: %s}, level: %s", i,
			1 + i * 100, 5 + i * 100, 9 + i * 100, rate[pick(4)],
			pick(2) ? "auto" : "siege");
		if (pick(2))
			fprintf(out, ", to: [192.0.2.%u, '2001:db8::%x'], closed: on", i + 1,
				i + 1);
		else if (pick(2))
			fprintf(out, ", rules: [udp/%u@192.0.2.%u]", 2000 + i, i + 1);
		fputs("}\n", out);
	}
	fprintf(out,
		"lanes: {blocked: [198.51.%u.0/24, {prefix: 203.0.113.%u, for: %um, why: x}]}\n",
		pick(256), pick(256), 1 + pick(500));
	fprintf(out, "budgets: {arp: %s}\nreflection: {everywhere: [%u], services: []}\n",
		rate[pick(4)], 1 + pick(60000));
	fclose(out);
}

static char *show(struct prog *prog, struct fw_file_clock clock)
{
	struct fw_file file = { 0 };
	char *text = NULL;
	struct fw_err err;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(fw_policy_running(&prog->maps, &file, &err), 0);
	assert_int_equal(fw_file_print(out, &file, clock), 0);
	fclose(out);
	fw_file_free(&file);
	return text;
}

/* What runs, shown, changed away from and applied again, runs again: to the last byte. */
static void what_is_shown_can_be_applied_again(void **state)
{
	struct prog *prog = *state;
	struct fw_policy *copy = malloc(sizeof(*copy));
	struct fw_file_clock clock;
	char text[TEXT_MAX], *shown, *twice;
	struct fw_policy_diff diff;
	struct fw_change change;
	struct fw_err err;
	__u64 live;

	assert_non_null(copy);
	for (int i = 0; i < 60; i++) {
		random_policy(text, sizeof(text));
		apply(prog, text);
		/* The wall clock goes on while the program's stands still. */
		clock = fw_policy_clock(&prog->maps);
		live = prog->maps.ctl->live;
		memcpy(copy, prog_policy(prog), sizeof(*copy));
		shown = show(prog, clock);
		diff = apply(prog, shown);
		if (prog->maps.ctl->live != live)
			fail_msg("%zu new, %zu gone, %zu changed, policy %d\n%s--- shown\n%s",
				 diff.added, diff.removed, diff.changed, diff.policy, text, shown);
		apply(prog, "proof_time: 7m\n");
		assert_int_equal(fw_policy_undo(&prog->maps, &change, &err), 0);
		twice = show(prog, clock);
		assert_string_equal(shown, twice);
		assert_memory_equal(prog_policy(prog), copy, sizeof(*copy));
		free(shown);
		free(twice);
	}
	free(copy);
}

struct flipper {
	struct prog *prog;
	volatile bool done;
};

static void *flip_on(void *arg)
{
	struct flipper *flipper = arg;
	char text[1024];

	for (int i = 0; i < FLIPS; i++) {
		snprintf(text, sizeof(text),
			 "lanes: {blocked: ['%s', 10.%u.0.0/16], management: ['%s']}\n"
			 "classes: {default: {udp: %uk/s burst 9k}}\nproof_time: %us\n",
			 packet_addr_text(ATTACKER, 4, 0), i & 255, packet_addr_text(VOTER, 4, 0),
			 20 + i % 7, 60 + i);
		apply(flipper->prog, text);
	}
	flipper->done = true;
	return NULL;
}

/* Through all changes what is blocked is dropped and what is allowed passes, every time. */
static void two_hundred_changes_harm_no_packet(void **state)
{
	struct prog *prog = *state;
	struct flipper flipper = { .prog = prog };
	__u64 dropped = 0, passed = 0;
	struct packet bad, good;
	pthread_t thread;

	apply(prog, "lanes: {blocked: [198.51.100.0/24]}\n");
	packet_build(&attacker, &bad);
	packet_build(&voter, &good);
	flip_on(&(struct flipper){ .prog = prog });
	assert_int_equal(pthread_create(&thread, NULL, flip_on, &flipper), 0);
	while (!flipper.done) {
		if (prog_raw(prog, bad.data, bad.len, 1) != prog_action(FW_R_DROP_BLOCKED))
			fail_msg("a blocked packet came through after %llu", dropped);
		if (prog_raw(prog, good.data, good.len, 1) != prog_action(FW_R_PASS_MANAGEMENT))
			fail_msg("an allowed packet was lost after %llu", passed);
		dropped++;
		passed++;
	}
	pthread_join(thread, NULL);
	prog->sent += dropped + passed;
	assert_true(dropped > FLIPS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROG_TEST(unconfirmed_goes_back_in_the_program),
		PROG_TEST(confirmed_stays),
		PROG_TEST(undo_takes_back_whatever_it_was),
		PROG_TEST(no_undo_into_rubbish),
		PROG_TEST(what_goes_on_keeps_its_place_and_state),
		PROG_TEST(the_same_again_is_no_change),
		PROG_TEST(the_record_tells_what_differs),
		PROG_TEST(what_ends_by_itself_is_no_difference),
		PROG_TEST(a_refused_undo_forgets_no_file),
		PROG_TEST(what_is_shown_can_be_applied_again),
		PROG_TEST(two_hundred_changes_harm_no_packet),
	};

	return cmocka_run_group_tests(tests, prog_group_setup, prog_group_teardown);
}
