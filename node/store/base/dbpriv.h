/*
 * Inside the database helpers: the connection, its statements, and the
 * translation of SQLite's result codes. Only db.c, dbcopy.c and stmt.c include
 * this.
 */
#ifndef STORE_BASE_DBPRIV_H
#define STORE_BASE_DBPRIV_H

#include "store/base/cryptvfs.h"
#include "store/base/db.h"

#include <sqlite3.h>

#define DB_STMT_BUCKETS 256u
#define DB_STMT_COUNT_MAX 1024u

struct stmt {
    struct stmt *next; /* in its bucket */
    struct db *db;
    sqlite3_stmt *p; /* NULL when it could not be prepared */
    const char *sql;
    enum ent_status status; /* sticky */
    bool is_used;
};

struct db {
    sqlite3 *p;
    struct cryptvfs_attachment *at;
    struct stmt *buckets[DB_STMT_BUCKETS];
    size_t stmt_count;
    bool is_writer;
    bool has_begun;
    /* The first error of our own in the present transaction: SQLite may have
     * rolled it back already, so it must not be committed. */
    enum ent_status transaction_status;
    /* After a failed write nobody knows what reached the disk: no more
     * transactions on this connection. */
    enum ent_status broken;
    uint32_t wal_pages;
};

/* The status of an extended result code. ENT_OK for SQLITE_OK, ROW and DONE.
 * Out of memory and misuse panic. Notes an error of our own on `db`. */
enum ent_status db_status(struct db *db, int rc);

/* Opens a connection to an attached path with all settings; `flags` are
 * SQLite's. On ENT_OK `*ret_db` owns the attachment as well; otherwise it is
 * the caller's still. */
enum ent_status db_open_attached(struct cryptvfs_attachment *at,
                                 const char *vfs, int flags,
                                 struct db **ret_db);

/* The settings that every connection gets, with `cache_kib` of page cache. */
enum ent_status db_apply_settings(struct db *db, uint32_t cache_kib);

/* Makes an empty file's store a WAL store. */
enum ent_status db_switch_to_wal(struct db *db);

void db_free_statements(struct db *db);

#endif
