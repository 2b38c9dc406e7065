// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench0 sends, bench1 receives. Each system is set up, measured and taken down again for every
 * round, in turn with all others, because netfilter has no cheaper way to be switched. All limits
 * are one packet a second and source, as in the test-run rows.
 */
#include "tests/bench/live.h"
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/bench/peers.h"
#include "tests/bench/scene.h"

#define PACKETS 1000000 /* a test-run's end is a tick or so late: 4 ns a frame */
#define M	(1ULL << 20)

static const char *const set_up[] = {
	"ip link set lo up",
	"ip link add bench0 numrxqueues 1 numtxqueues 1 type veth peer name bench1 "
	"numrxqueues 1 numtxqueues 1",
	"sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 "
	"net.ipv6.conf.all.accept_dad=0",
	"ip link set bench0 address 02:00:00:00:0b:02 up",
	"ip link set bench1 address 02:00:00:00:0b:01 up",
	"ip addr add 198.51.100.1/24 dev bench1",
	"ip route add 64.0.0.0/3 via 198.51.100.2 dev bench1",
	"ip neigh add 198.51.100.2 lladdr 02:00:00:00:0b:02 dev bench1 nud permanent",
};

/* Something that stands behind bench1, with the commands that switch it on and off. */
struct system {
	const char *name;
	const char *on; /* NULL: nothing but the program */
	const char *off;
	int prog_fd;
};

static const char nft_on[] =
	"nft -f - <<'E'\n"
	"table netdev bench {\n"
	" set seen { type ipv4_addr; size 65535; flags dynamic,timeout; timeout 60s; }\n"
	" chain in { type filter hook ingress device \"bench1\" priority 0;\n"
	"  update @seen { ip saddr limit rate over 1/second burst 5 packets } drop\n"
	" }\n"
	"}\n"
	"E";
static const char nft_off[] = "nft delete table netdev bench";
static const char hashlimit_on[] =
	"iptables -t raw -A PREROUTING -i bench1 -m hashlimit --hashlimit-name bench "
	"--hashlimit-mode srcip --hashlimit-above 1/sec --hashlimit-burst 5 "
	"--hashlimit-htable-size 65536 --hashlimit-htable-max 65536 -j DROP";
static const char hashlimit_off[] = "iptables -t raw -F PREROUTING";

static int command(const char *text, struct fw_err *err)
{
	int status = system(text);

	if (status)
		return fw_err_set(err, -EIO, NULL, "this failed with %d: %s", status, text);
	return 0;
}

static int switch_on(const struct system *sys, unsigned int ifindex, struct fw_err *err)
{
	int rc = bpf_xdp_attach((int)ifindex, sys->prog_fd, XDP_FLAGS_DRV_MODE, NULL);

	if (rc)
		return fw_err_set(err, rc, NULL, "attaching %s to a veth: %s", sys->name,
				  strerror(-rc));
	return sys->on ? command(sys->on, err) : 0;
}

static int switch_off(const struct system *sys, unsigned int ifindex, struct fw_err *err)
{
	int rc = sys->off ? command(sys->off, err) : 0;

	bpf_xdp_detach((int)ifindex, XDP_FLAGS_DRV_MODE, NULL);
	return rc;
}

struct live {
	struct run *run;
	struct out *out;
	const struct frame *frame;
	__u64 sources;
	const char *path;
	unsigned int to, from; /* interface indexes */
};

#define SYSTEMS_MAX 8

static int measure(struct live *live, const struct system *sys, size_t systems,
		   double ns[SYSTEMS_MAX][RUN_ROUNDS_MAX], struct fw_err *err)
{
	const struct run_opts *opts = run_options(live->run);
	double warm;
	int rc = 0;

	for (int round = 0; !rc && round < opts->rounds; round++) {
		for (size_t i = 0; !rc && i < systems; i++) {
			if (opts->progress)
				fprintf(stderr, "\r\033[K%s: round %d of %d: %s", live->path,
					round + 1, opts->rounds, sys[i].name);
			rc = switch_on(&sys[i], live->from, err);
			if (!rc)
				rc = run_live(live->run, live->frame, live->sources, live->to,
					      PACKETS / 10, &warm, err);
			if (!rc)
				rc = run_live(live->run, live->frame, live->sources, live->to,
					      PACKETS, &ns[i][round], err);
			if (!rc)
				rc = switch_off(&sys[i], live->from, err);
		}
	}
	if (opts->progress)
		fprintf(stderr, "\r\033[K");
	return rc;
}

/* The first system is the bare drop. */
static int shape(struct live *live, const struct system *sys, size_t systems, struct fw_err *err)
{
	double ns[SYSTEMS_MAX][RUN_ROUNDS_MAX], bare;
	int rounds = run_options(live->run)->rounds;
	int rc = measure(live, sys, systems, ns, err);

	if (rc)
		return rc;
	bare = run_median(ns[0], rounds);
	for (size_t i = 0; !rc && i < systems; i++) {
		struct out_row row = {
			.path = live->path,
			.system = sys[i].name,
			.sources = live->sources,
			.cpus = 1,
			.rounds = rounds,
			.median_ns = run_median(ns[i], rounds),
			.min_ns = run_min(ns[i], rounds),
			.max_ns = run_max(ns[i], rounds),
			.bare_ns = i ? bare : 0,
		};

		rc = out_row(live->out, &row);
	}
	return rc;
}

/* One stream of packets at everything; scene: how floodwall meets it. */
static int stream(struct live *live, enum scene_id id, const struct peer_filter *filter,
		  struct fw_err *err)
{
	struct scene_opts opts = { .sources = live->sources };
	struct system sys[SYSTEMS_MAX];
	struct scene scene;
	size_t n = 0;
	int rc = scene_open(&scene, live->run, id, &opts, err);

	if (rc)
		return rc;
	sys[n++] = (struct system){ "bare XDP_DROP", NULL, NULL, run_live_drop_fd(live->run) };
	if (!scene.why[0])
		sys[n++] = (struct system){ "floodwall", NULL, NULL, ours_prog(&scene.ours) };
	if (filter->obj)
		sys[n++] = (struct system){ "xdp-filter", NULL, NULL, filter->prog_fd };
	sys[n++] =
		(struct system){ "nftables meter", nft_on, nft_off, run_live_pass_fd(live->run) };
	sys[n++] = (struct system){ "hashlimit", hashlimit_on, hashlimit_off,
				    run_live_pass_fd(live->run) };
	sys[n++] = (struct system){ "no filter", NULL, NULL, run_live_pass_fd(live->run) };
	rc = shape(live, sys, n, err);
	scene_close(&scene);
	return rc;
}

static int attach_drop(const struct run *run, unsigned int ifindex, struct fw_err *err)
{
	int rc = bpf_xdp_attach((int)ifindex, run_live_drop_fd(run), XDP_FLAGS_DRV_MODE, NULL);

	return rc ? fw_err_set(err, rc, NULL, "attaching to bench0: %s", strerror(-rc)) : 0;
}

int live_bench(struct run *run, struct out *out, struct fw_err *err)
{
	static const struct {
		const char *path;
		enum scene_id id;
		enum frame_id frame;
		__u64 sources;
	} row[] = {
		{ "live, UDP, 1 source", SCENE_OVER, FRAME_UDP4, 1 },
		{ "live, UDP, 10,000 sources", SCENE_OVER, FRAME_UDP4, 10000 },
		{ "live, UDP, random sources", SCENE_NEWCOMER4, FRAME_UDP4, 16 * M },
		{ "live, SYN, random sources", SCENE_COOKIE4, FRAME_SYN4, 16 * M },
	};
	struct live live = { .run = run, .out = out };
	struct peer_filter filter;
	size_t first = out_rows(out);
	int rc = peer_filter_open(&filter, PEER_FILTER_MAX, err);

	for (size_t i = 0; !rc && i < sizeof(set_up) / sizeof(*set_up); i++)
		rc = command(set_up[i], err);
	live.to = if_nametoindex("bench0");
	/* Where answers end. Without a program there, a veth drops what comes by XDP_TX unseen. */
	if (!rc)
		rc = attach_drop(run, live.to, err);
	live.from = if_nametoindex("bench1");
	for (size_t i = 0; !rc && i < sizeof(row) / sizeof(*row); i++) {
		live.path = row[i].path;
		live.frame = frame_get(row[i].frame);
		live.sources = row[i].sources;
		rc = stream(&live, row[i].id, &filter, err);
	}
	peer_filter_close(&filter);
	if (!rc)
		rc = out_print(
			out, first,
			"Live over veth: generator, wire and filter on one CPU, wall ns a frame");
	return rc;
}
