/*
 * All commands, in the order in which help lists them.
 */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli.h"

struct command_group {
    const char *title; /* NULL ends the list */
    const struct cli_command *commands;
};

/* The groups, each with its table; static. */
const struct command_group *commands_groups(void);

/* The command called `words`, or NULL. */
const struct cli_command *commands_find(const char *words);
/* Has any command `noun` as the first of two words? */
bool commands_has_noun(const char *noun);
/* "case" is "situation"; any other word is itself. */
const char *commands_unalias(const char *word);

/* The tables, one a file (cmd_*.c), each ended by an empty row. */
extern const struct cli_command cmd_start[];
extern const struct cli_command cmd_node[];
extern const struct cli_command cmd_history[];
extern const struct cli_command cmd_bundle[];
extern const struct cli_command cmd_circle[];
extern const struct cli_command cmd_join[];
extern const struct cli_command cmd_situation[];
extern const struct cli_command cmd_meeting[];
extern const struct cli_command cmd_help[];

#endif
