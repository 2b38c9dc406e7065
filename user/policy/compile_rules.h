/* SPDX-License-Identifier: GPL-2.0-only */
/* Services' rules to the program's chains and back; used by compile.c alone. */
#ifndef FW_COMPILE_RULES_H
#define FW_COMPILE_RULES_H

#include <linux/types.h>
#include "bpf/abi.h"
#include "user/base/err.h"
#include "user/policy/model.h"

/* Fills rule[] and port_rule[] of a zeroed policy. -EINVAL: rules in conflict; -ENOSPC. */
int fw_compile_rules(const struct fw_model *model, struct fw_policy *policy, struct fw_err *err);

/* Fills rule[] and rules of a model that has none. -EINVAL: chains that do not end. -ENOSPC. */
int fw_compile_rules_back(const struct fw_policy *policy, struct fw_model *model,
			  struct fw_err *err);

#endif
