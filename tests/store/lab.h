/*
 * What the tests in this folder share: a store whose every commit can be
 * checked by itself, and files copied from one store to another.
 *
 * Commit n of the store puts n, the number of rows and the sum of their values
 * into `meta`; the rows change at random. A store that opens is right if it
 * adds up.
 */
#ifndef TESTS_STORE_LAB_H
#define TESTS_STORE_LAB_H

#include "lib/cmocka.h"
#include "lib/tempdir.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/base/cryptvfs.h"
#include "store/base/db.h"
#include "store/base/storekey.h"
#include "store/simdisk.h"

#define LAB_SIM_VFS "entente-simdisk"

struct lab {
    struct test_dir dir;
    char path[TEST_PATH_MAX];
    char log_path[TEST_PATH_MAX];
    struct storekey *key;
    struct db_config config;
};

static const char LAB_SCHEMA[] =
    "CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER NOT NULL, b BLOB)"
    " STRICT;"
    "CREATE INDEX t_v ON t (v);"
    "CREATE TABLE meta (id INTEGER PRIMARY KEY, n INTEGER, rows INTEGER,"
    " sum INTEGER) STRICT;"
    "INSERT INTO meta VALUES (1, 0, 0, 0)";
static const char LAB_PUT[] = "INSERT INTO t (v, b) VALUES (?1, zeroblob(?2))";
static const char LAB_CHANGE[] =
    "UPDATE t SET v = v + ?1, b = zeroblob(?2) WHERE id % 7 = ?3";
static const char LAB_DROP[] = "DELETE FROM t WHERE id % 11 = ?1";
static const char LAB_SEAL[] =
    "UPDATE meta SET n = ?1, rows = (SELECT count(*) FROM t),"
    " sum = (SELECT coalesce(sum(v), 0) FROM t)";
static const char LAB_CHECK[] =
    "SELECT n, rows = (SELECT count(*) FROM t),"
    " sum = (SELECT coalesce(sum(v), 0) FROM t) FROM meta";

/* The memory disk, where there is one: the tests sync much. */
static inline void
lab_use_fast_disk(void)
{
    if (access("/dev/shm", W_OK) == 0) {
        setenv("TMPDIR", "/dev/shm", 0);
    }
}

/* A folder and a key; the store is made if `is_made`. */
static inline void
lab_init(struct lab *lab)
{
    memset(lab, 0, sizeof(*lab));
    test_dir_init(&lab->dir);
    test_dir_path(&lab->dir, "store", lab->path);
    test_dir_path(&lab->dir, "store-wal", lab->log_path);
    lab->key = storekey_new();
    lab->config = (struct db_config){.path = lab->path, .key = lab->key};
}

static inline void
lab_release(struct lab *lab)
{
    storekey_free(lab->key);
    test_dir_release(&lab->dir);
}

static inline void
lab_register_sim(void)
{
    sim_register();
    assert_int_equal(cryptvfs_register(LAB_SIM_VFS, SIM_NAME), ENT_OK);
}

/* Makes the store with its schema and closes it. */
static inline void
lab_create(struct lab *lab)
{
    struct db_config config = lab->config;
    struct db *db;

    config.vfs = NULL;
    assert_int_equal(db_create(&config), ENT_OK);
    assert_int_equal(db_open_writer(&config, &db), ENT_OK);
    assert_int_equal(db_exec(db, LAB_SCHEMA), ENT_OK);
    db_close(db);
}

static inline enum ent_status
lab_run(struct db *db, const char *sql, uint64_t a, uint64_t b, uint64_t c)
{
    struct stmt *s = db_prepare(db, sql);

    stmt_bind_u64(s, 1, a);
    if (sql != LAB_DROP && sql != LAB_SEAL) {
        stmt_bind_u64(s, 2, b);
    }
    if (sql == LAB_CHANGE) {
        stmt_bind_u64(s, 3, c);
    }
    return stmt_run(s);
}

/* Some changes inside a transaction. */
static inline enum ent_status
lab_change(struct db *db, uint64_t *random)
{
    uint64_t puts = 1 + sim_below(random, 6);
    enum ent_status st = ENT_OK;

    while (st == ENT_OK && puts-- > 0) {
        st = lab_run(db, LAB_PUT, sim_below(random, 1000),
                     sim_below(random, 3000), 0);
    }
    if (st == ENT_OK && sim_below(random, 3) == 0) {
        st = lab_run(db, LAB_CHANGE, sim_below(random, 9),
                     sim_below(random, 6000), sim_below(random, 7));
    }
    if (st == ENT_OK && sim_below(random, 4) == 0) {
        st = lab_run(db, LAB_DROP, sim_below(random, 11), 0, 0);
    }
    return st;
}

/* Commit number n. ENT_OK: acknowledged. */
static inline enum ent_status
lab_commit(struct db *db, uint64_t n, uint64_t *random)
{
    enum ent_status st = db_begin(db);

    if (st != ENT_OK) {
        return st;
    }
    st = lab_change(db, random);
    if (st == ENT_OK) {
        st = lab_run(db, LAB_SEAL, n, 0, 0);
    }
    if (st != ENT_OK) {
        db_rollback(db);
        return st;
    }
    return db_commit(db);
}

/* Does the store add up, and at which commit? The statuses of db.h; a store
 * that does not add up is ENT_PEER_MALFORMED, which no store returns. */
static inline enum ent_status
lab_read(struct db *db, uint64_t *ret_n)
{
    struct stmt *s = db_prepare(db, LAB_CHECK);
    enum ent_status st = stmt_find(s);

    if (st != ENT_OK) {
        return st;
    }
    *ret_n = stmt_col_u64(s, 0);
    if (stmt_col_u64(s, 1) != 1 || stmt_col_u64(s, 2) != 1) {
        st = ENT_PEER_MALFORMED;
    }
    if (st == ENT_OK) {
        st = stmt_status(s);
    }
    stmt_reset(s);
    return st;
}

/* Opens the store under production settings, reads everything, and closes. */
static inline enum ent_status
lab_open_and_read(struct lab *lab, uint64_t *ret_n)
{
    struct db_config config = lab->config;
    struct db *db = NULL;
    enum ent_status st;

    config.vfs = NULL;
    st = db_open_writer(&config, &db);
    if (st == ENT_OK) {
        st = lab_read(db, ret_n);
    }
    if (st == ENT_OK) {
        st = db_verify(db);
    }
    db_close(db);
    return st;
}

/* ---- files ---- */

static inline void
lab_load(const char *path, struct sim_image *image)
{
    FILE *file = fopen(path, "rb");
    long len;

    image->len = 0;
    if (file == NULL) {
        return; /* not there: empty */
    }
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    len = ftell(file);
    assert_true(len >= 0);
    rewind(file);
    sim_image_resize(image, (size_t)len);
    assert_int_equal(fread(image->p, 1, image->len, file), image->len);
    fclose(file);
}

/* An empty image is no file. */
static inline void
lab_store(const char *path, const struct sim_image *image)
{
    FILE *file;

    unlink(path);
    if (image->len == 0) {
        return;
    }
    file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(image->p, 1, image->len, file), image->len);
    assert_int_equal(fclose(file), 0);
}

static inline void
lab_load_store(const struct lab *lab, struct sim_image images[SIM_FILES])
{
    lab_load(lab->path, &images[0]);
    lab_load(lab->log_path, &images[1]);
}

static inline void
lab_store_store(const struct lab *lab, const struct sim_image *images)
{
    lab_store(lab->path, &images[0]);
    lab_store(lab->log_path, &images[1]);
}

#endif
