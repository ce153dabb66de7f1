/*
 * The database helpers: settings, statements, transactions, checkpoints and
 * copies.
 */
#include "lib/cmocka.h"
#include "lib/tempdir.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/base/db.h"
#include "store/base/storekey.h"

static const char SQL_SCHEMA[] =
    "CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, b BLOB, c TEXT) STRICT;"
    "CREATE UNIQUE INDEX t_a ON t (a)";
static const char SQL_PUT[] = "INSERT INTO t (a, b, c) VALUES (?1, ?2, ?3)";
static const char SQL_ALL[] = "SELECT a, b, c FROM t ORDER BY id";
static const char SQL_COUNT[] = "SELECT count(*) FROM t";
static const char SQL_A[] = "SELECT a FROM t WHERE a = ?1";

struct fixture {
    struct test_dir dir;
    char path[TEST_PATH_MAX];
    struct storekey *key;
    struct db_config config;
    struct db *db;
};

static int
setup(void **state)
{
    struct fixture *f = ent_alloc_zero(1, sizeof(*f));

    test_dir_init(&f->dir);
    test_dir_path(&f->dir, "store.db", f->path);
    f->key = storekey_new();
    f->config = (struct db_config){.path = f->path, .key = f->key};
    assert_int_equal(db_create(&f->config), ENT_OK);
    assert_int_equal(db_open_writer(&f->config, &f->db), ENT_OK);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    db_close(f->db);
    storekey_free(f->key);
    test_dir_release(&f->dir);
    free(f);
    return 0;
}

static void
reopen(struct fixture *f)
{
    db_close(f->db);
    f->db = NULL;
    assert_int_equal(db_open_writer(&f->config, &f->db), ENT_OK);
}

static enum ent_status
put(struct db *db, uint64_t a, struct ent_slice b, const char *c)
{
    struct stmt *s = db_prepare(db, SQL_PUT);

    stmt_bind_u64(s, 1, a);
    stmt_bind_blob(s, 2, b);
    stmt_bind_str(s, 3, c);
    return stmt_run(s);
}

static uint64_t
count_rows(struct db *db)
{
    struct stmt *s = db_prepare(db, SQL_COUNT);
    uint64_t n;

    assert_int_equal(stmt_find(s), ENT_OK);
    n = stmt_col_u64(s, 0);
    stmt_reset(s);
    return n;
}

static void
expect_pragma(struct db *db, const char *sql, int64_t want)
{
    struct stmt *s = db_prepare(db, sql);

    assert_int_equal(stmt_find(s), ENT_OK);
    assert_int_equal(stmt_col_i64(s, 0), want);
    stmt_reset(s);
}

static void
test_settings(void **state)
{
    struct fixture *f = *state;
    struct stmt *s;

    expect_pragma(f->db, "PRAGMA page_size", 4096);
    expect_pragma(f->db, "PRAGMA synchronous", 2);
    expect_pragma(f->db, "PRAGMA cache_spill", 0);
    expect_pragma(f->db, "PRAGMA temp_store", 2);
    expect_pragma(f->db, "PRAGMA secure_delete", 1);
    expect_pragma(f->db, "PRAGMA cell_size_check", 1);
    expect_pragma(f->db, "PRAGMA trusted_schema", 0);
    expect_pragma(f->db, "PRAGMA auto_vacuum", 0);
    expect_pragma(f->db, "PRAGMA cache_size", -32768);
    expect_pragma(f->db, "PRAGMA wal_autocheckpoint", 0);
    s = db_prepare(f->db, "PRAGMA journal_mode");
    assert_int_equal(stmt_find(s), ENT_OK);
    assert_true(ent_slice_eq(stmt_col_text(s, 0), ent_slice_str("wal")));
    stmt_reset(s);
}

static void
test_file_mode_is_private(void **state)
{
    struct fixture *f = *state;
    char wal[TEST_PATH_MAX];
    struct stat info;

    assert_int_equal(stat(f->path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(db_exec(f->db, SQL_SCHEMA), ENT_OK);
    assert_int_equal(stat(test_dir_path(&f->dir, "store.db-wal", wal), &info),
                     0);
    assert_int_equal(info.st_mode & 0777, 0600);
}

static void
test_create_keeps_what_is_there(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(db_create(&f->config), ENT_RULE);
}

static void
test_open_missing(void **state)
{
    struct fixture *f = *state;
    struct db_config config = f->config;
    char path[TEST_PATH_MAX];
    struct db *db;

    config.path = test_dir_path(&f->dir, "nothing.db", path);
    assert_int_equal(db_open_writer(&config, &db), ENT_RULE_NOT_FOUND);
}

static void
test_round_trip(void **state)
{
    struct fixture *f = *state;
    struct stmt *s;
    bool has_row;

    assert_int_equal(db_exec(f->db, SQL_SCHEMA), ENT_OK);
    assert_int_equal(db_begin(f->db), ENT_OK);
    assert_true(db_is_in_transaction(f->db));
    assert_int_equal(put(f->db, 7, ent_slice("\1\2\3", 3), "seven"), ENT_OK);
    assert_int_equal(db_last_rowid(f->db), 1);
    assert_int_equal(db_changes(f->db), 1);
    assert_int_equal(put(f->db, 8, ent_slice(NULL, 0), ""), ENT_OK);
    assert_int_equal(db_commit(f->db), ENT_OK);
    assert_false(db_is_in_transaction(f->db));
    reopen(f);

    s = db_prepare(f->db, SQL_ALL);
    assert_int_equal(stmt_step(s, &has_row), ENT_OK);
    assert_true(has_row);
    assert_int_equal(stmt_col_u64(s, 0), 7);
    assert_true(ent_slice_eq(stmt_col_blob(s, 1), ent_slice("\1\2\3", 3)));
    assert_true(ent_slice_eq(stmt_col_text(s, 2), ent_slice_str("seven")));
    assert_int_equal(stmt_step(s, &has_row), ENT_OK);
    assert_true(has_row);
    assert_false(stmt_col_is_null(s, 1)); /* empty is not NULL */
    assert_int_equal(stmt_col_blob(s, 1).len, 0);
    assert_int_equal(stmt_step(s, &has_row), ENT_OK);
    assert_false(has_row);
}

static void
test_rollback(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(db_exec(f->db, SQL_SCHEMA), ENT_OK);
    assert_int_equal(db_begin(f->db), ENT_OK);
    assert_int_equal(put(f->db, 1, ent_slice("x", 1), "x"), ENT_OK);
    db_rollback(f->db);
    assert_int_equal(count_rows(f->db), 0);
    db_rollback(f->db); /* fine when none is open */
    assert_int_equal(db_begin(f->db), ENT_OK);
    assert_int_equal(put(f->db, 2, ent_slice("x", 1), "x"), ENT_OK);
    reopen(f); /* closing gives up what was not committed */
    assert_int_equal(count_rows(f->db), 0);
}

static void
test_constraint_is_a_rule(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(db_exec(f->db, SQL_SCHEMA), ENT_OK);
    assert_int_equal(db_begin(f->db), ENT_OK);
    assert_int_equal(put(f->db, 1, ent_slice("x", 1), "x"), ENT_OK);
    assert_int_equal(put(f->db, 1, ent_slice("y", 1), "y"), ENT_RULE);
    assert_true(db_is_in_transaction(f->db));
    assert_int_equal(db_commit(f->db), ENT_OK);
    assert_int_equal(count_rows(f->db), 1);
}

static void
test_statements_are_cached_and_nest(void **state)
{
    struct fixture *f = *state;
    struct stmt *outer;
    struct stmt *inner;
    bool has_row;

    assert_int_equal(db_exec(f->db, SQL_SCHEMA), ENT_OK);
    assert_int_equal(put(f->db, 5, ent_slice("x", 1), "x"), ENT_OK);
    outer = db_prepare(f->db, SQL_A);
    stmt_bind_u64(outer, 1, 5);
    assert_int_equal(stmt_step(outer, &has_row), ENT_OK);
    assert_true(has_row);
    inner = db_prepare(f->db, SQL_A);
    assert_ptr_not_equal(inner, outer);
    assert_int_equal(stmt_find(inner), ENT_RULE_NOT_FOUND); /* unbound */
    assert_int_equal(stmt_col_u64(outer, 0), 5);
    stmt_reset(outer);
    /* Both are free now: no third one is made, and nothing stays bound. */
    outer = db_prepare(f->db, SQL_A);
    assert_int_equal(stmt_find(outer), ENT_RULE_NOT_FOUND);
    assert_true(outer == db_prepare(f->db, SQL_A));
    stmt_reset(outer);
}

static void
test_columns_of_another_form(void **state)
{
    struct fixture *f = *state;
    struct stmt *s = db_prepare(f->db, "SELECT -1, 'text', x'00', NULL");
    struct ent_id id;
    bool has_row;

    assert_int_equal(stmt_find(s), ENT_OK);
    assert_int_equal(stmt_col_u64(s, 3), 0); /* NULL reads as zero */
    stmt_col_id(s, 3, &id);
    assert_int_equal(stmt_status(s), ENT_OK);
    assert_int_equal(stmt_col_i64(s, 0), -1);
    assert_int_equal(stmt_status(s), ENT_OK);
    assert_int_equal(stmt_col_u64(s, 0), 0);
    assert_int_equal(stmt_status(s), ENT_SELF_CORRUPT);
    assert_int_equal(stmt_step(s, &has_row), ENT_SELF_CORRUPT);

    s = db_prepare(f->db, "SELECT x'0102'");
    assert_int_equal(stmt_find(s), ENT_OK);
    memset(&id, 1, sizeof(id));
    stmt_col_id(s, 0, &id); /* two bytes are no id */
    assert_true(ent_id_is_zero(&id));
    assert_int_equal(stmt_status(s), ENT_SELF_CORRUPT);
    stmt_reset(s);

    s = db_prepare(f->db, "SELECT 'text'");
    assert_int_equal(stmt_find(s), ENT_OK);
    assert_int_equal(stmt_col_u64(s, 0), 0);
    assert_int_equal(stmt_status(s), ENT_SELF_CORRUPT);
    stmt_reset(s);
}

static void
test_version(void **state)
{
    struct fixture *f = *state;
    uint32_t version = 99;

    assert_int_equal(db_version(f->db, &version), ENT_OK);
    assert_int_equal(version, 0);
    assert_int_equal(db_begin(f->db), ENT_OK);
    assert_int_equal(db_set_version(f->db, 3), ENT_OK);
    assert_int_equal(db_commit(f->db), ENT_OK);
    reopen(f);
    assert_int_equal(db_version(f->db, &version), ENT_OK);
    assert_int_equal(version, 3);
}

static void
test_reader_sees_commits_and_cannot_write(void **state)
{
    struct fixture *f = *state;
    struct db *reader;

    assert_int_equal(db_exec(f->db, SQL_SCHEMA), ENT_OK);
    assert_int_equal(db_open_reader(&f->config, &reader), ENT_OK);
    expect_pragma(reader, "PRAGMA cache_size", -8192);
    assert_int_equal(count_rows(reader), 0);
    assert_int_equal(db_begin(reader), ENT_OK);
    assert_int_equal(count_rows(reader), 0); /* its snapshot begins */
    assert_int_equal(put(f->db, 1, ent_slice("x", 1), "x"), ENT_OK);
    assert_int_equal(count_rows(reader), 0);
    assert_int_equal(db_checkpoint(f->db, DB_CHECKPOINT_TRUNCATE), ENT_AGAIN);
    assert_int_equal(db_commit(reader), ENT_OK);
    assert_int_equal(count_rows(reader), 1);
    assert_int_equal(put(reader, 2, ent_slice("x", 1), "x"), ENT_SELF_IO);
    assert_int_equal(count_rows(f->db), 1);
    db_close(reader);
}

static void
test_checkpoint(void **state)
{
    struct fixture *f = *state;
    char wal[TEST_PATH_MAX];
    struct stat info;
    uint64_t i;

    test_dir_path(&f->dir, "store.db-wal", wal);
    assert_int_equal(db_exec(f->db, SQL_SCHEMA), ENT_OK);
    for (i = 0; i < 20; i++) {
        assert_int_equal(put(f->db, i, ent_slice("x", 1), "x"), ENT_OK);
    }
    assert_true(db_wal_pages(f->db) >= 20);
    assert_int_equal(db_checkpoint_if_over(f->db, 1000), ENT_OK);
    assert_true(db_wal_pages(f->db) >= 20);
    assert_int_equal(db_checkpoint_if_over(f->db, 10), ENT_OK);
    assert_int_equal(db_wal_pages(f->db), 0);
    assert_int_equal(stat(wal, &info), 0);
    assert_true(info.st_size > 0);
    assert_int_equal(db_checkpoint(f->db, DB_CHECKPOINT_TRUNCATE), ENT_OK);
    assert_int_equal(stat(wal, &info), 0);
    assert_int_equal(info.st_size, 0);
    assert_int_equal(count_rows(f->db), 20);
    assert_int_equal(db_verify(f->db), ENT_OK);
}

static void
test_durability_can_be_relaxed(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(db_set_durability(f->db, DB_RELAXED), ENT_OK);
    expect_pragma(f->db, "PRAGMA synchronous", 1);
    assert_int_equal(db_set_durability(f->db, DB_DURABLE), ENT_OK);
    expect_pragma(f->db, "PRAGMA synchronous", 2);
}

static void
test_copy_under_another_key(void **state)
{
    struct fixture *f = *state;
    struct storekey *other = storekey_new();
    char path[TEST_PATH_MAX];
    struct db_config config = {.path = path, .key = other};
    struct db *copy;
    struct db *none;
    uint64_t i;

    test_dir_path(&f->dir, "copy.db", path);
    assert_int_equal(db_exec(f->db, SQL_SCHEMA), ENT_OK);
    for (i = 0; i < 500; i++) {
        assert_int_equal(put(f->db, i, ent_slice("blob", 4), "text"), ENT_OK);
    }
    assert_int_equal(db_copy_into(f->db, path, other), ENT_OK);
    assert_int_equal(db_copy_into(f->db, path, other), ENT_RULE);
    assert_int_equal(db_open_writer(&config, &copy), ENT_OK);
    assert_int_equal(count_rows(copy), 500);
    assert_int_equal(db_verify(copy), ENT_OK);
    assert_int_equal(put(copy, 500, ent_slice("x", 1), "x"), ENT_OK);
    db_close(copy);

    config.key = f->key; /* the old key does not open the copy */
    assert_int_equal(db_open_writer(&config, &none), ENT_SELF_CORRUPT);
    assert_int_equal(count_rows(f->db), 500);
    storekey_free(other);
}

static void
test_two_stores_in_one_process(void **state)
{
    struct fixture *f = *state;
    struct storekey *other = storekey_new();
    char path[TEST_PATH_MAX];
    struct db_config config = {.path = path, .key = other};
    struct db *db;

    test_dir_path(&f->dir, "second.db", path);
    assert_int_equal(db_create(&config), ENT_OK);
    assert_int_equal(db_open_writer(&config, &db), ENT_OK);
    assert_int_equal(db_exec(db, SQL_SCHEMA), ENT_OK);
    assert_int_equal(db_exec(f->db, SQL_SCHEMA), ENT_OK);
    assert_int_equal(put(db, 1, ent_slice("x", 1), "x"), ENT_OK);
    assert_int_equal(count_rows(db), 1);
    assert_int_equal(count_rows(f->db), 0);
    db_close(db);
    storekey_free(other);
}

/* Is the text anywhere in the two files? */
static bool
is_in_files(struct fixture *f, const char *text)
{
    static const char *const names[] = {"store.db", "store.db-wal"};
    static uint8_t bytes[1 << 20];
    bool is_found = false;
    size_t i;

    for (i = 0; i < 2; i++) {
        char path[TEST_PATH_MAX];
        FILE *file = fopen(test_dir_path(&f->dir, names[i], path), "rb");
        size_t len;

        assert_non_null(file);
        len = fread(bytes, 1, sizeof(bytes), file);
        fclose(file);
        assert_true(len >= 4096);
        is_found = is_found || memmem(bytes, len, text, strlen(text)) != NULL;
    }
    return is_found;
}

static const char marker[] = "Marker-of-a-clinical-text";

static void
put_marker_in_both_files(struct db *db)
{
    assert_int_equal(db_exec(db, SQL_SCHEMA), ENT_OK);
    assert_int_equal(put(db, 1, ent_slice_str(marker), marker), ENT_OK);
    assert_int_equal(db_checkpoint(db, DB_CHECKPOINT_PASSIVE), ENT_OK);
    assert_int_equal(put(db, 2, ent_slice_str(marker), marker), ENT_OK);
}

static void
test_plain_text_is_nowhere(void **state)
{
    struct fixture *f = *state;

    put_marker_in_both_files(f->db);
    assert_false(is_in_files(f, marker));
    assert_false(is_in_files(f, "SQLite format"));
    assert_false(is_in_files(f, "CREATE TABLE"));
}

#ifdef ENT_SABOTAGE
/* The search above finds what is there to be found. */
static void
test_plain_text_would_be_found(void **state)
{
    struct fixture *f = *state;

    db_close(f->db);
    assert_int_equal(unlink(f->path), 0);
    setenv("ENTENTE_SABOTAGE", "plaintext-store", 1);
    assert_int_equal(db_create(&f->config), ENT_OK);
    assert_int_equal(db_open_writer(&f->config, &f->db), ENT_OK);
    put_marker_in_both_files(f->db);
    assert_true(is_in_files(f, marker));
    assert_true(is_in_files(f, "SQLite format"));
    db_close(f->db);
    f->db = NULL;
    unsetenv("ENTENTE_SABOTAGE");
}
#endif

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_settings, setup, teardown),
        cmocka_unit_test_setup_teardown(test_file_mode_is_private, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_create_keeps_what_is_there, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_open_missing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rollback, setup, teardown),
        cmocka_unit_test_setup_teardown(test_constraint_is_a_rule, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_statements_are_cached_and_nest,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_columns_of_another_form, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_version, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_reader_sees_commits_and_cannot_write, setup, teardown),
        cmocka_unit_test_setup_teardown(test_checkpoint, setup, teardown),
        cmocka_unit_test_setup_teardown(test_durability_can_be_relaxed, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_copy_under_another_key, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_two_stores_in_one_process, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_plain_text_is_nowhere, setup,
                                        teardown),
#ifdef ENT_SABOTAGE
        cmocka_unit_test_setup_teardown(test_plain_text_would_be_found, setup,
                                        teardown),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
