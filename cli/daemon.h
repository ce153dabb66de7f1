/*
 * Starting entented: where the program is, how it is told the way into the
 * node's store, in front of the person or behind.
 */
#ifndef CLI_DAEMON_H
#define CLI_DAEMON_H

#include "cli.h"

#include <sys/types.h>

#define DAEMON_WORDS_MAX 48u

/* The words of one start, and the passphrase waiting in a pipe. */
struct daemon {
    struct cli *cli;
    char *program; /* beside our own, else as found on PATH; owned */
    size_t count;
    char *words[DAEMON_WORDS_MAX + 1]; /* owned; NULL ends them */
    int secret_fd;                     /* -1: none */
};

/* Starts the list with "entented COMMAND --folder DIR". Release it. */
void daemon_init(struct daemon *d, struct cli *cli, const char *command);
void daemon_release(struct daemon *d);
/* Adds "NAME VALUE"; nothing when `value` is NULL. */
void daemon_option(struct daemon *d, const char *name, const char *value);
/* Adds every word of a list; NULL is fine. */
void daemon_words(struct daemon *d, const struct value *list);

/*
 * Adds the way in: --key-file, --passphrase-fd, ENTENTE_PASSPHRASE, the key
 * file that init remembered, or the terminal (twice if `is_new`). Returns NULL
 * or an error (owned).
 */
struct value *daemon_way_in(struct daemon *d, bool is_new);
/* Remembers where the key file is, for later starts. Returns NULL or an
 * error (owned). */
struct value *daemon_remember_key_file(struct cli *cli);

/* Becomes the daemon; returns an error (owned) only when that failed. */
struct value *daemon_become(struct daemon *d);
/* Runs it to its end, without its output (errors stay); returns its exit code, or ENT_EXIT_STORE when it ended otherwise. */
int daemon_run(struct daemon *d);
/* Starts it detached, its output appended to `log_path`; -1 on failure. */
pid_t daemon_detach(struct daemon *d, const char *log_path);

#endif
