/* labels: quick threads */
/* A worker loses no job, keeps their order, and ends only when all is told. */
#include "io/worker.h"

#include <entente/base.h>

#include <stdlib.h>

#include "lib/cmocka.h"

struct count {
    unsigned run;  /* the thread's */
    unsigned done; /* the loop's */
    bool is_ordered;
};

struct number {
    struct job job;
    struct count *count;
    unsigned n;
};

static void
done(struct job *job)
{
    struct number *number = (struct number *)job;

    number->count->is_ordered &= number->count->done == number->n;
    number->count->done++;
    free(number);
}

static void
turn(void *arg, struct worker *worker)
{
    struct count *count = arg;
    struct job *job;

    while ((job = worker_take(worker)) != NULL) {
        count->run++;
        worker_give(worker, job);
    }
}

static void
post(struct worker *worker, struct count *count, unsigned n)
{
    struct number *number = ent_alloc_zero(1, sizeof(*number));

    number->job.done = done;
    number->count = count;
    number->n = n;
    worker_post(worker, &number->job);
}

static void
test_order(void **state)
{
    struct count count = {.is_ordered = true};
    struct worker *worker;
    uv_loop_t loop;

    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    worker = worker_new(&loop, turn, &count);
    for (unsigned i = 0; i < 10000; i++) {
        post(worker, &count, i);
    }
    while (count.done < 10000) {
        uv_run(&loop, UV_RUN_ONCE);
    }
    assert_true(count.is_ordered);
    worker_stop(worker);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

/* Stopping at once: what is queued is run and told first. */
static void
test_stop_drains(void **state)
{
    struct count count = {.is_ordered = true};
    struct worker *worker;
    uv_loop_t loop;

    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    worker = worker_new(&loop, turn, &count);
    for (unsigned i = 0; i < 1000; i++) {
        post(worker, &count, i);
    }
    worker_stop(worker);
    assert_int_equal(count.run, 1000);
    assert_int_equal(count.done, 1000);
    assert_true(count.is_ordered);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    worker_stop(NULL);
}

/* A job given by the thread itself (progress) comes before the one after. */
static void
turn_with_progress(void *arg, struct worker *worker)
{
    struct count *count = arg;
    struct job *job = worker_take(worker);
    struct number *progress = ent_alloc_zero(1, sizeof(*progress));

    progress->job.done = done;
    progress->count = count;
    progress->n = 0;
    worker_give(worker, &progress->job);
    worker_give(worker, job);
}

static void
test_progress_comes_first(void **state)
{
    struct count count = {.is_ordered = true};
    struct worker *worker;
    uv_loop_t loop;

    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    worker = worker_new(&loop, turn_with_progress, &count);
    post(worker, &count, 1);
    worker_stop(worker);
    assert_int_equal(count.done, 2);
    assert_true(count.is_ordered);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_stop_drains),
        cmocka_unit_test(test_progress_comes_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
