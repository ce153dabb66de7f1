/* From rows back to the entry that was signed. */
#include "store/internal.h"

static const char SQL_ENTRY[] =
    "SELECT e.log, e.seq, e.id, e.class, e.flags, e.hlc, e.epoch, e.deps,"
    " e.payload, e.state, e.past, l.inc, n.key, s.sid, s.field"
    " FROM entry e JOIN log l ON l.id = e.log JOIN node n ON n.id = l.node"
    " JOIN space s ON s.id = l.space WHERE e.arrival = ?1";

static void
read_deps(struct stored_entry *out, struct ent_slice deps)
{
    ENT_ASSERT(deps.len % 32 == 0 && deps.len / 32 <= ENT_DEPS_MAX);
    if (deps.len > 0) {
        memcpy(out->deps, deps.p, deps.len);
    }
    out->e.deps = out->deps;
    out->e.dep_count = deps.len / 32;
}

bool
stored_entry_read(struct db *db, uint64_t arrival,
                  struct stored_entry *ret_entry)
{
    struct stmt *s = db_prepare(db, SQL_ENTRY);
    struct ent_entry *e = &ret_entry->e;
    uint64_t epoch;

    stmt_bind_u64(s, 1, arrival);
    if (!store_find(s)) {
        return false;
    }
    *ret_entry = (struct stored_entry){
        .arrival = arrival,
        .log = stmt_col_u64(s, 0),
        .state = (uint8_t)stmt_col_u64(s, 9),
        .past = (uint32_t)stmt_col_u64(s, 10),
    };
    e->seq = stmt_col_u64(s, 1);
    stmt_col_id(s, 2, &e->id);
    e->class = (uint8_t)stmt_col_u64(s, 3);
    e->flags = (uint16_t)stmt_col_u64(s, 4);
    e->hlc = store_col_hlc(s, 5);
    epoch = stmt_col_u64(s, 6);
    read_deps(ret_entry, stmt_col_blob(s, 7));
    ent_buf_put_slice(&ret_entry->payload, stmt_col_blob(s, 8));
    e->inc = (uint32_t)stmt_col_u64(s, 11);
    stmt_col_id(s, 12, &e->node);
    stmt_col_id(s, (e->flags & ENT_FLAG_GENESIS) != 0 ? 14 : 13, &e->space);
    store_must(stmt_status(s));
    stmt_reset(s);
    row_epoch_id(db, epoch, &e->epoch);
    if (e->seq > 0) {
        /* Without it the id does not fit, which verify is there to say. */
        (void)row_entry_at(db, ret_entry->log, e->seq - 1, &e->prev);
    }
    e->payload = ent_buf_slice(&ret_entry->payload);
    e->has_payload = true;
    return true;
}

void
stored_entry_release(struct stored_entry *entry)
{
    ent_buf_release(&entry->payload);
}
