// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's probes, and running the rows of both tables. A probe only judges facts gathered
 * before, so each is a few lines and none can fail.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "bpf/knob_values.h"
#include "user/base/text.h"
#include "user/core/doctor_probe.h"
#include "user/kern/maps.h"
#include "user/kern/object.h"

static const char *const words[FW_DOCTOR_LEVELS] = { "ok", "note", "warn", "fail" };

const char *fw_doctor_word(enum fw_doctor_level level)
{
	return words[level];
}

enum fw_doctor_level fw_doctor_worst(const struct fw_doctor *doctor)
{
	enum fw_doctor_level worst = FW_DOCTOR_OK;

	for (unsigned int i = 0; i < doctor->nr; i++)
		if (doctor->finding[i].level > worst)
			worst = doctor->finding[i].level;
	return worst;
}

void fw_doctor_add(struct fw_doctor *doctor, enum fw_doctor_level level, const char *mend,
		   const char *fmt, ...)
{
	struct fw_doctor_finding *f;
	char text[sizeof(f->text)];
	va_list args;

	if (doctor->nr >= FW_DOCTOR_MAX)
		return;
	f = &doctor->finding[doctor->nr++];
	f->level = level;
	fw_text_clean(f->mend, sizeof(f->mend), mend ? mend : "");
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fw_text_clean(f->text, sizeof(f->text), text);
}

static void kernel(struct fw_doctor *d, const struct doctor_facts *f)
{
	struct fw_err err = {};

	if (!f->features_known)
		fw_doctor_add(d, FW_DOCTOR_WARN, "sudo floodwall doctor",
			      "Linux %s; what it can do with BPF is not known without rights",
			      f->host.release);
	else if (fw_probe_require(&f->features, &err))
		fw_doctor_add(d, FW_DOCTOR_FAIL, "install a kernel of 5.15 or newer",
			      "Linux %s: %s", f->host.release, err.msg);
	else
		fw_doctor_add(d, FW_DOCTOR_OK, NULL, "Linux %s has all that the program needs",
			      f->host.release);
}

static void btf(struct fw_doctor *d, const struct doctor_facts *f)
{
	if (f->host.btf)
		fw_doctor_add(d, FW_DOCTOR_OK, NULL, "the kernel describes its types (BTF)");
	else
		fw_doctor_add(d, FW_DOCTOR_NOTE, NULL,
			      "no /sys/kernel/btf/vmlinux: libxdp's dispatcher cannot work");
}

static void bpffs(struct fw_doctor *d, const struct doctor_facts *f)
{
	struct fw_err err = {};

	if (fw_pin_place(f->pins, &err))
		fw_doctor_add(d, FW_DOCTOR_FAIL, err.hint, "%s", err.msg);
	else
		fw_doctor_add(d, FW_DOCTOR_OK, NULL, "bpffs is mounted for %s", f->pins);
}

static void jit(struct fw_doctor *d, const struct doctor_facts *f)
{
	switch (f->features_known ? f->features.jit : FW_UNKNOWN) {
	case FW_YES:
		fw_doctor_add(d, FW_DOCTOR_OK, NULL, "BPF programs are compiled (JIT)");
		break;
	case FW_NO:
		fw_doctor_add(d, FW_DOCTOR_WARN, "sysctl -w net.core.bpf_jit_enable=1",
			      "BPF programs are interpreted, at a tenth of the speed");
		break;
	case FW_UNKNOWN:
		fw_doctor_add(d, FW_DOCTOR_NOTE, NULL,
			      "whether BPF programs are compiled is not known");
		break;
	}
}

static void caps(struct fw_doctor *d, const struct doctor_facts *f)
{
	const struct {
		const char *name, *what;
		bool have;
	} rows[] = {
		{ "CAP_BPF", "load programs and make maps", f->caps.bpf || f->caps.sys_admin },
		{ "CAP_NET_ADMIN", "attach to interfaces", f->caps.net_admin },
		{ "CAP_PERFMON", "load a program that measures",
		  f->caps.perfmon || f->caps.sys_admin },
		{ "CAP_SYS_ADMIN", "see which programs are attached", f->caps.sys_admin },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		fw_doctor_add(d, rows[i].have ? FW_DOCTOR_OK : FW_DOCTOR_FAIL,
			      rows[i].have ? NULL : "sudo floodwall doctor", "%s %s: needed to %s",
			      rows[i].name, rows[i].have ? "is there" : "is missing", rows[i].what);
}

/* What attach refuses to do without, with the sizes that nobody need name; 0: not known. */
static __u64 memory_needed(void)
{
	struct fw_object_opts opts = { .build = "" };
	struct fw_object *obj = NULL;
	__u64 bytes;

	if (fw_object_open(&opts, &obj, NULL))
		return 0;
	bytes = obj->memory + FW_OBJECT_SPARE;
	fw_object_close(obj);
	return bytes;
}

static void memory(struct fw_doctor *d, const struct doctor_facts *f)
{
	const unsigned long long mib = 1 << 20;
	__u64 need;
	bool group = f->host.cgroup_left < f->host.mem_available;
	__u64 left = group ? f->host.cgroup_left : f->host.mem_available;

	if (f->pin_state == FW_PINS_READY || !left)
		return; /* taken already, or not known */
	need = memory_needed();
	if (left < need)
		fw_doctor_add(d, FW_DOCTOR_WARN,
			      "floodwall attach --sources4 1M --sources6 256k IFACE",
			      "%llu MiB left%s: too little for the default tables, which need %llu",
			      left / mib, group ? " in this cgroup" : "", (need + mib - 1) / mib);
	else
		fw_doctor_add(d, FW_DOCTOR_OK, NULL,
			      "%llu MiB of memory left%s, and the default tables need %llu",
			      left / mib, group ? " in this cgroup" : "", (need + mib - 1) / mib);
}

static void frags(struct fw_doctor *d, const struct doctor_facts *f)
{
	if (!f->features_known)
		return;
	if (f->features.frags == FW_YES)
		fw_doctor_add(d, FW_DOCTOR_OK, NULL, "packets in several buffers work (frags)");
	else
		fw_doctor_add(
			d, FW_DOCTOR_NOTE, NULL,
			"no packets in several buffers before 5.18: MTU is limited by a page");
}

static void dispatcher(struct fw_doctor *d, const struct doctor_facts *f)
{
	if (!f->features_known)
		return;
	if (f->features.dispatcher == FW_YES && f->host.btf)
		fw_doctor_add(d, FW_DOCTOR_OK, NULL,
			      "other XDP programs can live beside floodwall (libxdp's dispatcher)");
	else
		fw_doctor_add(d, FW_DOCTOR_NOTE, NULL,
			      "libxdp's dispatcher cannot work here: one XDP program an interface");
}

/* The kernel makes a cookie on demand only with 2; 1 waits until a listener's queue is full. */
static void cookies(struct fw_doctor *d, const struct doctor_facts *f)
{
	const char *mend = "sysctl -w net.ipv4.tcp_syncookies=2";

	if (f->features_known && f->features.syncookie == FW_NO)
		fw_doctor_add(
			d, FW_DOCTOR_WARN, NULL,
			"no SYN cookies in BPF here: strangers prove themselves by retransmission");
	else if (f->host.syncookies == 2)
		fw_doctor_add(d, FW_DOCTOR_OK, NULL,
			      "strangers prove themselves by SYN cookie (tcp_syncookies=2)");
	else if (f->host.syncookies == 1)
		fw_doctor_add(
			d, FW_DOCTOR_WARN, mend,
			"tcp_syncookies=1 gives no cookie before a listener's queue is full: "
			"until then strangers prove themselves by retransmission, a second later");
	else if (f->host.syncookies == 0)
		fw_doctor_add(
			d, FW_DOCTOR_WARN, mend,
			"tcp_syncookies=0 gives no SYN cookies: strangers prove themselves by "
			"retransmission, a second later");
	else
		fw_doctor_add(d, FW_DOCTOR_NOTE, NULL, "net.ipv4.tcp_syncookies cannot be read");
	if (f->features_known && f->features.raw_cookie == FW_NO && f->features.syncookie != FW_NO)
		fw_doctor_add(d, FW_DOCTOR_NOTE, NULL,
			      "each SYN cookie costs a look-up of its listener, "
			      "which Linux 6.0 and newer can do without");
}

/* What a cookie cannot remember; man floodwall-proof says what it costs either way. */
static void cookie_options(struct fw_doctor *d, const struct doctor_facts *f)
{
	__u8 scale;

	if (!fw_probe_cookie_options(&scale))
		fw_doctor_add(d, FW_DOCTOR_NOTE, "sysctl -w net.ipv4.tcp_timestamps=2",
			      "connections opened by a cookie have no window scaling, SACK or time "
			      "stamps; before attaching, tcp_timestamps=2 changes that and shows "
			      "this host's uptime");
	else
		fw_doctor_add(d, FW_DOCTOR_OK, NULL,
			      "cookies keep the options of clients with time stamps "
			      "(tcp_timestamps=2)");
	(void)f;
}

/* The program is told when it is attached: what changes later it does not see. */
static void local_ports(struct fw_doctor *d, const struct doctor_facts *f)
{
	__u16 from = fw_probe_local_port();

	if (from < FW_LOCAL_PORT)
		fw_doctor_add(d, FW_DOCTOR_NOTE, NULL,
			      "answers to what this host asks come to ports from %u on "
			      "(ip_local_port_range): attach again after changing that",
			      from);
	(void)f;
}

static void state(struct fw_doctor *d, const struct doctor_facts *f)
{
	struct fw_maps maps = {};
	struct fw_err err = {};

	if (*f->pin_err.msg) {
		fw_doctor_add(d, FW_DOCTOR_FAIL, f->pin_err.hint, "%s", f->pin_err.msg);
		return;
	}
	switch (f->pin_state) {
	case FW_PINS_NONE:
		fw_doctor_add(d, FW_DOCTOR_OK, NULL, "no state yet: the first attach makes it");
		break;
	case FW_PINS_HALF:
		fw_doctor_add(d, FW_DOCTOR_NOTE, NULL,
			      "a first attach was interrupted; the next one starts afresh");
		break;
	case FW_PINS_OTHER:
		fw_pin_refuse_other(f->pins, &f->meta, &err);
		fw_doctor_add(d, FW_DOCTOR_FAIL, err.hint, "%s", err.msg);
		break;
	case FW_PINS_READY:
		if (fw_maps_open(f->pins, FW_MAPS_ALL | FW_MAPS_RECORD, &maps, &err))
			fw_doctor_add(d, FW_DOCTOR_FAIL, err.hint, "%s", err.msg);
		else
			fw_doctor_add(d, FW_DOCTOR_OK, NULL, "state in %s, made by build %.31s",
				      f->pins, f->meta.build);
		fw_maps_close(&maps);
		break;
	}
}

static const struct doctor_probe host_probes[] = {
	{ "kernel", kernel },
	{ "btf", btf },
	{ "bpffs", bpffs },
	{ "jit", jit },
	{ "capabilities", caps },
	{ "memory", memory },
	{ "frags", frags },
	{ "dispatcher", dispatcher },
	{ "syncookies", cookies },
	{ "cookie-options", cookie_options },
	{ "local-ports", local_ports },
	{ "proof", fw_doctor_proof },
	{ "state", state },
	{ NULL, NULL },
};

static void run_probes(struct fw_doctor *d, const struct doctor_probe *probes, const char *about,
		       const struct doctor_facts *facts)
{
	for (; probes->name; probes++) {
		unsigned int from = d->nr;

		probes->run(d, facts);
		for (; from < d->nr; from++) {
			d->finding[from].probe = probes->name;
			fw_text_clean(d->finding[from].about, sizeof(d->finding[from].about),
				      about);
		}
	}
}

static void gather(struct doctor_facts *f)
{
	struct fw_maps maps = {};

	fw_probe_host(&f->host);
	fw_probe_caps(&f->caps);
	f->features_known = !fw_probe_features(&f->features, NULL);
	if (fw_pin_state(f->pins, &f->pin_state, &f->meta, &f->pin_err))
		f->pin_state = FW_PINS_NONE;
	if (f->pin_state == FW_PINS_READY &&
	    !fw_maps_open(f->pins, FW_MAPS_IFACES | FW_MAPS_DAMAGED, &maps, NULL)) {
		f->ctl_id = maps.ctl_id;
		if (fw_maps_ifaces(maps.iface_fd, f->record, &f->nr_record))
			f->nr_record = 0;
		fw_maps_close(&maps);
	}
}

static int run_iface(struct fw_doctor *d, struct doctor_facts *f, const char *ifname,
		     struct fw_err *err)
{
	int r = fw_probe_iface(ifname, &f->iface, err);

	if (r)
		return r;
	f->state_known = !fw_attach_query(
		f->iface.ifindex, (struct fw_xdp_us){ .ctl_id = f->ctl_id }, &f->state, NULL);
	run_probes(d, fw_doctor_iface_probes, ifname, f);
	return 0;
}

/* Interfaces that have gone are what status reports. */
static void run_attached(struct fw_doctor *d, struct doctor_facts *f)
{
	for (unsigned int i = 0; i < f->nr_record; i++)
		if (f->record[i].netns == fw_attach_netns())
			run_iface(d, f, f->record[i].name, NULL);
}

int fw_doctor_run(const char *pins, const char *ifname, struct fw_doctor *ret, struct fw_err *err)
{
	struct doctor_facts facts = { .pins = pins };
	struct fw_iface_info info;
	int r;

	if (ifname) { /* a wrong name is an error before anything is probed */
		r = fw_probe_iface(ifname, &info, err);
		if (r)
			return r;
	}
	memset(ret, 0, sizeof(*ret));
	gather(&facts);
	run_probes(ret, host_probes, "host", &facts);
	if (ifname)
		return run_iface(ret, &facts, ifname, err);
	run_attached(ret, &facts);
	return 0;
}
