/* Making bundles: plans, receivers with equal plans together, runs. */
#include "store/bundle.h"

#include "store/internal.h"
#include "store/overview.h"

#include <stdlib.h>

#define PAGE 1024u
#define RUN_BYTES (128u * 1024u)

/* What one receiver is to be told. Equal digests: the same runs. */
struct plan {
    const struct bundle_target *target;
    struct ent_bundle_receiver line;
    bool has_grown; /* somebody's right may have grown after line.after */
    struct ent_id digest;
    uint64_t log_count;
    bool is_done;
};

struct maker {
    struct db *db;
    const struct bundle_order *order;
    struct ent_rng rng;
    size_t plan_count;
    struct plan *plans;
    struct ent_bundle_manifest manifest;
    struct ent_bundle_writer *writer;
    struct ent_buf out;
    struct bundle_made made;
    uint64_t done; /* logs, for progress */
    uint64_t total;
    enum ent_status st;
};

bool
bundle_target_of(struct db *db, uint64_t node, struct bundle_target *ret_target)
{
    struct ent_buf bytes = {0};
    struct ent_card card;
    bool is_good = overview_card(db, node, &bytes) &&
                   ent_card_decode(ent_buf_slice(&bytes), &card) == ENT_OK;

    if (is_good) {
        *ret_target = (struct bundle_target){
            .node = card.node,
            .sealing = card.sealing,
            .transport = card.transport,
        };
    }
    ent_buf_release(&bytes);
    return is_good;
}

/* ---- which part of a log ---- */

/* Numbers that are no entry's are those of rights that grew. */
static bool
has_grown(struct db *db, uint64_t after, uint64_t top)
{
    static const char sql[] = "SELECT count(*) FROM entry WHERE arrival > ?1";
    struct stmt *s = db_prepare(db, sql);

    stmt_bind_u64(s, 1, after);
    return after > 0 && store_number(s) < top - after;
}

/* Did every log of the space move? Then a right may have grown in it. */
static bool
space_moved(struct db *db, uint64_t space, uint64_t after)
{
    static const char sql[] =
        "SELECT count(*) FROM log WHERE space = ?1 AND head_seq IS NOT NULL"
        " AND moved <= ?2";
    struct stmt *s = db_prepare(db, sql);

    stmt_bind_u64(s, 1, space);
    stmt_bind_u64(s, 2, after);
    return store_number(s) == 0;
}

/* The first entry of a log that came after the number; 0 if none did. */
static uint64_t
first_after(struct db *db, uint64_t log, uint64_t after)
{
    static const char sql[] =
        "SELECT seq, arrival FROM entry WHERE log = ?1 ORDER BY seq DESC";
    struct stmt *s = db_prepare(db, sql);
    uint64_t first = UINT64_MAX;

    stmt_bind_u64(s, 1, log);
    while (store_next(s)) {
        if (stmt_col_u64(s, 1) <= after) {
            stmt_reset(s);
            break;
        }
        first = stmt_col_u64(s, 0);
    }
    return first != UINT64_MAX ? first : 0;
}

static uint64_t
first_seq(struct db *db, const struct plan *plan, const struct ent_logkey *key)
{
    uint64_t space = row_space_find(db, &key->space);
    struct log_row log;

    if (plan->line.after == 0 ||
        (plan->has_grown && space_moved(db, space, plan->line.after)) ||
        !row_log_find(db, space, row_node_find(db, &key->node), key->inc,
                      &log)) {
        return 0;
    }
    return first_after(db, log.row, plan->line.after);
}

/* Calls `take` for every log that the receiver is to be told of. */
static void
walk(struct maker *m, const struct plan *plan,
     void (*take)(struct maker *m, const struct plan *plan,
                  const struct ent_need *need, void *arg),
     void *arg)
{
    struct sync_peer peer = {.node = plan->target->node};
    uint64_t at = plan->line.after;
    struct sync_changes c;
    bool is_last = at == plan->line.upto;
    size_t i;

    while (!is_last && m->st == ENT_OK) {
        sync_read_changes(m->db, &peer, at, PAGE, &c);
        for (i = 0; i < c.count && m->st == ENT_OK; i++) {
            struct ent_need need = {
                .log = c.heads[i].log,
                .from_seq = first_seq(m->db, plan, &c.heads[i].log),
                .to_seq = c.heads[i].seq,
            };

            take(m, plan, &need, arg);
        }
        is_last = c.count < PAGE;
        at = c.upto;
        free(c.heads);
    }
}

/* ---- plans ---- */

static void
hash_need(struct maker *m, const struct plan *plan, const struct ent_need *need,
          void *arg)
{
    struct ent_hasher *h = arg;

    (void)plan;
    ent_hasher_add(h, ENT_SLICE_OF(need->log.space));
    ent_hasher_add(h, ENT_SLICE_OF(need->log.node));
    ent_hasher_add(h, ENT_SLICE_OF(need->log.inc));
    ent_hasher_add(h, ENT_SLICE_OF(need->from_seq));
    ent_hasher_add(h, ENT_SLICE_OF(need->to_seq));
    m->total++;
}

static void
plan_for(struct maker *m, const struct bundle_target *target, struct plan *plan)
{
    struct ent_bundle_receiver *line = &plan->line;
    struct sync_state state;
    struct ent_hasher h;
    uint8_t store_id[ENT_STORE_ID_LEN];
    bool is_recovering;
    uint64_t before = m->total;
    uint64_t top;

    sync_state_read(m->db, &target->node, &state);
    sync_store(m->db, store_id, &top, &is_recovering);
    plan->target = target;
    line->node = target->node;
    line->after = state.acked < top ? state.acked : top;
    line->upto = is_recovering ? line->after : top;
    sync_id_at(m->db, line->upto, line->upto_id);
    if (state.knows_peer_store) {
        memcpy(line->store_id, state.peer_store_id, sizeof(line->store_id));
        line->consumed = state.consumed;
        memcpy(line->consumed_id, state.consumed_id, sizeof(line->consumed_id));
    }
    plan->has_grown = has_grown(m->db, line->after, top);
    ent_hasher_init(&h, "entente/bundle-plan/1");
    walk(m, plan, hash_need, &h);
    ent_hasher_end(&h, &plan->digest);
    plan->log_count = m->total - before;
}

/* ---- one bundle ---- */

static void
prove(struct maker *m, const struct plan *plan,
      const uint8_t bundle_id[ENT_BUNDLE_ID_LEN], uint8_t ret_proof[16])
{
    struct sync_peer peer = {.node = plan->target->node};
    struct ent_bundle_sums sums;
    struct sync_proof proof;
    struct ent_key shared;
    struct ent_id digest;
    struct ent_key key;

    memset(ret_proof, 0, 16);
    if (!ent_dh(&m->order->keys->transport_secret, &plan->target->transport,
                &shared)) {
        return;
    }
    ent_hash("entente/proof/1", ENT_SLICE_OF(shared), &digest);
    memcpy(key.b, digest.b, sizeof(key.b));
    sync_read_proof(m->db, &peer, &key, &proof);
    memcpy(sums.sum, proof.sum, sizeof(sums.sum));
    memcpy(sums.spaces, proof.spaces, sizeof(sums.spaces));
    sums.head_count = proof.head_count;
    ent_bundle_proof(&key, bundle_id, &sums, ret_proof);
    ent_wipe(&shared, sizeof(shared));
    ent_wipe(&digest, sizeof(digest));
    ent_wipe(&key, sizeof(key));
}

static void
flush(struct maker *m)
{
    ENT_ASSERT(!m->out.failed);
    m->made.bytes += m->out.len;
    if (m->st == ENT_OK && m->out.len > 0) {
        m->st = m->order->write(m->order->arg, ent_buf_slice(&m->out));
    }
    ent_buf_clear(&m->out);
}

static void
put_runs(struct maker *m, const struct plan *plan, const struct ent_need *need,
         void *arg)
{
    struct sync_peer peer = {.node = plan->target->node};
    struct ent_need rest = *need;
    struct ent_buf run;
    uint64_t last;

    (void)arg;
    ent_buf_init(&run, ENT_RUN_BYTES_MAX);
    while (rest.from_seq <= rest.to_seq && m->st == ENT_OK) {
        ent_buf_clear(&run);
        sync_read_run(m->db, &peer, &rest, RUN_BYTES, &run, &last);
        if (run.len == 0) {
            break;
        }
        ent_bundle_put_run(m->writer, ent_buf_slice(&run));
        flush(m);
        m->made.runs++;
        m->made.entries += last + 1 - rest.from_seq;
        rest.from_seq = last + 1;
    }
    ent_buf_release(&run);
    m->done++;
    if (m->order->progress != NULL) {
        m->order->progress(m->order->arg, m->done, m->total);
    }
}

/* Gathers the receivers who are to be told the same as `first`. */
static void
gather(struct maker *m, struct plan *first,
       struct ent_key sealing[ENT_BUNDLE_RECEIVERS_MAX])
{
    struct ent_bundle_manifest *manifest = &m->manifest;
    uint64_t top;
    bool is_recovering;

    *manifest = (struct ent_bundle_manifest){
        .sender = m->order->keys->node,
        .made_at = m->order->now_ms,
    };
    sync_store(m->db, manifest->store_id, &top, &is_recovering);
    ent_rng_fill(&m->rng, manifest->bundle_id, sizeof(manifest->bundle_id));
    for (struct plan *p = first; p < m->plans + m->plan_count; p++) {
        size_t at = manifest->receiver_count;

        if (p->is_done || !ent_id_eq(&p->digest, &first->digest) ||
            at == ENT_BUNDLE_RECEIVERS_MAX) {
            continue;
        }
        prove(m, p, manifest->bundle_id, p->line.proof);
        manifest->receivers[at] = p->line;
        sealing[at] = p->target->sealing;
        manifest->receiver_count++;
        p->is_done = true;
    }
}

static void
make_one(struct maker *m, struct plan *first)
{
    struct ent_key sealing[ENT_BUNDLE_RECEIVERS_MAX];

    gather(m, first, sealing);
    m->writer = ent_bundle_writer_new(
        &m->manifest, sealing, &m->order->keys->sign_secret, &m->rng, &m->out);
    ENT_ASSERT(m->writer != NULL);
    walk(m, first, put_runs, NULL);
    ent_bundle_end(m->writer);
    flush(m);
    ent_bundle_writer_free(m->writer);
    m->made.bundles++;
}

enum ent_status
bundle_make(struct db *db, const struct bundle_order *order,
            struct bundle_made *ret_made)
{
    struct maker *m = ent_alloc_zero(1, sizeof(*m));
    enum ent_status st;
    size_t i;

    ENT_ASSERT(order->target_count > 0);
    m->db = db;
    m->order = order;
    m->plan_count = order->target_count;
    m->plans = ent_alloc_zero(m->plan_count, sizeof(*m->plans));
    ent_rng_init(&m->rng, order->seed);
    for (i = 0; i < m->plan_count; i++) {
        plan_for(m, &order->targets[i], &m->plans[i]);
    }
    for (i = 0; i < m->plan_count; i++) {
        if (!m->plans[i].is_done && m->st == ENT_OK) {
            make_one(m, &m->plans[i]);
        }
    }
    *ret_made = m->made;
    st = m->st;
    ent_buf_release(&m->out);
    free(m->plans);
    ent_wipe(m, sizeof(*m));
    free(m);
    return st;
}
