// SPDX-License-Identifier: GPL-2.0-only
/* Text of millions of lines, without printf(): its parsing would cost more than all the rest. */
#include <stdio.h>
#include <string.h>
#include "user/base/clock.h"
#include "user/base/text.h"
#include "user/base/line.h"

void fw_line_number(struct fw_line *l, __u64 n)
{
	char text[24], *at = text + sizeof(text);

	do
		*--at = (char)('0' + n % 10);
	while (n /= 10);
	fw_line_put(l, at, (size_t)(text + sizeof(text) - at));
}

/* Date and minute are made once for many lines. */
void fw_line_utc(struct fw_line *l, __u64 utc_ns)
{
	static _Thread_local struct {
		__u64 of;
		char text[18]; /* "2026-11-06T21:20:" */
	} minutes[64], *m;
	__u64 s = utc_ns / FW_NS_PER_S, ms = utc_ns / 1000000 % 1000;
	char text[7] = {
		(char)('0' + s % 60 / 10),  (char)('0' + s % 10),  '.', (char)('0' + ms / 100),
		(char)('0' + ms / 10 % 10), (char)('0' + ms % 10), 'Z'
	};
	char whole[FW_CLOCK_LEN];

	m = &minutes[s / 60 % 64];
	if (!*m->text || m->of != s / 60) {
		fw_clock_put_utc(whole, sizeof(whole), utc_ns, 0);
		snprintf(m->text, sizeof(m->text), "%.17s", whole);
		m->of = s / 60;
	}
	fw_line_text(l, m->text);
	fw_line_put(l, text, sizeof(text));
}

void fw_line_addr(struct fw_line *l, const __be32 addr_be[4], __u8 len)
{
	const __u8 *byte = (const __u8 *)&addr_be[3];
	char addr[FW_TEXT_LEN];

	if (len == 128 && fw_text_is_ip4(addr_be)) {
		for (int i = 0; i < 4; i++) {
			fw_line_number(l, byte[i]);
			if (i < 3)
				fw_line_text(l, ".");
		}
		return;
	}
	if (len == 128)
		fw_text_put_addr(addr, sizeof(addr), addr_be);
	else
		fw_text_put_prefix(addr, sizeof(addr), addr_be, len);
	fw_line_text(l, addr);
}
