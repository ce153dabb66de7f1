/*
 * A session's effects, carried out.
 *
 * Happy path
 *   - SEND goes to the connection at once.
 *   - READ_… and CHECK become jobs of the sessions' reader; what they found
 *     comes back as an event.
 *   - STORE_RUN is verified on the reader's thread, then stored by the writer;
 *     STORED follows the commit. Both threads keep the order of asking, so a
 *     log's runs arrive in order.
 *   - CONSUMED, ACKED and PROVED change what is kept of the peer.
 * Failure modes
 *   - the session ended while a job was under way: its result is dropped.
 *   - the node stops: a verified run is dropped before it is stored; the peer
 *     was not told that we have it, and sends it again.
 */
#include "io/exchange_state.h"

#include "clock.h"
#include "log.h"

#include <entente/run.h>

#include <stdio.h>
#include <stdlib.h>

struct fx_job {
    struct read_job read;
    struct exchange *ex;
    struct ent_session_event event; /* the result */
    struct ent_need need;
    size_t max_bytes;
    uint32_t max;
    size_t head_count;
    struct ent_head *heads; /* owned */
    struct ent_need *needs; /* owned */
    struct ent_buf buf;
};

struct store_job {
    struct write_job write;
    struct exchange *ex;
    struct ent_buf bytes; /* the run's payloads borrow from it */
    struct ent_run *run;
    struct ent_id peer;
    struct ent_session_event event;
};

struct verify_job {
    struct read_job read;
    struct store_job *store;
};

static void
fx_done(struct job *job)
{
    struct fx_job *fx = (struct fx_job *)job;

    if (exchange_release(fx->ex)) {
        exchange_step(fx->ex, &fx->event);
    }
    free(fx->heads);
    free(fx->needs);
    ent_buf_release(&fx->buf);
    free(fx);
}

static struct fx_job *
fx_new(struct exchange *ex, enum ent_session_event_type type,
       void (*run)(struct read_job *, struct db *))
{
    struct fx_job *fx = ent_alloc_zero(1, sizeof(*fx));

    fx->ex = ex;
    fx->event.type = type;
    fx->read.run = run;
    fx->read.job.done = fx_done;
    return fx;
}

static void
fx_post(struct fx_job *fx)
{
    exchange_hold(fx->ex);
    reader_post(fx->ex->io->session_reader, &fx->read);
}

/* ---- reading; each runs on the sessions' reader ---- */

static void
run_changes(struct read_job *read, struct db *db)
{
    struct fx_job *fx = (struct fx_job *)read;
    struct sync_changes changes = {0};

    sync_read_changes(db, &fx->ex->who, fx->event.u.changes.after, fx->max,
                      &changes);
    fx->heads = changes.heads;
    fx->event.u.changes.upto = changes.upto;
    memcpy(fx->event.u.changes.upto_id, changes.upto_id,
           sizeof(changes.upto_id));
    fx->event.u.changes.count = changes.count;
    fx->event.u.changes.heads = changes.heads;
    fx->event.u.changes.push_bytes = changes.push_bytes;
}

static void
run_run(struct read_job *read, struct db *db)
{
    struct fx_job *fx = (struct fx_job *)read;

    ent_buf_init(&fx->buf, ENT_MESSAGE_MAX);
    fx->event.u.run.last_seq = fx->need.from_seq - 1;
    sync_read_run(db, &fx->ex->who, &fx->need, fx->max_bytes, &fx->buf,
                  &fx->event.u.run.last_seq);
    if (fx->buf.len > fx->max_bytes) {
        fx->event.u.run.need_bytes = fx->buf.len;
        fx->event.u.run.last_seq = fx->need.from_seq - 1;
        return;
    }
    fx->event.u.run.run = ent_buf_slice(&fx->buf);
}

static void
run_check(struct read_job *read, struct db *db)
{
    struct fx_job *fx = (struct fx_job *)read;

    fx->event.u.needs.count =
        sync_check(db, &fx->ex->who, fx->heads, fx->head_count, fx->needs);
    fx->event.u.needs.needs = fx->needs;
}

static void
run_proof(struct read_job *read, struct db *db)
{
    struct fx_job *fx = (struct fx_job *)read;
    struct sync_proof proof = {0};

    sync_read_proof(db, &fx->ex->who, &fx->ex->proof_key, &proof);
    memcpy(fx->event.u.proof.sum, proof.sum, sizeof(proof.sum));
    memcpy(fx->event.u.proof.spaces, proof.spaces, sizeof(proof.spaces));
    fx->event.u.proof.head_count = proof.head_count;
    fx->event.u.proof.top = proof.top;
}

/* The store gives them all, in its own order; the session takes a part. */
static void
run_heads(struct read_job *read, struct db *db)
{
    struct fx_job *fx = (struct fx_job *)read;
    uint64_t after = fx->event.u.heads.upto;
    size_t all = 0;
    size_t first;

    fx->heads = sync_read_heads(db, &fx->ex->who, &all);
    first = after < all ? (size_t)after : all;
    fx->head_count = all - first < fx->max ? all - first : fx->max;
    fx->event.u.heads.heads = fx->heads + first;
    fx->event.u.heads.count = fx->head_count;
    fx->event.u.heads.upto = first + fx->head_count;
    fx->event.u.heads.is_last = first + fx->head_count == all;
}

static void
read_changes(struct exchange *ex, const struct ent_session_effect *effect)
{
    struct fx_job *fx = fx_new(ex, ENT_EV_CHANGES, run_changes);

    fx->event.u.changes.after = effect->u.read_changes.after;
    fx->max = effect->u.read_changes.max;
    fx_post(fx);
}

static void
read_run(struct exchange *ex, const struct ent_session_effect *effect)
{
    struct fx_job *fx = fx_new(ex, ENT_EV_RUN, run_run);

    fx->need = (struct ent_need){
        .log = effect->u.read_run.log,
        .from_seq = effect->u.read_run.from_seq,
        .to_seq = effect->u.read_run.to_seq,
    };
    fx->max_bytes = effect->u.read_run.max_bytes;
    fx->event.u.run.log = fx->need.log;
    fx->event.u.run.from_seq = fx->need.from_seq;
    fx->event.u.run.to_seq = fx->need.to_seq;
    fx_post(fx);
}

static void
check(struct exchange *ex, const struct ent_session_effect *effect)
{
    struct fx_job *fx = fx_new(ex, ENT_EV_NEEDS, run_check);
    size_t count = effect->u.check.count;

    fx->event.u.needs.token = effect->u.check.token;
    fx->head_count = count;
    fx->heads = ent_alloc_zero(count, sizeof(*fx->heads));
    fx->needs = ent_alloc_zero(count, sizeof(*fx->needs));
    memcpy(fx->heads, effect->u.check.heads, count * sizeof(*fx->heads));
    fx_post(fx);
}

static void
read_heads(struct exchange *ex, const struct ent_session_effect *effect)
{
    struct fx_job *fx = fx_new(ex, ENT_EV_HEADS, run_heads);

    fx->event.u.heads.upto = effect->u.read_heads.after;
    fx->max = effect->u.read_heads.max;
    fx_post(fx);
}

/* ---- storing ---- */

static void
store_free(struct store_job *store)
{
    ent_run_free(store->run);
    ent_buf_release(&store->bytes);
    free(store);
}

static void
done_store(struct job *job)
{
    struct store_job *store = (struct store_job *)job;

    if (exchange_release(store->ex)) {
        exchange_step(store->ex, &store->event);
    }
    store_free(store);
}

static void
run_store(struct write_job *write, struct engine *engine)
{
    struct store_job *store = (struct store_job *)write;

    store->event.u.stored.head_seq = UINT64_MAX;
    store->event.u.stored.st = engine_ingest(engine, store->run, &store->peer,
                                             &store->event.u.stored.head_seq);
}

static void
run_verify(struct read_job *read, struct db *db)
{
    struct store_job *store = ((struct verify_job *)read)->store;

    (void)db;
    store->run =
        ent_run_verify(ent_buf_slice(&store->bytes), &store->event.u.stored.st);
    if (store->run != NULL) {
        store->event.u.stored.log = store->run->log;
    }
}

static void
done_verify(struct job *job)
{
    struct verify_job *verify = (struct verify_job *)job;
    struct store_job *store = verify->store;

    free(verify);
    if (store->run != NULL && !store->ex->io->is_stopping) {
        writer_post(store->ex->io->writer, &store->write);
    } else if (store->run == NULL) {
        done_store(&store->write.job); /* refused: the status says why */
    } else {
        exchange_release(store->ex);
        store_free(store);
    }
}

/*~ 7/14 The loop must be free again in a moment, and checking signatures takes
 * longer. So the bytes are copied (an effect's are lent for one step only), a
 * job is made, and the reader's thread does run_verify. The exchange is held
 * meanwhile: whoever closes it now does not pull the floor away from under the
 * job. */
static void
store_run(struct exchange *ex, const struct ent_session_effect *effect)
{
    struct store_job *store = ent_alloc_zero(1, sizeof(*store));
    struct verify_job *verify = ent_alloc_zero(1, sizeof(*verify));

    store->ex = ex;
    store->peer = ex->peer->node;
    store->write.run = run_store;
    store->write.job.done = done_store;
    store->event.type = ENT_EV_STORED;
    store->event.u.stored.head_seq = UINT64_MAX;
    store->event.u.stored.run_len = effect->u.store_run.run.len;
    ent_buf_init(&store->bytes, ENT_MESSAGE_MAX);
    ent_buf_put_slice(&store->bytes, effect->u.store_run.run);
    verify->store = store;
    verify->read.run = run_verify;
    verify->read.job.done = done_verify;
    exchange_hold(ex);
    reader_post(ex->io->session_reader, &verify->read);
}

/* ---- what is kept of the peer ---- */

static void
keep(struct exchange *ex)
{
    ex->peer->state.last_exchange_at = clock_wall_ms();
    peers_keep(ex->io->peers, ex->peer);
}

static void
consumed(struct exchange *ex, const struct ent_session_effect *effect)
{
    struct sync_state *state = &ex->peer->state;

    state->knows_peer_store = true;
    memcpy(state->peer_store_id, effect->u.consumed.store_id,
           sizeof(state->peer_store_id));
    state->consumed = effect->u.consumed.number;
    memcpy(state->consumed_id, effect->u.consumed.id,
           sizeof(state->consumed_id));
    keep(ex);
}

static void
run_rolled_back(struct write_job *write, struct engine *engine)
{
    (void)write;
    engine_rolled_back(engine);
}

static void
run_proved_after_restore(struct write_job *write, struct engine *engine)
{
    (void)write;
    engine_proved_after_restore(engine);
}

static void
done_write(struct job *job)
{
    free(job);
}

static void
post_write(struct exchange *ex,
           void (*run)(struct write_job *, struct engine *))
{
    struct write_job *write = ent_alloc_zero(1, sizeof(*write));

    write->run = run;
    write->job.done = done_write;
    writer_post(ex->io->writer, write);
}

static void
proved(struct exchange *ex)
{
    char name[9];

    if (ex->who.is_limited) {
        return; /* the circle alone says nothing about the rest */
    }
    if (ex->config.is_recovering) {
        ex->config.is_recovering = false;
        post_write(ex, run_proved_after_restore);
    }
    ex->peer->state.proved_at = clock_wall_ms();
    ex->peer->state.proved_top = ex->proof_top;
    keep(ex);
    log_line(LOG_DEBUG, "session", "peer=%s proved equal at %llu",
             log_node(&ex->peer->node, name),
             (unsigned long long)ex->proof_top);
}

/* The peer has consumed more of ours than we have: this store is an older
 * copy. From now on new incarnations, and nothing is lost or forked. */
static void
rolled_back(struct exchange *ex)
{
    struct live_node node;
    char name[9];

    if (ex->io->top != ex->config.top) {
        /* What we committed since this session was made may have reached the
         * peer by another one: shake hands anew and see. */
        ex->bye_due = ENT_BYE_AGAIN;
        return;
    }

    log_line(LOG_WARN, "session",
             "peer=%s knows more of this node than the node itself: the store "
             "is an older copy; going on in new incarnations",
             log_node(&ex->peer->node, name));
    live_node_get(ex->io->live, &node);
    snprintf(node.note, sizeof(node.note),
             "This node's store is older than what a peer has of it. Its own "
             "entries are being fetched back.");
    live_node_set(ex->io->live, &node);
    post_write(ex, run_rolled_back);
}

/* ---- the echo: does the peer know us as we are? ---- */

struct echo_job {
    struct read_job read;
    struct exchange *ex;
    uint64_t number;
    uint8_t id[16];
    bool differs;
};

static void
run_echo(struct read_job *read, struct db *db)
{
    struct echo_job *echo = (struct echo_job *)read;
    uint8_t ours[16];

    sync_id_at(db, echo->number, ours);
    echo->differs = memcmp(ours, echo->id, sizeof(ours)) != 0;
}

static void
done_echo(struct job *job)
{
    struct echo_job *echo = (struct echo_job *)job;

    if (exchange_release(echo->ex) && echo->differs) {
        rolled_back(echo->ex);
    }
    free(echo);
}

/* What the peer consumed of us last must still be what we have there
 * (docs/protocol.md 3.4); a higher number than ours the session sees itself. */
static void
check_echo(struct exchange *ex, const struct ent_session_effect *effect)
{
    static const uint8_t none[16];
    struct echo_job *echo;

    if (effect->u.ready.consumed_ours == 0 ||
        memcmp(effect->u.ready.consumed_ours_id, none, sizeof(none)) == 0) {
        return;
    }
    echo = ent_alloc_zero(1, sizeof(*echo));
    echo->ex = ex;
    echo->number = effect->u.ready.consumed_ours;
    memcpy(echo->id, effect->u.ready.consumed_ours_id, sizeof(echo->id));
    echo->read.run = run_echo;
    echo->read.job.done = done_echo;
    exchange_hold(ex);
    reader_post(ex->io->session_reader, &echo->read);
}

static void
note(struct exchange *ex, const struct ent_session_effect *effect)
{
    char space[9];
    char author[9];
    char name[9];

    log_line(LOG_INFO, "session", "peer=%s %s (space %s, author %s)",
             log_node(&ex->peer->node, name),
             ent_status_name(effect->u.note.st),
             log_node(&effect->u.note.log.space, space),
             log_node(&effect->u.note.log.node, author));
}

void
effects_run(struct exchange *ex, const struct ent_session_effect *effect)
{
    switch (effect->type) {
    case ENT_FX_SEND:
        conn_send(ex->conn, effect->u.send.type, effect->u.send.body);
        break;
    case ENT_FX_READ_CHANGES:
        read_changes(ex, effect);
        break;
    case ENT_FX_READ_RUN:
        read_run(ex, effect);
        break;
    case ENT_FX_CHECK:
        check(ex, effect);
        break;
    case ENT_FX_STORE_RUN:
        store_run(ex, effect);
        break;
    case ENT_FX_READ_PROOF:
        fx_post(fx_new(ex, ENT_EV_PROOF, run_proof));
        break;
    case ENT_FX_READ_HEADS:
        read_heads(ex, effect);
        break;
    case ENT_FX_CONSUMED:
        consumed(ex, effect);
        break;
    case ENT_FX_ACKED:
        ex->peer->state.acked = effect->u.consumed.number;
        keep(ex);
        break;
    case ENT_FX_PROVED:
        proved(ex);
        break;
    case ENT_FX_ROLLED_BACK:
        rolled_back(ex);
        break;
    case ENT_FX_NOTE:
        note(ex, effect);
        break;
    case ENT_FX_READY:
        exchange_on_ready(ex, effect);
        check_echo(ex, effect);
        break;
    case ENT_FX_CLOSE:
        exchange_on_close(ex, effect);
        break;
    }
}
