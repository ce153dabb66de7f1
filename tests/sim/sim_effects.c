/* Effects: see sim_effects.h. */
#include "sim/sim_effects.h"

#include <stdlib.h>

#include "sim/sim_net.h"
#include "sim/sim_node.h"
#include "sim/sim_talk.h"

#define READ_MS 3u /* at most, each */

struct read {
    uint64_t talk;
    unsigned node;
    uint64_t life;
    struct sync_peer who;
    struct ent_key proof_key;
    struct ent_session_event event; /* the result */
    struct ent_need need;
    size_t max_bytes;
    uint32_t max;
    size_t head_count;
    struct ent_head *heads; /* owned */
    struct ent_need *needs; /* owned */
    struct ent_buf buf;
    struct ent_id truth;
};

static void
read_free(struct read *read)
{
    free(read->heads);
    free(read->needs);
    ent_buf_release(&read->buf);
    free(read);
}

/* ---- what is read ---- */

static void
read_changes(struct read *read, struct db *db)
{
    struct sync_changes changes = {0};

    sync_read_changes(db, &read->who, read->event.u.changes.after, read->max,
                      &changes);
    read->heads = changes.heads;
    read->event.u.changes.upto = changes.upto;
    memcpy(read->event.u.changes.upto_id, changes.upto_id,
           sizeof(changes.upto_id));
    read->event.u.changes.count = changes.count;
    read->event.u.changes.heads = changes.heads;
    read->event.u.changes.push_bytes = changes.push_bytes;
}

static void
read_run(struct read *read, struct db *db)
{
    ent_buf_init(&read->buf, ENT_MESSAGE_MAX);
    sync_read_run(db, &read->who, &read->need, read->max_bytes, &read->buf,
                  &read->event.u.run.last_seq);
    if (read->buf.len > read->max_bytes) {
        read->event.u.run.need_bytes = read->buf.len;
        read->event.u.run.last_seq = read->need.from_seq - 1;
        return;
    }
    read->event.u.run.run = ent_buf_slice(&read->buf);
}

static void
read_check(struct read *read, struct db *db)
{
    read->event.u.needs.count =
        sync_check(db, &read->who, read->heads, read->head_count, read->needs);
    read->event.u.needs.needs = read->needs;
}

static int
compare_heads(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct ent_head));
}

/* The common heads themselves, beside the sum that stands for them. */
static void
read_proof(struct read *read, struct db *db)
{
    struct sync_proof proof = {0};
    size_t count;
    struct ent_head *heads = sync_read_heads(db, &read->who, &count);

    sync_read_proof(db, &read->who, &read->proof_key, &proof);
    memcpy(read->event.u.proof.sum, proof.sum, sizeof(proof.sum));
    memcpy(read->event.u.proof.spaces, proof.spaces, sizeof(proof.spaces));
    read->event.u.proof.head_count = proof.head_count;
    read->event.u.proof.top = proof.top;
    if (count > 0) {
        qsort(heads, count, sizeof(*heads), compare_heads);
    }
    ent_hash("sim/truth", ent_slice(heads, count * sizeof(*heads)),
             &read->truth);
    free(heads);
}

static void
read_heads(struct read *read, struct db *db)
{
    uint64_t after = read->event.u.heads.upto;
    size_t all = 0;
    size_t first;
    size_t count;

    read->heads = sync_read_heads(db, &read->who, &all);
    first = after < all ? (size_t)after : all;
    count = all - first < read->max ? all - first : read->max;
    read->event.u.heads.heads = read->heads + first;
    read->event.u.heads.count = count;
    read->event.u.heads.upto = first + count;
    read->event.u.heads.is_last = first + count == all;
}

static void
read_store(struct read *read, struct db *db)
{
    if (read->event.type == ENT_EV_CHANGES) {
        read_changes(read, db);
    } else if (read->event.type == ENT_EV_RUN) {
        read_run(read, db);
    } else if (read->event.type == ENT_EV_NEEDS) {
        read_check(read, db);
    } else if (read->event.type == ENT_EV_PROOF) {
        read_proof(read, db);
    } else {
        ENT_ASSERT(read->event.type == ENT_EV_HEADS);
        read_heads(read, db);
    }
}

/* ---- the reader: one thing after the other ---- */

/* A later thing never overtakes an earlier one. */
static uint64_t
in_turn(struct sim_world *world, uint64_t *due_ms)
{
    uint64_t at = world->now_ms + sim_world_below(world, READ_MS);

    if (at < *due_ms) {
        at = *due_ms;
    }
    *due_ms = at;
    return at - world->now_ms;
}

static void
on_answer(struct sim_world *world, void *arg)
{
    struct read *read = arg;
    struct sim_talk *talk = sim_talk_find(world, read->talk);

    if (talk != NULL) {
        if (read->event.type == ENT_EV_PROOF) {
            talk->proof_top = read->event.u.proof.top;
            talk->truth = read->truth;
        }
        sim_talk_step(world, read->talk, &read->event);
    }
    read_free(read);
}

static void
on_read(struct sim_world *world, void *arg)
{
    struct read *read = arg;
    struct sim_node *n = &world->nodes[read->node];

    if (n->engine == NULL || n->life != read->life) {
        read_free(read);
        return;
    }
    read_store(read, engine_db(n->engine));
    sim_world_later(world, in_turn(world, &n->give_due_ms), on_answer, read);
}

static struct read *
read_new(struct sim_world *world, const struct sim_talk *talk,
         enum ent_session_event_type type)
{
    struct read *read = ent_alloc_zero(1, sizeof(*read));

    read->talk = talk->id;
    read->node = talk->node;
    read->life = world->nodes[talk->node].life;
    read->who = talk->who;
    read->proof_key = talk->proof_key;
    read->event.type = type;
    return read;
}

static void
post(struct sim_world *world, struct read *read)
{
    struct sim_node *n = &world->nodes[read->node];

    sim_world_later(world, in_turn(world, &n->reader_due_ms), on_read, read);
}

static void
ask_run(struct sim_world *world, const struct sim_talk *talk,
        const struct ent_session_effect *fx)
{
    struct read *read = read_new(world, talk, ENT_EV_RUN);

    read->need = (struct ent_need){
        .log = fx->u.read_run.log,
        .from_seq = fx->u.read_run.from_seq,
        .to_seq = fx->u.read_run.to_seq,
    };
    read->max_bytes = fx->u.read_run.max_bytes;
    read->event.u.run.log = read->need.log;
    read->event.u.run.from_seq = read->need.from_seq;
    read->event.u.run.to_seq = read->need.to_seq;
    read->event.u.run.last_seq = read->need.from_seq - 1;
    post(world, read);
}

static void
ask_check(struct sim_world *world, const struct sim_talk *talk,
          const struct ent_session_effect *fx)
{
    struct read *read = read_new(world, talk, ENT_EV_NEEDS);
    size_t count = fx->u.check.count;

    read->event.u.needs.token = fx->u.check.token;
    read->head_count = count;
    read->heads = ent_alloc_zero(count, sizeof(*read->heads));
    read->needs = ent_alloc_zero(count, sizeof(*read->needs));
    memcpy(read->heads, fx->u.check.heads, count * sizeof(*read->heads));
    post(world, read);
}

static void
ask(struct sim_world *world, const struct sim_talk *talk,
    const struct ent_session_effect *fx)
{
    struct read *read;

    if (fx->type == ENT_FX_READ_CHANGES) {
        read = read_new(world, talk, ENT_EV_CHANGES);
        read->event.u.changes.after = fx->u.read_changes.after;
        read->max = fx->u.read_changes.max;
    } else if (fx->type == ENT_FX_READ_HEADS) {
        read = read_new(world, talk, ENT_EV_HEADS);
        read->event.u.heads.upto = fx->u.read_heads.after;
        read->max = fx->u.read_heads.max;
    } else {
        ENT_ASSERT(fx->type == ENT_FX_READ_PROOF);
        read = read_new(world, talk, ENT_EV_PROOF);
    }
    post(world, read);
}

/* ---- storing ---- */

struct verify {
    unsigned node;
    uint64_t life;
    struct sim_run *run;
};

static void
on_verify(struct sim_world *world, void *arg)
{
    struct verify *v = arg;
    struct sim_run *run = v->run;
    struct ent_session_event *event = &run->event;

    if (world->nodes[v->node].engine == NULL ||
        world->nodes[v->node].life != v->life) {
        sim_node_run_free(run);
        free(v);
        return;
    }
    run->run = ent_run_verify(ent_buf_slice(&run->bytes), &event->u.stored.st);
    if (run->run != NULL) {
        event->u.stored.log = run->run->log;
        sim_node_post(world, v->node, run);
    } else {
        sim_talk_step(world, run->talk, event);
        sim_node_run_free(run);
    }
    free(v);
}

static struct sim_run *
run_new(const struct sim_talk *talk)
{
    struct sim_run *run = ent_alloc_zero(1, sizeof(*run));

    run->talk = talk->id;
    run->peer = talk->peer;
    run->event.type = ENT_EV_STORED;
    run->event.u.stored.head_seq = UINT64_MAX;
    return run;
}

static void
store_run(struct sim_world *world, const struct sim_talk *talk,
          const struct ent_session_effect *fx)
{
    struct verify *v = ent_alloc_zero(1, sizeof(*v));
    struct sim_node *n = &world->nodes[talk->node];

    v->node = talk->node;
    v->life = n->life;
    v->run = run_new(talk);
    v->run->event.u.stored.run_len = fx->u.store_run.run.len;
    ent_buf_init(&v->run->bytes, ENT_MESSAGE_MAX);
    ent_buf_put_slice(&v->run->bytes, fx->u.store_run.run);
    sim_world_later(world, in_turn(world, &n->reader_due_ms), on_verify, v);
}

static void
post_write(struct sim_world *world, const struct sim_talk *talk,
           void (*write)(struct engine *engine))
{
    struct sim_run *run = run_new(talk);

    run->write = write;
    sim_node_post(world, talk->node, run);
}

/* ---- what is kept of the peer ---- */

static void
consumed(struct sim_world *world, const struct sim_talk *talk,
         const struct ent_session_effect *fx)
{
    struct sim_peer *peer = &world->nodes[talk->node].peers[talk->peer];

    peer->state.knows_peer_store = true;
    memcpy(peer->state.peer_store_id, fx->u.consumed.store_id,
           sizeof(peer->state.peer_store_id));
    peer->state.consumed = fx->u.consumed.number;
    memcpy(peer->state.consumed_id, fx->u.consumed.id,
           sizeof(peer->state.consumed_id));
    peer->is_dirty = true;
}

/* Said only when the two held the same heads at what each had read. */
static void
proved(struct sim_world *world, struct sim_talk *talk)
{
    struct sim_node *n = &world->nodes[talk->node];
    struct sim_peer *peer = &n->peers[talk->peer];

    if (!ent_id_eq(&talk->truth, &talk->peer_truth)) {
        sim_finding("n%u says proved equal with n%u: their heads differ",
                    talk->node, talk->peer);
    }
    world->count.proved++;
    sim_trace("n%u proved equal with n%u at %llu", talk->node, talk->peer,
              (unsigned long long)talk->proof_top);
    if (talk->who.is_limited) {
        return;
    }
    n->unheard &= ~(1u << talk->peer);
    if (talk->config.is_recovering) {
        talk->config.is_recovering = false;
        post_write(world, talk, engine_proved_after_restore);
    }
    peer->state.proved_at = sim_world_wall_ms(world, talk->node);
    peer->state.proved_top = talk->proof_top;
    peer->is_dirty = true;
}

void
sim_effect(struct sim_world *world, struct sim_talk *talk,
           const struct ent_session_effect *fx)
{
    struct sim_peer *peer = &world->nodes[talk->node].peers[talk->peer];
    struct sim_conn *conn = sim_net_find(world, talk->conn);

    switch (fx->type) {
    case ENT_FX_SEND:
        if (conn != NULL) {
            sim_net_send(world, conn, talk->end, fx, &talk->truth);
        }
        break;
    case ENT_FX_READ_CHANGES:
    case ENT_FX_READ_PROOF:
    case ENT_FX_READ_HEADS:
        ask(world, talk, fx);
        break;
    case ENT_FX_READ_RUN:
        ask_run(world, talk, fx);
        break;
    case ENT_FX_CHECK:
        ask_check(world, talk, fx);
        break;
    case ENT_FX_STORE_RUN:
        store_run(world, talk, fx);
        break;
    case ENT_FX_CONSUMED:
        consumed(world, talk, fx);
        break;
    case ENT_FX_ACKED:
        peer->state.acked = fx->u.consumed.number;
        peer->is_dirty = true;
        break;
    case ENT_FX_PROVED:
        proved(world, talk);
        break;
    case ENT_FX_ROLLED_BACK:
        if (sim_node_top(&world->nodes[talk->node]) != talk->config.top) {
            talk->bye_due = ENT_BYE_AGAIN; /* as node/io/effects.c does */
            break;
        }
        world->count.rollbacks++;
        if (world->count.restores == 0) {
            sim_finding("n%u is told that it was put back, and was not",
                        talk->node);
        }
        sim_trace("n%u learns from n%u that it was put back", talk->node,
                  talk->peer);
        post_write(world, talk, engine_rolled_back);
        break;
    case ENT_FX_NOTE:
        sim_trace("n%u notes %s about n%u's run", talk->node,
                  ent_status_name(fx->u.note.st), talk->peer);
        break;
    case ENT_FX_READY:
        sim_talk_ready(world, talk, fx);
        break;
    case ENT_FX_CLOSE:
        sim_talk_close(world, talk, fx);
        break;
    }
}
