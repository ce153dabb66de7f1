/*
 * One table of methods: what the command line and the page can ask of the
 * node. A method runs on the reader's thread (no change), on the writer's
 * (inside a transaction; it checks first and writes after) or on the loop
 * (connections). docs/architecture.md.
 */
#ifndef NODE_API_API_H
#define NODE_API_API_H

#include <entente/rpc.h>
#include <entente/value.h>

#include "store/base/db.h"

struct engine;
struct live;
struct node_keys;

enum api_where {
    API_READ,  /* call->db: a read snapshot */
    API_WRITE, /* call->engine, in a transaction; call->db is its own */
    API_LOOP,  /* node/io's: peers, sync, joining, stop */
};

struct api_call {
    const struct value *params; /* an object; borrowed */
    struct value *result;       /* an object, made by the caller; fill it */
    const char *lang;           /* "en" or "fr" */
    uint64_t now_ms;            /* wall clock */
    struct db *db;
    struct engine *engine; /* API_WRITE */
    const struct node_keys *keys;
    struct live *live; /* live facts of peers (live.h), any thread */
    /* Tells of long work; may be NULL. */
    void (*progress)(void *arg, const char *what, uint64_t done,
                     uint64_t total);
    void *progress_arg;
    /* Work for more than one transaction (API_WRITE): the method sets
     * `is_unfinished` and is called again in a later one, until it does not.
     * What it keeps meanwhile is in `kept`. When the node stops first,
     * `is_stopping` is set in a last call: it frees what it keeps. */
    bool is_unfinished;
    bool is_stopping;
    void *kept;
    bool peers_changed; /* it wrote sync states, which the loop has too */
    /* Set by api_refuse. */
    bool is_refused;
    int exit_code;
    char code[48];
    char text[400];
    char hint[400];
};

struct api_method {
    const char *name;
    enum api_where where;
    void (*run)(struct api_call *call);
};

/* NULL when there is no such method. */
const struct api_method *api_find(const char *name);

/* Refuses: a code ("situation.no-basis"), the exit code, what was refused and
 * what to do next. Nothing may have been written, or the text says what was. */
void api_refuse(struct api_call *call, enum ent_exit exit, const char *code,
                const char *hint, const char *text_format, ...)
    __attribute__((format(printf, 5, 6)));
/* The same for a status. */
void api_refuse_status(struct api_call *call, enum ent_status st,
                       const char *what);

/* Parameters. Each refuses ("usage") and gives NULL or a fallback when the
 * parameter is missing though required, of a wrong type or too long. */
const char *api_string(struct api_call *call, const char *key,
                       bool is_required);

#endif
