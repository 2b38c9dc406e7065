// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fast engine of the flood generator: storm.bpf.c writes the frames, the kernel's test-run
 * sends them. Frames that find the peer's ring full are lost unseen, so what it says it sent is
 * what it offered; whoever needs to count to the packet uses the packet socket.
 */
#include "flood.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <linux/types.h>
#include <math.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "storm.h"

static int fill_template(struct storm_template *t, const struct frame *f)
{
	uint8_t proto = f->spec.v6 ? f->data[f->l3 + 6] : f->data[f->l3 + 9];
	bool tcp = proto == IPPROTO_TCP, udp = proto == IPPROTO_UDP;

	if (f->len > STORM_ROOM || !f->has_l4 || f->spec.kind == FRAME_FRAG_FIRST)
		return -EINVAL;
	memcpy(t->data, f->data, f->len);
	t->len = (__u32)f->len;
	t->l3 = (__u16)f->l3;
	t->l4 = (__u16)f->l4;
	t->csum = (__u16)(f->l4 + (tcp ? 16 : udp ? 6 : 2));
	t->ports = tcp || udp;
	t->pseudo = proto != IPPROTO_ICMP;
	t->seq = (__u16)(tcp ? f->l4 + 4 : f->spec.payload >= 4 ? f->l4 + 8 : 0);
	t->ip_sum = sum_fold(f->ip_sum);
	t->l4_sum = sum_fold(f->l4_sum);
	return 0;
}

static int fill_config(struct storm_config *c, const struct flood_opts *o, const struct frame *f)
{
	uint64_t q;
	uint32_t w;
	int err = 0;

	for (unsigned int i = 0; !err && i < STORM_TEMPLATES; i++)
		err = fill_template(&c->template[i], &f[i]);
	memcpy(&q, o->base.b, 8);
	memcpy(&w, o->base.b + 12, 4);
	c->base6 = be64toh(q);
	c->base4 = ntohl(w);
	c->rng = o->seed;
	c->sources = o->sources;
	c->templates = STORM_TEMPLATES;
	c->ifindex = if_nametoindex(o->iface);
	c->gap_ns = o->seconds > 0 && o->pps > 0 ? (__u64)(1e9 / o->pps * 64) : 0;
	c->sport = o->spec.sport;
	c->v6 = o->spec.v6;
	return err;
}

/* storm.bpf.o lies beside this program. */
static struct bpf_object *load(int *ret_prog, int *ret_map)
{
	char self[PATH_MAX - 16] = "", path[PATH_MAX];
	struct bpf_object *obj;

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return NULL;
	snprintf(path, sizeof(path), "%s/storm.bpf.o", dirname(self));
	obj = bpf_object__open_file(path, NULL);
	if (!obj || bpf_object__load(obj)) {
		bpf_object__close(obj);
		return NULL;
	}
	*ret_prog = bpf_program__fd(bpf_object__find_program_by_name(obj, "lab_storm"));
	*ret_map = bpf_object__find_map_fd_by_name(obj, "storm");
	return obj;
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* One call for the whole flood, since each sets up its pages anew; a signal ends it. */
static int run(const struct flood_opts *o, int prog)
{
	uint8_t room[STORM_ROOM] = { 0 };
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval timer = { .it_value = { (time_t)o->seconds,
						 (suseconds_t)(fmod(o->seconds, 1) * 1e6) } };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = room, .data_size_in = sizeof(room),
		    .repeat = INT_MAX, .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = 64);
	int err;

	if (!(o->seconds > 0))
		opts.repeat = (int)o->count;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	err = bpf_prog_test_run_opts(prog, &opts);
	return err == -EINTR ? 0 : err;
}

int flood_xdp(const struct flood_opts *o, const struct frame *frames, struct flood_sent *sent)
{
	struct storm_config *c = calloc(1, sizeof(*c));
	__u32 zero = 0;
	int prog = -1, map = -1;
	struct bpf_object *obj = load(&prog, &map);
	int err = !c ? -ENOMEM : !obj ? -ENOENT : fill_config(c, o, frames);

	if (!err)
		err = bpf_map_update_elem(map, &zero, c, BPF_ANY);
	sent->first_ns = now_ns();
	if (!err)
		err = run(o, prog);
	sent->last_ns = now_ns();
	if (!err)
		err = bpf_map_lookup_elem(map, &zero, c);
	if (!err) {
		sent->packets = c->n;
		sent->bytes = c->bytes;
		for (unsigned int i = 0; i < STORM_TEMPLATES; i++)
			sent->kind[frames[i].spec.kind] +=
				c->n / STORM_TEMPLATES + (i < c->n % STORM_TEMPLATES);
	}
	bpf_object__close(obj);
	free(c);
	return err;
}
