// SPDX-License-Identifier: GPL-2.0-only
/* The probes of one interface. They judge; the facts come from kern/probe_iface.c. */
#include <stdio.h>
#include <string.h>
#include "user/core/doctor_probe.h"

static const char *driver_name(const struct fw_iface_info *info)
{
	return *info->driver ? info->driver : "(without a name)";
}

static void link_kind(struct fw_doctor *d, const struct doctor_facts *f)
{
	const struct fw_iface_info *i = &f->iface;
	char mend[64] = "";

	snprintf(mend, sizeof(mend), "floodwall attach %s", i->parent);
	if (!strcmp(i->kind, "vlan") && *i->parent)
		fw_doctor_add(
			d, FW_DOCTOR_FAIL, mend,
			"a VLAN of %s: native XDP works on %s only, which reads the tag itself",
			i->parent, i->parent);
	else if (!strcmp(i->kind, "bond") || !strcmp(i->kind, "team"))
		fw_doctor_add(d, FW_DOCTOR_NOTE, NULL,
			      "a %s: native XDP works if the driver of each member has it",
			      i->kind);
	else if (!strcmp(i->kind, "bridge"))
		fw_doctor_add(d, FW_DOCTOR_WARN, NULL,
			      "a bridge has no native XDP: attach to its ports instead");
	else if (!strcmp(i->kind, "veth"))
		fw_doctor_add(
			d, FW_DOCTOR_NOTE, NULL,
			"a veth: SYN cookies get out only if its peer runs an XDP program, too");
	else if (*i->kind)
		fw_doctor_add(d, FW_DOCTOR_OK, NULL, "a virtual link of kind %s", i->kind);
}

static void driver(struct fw_doctor *d, const struct doctor_facts *f)
{
	const struct fw_iface_info *i = &f->iface;

	if (*i->driver)
		fw_doctor_add(d, FW_DOCTOR_OK, NULL, "driver %s%s%s%s%s", i->driver,
			      *i->driver_version ? " " : "", i->driver_version,
			      *i->bus ? " at " : "", i->bus);
	else
		fw_doctor_add(d, FW_DOCTOR_NOTE, NULL, "the driver does not say its name");
}

static void native(struct fw_doctor *d, const struct doctor_facts *f)
{
	const struct fw_iface_info *i = &f->iface;
	char mend[64];

	snprintf(mend, sizeof(mend), "floodwall attach --mode generic %s", i->name);
	switch (i->xdp_native) {
	case FW_YES:
		fw_doctor_add(d, FW_DOCTOR_OK, NULL, "driver %s has native XDP%s", driver_name(i),
			      i->xdp_frags == FW_YES ? ", packets in several buffers too" : "");
		break;
	case FW_NO:
		if (fw_probe_veth_queues(i, mend, sizeof(mend)))
			fw_doctor_add(d, FW_DOCTOR_FAIL, mend, "a veth " FW_PROBE_VETH, i->queues);
		else
			fw_doctor_add(d, FW_DOCTOR_FAIL, mend,
				      "driver %s has no native XDP; generic mode works at several "
				      "times the cost",
				      driver_name(i));
		break;
	case FW_UNKNOWN:
		fw_doctor_add(
			d, FW_DOCTOR_NOTE, NULL,
			"whether driver %s has native XDP is only known by attaching (before 6.3)",
			driver_name(i));
		break;
	}
}

static void mtu(struct fw_doctor *d, const struct doctor_facts *f)
{
	const struct fw_iface_info *i = &f->iface;
	__u32 limit = fw_probe_mtu_limit(i->driver);
	bool kernel_frags = f->features_known && f->features.frags == FW_YES;
	char mend[64];

	snprintf(mend, sizeof(mend), "ip link set %s mtu %u", i->name, limit);
	if (!limit && i->mtu <= 3000)
		fw_doctor_add(d, FW_DOCTOR_OK, NULL, "MTU %u", i->mtu);
	else if (!limit)
		fw_doctor_add(d, FW_DOCTOR_NOTE, NULL,
			      "MTU %u needs packets in several buffers; attaching will tell",
			      i->mtu);
	else if (i->mtu <= limit)
		fw_doctor_add(d, FW_DOCTOR_OK, NULL, "MTU %u fits one buffer (up to %u)", i->mtu,
			      limit);
	else if (f->state_known && f->state.dispatcher && !f->state.frags)
		fw_doctor_add(
			d, FW_DOCTOR_FAIL, mend,
			"MTU %u comes in several buffers, and one of the programs there takes "
			"no such packets: they are lost before the first of them",
			i->mtu);
	else if (i->xdp_frags == FW_YES && kernel_frags)
		fw_doctor_add(d, FW_DOCTOR_OK, NULL, "MTU %u comes in several buffers, which works",
			      i->mtu);
	else if (i->xdp_frags == FW_NO || !kernel_frags)
		fw_doctor_add(d, FW_DOCTOR_FAIL, mend,
			      "MTU %u is more than native XDP takes with driver %s here (%u)",
			      i->mtu, driver_name(i), limit);
	else
		fw_doctor_add(d, FW_DOCTOR_WARN, mend,
			      "MTU %u may be more than native XDP takes with driver %s (%u)",
			      i->mtu, driver_name(i), limit);
}

static void gro_hw(struct fw_doctor *d, const struct fw_iface_info *i)
{
	char mend[96];

	if (!fw_probe_is_virtio(i)) {
		snprintf(mend, sizeof(mend), "ethtool -K %s rx-gro-hw off", i->name);
		fw_doctor_add(
			d, FW_DOCTOR_WARN, mend,
			"hardware GRO joins packets before XDP sees them; limits count too few");
	} else if (i->gro_hw_fixed) {
		/* Generic mode is no way out: the kernel warns that it cannot stop it either. */
		fw_doctor_add(d, FW_DOCTOR_FAIL, NULL,
			      "the hypervisor hands over joined packets, and nothing here can stop "
			      "it: virtio_net takes no program (QEMU: ctrl_guest_offloads=on)");
	} else {
		fw_doctor_add(
			d, FW_DOCTOR_OK, NULL,
			"hardware GRO, which virtio_net switches off while a program is there");
	}
}

static void offloads(struct fw_doctor *d, const struct doctor_facts *f)
{
	const struct fw_iface_info *i = &f->iface;
	char mend[96];

	if (i->lro == FW_YES) {
		snprintf(mend, sizeof(mend), "ethtool -K %s lro off", i->name);
		fw_doctor_add(
			d, FW_DOCTOR_WARN, mend,
			"LRO joins packets before XDP sees them; most drivers refuse XDP with it");
	}
	if (i->gro_hw == FW_YES)
		gro_hw(d, i);
	if ((i->rx_vlan == FW_YES || i->rx_stag == FW_YES) && strcmp(i->kind, "veth")) {
		snprintf(mend, sizeof(mend), "ethtool -K %s%s%s", i->name,
			 i->rx_vlan == FW_YES ? " rxvlan off" : "",
			 i->rx_stag == FW_YES ? " rx-vlan-stag-hw-parse off" : "");
		fw_doctor_add(d, FW_DOCTOR_NOTE, mend,
			      "the card takes VLAN tags off before the filter: cookies go back "
			      "without them");
	}
	if (i->lro != FW_YES && i->gro_hw != FW_YES)
		fw_doctor_add(d, FW_DOCTOR_OK, NULL, "no offload joins packets before the filter");
}

static void queues(struct fw_doctor *d, const struct doctor_facts *f)
{
	const struct fw_iface_info *i = &f->iface;
	unsigned int cpus = f->host.online, want;
	char mend[64];

	if (!i->queues) {
		fw_doctor_add(d, FW_DOCTOR_NOTE, NULL, "the number of receive queues is not known");
		return;
	}
	want = i->queues_max < cpus ? i->queues_max : cpus;
	snprintf(mend, sizeof(mend), "ethtool -L %s %s %u", i->name,
		 i->combined ? "combined" : "rx", want);
	if (i->queues < cpus && i->queues < i->queues_max)
		fw_doctor_add(d, FW_DOCTOR_WARN, mend,
			      "%u receive queue%s for %u CPUs: a flood keeps only %s busy",
			      i->queues, i->queues > 1 ? "s" : "", cpus,
			      i->queues > 1 ? "those" : "one");
	else if (i->queues < cpus)
		fw_doctor_add(d, FW_DOCTOR_NOTE, NULL,
			      "%u receive queue%s for %u CPUs, and the device has no more",
			      i->queues, i->queues > 1 ? "s" : "", cpus);
	else
		fw_doctor_add(d, FW_DOCTOR_OK, NULL, "%u receive queues for %u CPUs", i->queues,
			      cpus);
	snprintf(mend, sizeof(mend), "ethtool -X %s equal %u", i->name, i->queues);
	if (i->rss_queues && i->rss_queues < i->queues)
		fw_doctor_add(d, FW_DOCTOR_WARN, mend,
			      "RSS spreads packets over %u of %u queues only", i->rss_queues,
			      i->queues);
	else if (i->rss_queues)
		fw_doctor_add(d, FW_DOCTOR_OK, NULL, "RSS spreads packets over %u queues",
			      i->rss_queues);
}

/* A floodwall whose maps are not those of our pins. */
static void twin(struct fw_doctor *d, const struct doctor_facts *f, const struct fw_xdp_prog *p)
{
	struct fw_err err = {};
	char mend[64];

	if (f->pin_state == FW_PINS_OTHER)
		fw_pin_refuse_other(f->pins, &f->meta, &err);
	else
		snprintf(mend, sizeof(mend), "floodwall --pins DIR detach %s", f->iface.name);
	if (*err.msg)
		fw_doctor_add(d, FW_DOCTOR_FAIL, err.hint, "floodwall (id %u) runs there, but %s",
			      p->id, err.msg);
	else
		fw_doctor_add(d, FW_DOCTOR_FAIL, mend,
			      "a floodwall with other pins than %.80s runs there (id %u)", f->pins,
			      p->id);
}

static void foreign(struct fw_doctor *d, const struct doctor_facts *f, const struct fw_xdp_prog *p)
{
	const char *name = *p->name ? p->name : "without a name";
	char mend[96];

	if (!strcmp(p->name, FW_ATTACH_PROGRAM)) {
		twin(d, f, p);
		return;
	}

	if (f->state.dispatcher) {
		fw_doctor_add(d, FW_DOCTOR_NOTE, NULL, "XDP program %s (id %u) lives there too",
			      name, p->id);
		return;
	}
	if (f->state.link_id)
		snprintf(mend, sizeof(mend), "bpftool link detach id %u", f->state.link_id);
	else
		snprintf(mend, sizeof(mend), "ip link set dev %s %s off", f->iface.name,
			 f->state.mode == FW_MODE_GENERIC ? "xdpgeneric" : "xdp");
	fw_doctor_add(d, FW_DOCTOR_FAIL, mend,
		      "XDP program %s (id %u) holds the interface; floodwall will not push it off",
		      name, p->id);
}

/* On record, and not there: what status calls lost or replaced. */
static void missing(struct fw_doctor *d, const struct doctor_facts *f)
{
	char mend[96];

	for (unsigned int i = 0; i < f->nr_record; i++) {
		const struct fw_iface *on = &f->record[i];

		if (on->ifindex != (__u32)f->iface.ifindex || on->netns != fw_attach_netns())
			continue;
		snprintf(mend, sizeof(mend), "floodwall attach %s%s", f->iface.name,
			 on->mode == FW_MODE_GENERIC ? " --mode generic" : "");
		fw_doctor_add(d, FW_DOCTOR_FAIL, mend, "floodwall was attached here, but %s",
			      f->state.nr ? "another program has taken its place"
					  : "somebody took its program off: nothing is filtered");
		return;
	}
	if (!f->state.nr)
		fw_doctor_add(d, FW_DOCTOR_OK, NULL, "no XDP program is there");
}

static void programs(struct fw_doctor *d, const struct doctor_facts *f)
{
	const struct fw_xdp_prog *ours = fw_attach_ours(&f->state);

	if (!f->state_known || f->state.opaque) {
		fw_doctor_add(d, FW_DOCTOR_NOTE, NULL,
			      "which XDP programs are there is not known without CAP_SYS_ADMIN");
		return;
	}
	for (unsigned int i = 0; i < f->state.nr; i++)
		if (!f->state.prog[i].ours)
			foreign(d, f, &f->state.prog[i]);
	if (ours && f->state.mode == FW_MODE_GENERIC)
		fw_doctor_add(d, FW_DOCTOR_WARN, NULL,
			      "floodwall runs there in GENERIC mode, slowly");
	else if (ours)
		fw_doctor_add(d, FW_DOCTOR_OK, NULL, "floodwall runs there in native mode");
	else
		missing(d, f);
}

static void link_up(struct fw_doctor *d, const struct doctor_facts *f)
{
	char mend[64];

	snprintf(mend, sizeof(mend), "ip link set %s up", f->iface.name);
	if (!f->iface.up)
		fw_doctor_add(d, FW_DOCTOR_NOTE, mend, "the interface is down");
}

const struct doctor_probe fw_doctor_iface_probes[] = {
	{ "kind", link_kind },	  { "driver", driver },	    { "native", native },
	{ "mtu", mtu },		  { "offloads", offloads }, { "queues", queues },
	{ "programs", programs }, { "link", link_up },	    { NULL, NULL },
};
