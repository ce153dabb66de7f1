/*
 * A thread that reads: one connection to the store beside the writer's, each
 * job in a snapshot of its own, in the order they were asked for. There is one
 * for sessions and one for people, so a long report never holds up sync.
 */
#ifndef NODE_IO_READER_H
#define NODE_IO_READER_H

#include "io/worker.h"
#include "store/base/db.h"

/* `job.done` runs on the loop afterwards and frees it. */
struct read_job {
    struct job job;
    void (*run)(struct read_job *job, struct db *db);
};

struct reader;

/* Takes `db`. Returns owned: reader_stop. */
struct reader *reader_new(uv_loop_t *loop, struct db *db);
/* Takes `job`. */
void reader_post(struct reader *reader, struct read_job *job);
/* The thread behind, for worker_give: telling progress. */
struct worker *reader_worker(struct reader *reader);
/* Runs what is queued, delivers it, closes the connection. NULL is fine. */
void reader_stop(struct reader *reader);

#endif
