/* Entries and counts for showing; nothing here changes the store. */
#include "store/history.h"

#include <stdio.h>

#include "store/internal.h"

/* Runs a bound statement that always yields one row; its first column. */
static uint64_t
number_of(struct stmt *s)
{
    uint64_t v;

    store_must(stmt_find(s));
    v = stmt_col_u64(s, 0);
    stmt_reset(s);
    return v;
}

void
history_node(struct db *db, struct history_node *ret_node)
{
    *ret_node = (struct history_node){
        .sector = (uint8_t)meta_get_u64(db, "sector"),
        .is_recovering = meta_get_u64(db, "recovering") != 0,
    };
    meta_get_text(db, "structure", ret_node->structure,
                  sizeof(ret_node->structure));
    meta_get_text(db, "restore_note", ret_node->note, sizeof(ret_node->note));
}

/* ---- counts ---- */

/* Binds the peer's row as ?1; NULL as ?2, all of them. */
static void
bind_sharer(struct stmt *s, struct db *db, const struct ent_id *peer)
{
    uint64_t node = peer != NULL ? row_node_find(db, peer) : 0;

    stmt_bind_u64(s, 1, node);
    stmt_bind_u64(s, 2, peer == NULL);
}

#define SHARED                                                                 \
    " (?2 OR EXISTS (SELECT 1 FROM member m WHERE m.space = l.space"           \
    " AND m.node = ?1))"

uint64_t
history_unread(struct db *db, const struct ent_id *peer)
{
    static const char sql[] =
        "SELECT count(*) FROM unread u JOIN entry e ON e.arrival = u.arrival"
        " JOIN log l ON l.id = e.log WHERE" SHARED;
    struct stmt *s = db_prepare(db, sql);

    bind_sharer(s, db, peer);
    return number_of(s);
}

uint64_t
history_unread_in(struct db *db, uint64_t space)
{
    static const char sql[] =
        "SELECT count(*) FROM unread u JOIN entry e ON e.arrival = u.arrival"
        " JOIN log l ON l.id = e.log WHERE l.space = ?1";
    struct stmt *s = db_prepare(db, sql);

    stmt_bind_u64(s, 1, space);
    return number_of(s);
}

uint64_t
history_forked(struct db *db, const struct ent_id *peer)
{
    static const char sql[] =
        "SELECT count(*) FROM log l WHERE l.is_forked AND" SHARED;
    struct stmt *s = db_prepare(db, sql);

    bind_sharer(s, db, peer);
    return number_of(s);
}

uint64_t
history_strange(struct db *db)
{
    static const char sql[] =
        "SELECT count(DISTINCT arrival) FROM strange WHERE why <= ?1";
    struct stmt *s = db_prepare(db, sql);

    stmt_bind_u64(s, 1, STRANGE_CRITICAL);
    return number_of(s);
}

void
history_behind(struct db *db, uint64_t space, const struct ent_id *node,
               uint64_t after, uint64_t *ret_count, uint64_t *ret_oldest_at)
{
    static const char sql[] =
        "SELECT count(*), coalesce(min(e.hlc), 0) FROM log l"
        " JOIN entry e ON e.log = l.id AND e.arrival > ?3"
        " WHERE l.space = ?1 AND l.node != ?2";
    uint64_t row = row_node_find(db, node);
    struct stmt *s = db_prepare(db, sql);

    stmt_bind_u64(s, 1, space);
    stmt_bind_u64(s, 2, row);
    stmt_bind_u64(s, 3, after);
    store_must(stmt_find(s));
    *ret_count = stmt_col_u64(s, 0);
    *ret_oldest_at = ent_hlc_ms(store_col_hlc(s, 1));
    stmt_reset(s);
}

uint64_t
history_waiting_in(struct db *db, uint64_t space)
{
    static const char sql[] = "SELECT count(*) FROM waiting WHERE space = ?1";
    struct stmt *s = db_prepare(db, sql);

    stmt_bind_u64(s, 1, space);
    return number_of(s);
}

uint64_t
history_waiting_author(struct db *db, const struct ent_id *peer)
{
    static const char sql[] =
        "SELECT coalesce((SELECT l.node FROM waiting w JOIN entry e"
        " ON e.arrival = w.arrival JOIN log l ON l.id = e.log WHERE" SHARED
        " ORDER BY w.arrival LIMIT 1), 0)";
    struct stmt *s = db_prepare(db, sql);

    bind_sharer(s, db, peer);
    return number_of(s);
}

/* ---- entries ---- */

static size_t
read_arrivals(struct stmt *s, uint64_t *ret_arrivals, size_t max)
{
    size_t count = 0;

    while (store_next(s)) {
        ENT_ASSERT(count < max);
        ret_arrivals[count++] = stmt_col_u64(s, 0);
    }
    return count;
}

uint64_t
history_count(struct db *db)
{
    static const char sql[] = "SELECT count(*) FROM entry";

    return number_of(db_prepare(db, sql));
}

size_t
history_list(struct db *db, const uint64_t spaces[HISTORY_SPACES],
             uint64_t before, uint64_t *ret_arrivals, size_t max)
{
    static const char all[] = "SELECT arrival FROM entry WHERE arrival < ?1"
                              " ORDER BY arrival DESC LIMIT ?2";
    static const char some[] =
        "SELECT e.arrival FROM entry e JOIN log l ON l.id = e.log"
        " WHERE e.arrival < ?1 AND l.space IN (?3, ?4, ?5)"
        " ORDER BY e.arrival DESC LIMIT ?2";
    struct stmt *s = db_prepare(db, spaces == NULL ? all : some);

    stmt_bind_u64(s, 1, before);
    stmt_bind_u64(s, 2, max);
    for (int i = 0; spaces != NULL && i < (int)HISTORY_SPACES; i++) {
        stmt_bind_u64(s, 3 + i, spaces[i]);
    }
    return read_arrivals(s, ret_arrivals, max);
}

static void
read_deps(struct db *db, const struct stored_entry *se,
          struct history_entry *out)
{
    for (size_t i = 0; i < se->e.dep_count; i++) {
        struct history_dep *dep = &out->deps[i];
        struct entry_ref ref;
        struct log_row log;

        dep->id = se->deps[i];
        dep->is_here = row_entry_find(db, out->space, &dep->id, &ref) &&
                       row_log_get(db, ref.log, &log);
        if (dep->is_here) {
            dep->node = log.node;
            dep->seq = ref.seq;
        }
    }
    out->dep_count = se->e.dep_count;
}

static void
read_missing(struct db *db, struct history_entry *out)
{
    static const char sql[] = "SELECT dep FROM waiting WHERE arrival = ?1";
    struct stmt *s = db_prepare(db, sql);

    stmt_bind_u64(s, 1, out->arrival);
    if (!store_find(s)) {
        return;
    }
    stmt_col_id(s, 0, &out->missing);
    store_must(stmt_status(s));
    stmt_reset(s);
    out->has_missing = true;
}

/* Control entries are open; others need the key of their epoch. */
static void
open_payload(struct db *db, const struct stored_entry *se,
             struct history_entry *out)
{
    struct ent_key key;
    uint64_t epoch;

    out->plain = (struct ent_buf){.is_secret = true};
    if (se->e.class == ENT_CLASS_CONTROL) {
        ent_buf_put_slice(&out->plain, se->e.payload);
        out->is_open = true;
        return;
    }
    epoch = row_epoch(db, &se->e.epoch); /* a stored entry's: nothing is made */
    if (epoch != 0 && epoch_key_get(db, epoch, &key)) {
        out->is_open = ent_payload_open(&se->e, &key, &out->plain) == ENT_OK;
        ent_wipe(&key, sizeof(key));
    }
}

static void
read_space(struct db *db, uint64_t space, struct history_entry *out)
{
    static const char sql[] = "SELECT sid, kind FROM space WHERE id = ?1";
    struct stmt *s = db_prepare(db, sql);

    stmt_bind_u64(s, 1, space);
    store_must(stmt_find(s));
    stmt_col_id(s, 0, &out->sid);
    out->space_kind = (uint8_t)stmt_col_u64(s, 1);
    store_must(stmt_status(s));
    stmt_reset(s);
    out->space = space;
}

bool
history_read(struct db *db, uint64_t arrival, struct history_entry *ret_entry)
{
    struct stored_entry se;
    struct log_row log;
    bool found;

    if (!stored_entry_read(db, arrival, &se)) {
        return false;
    }
    found = row_log_get(db, se.log, &log);
    ENT_ASSERT(found);
    *ret_entry = (struct history_entry){
        .arrival = arrival,
        .node = log.node,
        .id = se.e.id,
        .seq = se.e.seq,
        .at = ent_hlc_ms(se.e.hlc),
        .class = se.e.class,
        .is_waiting = se.state == ENTRY_WAITING,
        .is_refused = se.state == ENTRY_REFUSED,
    };
    read_space(db, log.space, ret_entry);
    read_deps(db, &se, ret_entry);
    if (ret_entry->is_waiting) {
        read_missing(db, ret_entry);
    }
    open_payload(db, &se, ret_entry);
    stored_entry_release(&se);
    return true;
}

void
history_entry_release(struct history_entry *entry)
{
    ent_buf_release(&entry->plain);
}

uint64_t
history_find(struct db *db, uint64_t space, const struct ent_id *id)
{
    struct entry_ref ref;

    return row_entry_find(db, space, id, &ref) ? ref.arrival : 0;
}

uint8_t
history_verdict(struct db *db, uint64_t arrival, size_t op)
{
    static const char sql[] =
        "SELECT coalesce((SELECT verdict FROM verdict WHERE arrival = ?1"
        " AND op = ?2), 0)";
    struct stmt *s = db_prepare(db, sql);

    stmt_bind_u64(s, 1, arrival);
    stmt_bind_u64(s, 2, op);
    return (uint8_t)number_of(s);
}
