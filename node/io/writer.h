/*
 * The thread that writes: it alone owns the engine while the node runs. Jobs
 * run in the order they were posted, several to a transaction (group commit):
 * a batch ends when it is full or when nothing waits. It never waits to fill.
 *
 *   job, job, job -> engine_begin … engine_commit -> what follows by itself
 *   (engine_react, a transaction of its own) -> the directory, if it changed
 *   -> completions -> the outcome
 *
 * Failure mode: a store that fails stops the process inside the engine; the
 * jobs of that batch were never completed, so nobody was told they were.
 */
#ifndef NODE_IO_WRITER_H
#define NODE_IO_WRITER_H

#include "io/worker.h"
#include "store/directory.h"
#include "store/engine.h"

/* `job.done` runs on the loop after the commit and frees it. */
struct write_job {
    struct job job;
    void (*run)(struct write_job *job, struct engine *engine);
    bool is_alone; /* wants a transaction of its own */
};

/* On the loop, after the completions of the batch. */
typedef void writer_outcome(void *arg, const struct engine_outcome *outcome);
/* On the loop, before the completions of a batch that changed members, secrets
 * or invitations: whoever is told that something was done finds it done. Takes
 * `directory`. */
typedef void writer_directory(void *arg, struct directory *directory);

struct writer;

/* Borrows `engine` until writer_stop. Returns owned. */
struct writer *writer_new(uv_loop_t *loop, struct engine *engine,
                          writer_outcome *on_outcome,
                          writer_directory *on_directory, void *arg);
/* Takes `job`. */
void writer_post(struct writer *writer, struct write_job *job);
/* The thread behind, for worker_give: telling progress. */
struct worker *writer_worker(struct writer *writer);
/* Runs what is queued, commits it, delivers it. NULL is fine. */
void writer_stop(struct writer *writer);

#endif
