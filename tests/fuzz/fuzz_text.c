// SPDX-License-Identifier: GPL-2.0-only
/*
 * Everything a person can type, any bytes. The first byte picks the parser. Besides not crashing:
 * what is refused leaves the result alone and says why; what is read prints to a text that reads
 * the same, and that prints the same again.
 */
#include <stdlib.h>
#include <string.h>
#include "user/base/text.h"
#include "user/policy/model.h"

#define CHECK(what)              \
	do {                     \
		if (!(what))     \
			abort(); \
	} while (0)

static void check_refused(int r, const struct fw_err *err)
{
	CHECK(r < 0);
	CHECK(err->msg[0] && err->exit_code == FW_EXIT_USAGE);
	CHECK(memchr(err->msg, '\0', sizeof(err->msg)) &&
	      memchr(err->hint, '\0', sizeof(err->hint)));
	for (const char *p = err->msg; *p; p++)
		CHECK((unsigned char)*p >= 0x20 && *p != 0x7f);
}

static void number(const char *text, bool bytes)
{
	struct fw_err err = { 0 };
	__u64 n = 0xabcdef, again;
	char buf[FW_TEXT_LEN];
	int r = bytes ? fw_text_bytes(text, &n, &err) : fw_text_number(text, &n, &err);

	if (r) {
		check_refused(r, &err);
		CHECK(n == 0xabcdef);
		return;
	}
	fw_text_put_number(buf, sizeof(buf), n);
	CHECK(!fw_text_number(buf, &again, NULL) && again == n);
	CHECK(!fw_text_bytes(buf, &again, NULL) && again == n);
}

static void rate(const char *text, bool bytes)
{
	struct fw_rate rate = { 1, 2, 3, 4 }, again = { 9, 2, 9, 4 };
	struct fw_err err = { 0 };
	char buf[FW_TEXT_LEN];
	int r = fw_text_rate(text, bytes, &rate, &err);

	CHECK(rate.burst == 2 && rate.soft_pct == 4);
	if (r) {
		check_refused(r, &err);
		CHECK(rate.count == 1 && rate.per_s == 3);
		return;
	}
	CHECK(!fw_text_rate(fw_text_put_rate(buf, sizeof(buf), &rate), bytes, &again, NULL));
	CHECK(!memcmp(&rate, &again, sizeof(rate)));
}

static void duration(const char *text)
{
	struct fw_err err = { 0 };
	__u32 s = 77, again;
	char buf[FW_TEXT_LEN];
	int r = fw_text_duration(text, &s, &err);

	if (r) {
		check_refused(r, &err);
		CHECK(s == 77);
		return;
	}
	CHECK(!fw_text_duration(fw_text_put_duration(buf, sizeof(buf), s), &again, NULL) &&
	      again == s);
}

static void prefix(const char *text)
{
	__be32 addr[4] = { 1, 2, 3, 4 }, again[4];
	struct fw_err err = { 0 };
	__u8 len = 200, len_again;
	char buf[FW_TEXT_LEN];
	int r = fw_text_prefix(text, addr, &len, &err);

	if (r) {
		check_refused(r, &err);
		CHECK(addr[0] == 1 && addr[3] == 4 && len == 200);
		return;
	}
	CHECK(len <= 128);
	CHECK(!fw_text_prefix(fw_text_put_prefix(buf, sizeof(buf), addr, len), again, &len_again,
			      NULL));
	CHECK(len == len_again && !memcmp(addr, again, sizeof(addr)));
}

static void address(const char *text)
{
	__be32 addr[4] = { 1, 2, 3, 4 }, again[4];
	struct fw_err err = { 0 };
	char buf[FW_TEXT_LEN];
	int r = fw_text_addr(text, addr, &err);

	if (r) {
		check_refused(r, &err);
		CHECK(addr[0] == 1 && addr[3] == 4);
		return;
	}
	CHECK(!fw_text_addr(fw_text_put_addr(buf, sizeof(buf), addr), again, NULL));
	CHECK(!memcmp(addr, again, sizeof(addr)));
}

static void rule(const char *text)
{
	static struct fw_model model;
	struct fw_err err = { 0 };
	char buf[FW_TEXT_LEN * 2];
	int r;

	fw_model_default(&model);
	CHECK(fw_model_service_add(&model, "web", NULL) == 1);
	r = fw_model_rule_add(&model, 1, text, &err);
	if (r) {
		check_refused(r, &err);
		CHECK(model.rules == 0);
		return;
	}
	CHECK(model.rules > 0);
	for (__u32 i = 0, n = model.rules; i < n; i++) { /* each is there already */
		fw_model_rule_put(buf, sizeof(buf), &model.rule[i]);
		CHECK(!fw_model_rule_add(&model, 1, buf, NULL) && model.rules == n);
	}
}

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size);
int LLVMFuzzerTestOneInput(const __u8 *data, size_t size)
{
	char *text, clean[40];

	if (!size)
		return 0;
	text = malloc(size); /* exactly as long as it is, so that one byte too far is seen */
	CHECK(text);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	switch (data[0]) {
	case 'n':
	case 'b':
		number(text, data[0] == 'b');
		break;
	case 'r':
	case 'R':
		rate(text, data[0] == 'R');
		break;
	case 'd':
		duration(text);
		break;
	case 'p':
		prefix(text);
		break;
	case 'a':
		address(text);
		break;
	case 's':
		rule(text);
		break;
	default:
		CHECK(strlen(fw_text_clean(clean, sizeof(clean), text)) < sizeof(clean));
		(void)!fw_text_name(text, NULL);
	}
	free(text);
	return 0;
}
