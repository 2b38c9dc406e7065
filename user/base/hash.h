/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SHA-256 (FIPS 180-4) of bundles, manifests and policies: nettle's, which uses the processor's own
 * instructions where there are any. Hashing gigabytes must not be what an export waits for.
 */
#ifndef FW_HASH_H
#define FW_HASH_H

#include <nettle/sha2.h>
#include <stddef.h>

#define FW_HASH_LEN 65 /* in hex, NUL included */

struct fw_hash {
	struct sha256_ctx state;
};

void fw_hash_begin(struct fw_hash *hash);
void fw_hash_add(struct fw_hash *hash, const void *data, size_t len);
/* In hex; returns ret. The hash must begin anew afterwards. */
char *fw_hash_end(struct fw_hash *hash, char ret[FW_HASH_LEN]);

/* Of one piece. */
char *fw_hash_put(const void *data, size_t len, char ret[FW_HASH_LEN]);

#endif
