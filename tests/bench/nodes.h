/*
 * Nodes of the bench: made and filled by the engine in this process, then run
 * as real daemons.
 */
#ifndef TESTS_BENCH_NODES_H
#define TESTS_BENCH_NODES_H

#include <entente/rpc.h>

#include <sys/types.h>

#include "bench/bench.h"
#include "store/engine.h"

/* The bytes of an entry's payload before it is padded and sealed. */
#define ENTRY_LEN 200u

struct bench_node {
    char folder[BENCH_PATH_MAX];
    char key_path[BENCH_PATH_MAX];
    char listen[64]; /* where the running daemon listens */
    struct engine *engine;
    pid_t pid;      /* 0: it does not run */
    int socket;     /* local calls */
    double ready_s; /* from its start until it said that it is ready */
    struct ent_buf in;
};

/* A new node with a key-file slot in "<bench folder>/<name>". `port` 0: any
 * that is free. */
void node_make(const struct bench *bench, const char *name, unsigned port,
               struct bench_node *node);
unsigned node_free_port(void);

/* In this process. */
void node_open(struct bench_node *node);
void node_close(struct bench_node *node);
void node_begin(struct bench_node *node);
/* Commits, and writes what follows from it. */
void node_commit(struct bench_node *node);
/* Writes one entry of exactly ENTRY_LEN: a new record of `kind` with one text.
 * Inside node_begin … node_commit. */
void node_write(struct bench_node *node, uint64_t space, uint16_t kind,
                uint16_t field);
/* `count` of them, 1,000 a commit. */
void node_fill(struct bench_node *node, uint64_t space, uint16_t kind,
               size_t count);

/* Two nodes in one circle, with both stores closed afterwards: `b` holds only
 * what joining left there, and calls `a` when both run. */
void nodes_pair(const struct bench *bench, struct bench_node *a,
                struct bench_node *b);
/* A care space of `a` that `b` may read; returns its row. Inside node_begin …
 * node_commit. */
uint64_t nodes_care_space(struct bench_node *a);

/* As a daemon. */
void node_start(struct bench_node *node);
void node_stop(struct bench_node *node);
/* Calls a method. `params` is taken (NULL: none). Returns owned; a refusal
 * ends the bench. */
struct value *node_call(struct bench_node *node, const char *method,
                        struct value *params);
uint64_t node_top(struct bench_node *node);
/* Bytes of the connection with its one peer, both ways. */
uint64_t node_wire_bytes(struct bench_node *node);
bool node_is_proved(struct bench_node *node);
/* "VmRSS" or "VmHWM" of the daemon, in MiB. */
double node_memory_mib(const struct bench_node *node, const char *what);
void node_wait_proved(struct bench_node *node, double seconds);

#endif
