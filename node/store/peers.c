/* What is kept about each peer: how far sharing went, when, and why not. */
#include "store/internal.h"
#include "store/sync.h"

#include <stdio.h>

static void
copy_text(char *out, size_t size, struct ent_slice text)
{
    snprintf(out, size, "%.*s", (int)text.len, (const char *)text.p);
}

void
sync_state_read(struct db *db, const struct ent_id *peer,
                struct sync_state *ret_state)
{
    static const char sql[] =
        "SELECT store_id, consumed, consumed_id, acked, exchange_at,"
        " proved_at, proved_top, software, refusal, detail, skew FROM peer"
        " WHERE node = ?1";
    struct stmt *s = db_prepare(db, sql);

    *ret_state = (struct sync_state){0};
    stmt_bind_u64(s, 1, row_node_find(db, peer));
    if (!store_find(s)) {
        return;
    }
    ret_state->knows_peer_store = !stmt_col_is_null(s, 0);
    if (ret_state->knows_peer_store) {
        stmt_col_fixed(s, 0, ret_state->peer_store_id, ENT_STORE_ID_LEN);
    }
    ret_state->consumed = stmt_col_u64(s, 1);
    if (!stmt_col_is_null(s, 2)) {
        stmt_col_fixed(s, 2, ret_state->consumed_id, 16);
    }
    ret_state->acked = stmt_col_u64(s, 3);
    ret_state->last_exchange_at = stmt_col_u64(s, 4);
    ret_state->proved_at = stmt_col_u64(s, 5);
    ret_state->proved_top = stmt_col_u64(s, 6);
    copy_text(ret_state->software, sizeof(ret_state->software),
              stmt_col_text(s, 7));
    copy_text(ret_state->refusal, sizeof(ret_state->refusal),
              stmt_col_text(s, 8));
    copy_text(ret_state->refusal_detail, sizeof(ret_state->refusal_detail),
              stmt_col_text(s, 9));
    ret_state->skew_ms = stmt_col_i64(s, 10);
    store_must(stmt_status(s));
    stmt_reset(s);
}

void
sync_state_write(struct db *db, const struct ent_id *peer,
                 const struct sync_state *state)
{
    static const char sql[] =
        "INSERT OR REPLACE INTO peer VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8,"
        " ?9, ?10, ?11, ?12)";
    uint64_t node = row_node(db, peer);
    struct stmt *s = db_prepare(db, sql);

    stmt_bind_u64(s, 1, node);
    if (state->knows_peer_store) {
        stmt_bind_blob(s, 2, ent_slice(state->peer_store_id, ENT_STORE_ID_LEN));
    } else {
        stmt_bind_null(s, 2);
    }
    stmt_bind_u64(s, 3, store_clamp(state->consumed));
    stmt_bind_blob(s, 4, ent_slice(state->consumed_id, 16));
    stmt_bind_u64(s, 5, store_clamp(state->acked));
    stmt_bind_u64(s, 6, state->last_exchange_at);
    stmt_bind_u64(s, 7, state->proved_at);
    stmt_bind_u64(s, 8, state->proved_top);
    stmt_bind_str(s, 9, state->software);
    stmt_bind_str(s, 10, state->refusal);
    stmt_bind_str(s, 11, state->refusal_detail);
    stmt_bind_i64(s, 12, state->skew_ms);
    store_must(stmt_run(s));
}

void
sync_store(struct db *db, uint8_t ret_store_id[ENT_STORE_ID_LEN],
           uint64_t *ret_top, bool *ret_is_recovering)
{
    bool found = meta_get(db, "store_id", ret_store_id, ENT_STORE_ID_LEN);

    ENT_ASSERT(found);
    *ret_top = meta_get_u64(db, "top");
    *ret_is_recovering = meta_get_u64(db, "recovering") != 0;
}

/* A log that moved beyond its last entry was opened to somebody: all of it
 * may wait. */
void
sync_waiting(struct db *db, const struct ent_id *peer, uint64_t acked,
             uint64_t *ret_count, uint64_t *ret_oldest_at)
{
    static const char sql[] =
        "SELECT count(*), coalesce(min(e.hlc), 0) FROM log l"
        " JOIN entry h ON h.log = l.id AND h.seq = l.head_seq"
        " JOIN entry e ON e.log = l.id"
        " AND (e.arrival > ?2 OR l.moved > h.arrival)"
        " WHERE l.moved > ?2 AND l.node != ?1 AND EXISTS (SELECT 1 FROM"
        " member m WHERE m.space = l.space AND m.node = ?1)";
    struct stmt *s = db_prepare(db, sql);

    stmt_bind_u64(s, 1, row_node_find(db, peer));
    stmt_bind_u64(s, 2, store_clamp(acked));
    store_must(stmt_find(s));
    *ret_count = stmt_col_u64(s, 0);
    *ret_oldest_at = ent_hlc_ms(store_col_hlc(s, 1));
    stmt_reset(s);
}

uint64_t
sync_waiting_for_earlier(struct db *db, const struct ent_id *peer)
{
    static const char sql[] =
        "SELECT count(*) FROM waiting w JOIN member m ON m.space = w.space"
        " AND m.node = ?1";
    struct stmt *s = db_prepare(db, sql);
    uint64_t count;

    stmt_bind_u64(s, 1, row_node_find(db, peer));
    store_must(stmt_find(s));
    count = stmt_col_u64(s, 0);
    stmt_reset(s);
    return count;
}

/* ---- addresses that people typed ---- */

/* "host:port", the host in brackets when it holds colons itself. */
static bool
address_is_good(const char *address)
{
    const char *colon = strrchr(address, ':');
    unsigned long port = 0;
    size_t len = strlen(address);
    const char *p;

    if (colon == NULL || colon == address || len > ENT_ADDRESS_MAX ||
        strpbrk(address, " \t\r\n/") != NULL ||
        !ent_utf8_is_valid(ent_slice_str(address))) {
        return false;
    }
    if (strchr(address, ':') != colon &&
        (address[0] != '[' || colon[-1] != ']')) {
        return false;
    }
    for (p = colon + 1; *p >= '0' && *p <= '9' && port <= 65535; p++) {
        port = 10 * port + (unsigned long)(*p - '0');
    }
    return *p == '\0' && port >= 1 && port <= 65535;
}

static uint64_t
count_addresses(struct db *db, uint64_t node)
{
    static const char sql[] = "SELECT count(*) FROM address WHERE node = ?1";
    struct stmt *s = db_prepare(db, sql);
    uint64_t count;

    stmt_bind_u64(s, 1, node);
    store_must(stmt_find(s));
    count = stmt_col_u64(s, 0);
    stmt_reset(s);
    return count;
}

enum ent_status
engine_add_address(struct engine *engine, uint64_t node, const char *address)
{
    static const char sql[] = "INSERT OR IGNORE INTO address VALUES(?1, ?2)";
    struct stmt *s;

    ENT_ASSERT(engine->is_in_txn);
    if (!address_is_good(address)) {
        return ENT_RULE_USAGE;
    }
    if (count_addresses(engine->db, node) >= ENT_ADDRESSES_MAX) {
        return ENT_RULE;
    }
    s = db_prepare(engine->db, sql);
    stmt_bind_u64(s, 1, node);
    stmt_bind_str(s, 2, address);
    store_must(stmt_run(s));
    engine->members_changed = true;
    return ENT_OK;
}

enum ent_status
engine_remove_address(struct engine *engine, uint64_t node, const char *address)
{
    static const char sql[] =
        "DELETE FROM address WHERE node = ?1 AND address = ?2";
    struct stmt *s = db_prepare(engine->db, sql);

    ENT_ASSERT(engine->is_in_txn);
    stmt_bind_u64(s, 1, node);
    stmt_bind_str(s, 2, address);
    store_must(stmt_run(s));
    if (db_changes(engine->db) == 0) {
        return ENT_RULE_NOT_FOUND;
    }
    engine->members_changed = true;
    return ENT_OK;
}
