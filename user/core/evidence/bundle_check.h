/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Is a bundle what was signed? Every byte is compared with what it must be, and each fault is
 * named: which record, where, what is wrong. Needs no privilege, state or kernel.
 */
#ifndef FW_CORE_BUNDLE_CHECK_H
#define FW_CORE_BUNDLE_CHECK_H

#include "user/base/err.h"
#include "user/core/evidence/bundle.h"

/* X(identifier, name, meaning) */
#define FW_BUNDLE_FAULTS(X)                                                     \
	X(CUT, "cut", "the file ends early")                                    \
	X(CHANGED, "changed", "a record is not what the manifest says")         \
	X(REMOVED, "removed", "a record of the manifest is not in the file")    \
	X(ADDED, "added", "a record is in no manifest")                         \
	X(ORDER, "reordered", "a record is not in its place")                   \
	X(FRAME, "frame", "what stands around a record was changed")            \
	X(APPENDED, "appended", "bytes behind the end")                         \
	X(MANIFEST, "manifest", "the manifest is missing or cannot be read")    \
	X(CHAIN, "chain", "a line of the manifest was changed, or one removed") \
	X(SIGNATURE, "signature", "the manifest is not what was signed")        \
	X(KEY, "key", "signed with another key")

enum fw_bundle_fault {
#define X(id, name, text) FW_BF_##id,
	FW_BUNDLE_FAULTS(X)
#undef X
		FW_BF_MAX,
};

struct fw_bundle_finding {
	enum fw_bundle_fault fault;
	__u32 record; /* number in the manifest, 0 = none */
	__u64 offset; /* in the file */
	char name[FW_TAR_NAME_LEN];
	char text[256]; /* a sentence */
};
#define FW_BUNDLE_FINDINGS 64

struct fw_bundle_check {
	bool intact;
	bool key_known; /* its fingerprint was compared with one from elsewhere */
	char incident[FW_BUNDLE_TEXT_LEN], program[FW_BUNDLE_TEXT_LEN], made[32];
	char key_id[FW_SIGN_ID_LEN]; /* of the key in the bundle, "" = none there */
	__u32 records;		     /* in the manifest */
	__u64 bytes;		     /* of the file */
	__u32 nr_findings, nr_more;  /* kept, and counted beyond */
	struct fw_bundle_finding finding[FW_BUNDLE_FINDINGS];
};

extern const char *const fw_bundle_fault_names[FW_BF_MAX];

/*
 * fd: a regular file. expect_id: fingerprint that its key must have (fw_sign_id()), or NULL: whose
 * key it is stays open.
 * progress: may be NULL. 0 with *ret filled, whatever was found; -EINVAL (1): no bundle at all;
 * else -errno.
 */
int fw_bundle_check(int fd, const char *expect_id,
		    void (*progress)(void *arg, __u64 done, __u64 total), void *arg,
		    struct fw_bundle_check *ret, struct fw_err *err);

/* ---- between bundle_check.c and bundle_walk.c ---- */

/* What stands in the file, by its headers. */
struct fw_bundle_member {
	struct fw_tar_head head;
	__u64 at; /* of the header */
	char sha256[FW_TAR_HASH_LEN];
	bool matched;
};

struct fw_bundle_walk {
	int fd;
	__u64 size; /* of the file */
	struct fw_bundle_member *member;
	size_t nr, room;
	__u64 end; /* behind the zeros of the end, 0 = no end found */
	void (*progress)(void *arg, __u64 done, __u64 total);
	void *arg;
	struct fw_bundle_check *check;
};

/* Reads headers and hashes contents; damage that shows without the manifest becomes a finding. */
int fw_bundle_walk(struct fw_bundle_walk *walk);

/* Reads all len bytes at an offset. -ENODATA: the file is shorter. */
int fw_bundle_read(int fd, void *buf, size_t len, __u64 at);

/* fmt NULL: the fault's own meaning. */
void fw_bundle_find(struct fw_bundle_check *check, enum fw_bundle_fault fault, __u32 record,
		    const char *name, __u64 offset, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));

#endif
