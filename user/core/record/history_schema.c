// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tables of the history, and what each column means. The meaning goes into the file (table
 * "about"), so that whoever is handed it needs nothing else to read it.
 */
#include "user/core/record/history_sql.h"
#include "user/core/record/incident.h"

#define WHEN "utc_ns INTEGER NOT NULL, boot_ns INTEGER NOT NULL, "

const char fw_history_schema[] =
	"CREATE TABLE about(what TEXT PRIMARY KEY, means TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE reason(id INTEGER PRIMARY KEY, name TEXT NOT NULL, verdict TEXT NOT NULL, "
	"means TEXT NOT NULL);"
	"CREATE TABLE service(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
	"CREATE TABLE run(id INTEGER PRIMARY KEY, " WHEN "boot_id TEXT NOT NULL, "
	"host TEXT NOT NULL, kernel TEXT NOT NULL, build TEXT NOT NULL, program TEXT NOT NULL, "
	"policy_hash TEXT NOT NULL, generation INTEGER NOT NULL);"
	"CREATE TABLE clock(id INTEGER PRIMARY KEY, run INTEGER NOT NULL, tick INTEGER NOT "
	"NULL, " WHEN
	"synchronised INTEGER NOT NULL, max_error_ns INTEGER NOT NULL, est_error_ns INTEGER NOT "
	"NULL, step_ns INTEGER NOT NULL);"
	"CREATE TABLE tick(id INTEGER PRIMARY KEY AUTOINCREMENT, run INTEGER NOT NULL, " WHEN
	"span_ns INTEGER NOT NULL, clerk_pass_packets INTEGER NOT NULL, clerk_pass_bytes INTEGER "
	"NOT NULL, clerk_drop_packets INTEGER NOT NULL, clerk_drop_bytes INTEGER NOT NULL, "
	"sample_offered INTEGER NOT NULL, sample_emitted INTEGER NOT NULL, sample_held INTEGER NOT "
	"NULL, sample_lost INTEGER NOT NULL, ledger_lost INTEGER NOT NULL);"
	"CREATE TABLE total(tick INTEGER NOT NULL, service INTEGER NOT NULL, reason INTEGER NOT "
	"NULL, would INTEGER NOT NULL, packets INTEGER NOT NULL, bytes INTEGER NOT NULL, "
	"PRIMARY KEY(tick, service, reason, would)) WITHOUT ROWID;"
	"CREATE TABLE level(id INTEGER PRIMARY KEY, tick INTEGER NOT NULL, " WHEN
	"service INTEGER NOT NULL, old INTEGER NOT NULL, new INTEGER NOT NULL, pinned INTEGER NOT "
	"NULL);"
	"CREATE TABLE change(id INTEGER PRIMARY KEY, tick INTEGER NOT NULL, " WHEN
	"generation INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL);"
	"CREATE TABLE top(id INTEGER PRIMARY KEY, tick INTEGER NOT NULL, " WHEN
	"rank INTEGER NOT NULL, address BLOB NOT NULL, proven INTEGER NOT NULL, class TEXT NOT "
	"NULL, packets INTEGER NOT NULL, bytes INTEGER NOT NULL, dropped INTEGER NOT NULL, reason "
	"INTEGER NOT NULL);"
	"CREATE TABLE incident(id INTEGER PRIMARY KEY AUTOINCREMENT, " WHEN
	"end_utc_ns INTEGER, end_boot_ns INTEGER, first_tick INTEGER NOT NULL, last_tick INTEGER, "
	"run INTEGER NOT NULL, service TEXT NOT NULL, opened_by TEXT NOT NULL, closed_by TEXT, "
	"sources_complete INTEGER NOT NULL DEFAULT 0, sources_lost INTEGER NOT NULL DEFAULT 0);"
	"CREATE UNIQUE INDEX incident_open ON incident(closed_by IS NULL) WHERE closed_by IS NULL;"
	"CREATE TABLE note(id INTEGER PRIMARY KEY, incident INTEGER NOT NULL, " WHEN
	"who TEXT NOT NULL, text TEXT NOT NULL);"
	"CREATE TABLE source(incident INTEGER NOT NULL, exact INTEGER NOT NULL, address BLOB NOT "
	"NULL, proven INTEGER NOT NULL, banned INTEGER NOT NULL, first_utc_ns INTEGER NOT NULL, "
	"first_boot_ns INTEGER NOT NULL, last_utc_ns INTEGER NOT NULL, last_boot_ns INTEGER NOT "
	"NULL, packets INTEGER NOT NULL, bytes INTEGER NOT NULL, dropped INTEGER NOT NULL, "
	"dropped_bytes INTEGER NOT NULL, weight REAL, reasons TEXT NOT NULL, "
	"PRIMARY KEY(incident, exact, address)) WITHOUT ROWID;"
	"CREATE TABLE sample(id INTEGER PRIMARY KEY, incident INTEGER NOT NULL, tick INTEGER NOT "
	"NULL, " WHEN "program_ns INTEGER NOT NULL, service TEXT NOT NULL, reason INTEGER NOT "
	"NULL, verdict INTEGER NOT NULL, flags INTEGER NOT NULL, address BLOB, length INTEGER NOT "
	"NULL, ratio INTEGER NOT NULL, data BLOB NOT NULL);"
	"CREATE TABLE policy(id INTEGER PRIMARY KEY, tick INTEGER NOT NULL, " WHEN
	"generation INTEGER NOT NULL, sha256 TEXT NOT NULL, program TEXT NOT NULL, text TEXT NOT "
	"NULL);"
	"CREATE INDEX policy_tick ON policy(tick);"
	"CREATE INDEX level_tick ON level(tick);"
	"CREATE INDEX change_tick ON change(tick);"
	"CREATE INDEX clock_tick ON clock(tick);"
	"CREATE INDEX top_tick ON top(tick);"
	"CREATE INDEX note_incident ON note(incident);"
	"CREATE INDEX sample_incident ON sample(incident);";

/* what, means */
static const char *const about[][2] = {
	{ "utc_ns",
	  "UTC as the clock showed it then, ns since 1970-01-01; the clock may be wrong or "
	  "jump: see table clock" },
	{ "boot_ns", "ns since the machine started (CLOCK_BOOTTIME); never jumps; of one run's "
		     "boot_id" },
	{ "tick",
	  "one second of recording; its number is the order of everything. In other tables: "
	  "the last tick written before the row" },
	{ "tick.span_ns", "how much time the tick covers" },
	{ "tick.clerk_pass_packets",
	  "the trusted lane: passed in this tick; likewise bytes, and drop" },
	{ "tick.sample_offered", "packets that the program chose from for samples: all of them" },
	{ "tick.sample_emitted", "samples handed to the recorder" },
	{ "tick.sample_held", "samples chosen one in n, but held back by the rate limit" },
	{ "tick.sample_lost", "samples lost because the recorder did not keep up" },
	{ "tick.ledger_lost", "packets of tabled sources that no account of a source holds" },
	{ "total", "packets and bytes of one tick by service and reason; nothing stands for 0" },
	{ "total.would", "1: monitor mode let them pass; reason says what would have been" },
	{ "run", "a start of the recorder: which machine, program and policy (SHA-256 of the first "
		 "that it read; "
		 "its text stands in table policy)" },
	{ "clock",
	  "state of the clock: synchronised or not, and steps noticed. UTC of a boot_ns is "
	  "boot_ns + (utc_ns - boot_ns) of the row in force" },
	{ "level", "a service's level changed: 0 calm, 1 guarded, 2 siege" },
	{ "change", "a change of the policy: who did what" },
	{ "policy",
	  "the policy in force from then on, as a policy file: its SHA-256, and its text, "
	  "gzipped if it is "
	  "long; program: interface and kernel's tag of the program on it" },
	{ "top", "heaviest sources of a minute, at least that much each" },
	{ "address", "4 bytes: IPv4; 16 bytes: IPv6, of tabled sources its /64; network order" },
	{ "proven",
	  "1: completed a TCP handshake with this host. 0: nobody knows whether the address "
	  "is its sender's; it must not be read as a suspect" },
	{ "incident.closed_by", "NULL while it is open; quiet: closed by itself" },
	{ "incident.sources_lost", "packets of tabled sources missing from its accounts" },
	{ "source.exact",
	  "1: counted packet by packet; unless proven, without what budgets that all strangers "
	  "share refused or answered. 0: seen in samples only, of packets that are in no row with "
	  "1: packets and bytes are of the samples, weight estimates packets" },
	{ "source.reasons",
	  "name:packets/bytes of what was dropped (exact) or sampled, by reason" },
	{ "sample.flags",
	  "1 monitor mode, 2 proven source, 4 from before the first drop, 8 data is "
	  "our answer to the packet" },
	{ "sample.ratio", "one in so many of its reason was chosen, before the rate limit" },
	{ "sample.data", "first 128 bytes of the frame" },
	{ "note.text", "as somebody typed it" },
};

int fw_history_describe(struct fw_history *h, struct fw_err *err)
{
	static const char *const verdicts[FW_V_MAX] = { "pass", "drop", "answer" };
	static const struct {
		const char *name, *text;
		enum fw_verdict verdict;
	} reasons[FW_R_MAX] = {
#define X(id, name, verdict, text) { name, text, FW_V_##verdict },
		FW_REASONS(X)
#undef X
	};
	int r = 0;

	for (size_t i = 0; !r && i < sizeof(about) / sizeof(*about); i++)
		r = fw_sql_run(h, "INSERT OR REPLACE INTO about VALUES(?, ?)",
			       "describe the tables", err, "tt", about[i][0], about[i][1]);
	for (int i = 0; !r && i < FW_R_MAX; i++)
		r = fw_sql_run(h, "INSERT OR REPLACE INTO reason VALUES(?, ?, ?, ?)",
			       "list the reasons", err, "ittt", (__s64)i, reasons[i].name,
			       verdicts[reasons[i].verdict], reasons[i].text);
	return r;
}
