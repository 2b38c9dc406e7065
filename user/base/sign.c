// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keys as PEM and back. Both DER forms are of fixed length: a prefix (algorithm 1.3.101.112, RFC
 * 8410 sections 4 and 7) and 32 bytes of key, so no ASN.1 reader is needed and every other byte is
 * refused.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "user/base/hash.h"
#include "user/base/sign.h"

#define KEY 32
static const unsigned char public_der[] = { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
					    0x2b, 0x65, 0x70, 0x03, 0x21, 0x00 };
static const unsigned char secret_der[] = { 0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
					    0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20 };
#define DER_MAX (sizeof(secret_der) + KEY)

static char *put_pem(char *buf, size_t size, const char *what, const unsigned char *prefix,
		     size_t len, const unsigned char *key)
{
	unsigned char der[DER_MAX];
	char base64[sodium_base64_ENCODED_LEN(DER_MAX, sodium_base64_VARIANT_ORIGINAL)];

	memcpy(der, prefix, len);
	memcpy(der + len, key, KEY);
	sodium_bin2base64(base64, sizeof(base64), der, len + KEY, sodium_base64_VARIANT_ORIGINAL);
	snprintf(buf, size, "-----BEGIN %s KEY-----\n%s\n-----END %s KEY-----\n", what, base64,
		 what);
	sodium_memzero(der, sizeof(der));
	sodium_memzero(base64, sizeof(base64));
	return buf;
}

static int get_pem(const char *text, size_t len, const char *what, const unsigned char *prefix,
		   size_t prefix_len, unsigned char *ret)
{
	char begin[40], end[40], copy[FW_SIGN_PEM_LEN], *body, *tail;
	unsigned char der[DER_MAX];
	size_t n = 0;
	int err = -EBADMSG;

	if (len >= sizeof(copy) || memchr(text, '\0', len))
		return -EBADMSG;
	memcpy(copy, text, len);
	copy[len] = '\0';
	snprintf(begin, sizeof(begin), "-----BEGIN %s KEY-----\n", what);
	snprintf(end, sizeof(end), "\n-----END %s KEY-----\n", what);
	body = copy + strlen(begin);
	tail = strstr(copy, end);
	if (strncmp(copy, begin, strlen(begin)) == 0 && tail && tail >= body &&
	    !tail[strlen(end)]) {
		*tail = '\0';
		if (!sodium_base642bin(der, sizeof(der), body, strlen(body), NULL, &n, NULL,
				       sodium_base64_VARIANT_ORIGINAL) &&
		    n == prefix_len + KEY && !memcmp(der, prefix, prefix_len)) {
			memcpy(ret, der + prefix_len, KEY);
			err = 0;
		}
	}
	sodium_memzero(copy, sizeof(copy));
	sodium_memzero(der, sizeof(der));
	return err;
}

int fw_sign_make(struct fw_sign_secret *ret, struct fw_sign_public *ret_public)
{
	if (sodium_init() < 0)
		return -EIO;
	return crypto_sign_ed25519_keypair(ret_public->key, ret->key) ? -EIO : 0;
}

char *fw_sign_put_secret(char *buf, size_t size, const struct fw_sign_secret *secret)
{
	/* libsodium's secret key is the seed and, behind it, the public key. */
	return put_pem(buf, size, "PRIVATE", secret_der, sizeof(secret_der), secret->key);
}

char *fw_sign_put_public(char *buf, size_t size, const struct fw_sign_public *pub)
{
	return put_pem(buf, size, "PUBLIC", public_der, sizeof(public_der), pub->key);
}

int fw_sign_get_secret(const char *text, size_t len, struct fw_sign_secret *ret,
		       struct fw_sign_public *ret_public)
{
	unsigned char seed[KEY];
	int err;

	err = get_pem(text, len, "PRIVATE", secret_der, sizeof(secret_der), seed);
	if (!err && crypto_sign_ed25519_seed_keypair(ret_public->key, ret->key, seed))
		err = -EBADMSG;
	sodium_memzero(seed, sizeof(seed));
	return err;
}

int fw_sign_get_public(const char *text, size_t len, struct fw_sign_public *ret)
{
	return get_pem(text, len, "PUBLIC", public_der, sizeof(public_der), ret->key);
}

char *fw_sign_id(char buf[FW_SIGN_ID_LEN], const struct fw_sign_public *pub)
{
	unsigned char der[sizeof(public_der) + KEY];

	memcpy(der, public_der, sizeof(public_der));
	memcpy(der + sizeof(public_der), pub->key, KEY);
	return fw_hash_put(der, sizeof(der), buf);
}

void fw_sign_sign(const struct fw_sign_secret *secret, const void *text, size_t len,
		  unsigned char ret[FW_SIGN_LEN])
{
	crypto_sign_ed25519_detached(ret, NULL, text, len, secret->key);
}

int fw_sign_verify(const struct fw_sign_public *pub, const void *text, size_t len,
		   const unsigned char sig[FW_SIGN_LEN])
{
	return crypto_sign_ed25519_verify_detached(sig, text, len, pub->key) ? -EBADMSG : 0;
}
