/*
 * A whole session: a peer that says anything, and a store that answers
 * whatever its contract allows, in any order. Each byte chooses what happens
 * next. The oracle: every message it sends is one that its own decoder takes,
 * it never sends more than it was granted, never asks for more at a time than
 * it may, says nothing after CLOSE, and does the same a second time.
 */
#include "fuzz/bytes.h"
#include "fuzz/fuzz.h"

#include <entente/limits.h>

#include <stdlib.h>

#include "sync/messages.h"

#define LOGS 4u      /* that anybody speaks of */
#define HEADS_MAX 8u /* of one message or answer */
#define STEPS_MAX 400u
#define JOBS_MAX 4096u
#define LOGKEY_LEN 68u
#define SOME_NUMBER 3u /* ids of stores, ours and theirs */

/* Something that the session asked for and was not told yet. */
struct job {
    struct ent_session_effect fx;
    struct ent_head *heads; /* CHECK: its own copy */
    struct ent_logkey log;  /* STORE_RUN */
    size_t run_len;
};

struct world {
    struct bytes in;
    struct ent_session *session;
    uint64_t now_ms;
    uint64_t top;       /* of our store */
    uint64_t peer_upto; /* of the last CHANGES to us */
    size_t credit;      /* the session may still send so many bytes */
    bool is_closed;
    size_t job_count;
    struct job *jobs;
    struct ent_id done; /* a hash over all effects, in order */
};

static struct ent_logkey
some_log(struct bytes *in)
{
    struct ent_logkey log = {.inc = 1};
    uint8_t n = bytes_u8(in) % LOGS;

    memset(log.space.b, 0x10 + n / 2, sizeof(log.space.b));
    memset(log.node.b, 0xa0 + n, sizeof(log.node.b));
    return log;
}

static struct ent_head
some_head(struct bytes *in)
{
    struct ent_head h = {.log = some_log(in), .seq = bytes_u8(in)};

    h.from_seq = bytes_u8(in) % (h.seq + 1);
    h.is_coming = (bytes_u8(in) & 1) != 0;
    h.id.b[0] = (uint8_t)h.seq;
    return h;
}

static size_t
some_heads(struct bytes *in, struct ent_head *ret_heads, size_t max)
{
    size_t count = bytes_u8(in) % (max + 1);
    size_t i;

    for (i = 0; i < count; i++) {
        ret_heads[i] = some_head(in);
    }
    return count;
}

/* ---- accounts ---- */

static void
note(struct world *w, struct ent_slice what)
{
    struct ent_hasher h;

    ent_hasher_init(&h, "fuzz");
    ent_hasher_add(&h, ENT_SLICE_OF(w->done));
    ent_hasher_add(&h, what);
    ent_hasher_end(&h, &w->done);
}

static size_t
pending(const struct world *w, enum ent_session_effect_type type)
{
    size_t count = 0;
    size_t i;

    for (i = 0; i < w->job_count; i++) {
        count += w->jobs[i].fx.type == type ? 1 : 0;
    }
    return count;
}

static void
pay(struct world *w, size_t bytes)
{
    ENT_ASSERT(bytes <= w->credit);
    w->credit -= bytes;
}

static void
check_heads(struct world *w, unsigned type, struct ent_slice body)
{
    struct msg_heads m;
    bool is_changes = type == ENT_MSG_CHANGES;
    enum ent_status st =
        is_changes ? msg_changes_decode(body, &m) : msg_heads_decode(body, &m);

    ENT_ASSERT(st == ENT_OK && m.count <= ENT_HEADS_PER_MESSAGE_MAX);
    ENT_ASSERT(!is_changes || m.upto > m.after);
    free(m.heads);
    if (!is_changes) {
        pay(w, body.len);
    }
}

static void
check_want(struct ent_slice body)
{
    struct msg_want m;

    ENT_ASSERT(msg_want_decode(body, &m) == ENT_OK);
    ENT_ASSERT(m.count > 0 && m.count <= ENT_HEADS_PER_MESSAGE_MAX);
    free(m.needs);
}

static void
check_ack(const struct world *w, struct ent_slice body)
{
    struct msg_ack m;

    ENT_ASSERT(msg_ack_decode(body, &m) == ENT_OK);
    ENT_ASSERT(m.consumed <= m.settled && m.settled <= w->peer_upto);
}

/* What is sent is what a peer of ours takes. */
static void
check_sent(struct world *w, unsigned type, struct ent_slice body)
{
    struct msg_run run;
    struct msg_hello hello;
    struct msg_proof proof;
    struct msg_bye bye;
    uint64_t bytes;
    enum ent_status st = ENT_OK;

    switch ((enum ent_msg_type)type) {
    case ENT_MSG_HELLO:
        st = msg_hello_decode(body, &hello);
        break;
    case ENT_MSG_CHANGES:
    case ENT_MSG_HEADS:
        check_heads(w, type, body);
        break;
    case ENT_MSG_WANT:
        check_want(body);
        break;
    case ENT_MSG_RUN:
        st = msg_run_decode(body, &run);
        pay(w, run.run.len);
        break;
    case ENT_MSG_ACK:
        check_ack(w, body);
        break;
    case ENT_MSG_PROOF:
        st = msg_proof_decode(body, &proof);
        break;
    case ENT_MSG_GRANT:
        st = msg_grant_decode(body, &bytes);
        ENT_ASSERT(st != ENT_OK || bytes <= ENT_CREDIT_MAX);
        break;
    case ENT_MSG_BYE:
        st = msg_bye_decode(body, &bye);
        break;
    default:
        st = msg_empty_decode(body);
        break;
    }
    ENT_ASSERT(st == ENT_OK);
    note(w, body);
}

static void
keep_job(struct world *w, const struct ent_session_effect *fx)
{
    struct job *job = &w->jobs[w->job_count++];
    struct ent_slice run = fx->u.store_run.run;

    ENT_ASSERT(w->job_count < JOBS_MAX);
    *job = (struct job){.fx = *fx};
    if (fx->type == ENT_FX_CHECK) {
        size_t len = fx->u.check.count * sizeof(*job->heads);

        job->heads = ent_alloc(len);
        memcpy(job->heads, fx->u.check.heads, len);
    } else if (fx->type == ENT_FX_STORE_RUN) {
        job->run_len = run.len;
        memcpy(&job->log, run.p,
               run.len < LOGKEY_LEN ? run.len : sizeof(job->log));
    }
    ENT_ASSERT(pending(w, ENT_FX_READ_CHANGES) <= 1);
    ENT_ASSERT(pending(w, ENT_FX_READ_RUN) <= ENT_READS_OPEN_MAX);
    ENT_ASSERT(pending(w, ENT_FX_READ_PROOF) <= 1);
    ENT_ASSERT(pending(w, ENT_FX_READ_HEADS) <= 1);
}

static void
take_effect(struct world *w, const struct ent_session_effect *fx)
{
    ENT_ASSERT(!w->is_closed);
    note(w, ENT_SLICE_OF(fx->type));
    switch (fx->type) {
    case ENT_FX_SEND:
        ENT_ASSERT(fx->u.send.body.len <= ENT_MESSAGE_MAX);
        check_sent(w, fx->u.send.type, fx->u.send.body);
        break;
    case ENT_FX_READ_CHANGES:
    case ENT_FX_READ_RUN:
    case ENT_FX_CHECK:
    case ENT_FX_STORE_RUN:
    case ENT_FX_READ_PROOF:
    case ENT_FX_READ_HEADS:
        keep_job(w, fx);
        break;
    case ENT_FX_CLOSE:
        w->is_closed = true;
        break;
    case ENT_FX_CONSUMED:
    case ENT_FX_ACKED:
    case ENT_FX_PROVED:
    case ENT_FX_ROLLED_BACK:
    case ENT_FX_NOTE:
    case ENT_FX_READY:
        break;
    }
}

static void
step(struct world *w, struct ent_session_event *event)
{
    struct ent_session_effect fx;
    struct ent_session_view view;

    event->now_ms = w->now_ms;
    ent_session_step(w->session, event);
    while (ent_session_next(w->session, &fx)) {
        take_effect(w, &fx);
    }
    ent_session_view(w->session, &view);
    ENT_ASSERT(view.acked <= view.told && view.consumed <= view.peer_top);
    ENT_ASSERT(!view.is_proved || view.is_ready);
}

/* ---- the store ---- */

static void
answer_changes(struct world *w, const struct job *job)
{
    struct ent_session_event event = {.type = ENT_EV_CHANGES};
    struct ent_head heads[HEADS_MAX];
    uint64_t after = job->fx.u.read_changes.after;
    uint64_t upto = after + bytes_u8(&w->in) % 4;

    event.u.changes.after = after;
    event.u.changes.upto = upto;
    event.u.changes.heads = heads;
    if (upto > after) {
        event.u.changes.count = some_heads(&w->in, heads, HEADS_MAX);
        event.u.changes.push_bytes = bytes_number(&w->in, 3);
    }
    w->top = upto > w->top ? upto : w->top;
    step(w, &event);
}

static void
answer_run(struct world *w, const struct job *job)
{
    struct ent_session_event event = {.type = ENT_EV_RUN};
    size_t max = job->fx.u.read_run.max_bytes;
    uint8_t choice = bytes_u8(&w->in);
    size_t len = (size_t)bytes_number(&w->in, 3);
    uint8_t *run = NULL;

    event.u.run.log = job->fx.u.read_run.log;
    event.u.run.from_seq = job->fx.u.read_run.from_seq;
    event.u.run.to_seq = job->fx.u.read_run.to_seq;
    event.u.run.last_seq = event.u.run.from_seq - 1;
    len = len % ENT_RUN_BYTES_MAX + 1;
    if (choice % 4 == 0 && len > max) {
        event.u.run.need_bytes = len;
    } else if (choice % 4 != 1) {
        len = len < max ? len : max;
        run = ent_alloc_zero(1, len);
        event.u.run.run = ent_slice(run, len);
        event.u.run.last_seq = event.u.run.from_seq + choice / 16;
    }
    step(w, &event);
    free(run);
}

static void
answer_check(struct world *w, const struct job *job)
{
    struct ent_session_event event = {.type = ENT_EV_NEEDS};
    size_t count = job->fx.u.check.count;
    struct ent_need *needs = ent_alloc_zero(count, sizeof(*needs));
    size_t found = 0;
    size_t i;

    for (i = 0; i < count; i++) {
        const struct ent_head *h = &job->heads[i];
        uint8_t choice = bytes_u8(&w->in);

        if (choice % 4 != 0) {
            uint64_t from = h->seq > choice ? choice : h->seq;

            needs[found++] = (struct ent_need){h->log, from, h->seq};
        }
    }
    event.u.needs.token = job->fx.u.check.token;
    event.u.needs.count = found;
    event.u.needs.needs = needs;
    step(w, &event);
    free(needs);
}

static void
answer_stored(struct world *w, const struct job *job)
{
    static const enum ent_status all[] = {
        ENT_OK,
        ENT_OK,
        ENT_AGAIN,
        ENT_PEER_UNKNOWN_AUTHOR,
        ENT_PEER_UNKNOWN_SPACE,
        ENT_PEER_NOT_ENTITLED,
        ENT_PEER_FORK,
        ENT_PEER_BAD_SIG,
    };
    struct ent_session_event event = {.type = ENT_EV_STORED};
    uint8_t choice = bytes_u8(&w->in);

    event.u.stored.st = all[choice % 8];
    event.u.stored.log = job->log;
    event.u.stored.run_len = job->run_len;
    event.u.stored.head_seq =
        (choice & 0x80) != 0 ? UINT64_MAX : bytes_u8(&w->in);
    step(w, &event);
}

static void
answer_proof(struct world *w)
{
    struct ent_session_event event = {.type = ENT_EV_PROOF};

    event.u.proof.sum[0] = bytes_u8(&w->in) % 3;
    event.u.proof.head_count = bytes_u8(&w->in) % 3;
    event.u.proof.spaces[0] = bytes_u8(&w->in) % 3;
    event.u.proof.top = w->top;
    step(w, &event);
}

static void
answer_heads(struct world *w, const struct job *job)
{
    struct ent_session_event event = {.type = ENT_EV_HEADS};
    struct ent_head heads[HEADS_MAX];
    size_t max = job->fx.u.read_heads.max;
    uint8_t choice = bytes_u8(&w->in);

    event.u.heads.count =
        some_heads(&w->in, heads, max < HEADS_MAX ? max : HEADS_MAX);
    event.u.heads.heads = heads;
    event.u.heads.is_last = (choice & 1) != 0;
    event.u.heads.upto = job->fx.u.read_heads.after + 1;
    step(w, &event);
}

static void
answer(struct world *w, size_t index)
{
    struct job job = w->jobs[index];

    w->job_count--;
    memmove(&w->jobs[index], &w->jobs[index + 1],
            (w->job_count - index) * sizeof(job));
    switch (job.fx.type) {
    case ENT_FX_READ_CHANGES:
        answer_changes(w, &job);
        break;
    case ENT_FX_READ_RUN:
        answer_run(w, &job);
        break;
    case ENT_FX_CHECK:
        answer_check(w, &job);
        break;
    case ENT_FX_STORE_RUN:
        answer_stored(w, &job);
        break;
    case ENT_FX_READ_PROOF:
        answer_proof(w);
        break;
    case ENT_FX_READ_HEADS:
        answer_heads(w, &job);
        break;
    default:
        ENT_ASSERT(false);
    }
    free(job.heads);
}

/* ---- the peer ---- */

static void
say(struct world *w, unsigned type, struct ent_slice body)
{
    struct ent_session_event event = {.type = ENT_EV_MESSAGE};
    struct msg_heads changes;
    uint64_t bytes;

    if (type == ENT_MSG_GRANT && msg_grant_decode(body, &bytes) == ENT_OK) {
        w->credit += (size_t)bytes;
        w->credit = w->credit < ENT_CREDIT_MAX ? w->credit : ENT_CREDIT_MAX;
    }
    if (type == ENT_MSG_CHANGES &&
        msg_changes_decode(body, &changes) == ENT_OK) {
        w->peer_upto =
            changes.upto > w->peer_upto ? changes.upto : w->peer_upto;
        free(changes.heads);
    }
    event.u.message.type = (uint8_t)type;
    event.u.message.body = body;
    step(w, &event);
}

static void
say_buf(struct world *w, unsigned type, struct ent_buf *body)
{
    say(w, type, ent_buf_slice(body));
    ent_buf_release(body);
}

static void
say_changes(struct world *w)
{
    struct ent_head heads[HEADS_MAX];
    struct msg_heads m = {.after = w->peer_upto, .heads = heads};
    struct ent_buf body = {0};

    m.upto = m.after + bytes_u8(&w->in) % 4 + 1;
    m.count = some_heads(&w->in, heads, HEADS_MAX);
    msg_changes_encode(&m, &body);
    say_buf(w, ENT_MSG_CHANGES, &body);
}

static void
say_heads(struct world *w)
{
    struct ent_head heads[HEADS_MAX];
    struct msg_heads m = {.heads = heads};
    struct ent_buf body = {0};

    m.is_last = (bytes_u8(&w->in) & 1) != 0;
    m.count = some_heads(&w->in, heads, HEADS_MAX);
    msg_heads_encode(&m, &body);
    say_buf(w, ENT_MSG_HEADS, &body);
}

static void
say_want(struct world *w)
{
    struct ent_need needs[HEADS_MAX];
    struct msg_want m = {.count = bytes_u8(&w->in) % HEADS_MAX + 1,
                         .needs = needs};
    struct ent_buf body = {0};
    size_t i;

    for (i = 0; i < m.count; i++) {
        struct ent_head h = some_head(&w->in);

        needs[i] = (struct ent_need){h.log, h.from_seq, h.seq};
    }
    msg_want_encode(&m, &body);
    say_buf(w, ENT_MSG_WANT, &body);
}

/* A run is the name of its log and then anything: the store verifies it. */
static void
say_run(struct world *w)
{
    struct msg_run m = {.log = some_log(&w->in)};
    size_t len = bytes_u16(&w->in);
    uint8_t *run = ent_alloc_zero(1, len + LOGKEY_LEN);
    struct ent_buf body = {0};

    memcpy(run, &m.log, LOGKEY_LEN);
    if (len > 0) {
        m.run = ent_slice(run, len + LOGKEY_LEN);
    }
    msg_run_encode(&m, &body);
    say_buf(w, ENT_MSG_RUN, &body);
    free(run);
}

static void
say_ack(struct world *w)
{
    struct ent_session_view view;
    struct msg_ack m;
    struct ent_buf body = {0};

    ent_session_view(w->session, &view);
    m.consumed = view.acked + bytes_u8(&w->in) % 4;
    m.settled = m.consumed + bytes_u8(&w->in) % 4;
    msg_ack_encode(&m, &body);
    say_buf(w, ENT_MSG_ACK, &body);
}

/* Numbers that meet ours, so that proofs are compared. */
static void
say_proof(struct world *w)
{
    struct ent_session_view view;
    struct msg_proof m = {.told = w->peer_upto};
    struct ent_buf body = {0};

    ent_session_view(w->session, &view);
    m.consumed = view.told;
    m.top = m.told + bytes_u8(&w->in) % 4;
    m.spaces[0] = bytes_u8(&w->in) % 3;
    msg_proof_encode(&m, &body);
    say_buf(w, ENT_MSG_PROOF, &body);
}

static void
say_grant(struct world *w)
{
    struct ent_buf body = {0};

    msg_grant_encode(bytes_number(&w->in, 3), &body);
    say_buf(w, ENT_MSG_GRANT, &body);
}

static void
say_anything(struct world *w)
{
    unsigned type = bytes_u8(&w->in);

    say(w, type, bytes_take(&w->in, bytes_u16(&w->in)));
}

/* ---- what happens ---- */

static void
tell(struct world *w, enum ent_session_event_type type)
{
    struct ent_session_event event = {.type = type};
    uint8_t n = bytes_u8(&w->in);

    if (type == ENT_EV_TICK) {
        w->now_ms += n * (uint64_t)n * 4;
    } else if (type == ENT_EV_MOVED) {
        w->top += n % 4;
        event.u.moved.top = w->top;
    } else if (type == ENT_EV_STOP) {
        event.u.stop.bye = (enum ent_bye)(n % ENT_BYE_AGAIN + 1);
    }
    step(w, &event);
}

static void
happen(struct world *w)
{
    static void (*const says[])(struct world *) = {
        say_anything, say_changes, say_want,  say_run,
        say_ack,      say_proof,   say_heads, say_grant};
    uint8_t choice = bytes_u8(&w->in);

    if (choice < 8 * 12) {
        says[choice % 8](w);
    } else if (choice < 120) {
        tell(w, ENT_EV_TICK);
    } else if (choice < 136) {
        tell(w, ENT_EV_MOVED);
    } else if (choice == 136) {
        tell(w, ENT_EV_STOP);
    } else if (choice < 144) {
        tell(w, ENT_EV_RETRY);
    } else if (w->job_count > 0) {
        answer(w, choice % w->job_count);
    }
}

static struct msg_hello
some_hello(struct world *w)
{
    struct msg_hello m = {.protocol_min = 1, .protocol_max = 1};
    uint8_t choice = bytes_u8(&w->in);

    memset(m.store_id, choice % SOME_NUMBER, sizeof(m.store_id));
    m.features = choice >> 7;
    m.top = bytes_u8(&w->in);
    m.knows_store = (choice & 0x40) != 0;
    memset(m.known_store_id, 1, sizeof(m.known_store_id));
    m.consumed = bytes_u8(&w->in) % 8;
    return m;
}

static void
start(struct world *w)
{
    struct ent_session_config config = {.protocol_min = 1, .protocol_max = 1};
    struct ent_session_event event = {.type = ENT_EV_START};
    struct ent_session_view view;
    struct msg_hello hello;
    uint8_t padded[ENT_HELLO_LEN];
    struct ent_buf body = {0};
    uint8_t choice = bytes_u8(&w->in);

    config.is_caller = (choice & 1) != 0;
    config.is_recovering = (choice & 2) != 0;
    config.knows_peer_store = (choice & 4) != 0;
    memset(config.node.b, (choice & 8) != 0 ? 0x11 : 0x33, 32);
    memset(config.peer.b, 0x22, 32);
    memset(config.store_id, 1, sizeof(config.store_id));
    memset(config.peer_store_id, 2, sizeof(config.peer_store_id));
    w->top = bytes_u8(&w->in) % 8;
    config.top = w->top;
    config.consumed = bytes_u8(&w->in) % 8;
    hello = some_hello(w);
    w->session = ent_session_new(&config);
    msg_hello_pad(&hello, padded);
    if (!config.is_caller) {
        event.u.start.hello = ENT_SLICE_OF(padded);
    }
    step(w, &event);
    if (config.is_caller) {
        msg_hello_encode(&hello, &body);
        say_buf(w, ENT_MSG_HELLO, &body);
    }
    ent_session_view(w->session, &view);
    w->peer_upto = view.consumed;
}

static struct ent_id
live(const uint8_t *data, size_t size)
{
    static struct job jobs[JOBS_MAX];
    struct world w = {.in = {data, size}, .now_ms = 1000, .jobs = jobs};
    size_t i;

    w.credit = ENT_CREDIT_START;
    start(&w);
    for (i = 0; i < STEPS_MAX && w.in.left > 0; i++) {
        happen(&w);
    }
    for (i = 0; i < STEPS_MAX && w.job_count > 0; i++) {
        answer(&w, 0);
    }
    for (i = 0; i < w.job_count; i++) {
        free(w.jobs[i].heads);
    }
    ent_session_free(w.session);
    return w.done;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ent_id once = live(data, size);
    struct ent_id twice = live(data, size);

    ENT_ASSERT(ent_id_eq(&once, &twice));
    return 0;
}
