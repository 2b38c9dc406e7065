/* SPDX-License-Identifier: GPL-2.0-only */
/* What `incident show` and its sisters share. */
#ifndef FW_CLI_INCIDENT_H
#define FW_CLI_INCIDENT_H

#include "user/cli/cli.h"
#include "user/core/record/incident.h"

/* The history to read: as the recorder says, or by the environment. In a buffer of its own. */
const char *fw_cli_history(const struct fw_cli *cli);

/* A change was made: who did what goes into the history, if there is one. Says so if it cannot. */
void fw_cli_sign(struct fw_cli *cli);

/* Lines, warnings (with their exit code) and an object of `status`. */
void fw_recording_status_print(struct fw_cli *cli);
void fw_recording_status_warn(struct fw_cli *cli);
int fw_recording_status_json(const struct fw_cli *cli, json_t *doc);

/* All that is said of one incident, read in one state of the file. */
struct fw_incident_view {
	struct fw_incident in;
	struct fw_incident_sums sums;
	struct fw_incident_guess guess;
	struct fw_history_level *level;
	size_t levels;
	struct fw_incident_span *span;
	size_t spans;
	struct fw_incident_note *note;
	size_t notes;
	struct fw_history_change *change;
	size_t changes;
	bool synchronised;  /* the clock, all the time */
	unsigned int steps; /* of the clock noticed */
};
int fw_incident_view_read(struct fw_history *h, __s64 id, struct fw_incident_view *ret,
			  struct fw_err *err);
void fw_incident_view_free(struct fw_incident_view *view);
json_t *fw_incident_view_json(const struct fw_incident_view *view);
int fw_incident_view_print(const struct fw_incident_view *view, FILE *out);

/* The short form, as the list has it. */
json_t *fw_incident_short_json(const struct fw_incident *in, const struct fw_incident_sums *sums,
			       const struct fw_incident_guess *guess);

#endif
