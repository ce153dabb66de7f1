/* One snapshot a job. A store that fails stops the process (store_must). */
#include "io/reader.h"

#include "store/engine.h"

#include <stdlib.h>

struct reader {
    struct worker *worker;
    struct db *db;
};

static void
reader_turn(void *arg, struct worker *worker)
{
    struct reader *reader = arg;
    struct job *job;

    while ((job = worker_take(worker)) != NULL) {
        struct read_job *read = (struct read_job *)job;

        store_must(db_begin(reader->db));
        read->run(read, reader->db);
        db_rollback(reader->db);
        worker_give(worker, job);
    }
}

struct reader *
reader_new(uv_loop_t *loop, struct db *db)
{
    struct reader *reader = ent_alloc_zero(1, sizeof(*reader));

    reader->db = db;
    reader->worker = worker_new(loop, reader_turn, reader);
    return reader;
}

void
reader_post(struct reader *reader, struct read_job *job)
{
    ENT_ASSERT(job->run != NULL);
    worker_post(reader->worker, &job->job);
}

struct worker *
reader_worker(struct reader *reader)
{
    return reader->worker;
}

void
reader_stop(struct reader *reader)
{
    if (reader == NULL) {
        return;
    }
    worker_stop(reader->worker);
    db_close(reader->db);
    free(reader);
}
