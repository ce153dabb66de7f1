/* Reading and writing records. */
#include "store/records.h"

#include "store/internal.h"

#include <stdio.h>
#include <stdlib.h>

static uint64_t
number_of_kind(struct db *db, const char *sql, uint64_t space, uint16_t kind)
{
    struct stmt *s = db_prepare(db, sql);

    stmt_bind_u64(s, 1, space);
    stmt_bind_u64(s, 2, kind);
    return store_number(s);
}

uint64_t
records_count(struct db *db, uint64_t space, uint16_t kind)
{
    static const char sql[] =
        "SELECT count(*) FROM record WHERE space = ?1 AND kind = ?2";

    return number_of_kind(db, sql, space, kind);
}

uint64_t
records_count_owners(struct db *db, uint64_t space, uint16_t kind)
{
    static const char sql[] =
        "SELECT count(DISTINCT owner) FROM record WHERE space = ?1"
        " AND kind = ?2";

    return number_of_kind(db, sql, space, kind);
}

uint64_t
records_expected(struct db *db, uint64_t space)
{
    static const char sql[] =
        "SELECT count(*) FROM member WHERE space = ?1 AND role = ?2";

    return number_of_kind(db, sql, space, ENT_ROLE_READER);
}

uint64_t
records_first(struct db *db, uint64_t space, uint16_t kind)
{
    static const char sql[] =
        "SELECT id FROM record WHERE space = ?1 AND kind = ?2"
        " ORDER BY first LIMIT 1";

    return number_of_kind(db, sql, space, kind);
}

uint64_t
records_find(struct db *db, uint64_t space, uint16_t kind,
             const struct ent_record_id *rid)
{
    static const char sql[] =
        "SELECT id FROM record WHERE space = ?1 AND kind = ?2 AND rid = ?3"
        " ORDER BY first LIMIT 1";
    struct stmt *s = db_prepare(db, sql);

    stmt_bind_u64(s, 1, space);
    stmt_bind_u64(s, 2, kind);
    stmt_bind_blob(s, 3, ENT_SLICE_OF(*rid));
    return store_number(s);
}

uint64_t
records_find_owned(struct db *db, uint64_t space, uint16_t kind, uint64_t owner)
{
    static const char sql[] =
        "SELECT id FROM record WHERE space = ?1 AND kind = ?2 AND owner = ?3"
        " ORDER BY first LIMIT 1";
    struct stmt *s = db_prepare(db, sql);

    stmt_bind_u64(s, 1, space);
    stmt_bind_u64(s, 2, kind);
    stmt_bind_u64(s, 3, owner);
    return store_number(s);
}

void
records_rid(struct db *db, uint64_t record, struct ent_record_id *ret)
{
    static const char sql[] = "SELECT rid FROM record WHERE id = ?1";
    struct stmt *s = db_prepare(db, sql);

    stmt_bind_u64(s, 1, record);
    store_must(stmt_find(s));
    stmt_col_fixed(s, 0, ret->b, sizeof(ret->b));
    store_must(stmt_status(s));
    stmt_reset(s);
}

struct records_row *
records_list(struct db *db, uint64_t space, uint16_t kind, size_t *ret_count)
{
    static const char sql[] =
        "SELECT id, space, owner, rid FROM record WHERE kind = ?2"
        " AND (?1 = 0 OR space = ?1) ORDER BY first, id";
    struct stmt *s = db_prepare(db, sql);
    struct records_row *rows = NULL;
    size_t capacity = 0;
    size_t count = 0;

    stmt_bind_u64(s, 1, space);
    stmt_bind_u64(s, 2, kind);
    while (store_next(s)) {
        if (count == capacity) {
            capacity = capacity > 0 ? 2 * capacity : 16;
            rows = ent_realloc(rows, capacity * sizeof(*rows));
        }
        rows[count].row = stmt_col_u64(s, 0);
        rows[count].space = stmt_col_u64(s, 1);
        rows[count].owner = stmt_col_u64(s, 2);
        stmt_col_fixed(s, 3, rows[count].rid.b, sizeof(rows[count].rid.b));
        count++;
    }
    *ret_count = count;
    return rows;
}

/* ---- reading ---- */

bool
records_value(struct db *db, uint64_t record, uint16_t field,
              struct ent_buf *out)
{
    static const char sql[] =
        "SELECT v.val FROM value v JOIN entry e ON e.arrival = v.arrival"
        " WHERE v.record = ?1 AND v.field = ?2"
        " ORDER BY e.hlc DESC, e.id DESC, v.idx DESC LIMIT 1";
    struct stmt *s = db_prepare(db, sql);

    stmt_bind_u64(s, 1, record);
    stmt_bind_u64(s, 2, field);
    if (!store_find(s)) {
        return false;
    }
    ent_buf_put_slice(out, stmt_col_blob(s, 0));
    stmt_reset(s);
    return true;
}

char *
records_text_dup(struct db *db, uint64_t record, uint16_t field)
{
    struct ent_buf raw = {0};
    struct ent_mp *r;
    struct ent_slice text;
    char *copy = NULL;

    if (record == 0 || !records_value(db, record, field, &raw)) {
        return NULL;
    }
    r = ent_mp_begin(ent_buf_slice(&raw));
    if (ent_mp_peek(r) == ENT_MP_STR) {
        text = ent_mp_str(r, ENT_PAYLOAD_MAX);
        copy = ent_alloc(text.len + 1);
        if (text.len > 0) { /* an empty text has no address */
            memcpy(copy, text.p, text.len);
        }
        copy[text.len] = '\0';
    }
    (void)!ent_mp_end(r);
    ent_buf_release(&raw);
    return copy;
}

bool
records_text(struct db *db, uint64_t record, uint16_t field, char *ret,
             size_t size)
{
    char *text = records_text_dup(db, record, field);

    ret[0] = '\0';
    if (text == NULL) {
        return false;
    }
    snprintf(ret, size, "%s", text);
    free(text);
    return true;
}

bool
records_int(struct db *db, uint64_t record, uint16_t field, int64_t *ret_v)
{
    struct ent_buf raw = {0};
    struct ent_mp *r;
    bool is_int = false;

    if (record == 0 || !records_value(db, record, field, &raw)) {
        return false;
    }
    r = ent_mp_begin(ent_buf_slice(&raw));
    if (ent_mp_peek(r) == ENT_MP_UINT || ent_mp_peek(r) == ENT_MP_INT) {
        *ret_v = ent_mp_int(r);
        is_int = !ent_mp_has_failed(r);
    }
    (void)!ent_mp_end(r);
    ent_buf_release(&raw);
    return is_int;
}

bool
records_fixed(struct db *db, uint64_t record, uint16_t field, void *ret_p,
              size_t len)
{
    struct ent_buf raw = {0};
    struct ent_mp *r;
    bool is_good = false;

    memset(ret_p, 0, len);
    if (record == 0 || !records_value(db, record, field, &raw)) {
        return false;
    }
    r = ent_mp_begin(ent_buf_slice(&raw));
    if (ent_mp_peek(r) == ENT_MP_BIN) {
        ent_mp_fixed(r, ret_p, len);
        is_good = !ent_mp_has_failed(r);
    }
    (void)!ent_mp_end(r);
    ent_buf_release(&raw);
    return is_good;
}

struct records_conflict *
records_conflicts(struct db *db, uint64_t record, size_t *ret_count)
{
    static const char sql[] =
        "SELECT v.field, v.arrival, v.val FROM value v WHERE v.record = ?1"
        " AND (SELECT count(*) FROM value o WHERE o.record = v.record"
        " AND o.field = v.field) > 1 ORDER BY v.field, v.arrival, v.idx";
    struct stmt *s = db_prepare(db, sql);
    struct records_conflict *list = NULL;
    size_t count = 0;

    stmt_bind_u64(s, 1, record);
    while (store_next(s)) {
        list = ent_realloc(list, (count + 1) * sizeof(*list));
        list[count] = (struct records_conflict){
            .field = (uint16_t)stmt_col_u64(s, 0),
            .arrival = stmt_col_u64(s, 1),
        };
        ent_buf_put_slice(&list[count].value, stmt_col_blob(s, 2));
        count++;
    }
    *ret_count = count;
    return list;
}

void
records_conflicts_free(struct records_conflict *list, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        ent_buf_release(&list[i].value);
    }
    free(list);
}

/* ---- writing ---- */

void
records_writer_init(struct records_writer *w, uint64_t space)
{
    *w = (struct records_writer){.space = space};
    engine_draft_init(&w->draft, space, ENT_CLASS_SEALED);
    ent_buf_init(&w->values, ENT_PAYLOAD_MAX);
    w->values.is_secret = true;
}

/* Closes the put that is being built: its values have their place now. */
static void
finish_put(struct records_writer *w)
{
    size_t i;

    if (!w->is_open) {
        return;
    }
    w->starts[w->put.field_count] = w->values.len;
    for (i = 0; i < w->put.field_count; i++) {
        w->put.fields[i].value = ent_slice(w->values.p + w->starts[i],
                                           w->starts[i + 1] - w->starts[i]);
    }
    if (w->values.failed) {
        w->draft.ops.failed = true;
    } else {
        ent_put_encode(&w->put, &w->draft.ops);
    }
    w->draft.op_count++;
    w->is_open = false;
    ent_buf_clear(&w->values);
}

void
records_write_begin(struct records_writer *w, struct db *db, uint16_t kind,
                    const struct ent_record_id *rid, uint64_t owner)
{
    static const char sql[] =
        "SELECT id FROM record WHERE space = ?1 AND kind = ?2 AND rid = ?3"
        " AND owner = ?4";
    struct stmt *s;

    finish_put(w);
    w->db = db;
    w->is_open = true;
    w->put.kind = kind;
    w->put.record = *rid;
    w->put.field_count = 0;
    s = db_prepare(db, sql);
    stmt_bind_u64(s, 1, w->space);
    stmt_bind_u64(s, 2, kind);
    stmt_bind_blob(s, 3, ENT_SLICE_OF(*rid));
    stmt_bind_u64(s, 4, owner);
    w->record = store_number(s);
}

/* Every value of the field that this node sees is superseded. */
static void
supersede_current(struct records_writer *w, struct ent_field_write *f)
{
    static const char sql[] =
        "SELECT e.id, v.idx FROM value v JOIN entry e ON e.arrival = v.arrival"
        " WHERE v.record = ?1 AND v.field = ?2 ORDER BY v.arrival LIMIT ?3";
    struct stmt *s = db_prepare(w->db, sql);

    f->supersedes_count = 0;
    stmt_bind_u64(s, 1, w->record);
    stmt_bind_u64(s, 2, f->field);
    stmt_bind_u64(s, 3, ENT_SUPERSEDES_MAX);
    while (store_next(s)) {
        struct ent_write_ref *ref;
        struct ent_id id;

        stmt_col_id(s, 0, &id);
        ref = &f->supersedes[f->supersedes_count++];
        memcpy(ref->entry, id.b, sizeof(ref->entry));
        ref->index = (uint16_t)stmt_col_u64(s, 1);
    }
}

/* The next field; its value is appended to w->values by the caller. */
static struct ent_buf *
next_field(struct records_writer *w, uint16_t field)
{
    struct ent_field_write *f;

    ENT_ASSERT(w->is_open && w->put.field_count < ENT_FIELDS_MAX);
    w->starts[w->put.field_count] = w->values.len;
    f = &w->put.fields[w->put.field_count++];
    f->field = field;
    f->supersedes_count = 0;
    if (w->record != 0) {
        supersede_current(w, f);
    }
    return &w->values;
}

void
records_write_text(struct records_writer *w, uint16_t field,
                   struct ent_slice text)
{
    ent_mp_put_str(next_field(w, field), text);
}

void
records_write_str(struct records_writer *w, uint16_t field, const char *text)
{
    records_write_text(w, field, ent_slice_str(text));
}

void
records_write_int(struct records_writer *w, uint16_t field, int64_t v)
{
    ent_mp_put_int(next_field(w, field), v);
}

void
records_write_bin(struct records_writer *w, uint16_t field,
                  struct ent_slice bin)
{
    ent_mp_put_bin(next_field(w, field), bin);
}

void
records_write_texts(struct records_writer *w, uint16_t field,
                    const char *const *texts, size_t count)
{
    struct ent_buf *b = next_field(w, field);
    size_t i;

    ent_mp_put_array(b, count);
    for (i = 0; i < count; i++) {
        ent_mp_put_cstr(b, texts[i]);
    }
}

enum ent_status
records_write_end(struct records_writer *w, struct engine *engine,
                  struct ent_id *ret_id)
{
    enum ent_status st;

    finish_put(w);
    st = engine_author(engine, &w->draft, ret_id);
    engine_draft_release(&w->draft);
    ent_buf_release(&w->values);
    return st;
}

void
records_new_rid(struct engine *engine, struct ent_record_id *ret_rid)
{
    ent_rng_fill(engine_rng(engine), ret_rid->b, sizeof(ret_rid->b));
}

/* ---- our own answers ---- */

bool
records_own_answer_key(struct db *db, uint64_t review_space,
                       struct ent_key *ret_key)
{
    static const char sql[] =
        "SELECT a.id FROM record p JOIN record a ON a.rid = p.rid"
        " AND a.kind = ?2 JOIN space s ON s.id = a.space AND s.kind = ?4"
        " WHERE p.space = ?1 AND p.kind = ?3 ORDER BY a.first LIMIT 1";
    struct stmt *s = db_prepare(db, sql);

    stmt_bind_u64(s, 1, review_space);
    stmt_bind_u64(s, 2, KIND_OWN_ANSWER);
    stmt_bind_u64(s, 3, KIND_PERSPECTIVE);
    stmt_bind_u64(s, 4, ENT_SPACE_OWN);
    return records_fixed(db, store_number(s), FIELD_ANSWER_KEY, ret_key->b,
                         sizeof(ret_key->b));
}
