/*
 * Stores that come into being: a new one, and a copy under another key. Both
 * are made under a temporary name, closed, synced and renamed: a name never
 * stands for half a store. See db.h.
 */
#include "store/base/dbpriv.h"
#include "store/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const char SQL_APPLICATION[] = "PRAGMA application_id=0x454e5431";
static const char SQL_WAL[] = "PRAGMA journal_mode=WAL";
static const char SQL_COPY[] = "VACUUM INTO ?1";
static const char SQL_TOUCH_COPY[] = "SELECT count(*) FROM sqlite_schema";

#define COPY_CACHE_KIB 2048u

static enum ent_status
name_beside(const char *path, const char *suffix, char ret_name[PATH_MAX])
{
    int n = snprintf(ret_name, PATH_MAX, "%s%s", path, suffix);

    return n > 0 && n < PATH_MAX ? ENT_OK : ENT_SELF_IO;
}

static enum ent_status
remove_if_there(const char *path, const char *suffix)
{
    char name[PATH_MAX];
    enum ent_status st = name_beside(path, suffix, name);

    if (st == ENT_OK && unlink(name) != 0 && errno != ENOENT) {
        st = file_status(errno);
    }
    return st;
}

/* An empty file that only its owner can read, in place of what an earlier
 * attempt left. Its log takes over its mode. */
static enum ent_status
make_empty(const char *path)
{
    enum ent_status st = remove_if_there(path, "");
    int fd;

    if (st == ENT_OK) {
        st = remove_if_there(path, "-wal");
    }
    if (st != ENT_OK) {
        return st;
    }
    fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return errno == ENOENT ? ENT_SELF_IO : file_status(errno);
    }
    close(fd);
    return ENT_OK;
}

enum ent_status
db_switch_to_wal(struct db *db)
{
    struct stmt *s = db_prepare(db, SQL_WAL);
    enum ent_status st = stmt_find(s);

    if (st == ENT_OK) {
        if (!ent_slice_eq(stmt_col_text(s, 0), ent_slice_str("wal"))) {
            st = ENT_SELF_IO;
        }
        stmt_reset(s);
    }
    return st == ENT_OK ? stmt_run(db_prepare(db, SQL_TOUCH_COPY)) : st;
}

/* Opens `path`, attached in `mode`, makes it a WAL store and closes it. */
static enum ent_status
finish_store(const char *path, const struct storekey *key, const char *vfs,
             enum cryptvfs_mode mode)
{
    struct cryptvfs_attachment *at = NULL;
    struct db *db = NULL;
    enum ent_status st = cryptvfs_attach(path, key, mode, &at);

    if (st != ENT_OK) {
        return st;
    }
    st = db_open_attached(at, vfs, SQLITE_OPEN_CREATE, &db);
    if (st != ENT_OK) {
        cryptvfs_detach(at);
        return st;
    }
    st = db_apply_settings(db, COPY_CACHE_KIB);
    if (st == ENT_OK && mode == CRYPTVFS_NEW) {
        st = db_exec(db, SQL_APPLICATION);
    }
    if (st == ENT_OK) {
        st = db_switch_to_wal(db);
    }
    db_close(db);
    return st;
}

/* A log that an earlier store of this name left would be taken for ours. */
static enum ent_status
put_store(const char *temporary, const char *path)
{
    enum ent_status st = remove_if_there(path, "-wal");

    return st == ENT_OK ? file_rename(temporary, path) : st;
}

static enum ent_status
begin_store(const char *path, char ret_temporary[PATH_MAX])
{
    enum ent_status st = name_beside(path, ".new", ret_temporary);

    if (st != ENT_OK) {
        return st;
    }
    if (access(path, F_OK) == 0) {
        return ENT_RULE;
    }
    st = cryptvfs_register(CRYPTVFS_NAME, CRYPTVFS_ROOT);
    return st == ENT_OK ? make_empty(ret_temporary) : st;
}

enum ent_status
db_create(const struct db_config *config)
{
    const char *vfs = config->vfs != NULL ? config->vfs : CRYPTVFS_NAME;
    char temporary[PATH_MAX];
    enum ent_status st = begin_store(config->path, temporary);

    if (st != ENT_OK) {
        return st;
    }
    st = finish_store(temporary, config->key, vfs, CRYPTVFS_NEW);
    if (st == ENT_OK) {
        st = put_store(temporary, config->path);
    }
    if (st != ENT_OK) {
        unlink(temporary);
    }
    return st;
}

static enum ent_status
vacuum_into(struct db *db, const char *path, const struct storekey *key)
{
    struct cryptvfs_attachment *at = NULL;
    struct stmt *s;
    enum ent_status st = cryptvfs_attach(path, key, CRYPTVFS_TARGET, &at);

    if (st != ENT_OK) {
        return st;
    }
    s = db_prepare(db, SQL_COPY);
    stmt_bind_str(s, 1, cryptvfs_path(at));
    st = stmt_run(s);
    cryptvfs_detach(at);
    return st;
}

enum ent_status
db_copy_into(struct db *db, const char *path, const struct storekey *key)
{
    char temporary[PATH_MAX];
    enum ent_status st;

    ENT_ASSERT(!db->has_begun);
    st = begin_store(path, temporary);
    if (st != ENT_OK) {
        return st;
    }
    st = vacuum_into(db, temporary, key);
    if (st == ENT_OK) {
        st = finish_store(temporary, key, CRYPTVFS_NAME, CRYPTVFS_TARGET);
    }
    if (st == ENT_OK) {
        st = put_store(temporary, path);
    }
    if (st != ENT_OK) {
        unlink(temporary);
    }
    return st;
}
