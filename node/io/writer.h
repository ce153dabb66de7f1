/*
 * The thread that writes: it alone owns the engine while the node runs. Jobs
 * run in the order they were posted, several to a transaction (group commit):
 * a batch ends when it is full or when nothing waits. It never waits to fill.
 *
 *   job, job, job -> engine_begin … engine_commit -> what follows by itself
 *   (engine_react, a transaction of its own) -> completions -> the outcome
 *
 * Failure mode: a store that fails stops the process inside the engine; the
 * jobs of that batch were never completed, so nobody was told they were.
 */
#ifndef NODE_IO_WRITER_H
#define NODE_IO_WRITER_H

#include "io/worker.h"
#include "store/engine.h"

/* `job.done` runs on the loop after the commit and frees it. */
struct write_job {
    struct job job;
    void (*run)(struct write_job *job, struct engine *engine);
    bool is_alone; /* wants a transaction of its own */
};

/* On the loop, after the completions of the batch. */
typedef void writer_outcome(void *arg, const struct engine_outcome *outcome);

struct writer;

/* Borrows `engine` until writer_stop. Returns owned. */
struct writer *writer_new(uv_loop_t *loop, struct engine *engine,
                          writer_outcome *on_outcome, void *arg);
/* Takes `job`. */
void writer_post(struct writer *writer, struct write_job *job);
/* The thread behind, for worker_give: telling progress. */
struct worker *writer_worker(struct writer *writer);
/* Runs what is queued, commits it, delivers it. NULL is fine. */
void writer_stop(struct writer *writer);

#endif
