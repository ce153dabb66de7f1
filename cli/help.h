/*
 * Help and completions, both made from the table of commands.
 */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "cli.h"

/* All commands with their summaries. */
void help_all(struct cli *cli);
/* Those that start with `noun`; false when there are none. */
bool help_noun(struct cli *cli, const char *noun);
/* One command: what it is for, its words and options, an example. */
void help_command(struct cli *cli, const struct cli_command *c);
void help_version(struct cli *cli);
/* Appends "entente situation offer SITUATION [options]". */
void help_usage(const struct cli_command *c, struct ent_buf *out);

/* The completion script for "bash", "zsh" or "fish", appended to `out`; false
 * for another shell. */
bool completion_script(const char *shell, struct ent_buf *out);

#endif
