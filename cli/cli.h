/*
 * The command line: what a command is, and what it has in hand while it runs.
 * A command is a row of a table (commands.h): words, options, the daemon's
 * method, and how its answer is shown. Most need no code of their own.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <entente/rpc.h>
#include <entente/value.h>

#include "out.h"

enum cli_kind {
    CLI_FLAG, /* true when given */
    CLI_WORD, /* one word or line */
    CLI_TEXT, /* a text; "-" reads it from standard input */
    CLI_FILE, /* the text of a file; "-" is standard input */
    CLI_INT,
    CLI_BOOL,    /* yes or no */
    CLI_LIST,    /* words with commas between; may be given again */
    CLI_SECONDS, /* sent in milliseconds */
    CLI_DAYS,    /* sent in milliseconds */
};

/* Flags of an option. */
#define CLI_AT 1u /* by its place; also as --name */
#define CLI_REQUIRED 2u
#define CLI_LOCAL 4u /* for the command itself: not sent */
#define CLI_REST 8u  /* takes all words that are left, as a list */

struct cli_option {
    const char *name; /* "q1-code"; NULL ends a list */
    enum cli_kind kind;
    unsigned flags;
    const char *value;   /* what stands for it in help: "CODE" */
    const char *choices; /* "yes|no|unsure", the only ones; NULL: any */
    const char *help;
    const char *param; /* NULL: the name with _ for - */
};

#define CLI_OPTION_END                                                         \
    {                                                                          \
        NULL, CLI_FLAG, 0, NULL, NULL, NULL, NULL                              \
    }

struct cli;

struct cli_command {
    const char *words;  /* "situation offer"; NULL ends a list */
    const char *method; /* NULL: the command runs without a single call */
    const char *summary;
    const char *help;                 /* a paragraph */
    const char *example;              /* one line, with "entente" */
    const struct cli_option *options; /* NULL: none */
    unsigned silence_s; /* gives up after so long without a word; 0: 30 */
    /* NULL: calls the method, then shows. */
    enum ent_exit (*run)(struct cli *cli);
    /* Prints a result for people; NULL: `done` says it all. */
    void (*show)(struct cli *cli, const struct value *result);
    const char *done; /* talk after success; may be NULL */
};

struct cli {
    const char *program; /* argv[0] */
    char *folder;        /* the node's; owned */
    char lang[3];
    bool is_json;
    bool wants_help;
    bool wants_version;
    const struct cli_command *command; /* NULL: none was named */
    struct value *given;               /* every option by name; owned */
    struct value *params;              /* what the daemon gets; owned */
    struct ent_buf typed;              /* text that came from standard input */
    FILE *in;
    struct out out;
};

/* Calls the daemon with `params` (borrowed; the language is added) and shows
 * progress. ENT_EXIT_DONE: `*ret_result` is an object, returned owned. Else
 * the error was already told, and its exit code is returned. */
enum ent_exit cli_call(struct cli *cli, const char *method,
                       struct value *params, struct value **ret_result);
/* Says what went wrong (JSON on `main` if asked for, else words on `talk`) and
 * returns its exit code. Takes `error`. */
enum ent_exit cli_fail(struct cli *cli, struct value *error);
/* An error of our own. `hint` may be NULL. Returns owned. */
struct value *cli_error(const char *code, enum ent_exit exit, const char *hint,
                        const char *format, ...) CLI_PRINTF(4, 5);
/* Prints `result` as JSON if asked for, else through the command's `show`. */
void cli_show(struct cli *cli, const struct value *result);
/* Option `name` as it was given; NULL or false if it was not. */
const char *cli_word(const struct cli *cli, const char *name);
bool cli_flag(const struct cli *cli, const char *name);
/* Are we talking with a person who can answer? */
bool cli_is_interactive(const struct cli *cli);

/* The whole program. Returns its exit code. */
int cli_main(int argc, char **argv, FILE *in, FILE *main_stream,
             FILE *talk_stream);

#endif
