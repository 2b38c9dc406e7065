/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From argv to a command, its options and its operands. Global options may stand anywhere; a
 * command's own options anywhere after its words. Nothing may be abbreviated: a new command or
 * option must never change what an old script means.
 */
#ifndef FW_CLI_OPTIONS_H
#define FW_CLI_OPTIONS_H

#include "user/cli/cli.h"

/* A family of commands: one file, one heading in the overview. The list ends with a NULL title. */
struct fw_cli_family {
	const char *title;
	const struct fw_cli_command *commands;
};

extern const struct fw_cli_family fw_cli_families[];

/* What main is to do with the command line. */
enum fw_cli_wish { FW_WISH_RUN, FW_WISH_HELP, FW_WISH_VERSION, FW_WISH_OVERVIEW };

struct fw_cli_line {
	enum fw_cli_wish wish;
	int argc;
	char **argv;	     /* operands; owned: free(argv) only, the strings are argv's of main */
	const char *word[2]; /* the words of the command as typed */
};

/*
 * Fill cli and ret from the command line. 0, or -EINVAL with cli->err filled; cli->json is right
 * even then. The caller frees ret->argv in both cases.
 */
int fw_options_parse(struct fw_cli *cli, int argc, char **argv, struct fw_cli_line *ret);

/* Is there such an object (verb NULL), or such a command? NULL when not. */
const struct fw_cli_command *fw_options_find(const char *object, const char *verb);

/* The words of `line` into cli->command. -EINVAL with cli->err saying what is there instead. */
int fw_options_resolve(struct fw_cli *cli, const struct fw_cli_line *line);

/* Help of one command on `out`, by argp. 0 or -errno. */
int fw_options_help(const struct fw_cli_command *command, FILE *out);

/* The global options; ends with a NULL name. */
extern const struct fw_cli_option fw_options_global[];

#endif
