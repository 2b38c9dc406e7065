// SPDX-License-Identifier: GPL-2.0-only
/* SHA-256 in hex. Pure. */
#include "user/base/hash.h"

void fw_hash_begin(struct fw_hash *hash)
{
	sha256_init(&hash->state);
}

void fw_hash_add(struct fw_hash *hash, const void *data, size_t len)
{
	sha256_update(&hash->state, len, data);
}

char *fw_hash_end(struct fw_hash *hash, char ret[FW_HASH_LEN])
{
	static const char digit[] = "0123456789abcdef";
	unsigned char sum[SHA256_DIGEST_SIZE];

	sha256_digest(&hash->state, sizeof(sum), sum);
	for (size_t i = 0; i < sizeof(sum); i++) {
		ret[2 * i] = digit[sum[i] >> 4];
		ret[2 * i + 1] = digit[sum[i] & 15];
	}
	ret[FW_HASH_LEN - 1] = '\0';
	return ret;
}

char *fw_hash_put(const void *data, size_t len, char ret[FW_HASH_LEN])
{
	struct fw_hash hash;

	fw_hash_begin(&hash);
	fw_hash_add(&hash, data, len);
	return fw_hash_end(&hash, ret);
}
