// SPDX-License-Identifier: GPL-2.0-only
/*
 * A change is told by the command that makes it, for only it knows who asked. Whether there was one
 * is seen from the live word itself, so no command can forget to say; what was said of it to the
 * admin, old and new values included, is the record's text.
 */
#include <stdio.h>
#include <string.h>
#include "user/base/text.h"
#include "user/cli/audit.h"
#include "user/core/journal.h"
#include "user/core/policy.h"
#include "user/kern/maps.h"

struct fw_audit fw_audit_begin(const struct fw_cli *cli)
{
	struct fw_iface list[FW_IFACE_MAX];
	struct fw_audit audit = {};
	struct fw_maps maps = {};

	/* The controller tells what it does itself. */
	if (!cli->command || !strcmp(cli->command->object, "run") ||
	    fw_maps_open(cli->pins, FW_MAPS_IFACES, &maps, NULL))
		return audit;
	audit.live = fw_maps_live(&maps);
	audit.deadline_ns = __atomic_load_n(&maps.ctl->deadline_ns, __ATOMIC_RELAXED);
	if (fw_maps_ifaces(maps.iface_fd, list, &audit.ifaces))
		audit.ifaces = 0;
	fw_maps_close(&maps);
	return audit;
}

static void put_words(const struct fw_cli *cli, char *buf, size_t size)
{
	char raw[400] = "floodwall";
	size_t used = strlen(raw);

	for (int i = 1; i < cli->argc && used < sizeof(raw); i++)
		used += (size_t)snprintf(raw + used, sizeof(raw) - used, " %s", cli->argv[i]);
	fw_text_clean(buf, size, raw);
}

static void put_state(char *buf, size_t size, const char *name, const struct fw_audit *audit)
{
	if (!audit->live)
		snprintf(buf, size, "%s=not attached", name);
	else
		snprintf(buf, size, "%s=generation %u, %u interface%s%s", name,
			 FW_LIVE_GENERATION(audit->live), audit->ifaces,
			 audit->ifaces == 1 ? "" : "s",
			 audit->deadline_ns ? ", reverts unless confirmed" : "");
}

void fw_audit_end(const struct fw_cli *cli, const struct fw_audit *before)
{
	char who[80] = "FLOODWALL_WHO=", what[420] = "FLOODWALL_WHAT=";
	char was[120], is[120], text[sizeof(cli->told) + sizeof(what)];
	const char *fields[] = { who, what, was, is, NULL };
	struct fw_audit now = fw_audit_begin(cli);

	if (now.live == before->live && now.deadline_ns == before->deadline_ns &&
	    now.ifaces == before->ifaces)
		return;
	fw_policy_who(who + strlen(who), sizeof(who) - strlen(who));
	put_words(cli, what + strlen(what), sizeof(what) - strlen(what));
	put_state(was, sizeof(was), "FLOODWALL_BEFORE", before);
	put_state(is, sizeof(is), "FLOODWALL_AFTER", &now);
	snprintf(text, sizeof(text), "%s: %s%s%s", strchr(who, '=') + 1, strchr(what, '=') + 1,
		 *cli->told ? ": " : "", cli->told);
	fw_journal_send(LOG_NOTICE, FW_E_CHANGED, fields, text);
}
