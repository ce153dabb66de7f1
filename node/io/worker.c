/* A mutex, a condition and an async handle around two lists. */
#include "io/worker.h"

#include <entente/base.h>

#include <stdlib.h>

#define WORKER_MAGIC 0x574f524bu

struct job_list {
    struct job *first;
    struct job *last;
};

struct worker {
    unsigned magic;
    uv_thread_t thread;
    uv_mutex_t mutex;
    uv_cond_t wake;
    uv_async_t async;
    struct job_list todo;
    struct job_list ready;
    bool is_stopping;
    worker_turn *turn;
    void *arg;
};

static void
list_push(struct job_list *list, struct job *job)
{
    job->next = NULL;
    if (list->last == NULL) {
        list->first = job;
    } else {
        list->last->next = job;
    }
    list->last = job;
}

static struct job *
list_pop(struct job_list *list)
{
    struct job *job = list->first;

    if (job != NULL) {
        list->first = job->next;
        if (list->first == NULL) {
            list->last = NULL;
        }
        job->next = NULL;
    }
    return job;
}

/* Waits for work; false when there is none left and none will come. */
static bool
wait_for_work(struct worker *worker)
{
    bool has_work;

    uv_mutex_lock(&worker->mutex);
    while (worker->todo.first == NULL && !worker->is_stopping) {
        uv_cond_wait(&worker->wake, &worker->mutex);
    }
    has_work = worker->todo.first != NULL;
    uv_mutex_unlock(&worker->mutex);
    return has_work;
}

static void
thread_main(void *arg)
{
    struct worker *worker = arg;

    ENT_ASSERT(worker->magic == WORKER_MAGIC);
    while (wait_for_work(worker)) {
        worker->turn(worker->arg, worker);
    }
}

static void
deliver(struct worker *worker)
{
    struct job_list ready;
    struct job *job;

    uv_mutex_lock(&worker->mutex);
    ready = worker->ready;
    worker->ready = (struct job_list){0};
    uv_mutex_unlock(&worker->mutex);
    while ((job = list_pop(&ready)) != NULL) {
        job->done(job);
    }
}

static void
on_async(uv_async_t *async)
{
    struct worker *worker = async->data;

    ENT_ASSERT(worker->magic == WORKER_MAGIC);
    deliver(worker);
}

static void
on_close(uv_handle_t *handle)
{
    struct worker *worker = handle->data;

    ENT_ASSERT(worker->magic == WORKER_MAGIC);
    uv_mutex_destroy(&worker->mutex);
    uv_cond_destroy(&worker->wake);
    worker->magic = 0;
    free(worker);
}

struct worker *
worker_new(uv_loop_t *loop, worker_turn *turn, void *arg)
{
    struct worker *worker = ent_alloc_zero(1, sizeof(*worker));

    worker->magic = WORKER_MAGIC;
    worker->turn = turn;
    worker->arg = arg;
    worker->async.data = worker;
    ENT_ASSERT(uv_mutex_init(&worker->mutex) == 0);
    ENT_ASSERT(uv_cond_init(&worker->wake) == 0);
    ENT_ASSERT(uv_async_init(loop, &worker->async, on_async) == 0);
    ENT_ASSERT(uv_thread_create(&worker->thread, thread_main, worker) == 0);
    return worker;
}

void
worker_post(struct worker *worker, struct job *job)
{
    ENT_ASSERT(worker->magic == WORKER_MAGIC);
    ENT_ASSERT(job->done != NULL);
    uv_mutex_lock(&worker->mutex);
    ENT_ASSERT(!worker->is_stopping);
    list_push(&worker->todo, job);
    uv_cond_signal(&worker->wake);
    uv_mutex_unlock(&worker->mutex);
}

struct job *
worker_take(struct worker *worker)
{
    struct job *job;

    uv_mutex_lock(&worker->mutex);
    job = list_pop(&worker->todo);
    uv_mutex_unlock(&worker->mutex);
    return job;
}

void
worker_give(struct worker *worker, struct job *job)
{
    uv_mutex_lock(&worker->mutex);
    list_push(&worker->ready, job);
    uv_mutex_unlock(&worker->mutex);
    uv_async_send(&worker->async);
}

void
worker_stop(struct worker *worker)
{
    if (worker == NULL) {
        return;
    }
    ENT_ASSERT(worker->magic == WORKER_MAGIC);
    uv_mutex_lock(&worker->mutex);
    worker->is_stopping = true;
    uv_cond_signal(&worker->wake);
    uv_mutex_unlock(&worker->mutex);
    ENT_ASSERT(uv_thread_join(&worker->thread) == 0);
    deliver(worker);
    uv_close((uv_handle_t *)&worker->async, on_close);
}
