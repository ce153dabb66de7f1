/*
 * Proving the store to somebody: every chain, id, payload hash and signature
 * again from the bytes; a hash over the views; and the views folded anew.
 */
#include "store/internal.h"

#include <stdio.h>

/* ---- verify ---- */

static void
problem(struct engine_verify *v, const char *what, const struct ent_id *id)
{
    char hex[17];

    if (v->problem_count < sizeof(v->problems) / sizeof(v->problems[0])) {
        snprintf(v->problems[v->problem_count], sizeof(v->problems[0]),
                 "entry %s: %s", ent_hex(hex, id->b, 8), what);
    }
    v->problem_count++;
}

static void
verify_entry(const struct ent_entry *e, struct engine_verify *v)
{
    struct ent_entry again = *e;

    if (ent_entry_check(e) != ENT_OK) {
        problem(v, "its form is not allowed", &e->id);
    }
    ent_entry_finish(&again);
    if (!ent_id_eq(&again.id, &e->id)) {
        problem(v, "its id is not the hash of its contents", &e->id);
    }
}

static bool
read_seal(struct db *db, uint64_t log, uint64_t seq, struct ent_sig *ret_sig)
{
    static const char sql[] =
        "SELECT sig FROM seal WHERE log = ?1 AND seq = ?2";
    struct stmt *s = db_prepare(db, sql);

    stmt_bind_u64(s, 1, log);
    stmt_bind_u64(s, 2, seq);
    if (!store_find(s)) {
        return false;
    }
    stmt_col_fixed(s, 0, ret_sig->b, sizeof(ret_sig->b));
    store_must(stmt_status(s));
    stmt_reset(s);
    return true;
}

/* One log from its first entry on; the next seq when it ends. */
struct log_walk {
    uint64_t log;
    uint64_t next_seq;
    bool is_sealed; /* the last entry seen has a signature */
    struct ent_id last;
};

static void
end_log(struct log_walk *w, struct engine_verify *v)
{
    if (w->log != 0 && !w->is_sealed) {
        problem(v, "the end of its log is not signed", &w->last);
    }
}

static void
walk_entry(struct db *db, struct log_walk *w, const struct stored_entry *se,
           struct engine_verify *v)
{
    struct ent_sig sig;

    if (se->log != w->log) {
        end_log(w, v);
        *w = (struct log_walk){.log = se->log};
        v->logs++;
    }
    if (se->e.seq != w->next_seq) {
        problem(v, "its log has a gap before it", &se->e.id);
    }
    verify_entry(&se->e, v);
    w->is_sealed = read_seal(db, se->log, se->e.seq, &sig);
    if (w->is_sealed) {
        v->signatures++;
        if (!ent_entry_verify(&se->e.node, &se->e.id, &sig)) {
            problem(v, "its signature does not verify", &se->e.id);
        }
    }
    w->next_seq = se->e.seq + 1;
    w->last = se->e.id;
    v->entries++;
}

/* Each log ends where it is said to end. */
static void
check_heads(struct db *db, struct engine_verify *v)
{
    static const char sql[] =
        "SELECT l.head_id FROM log l LEFT JOIN entry e ON e.log = l.id"
        " AND e.seq = l.head_seq WHERE l.head_seq IS NOT NULL"
        " AND e.id IS NOT l.head_id ORDER BY l.id";
    struct stmt *s = db_prepare(db, sql);

    while (store_next(s)) {
        struct ent_id head;

        stmt_col_id(s, 0, &head);
        problem(v, "the end of its log is missing", &head);
    }
}

static uint64_t
count_rows(struct db *db, const char *sql)
{
    struct stmt *s = db_prepare(db, sql);
    uint64_t count;

    store_must(stmt_find(s));
    count = stmt_col_u64(s, 0);
    stmt_reset(s);
    return count;
}

static const char SQL_COUNT[] = "SELECT count(*) FROM entry";

#define PROGRESS_EVERY 512u

void
store_verify(struct db *db,
             void (*progress)(void *arg, uint64_t done, uint64_t total),
             void *arg, struct engine_verify *ret_verify)
{
    static const char forks[] = "SELECT count(*) FROM fork";
    static const char sql[] = "SELECT arrival FROM entry ORDER BY log, seq";
    uint64_t total = count_rows(db, SQL_COUNT);
    struct log_walk walk = {0};
    struct stmt *s = db_prepare(db, sql);

    *ret_verify = (struct engine_verify){0};
    while (store_next(s)) {
        struct stored_entry se;
        bool found;

        found = stored_entry_read(db, stmt_col_u64(s, 0), &se);
        ENT_ASSERT(found);
        walk_entry(db, &walk, &se, ret_verify);
        stored_entry_release(&se);
        if (progress != NULL && ret_verify->entries % PROGRESS_EVERY == 0) {
            progress(arg, ret_verify->entries, total);
        }
    }
    end_log(&walk, ret_verify);
    check_heads(db, ret_verify);
    ret_verify->forks = count_rows(db, forks);
    if (db_verify(db) != ENT_OK && ret_verify->problem_count == 0) {
        problem(ret_verify, "the store's own check found damage", &walk.last);
    }
}

/* ---- views ---- */

static void
hash_column(struct ent_hasher *h, struct stmt *s, int column)
{
    struct ent_slice v;
    uint8_t len[8];

    /* Whatever its type is, the same type comes out for the same view. */
    v = stmt_col_any(s, column);
    ent_put_u64(len, v.len);
    ent_hasher_add(h, ENT_SLICE_OF(len));
    ent_hasher_add(h, v);
}

void
store_view_hash(struct db *db, struct ent_id *ret_hash)
{
    struct ent_hasher h;
    size_t i;

    ent_hasher_init(&h, "entente/views/1");
    for (i = 0; schema_view_queries[i] != NULL; i++) {
        struct stmt *s = db_prepare(db, schema_view_queries[i]);

        while (store_next(s)) {
            int c;

            for (c = 0; c < stmt_col_count(s); c++) {
                hash_column(&h, s, c);
            }
        }
    }
    ent_hasher_end(&h, ret_hash);
}

void
engine_rebuild(struct engine *engine,
               void (*progress)(void *arg, uint64_t done, uint64_t total),
               void *arg)
{
    static const char sql[] =
        "SELECT arrival FROM entry WHERE arrival > ?1 AND state = 0"
        " ORDER BY arrival LIMIT 1";
    uint64_t total = count_rows(engine->db, SQL_COUNT);
    uint64_t after = 0;
    uint64_t done = 0;

    ENT_ASSERT(engine->is_in_txn);
    engine->is_rebuilding = true;
    schema_reset_views(engine->db);
    space_cache_clear(engine);
    engine->cached_epoch = 0;
    for (;;) {
        struct stmt *s = db_prepare(engine->db, sql);

        stmt_bind_u64(s, 1, after);
        if (!store_find(s)) {
            break;
        }
        after = stmt_col_u64(s, 0);
        stmt_reset(s);
        apply_stored(engine, after);
        if (progress != NULL && ++done % PROGRESS_EVERY == 0) {
            progress(arg, done, total);
        }
    }
    engine->is_rebuilding = false;
    engine->members_changed = true;
}
