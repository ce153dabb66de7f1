/*
 * The store's database: one file, encrypted page by page (cryptvfs.h), opened
 * with fixed settings, and helpers to run statements on it.
 *
 * One process holds a store. In it, one connection writes (db_open_writer, on
 * the writer's thread) and others read beside it (db_open_reader, one for each
 * thread that reads); a connection is used by one thread at a time. SQLite's
 * result codes stop here: everything above sees `enum ent_status`.
 *
 * The statuses that any call may return, in what follows "a store status":
 *   ENT_SELF_IO       reading or writing failed
 *   ENT_SELF_FULL     the disk is full
 *   ENT_SELF_CORRUPT  a page did not authenticate, or SQLite found damage
 *   ENT_SELF_BUSY     another process, or another connection, holds a lock
 * After one of them on the writing connection the process should end; opening
 * again is the way to recover. A statement with an SQL mistake is our own
 * mistake and panics.
 *
 * How a statement is used:
 *
 *     static const char SQL_HEAD[] =
 *         "SELECT seq, id FROM entry WHERE log = ?1";
 *
 *     struct stmt *s = db_prepare(db, SQL_HEAD);
 *     bool has_row;
 *
 *     stmt_bind_u64(s, 1, log);
 *     while ((st = stmt_step(s, &has_row)) == ENT_OK && has_row) {
 *         seq = stmt_col_u64(s, 0);
 *         stmt_col_id(s, 1, &id);
 *     }
 *
 * Errors are sticky: a failed prepare, a failed bind and a column of the wrong
 * form are reported by the next stmt_step().
 */
#ifndef STORE_BASE_DB_H
#define STORE_BASE_DB_H

#include <entente/base.h>

struct db;
struct sqlite3;
struct stmt;
struct storekey;

/* How to open a store. */
struct db_config {
    const char *path;           /* the store's file */
    const struct storekey *key; /* storekey.h; borrowed during the call */
    uint32_t cache_kib;         /* 0: 32 MiB for a writer, 8 MiB for a reader */
    const char *vfs;            /* NULL except in tests: a registered VFS */
};

/* Makes a new, empty store in WAL mode: written and synced under a temporary
 * name beside `config->path`, then renamed, then the folder is synced.
 * ENT_OK; ENT_RULE if there is a file of that name already; a store status. */
ENT_MUST_USE enum ent_status db_create(const struct db_config *config);

/*
 * Opens the store for its one writer. Recovery of the write-ahead log happens
 * here. ENT_OK; ENT_RULE_NOT_FOUND when there is no such file; a store status
 * (a wrong key cannot be told from damage here, so it is ENT_SELF_CORRUPT; the
 * key file tells them apart before). On ENT_OK `*ret_db` is returned owned:
 * free with db_close().
 */
ENT_MUST_USE enum ent_status db_open_writer(const struct db_config *config,
                                            struct db **ret_db);

/* The same for a connection that cannot write. Open the writer first. */
ENT_MUST_USE enum ent_status db_open_reader(const struct db_config *config,
                                            struct db **ret_db);

/* Closes; an open transaction is rolled back. All statements become invalid.
 * The last connection to close empties the write-ahead log. NULL is fine. */
void db_close(struct db *db);

/* ---- transactions ---- */

/* How durable a commit is when db_commit() returns. */
enum db_durability {
    DB_DURABLE, /* synced: survives a power cut. What db_open_writer sets */
    DB_RELAXED, /* survives kill -9; a power cut may take the last commits,
                   until the next durable commit or checkpoint */
};

/* For the commits that follow; not inside a transaction. ENT_OK or a store
 * status. */
ENT_MUST_USE enum ent_status db_set_durability(struct db *db,
                                               enum db_durability durability);

/* Begins a transaction: a writer takes the write lock at once, a reader
 * takes a snapshot at its first read. Not nested. ENT_OK or a store status. */
ENT_MUST_USE enum ent_status db_begin(struct db *db);

/* Commits. ENT_OK: everything since db_begin() is there for good, as far as
 * the durability says. Anything else: nothing of it is (rolled back). */
ENT_MUST_USE enum ent_status db_commit(struct db *db);

/* Gives up the transaction; also fine when none is open. */
void db_rollback(struct db *db);

bool db_is_in_transaction(const struct db *db);

/* ---- statements ---- */

/*
 * The statement of `sql`, ready to be bound: no bindings, before its first
 * row. `sql` must be one statement in memory that lives as long as the
 * connection (a static string): it is prepared once and found again by its
 * address. Never NULL: a failure is reported by the first stmt_step().
 * If the statement is still in use further up, a second one is made.
 * It is *in use* until stmt_step() returns no row or an error, or until
 * stmt_reset(). Borrowed from the connection.
 */
struct stmt *db_prepare(struct db *db, const char *sql);

/* Parameters count from 1, as in "?1". Blobs and texts are borrowed until the
 * statement is not in use any more. stmt_bind_u64 asserts v < 2^63. */
void stmt_bind_u64(struct stmt *s, int index, uint64_t v);
void stmt_bind_i64(struct stmt *s, int index, int64_t v);
void stmt_bind_blob(struct stmt *s, int index, struct ent_slice v);
void stmt_bind_id(struct stmt *s, int index, const struct ent_id *id);
void stmt_bind_text(struct stmt *s, int index, struct ent_slice v);
void stmt_bind_str(struct stmt *s, int index, const char *v);
void stmt_bind_null(struct stmt *s, int index);

/*
 * Goes to the next row. ENT_OK with `*ret_has_row` true: columns may be read
 * until the next call. ENT_OK with false: done, the statement is not in use
 * any more. ENT_RULE: a constraint refused the change, or a search term is no
 * query (the transaction is still open). ENT_SELF_CORRUPT also when a column
 * was read as what it is not.
 * Otherwise a store status. Not in use any more after an error.
 */
ENT_MUST_USE enum ent_status stmt_step(struct stmt *s, bool *ret_has_row);

/* Runs a statement that yields no row (a row is passed over). The statuses of
 * stmt_step(). The statement is not in use any more. */
ENT_MUST_USE enum ent_status stmt_run(struct stmt *s);

/* Steps once and expects a row at most: ENT_RULE_NOT_FOUND when there is
 * none; otherwise as stmt_step(). After ENT_OK read the columns, then call
 * stmt_reset(). */
ENT_MUST_USE enum ent_status stmt_find(struct stmt *s);

/* Stops before the last row; the statement is not in use any more. */
void stmt_reset(struct stmt *s);

/*
 * Columns count from 0. A column of another form (a negative u64, a blob of
 * another length) reads as zero or empty and makes the next stmt_step() return
 * ENT_SELF_CORRUPT, as does stmt_status() at once. Slices are borrowed until
 * the next step or reset. NULL reads as zero, empty; stmt_col_is_null tells.
 */
uint64_t stmt_col_u64(struct stmt *s, int column);
int64_t stmt_col_i64(struct stmt *s, int column);
struct ent_slice stmt_col_blob(struct stmt *s, int column);
struct ent_slice stmt_col_text(struct stmt *s, int column);
void stmt_col_fixed(struct stmt *s, int column, void *ret_p, size_t len);
void stmt_col_id(struct stmt *s, int column, struct ent_id *ret_id);
bool stmt_col_is_null(struct stmt *s, int column);
/* The column's bytes whatever its type is (numbers as their digits), and how
 * many columns a row has: for hashing and listing whole rows. */
struct ent_slice stmt_col_any(struct stmt *s, int column);
int stmt_col_count(const struct stmt *s);

/* The sticky status of the statement: ENT_OK so far, or what went wrong. For
 * callers that read one row with stmt_find() and stop. */
ENT_MUST_USE enum ent_status stmt_status(const struct stmt *s);

/* Runs one or more statements without parameters or results (schema steps).
 * The statuses of stmt_step(). */
ENT_MUST_USE enum ent_status db_exec(struct db *db, const char *sql);

/* The rowid of the last row inserted on this connection. */
uint64_t db_last_rowid(const struct db *db);
/* How many rows the last INSERT, UPDATE or DELETE changed. */
uint64_t db_changes(const struct db *db);

/* A number that the store's schema steps are counted by (0 in a new store);
 * db_set_version belongs inside the transaction of the step. ENT_OK or a
 * store status. */
ENT_MUST_USE enum ent_status db_version(struct db *db, uint32_t *ret_version);
ENT_MUST_USE enum ent_status db_set_version(struct db *db, uint32_t version);

/* ---- upkeep ---- */

enum db_checkpoint {
    DB_CHECKPOINT_PASSIVE,  /* moves what no reader is in the way of */
    DB_CHECKPOINT_TRUNCATE, /* moves everything and empties the log: after an
                               erasure, so that nothing old is left in it */
};

/* Frames in the write-ahead log after this connection's last commit. */
uint32_t db_wal_pages(const struct db *db);

/* Moves the write-ahead log into the main file, synced. Writer only, outside a
 * transaction. ENT_OK; ENT_AGAIN when a reader was in the way (TRUNCATE only;
 * nothing is lost, try later); a store status. */
ENT_MUST_USE enum ent_status db_checkpoint(struct db *db,
                                           enum db_checkpoint mode);

/* A passive checkpoint if the log has more than `pages_max` frames; call it
 * between transactions. The statuses of db_checkpoint(). */
ENT_MUST_USE enum ent_status db_checkpoint_if_over(struct db *db,
                                                   uint32_t pages_max);

/* Reads every page and every index. ENT_OK; ENT_SELF_CORRUPT when anything is
 * damaged; a store status. */
ENT_MUST_USE enum ent_status db_verify(struct db *db);

/* Writes a compact copy of the store to `path` under another key: synced under
 * a temporary name, renamed, folder synced. For backups and for a change of
 * the store key. Outside a transaction. ENT_OK; ENT_RULE if `path` exists; a
 * store status. */
ENT_MUST_USE enum ent_status db_copy_into(struct db *db, const char *path,
                                          const struct storekey *key);

/* What the last failure on this connection was, in SQLite's words, for the
 * log. Borrowed until the next call on the connection. */
const char *db_error(const struct db *db);

/* SQLite's handle, for modules inside node/store and for tests. Borrowed. */
struct sqlite3 *db_handle(struct db *db);

#endif
