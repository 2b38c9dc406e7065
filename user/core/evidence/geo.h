/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Country and network of an address, from MaxMind databases (.mmdb) that the admin supplies.
 * Without them every answer is empty, and nobody is asked over a network.
 */
#ifndef FW_CORE_GEO_H
#define FW_CORE_GEO_H

#include <linux/types.h>
#include <stdbool.h>
#include "user/base/err.h"

struct fw_geo;

struct fw_geo_answer {
	char country[3];  /* ISO 3166-1, "" = not known */
	__u32 asn;	  /* 0 = not known */
	char holder[128]; /* hostile until escaped */
};

/*
 * Either path may be NULL: then the places where geoipupdate and Debian put them are tried, and
 * none there is no error. One database may answer both questions. fw_geo_free() accepts NULL.
 */
int fw_geo_open(const char *country, const char *asn, struct fw_geo **ret, struct fw_err *err);
void fw_geo_free(struct fw_geo *geo);

void fw_geo_look(const struct fw_geo *geo, const __be32 addr_be[4], struct fw_geo_answer *ret);

/* What was opened: type and Unix time of making; false: there is no number n (0, 1). */
bool fw_geo_about(const struct fw_geo *geo, unsigned int n, const char **ret_type,
		  __u64 *ret_built);

#endif
