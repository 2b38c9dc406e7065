// SPDX-License-Identifier: GPL-2.0-only
/* Look-ups through libmaxminddb. The databases come from outside: a broken one answers nothing. */
#include <arpa/inet.h>
#include <errno.h>
#include <maxminddb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "user/base/text.h"
#include "user/core/evidence/geo.h"

enum which { COUNTRY, ASN, WHICH_MAX };

struct fw_geo {
	MMDB_s db[WHICH_MAX];
	bool open[WHICH_MAX];
};

static const char *const places[WHICH_MAX][4] = {
	[COUNTRY] = { "/var/lib/GeoIP/GeoLite2-Country.mmdb", "/var/lib/GeoIP/GeoIP2-Country.mmdb",
		      "/usr/share/GeoIP/GeoLite2-Country.mmdb",
		      "/var/lib/GeoIP/dbip-country.mmdb" },
	[ASN] = { "/var/lib/GeoIP/GeoLite2-ASN.mmdb", "/var/lib/GeoIP/GeoIP2-ISP.mmdb",
		  "/usr/share/GeoIP/GeoLite2-ASN.mmdb", "/var/lib/GeoIP/dbip-asn.mmdb" },
};

int fw_geo_open(const char *country, const char *asn, struct fw_geo **ret, struct fw_err *err)
{
	const char *path[WHICH_MAX] = { country, asn };
	struct fw_geo *geo = calloc(1, sizeof(*geo));
	int r = 0;

	if (!geo)
		return fw_err_set(err, -ENOMEM, NULL, "out of memory");
	for (int w = 0; w < WHICH_MAX && !r; w++) {
		bool asked = path[w];

		for (size_t i = 0; !path[w] && i < 4; i++)
			if (!access(places[w][i], R_OK))
				path[w] = places[w][i];
		if (!path[w])
			continue;
		r = MMDB_open(path[w], MMDB_MODE_MMAP, &geo->db[w]);
		geo->open[w] = r == MMDB_SUCCESS;
		if (r && asked)
			r = fw_err_set(err, -EINVAL, "give a MaxMind database (.mmdb)",
				       "cannot read %s: %s", path[w], MMDB_strerror(r));
		else
			r = 0;
	}
	if (r) {
		fw_geo_free(geo);
		return r;
	}
	*ret = geo;
	return 0;
}

void fw_geo_free(struct fw_geo *geo)
{
	if (!geo)
		return;
	for (int w = 0; w < WHICH_MAX; w++)
		if (geo->open[w])
			MMDB_close(&geo->db[w]);
	free(geo);
}

static void get_text(MMDB_entry_s *entry, char *buf, size_t size, const char *const *path)
{
	MMDB_entry_data_s data;
	char raw[256];
	size_t len;

	if (MMDB_aget_value(entry, &data, path) || !data.has_data ||
	    data.type != MMDB_DATA_TYPE_UTF8_STRING)
		return;
	len = data.data_size < sizeof(raw) ? data.data_size : sizeof(raw) - 1;
	memcpy(raw, data.utf8_string, len);
	raw[len] = '\0';
	fw_text_clean(buf, size, raw);
}

/* A code is two capital letters: whatever else stands there is no country, and no field of a table.
 */
static void get_country(MMDB_entry_s *entry, char *buf, size_t size)
{
	static const char *const path[] = { "country", "iso_code", NULL };

	get_text(entry, buf, size, path);
	if (strlen(buf) != 2 || strspn(buf, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 2)
		*buf = '\0';
}

static void look_at(const struct fw_geo *geo, enum which w, const struct sockaddr *sa,
		    struct fw_geo_answer *ret)
{
	static const char *const number[] = { "autonomous_system_number", NULL };
	static const char *const holder[] = { "autonomous_system_organization", NULL };
	MMDB_lookup_result_s found;
	MMDB_entry_data_s data;
	int error = 0;

	found = MMDB_lookup_sockaddr(&geo->db[w], sa, &error);
	if (error || !found.found_entry)
		return;
	if (!*ret->country)
		get_country(&found.entry, ret->country, sizeof(ret->country));
	if (ret->asn || MMDB_aget_value(&found.entry, &data, number) || !data.has_data ||
	    data.type != MMDB_DATA_TYPE_UINT32)
		return;
	ret->asn = data.uint32;
	get_text(&found.entry, ret->holder, sizeof(ret->holder), holder);
}

void fw_geo_look(const struct fw_geo *geo, const __be32 addr_be[4], struct fw_geo_answer *ret)
{
	struct sockaddr_in in4 = { .sin_family = AF_INET, .sin_addr.s_addr = addr_be[3] };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	const struct sockaddr *sa = (const struct sockaddr *)&in6;

	memset(ret, 0, sizeof(*ret));
	if (!geo)
		return;
	memcpy(&in6.sin6_addr, addr_be, sizeof(in6.sin6_addr));
	if (fw_text_is_ip4(addr_be))
		sa = (const struct sockaddr *)&in4;
	for (int w = 0; w < WHICH_MAX; w++)
		if (geo->open[w])
			look_at(geo, w, sa, ret);
}

bool fw_geo_about(const struct fw_geo *geo, unsigned int n, const char **ret_type, __u64 *ret_built)
{
	for (unsigned int w = 0; geo && w < WHICH_MAX; w++) {
		if (!geo->open[w] || n--)
			continue;
		*ret_type = geo->db[w].metadata.database_type;
		*ret_built = geo->db[w].metadata.build_epoch;
		return true;
	}
	return false;
}
