/* Group commit over a queue of jobs. */
#include "io/writer.h"

#include "clock.h"

#include <entente/limits.h>

#include <stdlib.h>

/* Reactions that cause reactions end after this many; what is still owed is
 * written after the next job. */
#define REACTIONS_MAX 8u

struct writer {
    struct worker *worker;
    struct engine *engine;
    struct write_job *held; /* taken, but it wants to be alone */
    writer_outcome *on_outcome;
    writer_directory *on_directory;
    void *arg;
};

/* Carries one batch's outcome to the loop, behind its completions. */
struct outcome_job {
    struct job job;
    struct writer *writer;
    struct engine_outcome outcome;
};

static void
on_outcome_done(struct job *job)
{
    struct outcome_job *told = (struct outcome_job *)job;

    told->writer->on_outcome(told->writer->arg, &told->outcome);
    free(told);
}

/* Carries a new directory to the loop, ahead of its batch's completions. */
struct directory_job {
    struct job job;
    struct writer *writer;
    struct directory *directory;
};

static void
on_directory_done(struct job *job)
{
    struct directory_job *read = (struct directory_job *)job;

    read->writer->on_directory(read->writer->arg, read->directory);
    free(read);
}

static void
give_directory(struct writer *writer)
{
    struct directory_job *read = ent_alloc_zero(1, sizeof(*read));
    struct db *db = engine_db(writer->engine);

    store_must(db_begin(db));
    read->directory = directory_read(db);
    db_rollback(db);
    read->job.done = on_directory_done;
    read->writer = writer;
    worker_give(writer->worker, &read->job);
}

static bool
is_batch_full(const struct engine *engine, size_t job_count)
{
    return job_count >= ENT_BATCH_ENTRIES_MAX ||
           engine_batch_entries(engine) >= ENT_BATCH_ENTRIES_MAX ||
           engine_batch_bytes(engine) >= ENT_BATCH_BYTES_MAX;
}

static struct write_job *
next_job(struct writer *writer)
{
    struct write_job *job = writer->held;

    if (job != NULL) {
        writer->held = NULL;
        return job;
    }
    return (struct write_job *)worker_take(writer->worker);
}

/*~ 9/14 One thread writes, in order, so nobody here needs a lock to think
 * clearly. It takes what is queued into one transaction and never waits for
 * more: a lone entry is not kept waiting for company, and a crowd shares one
 * sync to disk. Our run's job calls engine_ingest. */
/* Runs jobs until the batch is full, the queue is empty or a job wants to be
 * alone. Returns them linked by job.next. */
static struct job *
run_batch(struct writer *writer)
{
    struct write_job *job;
    struct job *first = NULL;
    struct job **link = &first;
    size_t count = 0;

    while ((job = next_job(writer)) != NULL) {
        if (job->is_alone && count > 0) {
            writer->held = job;
            break;
        }
        job->run(job, writer->engine);
        *link = &job->job;
        link = &job->job.next;
        count++;
        if (job->is_alone || is_batch_full(writer->engine, count)) {
            break;
        }
    }
    *link = NULL;
    return first;
}

static void
add_outcome(struct engine_outcome *sum, const struct engine_outcome *more)
{
    sum->top = more->top;
    sum->has_moved |= more->has_moved;
    sum->members_changed |= more->members_changed;
    sum->is_store_new |= more->is_store_new;
    sum->owes_reaction = more->owes_reaction;
}

static void
react(struct writer *writer, struct engine_outcome *outcome)
{
    struct engine_outcome more;

    for (unsigned i = 0; i < REACTIONS_MAX && outcome->owes_reaction; i++) {
        engine_begin(writer->engine, clock_wall_ms());
        engine_react(writer->engine);
        more = (struct engine_outcome){0};
        engine_commit(writer->engine, &more);
        add_outcome(outcome, &more);
    }
}

static void
give_all(struct writer *writer, struct job *first,
         const struct engine_outcome *outcome)
{
    struct outcome_job *told = ent_alloc_zero(1, sizeof(*told));

    while (first != NULL) {
        struct job *next = first->next;

        worker_give(writer->worker, first);
        first = next;
    }
    told->job.done = on_outcome_done;
    told->writer = writer;
    told->outcome = *outcome;
    worker_give(writer->worker, &told->job);
}

static void
writer_turn(void *arg, struct worker *worker)
{
    struct writer *writer = arg;

    (void)worker;
    do {
        struct engine_outcome outcome = {0};
        struct job *first;

        engine_begin(writer->engine, clock_wall_ms());
        first = run_batch(writer);
        engine_commit(writer->engine, &outcome);
        react(writer, &outcome);
        if (outcome.members_changed) {
            give_directory(writer);
        }
        give_all(writer, first, &outcome);
    } while (writer->held != NULL);
}

struct writer *
writer_new(uv_loop_t *loop, struct engine *engine, writer_outcome *on_outcome,
           writer_directory *on_directory, void *arg)
{
    struct writer *writer = ent_alloc_zero(1, sizeof(*writer));

    writer->engine = engine;
    writer->on_outcome = on_outcome;
    writer->on_directory = on_directory;
    writer->arg = arg;
    writer->worker = worker_new(loop, writer_turn, writer);
    return writer;
}

void
writer_post(struct writer *writer, struct write_job *job)
{
    ENT_ASSERT(job->run != NULL);
    worker_post(writer->worker, &job->job);
}

struct worker *
writer_worker(struct writer *writer)
{
    return writer->worker;
}

void
writer_stop(struct writer *writer)
{
    if (writer == NULL) {
        return;
    }
    worker_stop(writer->worker);
    free(writer);
}
