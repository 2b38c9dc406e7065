/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ed25519 keys (RFC 8032) in the PEM forms of RFC 8410, which openssl reads and writes: a private
 * key in PKCS #8, a public one as SubjectPublicKeyInfo. Signing is libsodium's.
 */
#ifndef FW_SIGN_H
#define FW_SIGN_H

#include <sodium.h>
#include <stddef.h>

#define FW_SIGN_LEN	crypto_sign_ed25519_BYTES
#define FW_SIGN_PEM_LEN 256 /* enough for either form, NUL included */
#define FW_SIGN_ID_LEN	65  /* fingerprint in hex, NUL included */

struct fw_sign_public {
	unsigned char key[crypto_sign_ed25519_PUBLICKEYBYTES];
};

struct fw_sign_secret { /* wipe with sodium_memzero() */
	unsigned char key[crypto_sign_ed25519_SECRETKEYBYTES];
};

/* A new pair from the kernel's random numbers. Calls sodium_init(). 0 or -EIO. */
int fw_sign_make(struct fw_sign_secret *ret, struct fw_sign_public *ret_public);

/* PEM into buf (size >= FW_SIGN_PEM_LEN). Returns buf. */
char *fw_sign_put_secret(char *buf, size_t size, const struct fw_sign_secret *secret);
char *fw_sign_put_public(char *buf, size_t size, const struct fw_sign_public *pub);

/* text need not end in NUL. -EBADMSG: not a PEM of such a key, or text before or after it. */
int fw_sign_get_secret(const char *text, size_t len, struct fw_sign_secret *ret,
		       struct fw_sign_public *ret_public);
int fw_sign_get_public(const char *text, size_t len, struct fw_sign_public *ret);

/* SHA-256 of the public key's DER form, in hex: `openssl pkey -pubin -outform DER | sha256sum`. */
char *fw_sign_id(char buf[FW_SIGN_ID_LEN], const struct fw_sign_public *pub);

void fw_sign_sign(const struct fw_sign_secret *secret, const void *text, size_t len,
		  unsigned char ret[FW_SIGN_LEN]);
/* 0 or -EBADMSG. */
int fw_sign_verify(const struct fw_sign_public *pub, const void *text, size_t len,
		   const unsigned char sig[FW_SIGN_LEN]);

#endif
