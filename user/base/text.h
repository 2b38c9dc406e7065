/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What people type and read: numbers, rates, sizes, durations, addresses, prefixes.
 *
 * Parsing is strict: the whole text is consumed or it is an error that shows the text and says
 * what was expected. All parsers return 0, or -EINVAL / -ERANGE with err filled (err may be
 * NULL), and leave ret_* untouched on failure. Every fw_text_put_* prints the canonical form into
 * buf (size > 0; always terminated) and returns buf; what it prints parses back to the same value.
 */
#ifndef FW_TEXT_H
#define FW_TEXT_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include "bpf/abi.h"
#include "user/base/err.h"

#define FW_TEXT_LEN 64 /* enough for every fw_text_put_* but a rule list */

/* "10", "10k", "1.5k", "200M", "2G" (powers of 1000; k or K). Must come out whole. Up to 2^63-1. */
int fw_text_number(const char *text, __u64 *ret_number, struct fw_err *err);

/* Bytes: a number, optionally with k M G, kB MB GB, KiB MiB GiB, or bits: bit kbit Mbit Gbit. */
int fw_text_bytes(const char *text, __u64 *ret_bytes, struct fw_err *err);

/*
 * "50/s", "10k/m", "1/h", "200MB/s", "1Gbit/s"; without a unit of time: per second; "none": no
 * limit. bytes: the number is read by fw_text_bytes, else by fw_text_number. Writes count and per_s
 * of ret_rate and nothing else, so that burst and soft_pct survive. 0 is refused.
 */
int fw_text_rate(const char *text, bool bytes, struct fw_rate *ret_rate, struct fw_err *err);

/* "90s", "5m", "2h", "1d", "1w", "1h30m" -> seconds; a bare number is seconds; "forever" ->
 * FW_FOREVER. From 1 s to 10 years. */
int fw_text_duration(const char *text, __u32 *ret_s, struct fw_err *err);

/* An address in 128-bit form, network order; IPv4 (dotted quad, no leading zeros) as
 * ::ffff:a.b.c.d. */
int fw_text_addr(const char *text, __be32 ret_addr_be[4], struct fw_err *err);

/* The same, or a source as lists print it: "192.0.2.1/32", "2001:db8::/64". */
int fw_text_source(const char *text, __be32 ret_addr_be[4], struct fw_err *err);

/*
 * "192.0.2.0/24", "2001:db8::/32", or a bare address (/32, /128). Bits beyond the length must be
 * zero; the error names the prefix that was probably meant. ret_len counts in the 128-bit form: an
 * IPv4 /24 gives 120.
 */
int fw_text_prefix(const char *text, __be32 ret_addr_be[4], __u8 *ret_len, struct fw_err *err);

/* "443" or "8000-8100", host order, 1..65535, first <= last. */
int fw_text_ports(const char *text, __u16 *ret_first, __u16 *ret_last, struct fw_err *err);

/* Names of classes and services: a-z 0-9 . _ -, starting with a letter or digit, < FW_NAME_LEN. */
int fw_text_name(const char *text, struct fw_err *err);

char *fw_text_put_number(char *buf, size_t size, __u64 number);		    /* "1.5k" */
char *fw_text_put_rate(char *buf, size_t size, const struct fw_rate *rate); /* "10k/m", "none" */
char *fw_text_put_duration(char *buf, size_t size, __u32 s);		    /* "1h30m", "forever" */
char *fw_text_put_addr(char *buf, size_t size, const __be32 addr_be[4]);
/* Always with a length: "192.0.2.1/32". */
char *fw_text_put_prefix(char *buf, size_t size, const __be32 addr_be[4], __u8 len);

/* For reading only, three significant digits, does not parse back exactly: "1.23M", "0". */
char *fw_text_put_about(char *buf, size_t size, double number);

/* For reading only: "8,801,250". */
char *fw_text_put_grouped(char *buf, size_t size, __u64 number);

/* True for an address of the form ::ffff:a.b.c.d. */
bool fw_text_is_ip4(const __be32 addr_be[4]);

/* A name that the kernel takes for an interface; one with a colon is a label of an address. */
bool fw_text_is_iface(const char *text);

/*
 * Copies src into dst (size > 0, always terminated, cut at a character if too long), with
 * invalid UTF-8, control characters and those that are invisible or turn the order of others
 * replaced by '?'. dst may be src. Returns dst.
 */
char *fw_text_clean(char *dst, size_t size, const char *src);

#endif
