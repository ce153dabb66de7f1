/* Reading views for methods. */
#include "store/overview.h"

#include <entente/msgpack.h>

#include "store/internal.h"
#include "store/sync.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

void
overview_address(struct db *db, char *ret, size_t size)
{
    meta_get_text(db, "advertise", ret, size);
}

uint64_t
overview_own_node(struct db *db)
{
    struct ent_id own;

    sync_store_node(db, &own);
    return row_node_find(db, &own);
}

uint64_t
overview_own_space(struct db *db)
{
    return meta_get_u64(db, "own_space");
}

uint64_t
overview_circle(struct db *db, bool is_any)
{
    static const char sql[] =
        "SELECT s.id FROM space s WHERE s.kind = 2 AND (?2 OR EXISTS"
        " (SELECT 1 FROM member m WHERE m.space = s.id AND m.node = ?1))"
        " ORDER BY s.id LIMIT 1";
    uint64_t own = overview_own_node(db);
    struct stmt *s = db_prepare(db, sql);

    stmt_bind_u64(s, 1, own);
    stmt_bind_u64(s, 2, is_any);
    return store_number(s);
}

uint8_t
overview_own_role(struct db *db, uint64_t space)
{
    static const char sql[] =
        "SELECT role FROM member WHERE space = ?1 AND node = ?2";
    uint64_t own = overview_own_node(db);
    struct stmt *s = db_prepare(db, sql);

    stmt_bind_u64(s, 1, space);
    stmt_bind_u64(s, 2, own);
    return (uint8_t)store_number(s);
}

/* ---- nodes ---- */

#define NODE_COLUMNS                                                           \
    "SELECT n.id, n.key, coalesce(m.role, 0), coalesce(m.basis, 0),"           \
    " coalesce(m.is_opener, 0), coalesce(c.sector, 0), coalesce(c.name, '?')"  \
    " FROM node n LEFT JOIN card c ON c.node = n.id"

static void
read_node(struct stmt *s, const struct ent_id *own,
          struct overview_node *ret_node)
{
    struct ent_slice name = stmt_col_text(s, 6);

    *ret_node = (struct overview_node){
        .row = stmt_col_u64(s, 0),
        .role = (uint8_t)stmt_col_u64(s, 2),
        .basis = (uint8_t)stmt_col_u64(s, 3),
        .is_opener = stmt_col_u64(s, 4) != 0,
        .sector = (uint8_t)stmt_col_u64(s, 5),
    };
    stmt_col_id(s, 1, &ret_node->key);
    ret_node->is_us = ent_id_eq(&ret_node->key, own);
    snprintf(ret_node->name, sizeof(ret_node->name), "%.*s", (int)name.len,
             (const char *)name.p);
}

struct overview_node *
overview_members(struct db *db, uint64_t space, size_t *ret_count)
{
    static const char sql[] =
        NODE_COLUMNS " JOIN member m ON m.node = n.id AND m.space = ?1"
                     " ORDER BY c.name, n.key";
    struct overview_node *nodes = NULL;
    struct ent_id own;
    struct stmt *s;
    size_t count = 0;

    sync_store_node(db, &own);
    s = db_prepare(db, sql);
    stmt_bind_u64(s, 1, space);
    while (store_next(s)) {
        nodes = ent_realloc(nodes, (count + 1) * sizeof(*nodes));
        read_node(s, &own, &nodes[count++]);
    }
    *ret_count = count;
    return nodes;
}

bool
overview_node(struct db *db, uint64_t row, uint64_t space,
              struct overview_node *ret_node)
{
    static const char sql[] =
        NODE_COLUMNS " LEFT JOIN member m ON m.node = n.id AND m.space = ?2"
                     " WHERE n.id = ?1";
    struct ent_id own;
    struct stmt *s;

    sync_store_node(db, &own);
    s = db_prepare(db, sql);
    stmt_bind_u64(s, 1, row);
    stmt_bind_u64(s, 2, space);
    if (!store_find(s)) {
        *ret_node = (struct overview_node){.name = "?"};
        return false;
    }
    read_node(s, &own, ret_node);
    stmt_reset(s);
    return true;
}

bool
overview_card(struct db *db, uint64_t node, struct ent_buf *out)
{
    static const char sql[] = "SELECT bytes FROM card WHERE node = ?1";
    struct stmt *s = db_prepare(db, sql);

    stmt_bind_u64(s, 1, node);
    if (!store_find(s)) {
        return false;
    }
    ent_buf_put_slice(out, stmt_col_blob(s, 0));
    stmt_reset(s);
    return true;
}

uint64_t
overview_node_find(struct db *db, const struct ent_id *key)
{
    return row_node_find(db, key);
}

static bool
is_hex(const char *text)
{
    size_t i;

    for (i = 0; text[i] != '\0'; i++) {
        if (!isxdigit((unsigned char)text[i])) {
            return false;
        }
    }
    return i > 0;
}

uint64_t
overview_find_member(struct db *db, uint64_t space, const char *text)
{
    size_t count;
    struct overview_node *nodes = overview_members(db, space, &count);
    size_t len = strlen(text);
    uint64_t found = 0;
    size_t i;

    for (i = 0; i < count; i++) {
        char hex[65];
        bool fits = strcasecmp(nodes[i].name, text) == 0;

        ent_hex(hex, nodes[i].key.b, 32);
        fits = fits || (len >= 6 && len <= 64 && is_hex(text) &&
                        strncasecmp(hex, text, len) == 0);
        if (fits) {
            found = found == 0 ? nodes[i].row : UINT64_MAX;
        }
    }
    free(nodes);
    return found;
}

/* ---- spaces ---- */

bool
overview_space(struct db *db, uint64_t row, struct overview_space *ret_space)
{
    static const char sql[] =
        "SELECT sid, kind, circle, opener FROM space WHERE id = ?1";
    struct stmt *s = db_prepare(db, sql);

    stmt_bind_u64(s, 1, row);
    if (!store_find(s)) {
        return false;
    }
    *ret_space = (struct overview_space){
        .row = row,
        .kind = (uint8_t)stmt_col_u64(s, 1),
        .circle = stmt_col_u64(s, 2),
        .opener = stmt_col_u64(s, 3),
    };
    stmt_col_id(s, 0, &ret_space->sid);
    stmt_reset(s);
    return true;
}

bool
overview_genesis(struct db *db, uint64_t space,
                 struct overview_genesis *ret_genesis)
{
    static const char sql[] =
        "SELECT e.arrival FROM entry e JOIN log l ON l.id = e.log"
        " WHERE l.space = ?1 AND e.seq = 0 AND e.flags & 1";
    struct stmt *s = db_prepare(db, sql);
    struct stored_entry se;
    struct ent_ops ops;
    struct ent_op_genesis *op;
    uint64_t arrival;
    bool is_good;

    stmt_bind_u64(s, 1, space);
    arrival = store_number(s);
    if (arrival == 0 || !stored_entry_read(db, arrival, &se)) {
        return false;
    }
    is_good = ent_ops_decode(se.e.payload, &ops) == ENT_OK;
    if (is_good && ops.count > 0 && ops.ops[0].type == ENT_OP_GENESIS) {
        op = &ops.ops[0].u.genesis;
        snprintf(ret_genesis->name, sizeof(ret_genesis->name), "%.*s",
                 (int)op->name.len, (const char *)op->name.p);
        ret_genesis->charter = ent_alloc_zero(op->charter.len + 1, 1);
        memcpy(ret_genesis->charter,
               op->charter.len > 0 ? op->charter.p : (const uint8_t *)"",
               op->charter.len);
        ret_genesis->at = ent_hlc_ms(se.e.hlc);
        ent_ops_release(&ops);
    } else {
        is_good = false;
    }
    stored_entry_release(&se);
    return is_good;
}

void
overview_genesis_release(struct overview_genesis *genesis)
{
    free(genesis->charter);
    genesis->charter = NULL;
}

uint64_t
overview_space_find(struct db *db, const struct ent_id *sid)
{
    return row_space_find(db, sid);
}

uint64_t *
overview_spaces(struct db *db, uint8_t kind, size_t *ret_count)
{
    static const char sql[] =
        "SELECT id FROM space WHERE kind = ?1 ORDER BY id";
    struct stmt *s = db_prepare(db, sql);
    uint64_t *rows = NULL;
    size_t capacity = 0;
    size_t count = 0;

    stmt_bind_u64(s, 1, kind);
    while (store_next(s)) {
        if (count == capacity) {
            capacity = capacity > 0 ? 2 * capacity : 16;
            rows = ent_realloc(rows, capacity * sizeof(*rows));
        }
        rows[count++] = stmt_col_u64(s, 0);
    }
    *ret_count = count;
    return rows;
}

void
overview_seen(struct db *db, uint64_t space, uint64_t *ret_seen,
              uint64_t *ret_of)
{
    static const char sql[] =
        "SELECT count(*), coalesce(sum(coalesce(p.acked, 0) >= (SELECT"
        " coalesce(max(e.arrival), 0) FROM log l JOIN entry e ON e.log = l.id"
        " AND e.seq = l.head_seq WHERE l.space = ?1 AND l.node = ?2)), 0)"
        " FROM member m LEFT JOIN peer p ON p.node = m.node"
        " WHERE m.space = ?1 AND m.node != ?2";
    uint64_t own = overview_own_node(db);
    struct stmt *s = db_prepare(db, sql);

    stmt_bind_u64(s, 1, space);
    stmt_bind_u64(s, 2, own);
    store_must(stmt_find(s));
    *ret_of = stmt_col_u64(s, 0);
    *ret_seen = stmt_col_u64(s, 1);
    stmt_reset(s);
}

void
overview_author(struct db *db, uint64_t arrival, uint64_t *ret_node,
                uint64_t *ret_at)
{
    static const char sql[] =
        "SELECT l.node, e.hlc FROM entry e JOIN log l ON l.id = e.log"
        " WHERE e.arrival = ?1";
    struct stmt *s = db_prepare(db, sql);

    stmt_bind_u64(s, 1, arrival);
    store_must(stmt_find(s));
    *ret_node = stmt_col_u64(s, 0);
    *ret_at = ent_hlc_ms(store_col_hlc(s, 1));
    stmt_reset(s);
}

/* ---- records ---- */

/* The one row a statement yields; 0 without, UINT64_MAX with several. */
static uint64_t
only_row(struct stmt *s)
{
    uint64_t found = 0;

    while (store_next(s)) {
        found = found == 0 ? stmt_col_u64(s, 0) : UINT64_MAX;
    }
    return found;
}

uint64_t
overview_record_by_text(struct db *db, uint64_t space, uint16_t kind,
                        uint16_t field, const char *text)
{
    static const char sql[] =
        "SELECT DISTINCT r.id FROM record r JOIN value v ON v.record = r.id"
        " AND v.field = ?3 WHERE r.kind = ?2 AND (?1 = 0 OR r.space = ?1)"
        " AND v.val = ?4 LIMIT 2";
    struct ent_buf val = {0};
    struct stmt *s = db_prepare(db, sql);
    uint64_t found;

    ent_mp_put_cstr(&val, text);
    stmt_bind_u64(s, 1, space);
    stmt_bind_u64(s, 2, kind);
    stmt_bind_u64(s, 3, field);
    stmt_bind_blob(s, 4, ent_buf_slice(&val));
    found = only_row(s);
    ent_buf_release(&val);
    return found;
}

uint64_t
overview_record_by_hex(struct db *db, uint16_t kind, const char *hex)
{
    static const char sql[] =
        "SELECT id FROM record WHERE kind = ?1"
        " AND substr(lower(hex(rid)), 1, length(?2)) = lower(?2) LIMIT 2";
    struct stmt *s;

    if (strlen(hex) < 4 || strlen(hex) > 32 || !is_hex(hex)) {
        return 0;
    }
    s = db_prepare(db, sql);
    stmt_bind_u64(s, 1, kind);
    stmt_bind_str(s, 2, hex);
    return only_row(s);
}

uint64_t
overview_record_space(struct db *db, uint64_t record)
{
    static const char sql[] = "SELECT space FROM record WHERE id = ?1";
    struct stmt *s = db_prepare(db, sql);

    stmt_bind_u64(s, 1, record);
    return store_number(s);
}

/* ---- invitations ---- */

struct overview_invitation *
overview_invitations(struct db *db, size_t *ret_count)
{
    static const char sql[] =
        "SELECT id, role, created, expires, used_by FROM invitation"
        " ORDER BY created DESC LIMIT ?1";
    struct overview_invitation *list =
        ent_alloc_zero(ENT_INVITATIONS_MAX, sizeof(*list));
    struct stmt *s = db_prepare(db, sql);
    size_t count = 0;

    stmt_bind_u64(s, 1, ENT_INVITATIONS_MAX);
    while (store_next(s)) {
        list[count] = (struct overview_invitation){
            .role = (uint8_t)stmt_col_u64(s, 1),
            .created_at = stmt_col_u64(s, 2),
            .expires_at = stmt_col_u64(s, 3),
            .used_by = stmt_col_u64(s, 4),
        };
        stmt_col_fixed(s, 0, list[count].id, sizeof(list[count].id));
        count++;
    }
    *ret_count = count;
    return list;
}

void
overview_put_invitation(struct db *db, uint64_t circle,
                        const struct overview_invitation *invitation,
                        const uint8_t secret[32])
{
    static const char sql[] =
        "INSERT INTO invitation VALUES(?1, ?2, ?3, ?4, ?5, ?6, 0)";
    struct stmt *s = db_prepare(db, sql);

    stmt_bind_blob(s, 1, ENT_SLICE_OF(invitation->id));
    stmt_bind_blob(s, 2, ent_slice(secret, 32));
    stmt_bind_u64(s, 3, circle);
    stmt_bind_u64(s, 4, invitation->role);
    stmt_bind_u64(s, 5, invitation->created_at);
    stmt_bind_u64(s, 6, invitation->expires_at);
    store_must(stmt_run(s));
}
