/*
 * Statements, prepared once: see db.h.
 */
#include "store/base/dbpriv.h"

#include <stdlib.h>

/* Notes what went wrong first. */
static void
stmt_fail(struct stmt *s, enum ent_status st)
{
    if (s->status == ENT_OK) {
        s->status = st;
    }
}

/* SQL is ours: what SQLite cannot prepare for its own sake is our mistake. */
static void
stmt_compile(struct stmt *s)
{
    const char *rest = NULL;
    int rc = sqlite3_prepare_v3(s->db->p, s->sql, -1, SQLITE_PREPARE_PERSISTENT,
                                &s->p, &rest);

    if (rc == SQLITE_ERROR) {
        ent_panic(sqlite3_errmsg(s->db->p), s->sql, 0);
    }
    stmt_fail(s, db_status(s->db, rc));
    ENT_ASSERT(rc != SQLITE_OK || (s->p != NULL && *rest == '\0'));
}

struct stmt *
db_prepare(struct db *db, const char *sql)
{
    size_t bucket = ((uintptr_t)sql >> 3) % DB_STMT_BUCKETS;
    struct stmt *s;

    for (s = db->buckets[bucket]; s != NULL; s = s->next) {
        if (s->sql == sql && !s->is_used) {
            break;
        }
    }
    if (s == NULL) {
        ENT_ASSERT(db->stmt_count < DB_STMT_COUNT_MAX);
        db->stmt_count++;
        s = ent_alloc_zero(1, sizeof(*s));
        *s = (struct stmt){.next = db->buckets[bucket], .db = db, .sql = sql};
        db->buckets[bucket] = s;
    }
    s->status = ENT_OK;
    s->is_used = true;
    if (s->p == NULL) {
        stmt_compile(s);
    } else {
        sqlite3_clear_bindings(s->p);
    }
    return s;
}

void
db_free_statements(struct db *db)
{
    size_t i;

    for (i = 0; i < DB_STMT_BUCKETS; i++) {
        while (db->buckets[i] != NULL) {
            struct stmt *s = db->buckets[i];

            db->buckets[i] = s->next;
            sqlite3_finalize(s->p);
            free(s);
        }
    }
    db->stmt_count = 0;
}

/* ---- binding ---- */

static void
stmt_check_bind(struct stmt *s, int rc)
{
    ENT_ASSERT(s->is_used);
    ENT_ASSERT(rc != SQLITE_RANGE);
    if (rc != SQLITE_OK) {
        stmt_fail(s, db_status(s->db, rc));
    }
}

void
stmt_bind_i64(struct stmt *s, int index, int64_t v)
{
    if (s->p != NULL) {
        stmt_check_bind(s, sqlite3_bind_int64(s->p, index, v));
    }
}

void
stmt_bind_u64(struct stmt *s, int index, uint64_t v)
{
    ENT_ASSERT(v <= INT64_MAX);
    stmt_bind_i64(s, index, (int64_t)v);
}

void
stmt_bind_blob(struct stmt *s, int index, struct ent_slice v)
{
    /* A NULL pointer would bind SQL's NULL; an empty blob is not that. */
    const void *p = v.p != NULL ? (const void *)v.p : "";

    if (s->p != NULL) {
        stmt_check_bind(
            s, sqlite3_bind_blob64(s->p, index, p, v.len, SQLITE_STATIC));
    }
}

void
stmt_bind_id(struct stmt *s, int index, const struct ent_id *id)
{
    stmt_bind_blob(s, index, ent_slice(id->b, sizeof(id->b)));
}

void
stmt_bind_text(struct stmt *s, int index, struct ent_slice v)
{
    const char *p = v.p != NULL ? (const char *)v.p : "";

    if (s->p != NULL) {
        stmt_check_bind(s, sqlite3_bind_text64(s->p, index, p, v.len,
                                               SQLITE_STATIC, SQLITE_UTF8));
    }
}

void
stmt_bind_str(struct stmt *s, int index, const char *v)
{
    stmt_bind_text(s, index, ent_slice_str(v));
}

void
stmt_bind_null(struct stmt *s, int index)
{
    if (s->p != NULL) {
        stmt_check_bind(s, sqlite3_bind_null(s->p, index));
    }
}

/* ---- stepping ---- */

void
stmt_reset(struct stmt *s)
{
    if (s->p != NULL) {
        /* Its result is that of the last step, which was looked at. */
        (void)sqlite3_reset(s->p);
    }
    s->is_used = false;
}

enum ent_status
stmt_step(struct stmt *s, bool *ret_has_row)
{
    int rc;

    ENT_ASSERT(s->is_used);
    if (s->status == ENT_OK) {
        rc = sqlite3_step(s->p);
        if (rc == SQLITE_ROW) {
            *ret_has_row = true;
            return ENT_OK;
        }
        stmt_fail(s, db_status(s->db, rc));
    }
    stmt_reset(s);
    if (s->status == ENT_OK) {
        *ret_has_row = false;
    }
    return s->status;
}

enum ent_status
stmt_run(struct stmt *s)
{
    bool has_row = true;
    enum ent_status st = ENT_OK;

    while (st == ENT_OK && has_row) {
        st = stmt_step(s, &has_row);
    }
    return st;
}

enum ent_status
stmt_find(struct stmt *s)
{
    bool has_row = false;
    enum ent_status st = stmt_step(s, &has_row);

    return st == ENT_OK && !has_row ? ENT_RULE_NOT_FOUND : st;
}

enum ent_status
stmt_status(const struct stmt *s)
{
    return s->status;
}

/* ---- columns ---- */

bool
stmt_col_is_null(struct stmt *s, int column)
{
    ENT_ASSERT(s->is_used && column < sqlite3_data_count(s->p));
    return sqlite3_column_type(s->p, column) == SQLITE_NULL;
}

/* False, with the statement failed, when the column holds another type. NULL
 * passes as every type. */
static bool
column_is(struct stmt *s, int column, int type)
{
    int found;

    ENT_ASSERT(s->is_used && column < sqlite3_data_count(s->p));
    found = sqlite3_column_type(s->p, column);
    if (found == type || found == SQLITE_NULL) {
        return true;
    }
    stmt_fail(s, ENT_SELF_CORRUPT);
    return false;
}

int64_t
stmt_col_i64(struct stmt *s, int column)
{
    if (!column_is(s, column, SQLITE_INTEGER)) {
        return 0;
    }
    return sqlite3_column_int64(s->p, column);
}

uint64_t
stmt_col_u64(struct stmt *s, int column)
{
    int64_t v = stmt_col_i64(s, column);

    if (v < 0) {
        stmt_fail(s, ENT_SELF_CORRUPT);
        return 0;
    }
    return (uint64_t)v;
}

struct ent_slice
stmt_col_blob(struct stmt *s, int column)
{
    const void *p;

    if (!column_is(s, column, SQLITE_BLOB)) {
        return ent_slice(NULL, 0);
    }
    p = sqlite3_column_blob(s->p, column); /* before its length */
    return ent_slice(p, (size_t)sqlite3_column_bytes(s->p, column));
}

struct ent_slice
stmt_col_any(struct stmt *s, int column)
{
    const void *p = sqlite3_column_blob(s->p, column); /* before its length */

    return ent_slice(p, (size_t)sqlite3_column_bytes(s->p, column));
}

int
stmt_col_count(const struct stmt *s)
{
    return sqlite3_column_count(s->p);
}

struct ent_slice
stmt_col_text(struct stmt *s, int column)
{
    const void *p;

    if (!column_is(s, column, SQLITE_TEXT)) {
        return ent_slice(NULL, 0);
    }
    p = sqlite3_column_text(s->p, column); /* before its length */
    return ent_slice(p, (size_t)sqlite3_column_bytes(s->p, column));
}

void
stmt_col_fixed(struct stmt *s, int column, void *ret_p, size_t len)
{
    struct ent_slice v = stmt_col_blob(s, column);

    memset(ret_p, 0, len);
    if (stmt_col_is_null(s, column)) {
        return;
    }
    if (v.len != len) {
        stmt_fail(s, ENT_SELF_CORRUPT);
        return;
    }
    if (len > 0) {
        memcpy(ret_p, v.p, len);
    }
}

void
stmt_col_id(struct stmt *s, int column, struct ent_id *ret_id)
{
    stmt_col_fixed(s, column, ret_id->b, sizeof(ret_id->b));
}
