// SPDX-License-Identifier: GPL-2.0-only
/* Lines of sources.csv, and what two sets of addresses share, against counting it the slow way. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include "tests/unit/unit.h"
#include "user/base/hash.h"
#include "user/core/evidence/compare.h"
#include "user/core/evidence/evidence.h"

static void line(void **state)
{
	struct fw_incident_source s = { .addr_be = { 0, 0, htonl(0xffff), htonl(0xc0000201) },
					.len = 128,
					.proven = true,
					.exact = true,
					.packets = 10,
					.bytes = 600,
					.dropped = 9,
					.weight = 10 };
	struct fw_geo_answer geo = { .country = "KE", .asn = 64500 };
	char buf[FW_R_MAX * 40 + 1024];
	size_t len;

	(void)state;
	s.first.utc_ns = 1700000000123456789ULL;
	s.last.utc_ns = 1700000061000000000ULL;
	s.reason[FW_R_DROP_SRC_SYN].packets = 3;
	s.reason[FW_R_DROP_SRC_UDP].packets = 1;
	/* Its own, or those of whoever sends in its name: that is not known. */
	s.reason[FW_R_DROP_SRC_PACKETS].packets = 2;
	s.reason[FW_R_DROP_BANNED].packets = 3;
	snprintf(geo.holder, sizeof(geo.holder), "-1+1, \"A\"");
	len = fw_evidence_line(&s, &geo, buf, sizeof(buf) - 1);
	buf[len] = '\0'; /* it is no string by itself */
	assert_string_equal(buf, "192.0.2.1,proven,counted,2023-11-14T22:13:20.123Z,"
				 "2023-11-14T22:14:21.000Z,10,600,9,4,10,,banned:3 "
				 "source_packets:2 source_syn:3 source_udp:1,no,KE,"
				 "64500,\"'-1+1, \"\"A\"\"\"\r\n");
	assert_int_equal(fw_evidence_line(&s, &geo, buf, 40), 0);
	memset(&geo, 0, sizeof(geo));
	memset(s.reason, 0, sizeof(s.reason));
	memset(s.addr_be, 0, sizeof(s.addr_be));
	s.addr_be[0] = htonl(0x20010db8);
	s.len = 64;
	s.proven = false;
	s.exact = false;
	s.banned = true;
	s.weight = 2000;
	len = fw_evidence_line(&s, &geo, buf, sizeof(buf) - 1);
	buf[len] = '\0';
	assert_string_equal(buf, "2001:db8::/64,possibly spoofed,sampled,2023-11-14T22:13:20.123Z,"
				 "2023-11-14T22:14:21.000Z,10,600,9,9,2000,200,,yes,,,\r\n");
}

/* Every reason at once and the longest holder still fit the line that export makes. */
static void longest_line(void **state)
{
	struct fw_incident_source s = {
		.len = 128, .packets = ~0ULL, .bytes = ~0ULL, .dropped = ~0ULL, .exact = true
	};
	struct fw_geo_answer geo = { .country = "KE", .asn = ~0U };
	char buf[FW_R_MAX * 40 + 1024];

	(void)state;
	memset(s.addr_be, 0xee, sizeof(s.addr_be));
	memset(geo.holder, '"', sizeof(geo.holder) - 1);
	for (unsigned int i = 0; i < FW_R_MAX; i++)
		s.reason[i].packets = ~0ULL;
	assert_true(fw_evidence_line(&s, &geo, buf, sizeof(buf)) > 1000);
}

static void fill(struct fw_compare_set *set, size_t n, __u32 base, __u32 span)
{
	for (size_t i = 0; i < n; i++) {
		__be32 addr[4] = { 0, 0, htonl(0xffff), htonl(base + (__u32)unit_below(span)) };

		assert_int_equal(fw_compare_add(set, addr), 0);
	}
	fw_compare_sort(set);
}

static void shared(void **state)
{
	(void)state;
	for (int round = 0; round < 50; round++) {
		struct fw_compare_set a = { 0 }, b = { 0 };
		struct fw_compare_sources s;
		__u64 n = 0;

		fill(&a, unit_below(300), 0x0a000000, 2000);
		fill(&b, unit_below(300), 0x0a000200, 2000);
		for (size_t i = 0; i < a.nr; i++)
			for (size_t j = 0; j < b.nr; j++)
				n += a.addr[i].low == b.addr[j].low;
		fw_compare_sources(&a, &b, &s);
		assert_int_equal(s.addresses.shared, n);
		assert_int_equal(s.addresses.a, a.nr);
		assert_true(s.networks.shared <= s.networks.a && s.networks.shared <= s.networks.b);
		fw_compare_sources(&b, &a, &s);
		assert_int_equal(s.addresses.shared, n);
		free(a.addr);
		free(b.addr);
	}
}

/* IPv6 counts by /64 and /48; a thousand of 2^61 by chance share none. */
static void six(void **state)
{
	struct fw_compare_set a = { 0 }, b = { 0 };
	struct fw_compare_sources s;

	(void)state;
	for (__u32 i = 0; i < 1000; i++) {
		__be32 addr[4] = { htonl(0x20010db8), htonl(i), htonl(i), htonl(i) };

		assert_int_equal(fw_compare_add(&a, addr), 0);
		addr[3] = htonl(i + 1); /* the same /64 */
		assert_int_equal(fw_compare_add(i % 2 ? &a : &b, addr), 0);
	}
	fw_compare_sort(&a);
	fw_compare_sort(&b);
	fw_compare_sources(&a, &b, &s);
	assert_int_equal(s.addresses.a, 1000);
	assert_int_equal(s.addresses.shared, 500);
	assert_int_equal(s.networks.shared, 1);
	assert_true(s.addresses.expected < 1e-9 && s.addresses.log10_limit < -1000);
	free(a.addr);
	free(b.addr);
}

/* The sentences are for people: no exponents, no hours of a minute, and of nothing is said nothing.
 */
static void compared(void **state)
{
	struct fw_compare_side a = { .name = "incident 1" }, b = { .name = "incident 2" };
	char *text;
	json_t *doc;

	(void)state;
	fill(&a.proven, 5000, 0x29500000, 4096);
	fill(&b.proven, 5000, 0x29500000, 4096);
	a.report = json_pack("{s:{s:i,s:s,s:f}}", "incident", "id", 1, "start",
			     "2026-11-06T21:20:00.000Z", "seconds", 55.0);
	b.report = json_pack("{s:{s:i,s:s,s:f}}", "incident", "id", 2, "start",
			     "2026-11-06T21:20:57.000Z", "seconds", 7300.0);
	doc = fw_compare_json(&a, &b);
	assert_non_null(doc);
	text = json_dumps(json_object_get(doc, "words"), JSON_INDENT(1));
	assert_null(strstr(text, "e+0"));
	assert_null(strstr(text, "e-0"));
	assert_non_null(strstr(text, "they began 57 seconds apart, at times of day that differ by "
				     "57 seconds, and lasted 55 seconds and 2.0 hours"));
	assert_non_null(strstr(text, "Possibly spoofed: 0 of 0 and 0 addresses are the same "
				     "(Jaccard 0.0000): nothing to compare."));
	free(text);
	json_decref(doc);
	fw_compare_free(&a);
	fw_compare_free(&b);
}

/* Two random draws: the bound never calls chance unusual (1 in 10^6 over 200 rounds). */
static void chance(void **state)
{
	(void)state;
	for (int round = 0; round < 200; round++) {
		struct fw_compare_set a = { 0 }, b = { 0 };
		struct fw_compare_sources s;

		fill(&a, 3000, 0, 0xffffffff);
		fill(&b, 3000, 0, 0xffffffff);
		fw_compare_sources(&a, &b, &s);
		assert_true(s.addresses.log10_limit > -6 && s.networks.log10_limit > -6);
		free(a.addr);
		free(b.addr);
	}
}

static void shares(void **state)
{
	json_t *a = json_pack("{s:f,s:f}", "64", 0.75, "128", 0.25);
	json_t *b = json_pack("{s:f,s:f}", "64", 0.5, "255", 0.5);

	(void)state;
	assert_true(fw_compare_shares(a, b) == 0.5 && fw_compare_shares(a, a) == 1);
	assert_true(fw_compare_shares(a, NULL) == -1);
	json_decref(a);
	json_decref(b);
}

/* FIPS 180-4's own examples, and what came in two pieces. */
static void hash(void **state)
{
	static const char two[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
	struct fw_hash h;
	char hex[FW_HASH_LEN];

	(void)state;
	assert_string_equal(fw_hash_put("abc", 3, hex),
			    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	fw_hash_begin(&h);
	fw_hash_add(&h, two, 7);
	fw_hash_add(&h, two + 7, strlen(two) - 7);
	assert_string_equal(fw_hash_end(&h, hex),
			    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

/* Of two networks whose numbers share a place among those kept, and of none. */
static void holders(void **state)
{
	static const char *const names[] = { "First, Ltd", "", "=Second", "First, Ltd", "" };
	static const char *const fields[] = { "\"First, Ltd\"\r\n", ",\r\n", "\"'=Second\"\r\n",
					      "\"First, Ltd\"\r\n", ",\r\n" };
	struct fw_incident_source s = { .len = 128, .exact = true, .addr_be = { 0, 0, 0, 1 } };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct fw_geo_answer geo = { .asn = *names[i] ? 64 * (__u32)(i + 1) : 0 };
		char buf[512], *end;
		size_t len;

		snprintf(geo.holder, sizeof(geo.holder), "%s", names[i]);
		len = fw_evidence_line(&s, &geo, buf, sizeof(buf) - 1);
		assert_true(len > 0);
		buf[len] = '\0';
		end = buf + len - strlen(fields[i]);
		assert_string_equal(end, fields[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(line),	   cmocka_unit_test(longest_line),
		cmocka_unit_test(shared),  cmocka_unit_test(compared),
		cmocka_unit_test(six),	   cmocka_unit_test(chance),
		cmocka_unit_test(shares),  cmocka_unit_test(hash),
		cmocka_unit_test(holders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
