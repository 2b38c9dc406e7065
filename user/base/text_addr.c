// SPDX-License-Identifier: GPL-2.0-only
/*
 * Addresses and prefixes. One form inside: 128 bits, network order, IPv4 as ::ffff:a.b.c.d (RFC
 * 4291, section 2.5.5.2) with lengths counted from the front, so /24 is 120.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "user/base/text.h"

#define SHOWN	 60
#define IP4_BITS 96 /* what stands in front of an IPv4 address */

/* len bytes of text. glibc's inet_pton is strict: no leading zeros, no short forms, no zone. */
static bool addr_read(const char *text, size_t len, __be32 ret[4], bool *ret_ip4)
{
	char copy[INET6_ADDRSTRLEN + 1];
	__be32 addr[4] = { 0, 0, htonl(0xffff), 0 };

	if (len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	*ret_ip4 = inet_pton(AF_INET, copy, &addr[3]) == 1;
	if (!*ret_ip4 && inet_pton(AF_INET6, copy, addr) != 1)
		return false;
	memcpy(ret, addr, sizeof(addr));
	return true;
}

/* "0".."max" without leading zeros; -1 if it is not that. */
static int len_read(const char *text, int max)
{
	int n = 0;

	if (!*text || (text[0] == '0' && text[1]))
		return -1;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -1;
		n = n * 10 + (*text - '0');
		if (n > max)
			return -1;
	}
	return n;
}

bool fw_text_is_ip4(const __be32 addr_be[4])
{
	return !addr_be[0] && !addr_be[1] && addr_be[2] == htonl(0xffff);
}

/* The way out of "[2001:db8::1]:443" and "192.0.2.1:443"; for all else `usual`. */
static const char *hint_for(const char *text, const char *usual, char buf[FW_ERR_LEN])
{
	bool boxed = *text == '[', ip4;
	size_t len = strcspn(text + boxed, boxed ? "]" : ":");
	__be32 addr[4];

	if (!text[boxed + len] || !addr_read(text + boxed, len, addr, &ip4))
		return usual;
	snprintf(buf, FW_ERR_LEN, "write %.*s alone", (int)len, text + boxed);
	return buf;
}

int fw_text_addr(const char *text, __be32 ret_addr_be[4], struct fw_err *err)
{
	char hint[FW_ERR_LEN];
	bool ip4;

	if (addr_read(text, strlen(text), ret_addr_be, &ip4))
		return 0;
	return fw_err_set(err, -EINVAL,
			  hint_for(text, "write one address, like 192.0.2.1 or 2001:db8::1", hint),
			  "\"%.*s\" is not an address", SHOWN, text);
}

/* Clears what lies beyond len; true if anything did. */
static bool mask(__be32 addr_be[4], int len)
{
	bool changed = false;

	for (int i = 0; i < 4; i++) {
		int bits = len - i * 32;
		__u32 keep = bits >= 32 ? ~0U : bits <= 0 ? 0 : ~0U << (32 - bits);
		__be32 masked = addr_be[i] & htonl(keep);

		changed |= masked != addr_be[i];
		addr_be[i] = masked;
	}
	return changed;
}

static int host_bits_refuse(const char *text, const __be32 addr_be[4], const __be32 net_be[4],
			    int len, struct fw_err *err)
{
	char one[FW_TEXT_LEN], net[FW_TEXT_LEN], hint[FW_ERR_LEN];

	snprintf(hint, sizeof(hint), "write %s for the network or %s for the address",
		 fw_text_put_prefix(net, sizeof(net), net_be, (__u8)len),
		 fw_text_put_prefix(one, sizeof(one), addr_be, 128));
	return fw_err_set(err, -EINVAL, hint, "\"%.*s\" has bits set beyond its length", SHOWN,
			  text);
}

int fw_text_prefix(const char *text, __be32 ret_addr_be[4], __u8 *ret_len, struct fw_err *err)
{
	static const char hint[] = "write it like 192.0.2.0/24, 2001:db8::/32 or 192.0.2.1";
	const char *slash = strchr(text, '/');
	size_t addr_len = slash ? (size_t)(slash - text) : strlen(text);
	__be32 addr[4], net[4];
	char bare[FW_ERR_LEN];
	bool ip4;
	int len;

	if (!addr_read(text, addr_len, addr, &ip4))
		return fw_err_set(err, -EINVAL, hint_for(text, hint, bare),
				  "\"%.*s\" is not an address or prefix", SHOWN, text);
	len = ip4 ? 32 : 128;
	if (slash)
		len = len_read(slash + 1, len);
	if (len < 0)
		return fw_err_set(err, -EINVAL, hint,
				  "\"%.*s\" has no length from 0 to %d behind its \"/\"", SHOWN,
				  text, ip4 ? 32 : 128);
	if (ip4)
		len += IP4_BITS;
	memcpy(net, addr, sizeof(net));
	if (mask(net, len))
		return host_bits_refuse(text, addr, net, len, err);
	memcpy(ret_addr_be, net, sizeof(net));
	*ret_len = (__u8)len;
	return 0;
}

char *fw_text_put_addr(char *buf, size_t size, const __be32 addr_be[4])
{
	char text[INET6_ADDRSTRLEN];

	if (fw_text_is_ip4(addr_be))
		inet_ntop(AF_INET, &addr_be[3], text, sizeof(text));
	else
		inet_ntop(AF_INET6, addr_be, text, sizeof(text));
	snprintf(buf, size, "%s", text);
	return buf;
}

char *fw_text_put_prefix(char *buf, size_t size, const __be32 addr_be[4], __u8 len)
{
	char text[INET6_ADDRSTRLEN];
	unsigned int shown = len;

	if (fw_text_is_ip4(addr_be) && len >= IP4_BITS)
		shown -= IP4_BITS;
	fw_text_put_addr(text, sizeof(text), addr_be);
	/* Below /96 ::ffff:0:0 has host bits set, so only a corrupt record prints like this. */
	snprintf(buf, size, "%s/%u", text, shown);
	return buf;
}

int fw_text_source(const char *text, __be32 ret_addr_be[4], struct fw_err *err)
{
	__be32 addr_be[4];
	__u8 len = 0;

	if (fw_text_prefix(text, addr_be, &len, NULL) || (len != 128 && len != 64))
		return fw_text_addr(text, ret_addr_be, err);
	memcpy(ret_addr_be, addr_be, sizeof(addr_be));
	return 0;
}

/* dev_valid_name() in net/core/dev.c. */
bool fw_text_is_iface(const char *text)
{
	return *text && strlen(text) < sizeof(((struct fw_iface *)NULL)->name) &&
	       !strpbrk(text, "/: \t\n\v\f\r") && strcmp(text, ".") && strcmp(text, "..");
}
