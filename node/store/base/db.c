/*
 * The store's connection: opening with fixed settings, transactions, and
 * checkpoints. See db.h; statements are in stmt.c, copies in dbcopy.c.
 *
 * Why these settings:
 *   cache_spill=OFF  SQLite 3.40.1 in WAL mode can lose committed transactions
 *                    when a transaction spills pages, writes one of them
 *                    again, rolls back to a savepoint, commits, and the
 *                    process dies before a checkpoint.
 *   temp_store       Temporary files would be plain text; the VFS refuses them.
 *   secure_delete    What was erased must not stay in free pages.
 *   wal_autocheckpoint=0  It swallows errors. We checkpoint and look.
 */
#include "store/base/dbpriv.h"
#include "store/base/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CACHE_WRITER_KIB (32u * 1024u)
#define CACHE_READER_KIB (8u * 1024u)
#define LOCK_WAIT_MS 250

static const char SQL_TOUCH[] = "SELECT count(*) FROM sqlite_schema";
static const char SQL_BEGIN_WRITE[] = "BEGIN IMMEDIATE";
static const char SQL_BEGIN_READ[] = "BEGIN";
static const char SQL_COMMIT[] = "COMMIT";
static const char SQL_ROLLBACK[] = "ROLLBACK";
static const char SQL_VERSION[] = "PRAGMA user_version";
static const char SQL_JOURNAL_MODE[] = "PRAGMA journal_mode";
static const char SQL_VERIFY[] = "PRAGMA integrity_check(1)";

/* ---- result codes ---- */

static enum ent_status
status_of(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return ENT_OK;
    case SQLITE_IOERR:
        return rc == SQLITE_IOERR_DATA || rc == SQLITE_IOERR_CORRUPTFS
                   ? ENT_SELF_CORRUPT
                   : ENT_SELF_IO;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ENT_SELF_CORRUPT;
    case SQLITE_FULL:
        return ENT_SELF_FULL;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
        return ENT_SELF_BUSY;
    case SQLITE_CONSTRAINT:
    case SQLITE_ERROR: /* while running: a search term that is no query */
    case SQLITE_TOOBIG:
    case SQLITE_MISMATCH:
        return ENT_RULE;
    default: /* CANTOPEN, READONLY, PERM, and what only a bug can cause */
        return ENT_SELF_IO;
    }
}

enum ent_status
db_status(struct db *db, int rc)
{
    enum ent_status st = status_of(rc);

    ENT_ASSERT((rc & 0xff) != SQLITE_NOMEM && rc != SQLITE_IOERR_NOMEM);
    ENT_ASSERT((rc & 0xff) != SQLITE_MISUSE && (rc & 0xff) != SQLITE_AUTH);
    if (ent_status_is_self(st) && db->transaction_status == ENT_OK) {
        db->transaction_status = st;
    }
    return st;
}

const char *
db_error(const struct db *db)
{
    return sqlite3_errmsg(db->p);
}

struct sqlite3 *
db_handle(struct db *db)
{
    return db->p;
}

enum ent_status
db_exec(struct db *db, const char *sql)
{
    return db_status(db, sqlite3_exec(db->p, sql, NULL, NULL, NULL));
}

uint64_t
db_last_rowid(const struct db *db)
{
    return (uint64_t)sqlite3_last_insert_rowid(db->p);
}

uint64_t
db_changes(const struct db *db)
{
    return (uint64_t)sqlite3_changes64(db->p);
}

/* ---- opening ---- */

static int
on_wal(void *arg, sqlite3 *p, const char *name, int pages)
{
    struct db *db = arg;

    (void)p;
    if (strcmp(name, "main") == 0) {
        db->wal_pages = (uint32_t)pages;
    }
    return SQLITE_OK;
}

enum ent_status
db_apply_settings(struct db *db, uint32_t cache_kib)
{
    char sql[512];
    enum ent_status st;

    sqlite3_extended_result_codes(db->p, 1);
    sqlite3_busy_timeout(db->p, LOCK_WAIT_MS);
    sqlite3_db_config(db->p, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db->p, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    snprintf(sql, sizeof(sql),
             "PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY;"
             "PRAGMA mmap_size=0; PRAGMA secure_delete=ON;"
             "PRAGMA cache_spill=OFF; PRAGMA cache_size=-%u;"
             "PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;",
             cache_kib);
    st = db_exec(db, sql);
    sqlite3_wal_hook(db->p, on_wal, db); /* takes autocheckpoint's place */
    return st;
}

enum ent_status
db_open_attached(struct cryptvfs_attachment *at, const char *vfs, int flags,
                 struct db **ret_db)
{
    struct db *db = ent_alloc_zero(1, sizeof(*db));
    enum ent_status st;
    int rc;

    rc = sqlite3_open_v2(cryptvfs_path(at), &db->p,
                         flags | SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
                             SQLITE_OPEN_EXRESCODE,
                         vfs);
    st = db_status(db, rc);
    if (st != ENT_OK) {
        sqlite3_close(db->p);
        free(db);
        return st;
    }
    db->at = at;
    *ret_db = db;
    return ENT_OK;
}

void
db_close(struct db *db)
{
    if (db == NULL) {
        return;
    }
    db_free_statements(db);
    ENT_ASSERT(sqlite3_close(db->p) == SQLITE_OK);
    cryptvfs_detach(db->at);
    free(db);
}

/* Reads the schema, which recovers the log if need be, and looks whether the
 * store is one of ours. A later checkpoint needs this first read, too. */
static enum ent_status
first_read(struct db *db)
{
    struct stmt *s;
    enum ent_status st = stmt_run(db_prepare(db, SQL_TOUCH));

    if (st != ENT_OK) {
        return st;
    }
    s = db_prepare(db, SQL_JOURNAL_MODE);
    st = stmt_find(s);
    if (st == ENT_OK) {
        if (!ent_slice_eq(stmt_col_text(s, 0), ent_slice_str("wal"))) {
            st = ENT_SELF_CORRUPT;
        }
        stmt_reset(s);
    }
    return st;
}

static enum ent_status
open_store(const struct db_config *config, bool is_writer, struct db **ret_db)
{
    uint32_t cache_kib = is_writer ? CACHE_WRITER_KIB : CACHE_READER_KIB;
    const char *vfs = config->vfs != NULL ? config->vfs : CRYPTVFS_NAME;
    struct cryptvfs_attachment *at = NULL;
    struct db *db = NULL;
    enum ent_status st;

    /* access() because opening and closing the file would drop the lock that
     * this process may hold on it. */
    if (access(config->path, F_OK) != 0) {
        return file_status(errno);
    }
    st = cryptvfs_attach(config->path, config->key, CRYPTVFS_EXISTING, &at);
    if (st != ENT_OK) {
        return st;
    }
    st = db_open_attached(at, vfs, 0, &db);
    if (st != ENT_OK) {
        cryptvfs_detach(at);
        return st;
    }
    db->is_writer = is_writer;
    st = db_apply_settings(db, config->cache_kib > 0 ? config->cache_kib
                                                     : cache_kib);
    if (st == ENT_OK) {
        st = first_read(db);
    }
    if (st == ENT_OK && !is_writer) {
        /* Not SQLITE_OPEN_READONLY: "unix-excl" locks for writing. */
        st = db_exec(db, "PRAGMA query_only=ON");
    }
    if (st != ENT_OK) {
        db_close(db);
        return st;
    }
    db->transaction_status = ENT_OK;
    *ret_db = db;
    return ENT_OK;
}

enum ent_status
db_open_writer(const struct db_config *config, struct db **ret_db)
{
    enum ent_status st = cryptvfs_register(CRYPTVFS_NAME, CRYPTVFS_ROOT);

    return st != ENT_OK ? st : open_store(config, true, ret_db);
}

enum ent_status
db_open_reader(const struct db_config *config, struct db **ret_db)
{
    enum ent_status st = cryptvfs_register(CRYPTVFS_NAME, CRYPTVFS_ROOT);

    return st != ENT_OK ? st : open_store(config, false, ret_db);
}

/* ---- transactions ---- */

enum ent_status
db_set_durability(struct db *db, enum db_durability durability)
{
    ENT_ASSERT(db->is_writer && !db->has_begun);
    return db_exec(db, durability == DB_DURABLE ? "PRAGMA synchronous=FULL"
                                                : "PRAGMA synchronous=NORMAL");
}

bool
db_is_in_transaction(const struct db *db)
{
    return db->has_begun;
}

enum ent_status
db_begin(struct db *db)
{
    enum ent_status st;

    ENT_ASSERT(!db->has_begun);
    if (db->broken != ENT_OK) {
        return db->broken;
    }
    db->transaction_status = ENT_OK;
    st = stmt_run(
        db_prepare(db, db->is_writer ? SQL_BEGIN_WRITE : SQL_BEGIN_READ));
    db->has_begun = st == ENT_OK;
    return st;
}

void
db_rollback(struct db *db)
{
    /* After some errors SQLite has rolled back by itself. */
    if (db->has_begun && sqlite3_get_autocommit(db->p) == 0) {
        sqlite3_exec(db->p, SQL_ROLLBACK, NULL, NULL, NULL);
    }
    ENT_ASSERT(sqlite3_get_autocommit(db->p) != 0);
    db->has_begun = false;
}

/* Only a full disk leaves no doubt about what is on it. */
static void
note_broken(struct db *db, enum ent_status st)
{
    if (db->is_writer && (st == ENT_SELF_IO || st == ENT_SELF_CORRUPT)) {
        db->broken = st;
    }
}

enum ent_status
db_commit(struct db *db)
{
    enum ent_status st = db->transaction_status;

    ENT_ASSERT(db->has_begun);
    if (st == ENT_OK) {
        ENT_ASSERT(sqlite3_get_autocommit(db->p) == 0);
        st = stmt_run(db_prepare(db, SQL_COMMIT));
    }
    if (st != ENT_OK) {
        note_broken(db, st);
        db_rollback(db);
        return st;
    }
    db->has_begun = false;
    return ENT_OK;
}

enum ent_status
db_version(struct db *db, uint32_t *ret_version)
{
    struct stmt *s = db_prepare(db, SQL_VERSION);
    enum ent_status st = stmt_find(s);

    if (st == ENT_OK) {
        *ret_version = (uint32_t)stmt_col_u64(s, 0);
        st = stmt_status(s);
        stmt_reset(s);
    }
    return st;
}

enum ent_status
db_set_version(struct db *db, uint32_t version)
{
    char sql[64];

    ENT_ASSERT(version <= INT32_MAX);
    snprintf(sql, sizeof(sql), "PRAGMA user_version=%u", version);
    return db_exec(db, sql);
}

/* ---- upkeep ---- */

uint32_t
db_wal_pages(const struct db *db)
{
    return db->wal_pages;
}

enum ent_status
db_checkpoint(struct db *db, enum db_checkpoint mode)
{
    bool is_truncate = mode == DB_CHECKPOINT_TRUNCATE;
    int in_log = -1;
    int moved = -1;
    int rc;
    enum ent_status st;

    ENT_ASSERT(db->is_writer && !db->has_begun);
    if (db->broken != ENT_OK) {
        return db->broken;
    }
    rc = sqlite3_wal_checkpoint_v2(db->p, "main",
                                   is_truncate ? SQLITE_CHECKPOINT_TRUNCATE
                                               : SQLITE_CHECKPOINT_PASSIVE,
                                   &in_log, &moved);
    if ((rc & 0xff) == SQLITE_BUSY || (rc & 0xff) == SQLITE_LOCKED) {
        return ENT_AGAIN;
    }
    st = db_status(db, rc);
    if (st != ENT_OK) {
        note_broken(db, st);
        return st;
    }
    /* -1 would mean that the store is not in WAL mode. */
    ENT_ASSERT(in_log >= 0 && moved <= in_log);
    ENT_ASSERT(!is_truncate || in_log == 0);
    if (in_log == moved) {
        db->wal_pages = 0; /* the next write starts the log again */
    }
    return ENT_OK;
}

enum ent_status
db_checkpoint_if_over(struct db *db, uint32_t pages_max)
{
    enum ent_status st;

    if (db->wal_pages <= pages_max) {
        return ENT_OK;
    }
    st = db_checkpoint(db, DB_CHECKPOINT_PASSIVE);
    return st == ENT_AGAIN ? ENT_OK : st;
}

enum ent_status
db_verify(struct db *db)
{
    struct stmt *s = db_prepare(db, SQL_VERIFY);
    enum ent_status st = stmt_find(s);

    /* Pages that do not authenticate are rows here, not an error. */
    if (st == ENT_OK) {
        if (!ent_slice_eq(stmt_col_text(s, 0), ent_slice_str("ok"))) {
            st = ENT_SELF_CORRUPT;
        }
        stmt_reset(s);
    }
    return st;
}
