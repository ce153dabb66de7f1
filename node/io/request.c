/*
 * Requests.
 *
 * Happy path: method found -> a job of the reader or of the writer, or at once
 * on the loop -> answered on the loop; a write is answered after its commit.
 * Failure modes
 *   - no such method, no object as parameters: refused with a code.
 *   - the method refuses: its code, sentence and hint are the answer.
 *   - the node stops: "stopping"; what was under way is still answered.
 */
#include "io/request.h"

#include "clock.h"
#include "io/peers.h"

#include <stdlib.h>

#define REQUEST_MAGIC 0x52455155u
#define PROGRESS_MS 200u

struct request {
    unsigned magic;
    union {
        struct read_job read;
        struct write_job write;
    } job; /* first job member after the magic; see request_of_job */
    struct api_call call;
    const struct api_method *method;
    struct io *io;
    const struct request_sink *sink;
    struct client *client;
    struct value *params;
    struct worker *worker; /* where it runs, for progress */
    uint64_t id;
    uint64_t progress_ms; /* that thread's */
    bool (*is_done)(struct api_call *call, bool is_late);
    uint64_t deadline_ms;
    struct request *next; /* among those that wait */
};

static struct request *
request_of_job(void *job)
{
    struct request *request =
        (void *)((char *)job - offsetof(struct request, job));

    ENT_ASSERT(request->magic == REQUEST_MAGIC);
    return request;
}

static struct request *
request_of_call(struct api_call *call)
{
    struct request *request =
        (void *)((char *)call - offsetof(struct request, call));

    ENT_ASSERT(request->magic == REQUEST_MAGIC);
    return request;
}

static struct value *
error_value(const struct api_call *call)
{
    struct value *error = value_object();

    value_set_string(error, "code", call->code);
    value_set_int(error, "exit", call->exit_code);
    value_set_string(error, "text", call->text);
    value_set_string(error, "hint", call->hint);
    return error;
}

static void
finish(struct request *request)
{
    struct api_call *call = &request->call;

    if (call->is_refused) {
        value_free(call->result);
        request->sink->answer(request->client, request->id, error_value(call),
                              NULL);
    } else {
        request->sink->answer(request->client, request->id, NULL, call->result);
    }
    value_free(request->params);
    request->magic = 0;
    free(request);
}

/* ---- progress, from a thread to the client ---- */

struct progress_job {
    struct job job;
    struct request *request; /* answered only after this was delivered */
    struct value *params;
};

static void
done_progress(struct job *job)
{
    struct progress_job *told = (struct progress_job *)job;

    ENT_ASSERT(told->request->magic == REQUEST_MAGIC);
    told->request->sink->progress(told->request->client, told->params);
    free(told);
}

static void
on_progress(void *arg, const char *what, uint64_t done, uint64_t total)
{
    struct request *request = arg;
    uint64_t now_ms = clock_mono_ms();
    struct progress_job *told;

    if (done != total && now_ms - request->progress_ms < PROGRESS_MS) {
        return;
    }
    request->progress_ms = now_ms;
    told = ent_alloc_zero(1, sizeof(*told));
    told->job.done = done_progress;
    told->request = request;
    told->params = value_object();
    value_set_string(told->params, "what", what);
    value_set_int(told->params, "done", (int64_t)done);
    value_set_int(told->params, "total", (int64_t)total);
    worker_give(request->worker, &told->job);
}

/* ---- running ---- */

/* A method with more to do is queued again behind what waits. When the node
 * stops it is called once more, here, to let go of what it keeps. */
static void
done_job(struct job *job)
{
    struct request *request = request_of_job(job);
    struct api_call *call = &request->call;

    if (call->is_unfinished && !request->io->is_stopping) {
        call->is_unfinished = false;
        writer_post(request->io->writer, &request->job.write);
        return;
    }
    if (call->is_unfinished) {
        call->is_stopping = true;
        request->method->run(call);
    }
    if (call->peers_changed) {
        peers_reload(request->io->peers);
    }
    finish(request);
}

static void
run_read(struct read_job *job, struct db *db)
{
    struct request *request = request_of_job(job);

    request->call.db = db;
    request->method->run(&request->call);
}

static void
run_write(struct write_job *job, struct engine *engine)
{
    struct request *request = request_of_job(job);

    request->call.engine = engine;
    request->call.db = engine_db(engine);
    request->call.now_ms = engine_now(engine);
    request->method->run(&request->call);
}

/* Folding everything again is not to share its transaction. */
static bool
wants_to_be_alone(const struct api_method *method)
{
    return strcmp(method->name, "rebuild") == 0;
}

static void
run_on_loop(struct request *request)
{
    request->method->run(&request->call);
    if (request->is_done == NULL || request->call.is_refused) {
        finish(request);
        return;
    }
    request->next = request->io->waiting;
    request->io->waiting = request;
    request->io->hurry(request->io);
}

static void
dispatch(struct request *request)
{
    struct io *io = request->io;

    switch (request->method->where) {
    case API_READ:
        request->worker = reader_worker(io->api_reader);
        request->job.read.run = run_read;
        request->job.read.job.done = done_job;
        reader_post(io->api_reader, &request->job.read);
        break;
    case API_WRITE:
        request->worker = writer_worker(io->writer);
        request->job.write.run = run_write;
        request->job.write.job.done = done_job;
        request->job.write.is_alone = wants_to_be_alone(request->method);
        writer_post(io->writer, &request->job.write);
        break;
    case API_LOOP:
        run_on_loop(request);
        break;
    }
}

static const char *
choose_lang(const struct value *params)
{
    const char *lang = value_get_string(params, "lang");

    return lang != NULL && strncmp(lang, "fr", 2) == 0 ? "fr" : "en";
}

void
request_run(struct io *io, const struct request_sink *sink,
            struct client *client, const struct rpc_message *msg,
            struct value *params)
{
    struct request *request = ent_alloc_zero(1, sizeof(*request));
    struct api_call *call = &request->call;

    request->magic = REQUEST_MAGIC;
    request->io = io;
    request->sink = sink;
    request->client = client;
    request->id = msg->id;
    request->params = params == NULL ? value_object() : params;
    request->method = api_find(msg->method);
    call->params = request->params;
    call->result = value_object();
    call->lang = choose_lang(request->params);
    call->now_ms = clock_wall_ms();
    call->live = io->live;
    call->keys = io->keys;
    call->progress = on_progress;
    call->progress_arg = request;
    if (request->method == NULL) {
        api_refuse(call, ENT_EXIT_USAGE, "usage.unknown-method",
                   "Are entente and entented of the same version?",
                   "there is no method “%s”", msg->method);
    } else if (!value_is_object(request->params)) {
        api_refuse(call, ENT_EXIT_USAGE, "usage", NULL,
                   "parameters must be named");
    } else if (io->is_stopping) {
        api_refuse(call, ENT_EXIT_NO_DAEMON, "stopping", NULL,
                   "the node is stopping");
    }
    if (call->is_refused) {
        finish(request);
    } else {
        dispatch(request);
    }
}

struct io *
request_io(struct api_call *call)
{
    return request_of_call(call)->io;
}

void
request_defer(struct api_call *call,
              bool (*is_done)(struct api_call *call, bool is_late),
              uint64_t deadline_ms)
{
    struct request *request = request_of_call(call);

    request->is_done = is_done;
    request->deadline_ms = deadline_ms;
}

void
requests_beat(struct io *io, uint64_t now_ms)
{
    struct request **p = &io->waiting;

    while (*p != NULL) {
        struct request *request = *p;
        bool is_late = now_ms >= request->deadline_ms || io->is_stopping;

        if (request->is_done(&request->call, is_late)) {
            *p = request->next;
            finish(request);
        } else {
            p = &request->next;
        }
    }
}

bool
requests_is_waiting(const struct io *io)
{
    return io->waiting != NULL;
}
