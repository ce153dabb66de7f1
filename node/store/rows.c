/*
 * Small integers for long names: nodes, spaces, epochs, logs and entries as
 * rows. Look-ups by id go through an index on eight bytes of it.
 */
#include "store/internal.h"

int64_t
id_prefix(const struct ent_id *id)
{
    return (int64_t)ent_get_u64(id->b);
}

/* Runs a look-up with one bound id and returns column 0, or 0. */
static uint64_t
find_by_id(struct db *db, const char *sql, const struct ent_id *id)
{
    struct stmt *s = db_prepare(db, sql);
    uint64_t row;

    stmt_bind_id(s, 1, id);
    if (!store_find(s)) {
        return 0;
    }
    row = stmt_col_u64(s, 0);
    stmt_reset(s);
    return row;
}

static uint64_t
insert_id(struct db *db, const char *sql, const struct ent_id *id)
{
    struct stmt *s = db_prepare(db, sql);

    stmt_bind_id(s, 1, id);
    store_must(stmt_run(s));
    return db_last_rowid(db);
}

static void
read_id(struct db *db, const char *sql, uint64_t row, struct ent_id *ret_id)
{
    struct stmt *s = db_prepare(db, sql);

    stmt_bind_u64(s, 1, row);
    store_must(stmt_find(s));
    stmt_col_id(s, 0, ret_id);
    store_must(stmt_status(s));
    stmt_reset(s);
}

uint64_t
row_node_find(struct db *db, const struct ent_id *key)
{
    static const char sql[] = "SELECT id FROM node WHERE key = ?1";

    return find_by_id(db, sql, key);
}

uint64_t
row_node(struct db *db, const struct ent_id *key)
{
    static const char sql[] = "INSERT INTO node(key) VALUES(?1)";
    uint64_t row = row_node_find(db, key);

    return row != 0 ? row : insert_id(db, sql, key);
}

void
row_node_key(struct db *db, uint64_t row, struct ent_id *ret_key)
{
    static const char sql[] = "SELECT key FROM node WHERE id = ?1";

    read_id(db, sql, row, ret_key);
}

uint64_t
row_space_find(struct db *db, const struct ent_id *sid)
{
    static const char sql[] = "SELECT id FROM space WHERE sid = ?1";

    return find_by_id(db, sql, sid);
}

void
row_space_id(struct db *db, uint64_t row, struct ent_id *ret_sid)
{
    static const char sql[] = "SELECT sid FROM space WHERE id = ?1";

    read_id(db, sql, row, ret_sid);
}

uint64_t
row_epoch(struct db *db, const struct ent_id *eid)
{
    static const char find[] = "SELECT id FROM epoch WHERE eid = ?1";
    static const char make[] = "INSERT INTO epoch(eid) VALUES(?1)";
    uint64_t row;

    if (ent_id_is_zero(eid)) {
        return 0;
    }
    row = find_by_id(db, find, eid);
    return row != 0 ? row : insert_id(db, make, eid);
}

uint64_t
engine_row_epoch(struct engine *engine, const struct ent_id *eid)
{
    if (engine->last_epoch == 0 || !ent_id_eq(&engine->last_eid, eid)) {
        engine->last_epoch = row_epoch(engine->db, eid);
        engine->last_eid = *eid;
    }
    return engine->last_epoch;
}

void
row_epoch_id(struct db *db, uint64_t row, struct ent_id *ret_eid)
{
    static const char sql[] = "SELECT eid FROM epoch WHERE id = ?1";

    if (row == 0) {
        *ret_eid = (struct ent_id){{0}};
    } else {
        read_id(db, sql, row, ret_eid);
    }
}

/* Columns as in LOG_COLUMNS. */
#define LOG_COLUMNS                                                            \
    "SELECT l.id, l.space, l.node, n.key, l.inc, l.head_seq, l.head_id,"       \
    " l.head_hlc, l.moved, l.is_closed, l.is_forked, l.applied_count,"         \
    " l.applied_past FROM log l JOIN node n ON n.id = l.node "

static bool
read_log(struct stmt *s, struct log_row *ret_log)
{
    if (!store_find(s)) {
        return false;
    }
    *ret_log = (struct log_row){
        .row = stmt_col_u64(s, 0),
        .space = stmt_col_u64(s, 1),
        .node = stmt_col_u64(s, 2),
        .inc = (uint32_t)stmt_col_u64(s, 4),
        .is_empty = stmt_col_is_null(s, 5),
        .head_hlc = store_col_hlc(s, 7),
        .moved = stmt_col_u64(s, 8),
        .is_closed = stmt_col_u64(s, 9) != 0,
        .is_forked = stmt_col_u64(s, 10) != 0,
        .applied_count = stmt_col_u64(s, 11),
        .applied_past = (uint32_t)stmt_col_u64(s, 12),
    };
    stmt_col_id(s, 3, &ret_log->node_key);
    if (!ret_log->is_empty) {
        ret_log->head_seq = stmt_col_u64(s, 5);
        stmt_col_id(s, 6, &ret_log->head_id);
    }
    store_must(stmt_status(s));
    stmt_reset(s);
    return true;
}

bool
row_log_find(struct db *db, uint64_t space, uint64_t node, uint32_t inc,
             struct log_row *ret_log)
{
    static const char sql[] =
        LOG_COLUMNS "WHERE l.space = ?1 AND l.node = ?2 AND l.inc = ?3";
    struct stmt *s = db_prepare(db, sql);

    stmt_bind_u64(s, 1, space);
    stmt_bind_u64(s, 2, node);
    stmt_bind_u64(s, 3, inc);
    return read_log(s, ret_log);
}

bool
row_log_get(struct db *db, uint64_t row, struct log_row *ret_log)
{
    static const char sql[] = LOG_COLUMNS "WHERE l.id = ?1";
    struct stmt *s = db_prepare(db, sql);

    stmt_bind_u64(s, 1, row);
    return read_log(s, ret_log);
}

void
row_log_make(struct db *db, uint64_t space, const struct ent_id *node,
             uint32_t inc, struct log_row *ret_log)
{
    static const char sql[] =
        "INSERT INTO log(space, node, inc, head_hlc, moved, is_closed,"
        " is_forked, applied_count, applied_past, cited)"
        " VALUES(?1, ?2, ?3, 0, 0, 0, 0, 0, 0, 0)";
    struct stmt *s = db_prepare(db, sql);
    uint64_t node_row = row_node(db, node);

    stmt_bind_u64(s, 1, space);
    stmt_bind_u64(s, 2, node_row);
    stmt_bind_u64(s, 3, inc);
    store_must(stmt_run(s));
    *ret_log = (struct log_row){
        .row = db_last_rowid(db),
        .space = space,
        .node = node_row,
        .node_key = *node,
        .inc = inc,
        .is_empty = true,
    };
}

void
row_log_save(struct db *db, const struct log_row *log)
{
    static const char sql[] =
        "UPDATE log SET head_seq = ?2, head_id = ?3, head_hlc = ?4,"
        " moved = ?5, is_closed = ?6, is_forked = ?7, applied_count = ?8,"
        " applied_past = ?9 WHERE id = ?1";
    struct stmt *s = db_prepare(db, sql);

    stmt_bind_u64(s, 1, log->row);
    if (log->is_empty) {
        stmt_bind_null(s, 2);
        stmt_bind_null(s, 3);
    } else {
        stmt_bind_u64(s, 2, log->head_seq);
        stmt_bind_id(s, 3, &log->head_id);
    }
    store_bind_hlc(s, 4, log->head_hlc);
    stmt_bind_u64(s, 5, log->moved);
    stmt_bind_u64(s, 6, log->is_closed);
    stmt_bind_u64(s, 7, log->is_forked);
    stmt_bind_u64(s, 8, log->applied_count);
    stmt_bind_u64(s, 9, log->applied_past);
    store_must(stmt_run(s));
}

bool
row_entry_find(struct db *db, uint64_t space, const struct ent_id *id,
               struct entry_ref *ret_ref)
{
    static const char sql[] =
        "SELECT e.arrival, e.log, e.seq, e.state, e.past FROM entry e"
        " JOIN log l ON l.id = e.log"
        " WHERE e.idh = ?1 AND e.id = ?2 AND l.space = ?3";
    struct stmt *s = db_prepare(db, sql);

    stmt_bind_i64(s, 1, id_prefix(id));
    stmt_bind_id(s, 2, id);
    stmt_bind_u64(s, 3, space);
    if (!store_find(s)) {
        return false;
    }
    *ret_ref = (struct entry_ref){
        .arrival = stmt_col_u64(s, 0),
        .log = stmt_col_u64(s, 1),
        .seq = stmt_col_u64(s, 2),
        .state = (uint8_t)stmt_col_u64(s, 3),
        .past = (uint32_t)stmt_col_u64(s, 4),
    };
    stmt_reset(s);
    return true;
}

bool
row_entry_at(struct db *db, uint64_t log, uint64_t seq, struct ent_id *ret_id)
{
    static const char sql[] =
        "SELECT id FROM entry WHERE log = ?1 AND seq = ?2";
    struct stmt *s = db_prepare(db, sql);

    stmt_bind_u64(s, 1, log);
    stmt_bind_u64(s, 2, seq);
    if (!store_find(s)) {
        return false;
    }
    stmt_col_id(s, 0, ret_id);
    store_must(stmt_status(s));
    stmt_reset(s);
    return true;
}
