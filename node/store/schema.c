/*
 * The store's tables. Facts cannot be had again; views are folded from them
 * and can be dropped (engine_rebuild). docs/storage.md describes each column.
 */
#include "store/internal.h"

#include <stdio.h>

static const char SQL_FACTS[] =
    "CREATE TABLE meta(k TEXT PRIMARY KEY, v ANY) STRICT, WITHOUT ROWID;"
    "CREATE TABLE node(id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE)"
    " STRICT;"
    "CREATE TABLE epoch(id INTEGER PRIMARY KEY, eid BLOB NOT NULL UNIQUE)"
    " STRICT;"
    "CREATE TABLE space(id INTEGER PRIMARY KEY, sid BLOB NOT NULL UNIQUE,"
    " field BLOB NOT NULL, kind INTEGER NOT NULL, circle INTEGER NOT NULL,"
    " opener INTEGER NOT NULL) STRICT;"
    "CREATE TABLE log(id INTEGER PRIMARY KEY, space INTEGER NOT NULL,"
    " node INTEGER NOT NULL, inc INTEGER NOT NULL, head_seq INTEGER,"
    " head_id BLOB, head_hlc INTEGER NOT NULL, moved INTEGER NOT NULL,"
    " is_closed INTEGER NOT NULL, is_forked INTEGER NOT NULL,"
    " applied_count INTEGER NOT NULL, applied_past INTEGER NOT NULL,"
    " cited INTEGER NOT NULL,"
    " UNIQUE(space, node, inc)) STRICT;"
    "CREATE INDEX log_moved ON log(moved);"
    "CREATE TABLE entry(arrival INTEGER PRIMARY KEY, log INTEGER NOT NULL,"
    " seq INTEGER NOT NULL, idh INTEGER NOT NULL, id BLOB NOT NULL,"
    " class INTEGER NOT NULL, flags INTEGER NOT NULL, hlc INTEGER NOT NULL,"
    " epoch INTEGER NOT NULL, deps BLOB, payload BLOB NOT NULL,"
    " state INTEGER NOT NULL, past INTEGER NOT NULL) STRICT;"
    "CREATE UNIQUE INDEX entry_log ON entry(log, seq);"
    "CREATE INDEX entry_id ON entry(idh);"
    "CREATE TABLE seal(log INTEGER NOT NULL, seq INTEGER NOT NULL,"
    " sig BLOB NOT NULL, PRIMARY KEY(log, seq)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE fork(log INTEGER NOT NULL, seq INTEGER NOT NULL,"
    " id BLOB NOT NULL, told_by INTEGER NOT NULL, at INTEGER NOT NULL,"
    " PRIMARY KEY(log, seq, id)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE peer(node INTEGER PRIMARY KEY, store_id BLOB,"
    " consumed INTEGER NOT NULL, consumed_id BLOB, acked INTEGER NOT NULL,"
    " exchange_at INTEGER NOT NULL, proved_at INTEGER NOT NULL,"
    " proved_top INTEGER NOT NULL, software TEXT NOT NULL,"
    " refusal TEXT NOT NULL, detail TEXT NOT NULL, skew INTEGER NOT NULL)"
    " STRICT;"
    "CREATE TABLE address(node INTEGER NOT NULL, address TEXT NOT NULL,"
    " PRIMARY KEY(node, address)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE pair(node INTEGER PRIMARY KEY, secret BLOB NOT NULL,"
    " circle BLOB NOT NULL, is_caller INTEGER NOT NULL, card BLOB NOT NULL,"
    " compared INTEGER NOT NULL, at INTEGER NOT NULL) STRICT;"
    "CREATE TABLE invitation(id BLOB PRIMARY KEY, secret BLOB NOT NULL,"
    " circle INTEGER NOT NULL, role INTEGER NOT NULL,"
    " created INTEGER NOT NULL, expires INTEGER NOT NULL,"
    " used_by INTEGER NOT NULL) STRICT, WITHOUT ROWID;";

static const char SQL_VIEWS[] =
    "CREATE TABLE waiting(arrival INTEGER PRIMARY KEY, space INTEGER NOT NULL,"
    " idh INTEGER NOT NULL, dep BLOB NOT NULL) STRICT;"
    "CREATE INDEX waiting_dep ON waiting(idh);"
    "CREATE TABLE gov_step(space INTEGER NOT NULL, num INTEGER NOT NULL,"
    " joined BLOB, arrival INTEGER NOT NULL, PRIMARY KEY(space, num))"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE verdict(arrival INTEGER NOT NULL, op INTEGER NOT NULL,"
    " verdict INTEGER NOT NULL, PRIMARY KEY(arrival, op))"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE member(space INTEGER NOT NULL, node INTEGER NOT NULL,"
    " role INTEGER NOT NULL, basis INTEGER NOT NULL,"
    " is_opener INTEGER NOT NULL, PRIMARY KEY(space, node))"
    " STRICT, WITHOUT ROWID;"
    "CREATE INDEX member_node ON member(node);"
    "CREATE TABLE card(node INTEGER PRIMARY KEY, number INTEGER NOT NULL,"
    " name TEXT NOT NULL, sector INTEGER NOT NULL, bytes BLOB NOT NULL)"
    " STRICT;"
    "CREATE TABLE epoch_key(epoch INTEGER PRIMARY KEY,"
    " space INTEGER NOT NULL, recipients BLOB NOT NULL,"
    " commitment BLOB NOT NULL, arrival INTEGER NOT NULL, key BLOB) STRICT;"
    "CREATE INDEX epoch_key_space ON epoch_key(space);"
    "CREATE TABLE epoch_holder(epoch INTEGER NOT NULL, node INTEGER NOT NULL,"
    " PRIMARY KEY(epoch, node)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE unread(arrival INTEGER PRIMARY KEY, epoch INTEGER NOT NULL)"
    " STRICT;"
    "CREATE INDEX unread_epoch ON unread(epoch);"
    "CREATE TABLE record(id INTEGER PRIMARY KEY, space INTEGER NOT NULL,"
    " kind INTEGER NOT NULL, owner INTEGER NOT NULL, rid BLOB NOT NULL,"
    " first INTEGER NOT NULL) STRICT;"
    "CREATE UNIQUE INDEX record_key ON record(space, kind, rid, owner);"
    "CREATE INDEX record_kind ON record(kind);"
    "CREATE TABLE value(record INTEGER NOT NULL, field INTEGER NOT NULL,"
    " arrival INTEGER NOT NULL, idx INTEGER NOT NULL, val BLOB NOT NULL,"
    " PRIMARY KEY(record, field, arrival, idx)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE superseded(record INTEGER NOT NULL, field INTEGER NOT NULL,"
    " ref BLOB NOT NULL, PRIMARY KEY(record, field, ref))"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE strange(arrival INTEGER NOT NULL, op INTEGER NOT NULL,"
    " type INTEGER NOT NULL, why INTEGER NOT NULL, PRIMARY KEY(arrival, op))"
    " STRICT, WITHOUT ROWID;";

static const char SQL_DROP_VIEWS[] =
    "DROP TABLE waiting; DROP TABLE gov_step;"
    "DROP TABLE verdict; DROP TABLE member; DROP TABLE card;"
    "DROP TABLE epoch_holder; DROP TABLE epoch_key; DROP TABLE unread; DROP "
    "TABLE record;"
    "DROP TABLE value; DROP TABLE superseded; DROP TABLE strange;"
    "UPDATE entry SET state = 0, past = 0;"
    "UPDATE log SET applied_count = 0, applied_past = 0, cited = 0;";

/* By long names and in a fixed order, so that two nodes, or one node before
 * and after a rebuild, can be compared. Numbers of rows and pasts differ. */
const char *const schema_view_queries[] = {
    "SELECT s.sid, n.key, m.role, m.basis, m.is_opener FROM member m"
    " JOIN space s ON s.id = m.space JOIN node n ON n.id = m.node"
    " ORDER BY 1, 2",
    "SELECT n.key, c.number, c.bytes FROM card c JOIN node n ON n.id = c.node"
    " ORDER BY 1",
    "SELECT e.eid, k.recipients, k.commitment, k.key FROM epoch_key k"
    " JOIN epoch e ON e.id = k.epoch ORDER BY 1",
    "SELECT s.sid, r.kind, coalesce(o.key, x''), r.rid, v.field, e.id, v.idx,"
    " v.val FROM value v JOIN record r ON r.id = v.record"
    " JOIN space s ON s.id = r.space LEFT JOIN node o ON o.id = r.owner"
    " JOIN entry e ON e.arrival = v.arrival ORDER BY 1, 2, 3, 4, 5, 6, 7",
    "SELECT e.id, v.op, v.verdict FROM verdict v"
    " JOIN entry e ON e.arrival = v.arrival ORDER BY 1, 2",
    "SELECT e.id, w.dep FROM waiting w JOIN entry e ON e.arrival = w.arrival"
    " ORDER BY 1",
    "SELECT s.sid, n.key, l.inc, l.applied_count, l.cited FROM log l"
    " JOIN space s ON s.id = l.space JOIN node n ON n.id = l.node"
    " ORDER BY 1, 2, 3",
    "SELECT e.id, u.epoch FROM unread u JOIN entry e ON e.arrival = u.arrival"
    " ORDER BY 1",
    "SELECT e.id, x.op, x.type, x.why FROM strange x"
    " JOIN entry e ON e.arrival = x.arrival ORDER BY 1, 2",
    NULL,
};

bool
store_find(struct stmt *s)
{
    enum ent_status st = stmt_find(s);

    if (st == ENT_RULE_NOT_FOUND) {
        return false;
    }
    store_must(st);
    return true;
}

bool
store_next(struct stmt *s)
{
    bool has_row;

    store_must(stmt_step(s, &has_row));
    return has_row;
}

uint64_t
store_number(struct stmt *s)
{
    uint64_t number;

    if (!store_find(s)) {
        return 0;
    }
    number = stmt_col_u64(s, 0);
    stmt_reset(s);
    return number;
}

void
schema_create(struct db *db)
{
    store_must(db_exec(db, SQL_FACTS));
    store_must(db_exec(db, SQL_VIEWS));
    store_must(db_set_version(db, 1));
}

void
schema_reset_views(struct db *db)
{
    store_must(db_exec(db, SQL_DROP_VIEWS));
    store_must(db_exec(db, SQL_VIEWS));
}

bool
meta_get(struct db *db, const char *key, void *ret_p, size_t len)
{
    static const char sql[] = "SELECT v FROM meta WHERE k = ?1";
    struct stmt *s = db_prepare(db, sql);

    stmt_bind_str(s, 1, key);
    if (!store_find(s)) {
        return false;
    }
    stmt_col_fixed(s, 0, ret_p, len);
    store_must(stmt_status(s));
    stmt_reset(s);
    return true;
}

void
meta_put(struct db *db, const char *key, const void *p, size_t len)
{
    static const char sql[] = "INSERT OR REPLACE INTO meta VALUES(?1, ?2)";
    struct stmt *s = db_prepare(db, sql);

    stmt_bind_str(s, 1, key);
    stmt_bind_blob(s, 2, ent_slice(p, len));
    store_must(stmt_run(s));
}

uint64_t
meta_get_u64(struct db *db, const char *key)
{
    uint8_t raw[8];

    return meta_get(db, key, raw, sizeof(raw)) ? ent_get_u64(raw) : 0;
}

void
meta_put_u64(struct db *db, const char *key, uint64_t v)
{
    uint8_t raw[8];

    ent_put_u64(raw, v);
    meta_put(db, key, raw, sizeof(raw));
}

void
meta_get_text(struct db *db, const char *key, char *ret, size_t size)
{
    static const char sql[] = "SELECT v FROM meta WHERE k = ?1";
    struct stmt *s = db_prepare(db, sql);
    struct ent_slice v;

    ret[0] = '\0';
    stmt_bind_str(s, 1, key);
    if (!store_find(s)) {
        return;
    }
    v = stmt_col_blob(s, 0);
    store_must(stmt_status(s));
    snprintf(ret, size, "%.*s", (int)v.len, (const char *)v.p);
    stmt_reset(s);
}

void
meta_put_text(struct db *db, const char *key, const char *text)
{
    meta_put(db, key, text, strlen(text));
}
