// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writing the bundle. The manifest grows in memory, a line of about 150 bytes a record; everything
 * else streams to the file.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "user/core/evidence/bundle.h"

struct fw_bundle {
	struct fw_tar tar;
	struct fw_bundle_info info;
	FILE *manifest; /* into text */
	char *text;
	size_t len;
	FILE *stream; /* of the open record, NULL = none */
	char chain[FW_TAR_HASH_LEN];
	unsigned int records;
	int error;
};

void fw_bundle_chain(const char *before, const char *line, char ret[FW_TAR_HASH_LEN])
{
	struct fw_hash hash;

	fw_hash_begin(&hash);
	if (*before) {
		fw_hash_add(&hash, before, strlen(before));
		fw_hash_add(&hash, " ", 1);
	}
	fw_hash_add(&hash, line, strlen(line));
	fw_hash_end(&hash, ret);
}

static int write_head(struct fw_bundle *b)
{
	char id[FW_SIGN_ID_LEN], when[32] = "", *head = NULL;
	time_t made = (time_t)b->info.made_s;
	struct tm tm;

	if (!gmtime_r(&made, &tm) || !strftime(when, sizeof(when), "%FT%TZ", &tm))
		return -EINVAL;
	if (asprintf(&head, FW_BUNDLE_MAGIC "\nincident %s\nmade %s\nprogram %s\nkey %s\n\n",
		     b->info.incident, when, b->info.program, fw_sign_id(id, &b->info.key)) < 0)
		return -ENOMEM;
	fw_bundle_chain("", head, b->chain);
	fputs(head, b->manifest);
	free(head);
	return 0;
}

static int add_text(struct fw_bundle *b, const char *name, const char *text)
{
	FILE *out = fw_bundle_open(b, name);

	if (out)
		fputs(text, out);
	return fw_bundle_close(b);
}

int fw_bundle_begin(int fd, const struct fw_bundle_info *info, struct fw_bundle **ret)
{
	struct fw_bundle *b = calloc(1, sizeof(*b));
	char pem[FW_SIGN_PEM_LEN];
	int err = -ENOMEM;

	if (!b)
		return -ENOMEM;
	if (sodium_init() < 0) {
		err = -EIO;
		goto fail;
	}
	b->info = *info;
	fw_tar_init(&b->tar, fd, info->made_s);
	b->manifest = open_memstream(&b->text, &b->len);
	if (!b->manifest)
		goto fail;
	err = write_head(b);
	if (!err)
		err = add_text(b, FW_BUNDLE_VERIFY, fw_bundle_verify_text);
	if (!err)
		err = add_text(b, FW_BUNDLE_KEY, fw_sign_put_public(pem, sizeof(pem), &info->key));
	if (err)
		goto fail;
	*ret = b;
	return 0;
fail:
	fw_bundle_free(b);
	return err;
}

FILE *fw_bundle_open(struct fw_bundle *b, const char *name)
{
	if (b->error)
		return NULL;
	b->error = b->stream ? -EBUSY : fw_tar_begin(&b->tar, name);
	if (b->error)
		return NULL;
	b->stream = fw_tar_stream(&b->tar);
	if (!b->stream)
		b->error = -ENOMEM;
	return b->stream;
}

int fw_bundle_close(struct fw_bundle *b)
{
	char sha256[FW_TAR_HASH_LEN], line[FW_TAR_NAME_LEN + FW_TAR_HASH_LEN + 64];
	__u64 size;
	int err = 0;

	if (b->stream && (ferror(b->stream) | fclose(b->stream)))
		err = b->tar.error ? b->tar.error : -EIO;
	b->stream = NULL;
	if (!b->error)
		b->error = err;
	if (!b->error)
		b->error = fw_tar_end(&b->tar, &size, sha256);
	if (b->error)
		return b->error;
	snprintf(line, sizeof(line), "%u %s %llu %s\n", ++b->records, b->tar.head.name,
		 (unsigned long long)size, sha256);
	fw_bundle_chain(b->chain, line, b->chain);
	line[strlen(line) - 1] = '\0';
	fprintf(b->manifest, "%s %s\n", line, b->chain);
	return 0;
}

/* What stands behind the records: a file that is in no manifest. */
static int put_plain(struct fw_bundle *b, const char *name, const void *data, size_t len)
{
	char sha256[FW_TAR_HASH_LEN];
	__u64 size;
	int err = fw_tar_begin(&b->tar, name);

	if (!err)
		err = fw_tar_write(&b->tar, data, len);
	return err ? err : fw_tar_end(&b->tar, &size, sha256);
}

int fw_bundle_finish(struct fw_bundle *b, const struct fw_sign_secret *secret)
{
	unsigned char sig[FW_SIGN_LEN];
	int err = b->error;

	if (err)
		return err;
	fprintf(b->manifest, "end %u %llu\n", b->records, (unsigned long long)b->tar.offset);
	if (fflush(b->manifest))
		return -ENOMEM;
	err = put_plain(b, FW_BUNDLE_MANIFEST, b->text, b->len);
	if (err)
		return err;
	fw_sign_sign(secret, b->text, b->len, sig);
	err = put_plain(b, FW_BUNDLE_SIG, sig, sizeof(sig));
	return err ? err : fw_tar_finish(&b->tar);
}

unsigned int fw_bundle_records(const struct fw_bundle *b)
{
	return b->records;
}

void fw_bundle_free(struct fw_bundle *b)
{
	if (!b)
		return;
	if (b->stream)
		fclose(b->stream);
	if (b->manifest)
		fclose(b->manifest);
	free(b->text);
	free(b);
}
