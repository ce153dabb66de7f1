/*
 * From the words that were typed to a command, its options, and the
 * parameters of its call.
 */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include "cli.h"

/* The options that every command has; ended by CLI_OPTION_END. */
extern const struct cli_option args_global[];

/*
 * Fills `cli` (command, given, params, folder, lang, and the global flags).
 * Returns NULL, or what was wrong (owned), with the nearest word and an
 * example; `cli` can be released either way.
 */
struct value *args_parse(struct cli *cli, int argc, char **argv);

/* What the daemon calls the option: "q1-code" is "q1_code". Returns `ret`. */
char *args_param(const struct cli_option *o, char ret[64]);

#endif
