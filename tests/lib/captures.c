// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finds and reads captures with libpcap. A frame that was cut when captured is filled up with
 * zeros to its length on the wire, as the NIC would have handed it over.
 */
#include <glob.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/lib/captures.h"

unsigned int captures_list(const char *folder, char ret[CAPTURES_MAX][512])
{
	const char *dir = getenv("FLOODWALL_CAPTURES");
	unsigned int n = 0;
	char pattern[512];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/%s/*.pcap", dir ? dir : "../shared/captures",
		 folder);
	if (glob(pattern, 0, NULL, &found))
		return 0;
	for (; n < found.gl_pathc && n < CAPTURES_MAX; n++)
		snprintf(ret[n], sizeof(ret[n]), "%s", found.gl_pathv[n]);
	globfree(&found);
	return n;
}

long captures_each(const char *path,
		   void (*each)(void *arg, __u64 at_ns, const __u8 *data, __u32 len), void *arg)
{
	static __u8 frame[65536 + 64];
	char err[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *head;
	__u64 first = 0, at = 0, last = 0;
	const u_char *data;
	long frames = 0;
	pcap_t *pcap;
	int r = 0;

	pcap = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, err);
	if (!pcap)
		return -1;
	if (pcap_datalink(pcap) != DLT_EN10MB)
		r = -1;
	while (!r && (r = pcap_next_ex(pcap, &head, &data)) == 1) {
		r = head->len > sizeof(frame) ? -1 : 0;
		if (r)
			break;
		memcpy(frame, data, head->caplen);
		memset(frame + head->caplen, 0, head->len - head->caplen);
		at = (__u64)head->ts.tv_sec * 1000000000 + (__u64)head->ts.tv_usec;
		first = frames++ ? first : at;
		last = at - first > last && at > first ? at - first : last;
		each(arg, last, frame, head->len);
	}
	pcap_close(pcap);
	return r == PCAP_ERROR_BREAK ? frames : -1;
}
