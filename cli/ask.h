/*
 * What people type: answers, texts, passphrases.
 */
#ifndef CLI_ASK_H
#define CLI_ASK_H

#include "cli.h"

#define ASK_TEXT_MAX (1024u * 1024u)
#define ASK_PASSPHRASE_MAX 1024u

/* Asks on `talk` until the answer is yes or no; end of input is no. */
bool ask_yes_no(struct cli *cli, const char *question);

/* One line without its end, or NULL at the end of input. Returns owned. */
char *ask_line(struct cli *cli, const char *question);

/* Appends everything of `f` to `out` (at most ASK_TEXT_MAX bytes), without a
 * last line end. Returns NULL or an error (owned). */
struct value *ask_all(FILE *f, const char *name, struct ent_buf *out);

/* A passphrase from the terminal, unseen; typed `times` times. Appends to
 * `out`, which must be secret. False without a terminal, or when the
 * two differ three times over. */
bool ask_passphrase(struct cli *cli, const char *prompt, int times,
                    struct ent_buf *out);

#endif
