// SPDX-License-Identifier: GPL-2.0-only
/*
 * libpcap reads pcap, capture_ng.c pcapng; we merge: of each file one packet is held, the earliest
 * is next. All stamps come as nanoseconds, whatever the file counts in.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <pcap/pcap.h>
#include "user/core/replay/capture.h"
#include "user/core/replay/capture_ng.h"

#define NS_PER_S    1000000000ULL
#define ALIGN_IP    2	  /* bytes in front, so that what follows 14 of Ethernet is aligned */
#define WATCH_EVERY 16384 /* packets */

struct file {
	FILE *stream; /* pcap's, if there is one */
	pcap_t *pcap; /* one of these two reads it */
	struct fw_ng *ng;
	const struct fw_link *link; /* of the packet held, as is what follows */
	const __u8 *data;
	__u32 had, len;
	__u64 at_ns;
	__u64 read;
	__u64 size; /* 0 = unknown */
	bool held;  /* a packet is waiting */
	bool fresh; /* read one before it is asked for */
};

struct fw_capture {
	struct fw_capture_told told;
	struct fw_capture_watch watch;
	bool ahead; /* read to know its times only */
	__u64 read, latest_ns;
	unsigned int count;
	__u8 *frame;
	struct file file[];
};

static __u64 stamp(const struct pcap_pkthdr *head)
{
	/* The files count seconds in 32 bits without a sign, up to 2106; libpcap reads a sign
	 * there. */
	__u32 s = (__u32)head->ts.tv_sec;

	/* With nanosecond precision tv_usec holds nanoseconds. */
	return s * NS_PER_S + (__u64)(head->ts.tv_usec > 0 ? head->ts.tv_usec : 0);
}

static void broke(struct fw_capture *c, unsigned int which, const char *why)
{
	if (c->told.broken++)
		return;
	snprintf(c->told.why, sizeof(c->told.why), "%s", why);
	c->told.which = which;
	c->told.after = c->file[which].read;
}

static int next_pcap(struct fw_capture *c, unsigned int which)
{
	struct file *f = &c->file[which];
	struct pcap_pkthdr *head;
	int r = pcap_next_ex(f->pcap, &head, &f->data);

	if (r == PCAP_ERROR)
		broke(c, which, pcap_geterr(f->pcap));
	if (r != 1)
		return 0;
	f->at_ns = stamp(head);
	f->had = head->caplen;
	f->len = head->len;
	return 1;
}

/* Interfaces of a pcapng may be of any link; what carries no IP is left out. */
static int next_ng(struct fw_capture *c, unsigned int which)
{
	struct file *f = &c->file[which];
	struct fw_ng_packet p;
	int r;

	while ((r = fw_ng_next(f->ng, &p)) == 1) {
		f->link = fw_link_find(p.dlt);
		if (f->link)
			break;
		c->told.foreign++;
	}
	if (r < 0)
		broke(c, which, fw_ng_why(f->ng));
	if (r != 1)
		return 0;
	f->at_ns = p.at_ns;
	f->data = p.data;
	f->had = p.had;
	f->len = p.len;
	return 1;
}

/* How much of the files has been read, 0..1; negative when it cannot be known (pipes). */
static double part_read(const struct fw_capture *c)
{
	double size = 0, at = 0;

	for (unsigned int i = 0; i < c->count; i++) {
		const struct file *f = &c->file[i];
		off_t here = f->size ? ftello(f->stream) : -1;

		if (here < 0)
			return -1;
		size += (double)f->size;
		at += (double)here;
	}
	return size > 0 ? at / size : -1;
}

/* Hold the next packet of a file, if there is one. */
static void refill(struct fw_capture *c, unsigned int which)
{
	struct file *f = &c->file[which];

	if (c->watch.step && c->read++ % WATCH_EVERY == 0)
		c->watch.step(c->watch.arg, c->ahead, part_read(c), c->read - 1);
	f->fresh = true;
	f->held = f->ng ? next_ng(c, which) : next_pcap(c, which);
	f->read += f->held;
}

static const char *name_of(const char *path)
{
	return strcmp(path, "-") ? path : "standard input";
}

/* What programs that compress begin their files with, and who undoes it. */
static const struct packer {
	const char *magic, *name, *cat;
} packers[] = {
	{ "\x1f\x8b", "gzip", "zcat" },
	{ "\x28\xb5\x2f\xfd", "zstd", "zstdcat" },
	{ "\xfd"
	  "7zX",
	  "xz", "xzcat" },
	{ "BZh", "bzip2", "bzcat" },
};

/* The first bytes of a file, which are still there to be read afterwards. */
struct first {
	char at[4];
	size_t had;
};

static void peek(FILE *stream, struct first *ret)
{
	ret->had = fread(ret->at, 1, sizeof(ret->at), stream);
	clearerr(stream);
	/* They were read from the stream's buffer, so they all fit back. */
	for (size_t i = ret->had; i; i--)
		if (ungetc(ret->at[i - 1], stream) == EOF)
			ret->had = 0;
}

static __u32 magic_of(const struct first *first)
{
	__u32 magic = 0;

	if (first->had == sizeof(magic))
		memcpy(&magic, first->at, sizeof(magic));
	return magic;
}

/* Why libpcap would not read it, in words that help. The file is not opened again: it may be a
 * pipe. */
static int refuse(const char *path, const struct first *first, const char *said, struct fw_err *err)
{
	char hint[sizeof(err->hint)];

	if (!first->had)
		return fw_err_set(err, -EINVAL, NULL,
				  "%s is empty: not even a capture's header is in it",
				  name_of(path));
	for (size_t i = 0; i < sizeof(packers) / sizeof(*packers); i++) {
		const struct packer *p = &packers[i];
		size_t len = strlen(p->magic);

		if (first->had < len || memcmp(first->at, p->magic, len))
			continue;
		snprintf(hint, sizeof(hint), "%s FILE | floodwall ... -, for - is standard input",
			 p->cat);
		return fw_err_set(err, -EINVAL, hint, "%s is compressed with %s", name_of(path),
				  p->name);
	}
	return fw_err_set(err, -EINVAL,
			  "pcap and pcapng are read, as tcpdump and dumpcap write them",
			  "%s is no capture: %s", name_of(path), said);
}

static int open_pcap(const char *path, struct file *f, const struct first *first,
		     struct fw_err *err)
{
	char said[PCAP_ERRBUF_SIZE] = "";
	const char *kind;

	f->pcap = pcap_fopen_offline_with_tstamp_precision(f->stream, PCAP_TSTAMP_PRECISION_NANO,
							   said);
	if (!f->pcap)
		return refuse(path, first, said, err);
	f->link = fw_link_find(pcap_datalink(f->pcap));
	kind = pcap_datalink_val_to_description(pcap_datalink(f->pcap));
	if (!f->link)
		return fw_err_set(err, -EINVAL, NULL, "%s is a capture of %s; known are %s",
				  name_of(path), kind ? kind : "an unknown kind of link",
				  fw_link_known());
	return 0;
}

static int open_file(const char *path, struct file *f, struct fw_err *err)
{
	struct first first;
	struct stat st = { 0 };

	f->stream = strcmp(path, "-") ? fopen(path, "rbe") : stdin;
	if (!f->stream)
		return fw_err_set_file(err, -errno, NULL, "%s: %s", path, strerror(errno));
	if (!fstat(fileno(f->stream), &st) && S_ISDIR(st.st_mode))
		return fw_err_set(err, -EINVAL, NULL, "%s is a directory", path);
	if (S_ISREG(st.st_mode))
		f->size = (__u64)st.st_size;
	peek(f->stream, &first);
	if (magic_of(&first) != FW_NG_MAGIC)
		return open_pcap(path, f, &first, err);
	f->ng = fw_ng_open(f->stream);
	return f->ng ? 0 : fw_err_set(err, -ENOMEM, NULL, "out of memory");
}

static int check_paths(char *const *path, unsigned int count, struct fw_err *err)
{
	unsigned int pipes = 0;

	for (unsigned int i = 0; i < count; i++)
		pipes += !strcmp(path[i], "-");
	return pipes > 1 ? fw_err_set(err, -EINVAL, NULL,
				      "standard input holds one capture, and - stands %u times",
				      pipes)
			 : 0;
}

int fw_capture_open(char *const *path, unsigned int count, const struct fw_capture_watch *watch,
		    struct fw_capture **ret, struct fw_err *err)
{
	int r = check_paths(path, count, err);
	struct fw_capture *c;

	if (r)
		return r;
	c = calloc(1, sizeof(*c) + count * sizeof(*c->file));
	if (!c || !(c->frame = calloc(1, FW_LINK_FRAME_MAX + ALIGN_IP))) {
		free(c);
		return fw_err_set(err, -ENOMEM, NULL, "out of memory");
	}
	c->count = count;
	if (watch)
		c->watch = *watch;
	for (unsigned int i = 0; i < count && !r; i++)
		r = open_file(path[i], &c->file[i], err);
	if (r)
		fw_capture_close(c);
	else
		*ret = c;
	return r;
}

static void close_file(struct file *f)
{
	fw_ng_close(f->ng);
	if (f->pcap)
		pcap_close(f->pcap); /* and its stream */
	else if (f->stream && f->stream != stdin)
		(void)fclose(f->stream); /* it was only read */
}

void fw_capture_close(struct fw_capture *c)
{
	if (!c)
		return;
	for (unsigned int i = 0; i < c->count; i++)
		close_file(&c->file[i]);
	free(c->frame);
	free(c);
}

/* The file whose packet is the earliest, or count. */
static unsigned int earliest(struct fw_capture *c)
{
	unsigned int best = c->count;

	for (unsigned int i = 0; i < c->count; i++) {
		if (!c->file[i].fresh)
			refill(c, i);
		if (c->file[i].held && (best == c->count || c->file[i].at_ns < c->file[best].at_ns))
			best = i;
	}
	return best;
}

static void tell(struct fw_capture *c, const struct fw_capture_frame *frame, bool cut)
{
	struct fw_capture_told *t = &c->told;

	t->packets++;
	t->cut += cut;
	t->longer += frame->frame.longer;
	t->shorter += frame->frame.shorter;
	if (frame->at_ns >= c->latest_ns) {
		c->latest_ns = frame->at_ns;
		return;
	}
	t->backward++;
	if (c->latest_ns - frame->at_ns > t->backward_ns)
		t->backward_ns = c->latest_ns - frame->at_ns;
}

int fw_capture_next(struct fw_capture *c, struct fw_capture_frame *ret)
{
	unsigned int which = earliest(c);
	struct file *f = &c->file[which];

	if (which == c->count)
		return 0;
	ret->at_ns = f->at_ns;
	ret->file = which;
	ret->data = c->frame + ALIGN_IP;
	fw_link_convert(f->link, f->data, f->had, f->len, c->frame + ALIGN_IP, &ret->frame);
	tell(c, ret, f->had < f->len);
	f->held = false;
	f->fresh = false;
	return 1;
}

const struct fw_capture_told *fw_capture_told(const struct fw_capture *c)
{
	return &c->told;
}

int fw_capture_span(char *const *path, unsigned int count, const struct fw_capture_watch *watch,
		    __u64 *ret_first_ns, __u64 *ret_last_ns, struct fw_err *err)
{
	__u64 first = ~0ULL, last = 0;
	struct fw_capture *c = NULL;
	struct stat st;
	int r;

	for (unsigned int i = 0; i < count; i++)
		if (!strcmp(path[i], "-") || (!stat(path[i], &st) && !S_ISREG(st.st_mode)))
			return fw_err_set(err, -EINVAL, "save it to a file first",
					  "%s cannot be read twice, to find out how long it lasts",
					  name_of(path[i]));
	r = fw_capture_open(path, count, watch, &c, err);
	if (r || !c)
		return r;
	c->ahead = true;
	for (unsigned int i = 0; i < count; i++)
		for (refill(c, i); c->file[i].held; refill(c, i)) {
			first = c->file[i].at_ns < first ? c->file[i].at_ns : first;
			last = c->file[i].at_ns > last ? c->file[i].at_ns : last;
		}
	fw_capture_close(c);
	*ret_first_ns = first;
	*ret_last_ns = last;
	return 0;
}
