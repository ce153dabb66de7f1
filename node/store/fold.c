/*
 * Content entries into records: a set function, so the order in which keys
 * and entries come cannot matter. Current writes are those that nobody has
 * superseded; two of one field are a conflict and both stay.
 */
#include "store/internal.h"

bool
epoch_key_get(struct db *db, uint64_t epoch, struct ent_key *ret_key)
{
    static const char sql[] =
        "SELECT key FROM epoch_key WHERE epoch = ?1 AND key IS NOT NULL";
    struct stmt *s = db_prepare(db, sql);

    stmt_bind_u64(s, 1, epoch);
    if (!store_find(s)) {
        return false;
    }
    stmt_col_fixed(s, 0, ret_key->b, sizeof(ret_key->b));
    store_must(stmt_status(s));
    stmt_reset(s);
    return true;
}

/* The key of the entry's epoch: mostly that of the entry before it. */
static bool
find_key(struct engine *engine, const struct ent_id *eid, uint64_t *ret_epoch)
{
    *ret_epoch = engine_row_epoch(engine, eid);
    if (engine->cached_epoch == *ret_epoch) {
        return true;
    }
    engine->cached_epoch = 0;
    if (!epoch_key_get(engine->db, *ret_epoch, &engine->cached_key)) {
        return false;
    }
    engine->cached_epoch = *ret_epoch;
    return true;
}

static void
note_unread(struct engine *engine, uint64_t arrival, uint64_t epoch)
{
    static const char sql[] = "INSERT OR REPLACE INTO unread VALUES(?1, ?2)";
    struct stmt *s = db_prepare(engine->db, sql);

    stmt_bind_u64(s, 1, arrival);
    stmt_bind_u64(s, 2, epoch);
    store_must(stmt_run(s));
}

/* `*ret_is_new` when it was made for this operation. */
static uint64_t
find_record(struct engine *engine, const struct applied *a, uint64_t owner,
            const struct ent_put *put, bool *ret_is_new)
{
    static const char find[] =
        "SELECT id FROM record WHERE space = ?1 AND kind = ?2 AND rid = ?3"
        " AND owner = ?4";
    static const char make[] =
        "INSERT INTO record(space, kind, rid, owner, first)"
        " VALUES(?1, ?2, ?3, ?4, ?5)";
    struct stmt *s = db_prepare(engine->db, find);
    uint64_t row;

    stmt_bind_u64(s, 1, a->space->row);
    stmt_bind_u64(s, 2, put->kind);
    stmt_bind_blob(s, 3, ENT_SLICE_OF(put->record));
    stmt_bind_u64(s, 4, owner);
    row = store_number(s);
    *ret_is_new = row == 0;
    if (row != 0) {
        return row;
    }
    s = db_prepare(engine->db, make);
    stmt_bind_u64(s, 1, a->space->row);
    stmt_bind_u64(s, 2, put->kind);
    stmt_bind_blob(s, 3, ENT_SLICE_OF(put->record));
    stmt_bind_u64(s, 4, owner);
    stmt_bind_u64(s, 5, a->arrival);
    store_must(stmt_run(s));
    return db_last_rowid(engine->db);
}

static void
ref_bytes(const struct ent_write_ref *ref, uint8_t out[18])
{
    memcpy(out, ref->entry, 16);
    ent_put_u16(out + 16, ref->index);
}

/* Was this write superseded by one that came before it? */
static bool
take_superseded(struct engine *engine, uint64_t record, uint16_t field,
                const uint8_t ref[18])
{
    static const char sql[] =
        "SELECT 1 FROM superseded WHERE record = ?1 AND field = ?2"
        " AND ref = ?3";
    struct stmt *s = db_prepare(engine->db, sql);

    stmt_bind_u64(s, 1, record);
    stmt_bind_u64(s, 2, field);
    stmt_bind_blob(s, 3, ent_slice(ref, 18));
    return store_number(s) != 0;
}

static void
supersede(struct engine *engine, uint64_t record, uint16_t field,
          const struct ent_write_ref *ref)
{
    static const char drop[] =
        "DELETE FROM value WHERE record = ?1 AND field = ?2 AND idx = ?3"
        " AND arrival IN (SELECT arrival FROM entry WHERE idh = ?4"
        " AND substr(id, 1, 16) = ?5)";
    static const char keep[] =
        "INSERT OR IGNORE INTO superseded VALUES(?1, ?2, ?3)";
    uint8_t raw[18];
    struct stmt *s = db_prepare(engine->db, drop);

    stmt_bind_u64(s, 1, record);
    stmt_bind_u64(s, 2, field);
    stmt_bind_u64(s, 3, ref->index);
    stmt_bind_i64(s, 4, (int64_t)ent_get_u64(ref->entry));
    stmt_bind_blob(s, 5, ENT_SLICE_OF(ref->entry));
    store_must(stmt_run(s));
    if (db_changes(engine->db) > 0) {
        return;
    }
    /* Not here (yet), or superseded by somebody else too. */
    ref_bytes(ref, raw);
    s = db_prepare(engine->db, keep);
    stmt_bind_u64(s, 1, record);
    stmt_bind_u64(s, 2, field);
    stmt_bind_blob(s, 3, ENT_SLICE_OF(raw));
    store_must(stmt_run(s));
}

/* PROTO §3.2: "A write supersedes the writes that it refers to; what nobody has
 * superseded is *current*." */
/* Nobody can have superseded a write to a record that was not here before. */
static void
write_field(struct engine *engine, const struct applied *a, uint64_t record,
            bool is_new, const struct ent_field_write *w, uint16_t index)
{
    static const char sql[] =
        "INSERT OR IGNORE INTO value VALUES(?1, ?2, ?3, ?4, ?5)";
    struct ent_write_ref self = {.index = index};
    uint8_t raw[18];
    struct stmt *s;
    size_t i;

    for (i = 0; i < w->supersedes_count; i++) {
        supersede(engine, record, w->field, &w->supersedes[i]);
    }
    memcpy(self.entry, a->e->id.b, sizeof(self.entry));
    ref_bytes(&self, raw);
    if (!is_new && take_superseded(engine, record, w->field, raw)) {
        return;
    }
    s = db_prepare(engine->db, sql);
    stmt_bind_u64(s, 1, record);
    stmt_bind_u64(s, 2, w->field);
    stmt_bind_u64(s, 3, a->arrival);
    stmt_bind_u64(s, 4, index);
    stmt_bind_blob(s, 5, w->value);
    store_must(stmt_run(s));
}

static unsigned
space_bit(uint8_t kind)
{
    switch (kind) {
    case ENT_SPACE_OWN:
        return KINDS_SPACE_OWN;
    case ENT_SPACE_CIRCLE:
        return KINDS_SPACE_CIRCLE;
    case ENT_SPACE_CARE:
        return KINDS_SPACE_CARE;
    case ENT_SPACE_REVIEW:
        return KINDS_SPACE_REVIEW;
    default:
        return 0;
    }
}

/* Whose record it is; false when this author may not write such a thing. */
static bool
find_owner(const struct applied *a, const struct kinds_kind *kind,
           uint64_t *ret_owner)
{
    *ret_owner = 0;
    if ((kind->spaces & space_bit(a->space->kind)) == 0) {
        return false;
    }
    if (kind->owner == KINDS_OWNER) {
        *ret_owner = a->node;
    }
    return kind->owner != KINDS_MODERATOR ||
           ent_gov_role(a->space->gov, a->past, &a->e->node) ==
               ENT_ROLE_MODERATOR;
}

/* Returns how many field writes the operation had. */
static uint16_t
fold_put(struct engine *engine, const struct applied *a, size_t op_index,
         const struct ent_op *op, uint16_t first_index)
{
    struct ent_put put;
    const struct kinds_kind *kind;
    uint64_t record;
    uint64_t owner;
    bool is_new;
    size_t i;

    if (ent_put_decode(op, &put) != ENT_OK) {
        control_note_strange(engine, a, op_index, op->type, STRANGE_MALFORMED);
        return 0;
    }
    kind = kinds_find(engine->kinds, put.kind);
    if (kind == NULL) {
        control_note_strange(engine, a, op_index, put.kind, STRANGE_UNKNOWN);
    } else if (!find_owner(a, kind, &owner)) {
        control_note_strange(engine, a, op_index, put.kind, STRANGE_FOREIGN);
    } else {
        record = find_record(engine, a, owner, &put, &is_new);
        for (i = 0; i < put.field_count; i++) {
            write_field(engine, a, record, is_new, &put.fields[i],
                        (uint16_t)(first_index + i));
        }
    }
    return (uint16_t)put.field_count;
}

static void
fold_ops(struct engine *engine, const struct applied *a,
         const struct ent_ops *ops)
{
    uint16_t index = 0;
    size_t i;

    for (i = 0; i < ops->count; i++) {
        const struct ent_op *op = &ops->ops[i];

        if (op->type == ENT_OP_PUT) {
            index = (uint16_t)(index + fold_put(engine, a, i, op, index));
        } else {
            control_note_strange(engine, a, i, op->type,
                                 !op->is_known && op->is_critical
                                     ? STRANGE_CRITICAL
                                     : STRANGE_UNKNOWN);
        }
    }
}

/*~ 12/14 Only now is the letter opened, with its epoch's key. Its writes go
 * into the views that people read (write_field): what they supersede goes, what
 * nobody superseded stays, and two that knew nothing of each other both stay,
 * for people to settle. Since this is a function of the set, the order of
 * arrival cannot matter. */
void
fold_entry(struct engine *engine, const struct applied *a)
{
    struct ent_buf plain = {.is_secret = true};
    struct ent_ops ops;
    uint64_t epoch;

    if (a->e->class != ENT_CLASS_SEALED || a->space->is_stopped ||
        !find_key(engine, &a->e->epoch, &epoch)) {
        epoch = engine_row_epoch(engine, &a->e->epoch);
        note_unread(engine, a->arrival, epoch);
        return;
    }
    if (ent_payload_open(a->e, &engine->cached_key, &plain) != ENT_OK) {
        control_note_strange(engine, a, 0, 0, STRANGE_KEY);
    } else if (ent_ops_decode(ent_buf_slice(&plain), &ops) != ENT_OK) {
        control_note_strange(engine, a, 0, 0, STRANGE_MALFORMED);
    } else {
        fold_ops(engine, a, &ops);
        ent_ops_release(&ops);
    }
    ent_buf_release(&plain);
    if (a->space->kind == ENT_SPACE_REVIEW) {
        a->space->is_dirty = true;
        engine->owes_reaction = true;
    }
}

static void
fold_stored(struct engine *engine, struct space_state *space, uint64_t arrival)
{
    static const char forget[] = "DELETE FROM unread WHERE arrival = ?1";
    struct stmt *s = db_prepare(engine->db, forget);
    struct stored_entry se;
    struct applied a = {.space = space, .arrival = arrival};
    bool found = stored_entry_read(engine->db, arrival, &se);

    ENT_ASSERT(found);
    stmt_bind_u64(s, 1, arrival);
    store_must(stmt_run(s));
    a.e = &se.e;
    a.node = row_node(engine->db, &se.e.node);
    a.past = se.past;
    fold_entry(engine, &a);
    stored_entry_release(&se);
}

void
fold_unread(struct engine *engine, struct space_state *space, uint64_t epoch)
{
    static const char sql[] =
        "SELECT arrival FROM unread WHERE epoch = ?1 AND arrival > ?2"
        " ORDER BY arrival LIMIT 1";
    uint64_t after = 0;

    for (;;) {
        struct stmt *s = db_prepare(engine->db, sql);

        stmt_bind_u64(s, 1, epoch);
        stmt_bind_u64(s, 2, after);
        if (!store_find(s)) {
            return;
        }
        after = stmt_col_u64(s, 0);
        stmt_reset(s);
        fold_stored(engine, space, after);
    }
}
