/*
 * Causal application: an entry is folded when the one before it in its log
 * and its deps have been, whatever the order of arrival. One that waits holds
 * up its own log only. docs/protocol.md 3.5.
 *
 *   stored -> placed (past known, right checked) -> folded -> wakes others
 *          \> waiting for one missing entry       <--------/
 */
#include "store/internal.h"

#include <stdlib.h>

/* The union of two pasts, remembered so that the model can be loaded again. */
static uint32_t
join_two(struct engine *engine, struct space_state *space, uint32_t a,
         uint32_t b)
{
    static const char sql[] = "INSERT INTO gov_step VALUES(?1, ?2, ?3, 0)";
    const uint32_t both[2] = {a, b};
    uint32_t num = ent_gov_join(space->gov, both, 2);
    uint8_t raw[8];
    struct stmt *s;

    if (num <= space->step_count) {
        return num;
    }
    space->step_count = num;
    ent_put_u32(raw, a);
    ent_put_u32(raw + 4, b);
    s = db_prepare(engine->db, sql);
    stmt_bind_u64(s, 1, space->row);
    stmt_bind_u64(s, 2, num);
    stmt_bind_blob(s, 3, ENT_SLICE_OF(raw));
    store_must(stmt_run(s));
    return num;
}

/* Two at a time: a union on the way may be new when the whole is not, and it
 * takes a number, too. */
static uint32_t
join_pasts(struct engine *engine, struct space_state *space,
           const uint32_t *pasts, size_t count)
{
    uint32_t sum = ENT_PAST_EMPTY;
    size_t i;

    for (i = 0; i < count; i++) {
        sum = sum == ENT_PAST_EMPTY ? pasts[i]
                                    : join_two(engine, space, sum, pasts[i]);
    }
    return sum;
}

/* PROTO §3.5: "A stored entry is *applied* when its `prev` and all `deps` are
 * applied or refused, and its author may write in its past; else it is
 * *refused*" */
void
apply_place(struct engine *engine, const struct log_row *log,
            const struct ent_entry *e, struct placed *placed)
{
    struct space_state *space = space_get(engine, log->space);
    uint32_t pasts[ENT_DEPS_MAX + 1];
    size_t count = 0;
    size_t i;

    placed->state = ENTRY_WAITING;
    if (log->applied_count != e->seq) {
        placed->missing = e->prev;
        return;
    }
    if (e->seq > 0) {
        pasts[count++] = log->applied_past;
    }
    for (i = 0; i < e->dep_count; i++) {
        struct entry_ref ref;

        if (!row_entry_find(engine->db, log->space, &e->deps[i], &ref) ||
            ref.state == ENTRY_WAITING) {
            placed->missing = e->deps[i];
            return;
        }
        pasts[count++] = ref.past;
    }
    placed->past =
        count == 1 ? pasts[0] : join_pasts(engine, space, pasts, count);
    placed->state =
        (e->flags & ENT_FLAG_GENESIS) != 0 ||
                ent_gov_may_write(space->gov, placed->past, &e->node)
            ? ENTRY_APPLIED
            : ENTRY_REFUSED;
}

void
apply_wait(struct engine *engine, const struct log_row *log,
           const struct placed *placed)
{
    static const char sql[] =
        "INSERT OR REPLACE INTO waiting VALUES(?1, ?2, ?3, ?4)";
    struct stmt *s = db_prepare(engine->db, sql);

    stmt_bind_u64(s, 1, placed->arrival);
    stmt_bind_u64(s, 2, log->space);
    stmt_bind_i64(s, 3, id_prefix(&placed->missing));
    stmt_bind_id(s, 4, &placed->missing);
    store_must(stmt_run(s));
    engine->waiting = WAITING_SOME;
}

/* What an entry cites need not be cited again. */
static void
cite_deps(struct engine *engine, uint64_t space, const struct ent_entry *e)
{
    static const char sql[] =
        "UPDATE log SET cited = max(cited, ?2) WHERE id = ?1";
    size_t i;

    for (i = 0; i < e->dep_count; i++) {
        struct entry_ref ref;
        struct stmt *s;

        if (row_entry_find(engine->db, space, &e->deps[i], &ref)) {
            s = db_prepare(engine->db, sql);
            stmt_bind_u64(s, 1, ref.log);
            stmt_bind_u64(s, 2, ref.seq + 1);
            store_must(stmt_run(s));
        }
    }
}

static void
set_state(struct engine *engine, uint64_t arrival, enum entry_state state,
          uint32_t past)
{
    static const char sql[] =
        "UPDATE entry SET state = ?2, past = ?3 WHERE arrival = ?1";
    struct stmt *s = db_prepare(engine->db, sql);

    stmt_bind_u64(s, 1, arrival);
    stmt_bind_u64(s, 2, state);
    stmt_bind_u64(s, 3, past);
    store_must(stmt_run(s));
}

void
apply_entry(struct engine *engine, struct log_row *log,
            const struct ent_entry *e, const struct placed *placed)
{
    struct applied a = {
        .space = space_get(engine, log->space),
        .e = e,
        .arrival = placed->arrival,
        .node = log->node,
        .past = placed->past,
    };
    uint32_t after = placed->past;

    ENT_ASSERT(placed->state != ENTRY_WAITING);
    ENT_ASSERT(log->applied_count == e->seq);
    cite_deps(engine, log->space, e);
    if (placed->state == ENTRY_APPLIED) {
        if (e->class == ENT_CLASS_CONTROL) {
            after = control_apply(engine, &a);
            set_state(engine, placed->arrival, ENTRY_APPLIED, after);
        } else {
            fold_entry(engine, &a);
        }
    }
    log->applied_count = e->seq + 1;
    log->applied_past = after;
}

/* Tries one stored entry. True when it was applied (or refused). */
static bool
try_stored(struct engine *engine, const struct stored_entry *se)
{
    static const char forget[] = "DELETE FROM waiting WHERE arrival = ?1";
    struct placed placed = {.arrival = se->arrival};
    struct log_row log;
    bool found = row_log_get(engine->db, se->log, &log);
    struct stmt *s;

    ENT_ASSERT(found && se->state == ENTRY_WAITING);
    apply_place(engine, &log, &se->e, &placed);
    if (placed.state == ENTRY_WAITING) {
        apply_wait(engine, &log, &placed);
        return false;
    }
    s = db_prepare(engine->db, forget);
    stmt_bind_u64(s, 1, se->arrival);
    store_must(stmt_run(s));
    engine->waiting = WAITING_UNKNOWN; /* this may have been the last */
    set_state(engine, se->arrival, placed.state, placed.past);
    apply_entry(engine, &log, &se->e, &placed);
    row_log_save(engine->db, &log);
    return true;
}

static bool
does_any_wait(struct engine *engine)
{
    static const char sql[] = "SELECT EXISTS (SELECT 1 FROM waiting)";

    if (engine->waiting == WAITING_UNKNOWN) {
        engine->waiting = store_number(db_prepare(engine->db, sql)) != 0
                              ? WAITING_SOME
                              : WAITING_NONE;
    }
    return engine->waiting == WAITING_SOME;
}

/* The arrivals that wait for `id`, at most `max`. */
static size_t
waiters(struct engine *engine, uint64_t space, const struct ent_id *id,
        uint64_t *ret_arrivals, size_t max)
{
    static const char sql[] =
        "SELECT arrival FROM waiting WHERE idh = ?1 AND dep = ?2"
        " AND space = ?3 ORDER BY arrival LIMIT ?4";
    struct stmt *s = db_prepare(engine->db, sql);
    size_t count = 0;

    stmt_bind_i64(s, 1, id_prefix(id));
    stmt_bind_id(s, 2, id);
    stmt_bind_u64(s, 3, space);
    stmt_bind_u64(s, 4, max);
    while (store_next(s)) {
        ret_arrivals[count++] = stmt_col_u64(s, 0);
    }
    return count;
}

#define WAKE_BATCH 64u

/* A list of ids still to look at, instead of a recursion that somebody else
 * could make as deep as they like. */
struct wake_list {
    size_t count;
    size_t capacity;
    struct ent_id *ids;
};

static void
wake_push(struct wake_list *list, const struct ent_id *id)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity > 0 ? 2 * list->capacity : 16;
        list->ids = ent_realloc(list->ids, list->capacity * sizeof(*list->ids));
    }
    list->ids[list->count++] = *id;
}

static void
wake_one(struct engine *engine, struct wake_list *list, uint64_t arrival)
{
    struct stored_entry se;
    bool found = stored_entry_read(engine->db, arrival, &se);

    ENT_ASSERT(found);
    if (try_stored(engine, &se)) {
        wake_push(list, &se.e.id);
    }
    stored_entry_release(&se);
}

void
apply_woken(struct engine *engine, uint64_t space, const struct ent_id *id)
{
    uint64_t arrivals[WAKE_BATCH];
    struct wake_list list = {0};
    struct ent_id next = *id;
    size_t count;
    size_t i;

    if (!does_any_wait(engine)) {
        return;
    }
    for (;;) {
        do {
            count = waiters(engine, space, &next, arrivals, WAKE_BATCH);
            for (i = 0; i < count; i++) {
                wake_one(engine, &list, arrivals[i]);
            }
        } while (count == WAKE_BATCH);
        if (list.count == 0) {
            break;
        }
        next = list.ids[--list.count];
    }
    free(list.ids);
}

void
apply_stored(struct engine *engine, uint64_t arrival)
{
    struct stored_entry se;
    struct ent_id id;
    uint64_t space;
    struct log_row log;
    bool found = stored_entry_read(engine->db, arrival, &se);
    bool is_applied;

    ENT_ASSERT(found);
    found = row_log_get(engine->db, se.log, &log);
    ENT_ASSERT(found);
    space = log.space;
    id = se.e.id;
    is_applied = try_stored(engine, &se);
    stored_entry_release(&se);
    if (is_applied) {
        apply_woken(engine, space, &id);
    }
}
