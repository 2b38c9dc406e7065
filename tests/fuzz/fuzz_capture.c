// SPDX-License-Identifier: GPL-2.0-only
/*
 * A capture of any bytes, as replay reads it: libpcap, conversion to Ethernet, the header walk and
 * the handshakes. Besides not reading past anything: lengths stay within what the program takes,
 * program time never runs back, and every frame is counted once.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A frame puts headers where it likes; the machines that run the program do not mind. */
#pragma clang attribute push(__attribute__((no_sanitize("alignment"))), apply_to = function)
#include "user/core/replay/feed.c"
#pragma clang attribute pop
#include "user/core/replay/capture.c"
#include "user/core/replay/capture_link.c"
#include "user/core/replay/capture_ng.c"
#include "user/core/replay/flow.c"

#define CHECK(what)              \
	do {                     \
		if (!(what))     \
			abort(); \
	} while (0)

#define START_NS 1000000000ULL

static void check_packet(const struct fw_feed *f, const struct fw_feed_packet *p, __u64 last_ns)
{
	CHECK(p->len >= FW_LINK_FRAME_MIN && p->len <= FW_LINK_FRAME_MAX);
	CHECK(p->now_ns >= last_ns && p->now_ns >= START_NS);
	CHECK(p->family == 0 || p->family == 4 || p->family == 6);
	CHECK(!p->tcp || (p->ports && p->said <= FW_FLOW_UNKNOWN));
	CHECK(!p->ports || p->family);
	CHECK(p->left_out || p->index + 1 == f->packets);
}

static void check_told(const struct fw_feed *f, __u64 arrived)
{
	const struct fw_capture_told *files = fw_feed_files(f);

	CHECK(arrived + f->told.outgoing + f->told.elsewhere == files->packets);
	CHECK(files->cut <= files->packets && files->backward <= files->packets);
	CHECK(f->told.one_way <= f->told.handshakes);
	CHECK(!files->broken || *files->why);
}

static void watch(void *arg, bool ahead, double part, __u64 packets)
{
	CHECK(!arg && ahead == !!ahead && part >= -1 && part <= 1 && packets < 1 << 20);
}

static void run(struct fw_feed *f)
{
	struct fw_feed_packet p = { 0 };
	__u64 last_ns = 0, arrived = 0;
	__u8 sum = 0;

	while (fw_feed_next(f, &p)) {
		check_packet(f, &p, last_ns);
		for (__u32 i = 0; i < p.len; i++)
			sum ^= p.data[i]; /* all of it may be read */
		last_ns = p.now_ns;
		arrived += !p.left_out;
	}
	(void)*(volatile __u8 *)&sum;
	check_told(f, arrived);
}

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size)
{
	static const struct fw_capture_watch watching = { .step = watch };
	static struct fw_flows *flows; /* of all inputs: 24 MiB would be cleared for each */
	struct fw_feed f = { .opts = { .start_ns = START_NS } };
	char path[64], *paths[] = { path };
	struct fw_err err = { 0 };
	__u64 first, last;
	int fd;

	if (!size)
		return 0;
	flows = flows ? flows : fw_flows_new();
	fd = memfd_create("capture", MFD_CLOEXEC);
	CHECK(flows && fd >= 0 && write(fd, data + 1, size - 1) == (ssize_t)(size - 1));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	f.flows = flows;
	f.told.speed = data[0] & 1 ? 1 : 1.0 + data[0];
	f.opts.hosts = data[0] >> 7; /* ::/0, so everything arrived */
	if (fw_capture_open(paths, 1, &watching, &f.capture, &err)) {
		CHECK(*err.msg && err.exit_code);
	} else {
		run(&f);
		fw_capture_close(f.capture);
		CHECK(!fw_capture_span(paths, 1, &watching, &first, &last, &err));
	}
	close(fd);
	return 0;
}
