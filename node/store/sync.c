/*
 * What sessions ask of the store, with the sender's check in every query: a
 * peer is told of a space only when the newest view names it there.
 */
#include "store/sync.h"

#include "store/internal.h"

#include <stdlib.h>

#ifdef ENT_SABOTAGE
/* Withholds what one author wrote ("hold-author=", its id in hex): what others
 * wrote after it then waits at whoever gets it from here alone. */
#define HELD                                                                   \
    " AND l.node NOT IN (SELECT id FROM node WHERE lower(hex(key)) = ?9)"

static void
bind_held(struct stmt *s)
{
    static const char key[] = "hold-author=";
    const char *all = getenv("ENTENTE_SABOTAGE");
    const char *at = all != NULL ? strstr(all, key) : NULL;
    const char *hex = at != NULL ? at + sizeof(key) - 1 : "";

    stmt_bind_text(s, 9, ent_slice(hex, strlen(hex) < 64 ? 0 : 64));
}
#else
#define HELD ""
#define bind_held(s) ((void)(s))
#endif

/* A peer sees a space when it is named there and is still in the circle that
 * the space belongs to: a removal counts everywhere at once, before each space
 * says so. Limited links see circles only. */
#define SEES                                                                   \
    " (EXISTS (SELECT 1 FROM member m WHERE m.space = l.space"                 \
    " AND m.node = ?1) AND (s.circle = 0 OR EXISTS (SELECT 1 FROM member c"    \
    " WHERE c.space = s.circle AND c.node = ?1)) OR ?3)"                       \
    " AND (?2 = 0 OR s.kind = 2)" HELD

static void
bind_peer(struct stmt *s, struct db *db, const struct sync_peer *peer)
{
    stmt_bind_u64(s, 1, row_node_find(db, &peer->node));
    stmt_bind_u64(s, 2, peer->is_limited);
    stmt_bind_u64(s, 3, store_check_is_off());
    bind_held(s);
}

#define HEAD_COLUMNS                                                           \
    "SELECT s.sid, n.key, l.inc, l.head_seq, l.head_id, l.id, l.moved, s.kind" \
    " FROM log l JOIN space s ON s.id = l.space JOIN node n ON n.id = l.node"

static void
read_head(struct stmt *s, struct ent_head *ret_head)
{
    *ret_head = (struct ent_head){0};
    stmt_col_id(s, 0, &ret_head->log.space);
    stmt_col_id(s, 1, &ret_head->log.node);
    ret_head->log.inc = (uint32_t)stmt_col_u64(s, 2);
    ret_head->seq = stmt_col_u64(s, 3);
    stmt_col_id(s, 4, &ret_head->id);
}

/* ---- changes ---- */

#define PUSH_LOOK_BACK 64u

/* How far back the log's news goes, if that is at most a few entries. */
static bool
find_news(struct db *db, uint64_t log, uint64_t after, uint64_t *ret_from,
          size_t *ret_bytes)
{
    static const char sql[] =
        "SELECT seq, arrival, length(payload) FROM entry WHERE log = ?1"
        " ORDER BY seq DESC LIMIT ?2";
    struct stmt *s = db_prepare(db, sql);
    size_t count = 0;
    size_t bytes = 0;
    uint64_t from = UINT64_MAX;
    bool has_row;

    stmt_bind_u64(s, 1, log);
    stmt_bind_u64(s, 2, PUSH_LOOK_BACK + 1);
    for (;;) {
        store_must(stmt_step(s, &has_row));
        if (!has_row || stmt_col_u64(s, 1) <= after) {
            break;
        }
        from = stmt_col_u64(s, 0);
        bytes += (size_t)stmt_col_u64(s, 2) + 64;
        count++;
    }
    if (has_row) {
        stmt_reset(s);
    }
    *ret_from = count > 0 ? from : 0; /* none: a right has grown */
    *ret_bytes += bytes;
    return count > 0 && count <= PUSH_LOOK_BACK;
}

void
sync_id_at(struct db *db, uint64_t number, uint8_t ret_id[16])
{
    static const char sql[] =
        "SELECT id FROM entry WHERE arrival <= ?1 ORDER BY arrival DESC"
        " LIMIT 1";
    struct stmt *s = db_prepare(db, sql);
    struct ent_id id;

    memset(ret_id, 0, 16);
    stmt_bind_u64(s, 1, store_clamp(number));
    if (!store_find(s)) {
        return;
    }
    stmt_col_id(s, 0, &id);
    stmt_reset(s);
    memcpy(ret_id, id.b, 16);
}

/* Circles first: what a space's entries may do depends on them. */
static void
put_change(struct sync_changes *c, const struct ent_head *head, bool is_circle,
           size_t *circle_count)
{
    if (!is_circle) {
        c->heads[c->count++] = *head;
        return;
    }
    c->heads[c->count++] = c->heads[*circle_count];
    c->heads[(*circle_count)++] = *head;
}

void
sync_read_changes(struct db *db, const struct sync_peer *peer, uint64_t after,
                  uint32_t max, struct sync_changes *ret_changes)
{
    static const char sql[] =
        HEAD_COLUMNS " WHERE l.moved > ?4 AND l.head_seq IS NOT NULL AND" SEES
                     " ORDER BY l.moved LIMIT ?5";
    struct stmt *s;
    struct sync_changes c = {0};
    struct ent_id own;
    size_t circle_count = 0;
    uint64_t last_moved = after;

    c.heads = ent_alloc_zero(max + 1, sizeof(*c.heads));
    sync_store_node(db, &own);
    c.upto = meta_get_u64(db, "top");
    s = db_prepare(db, sql);
    bind_peer(s, db, peer);
    stmt_bind_u64(s, 4, store_clamp(after));
    stmt_bind_u64(s, 5, max);
    while (store_next(s)) {
        struct ent_head head;
        uint64_t log;
        bool is_circle;

        read_head(s, &head);
        log = stmt_col_u64(s, 5);
        last_moved = stmt_col_u64(s, 6);
        is_circle = stmt_col_u64(s, 7) == ENT_SPACE_CIRCLE;
        head.is_coming =
            find_news(db, log, after, &head.from_seq, &c.push_bytes) &&
            ent_id_eq(&head.log.node, &own);
        put_change(&c, &head, is_circle, &circle_count);
    }
    if (c.count == max) {
        c.upto = last_moved;
    }
    sync_id_at(db, c.upto, c.upto_id);
    *ret_changes = c;
}

/* ---- runs ---- */

static bool
find_seen_log(struct db *db, const struct sync_peer *peer,
              const struct ent_logkey *key, uint64_t *ret_log)
{
    static const char sql[] =
        "SELECT l.id FROM log l JOIN space s ON s.id = l.space"
        " JOIN node n ON n.id = l.node WHERE s.sid = ?4 AND n.key = ?5"
        " AND l.inc = ?6 AND" SEES;
    struct stmt *s = db_prepare(db, sql);

    bind_peer(s, db, peer);
    stmt_bind_id(s, 4, &key->space);
    stmt_bind_id(s, 5, &key->node);
    stmt_bind_u64(s, 6, key->inc);
    if (!store_find(s)) {
        return false;
    }
    *ret_log = stmt_col_u64(s, 0);
    stmt_reset(s);
    return true;
}

/* The first entry by which the opener of a care or review space let the peer
 * in; 0 when this is not such a log. A newcomer takes such a space only with
 * the entry that names it (docs/trust.md P2). */
static uint64_t
find_grant(struct db *db, uint64_t log, const struct ent_id *peer)
{
    static const char sql[] =
        "SELECT e.seq, e.payload FROM entry e JOIN log l ON l.id = e.log"
        " JOIN space s ON s.id = l.space AND s.opener = l.node"
        " WHERE e.log = ?1 AND e.class = 1 AND e.seq < ?2 AND s.kind IN (3, 4)"
        " ORDER BY e.seq";
    struct stmt *s = db_prepare(db, sql);

    stmt_bind_u64(s, 1, log);
    stmt_bind_u64(s, 2, ENT_RUN_ENTRIES_MAX);
    while (store_next(s)) {
        uint64_t seq = stmt_col_u64(s, 0);

        if (ingest_names(stmt_col_blob(s, 1), peer)) {
            stmt_reset(s);
            return seq;
        }
    }
    return 0;
}

struct run_bounds {
    uint64_t from_seq;
    uint64_t to_seq;
    uint64_t least; /* it has to reach this one */
    size_t max_bytes;
};

/* Where a run ends: at the last signature within the bounds, or at the first
 * one that will do if none is. */
static bool
find_run_end(struct db *db, uint64_t log, const struct run_bounds *b,
             uint64_t *ret_end, struct ent_sig *ret_sig)
{
    static const char sql[] =
        "SELECT e.seq, length(e.payload) + 56"
        " + coalesce(length(e.deps), 0) * 17 / 16, x.sig FROM entry e"
        " LEFT JOIN seal x ON x.log = e.log AND x.seq = e.seq"
        " WHERE e.log = ?1 AND e.seq >= ?2 AND e.seq < ?3 ORDER BY e.seq";
    struct stmt *s = db_prepare(db, sql);
    size_t bytes = 256;
    bool found = false;

    if (b->from_seq > INT64_MAX - ENT_RUN_ENTRIES_MAX) {
        return false;
    }
    stmt_bind_u64(s, 1, log);
    stmt_bind_u64(s, 2, b->from_seq);
    stmt_bind_u64(s, 3, b->from_seq + ENT_RUN_ENTRIES_MAX);
    while (store_next(s)) {
        bytes += (size_t)stmt_col_u64(s, 1);
        if ((found &&
             (bytes > b->max_bytes || stmt_col_u64(s, 0) > b->to_seq)) ||
            (b->least > 0 && bytes > ENT_RUN_BYTES_MAX)) {
            stmt_reset(s);
            return found;
        }
        if (!stmt_col_is_null(s, 2) && stmt_col_u64(s, 0) >= b->least) {
            *ret_end = stmt_col_u64(s, 0);
            stmt_col_fixed(s, 2, ret_sig->b, sizeof(ret_sig->b));
            found = true;
        }
    }
    return found;
}

struct run_parts {
    size_t count;
    size_t capacity;
    struct ent_entry *entries;
    struct ent_buf bytes; /* deps and payloads, one after the other */
    size_t *dep_at;
    size_t *payload_at;
};

static void
add_part(struct run_parts *p, struct stmt *s, const struct ent_logkey *key,
         const struct ent_id *field)
{
    struct ent_entry *e = &p->entries[p->count];
    struct ent_slice deps = stmt_col_blob(s, 5);
    struct ent_slice payload = stmt_col_blob(s, 6);

    *e = (struct ent_entry){
        .seq = stmt_col_u64(s, 0),
        .class = (uint8_t)stmt_col_u64(s, 2),
        .flags = (uint16_t)stmt_col_u64(s, 3),
        .hlc = store_col_hlc(s, 4),
        .node = key->node,
        .inc = key->inc,
        .dep_count = deps.len / 32,
        .has_payload = true,
    };
    stmt_col_id(s, 1, &e->id);
    if (!stmt_col_is_null(s, 7)) {
        stmt_col_id(s, 7, &e->epoch);
    }
    e->space = (e->flags & ENT_FLAG_GENESIS) != 0 ? *field : key->space;
    if (p->count > 0) {
        e->prev = p->entries[p->count - 1].id;
    }
    p->dep_at[p->count] = p->bytes.len;
    ent_buf_put_slice(&p->bytes, deps);
    p->payload_at[p->count] = p->bytes.len;
    ent_buf_put_slice(&p->bytes, payload);
    e->payload_len = (uint32_t)payload.len;
    p->count++;
}

/* Deps must be aligned as ids; they are bytes, so any address will do. */
static void
fix_parts(struct run_parts *p)
{
    size_t i;

    ENT_ASSERT(!p->bytes.failed);
    for (i = 0; i < p->count; i++) {
        struct ent_entry *e = &p->entries[i];

        e->deps = e->dep_count > 0
                      ? (const struct ent_id *)(p->bytes.p + p->dep_at[i])
                      : NULL;
        e->payload = ent_slice(p->bytes.p + p->payload_at[i], e->payload_len);
    }
}

static void
read_parts(struct db *db, uint64_t log, const struct ent_need *need,
           uint64_t end, struct run_parts *p)
{
    static const char sql[] =
        "SELECT e.seq, e.id, e.class, e.flags, e.hlc, e.deps, e.payload,"
        " x.eid, s.field FROM entry e LEFT JOIN epoch x ON x.id = e.epoch"
        " JOIN log l ON l.id = e.log JOIN space s ON s.id = l.space"
        " WHERE e.log = ?1 AND e.seq BETWEEN ?2 AND ?3 ORDER BY e.seq";
    struct stmt *s = db_prepare(db, sql);
    struct ent_id field;

    stmt_bind_u64(s, 1, log);
    stmt_bind_u64(s, 2, need->from_seq);
    stmt_bind_u64(s, 3, end);
    while (store_next(s)) {
        ENT_ASSERT(p->count < p->capacity);
        stmt_col_id(s, 8, &field);
        add_part(p, s, &need->log, &field);
    }
    fix_parts(p);
}

void
sync_read_run(struct db *db, const struct sync_peer *peer,
              const struct ent_need *need, size_t max_bytes,
              struct ent_buf *out, uint64_t *ret_last_seq)
{
    struct run_bounds bounds = {
        .from_seq = need->from_seq,
        .to_seq = need->to_seq,
        .max_bytes =
            max_bytes < ENT_RUN_BYTES_MAX ? max_bytes : ENT_RUN_BYTES_MAX,
    };
    struct run_parts p = {0};
    struct ent_sig sig;
    uint64_t log;
    uint64_t end = 0;
    enum ent_status st;

    *ret_last_seq = need->from_seq - 1;
    if (!find_seen_log(db, peer, &need->log, &log)) {
        return;
    }
    bounds.least = need->from_seq == 0 ? find_grant(db, log, &peer->node) : 0;
    if (!find_run_end(db, log, &bounds, &end, &sig)) {
        return;
    }
    p.capacity = (size_t)(end - need->from_seq + 1);
    p.entries = ent_alloc_zero(p.capacity, sizeof(*p.entries));
    p.dep_at = ent_alloc_zero(p.capacity, sizeof(*p.dep_at));
    p.payload_at = ent_alloc_zero(p.capacity, sizeof(*p.payload_at));
    read_parts(db, log, need, end, &p);
    if (p.count > 0) {
        if (need->from_seq > 0) {
            bool found =
                row_entry_at(db, log, need->from_seq - 1, &p.entries[0].prev);

            ENT_ASSERT(found);
        }
        st = ent_run_encode(p.entries, p.count, &sig, out);
        ENT_ASSERT(st == ENT_OK);
        *ret_last_seq = end;
    }
    ent_buf_release(&p.bytes);
    free(p.payload_at);
    free(p.dep_at);
    free(p.entries);
}

/* ---- check ---- */

/* Where our copy of a log stands. */
struct standing {
    uint64_t log; /* row; 0 when we have none */
    uint64_t next;
    struct ent_id head;
    bool is_forked;
};

static void
find_standing(struct db *db, const struct ent_logkey *key, struct standing *ret)
{
    static const char sql[] =
        "SELECT l.id, l.head_seq, l.head_id, l.is_forked FROM log l"
        " JOIN space s ON s.id = l.space JOIN node n ON n.id = l.node"
        " WHERE s.sid = ?1 AND n.key = ?2 AND l.inc = ?3";
    struct stmt *s = db_prepare(db, sql);

    *ret = (struct standing){0};
    stmt_bind_id(s, 1, &key->space);
    stmt_bind_id(s, 2, &key->node);
    stmt_bind_u64(s, 3, key->inc);
    if (!store_find(s)) {
        return;
    }
    ret->log = stmt_col_u64(s, 0);
    ret->is_forked = stmt_col_u64(s, 3) != 0;
    if (!stmt_col_is_null(s, 1)) {
        ret->next = stmt_col_u64(s, 1) + 1;
        stmt_col_id(s, 2, &ret->head);
    }
    store_must(stmt_status(s));
    stmt_reset(s);
}

/* Has the peer another entry than ours at this number? Its run is the
 * evidence; once we have that there is nothing more to fetch. */
static bool
is_other_past(struct db *db, const struct standing *at,
              const struct ent_head *head)
{
    struct ent_id ours = at->head;

    if (at->is_forked || head->seq >= at->next) {
        return false;
    }
    if (head->seq + 1 < at->next &&
        !row_entry_at(db, at->log, head->seq, &ours)) {
        return false;
    }
    return !ent_id_eq(&ours, &head->id);
}

size_t
sync_check(struct db *db, const struct sync_peer *peer,
           const struct ent_head *heads, size_t count,
           struct ent_need *ret_needs)
{
    size_t needed = 0;
    size_t i;

    (void)peer;
    for (i = 0; i < count; i++) {
        struct ent_need *need = &ret_needs[needed];
        struct standing at;

        find_standing(db, &heads[i].log, &at);
        *need = (struct ent_need){
            .log = heads[i].log,
            .from_seq = at.next,
            .to_seq = heads[i].seq,
        };
        if (is_other_past(db, &at, &heads[i])) {
            need->from_seq = heads[i].seq;
            needed++;
        } else if (heads[i].seq >= at.next && heads[i].seq != UINT64_MAX) {
            needed++;
        }
    }
    return needed;
}

/* ---- proof ---- */

/* sum += F(head), mod 2^128, big endian. */
static void
add_head(uint8_t sum[16], const struct ent_key *key,
         const struct ent_head *head)
{
    uint8_t layout[32 + 32 + 4 + 8 + 16];
    uint8_t f[16];
    unsigned carry = 0;
    size_t i;

    memcpy(layout, head->log.space.b, 32);
    memcpy(layout + 32, head->log.node.b, 32);
    ent_put_u32(layout + 64, head->log.inc);
    ent_put_u64(layout + 68, head->seq);
    memcpy(layout + 76, head->id.b, 16);
    ent_siphash(key->b, ENT_SLICE_OF(layout), f);
    for (i = 16; i-- > 0;) {
        carry += (unsigned)sum[i] + f[i];
        sum[i] = (uint8_t)carry;
        carry >>= 8;
    }
}

/* Spaces that both hold: the peer is named there, and so are we. */
#define COMMON                                                                 \
    SEES " AND EXISTS (SELECT 1 FROM member o WHERE o.space = l.space"         \
         " AND o.node = ?4)"

static void
read_spaces_hash(struct db *db, const struct sync_peer *peer, uint64_t own,
                 const struct ent_key *key, uint8_t ret_hash[16])
{
    static const char sql[] =
        "SELECT DISTINCT s.sid FROM log l JOIN space s ON s.id = l.space"
        " WHERE l.head_seq IS NOT NULL AND" COMMON " ORDER BY 1";
    struct stmt *s = db_prepare(db, sql);
    struct ent_hasher h;
    struct ent_id id;

    ent_hasher_init(&h, "entente/spaces/1");
    bind_peer(s, db, peer);
    stmt_bind_u64(s, 4, own);
    while (store_next(s)) {
        stmt_col_id(s, 0, &id);
        ent_hasher_add(&h, ENT_SLICE_OF(id));
    }
    ent_hasher_end(&h, &id);
    ent_mac(ENT_SLICE_OF(*key), ENT_SLICE_OF(id), ret_hash, 16);
}

void
sync_store_node(struct db *db, struct ent_id *ret_node)
{
    uint8_t raw[8];
    static const char sql[] =
        "SELECT n.key FROM space s JOIN node n ON n.id = s.opener"
        " WHERE s.id = ?1";
    struct stmt *s;

    *ret_node = (struct ent_id){{0}};
    if (!meta_get(db, "own_space", raw, sizeof(raw))) {
        return;
    }
    s = db_prepare(db, sql);
    stmt_bind_u64(s, 1, ent_get_u64(raw));
    store_must(stmt_find(s));
    stmt_col_id(s, 0, ret_node);
    store_must(stmt_status(s));
    stmt_reset(s);
}

void
sync_read_proof(struct db *db, const struct sync_peer *peer,
                const struct ent_key *key, struct sync_proof *ret_proof)
{
    static const char sql[] =
        HEAD_COLUMNS " WHERE l.head_seq IS NOT NULL AND" COMMON;
    struct sync_proof p = {0};
    struct ent_id own;
    struct stmt *s;

    sync_store_node(db, &own);
    p.top = meta_get_u64(db, "top");
    s = db_prepare(db, sql);
    bind_peer(s, db, peer);
    stmt_bind_u64(s, 4, row_node_find(db, &own));
    while (store_next(s)) {
        struct ent_head head;

        read_head(s, &head);
        add_head(p.sum, key, &head);
        p.head_count++;
    }
    read_spaces_hash(db, peer, row_node_find(db, &own), key, p.spaces);
    *ret_proof = p;
}

struct ent_head *
sync_read_heads(struct db *db, const struct sync_peer *peer, size_t *ret_count)
{
    static const char sql[] = HEAD_COLUMNS
        " WHERE l.head_seq IS NOT NULL AND" COMMON " ORDER BY l.id";
    struct ent_head *heads = NULL;
    size_t capacity = 0;
    size_t count = 0;
    struct ent_id own;
    struct stmt *s;

    sync_store_node(db, &own);
    s = db_prepare(db, sql);
    bind_peer(s, db, peer);
    stmt_bind_u64(s, 4, row_node_find(db, &own));
    while (store_next(s)) {
        if (count == capacity) {
            capacity = capacity > 0 ? 2 * capacity : 64;
            heads = ent_realloc(heads, capacity * sizeof(*heads));
        }
        read_head(s, &heads[count++]);
    }
    *ret_count = count;
    return heads;
}
