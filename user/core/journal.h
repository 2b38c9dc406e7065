/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the controller tells: structured records in the journal when stderr is connected to it, else
 * one line each on stderr. Every kind of event has a message id that never changes; each is
 * counted.
 */
#ifndef FW_CORE_JOURNAL_H
#define FW_CORE_JOURNAL_H

#include <syslog.h>
#include <linux/types.h>

/* X(identifier, name, message id, text). Append only; names appear in metrics and manual. */
#define FW_EVENTS(X)                                                                               \
	X(STARTED, "started", "e278bbf7151548e89a93985448654b01", "the controller is ready")       \
	X(STOPPED, "stopped", "e278bbf7151548e89a93985448654b02",                                  \
	  "the controller ended; filters stay")                                                    \
	X(ATTACHED, "attached", "e278bbf7151548e89a93985448654b03",                                \
	  "an interface is filtered from now on")                                                  \
	X(ATTACH_FAILED, "attach_failed", "e278bbf7151548e89a93985448654b04",                      \
	  "an interface could not be attached to")                                                 \
	X(LINK, "link", "e278bbf7151548e89a93985448654b05",                                        \
	  "an interface went, came or changed its name")                                           \
	X(LOST, "lost", "e278bbf7151548e89a93985448654b06",                                        \
	  "an interface that should be filtered is not any more")                                  \
	X(RELOADED, "reloaded", "e278bbf7151548e89a93985448654b07", "the policy file was applied") \
	X(RELOAD_FAILED, "reload_failed", "e278bbf7151548e89a93985448654b08",                      \
	  "the policy file was refused; what ran goes on")                                         \
	X(CHANGED, "changed", "e278bbf7151548e89a93985448654b09",                                  \
	  "another generation of the policy runs")                                                 \
	X(LEVEL, "level", "e278bbf7151548e89a93985448654b0a", "a service changed its level")       \
	X(STATE, "state", "e278bbf7151548e89a93985448654b0b",                                      \
	  "the pinned state went, came or cannot be read")                                         \
	X(EXPIRED, "expired", "e278bbf7151548e89a93985448654b0c",                                  \
	  "expired prefixes and bans were removed")                                                \
	X(PART_FAILED, "part_failed", "e278bbf7151548e89a93985448654b0d",                          \
	  "a part of the controller does not work")                                                \
	X(INCIDENT, "incident", "e278bbf7151548e89a93985448654b0e",                                \
	  "an incident began, goes on after a restart, or ended")                                  \
	X(EXPOSED, "exposed", "e278bbf7151548e89a93985448654b0f",                                  \
	  "metrics are served beyond this host")                                                   \
	X(PROBLEM, "problem", "e278bbf7151548e89a93985448654b10",                                  \
	  "something in the policy file or beside it is wrong")

enum fw_event {
#define X(id, name, mid, text) FW_E_##id,
	FW_EVENTS(X)
#undef X
		FW_E_MAX,
};

/* How often each event was told since the start, and its name. */
extern __u64 fw_journal_count[FW_E_MAX];
extern const char *const fw_journal_name[FW_E_MAX];

/*
 * fields: NULL or an array of "FLOODWALL_NAME=value" that ends with NULL; at most
 * FW_JOURNAL_FIELDS. priority: LOG_ERR ... of syslog. Never fails and never blocks on anything but
 * the journal.
 */
#define FW_JOURNAL_FIELDS 12
void fw_journal(int priority, enum fw_event event, const char *const *fields, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/*
 * The same to the journal alone, whatever stderr is: for commands, whose stderr is the admin's.
 * Where there is no journal nothing happens.
 */
void fw_journal_send(int priority, enum fw_event event, const char *const *fields,
		     const char *text);

#endif
