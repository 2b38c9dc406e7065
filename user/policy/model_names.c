// SPDX-License-Identifier: GPL-2.0-only
/* Numbers and names of the contract's enums, both ways. Errors list all that would be right. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "user/policy/model.h"

struct names {
	const char *what;
	const char *plural;
	const char *const *name;
	unsigned int n;
};

static const char *const kind_name[] = {
#define X(id, name, unit, text) [FW_K_##id] = name,
	FW_KINDS(X)
#undef X
};

static const char *const budget_name[] = {
#define X(id, name, text) [FW_B_##id] = name,
	FW_BUDGETS(X)
#undef X
};

static const char *const crowd_name[] = { "syn", "packets", "bytes" };
static const char *const proof_name[] = { "cookie", "retransmit", "off" };
static const char *const level_name[] = { "calm", "guarded", "siege" };
static const char *const lane_name[] = { "management", "trusted", "blocked", "class" };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
_Static_assert(COUNT(crowd_name) == FW_C_MAX, "crowd_name");
_Static_assert(COUNT(proof_name) == FW_PROOF_MAX, "proof_name");
_Static_assert(COUNT(level_name) == FW_LEVEL_MAX, "level_name");
_Static_assert(COUNT(lane_name) == FW_LANE_MAX, "lane_name");

static const struct names kinds = { "kind of limit", "kinds", kind_name, FW_K_MAX };
static const struct names budgets = { "budget", "budgets", budget_name, FW_B_MAX };
static const struct names crowds = { "crowd budget", "crowd budgets", crowd_name, FW_C_MAX };
static const struct names proofs = { "kind of proof", "proofs", proof_name, FW_PROOF_MAX };
static const struct names levels = { "level", "levels", level_name, FW_LEVEL_MAX };
static const struct names lanes = { "lane", "lanes", lane_name, FW_LANE_MAX };

static const char *name_of(const struct names *names, unsigned int i)
{
	return i < names->n ? names->name[i] : NULL;
}

static int find(const struct names *names, const char *name, struct fw_err *err)
{
	char hint[FW_ERR_LEN];
	int used;

	for (unsigned int i = 0; i < names->n; i++)
		if (!strcmp(names->name[i], name))
			return (int)i;
	used = snprintf(hint, sizeof(hint), "%s:", names->plural);
	for (unsigned int i = 0; i < names->n && used < (int)sizeof(hint); i++)
		used += snprintf(hint + used, sizeof(hint) - (size_t)used, " %s", names->name[i]);
	return fw_err_set(err, -EINVAL, hint, "there is no %s \"%.40s\"", names->what, name);
}

const char *fw_model_kind_name(unsigned int kind)
{
	return name_of(&kinds, kind);
}

const char *fw_model_budget_name(unsigned int budget)
{
	return name_of(&budgets, budget);
}

const char *fw_model_crowd_name(unsigned int crowd)
{
	return name_of(&crowds, crowd);
}

const char *fw_model_proof_name(unsigned int proof)
{
	return name_of(&proofs, proof);
}

const char *fw_model_level_name(unsigned int level)
{
	return name_of(&levels, level);
}

const char *fw_model_lane_name(unsigned int lane)
{
	return name_of(&lanes, lane);
}

int fw_model_kind_find(const char *name, struct fw_err *err)
{
	return find(&kinds, name, err);
}

int fw_model_budget_find(const char *name, struct fw_err *err)
{
	return find(&budgets, name, err);
}

int fw_model_proof_find(const char *name, struct fw_err *err)
{
	return find(&proofs, name, err);
}

int fw_model_level_find(const char *name, struct fw_err *err)
{
	return find(&levels, name, err);
}

bool fw_model_kind_bytes(unsigned int kind)
{
	return kind == FW_K_BYTES;
}

bool fw_model_crowd_bytes(unsigned int crowd)
{
	return crowd == FW_C_BYTES;
}

const char *fw_model_reflect_name(__u16 port)
{
	static const struct {
		__u16 port;
		const char *name;
	} known[] = {
		{ 17, "qotd" },		{ 19, "chargen" },  { 53, "dns" },	{ 69, "tftp" },
		{ 111, "portmap" },	{ 123, "ntp" },	    { 137, "netbios" }, { 161, "snmp" },
		{ 389, "cldap" },	{ 500, "isakmp" },  { 520, "rip" },	{ 1434, "mssql" },
		{ 1900, "ssdp" },	{ 3283, "ard" },    { 3478, "stun" },	{ 3702, "wsd" },
		{ 5093, "sentinel" },	{ 5353, "mdns" },   { 5683, "coap" },	{ 10001, "ubnt" },
		{ 11211, "memcached" }, { 27015, "steam" }, { 37810, "dvr" },
	};

	for (size_t i = 0; i < COUNT(known); i++)
		if (known[i].port == port)
			return known[i].name;
	return NULL;
}
