/*
 * store-export --folder DIR --key-file FILE [--raw]: everything that a stopped
 * node's store holds, opened with the node's own key, so that a search over
 * the output finds whatever this node could read.
 *
 * First every table, one line a column: `table[row].column = value`, text as
 * it is and blobs as hex. Then every payload as it is: of open entries as
 * sent, of sealed ones decrypted where the key of their epoch is there. With
 * --raw all blobs follow their line as they are, too.
 *
 * Exit status: 0; 1 when the store could not be read to its end; 2 for a wrong
 * call.
 */
#include <entente/entry.h>
#include <entente/limits.h>

#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/base/db.h"
#include "store/base/keyfile.h"
#include "store/base/lock.h"

struct options {
    const char *folder;
    const char *key_file;
    bool is_raw;
};

/* What one run opened. */
struct source {
    struct lock *lock;
    struct storekey *key;
    struct db *db;
    sqlite3 *p;
    bool is_raw;
    bool has_failed;
};

static bool
read_options(int argc, char **argv, struct options *ret)
{
    int i;

    *ret = (struct options){0};
    for (i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--raw") == 0) {
            ret->is_raw = true;
        } else if (strcmp(argv[i], "--folder") == 0 && i + 1 < argc) {
            ret->folder = argv[++i];
        } else if (strcmp(argv[i], "--key-file") == 0 && i + 1 < argc) {
            ret->key_file = argv[++i];
        } else {
            return false;
        }
    }
    return ret->folder != NULL && ret->key_file != NULL;
}

static sqlite3_stmt *
prepare(struct source *from, const char *sql)
{
    sqlite3_stmt *stmt = NULL;

    if (sqlite3_prepare_v2(from->p, sql, -1, &stmt, NULL) != SQLITE_OK) {
        fprintf(stderr, "store-export: %s: %s\n", sql, sqlite3_errmsg(from->p));
        from->has_failed = true;
    }
    return stmt;
}

/* True for a row; the end of an unreadable table is no end. */
static bool
step(struct source *from, sqlite3_stmt *stmt)
{
    int rc = stmt != NULL ? sqlite3_step(stmt) : SQLITE_DONE;

    if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
        fprintf(stderr, "store-export: %s\n", sqlite3_errmsg(from->p));
        from->has_failed = true;
    }
    return rc == SQLITE_ROW;
}

static struct ent_slice
blob_of(sqlite3_stmt *stmt, int column)
{
    const void *p = sqlite3_column_blob(stmt, column);

    return ent_slice(p, (size_t)sqlite3_column_bytes(stmt, column));
}

/* False unless the column is a blob of exactly this length. */
static bool
read_fixed(sqlite3_stmt *stmt, int column, void *ret_p, size_t len)
{
    struct ent_slice v = blob_of(stmt, column);

    if (v.len != len) {
        return false;
    }
    memcpy(ret_p, v.p, len);
    return true;
}

static void
print_raw(struct ent_slice v)
{
    if (v.len > 0) {
        fwrite(v.p, 1, v.len, stdout);
    }
    putchar('\n');
}

/* ---- tables ---- */

static void
print_blob(const struct source *from, struct ent_slice v)
{
    size_t i;

    for (i = 0; i < v.len; i++) {
        printf("%02x", v.p[i]);
    }
    putchar('\n');
    if (from->is_raw) {
        print_raw(v);
    }
}

static void
print_column(const struct source *from, sqlite3_stmt *stmt, int column)
{
    switch (sqlite3_column_type(stmt, column)) {
    case SQLITE_NULL:
        puts("null");
        break;
    case SQLITE_BLOB:
        print_blob(from, blob_of(stmt, column));
        break;
    default: /* text; numbers as text */
        print_raw(blob_of(stmt, column));
        break;
    }
}

static void
print_table(struct source *from, const char *table)
{
    char *sql = sqlite3_mprintf("SELECT * FROM \"%w\"", table);
    sqlite3_stmt *stmt = prepare(from, sql);
    size_t row = 0;

    while (step(from, stmt)) {
        int i;

        for (i = 0; i < sqlite3_column_count(stmt); i++) {
            printf("%s[%zu].%s = ", table, row, sqlite3_column_name(stmt, i));
            print_column(from, stmt, i);
        }
        row++;
    }
    sqlite3_finalize(stmt);
    sqlite3_free(sql);
}

static void
print_tables(struct source *from)
{
    sqlite3_stmt *stmt =
        prepare(from, "SELECT name FROM sqlite_schema WHERE type = 'table'"
                      " ORDER BY name");

    while (step(from, stmt)) {
        print_table(from, (const char *)sqlite3_column_text(stmt, 0));
    }
    sqlite3_finalize(stmt);
}

/* ---- payloads ---- */

/* Of every entry all that its payload's associated data is made of. */
static const char SQL_ENTRIES[] =
    "SELECT e.class, e.flags, s.sid, n.key, l.inc, e.seq, p.id, e.deps,"
    " e.hlc, x.eid, e.payload, k.key, e.id"
    " FROM entry e JOIN log l ON l.id = e.log JOIN space s ON s.id = l.space"
    " JOIN node n ON n.id = l.node"
    " LEFT JOIN entry p ON p.log = e.log AND p.seq = e.seq - 1"
    " LEFT JOIN epoch x ON x.id = e.epoch"
    " LEFT JOIN epoch_key k ON k.epoch = e.epoch ORDER BY e.arrival";

struct sealed {
    struct ent_entry e;
    struct ent_id deps[ENT_DEPS_MAX];
};

static bool
read_sealed(sqlite3_stmt *stmt, struct sealed *ret)
{
    struct ent_entry *e = &ret->e;
    struct ent_slice deps = blob_of(stmt, 7);

    *ret = (struct sealed){0};
    e->class = (uint8_t)sqlite3_column_int(stmt, 0);
    e->flags = (uint16_t)sqlite3_column_int(stmt, 1);
    e->inc = (uint32_t)sqlite3_column_int64(stmt, 4);
    e->seq = (uint64_t)sqlite3_column_int64(stmt, 5);
    e->hlc = (uint64_t)sqlite3_column_int64(stmt, 8);
    if (deps.len > sizeof(ret->deps) || deps.len % sizeof(ret->deps[0]) != 0 ||
        !read_fixed(stmt, 2, e->space.b, sizeof(e->space.b)) ||
        !read_fixed(stmt, 3, e->node.b, sizeof(e->node.b)) ||
        !read_fixed(stmt, 9, e->epoch.b, sizeof(e->epoch.b)) ||
        (e->seq > 0 && !read_fixed(stmt, 6, e->prev.b, sizeof(e->prev.b)))) {
        return false;
    }
    if (deps.len > 0) {
        memcpy(ret->deps, deps.p, deps.len);
    }
    e->deps = ret->deps;
    e->dep_count = deps.len / sizeof(ret->deps[0]);
    e->payload = blob_of(stmt, 10);
    e->payload_len = (uint32_t)e->payload.len;
    e->has_payload = true;
    return true;
}

static void
print_opened(struct source *from, sqlite3_stmt *stmt)
{
    struct ent_buf plain = {.is_secret = true};
    struct sealed sealed;
    struct ent_key key;

    if (!read_fixed(stmt, 11, key.b, sizeof(key.b))) {
        puts("no key");
    } else if (!read_sealed(stmt, &sealed)) {
        fputs("store-export: an entry has columns of wrong lengths\n", stderr);
        from->has_failed = true;
    } else if (ent_payload_open(&sealed.e, &key, &plain) != ENT_OK) {
        puts("does not open");
    } else {
        print_raw(ent_buf_slice(&plain));
    }
    ent_buf_release(&plain);
    ent_wipe(&key, sizeof(key));
}

static void
print_payloads(struct source *from)
{
    sqlite3_stmt *stmt = prepare(from, SQL_ENTRIES);

    while (step(from, stmt)) {
        struct ent_slice id = blob_of(stmt, 12);
        size_t i;

        fputs("payload of ", stdout);
        for (i = 0; i < id.len; i++) {
            printf("%02x", id.p[i]);
        }
        fputs(" = ", stdout);
        if (sqlite3_column_int(stmt, 0) == ENT_CLASS_SEALED) {
            print_opened(from, stmt);
        } else {
            print_raw(blob_of(stmt, 10));
        }
    }
    sqlite3_finalize(stmt);
}

/* ---- the store ---- */

static enum ent_status
open_source(const struct options *options, struct source *from)
{
    struct keyfile_way way = {.type = KEYFILE_RAW,
                              .raw_path = options->key_file};
    struct db_config config = {0};
    char keys[PATH_MAX];
    char store[PATH_MAX];
    enum ent_status st;

    snprintf(keys, sizeof(keys), "%s/keys", options->folder);
    snprintf(store, sizeof(store), "%s/store.db", options->folder);
    st = lock_take(options->folder, &from->lock);
    if (st == ENT_OK) {
        st = keyfile_open(keys, &way, &from->key);
    }
    if (st == ENT_OK) {
        config.path = store;
        config.key = from->key;
        st = db_open_writer(&config, &from->db);
    }
    if (st == ENT_OK) {
        from->p = db_handle(from->db);
    }
    return st;
}

static void
close_source(struct source *from)
{
    db_close(from->db);
    storekey_free(from->key);
    lock_release(from->lock);
}

int
main(int argc, char **argv)
{
    struct options options;
    struct source from = {0};
    enum ent_status st;

    if (!read_options(argc, argv, &options)) {
        fputs("usage: store-export --folder DIR --key-file FILE [--raw]\n",
              stderr);
        return 2;
    }
    from.is_raw = options.is_raw;
    st = open_source(&options, &from);
    if (st == ENT_OK) {
        print_tables(&from);
        print_payloads(&from);
    } else {
        fprintf(stderr, "store-export: %s: %s\n", options.folder,
                ent_status_text(st));
    }
    close_source(&from);
    return st == ENT_OK && !from.has_failed && fflush(stdout) == 0 ? 0 : 1;
}
