/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Values that are allowed and hardly ever meant: a digit or a unit too few, a prefix too short.
 * Each returns whether it is one, and says in a sentence what would come of it.
 */
#ifndef FW_SLIP_H
#define FW_SLIP_H

#include <stdbool.h>
#include <stddef.h>
#include "user/policy/model.h"
#include "user/policy/prefixes.h"

/* A large part of the Internet (0.0.0.0/0 to /2, and what holds 2000::/3) in a lane. */
bool fw_slip_wide(const struct fw_prefix *one, char *buf, size_t size);

/* Does sanity's reserved_source drop all of this prefix, whatever lane it is in? */
bool fw_slip_reserved(const __be32 addr_be[4], __u8 len);

/* A limit of class default, by enum fw_kind, below what a browser needs. */
bool fw_slip_limit(unsigned int kind, const struct fw_rate *rate, char *buf, size_t size);

/* A service at an address at which nobody is reached, as 0.0.0.0, which is not "any". */
bool fw_slip_service(const struct fw_model *model, __u8 service, char *buf, size_t size);

/* A shared budget, by enum fw_budget_id, without which honest people stay outside. */
bool fw_slip_budget(unsigned int id, const struct fw_rate *rate, char *buf, size_t size);

#endif
