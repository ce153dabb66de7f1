/*
 * A connection to the daemon on its socket: one call after another, blocking.
 */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include <entente/rpc.h>
#include <sys/types.h>

struct client;

/* What an unfinished call has to tell; NULL is fine. */
struct client_watcher {
    void (*on_progress)(void *arg, const struct value *params);
    void *arg;
};

/* Connects to the daemon of `folder`. NULL when none answers there. Returns
 * owned: client_close. */
struct client *client_open(const char *folder);
void client_close(struct client *c); /* NULL is fine */

/* The daemon's process. */
pid_t client_peer(const struct client *c);

/*
 * One call; `params` is borrowed. Returns NULL and `*ret_result` (owned), or
 * the error object (owned): the daemon's own, or "no-daemon" when it went
 * away, "no-answer" after `silence_ms` without a word, "bad-answer".
 */
struct value *client_call(struct client *c, const char *method,
                          struct value *params, int silence_ms,
                          const struct client_watcher *watcher,
                          struct value **ret_result);

#endif
