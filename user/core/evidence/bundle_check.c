// SPDX-License-Identifier: GPL-2.0-only
/*
 * The manifest against the file. The manifest's text is believed only as far as its signature goes,
 * but it is always compared, so that the report can say what was changed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include "user/core/evidence/bundle_check.h"

#define MANIFEST_MAX (64U << 20)

struct record {
	char name[FW_TAR_NAME_LEN], sha256[FW_TAR_HASH_LEN];
	__u64 size, at; /* at: where its header must stand */
	__u32 number;
};

struct check {
	struct fw_bundle_walk walk;
	struct fw_bundle_check *ret;
	struct fw_bundle_member *manifest, *sig, *key;
	char *text; /* of the manifest, NUL behind it */
	struct record *record;
	size_t nr, room;
	char chain[FW_TAR_HASH_LEN];
	__u64 made_s;
};

static int by_name(const void *a, const void *b)
{
	const struct fw_bundle_member *const *x = a, *const *y = b;
	int n = strcmp((*x)->head.name, (*y)->head.name);

	return n ? n : ((*x)->at > (*y)->at) - ((*x)->at < (*y)->at);
}

static struct fw_bundle_member *find(struct check *c, const char *name)
{
	for (size_t i = c->walk.nr; i-- > 0;)
		if (!strcmp(c->walk.member[i].head.name, name))
			return &c->walk.member[i];
	return NULL;
}

/* A small member as text; NULL: not there, or too large. */
static char *content(struct check *c, const struct fw_bundle_member *m, size_t max)
{
	char *text = m && m->head.size <= max ? malloc((size_t)m->head.size + 1) : NULL;

	if (text && fw_bundle_read(c->walk.fd, text, (size_t)m->head.size, m->at + FW_TAR_BLOCK)) {
		free(text);
		return NULL;
	}
	if (text)
		text[m->head.size] = '\0';
	return text;
}

/* "word rest" -> rest, NULL if the line does not begin so. */
static const char *after(const char *line, const char *word)
{
	size_t len = strlen(word);

	return !strncmp(line, word, len) && line[len] == ' ' ? line + len + 1 : NULL;
}

static void keep(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from ? from : "");
}

/* Head of the manifest; returns where the records begin, NULL if it is none. */
static char *read_head(struct check *c, char *text, char ret_key[FW_SIGN_ID_LEN])
{
	char *end = strstr(text, "\n\n"), *line, *save = NULL, saved;
	struct tm tm = { 0 };

	if (!end || strncmp(text, FW_BUNDLE_MAGIC "\n", strlen(FW_BUNDLE_MAGIC "\n")) != 0)
		return NULL;
	saved = end[2];
	end[2] = '\0';
	fw_bundle_chain("", text, c->chain);
	end[2] = saved;
	end[1] = '\0';
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (after(line, "incident"))
			keep(c->ret->incident, sizeof(c->ret->incident), after(line, "incident"));
		else if (after(line, "made"))
			keep(c->ret->made, sizeof(c->ret->made), after(line, "made"));
		else if (after(line, "program"))
			keep(c->ret->program, sizeof(c->ret->program), after(line, "program"));
		else if (after(line, "key"))
			keep(ret_key, FW_SIGN_ID_LEN, after(line, "key"));
	}
	if (strptime(c->ret->made, "%Y-%m-%dT%H:%M:%SZ", &tm))
		c->made_s = (__u64)timegm(&tm);
	return end + 2;
}

static int add_record(struct check *c, const struct record *r)
{
	if (c->nr == c->room) {
		size_t room = c->room ? 2 * c->room : 64;
		void *more = realloc(c->record, room * sizeof(*c->record));

		if (!more)
			return -ENOMEM;
		c->record = more;
		c->room = room;
	}
	c->record[c->nr++] = *r;
	return 0;
}

/* A line of the manifest. The chain goes on from what the line says, so a break is named once. */
static int read_line(struct check *c, char *line)
{
	char said[FW_TAR_HASH_LEN] = "", plain[FW_TAR_NAME_LEN + 128], got[FW_TAR_HASH_LEN];
	__u32 before = c->nr ? c->record[c->nr - 1].number : 0;
	struct record r = { 0 };
	unsigned long long size;

	if (sscanf(line, "%u %100s %llu %64s %64s", &r.number, r.name, &size, r.sha256, said) !=
	    5) {
		fw_bundle_find(c->ret, FW_BF_MANIFEST, (__u32)c->nr + 1, "", 0,
			       "line for record %zu of the manifest cannot be read", c->nr + 1);
		return 0;
	}
	r.size = size;
	snprintf(plain, sizeof(plain), "%u %s %llu %s\n", r.number, r.name, size, r.sha256);
	fw_bundle_chain(c->chain, plain, got);
	if (strcmp(got, said) != 0)
		fw_bundle_find(
			c->ret, FW_BF_CHAIN, r.number, r.name, 0,
			"the chain breaks at record %u, %s: its line or the one before it was "
			"changed or removed",
			r.number, r.name);
	if (r.number != before + 1)
		fw_bundle_find(c->ret, FW_BF_CHAIN, r.number, r.name, 0,
			       "the manifest goes from record %u to record %u", before, r.number);
	keep(c->chain, sizeof(c->chain), said);
	return add_record(c, &r);
}

static int read_records(struct check *c, char *text)
{
	unsigned long long bytes = 0;
	unsigned int records = 0;
	char *line, *save = NULL;
	bool ended = false;
	__u64 at = 0;
	int err = 0;

	for (line = strtok_r(text, "\n", &save); line && !err; line = strtok_r(NULL, "\n", &save)) {
		if (ended)
			fw_bundle_find(c->ret, FW_BF_MANIFEST, 0, FW_BUNDLE_MANIFEST, 0,
				       "the manifest goes on behind its end");
		else if (after(line, "end"))
			ended = sscanf(line, "end %u %llu", &records, &bytes) == 2;
		else
			err = read_line(c, line);
	}
	for (size_t i = 0; i < c->nr; i++) {
		c->record[i].at = at;
		at += FW_TAR_BLOCK + c->record[i].size + fw_tar_padding(c->record[i].size);
	}
	c->ret->records = (__u32)c->nr;
	if (!err && !ended)
		fw_bundle_find(c->ret, FW_BF_MANIFEST, 0, FW_BUNDLE_MANIFEST, 0,
			       "the manifest has no last line: it was cut");
	else if (!err && (records != c->nr || bytes != at))
		fw_bundle_find(c->ret, FW_BF_CHAIN, records, FW_BUNDLE_MANIFEST, 0,
			       "the manifest says %u records and lists %zu", records, c->nr);
	return err;
}

/* Whether a damaged header stands where this record's must. */
static bool damaged_at(const struct fw_bundle_check *ret, __u64 at)
{
	for (__u32 i = 0; i < ret->nr_findings; i++)
		if (ret->finding[i].fault == FW_BF_FRAME && ret->finding[i].offset == at)
			return true;
	return false;
}

static void missing(struct check *c, const struct record *r)
{
	if (damaged_at(c->ret, r->at))
		fw_bundle_find(c->ret, FW_BF_CHANGED, r->number, r->name, r->at,
			       "record %u, %s, cannot be read: its header is damaged", r->number,
			       r->name);
	else
		fw_bundle_find(c->ret, FW_BF_REMOVED, r->number, r->name, r->at,
			       "record %u, %s, was removed", r->number, r->name);
}

/* First member of that name that no record has taken. */
static struct fw_bundle_member *take(struct fw_bundle_member **sorted, size_t nr, const char *name)
{
	size_t low = 0, high = nr;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (strcmp(sorted[mid]->head.name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < nr && !strcmp(sorted[low]->head.name, name); low++)
		if (!sorted[low]->matched)
			return sorted[low];
	return NULL;
}

static void compare_record(struct check *c, const struct record *r, struct fw_bundle_member *m,
			   __u64 *last)
{
	m->matched = true;
	if (m->head.size != r->size || strcmp(m->sha256, r->sha256) != 0)
		fw_bundle_find(c->ret, FW_BF_CHANGED, r->number, r->name, m->at,
			       "record %u, %s, was changed: its %s is not the one in the manifest",
			       r->number, r->name, m->head.size != r->size ? "length" : "SHA-256");
	if (m->head.mtime_s != c->made_s)
		fw_bundle_find(c->ret, FW_BF_FRAME, r->number, r->name, m->at,
			       "the time in the header of record %u, %s, was changed", r->number,
			       r->name);
	if (m->at < *last)
		fw_bundle_find(c->ret, FW_BF_ORDER, r->number, r->name, m->at,
			       "record %u, %s, is not in its place", r->number, r->name);
	*last = m->at > *last ? m->at : *last;
}

static int compare(struct check *c)
{
	struct fw_bundle_member **sorted = calloc(c->walk.nr + 1, sizeof(void *));
	__u64 last = 0;

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < c->walk.nr; i++)
		sorted[i] = &c->walk.member[i];
	qsort(sorted, c->walk.nr, sizeof(void *), by_name);
	c->manifest->matched = true;
	if (c->sig)
		c->sig->matched = true;
	for (size_t i = 0; i < c->nr; i++) {
		struct fw_bundle_member *m = take(sorted, c->walk.nr, c->record[i].name);

		if (m)
			compare_record(c, &c->record[i], m, &last);
		else
			missing(c, &c->record[i]);
	}
	for (size_t i = 0; i < c->walk.nr; i++) {
		const struct fw_bundle_member *m = &c->walk.member[i];

		if (!m->matched)
			fw_bundle_find(c->ret, FW_BF_ADDED, 0, m->head.name, m->at,
				       "%s, at byte %llu, is in no manifest", m->head.name,
				       (unsigned long long)m->at);
	}
	if (c->manifest->head.mtime_s != c->made_s || (c->sig && c->sig->head.mtime_s != c->made_s))
		fw_bundle_find(c->ret, FW_BF_FRAME, 0, FW_BUNDLE_MANIFEST, c->manifest->at,
			       "the time in the header of manifest or signature was changed");
	if (c->manifest->at < last || (c->sig && c->sig->at < c->manifest->at))
		fw_bundle_find(c->ret, FW_BF_ORDER, 0, FW_BUNDLE_MANIFEST, c->manifest->at,
			       "manifest and signature do not stand at the end");
	free(sorted);
	return 0;
}

static void check_signature(struct check *c, const char *head_key, const char *signed_text,
			    const char *expect_id)
{
	char *pem = content(c, c->key, FW_SIGN_PEM_LEN), *sig = content(c, c->sig, FW_SIGN_LEN);
	struct fw_sign_public key;
	bool have = pem && !fw_sign_get_public(pem, (size_t)c->key->head.size, &key);

	if (have)
		fw_sign_id(c->ret->key_id, &key);
	c->ret->key_known = expect_id != NULL;
	if (!have)
		fw_bundle_find(c->ret, FW_BF_KEY, 0, FW_BUNDLE_KEY, 0,
			       FW_BUNDLE_KEY " is missing or is no Ed25519 key");
	else if (*head_key && strcmp(head_key, c->ret->key_id) != 0)
		fw_bundle_find(c->ret, FW_BF_KEY, 0, FW_BUNDLE_KEY, 0,
			       FW_BUNDLE_KEY
			       " is not the key that the manifest names: it was swapped");
	if (have && expect_id && strcmp(expect_id, c->ret->key_id) != 0)
		fw_bundle_find(c->ret, FW_BF_KEY, 0, FW_BUNDLE_KEY, 0,
			       "the bundle's key is %.16s..., not %.16s... as expected",
			       c->ret->key_id, expect_id);
	if (!sig || c->sig->head.size != FW_SIGN_LEN)
		fw_bundle_find(c->ret, FW_BF_SIGNATURE, 0, FW_BUNDLE_SIG, 0,
			       "the signature is missing or not 64 bytes long");
	else if (have && fw_sign_verify(&key, signed_text, (size_t)c->manifest->head.size,
					(unsigned char *)sig))
		fw_bundle_find(c->ret, FW_BF_SIGNATURE, 0, FW_BUNDLE_SIG, 0,
			       "the manifest is not what the bundle's key signed");
	free(pem);
	free(sig);
}

/* The manifest, as text twice: the reader cuts one into lines, the signature is over the other. */
static int check_manifest(struct check *c, const char *expect_id)
{
	char head_key[FW_SIGN_ID_LEN] = "", *records, *copy;
	int err = 0;

	if (c->manifest->head.size > MANIFEST_MAX) {
		fw_bundle_find(c->ret, FW_BF_MANIFEST, 0, FW_BUNDLE_MANIFEST, c->manifest->at,
			       "the manifest is longer than any that floodwall writes");
		return 0;
	}
	c->text = content(c, c->manifest, MANIFEST_MAX);
	copy = content(c, c->manifest, MANIFEST_MAX);
	if (!c->text || !copy) {
		err = -ENOMEM;
		goto out;
	}
	if (strlen(c->text) != c->manifest->head.size)
		fw_bundle_find(c->ret, FW_BF_MANIFEST, 0, FW_BUNDLE_MANIFEST, c->manifest->at,
			       "the manifest holds a zero byte");
	records = read_head(c, c->text, head_key);
	if (!records) {
		fw_bundle_find(c->ret, FW_BF_MANIFEST, 0, FW_BUNDLE_MANIFEST, c->manifest->at,
			       "the head of the manifest cannot be read");
	} else {
		if (!*head_key)
			fw_bundle_find(c->ret, FW_BF_MANIFEST, 0, FW_BUNDLE_MANIFEST,
				       c->manifest->at, "the manifest names no key");
		err = read_records(c, records);
		if (!err)
			err = compare(c);
	}
	if (!err)
		check_signature(c, head_key, copy, expect_id);
out:
	free(copy);
	return err;
}

int fw_bundle_check(int fd, const char *expect_id,
		    void (*progress)(void *arg, __u64 done, __u64 total), void *arg,
		    struct fw_bundle_check *ret, struct fw_err *err)
{
	struct check c = { .ret = ret };
	struct stat st;
	int r;

	memset(ret, 0, sizeof(*ret));
	if (sodium_init() < 0 || fstat(fd, &st))
		return fw_err_set(err, -EIO, NULL, "cannot look at the file: %s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return fw_err_set(err, -EINVAL, NULL, "not a regular file");
	ret->bytes = (__u64)st.st_size;
	c.walk = (struct fw_bundle_walk){
		.fd = fd, .size = ret->bytes, .progress = progress, .arg = arg, .check = ret
	};
	r = fw_bundle_walk(&c.walk);
	if (!r && !c.walk.nr) {
		r = fw_err_set(err, -EINVAL, "floodwall incident export ID --to FILE makes one",
			       "no bundle: it holds no record");
		goto out;
	}
	c.manifest = find(&c, FW_BUNDLE_MANIFEST);
	c.sig = find(&c, FW_BUNDLE_SIG);
	c.key = find(&c, FW_BUNDLE_KEY);
	if (!r && c.manifest && c.manifest->sha256[0])
		r = check_manifest(&c, expect_id);
	else if (!r)
		fw_bundle_find(ret, FW_BF_MANIFEST, 0, FW_BUNDLE_MANIFEST, 0,
			       "the manifest is missing, so nothing can be said of the records");
	if (r)
		fw_err_set(err, r, NULL, "cannot check the file: %s", strerror(-r));
	ret->intact = !r && !ret->nr_findings;
out:
	free(c.text);
	free(c.record);
	free(c.walk.member);
	return r;
}
