// SPDX-License-Identifier: GPL-2.0-only
/*
 * The default policy, and editing classes, services and amplifier ports. What must stay true: the
 * default drops nothing of ordinary use, and a verb that fails has changed nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "user/base/text.h"
#include "user/policy/model.h"

#define SOFT_PCT 80

/* Per second, burst. */
struct level {
	__u64 count;
	__u64 burst;
};

/* One browser behind one address loads a page with 6 to 100 connections; this is far above it. */
static const struct level class_default[FW_K_MAX] = {
	[FW_K_PACKETS] = { 20000, 20000 }, [FW_K_BYTES] = { 50000000, 20000000 },
	[FW_K_SYN] = { 100, 300 },	   [FW_K_UDP] = { 3000, 3000 },
	[FW_K_ICMP] = { 50, 100 },	   [FW_K_FRAG] = { 200, 400 },
};

/* Clerks: an office behind one address, many at work at once. */
static const struct level class_trusted[FW_K_MAX] = {
	[FW_K_PACKETS] = { 50000, 50000 }, [FW_K_BYTES] = { 200000000, 80000000 },
	[FW_K_SYN] = { 500, 1000 },	   [FW_K_UDP] = { 20000, 20000 },
	[FW_K_ICMP] = { 500, 1000 },	   [FW_K_FRAG] = { 2000, 4000 },
};

static const struct level budget_default[FW_B_MAX] = {
	[FW_B_ARP] = { 1000, 1000 },	     [FW_B_ND] = { 1000, 1000 },
	[FW_B_DHCP] = { 500, 500 },	     [FW_B_PMTU] = { 500, 500 },
	[FW_B_OTHER_L3] = { 1000, 1000 },    [FW_B_DEEP] = { 100, 100 },
	[FW_B_TRUSTED] = { 200000, 200000 }, [FW_B_NEW4] = { 20000, 20000 },
	[FW_B_NEW6] = { 20000, 20000 },	     [FW_B_COOKIE] = { 2000000, 200000 },
	[FW_B_SOCKET] = { 100000, 100000 },
};

static const struct level crowd_default[FW_C_MAX] = {
	[FW_C_SYN] = { 5000, 5000 },
	[FW_C_PACKETS] = { 50000, 50000 },
	[FW_C_BYTES] = { 50000000, 50000000 },
};

static const struct level net_default[FW_C_MAX] = {
	[FW_C_SYN] = { 500, 500 },
	[FW_C_PACKETS] = { 5000, 5000 },
	[FW_C_BYTES] = { 10000000, 10000000 },
};

/*
 * Everywhere, unless a server ordinarily is a client of that port itself: then its answers must
 * come back, and only named services are spared from them.
 */
static const struct fw_model_reflect reflect_default[] = {
	{ 17, true },	 { 19, true },	  { 53, false },   { 69, false },  { 111, true },
	{ 123, false },	 { 137, true },	  { 161, false },  { 389, false }, { 500, false },
	{ 520, true },	 { 1434, true },  { 1900, true },  { 3283, true }, { 3478, false },
	{ 3702, true },	 { 5093, true },  { 5353, true },  { 5683, true }, { 11211, true },
	{ 10001, true }, { 27015, true }, { 37810, true },
};
_Static_assert(sizeof(reflect_default) / sizeof(reflect_default[0]) < FW_REFLECT_MAX, "reflect");

static void rates_set(struct fw_rate *rate, const struct level *level, size_t n, __u32 soft_pct)
{
	for (size_t i = 0; i < n; i++)
		rate[i] = (struct fw_rate){ level[i].count, level[i].burst, 1, soft_pct };
}

void fw_model_default(struct fw_model *ret_model)
{
	struct fw_model_service *host = &ret_model->service[FW_SERVICE_HOST];
	struct fw_model_class *class = ret_model->class;

	memset(ret_model, 0, sizeof(*ret_model));
	ret_model->flags = FW_P_BOGUS_SOURCE;
	ret_model->proof_s = 600;
	ret_model->ban_s = 60;
	ret_model->ban_max_s = 3600;
	ret_model->net48_factor = 16;
	rates_set(ret_model->budget, budget_default, FW_B_MAX, 0);
	strcpy(class[FW_CLASS_DEFAULT].name, "default");
	rates_set(class[FW_CLASS_DEFAULT].rate, class_default, FW_K_MAX, SOFT_PCT);
	strcpy(class[FW_CLASS_TRUSTED].name, "trusted");
	rates_set(class[FW_CLASS_TRUSTED].rate, class_trusted, FW_K_MAX, SOFT_PCT);
	strcpy(host->name, "host");
	host->proof = FW_PROOF_COOKIE;
	rates_set(host->crowd, crowd_default, FW_C_MAX, 0);
	rates_set(host->net, net_default, FW_C_MAX, 0);
	memcpy(&ret_model->reflect[1], reflect_default, sizeof(reflect_default));
}

/*
 * Classes and services are both tables of things whose name comes first; n of them, size apart.
 */
struct named {
	const char *what;
	const char *plural;
	const char *first;
	size_t size;
	int n;
	const bool *worn;
	const char *change; /* how one that is there is changed */
};

static const char *name_at(const struct named *table, int i)
{
	return table->first + (size_t)i * table->size;
}

static int named_find(const struct named *table, const char *name, struct fw_err *err)
{
	char hint[FW_ERR_LEN];
	int used;

	for (int i = 0; *name && i < table->n; i++)
		if (!strcmp(name_at(table, i), name))
			return i;
	used = snprintf(hint, sizeof(hint), "%s:", table->plural);
	for (int i = 0; i < table->n && used < (int)sizeof(hint); i++)
		if (*name_at(table, i))
			used += snprintf(hint + used, sizeof(hint) - (size_t)used, " %s",
					 name_at(table, i));
	return fw_err_set(err, -EINVAL, hint, "there is no %s \"%.40s\"", table->what, name);
}

/* Where a new one goes. */
static int named_place(const struct named *table, const char *name, struct fw_err *err)
{
	int r = fw_text_name(name, err);

	if (r)
		return r;
	if (named_find(table, name, NULL) >= 0)
		return fw_err_set(err, -EEXIST, table->change, "there is a %s \"%s\" already",
				  table->what, name);
	for (int reuse = 0; reuse < 2; reuse++)
		for (int i = 0; i < table->n; i++)
			if (!*name_at(table, i) && (reuse || !table->worn[i]))
				return i;
	return fw_err_set(err, -ENOSPC, "delete one that is not needed any more",
			  "no room for %s \"%s\": all %d are in use", table->what, name, table->n);
}

static struct named classes(const struct fw_model *model)
{
	return (struct named){ "class",
			       "classes",
			       model->class[0].name,
			       sizeof(model->class[0]),
			       FW_CLASS_MAX,
			       model->worn_class,
			       "floodwall limit set KIND RATE --class NAME changes it" };
}

static struct named services(const struct fw_model *model)
{
	return (struct named){ "service",
			       "services",
			       model->service[0].name,
			       sizeof(model->service[0]),
			       FW_SERVICE_MAX,
			       model->worn_service,
			       "floodwall service set NAME changes it" };
}

int fw_model_class_find(const struct fw_model *model, const char *name, struct fw_err *err)
{
	struct named table = classes(model);

	return named_find(&table, name, err);
}

int fw_model_class_add(struct fw_model *model, const char *name, struct fw_err *err)
{
	struct named table = classes(model);
	int i = named_place(&table, name, err);

	if (i < 0)
		return i;
	model->class[i] = model->class[FW_CLASS_DEFAULT];
	memset(model->class[i].name, 0, FW_NAME_LEN);
	strcpy(model->class[i].name, name);
	return i;
}

int fw_model_class_del(struct fw_model *model, const char *name, struct fw_err *err)
{
	struct named table = classes(model);
	int i = named_find(&table, name, err);

	if (i < 0)
		return i;
	if (i == FW_CLASS_DEFAULT || i == FW_CLASS_TRUSTED)
		return fw_err_set(err, -EINVAL, "its limits can be set instead",
				  "class \"%s\" is built in", name);
	memset(&model->class[i], 0, sizeof(model->class[i]));
	return 0;
}

int fw_model_service_find(const struct fw_model *model, const char *name, struct fw_err *err)
{
	struct named table = services(model);

	return named_find(&table, name, err);
}

int fw_model_service_add(struct fw_model *model, const char *name, struct fw_err *err)
{
	struct named table = services(model);
	int i = named_place(&table, name, err);

	if (i < 0)
		return i;
	model->service[i] = model->service[FW_SERVICE_HOST];
	model->service[i].closed = false;
	memset(model->service[i].name, 0, FW_NAME_LEN);
	strcpy(model->service[i].name, name);
	return i;
}

int fw_model_service_del(struct fw_model *model, const char *name, struct fw_err *err)
{
	struct named table = services(model);
	int i = named_find(&table, name, err);

	if (i < 0)
		return i;
	if (i == FW_SERVICE_HOST)
		return fw_err_set(err, -EINVAL, "it is everything that no other service claims",
				  "service \"%s\" is built in", name);
	fw_model_rule_drop(model, (__u8)i);
	memset(&model->service[i], 0, sizeof(model->service[i]));
	return 0;
}

static int reflect_find(const struct fw_model *model, __u16 port)
{
	for (int i = 1; i < FW_REFLECT_MAX; i++)
		if (model->reflect[i].port == port)
			return i;
	return -1;
}

int fw_model_reflect_add(struct fw_model *model, __u16 port, bool everywhere, struct fw_err *err)
{
	int i = reflect_find(model, port);

	if (!port)
		return fw_err_set(err, -EINVAL, NULL, "port 0 is dropped as malformed anyway");
	if (i < 0)
		i = reflect_find(model, 0);
	if (i < 0)
		return fw_err_set(err, -ENOSPC, "delete one that is not needed any more",
				  "no room for amplifier port %u: all %d are in use", port,
				  FW_REFLECT_MAX - 1);
	model->reflect[i] = (struct fw_model_reflect){ port, everywhere };
	return 0;
}

int fw_model_reflect_del(struct fw_model *model, __u16 port, struct fw_err *err)
{
	int i = port ? reflect_find(model, port) : -1;

	if (i < 0)
		return fw_err_set(err, -ENOENT, "floodwall reflect list shows what is",
				  "%u is not on the list of amplifier ports", port);
	model->reflect[i] = (struct fw_model_reflect){ 0 };
	return 0;
}
