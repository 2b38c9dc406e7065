/* SPDX-License-Identifier: GPL-2.0-only */
/* What probes of doctor.c and doctor_iface.c share. Private to them. */
#ifndef FW_CORE_DOCTOR_PROBE_H
#define FW_CORE_DOCTOR_PROBE_H

#include "user/core/doctor.h"
#include "user/kern/attach.h"
#include "user/kern/pin.h"
#include "user/kern/probe.h"

struct doctor_facts {
	const char *pins;
	struct fw_host host;
	struct fw_caps caps;
	struct fw_features features; /* if features_known */
	bool features_known;
	struct fw_err pin_err; /* the pins cannot be judged, and why */
	enum fw_pin_state pin_state;
	struct fw_meta meta;
	__u32 ctl_id;		    /* 0 = no state */
	struct fw_iface_info iface; /* in probes of an interface */
	struct fw_xdp_state state;
	bool state_known;
	struct fw_iface record[FW_IFACE_MAX]; /* what floodwall is attached to, as recorded */
	unsigned int nr_record;
};

struct doctor_probe {
	const char *name;
	void (*run)(struct fw_doctor *doctor, const struct doctor_facts *facts);
};

extern const struct doctor_probe fw_doctor_iface_probes[]; /* ends with a NULL name */

/* In doctor_proof.c. */
void fw_doctor_proof(struct fw_doctor *doctor, const struct doctor_facts *facts);

/* A finding of the probe that runs now. mend NULL: none. */
void fw_doctor_add(struct fw_doctor *doctor, enum fw_doctor_level level, const char *mend,
		   const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#endif
