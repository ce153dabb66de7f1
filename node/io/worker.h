/*
 * A thread with a queue: jobs go in from the loop, and come back to the loop
 * when they are done. It knows nothing of what a job does.
 *
 *   loop: worker_post -> queue -> thread: turn() takes jobs and gives them
 *   back -> loop: job->done
 *
 * Failure modes: a thread that cannot be started panics (there is no node
 * without it). A job is never lost: worker_stop runs what is queued and
 * delivers every completion before it returns.
 */
#ifndef NODE_IO_WORKER_H
#define NODE_IO_WORKER_H

#include <stdbool.h>
#include <stddef.h>

#include <uv.h>

/* Embed it as the first member of the real job. */
struct job {
    struct job *next;
    void (*done)(struct job *job); /* on the loop; frees the job */
};

struct worker;

/* What the thread does when there is at least one job: take some or all, and
 * give each back. */
typedef void worker_turn(void *arg, struct worker *worker);

/* Returns owned: worker_stop, which frees it once the loop has run on. */
struct worker *worker_new(uv_loop_t *loop, worker_turn *turn, void *arg);

/* Loop: queues a job. Takes `job`. */
void worker_post(struct worker *worker, struct job *job);

/* Thread: the next job, or NULL when there is none now. Never waits. */
struct job *worker_take(struct worker *worker);
/* Thread: hands a job back to the loop. A fresh one is fine too: that is how
 * progress is told. */
void worker_give(struct worker *worker, struct job *job);

/* Loop: runs what is queued to its end, joins the thread, delivers what came
 * back. No posting afterwards. NULL is fine. */
void worker_stop(struct worker *worker);

#endif
