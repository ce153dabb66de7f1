/*
 * Runs from peers into the store: is the space for us, is the author named,
 * does the log continue ours? A run is taken as a whole or refused as a whole.
 */
#include "store/internal.h"

/* ---- spaces that we do not know yet ---- */

static bool
is_expected_circle(struct db *db, const struct ent_id *sid)
{
    static const char sql[] =
        "SELECT 1 FROM pair WHERE circle = ?1 AND is_caller = 1 LIMIT 1";
    struct stmt *s = db_prepare(db, sql);

    stmt_bind_id(s, 1, sid);
    if (!store_find(s)) {
        return false;
    }
    stmt_reset(s);
    return true;
}

/* May a space be opened here by this genesis? */
static enum ent_status
check_genesis(struct engine *engine, const struct ent_entry *e,
              const struct ent_op_genesis *op)
{
    uint64_t circle;

    switch (op->kind) {
    case ENT_SPACE_CIRCLE:
        return is_expected_circle(engine->db, &e->id) ? ENT_OK
                                                      : ENT_PEER_NOT_ENTITLED;
    case ENT_SPACE_OWN:
        /* Ours come back to us after a restore; others' are never for us. */
        return ent_id_eq(&e->node, &engine->keys.node) ? ENT_OK
                                                       : ENT_PEER_NOT_ENTITLED;
    case ENT_SPACE_CARE:
    case ENT_SPACE_REVIEW:
        circle = row_space_find(engine->db, &op->circle);
        if (circle == 0) {
            return ENT_PEER_UNKNOWN_SPACE;
        }
        return ent_gov_was_named(engine_gov(engine, circle), &e->node)
                   ? ENT_OK
                   : ENT_PEER_UNKNOWN_AUTHOR;
    default:
        return ENT_PEER_NOT_ENTITLED;
    }
}

bool
ingest_names(struct ent_slice payload, const struct ent_id *node)
{
    struct ent_ops ops;
    bool is_named = false;
    size_t i;

    if (ent_ops_decode(payload, &ops) != ENT_OK) {
        return false;
    }
    for (i = 0; i < ops.count; i++) {
        is_named = is_named || (ops.ops[i].type == ENT_OP_GRANT &&
                                ent_id_eq(&ops.ops[i].u.grant.node, node));
    }
    ent_ops_release(&ops);
    return is_named;
}

/* Does one of the run's control entries name us as reader or carrier? What is
 * not for us is not kept (docs/trust.md P2). */
static bool
run_names_us(struct engine *engine, const struct ent_run *run)
{
    const struct ent_id *us = &engine->keys.node;
    bool is_named = store_check_is_off() || ent_id_eq(&run->log.node, us);
    size_t i;

    for (i = 0; i < run->count && !is_named; i++) {
        is_named = run->entries[i].class == ENT_CLASS_CONTROL &&
                   ingest_names(run->entries[i].payload, us);
    }
    return is_named;
}

static enum ent_status
open_foreign_space(struct engine *engine, const struct ent_run *run,
                   uint64_t *ret_space)
{
    const struct ent_entry *e = &run->entries[0];
    struct ent_ops ops;
    enum ent_status st;

    if ((e->flags & ENT_FLAG_GENESIS) == 0) {
        return ENT_PEER_UNKNOWN_SPACE;
    }
    st = ent_ops_decode(e->payload, &ops);
    if (st != ENT_OK) {
        return st;
    }
    if (ops.count == 0 || ops.ops[0].type != ENT_OP_GENESIS) {
        st = ENT_PEER_MALFORMED;
    } else {
        st = check_genesis(engine, e, &ops.ops[0].u.genesis);
    }
    if (st == ENT_OK && ops.ops[0].u.genesis.kind != ENT_SPACE_CIRCLE &&
        !run_names_us(engine, run)) {
        st = ENT_PEER_NOT_ENTITLED;
    }
    if (st == ENT_OK) {
        *ret_space = space_make(engine, e, &ops.ops[0].u.genesis)->row;
    }
    ent_ops_release(&ops);
    return st;
}

/* ---- authors ---- */

static enum ent_status
check_author(struct engine *engine, struct space_state *space,
             const struct ent_run *run)
{
    const struct ent_id *node = &run->log.node;
    uint64_t namer = space->circle != 0 ? space->circle : space->row;

    if ((run->entries[0].flags & ENT_FLAG_GENESIS) != 0 ||
        ent_id_eq(node, &engine->keys.node) ||
        ent_gov_was_named(space->gov, node) ||
        ent_gov_was_named(engine_gov(engine, namer), node)) {
        return ENT_OK;
    }
    return ENT_PEER_UNKNOWN_AUTHOR;
}

/* ---- logs ---- */

/* PROTO §3.4: "A node keeps the branch that it has, notes the log, the seq and
 * the other id with who showed it, refuses the other branch, and says so." */
static void
note_fork(struct engine *engine, struct log_row *log, const struct ent_entry *e,
          const struct ent_id *peer)
{
    static const char sql[] =
        "INSERT OR IGNORE INTO fork VALUES(?1, ?2, ?3, ?4, ?5)";
    uint64_t teller = row_node(engine->db, peer);
    struct stmt *s = db_prepare(engine->db, sql);

    stmt_bind_u64(s, 1, log->row);
    stmt_bind_u64(s, 2, e->seq);
    stmt_bind_id(s, 3, &e->id);
    stmt_bind_u64(s, 4, teller);
    stmt_bind_u64(s, 5, engine->now_ms);
    store_must(stmt_run(s));
    log->is_forked = true;
    row_log_save(engine->db, log);
}

/* The first entry of the run that is new here; run->count if none is. A
 * different entry in the place of one of ours is a fork. */
static enum ent_status
find_first_new(struct engine *engine, struct log_row *log,
               const struct ent_run *run, const struct ent_id *peer,
               size_t *ret_index)
{
    uint64_t first = run->entries[0].seq;
    uint64_t next = log->is_empty ? 0 : log->head_seq + 1;
    size_t index;
    struct ent_id ours;

    if (first > next) {
        return ENT_AGAIN;
    }
    index = next - first < run->count ? (size_t)(next - first) : run->count;
    if (index > 0) {
        const struct ent_entry *last_known = &run->entries[index - 1];
        bool found = row_entry_at(engine->db, log->row, last_known->seq, &ours);

        ENT_ASSERT(found);
        if (!ent_id_eq(&ours, &last_known->id)) {
            note_fork(engine, log, last_known, peer);
            return ENT_PEER_FORK;
        }
    } else if (next > 0 && !ent_id_eq(&run->entries[0].prev, &log->head_id)) {
        note_fork(engine, log, &run->entries[0], peer);
        return ENT_PEER_FORK;
    }
    *ret_index = index;
    return ENT_OK;
}

static bool
has_all_payloads(const struct ent_run *run)
{
    size_t i;

    for (i = 0; i < run->count; i++) {
        if (!run->entries[i].has_payload) {
            return false;
        }
    }
    return true;
}

/* Entries of ours that we did not have: this store was put back. While it
 * recovers from that, a log that it has never heard of is news of the same
 * loss: closed like the others, and no reason to begin anew once more. */
static void
note_own_return(struct engine *engine, struct log_row *log)
{
    if (!ent_id_eq(&log->node_key, &engine->keys.node) || log->is_closed) {
        return;
    }
    if (!log->is_empty || meta_get_u64(engine->db, "recovering") == 0) {
        engine_rolled_back(engine);
    }
    log->is_closed = true;
}

enum ent_status
engine_ingest(struct engine *engine, const struct ent_run *run,
              const struct ent_id *peer, uint64_t *ret_head_seq)
{
    uint64_t space = row_space_find(engine->db, &run->log.space);
    uint64_t node;
    struct log_row log;
    enum ent_status st = ENT_OK;
    size_t i;

    ENT_ASSERT(engine->is_in_txn);
    *ret_head_seq = UINT64_MAX;
    if (!has_all_payloads(run)) {
        return ENT_AGAIN; /* owed: somebody else may have them */
    }
    if (space == 0) {
        st = open_foreign_space(engine, run, &space);
    }
    if (st == ENT_OK) {
        st = check_author(engine, space_get(engine, space), run);
    }
    if (st != ENT_OK) {
        return st;
    }
    node = row_node(engine->db, &run->log.node);
    if (!row_log_find(engine->db, space, node, run->log.inc, &log)) {
        if (run->entries[0].seq != 0) {
            return ENT_AGAIN;
        }
        row_log_make(engine->db, space, &run->log.node, run->log.inc, &log);
    }
    st = find_first_new(engine, &log, run, peer, &i);
    if (st == ENT_OK && i < run->count) {
        note_own_return(engine, &log);
        for (; i < run->count; i++) {
            facts_put(engine, &log, &run->entries[i]);
        }
        row_log_save(engine->db, &log);
    }
    if (st == ENT_OK) {
        facts_put_seal(engine, log.row, run->entries[run->count - 1].seq,
                       &run->sig);
    }
    if (!log.is_empty) {
        *ret_head_seq = log.head_seq;
    }
    return st;
}
