// SPDX-License-Identifier: GPL-2.0-only
/* Keys as PEM: what openssl reads and nothing else; signatures against RFC 8032's own vectors. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "tests/unit/unit.h"
#include "user/base/sign.h"

/* RFC 8410, section 10: the public key and the private one that belongs to it. */
static const char rfc_public[] = "-----BEGIN PUBLIC KEY-----\n"
				 "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
				 "-----END PUBLIC KEY-----\n";
static const char rfc_secret[] =
	"-----BEGIN PRIVATE KEY-----\n"
	"MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
	"-----END PRIVATE KEY-----\n";

static void pem(void **state)
{
	struct fw_sign_secret secret;
	struct fw_sign_public pub, same;
	char text[FW_SIGN_PEM_LEN];

	(void)state;
	assert_int_equal(fw_sign_get_secret(rfc_secret, strlen(rfc_secret), &secret, &pub), 0);
	assert_int_equal(fw_sign_get_public(rfc_public, strlen(rfc_public), &same), 0);
	assert_memory_equal(&pub, &same, sizeof(pub));
	assert_string_equal(fw_sign_put_secret(text, sizeof(text), &secret), rfc_secret);
	assert_string_equal(fw_sign_put_public(text, sizeof(text), &pub), rfc_public);
}

static void refused(void **state)
{
	struct fw_sign_secret secret;
	struct fw_sign_public pub;
	char text[2 * sizeof(rfc_secret) + 1];

	(void)state;
	for (size_t len = 0; len < strlen(rfc_public); len++)
		assert_int_equal(fw_sign_get_public(rfc_public, len, &pub), -EBADMSG);
	snprintf(text, sizeof(text), "%s\n", rfc_public);
	assert_int_equal(fw_sign_get_public(text, strlen(text), &pub), -EBADMSG);
	assert_int_equal(fw_sign_get_public(rfc_secret, strlen(rfc_secret), &pub), -EBADMSG);
	assert_int_equal(fw_sign_get_secret(rfc_public, strlen(rfc_public), &secret, &pub),
			 -EBADMSG);
	snprintf(text, sizeof(text), "%s", rfc_public);
	text[30] = '!';
	assert_int_equal(fw_sign_get_public(text, strlen(text), &pub), -EBADMSG);
	snprintf(text, sizeof(text), "%s", rfc_public);
	text[35] ^= 1; /* the algorithm's number */
	assert_int_equal(fw_sign_get_public(text, strlen(text), &pub), -EBADMSG);
}

/* RFC 8032, section 7.1, test 3. */
static void vector(void **state)
{
	static const unsigned char seed[] = { 0xc5, 0xaa, 0x8d, 0xf4, 0x3f, 0x9f, 0x83, 0x7b,
					      0xed, 0xb7, 0x44, 0x2f, 0x31, 0xdc, 0xb7, 0xb1,
					      0x66, 0xd3, 0x85, 0x35, 0x07, 0x6f, 0x09, 0x4b,
					      0x85, 0xce, 0x3a, 0x2e, 0x0b, 0x44, 0x58, 0xf7 };
	static const unsigned char begin[] = { 0x62, 0x91, 0xd6, 0x57, 0xde, 0xec, 0x24, 0x02 };
	unsigned char sig[FW_SIGN_LEN], text[] = { 0xaf, 0x82 };
	struct fw_sign_secret secret;
	struct fw_sign_public pub;

	(void)state;
	crypto_sign_ed25519_seed_keypair(pub.key, secret.key, seed);
	fw_sign_sign(&secret, text, sizeof(text), sig);
	assert_memory_equal(sig, begin, sizeof(begin));
	assert_int_equal(fw_sign_verify(&pub, text, sizeof(text), sig), 0);
	for (size_t i = 0; i < sizeof(sig); i++) {
		sig[i] ^= 1;
		assert_int_equal(fw_sign_verify(&pub, text, sizeof(text), sig), -EBADMSG);
		sig[i] ^= 1;
	}
	text[0] ^= 1;
	assert_int_equal(fw_sign_verify(&pub, text, sizeof(text), sig), -EBADMSG);
}

static void made(void **state)
{
	struct fw_sign_secret a, b;
	struct fw_sign_public pa, pb;
	char ia[FW_SIGN_ID_LEN], ib[FW_SIGN_ID_LEN];

	(void)state;
	assert_int_equal(fw_sign_make(&a, &pa), 0);
	assert_int_equal(fw_sign_make(&b, &pb), 0);
	assert_string_not_equal(fw_sign_id(ia, &pa), fw_sign_id(ib, &pb));
	assert_int_equal(strlen(ia), 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(pem), cmocka_unit_test(refused),
					    cmocka_unit_test(vector), cmocka_unit_test(made) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
