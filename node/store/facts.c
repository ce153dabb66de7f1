/*
 * Facts: entries, signatures and spaces as they came, and the control model
 * of a space kept in memory while it is in use.
 */
#include "store/internal.h"

#include <stdlib.h>

uint64_t
next_change(struct engine *engine)
{
    ENT_ASSERT(engine->is_in_txn);
    return ++engine->top;
}

/* ---- spaces ---- */

/* One step that gave a new past number: a union, or a control entry. */
static void
replay_step(struct engine *engine, struct space_state *space, uint32_t num,
            struct ent_slice joined, uint64_t arrival)
{
    uint32_t pasts[ENT_DEPS_MAX + 1];
    uint8_t verdicts[ENT_OPS_MAX];
    struct stored_entry se;
    struct ent_ops ops;
    uint32_t got;
    size_t i;

    if (arrival == 0) {
        ENT_ASSERT(joined.len % 4 == 0 && joined.len <= sizeof(pasts));
        for (i = 0; i < joined.len / 4; i++) {
            pasts[i] = ent_get_u32(joined.p + 4 * i);
        }
        got = ent_gov_join(space->gov, pasts, joined.len / 4);
    } else {
        bool found = stored_entry_read(engine->db, arrival, &se);

        ENT_ASSERT(found && joined.len == 4);
        if (ent_ops_decode(se.e.payload, &ops) != ENT_OK) {
            ops = (struct ent_ops){0};
        }
        got = ent_gov_apply(space->gov, &se.e, &ops, ent_get_u32(joined.p),
                            verdicts);
        ent_ops_release(&ops);
        stored_entry_release(&se);
    }
    ENT_ASSERT(got == num);
}

/* Gives the model all steps again, in order: the same numbers come out. */
static void
load_gov(struct engine *engine, struct space_state *space)
{
    static const char sql[] =
        "SELECT num, joined, arrival FROM gov_step WHERE space = ?1"
        " ORDER BY num";
    struct stmt *s = db_prepare(engine->db, sql);
    struct ent_buf joined = {0};

    stmt_bind_u64(s, 1, space->row);
    while (store_next(s)) {
        ent_buf_clear(&joined);
        ent_buf_put_slice(&joined, stmt_col_blob(s, 1));
        space->step_count = (uint32_t)stmt_col_u64(s, 0);
        replay_step(engine, space, space->step_count, ent_buf_slice(&joined),
                    stmt_col_u64(s, 2));
    }
    ent_buf_release(&joined);
}

/* Was there something critical that we do not understand? */
static bool
holds_critical(struct db *db, uint64_t space)
{
    static const char sql[] =
        "SELECT count(*) FROM strange x JOIN entry e ON e.arrival = x.arrival"
        " JOIN log l ON l.id = e.log WHERE x.why = ?1 AND l.space = ?2";
    struct stmt *s = db_prepare(db, sql);

    stmt_bind_u64(s, 1, STRANGE_CRITICAL);
    stmt_bind_u64(s, 2, space);
    return store_number(s) > 0;
}

static void
space_free(struct space_state *space)
{
    if (space != NULL) {
        ent_gov_free(space->gov);
        free(space);
    }
}

void
space_cache_clear(struct engine *engine)
{
    size_t i;

    for (i = 0; i < engine->space_count; i++) {
        space_free(engine->spaces[i]);
    }
    engine->space_count = 0;
}

/* A function holds its space while it looks at the circle, say: what was used
 * a moment ago stays where it is. */
#define SPACES_IN_HAND 32u

/* What goes last: spaces in hand, then those that engine_react looks at. */
static unsigned
space_rank(const struct engine *engine, const struct space_state *s)
{
    if (engine->used_clock - s->last_used < SPACES_IN_HAND) {
        return 2;
    }
    return s->is_dirty &&
           (s->kind == ENT_SPACE_CIRCLE || s->kind == ENT_SPACE_REVIEW);
}

/* Room for one more: of the lowest rank, the least recently used goes. */
static struct space_state **
space_slot(struct engine *engine)
{
    size_t oldest = 0;
    size_t i;

    if (engine->space_count < SPACES_CACHED) {
        return &engine->spaces[engine->space_count++];
    }
    for (i = 1; i < engine->space_count; i++) {
        const struct space_state *old = engine->spaces[oldest];
        const struct space_state *s = engine->spaces[i];
        unsigned rank = space_rank(engine, s);
        unsigned old_rank = space_rank(engine, old);

        if (rank < old_rank ||
            (rank == old_rank && s->last_used < old->last_used)) {
            oldest = i;
        }
    }
    ENT_ASSERT(space_rank(engine, engine->spaces[oldest]) < 2);
    space_free(engine->spaces[oldest]);
    return &engine->spaces[oldest];
}

static struct space_state *
space_find_cached(struct engine *engine, uint64_t row)
{
    size_t i;

    for (i = 0; i < engine->space_count; i++) {
        if (engine->spaces[i]->row == row) {
            engine->spaces[i]->last_used = ++engine->used_clock;
            return engine->spaces[i];
        }
    }
    return NULL;
}

struct space_state *
space_get(struct engine *engine, uint64_t row)
{
    static const char sql[] =
        "SELECT sid, field, kind, circle FROM space WHERE id = ?1";
    struct space_state *space = space_find_cached(engine, row);
    struct stmt *s;

    if (space != NULL) {
        return space;
    }
    space = ent_alloc_zero(1, sizeof(*space));
    s = db_prepare(engine->db, sql);
    stmt_bind_u64(s, 1, row);
    store_must(stmt_find(s));
    space->row = row;
    stmt_col_id(s, 0, &space->sid);
    stmt_col_id(s, 1, &space->field);
    space->kind = (uint8_t)stmt_col_u64(s, 2);
    space->circle = stmt_col_u64(s, 3);
    store_must(stmt_status(s));
    stmt_reset(s);
    space->last_used = ++engine->used_clock;
    space->gov = ent_gov_new(&space->sid);
    load_gov(engine, space);
    space->is_stopped = holds_critical(engine->db, row);
    *space_slot(engine) = space;
    return space;
}

struct space_state *
space_make(struct engine *engine, const struct ent_entry *genesis,
           const struct ent_op_genesis *op)
{
    static const char sql[] =
        "INSERT INTO space(sid, field, kind, circle, opener)"
        " VALUES(?1, ?2, ?3, ?4, ?5)";
    uint64_t opener = row_node(engine->db, &genesis->node);
    uint64_t circle = ent_id_is_zero(&op->circle)
                          ? 0
                          : row_space_find(engine->db, &op->circle);
    struct stmt *s = db_prepare(engine->db, sql);

    stmt_bind_id(s, 1, &genesis->id);
    stmt_bind_id(s, 2, &genesis->space);
    stmt_bind_u64(s, 3, op->kind);
    stmt_bind_u64(s, 4, circle);
    stmt_bind_u64(s, 5, opener);
    store_must(stmt_run(s));
    return space_get(engine, db_last_rowid(engine->db));
}

struct ent_gov *
engine_gov(struct engine *engine, uint64_t space)
{
    return space_get(engine, space)->gov;
}

/* ---- entries ---- */

static void
insert_entry(struct engine *engine, uint64_t log, const struct ent_entry *e,
             const struct placed *placed)
{
    static const char sql[] =
        "INSERT INTO entry(arrival, log, seq, idh, id, class, flags, hlc,"
        " epoch, deps, payload, state, past)"
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
    uint64_t epoch = engine_row_epoch(engine, &e->epoch);
    struct stmt *s = db_prepare(engine->db, sql);

    stmt_bind_u64(s, 1, placed->arrival);
    stmt_bind_u64(s, 2, log);
    stmt_bind_u64(s, 3, e->seq);
    stmt_bind_i64(s, 4, id_prefix(&e->id));
    stmt_bind_id(s, 5, &e->id);
    stmt_bind_u64(s, 6, e->class);
    stmt_bind_u64(s, 7, e->flags);
    store_bind_hlc(s, 8, e->hlc);
    stmt_bind_u64(s, 9, epoch);
    if (e->dep_count > 0) {
        stmt_bind_blob(s, 10, ent_slice(e->deps, 32 * e->dep_count));
    } else {
        stmt_bind_null(s, 10);
    }
    stmt_bind_blob(s, 11, e->payload);
    stmt_bind_u64(s, 12, placed->state);
    stmt_bind_u64(s, 13, placed->past);
    store_must(stmt_run(s));
}

/*~ 11/14 The entry becomes a fact and gets its number of arrival, the number
 * by which peers will ask for it. apply_place (apply.c) then looks at its past:
 * all there, and may its author write, judged by what the author could know? If
 * something is missing, the entry waits, alone, and apply_woken comes back for
 * it. */
void
facts_put(struct engine *engine, struct log_row *log, const struct ent_entry *e)
{
    struct placed placed = {.arrival = next_change(engine)};

    ENT_ASSERT(e->has_payload);
    ENT_ASSERT(log->is_empty ? e->seq == 0 : e->seq == log->head_seq + 1);
    ENT_ASSERT(log->is_empty || ent_id_eq(&e->prev, &log->head_id));
    apply_place(engine, log, e, &placed);
    insert_entry(engine, log->row, e, &placed);
    log->is_empty = false;
    log->head_seq = e->seq;
    log->head_id = e->id;
    log->head_hlc = e->hlc;
    log->moved = placed.arrival;
    engine->hlc = ent_hlc_receive(engine->hlc, e->hlc, engine->now_ms);
    engine->batch_entries++;
    engine->batch_bytes += e->payload.len + ENT_HEADER_LEN;
    if (placed.state == ENTRY_WAITING) {
        apply_wait(engine, log, &placed);
    } else {
        apply_entry(engine, log, e, &placed);
        apply_woken(engine, log->space, &e->id);
    }
}

void
facts_put_seal(struct engine *engine, uint64_t log, uint64_t seq,
               const struct ent_sig *sig)
{
    static const char sql[] = "INSERT OR IGNORE INTO seal VALUES(?1, ?2, ?3)";
    struct stmt *s = db_prepare(engine->db, sql);

    stmt_bind_u64(s, 1, log);
    stmt_bind_u64(s, 2, seq);
    stmt_bind_blob(s, 3, ENT_SLICE_OF(*sig));
    store_must(stmt_run(s));
}
