// SPDX-License-Identifier: GPL-2.0-only
/* The rows are in order: what makes cookies impossible comes before what delays them. */
#include <stddef.h>
#include "user/core/proof.h"

#define COOKIES_ON "sysctl -w net.ipv4.tcp_syncookies=2"

struct fw_proof_advice fw_proof_advise(const struct fw_host *host, enum fw_tri syncookie)
{
	if (syncookie == FW_NO)
		return (struct fw_proof_advice){ FW_PROOF_RETRANSMIT,
						 "this kernel makes no SYN cookies for BPF", NULL };
	if (host->forwards)
		return (struct fw_proof_advice){
			FW_PROOF_RETRANSMIT,
			"this host forwards packets (ip_forward=1): connections to machines or "
			"containers behind it have no socket here, and cookies would cut them off",
			NULL
		};
	if (host->syncookies == 0)
		return (struct fw_proof_advice){
			FW_PROOF_RETRANSMIT,
			"tcp_syncookies=0: the kernel makes no SYN cookies, so under a flood "
			"strangers wait a second for their second try",
			COOKIES_ON
		};
	if (host->syncookies == 1)
		return (struct fw_proof_advice){
			FW_PROOF_COOKIE,
			"tcp_syncookies=1: the kernel makes no cookie before a listener's queue is "
			"full, and until then strangers wait a second for their second try",
			COOKIES_ON
		};
	return (struct fw_proof_advice){ FW_PROOF_COOKIE, NULL, NULL };
}
