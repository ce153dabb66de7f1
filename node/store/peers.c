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
    enum ent_status st;

    *ret_state = (struct sync_state){0};
    stmt_bind_u64(s, 1, row_node_find(db, peer));
    st = stmt_find(s);
    if (st == ENT_RULE_NOT_FOUND) {
        return;
    }
    store_must(st);
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
        stmt_bind_blob(s, 2,
                       ent_slice(state->peer_store_id, ENT_STORE_ID_LEN));
    } else {
        stmt_bind_null(s, 2);
    }
    stmt_bind_u64(s, 3, state->consumed);
    stmt_bind_blob(s, 4, ent_slice(state->consumed_id, 16));
    stmt_bind_u64(s, 5, state->acked);
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

void
sync_waiting(struct db *db, const struct ent_id *peer, uint64_t acked,
             uint64_t *ret_count, uint64_t *ret_oldest_at)
{
    static const char sql[] =
        "SELECT count(*), coalesce(min(e.hlc), 0) FROM log l"
        " JOIN entry e ON e.log = l.id AND e.arrival > ?2"
        " WHERE l.moved > ?2 AND l.node != ?1 AND EXISTS (SELECT 1 FROM"
        " member m WHERE m.space = l.space AND m.node = ?1)";
    struct stmt *s = db_prepare(db, sql);

    stmt_bind_u64(s, 1, row_node_find(db, peer));
    stmt_bind_u64(s, 2, acked);
    store_must(stmt_find(s));
    *ret_count = stmt_col_u64(s, 0);
    *ret_oldest_at = ent_hlc_ms(stmt_col_u64(s, 1));
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
