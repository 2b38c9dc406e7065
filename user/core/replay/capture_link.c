// SPDX-License-Identifier: GPL-2.0-only
/*
 * One row per link type: how long its own header is, and how an Ethernet header is made of it.
 * Formats: https://www.tcpdump.org/linktypes.html.
 */
#include <string.h>
#include <pcap/dlt.h>
#include "user/core/replay/capture_link.h"

#define ETH_LEN	      14
#define ETH_TYPE_AT   12
#define ETH_IP4	      0x0800
#define ETH_IP6	      0x86dd
#define COOKED_OUT    4 /* packet type: sent by this host */
#define COOKED_LEN    16
#define COOKED_TYPE   1 /* low byte of the packet type */
#define COOKED_ADDR   6 /* link-layer address, 8 bytes of room */
#define COOKED_PROTO  14
#define COOKED2_LEN   20
#define COOKED2_TYPE  10
#define COOKED2_ADDR  12
#define COOKED2_PROTO 0

struct fw_link {
	int dlt;
	__u32 header; /* bytes of its own that are taken away */
	__u32 ether;  /* bytes of Ethernet that are put in front */
	/* header bytes in, Ethernet header out; returns "outgoing" */
	bool (*head)(const __u8 *data, __u8 *eth);
};

static void put_type(__u8 *eth, unsigned int type)
{
	eth[ETH_TYPE_AT] = (__u8)(type >> 8);
	eth[ETH_TYPE_AT + 1] = (__u8)type;
}

static bool head_cooked(const __u8 *data, __u8 *eth)
{
	memcpy(eth + 6, data + COOKED_ADDR, 6);
	memcpy(eth + ETH_TYPE_AT, data + COOKED_PROTO, 2);
	return data[COOKED_TYPE] == COOKED_OUT;
}

static bool head_cooked2(const __u8 *data, __u8 *eth)
{
	memcpy(eth + 6, data + COOKED2_ADDR, 6);
	memcpy(eth + ETH_TYPE_AT, data + COOKED2_PROTO, 2);
	return data[COOKED2_TYPE] == COOKED_OUT;
}

/* The version of the IP header decides; another one is malformed IPv4, and judged as that. */
static bool head_raw(const __u8 *data, __u8 *eth)
{
	put_type(eth, data[0] >> 4 == 6 ? ETH_IP6 : ETH_IP4);
	return false;
}

static bool head_ip4(const __u8 *data, __u8 *eth)
{
	(void)data;
	put_type(eth, ETH_IP4);
	return false;
}

static bool head_ip6(const __u8 *data, __u8 *eth)
{
	(void)data;
	put_type(eth, ETH_IP6);
	return false;
}

/* The address family in the byte order of whoever captured; IPv4 is 2 everywhere, IPv6 not. */
static bool head_null(const __u8 *data, __u8 *eth)
{
	put_type(eth, data[0] == 2 || data[3] == 2 ? ETH_IP4 : ETH_IP6);
	return false;
}

static const struct fw_link links[] = {
	{ DLT_EN10MB, 0, 0, NULL },
	{ DLT_LINUX_SLL, COOKED_LEN, ETH_LEN, head_cooked },
	{ DLT_LINUX_SLL2, COOKED2_LEN, ETH_LEN, head_cooked2 },
	{ DLT_RAW, 0, ETH_LEN, head_raw },
	{ DLT_IPV4, 0, ETH_LEN, head_ip4 },
	{ DLT_IPV6, 0, ETH_LEN, head_ip6 },
	{ DLT_NULL, 4, ETH_LEN, head_null },
	{ DLT_LOOP, 4, ETH_LEN, head_null },
};

const struct fw_link *fw_link_find(int dlt)
{
	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++)
		if (links[i].dlt == dlt)
			return &links[i];
	return NULL;
}

const char *fw_link_known(void)
{
	return "Ethernet, Linux cooked (v1 and v2), raw IP and BSD loopback";
}

void fw_link_convert(const struct fw_link *link, const __u8 *data, size_t had, size_t len,
		     __u8 *out, struct fw_link_frame *ret)
{
	static const __u8 none[COOKED2_LEN];
	size_t need = link->header ? link->header : 1; /* of raw IP one byte says which */
	size_t body = len > link->header ? len - link->header : 0;
	size_t got = had > link->header ? had - link->header : 0;

	*ret = (struct fw_link_frame){ 0 };
	if (link->head) {
		memset(out, 0, ETH_LEN);
		ret->outgoing = link->head(had >= need ? data : none, out);
	}
	got = got < body ? got : body;
	if (body > FW_LINK_FRAME_MAX - link->ether) {
		ret->longer = true;
		body = FW_LINK_FRAME_MAX - link->ether;
		got = got < body ? got : body;
	}
	if (got)
		memcpy(out + link->ether, data + link->header, got);
	ret->had = link->ether + (__u32)got;
	ret->len = link->ether + (__u32)body;
	if (ret->len < FW_LINK_FRAME_MIN) {
		ret->shorter = true;
		ret->len = FW_LINK_FRAME_MIN;
	}
	memset(out + ret->had, 0, ret->len - ret->had);
}
