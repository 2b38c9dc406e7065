/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The policy as people think of it: classes, services, budgets, the list of amplifier ports. A
 * plain value without pointers (about 100 KiB: allocate it): copy it, edit it, compile it
 * (compile.h). Prefixes are apart, in prefixes.h. Every verb checks fully before it changes
 * anything.
 */
#ifndef FW_MODEL_H
#define FW_MODEL_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include "bpf/abi.h"
#include "user/base/err.h"

#define FW_MODEL_RULES 1024 /* port ranges over all services */

struct fw_model_class {
	char name[FW_NAME_LEN];	       /* empty = unused */
	struct fw_rate rate[FW_K_MAX]; /* per source: IPv4 /32 or IPv6 /64 */
};

struct fw_model_service {
	char name[FW_NAME_LEN];		/* empty = unused */
	__u8 proof;			/* enum fw_proof */
	__u8 level_pin;			/* enum fw_level + 1; 0 = decided by the program */
	bool closed;			/* its addresses speak nothing but what rules say */
	struct fw_rate crowd[FW_C_MAX]; /* budget of its unproven traffic */
	struct fw_rate net[FW_C_MAX];	/* the same for one /24 or /48 */
};

/* One address (or any) and one range of ports that a service claims. */
struct fw_model_rule {
	__be32 addr_be[4]; /* IPv4 as ::ffff:a.b.c.d; zero when any */
	__u16 first;	   /* host order, 1..65535 */
	__u16 last;
	__u8 any;   /* 1: every local address */
	__u8 proto; /* FW_PORT_TCP or FW_PORT_UDP */
	__u8 service;
};

struct fw_model_reflect {
	__u16 port;	 /* source port, host order; 0 = free */
	bool everywhere; /* else only towards named services */
};

struct fw_model {
	__u32 flags; /* FW_P_*, but for FW_P_CLOSED, which is compiled */
	__u32 proof_s;
	__u32 ban_s;	    /* the first ban of a source; doubles each time; 0 = no bans */
	__u32 ban_max_s;    /* ceiling */
	__u32 net48_factor; /* a /48 gets this many times the limits of a /64 */
	__u32 rules;	    /* used in rule[] */
	struct fw_rate budget[FW_B_MAX];
	struct fw_model_class class[FW_CLASS_MAX];	 /* 0 default, 1 trusted */
	struct fw_model_service service[FW_SERVICE_MAX]; /* 0 host */
	struct fw_model_rule rule[FW_MODEL_RULES]; /* order does not matter: addresses beat any */
	struct fw_model_reflect reflect[FW_REFLECT_MAX]; /* by slot; slot 0 unused */
	/* Places whose counters are not 0: a new name takes another so long as there is one, or it
	 * would begin with what was counted for one that is no more. No part of the policy. */
	bool worn_class[FW_CLASS_MAX], worn_service[FW_SERVICE_MAX];
};

/* The policy a fresh installation runs: drops nothing of ordinary use. */
void fw_model_default(struct fw_model *ret_model);

/* Names of the enums, as JSON, metrics and the command line spell them. NULL: out of range. */
const char *fw_model_kind_name(unsigned int kind);     /* "packets" ... */
const char *fw_model_budget_name(unsigned int budget); /* "arp" ... */
const char *fw_model_crowd_name(unsigned int crowd);   /* "syn", "packets", "bytes" */
const char *fw_model_proof_name(unsigned int proof);   /* "cookie", "retransmit", "off" */
const char *fw_model_level_name(unsigned int level);   /* "calm", "guarded", "siege" */
const char *fw_model_lane_name(unsigned int lane);     /* "management" ... "class" */
const char *fw_model_reflect_name(__u16 port);	       /* "dns"; NULL for a port not known */

/*
 * The way back: index, or -EINVAL with all valid names in the error.
 */
int fw_model_kind_find(const char *name, struct fw_err *err);
int fw_model_budget_find(const char *name, struct fw_err *err);
int fw_model_proof_find(const char *name, struct fw_err *err);
int fw_model_level_find(const char *name, struct fw_err *err);

/* Whether a kind (crowd kind) counts bytes. All budgets count packets. */
bool fw_model_kind_bytes(unsigned int kind);
bool fw_model_crowd_bytes(unsigned int crowd);

/* Index of a class, or -EINVAL naming the classes there are. */
int fw_model_class_find(const struct fw_model *model, const char *name, struct fw_err *err);
/* New class with the default class's rates. Index, -EEXIST, -ENOSPC or -EINVAL (name). */
int fw_model_class_add(struct fw_model *model, const char *name, struct fw_err *err);
/* Frees a class; default and trusted stay. The caller has made sure that no prefix uses it. */
int fw_model_class_del(struct fw_model *model, const char *name, struct fw_err *err);

/* The same for services; add gives it host's proof and budgets; del removes its rules; host stays.
 */
int fw_model_service_find(const struct fw_model *model, const char *name, struct fw_err *err);
int fw_model_service_add(struct fw_model *model, const char *name, struct fw_err *err);
int fw_model_service_del(struct fw_model *model, const char *name, struct fw_err *err);

/*
 * Rules as text: "tcp/443", "tcp/80,443", "udp/8000-8100@192.0.2.1", "tcp/443@2001:db8::1"; without
 * @ every local address. -EEXIST when another service has one of these ports (on the same address),
 * -ENOSPC when FW_MODEL_RULES are in use; a port the service already has is no error. Rules of one
 * service stay sorted and merged.
 */
int fw_model_rule_add(struct fw_model *model, __u8 service, const char *text, struct fw_err *err);
/* "tcp/8000-8100@192.0.2.1" into buf; returns buf. */
char *fw_model_rule_put(char *buf, size_t size, const struct fw_model_rule *rule);

/* Forgets the rules of a service. */
void fw_model_rule_drop(struct fw_model *model, __u8 service);
/* Whether one of a service's rules is for every local address. */
bool fw_model_rule_anywhere(const struct fw_model *model, __u8 service);

/* Sorts the rules and merges what touches, as add leaves them. */
void fw_model_rule_sort(struct fw_model *model);

/* Sets or clears an amplifier port. -ENOSPC: list full; del: -ENOENT. */
int fw_model_reflect_add(struct fw_model *model, __u16 port, bool everywhere, struct fw_err *err);
int fw_model_reflect_del(struct fw_model *model, __u16 port, struct fw_err *err);

#endif
