/* labels: quick threads */
/* Group commit: jobs in order, told after the commit, the directory ahead of
 * them, and who wants a transaction alone has it. */
#include "unit/io/io_world.h"

#define JOBS 500

struct mark {
    struct write_job write;
    struct trail *trail;
    unsigned n;
    unsigned outcomes_before; /* when it was completed */
};

struct trail {
    struct io_world *w;
    unsigned run;        /* writer's thread */
    unsigned done;       /* loop */
    bool is_run_ordered; /* the writer's */
    bool is_ordered;     /* the loop's */
    bool was_alone;
};

static void
run_mark(struct write_job *write, struct engine *engine)
{
    struct mark *mark = (struct mark *)write;
    struct trail *trail = mark->trail;

    trail->is_run_ordered &= trail->run == mark->n;
    trail->run++;
    ENT_ASSERT(db_is_in_transaction(engine_db(engine)));
}

static void
done_mark(struct job *job)
{
    struct mark *mark = (struct mark *)job;
    struct trail *trail = mark->trail;

    trail->is_ordered &= trail->done == mark->n;
    trail->done++;
    if (mark->write.is_alone) {
        trail->was_alone = true;
        /* Everything before it was committed in batches of its own. */
        assert_true(trail->w->outcome_count >= (mark->n > 0 ? 1u : 0u));
    }
    free(mark);
}

static void
post(struct trail *trail, unsigned n, bool is_alone)
{
    struct mark *mark = ent_alloc_zero(1, sizeof(*mark));

    mark->write.run = run_mark;
    mark->write.job.done = done_mark;
    mark->write.is_alone = is_alone;
    mark->trail = trail;
    mark->n = n;
    writer_post(trail->w->io.writer, &mark->write);
}

static void
test_order_and_batches(void **state)
{
    struct io_world w;
    struct trail trail = {.w = &w, .is_ordered = true, .is_run_ordered = true};

    (void)state;
    io_world_open(&w);
    for (unsigned i = 0; i < JOBS; i++) {
        post(&trail, i, i == JOBS / 2);
    }
    while (trail.done < JOBS) {
        uv_run(w.loop, UV_RUN_ONCE);
    }
    assert_true(trail.is_ordered && trail.is_run_ordered);
    assert_true(trail.was_alone);
    io_world_close(&w);
    /* At least: before the one alone, alone, after it; and far fewer commits
     * than jobs. */
    assert_true(w.outcome_count >= 3);
    assert_true(w.outcome_count < JOBS);
}

static void
run_motion(struct write_job *write, struct engine *engine)
{
    struct engine_space_spec spec = {.kind = ENT_SPACE_CIRCLE,
                                     .name = "Cercle Nord"};
    struct ent_id id;
    uint64_t space;

    (void)write;
    ENT_ASSERT(engine_open_space(engine, &spec, &space, &id) == ENT_OK);
}

static unsigned directories_at_completion;

static void
done_motion(struct job *job)
{
    struct mark *mark = (struct mark *)job;

    directories_at_completion = mark->trail->w->directory_count;
    mark->trail->done++;
    free(mark);
}

/* Whoever is told that a circle was founded finds the directory changed. */
static void
test_directory_comes_first(void **state)
{
    struct io_world w;
    struct trail trail = {.w = &w};
    struct mark *mark = ent_alloc_zero(1, sizeof(*mark));

    (void)state;
    io_world_open(&w);
    mark->trail = &trail;
    mark->write.run = run_motion;
    mark->write.job.done = done_motion;
    writer_post(w.io.writer, &mark->write);
    while (w.outcome_count == 0) {
        uv_run(w.loop, UV_RUN_ONCE);
    }
    assert_int_equal(trail.done, 1);
    assert_true(w.outcome.has_moved);
    assert_true(w.outcome.members_changed);
    assert_int_equal(directories_at_completion, 1);
    io_world_close(&w);
}

static void
test_stop_commits_what_is_queued(void **state)
{
    struct io_world w;
    struct trail trail = {.w = &w, .is_ordered = true, .is_run_ordered = true};

    (void)state;
    io_world_open(&w);
    for (unsigned i = 0; i < JOBS; i++) {
        post(&trail, i, false);
    }
    io_world_close(&w);
    assert_int_equal(trail.done, JOBS);
    assert_true(trail.is_ordered && trail.is_run_ordered);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_and_batches),
        cmocka_unit_test(test_directory_comes_first),
        cmocka_unit_test(test_stop_commits_what_is_queued),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
