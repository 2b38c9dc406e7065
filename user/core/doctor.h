/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What this machine and its interfaces really do, compared with what floodwall needs. Each probe
 * gives findings with the exact command that mends them. Looks only, changes nothing.
 */
#ifndef FW_CORE_DOCTOR_H
#define FW_CORE_DOCTOR_H

#include "user/base/err.h"

enum fw_doctor_level {
	FW_DOCTOR_OK,
	FW_DOCTOR_NOTE, /* good to know */
	FW_DOCTOR_WARN, /* works, but slower or weaker than it could */
	FW_DOCTOR_FAIL, /* does not work */
	FW_DOCTOR_LEVELS,
};

struct fw_doctor_finding {
	enum fw_doctor_level level;
	char about[16];	   /* "host" or the interface */
	const char *probe; /* its name, for JSON */
	char text[200];	   /* one sentence */
	char mend[256];	   /* command, empty if there is none */
};

#define FW_DOCTOR_MAX 512
struct fw_doctor {
	unsigned int nr;
	struct fw_doctor_finding finding[FW_DOCTOR_MAX];
};

/*
 * ifname NULL: the host, and every interface floodwall is attached to in this namespace. -ENODEV
 * (exit code 1): no such interface. Missing rights are findings, not errors.
 */
int fw_doctor_run(const char *pins, const char *ifname, struct fw_doctor *ret, struct fw_err *err);

/* "ok", "note", "warn", "fail". */
const char *fw_doctor_word(enum fw_doctor_level level);

/* The worst level found. */
enum fw_doctor_level fw_doctor_worst(const struct fw_doctor *doctor);

#endif
