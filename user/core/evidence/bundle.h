/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The evidence of an incident as one file: a tar archive of records, then manifest.txt and
 * manifest.sig. The manifest lists each record with its length and SHA-256 in a chain:
 *
 *	floodwall evidence 1
 *	incident 7
 *	made 2026-11-21T21:00:00Z
 *	program floodwall 0.1.0
 *	key (fingerprint of public-key.pem)
 *	(an empty line)
 *	1 VERIFY.txt 2931 (SHA-256 of the file) (chain)
 *	...
 *	end 12 734003200
 *
 * chain 0 is the SHA-256 of the head with its empty line; chain N that of "CHAIN(N-1) N NAME SIZE
 * SHA256\n". `end` says how many records there are and how many bytes of the file stand before the
 * manifest. manifest.sig is the Ed25519 signature of manifest.txt, 64 bytes. Every byte of the file
 * follows from that or is hashed, so no change goes unseen.
 *
 * Pure: writes to a descriptor, reads from one; knows nothing of what the records hold.
 */
#ifndef FW_CORE_BUNDLE_H
#define FW_CORE_BUNDLE_H

#include <stdbool.h>
#include <stdio.h>
#include "user/base/sign.h"
#include "user/base/tar.h"

#define FW_BUNDLE_MAGIC	   "floodwall evidence 1"
#define FW_BUNDLE_MANIFEST "manifest.txt"
#define FW_BUNDLE_SIG	   "manifest.sig"
#define FW_BUNDLE_KEY	   "public-key.pem"
#define FW_BUNDLE_VERIFY   "VERIFY.txt"
#define FW_BUNDLE_TEXT_LEN 64

struct fw_bundle_info {
	char incident[FW_BUNDLE_TEXT_LEN]; /* printable, one line */
	char program[FW_BUNDLE_TEXT_LEN];
	__u64 made_s; /* Unix time */
	struct fw_sign_public key;
};

struct fw_bundle;

/*
 * Writing: begin (VERIFY.txt and the key become records 1 and 2), then open and close a stream for
 * each record, then finish. fd: an empty regular file, stays the caller's, not synced. 0 or -errno;
 * after an error everything fails with it. fw_bundle_free() accepts NULL.
 */
int fw_bundle_begin(int fd, const struct fw_bundle_info *info, struct fw_bundle **ret);
FILE *fw_bundle_open(struct fw_bundle *bundle, const char *name);
int fw_bundle_close(struct fw_bundle *bundle); /* the open stream too */
int fw_bundle_finish(struct fw_bundle *bundle, const struct fw_sign_secret *secret);
void fw_bundle_free(struct fw_bundle *bundle);
unsigned int fw_bundle_records(const struct fw_bundle *bundle);

/* One link: text of CHAIN(N-1), then the line without its own chain. */
void fw_bundle_chain(const char *before, const char *line, char ret[FW_TAR_HASH_LEN]);

/* VERIFY.txt: how to check the file with standard tools; also a shell script. */
extern const char fw_bundle_verify_text[];

#endif
