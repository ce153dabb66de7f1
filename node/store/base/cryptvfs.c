/*
 * The encrypting VFS: opening, deleting, and what has to do with paths. See
 * cryptvfs.h for what it is, cryptpage.h for what is on the disk, cryptmain.c
 * and cryptlog.c for the two kinds of file.
 */
#include "store/base/cryptvfs.h"

#include "store/base/cryptfile.h"

#include <stdio.h>

struct crypt_vfs {
    sqlite3_vfs base;
    sqlite3_vfs *root;
};

static struct crypt_vfs *
vfs_of(sqlite3_vfs *base)
{
    return (struct crypt_vfs *)(void *)base;
}

static bool
ends_with(const char *s, const char *end)
{
    size_t len = strlen(s);
    size_t end_len = strlen(end);

    return len >= end_len && strcmp(s + len - end_len, end) == 0;
}

/* The attachment of `path` without its suffix, retained; or NULL. */
static struct cryptvfs_attachment *
attachment_of(const char *path, const char *suffix)
{
    if (path == NULL || !ends_with(path, suffix)) {
        return NULL;
    }
    return crypt_retain(path, strlen(path) - strlen(suffix));
}

/* The rollback journal of a file that is being made lives in memory; no store
 * ever has one on the disk, and one that lies there was planted. */
static int
open_journal(const char *path, sqlite3_file *file, int flags, int *ret_flags)
{
    sqlite3_vfs *memory = sqlite3_vfs_find("memdb");
    struct cryptvfs_attachment *at = attachment_of(path, "-journal");
    bool is_new = at != NULL && at->mode != CRYPTVFS_EXISTING;

    if (at != NULL) {
        crypt_release(at);
    }
    if (!is_new || memory == NULL) {
        return SQLITE_CANTOPEN;
    }
    return memory->xOpen(memory, "journal", file, flags, ret_flags);
}

/* SQLite takes an empty file for a new database and deletes its log. */
static int
check_not_empty(struct crypt_file *f)
{
    uint64_t size = 0;
    int rc;

    if (f->at->mode != CRYPTVFS_EXISTING) {
        return SQLITE_OK;
    }
    rc = crypt_inner_size(f, &size);
    if (rc == SQLITE_OK && size < CRYPTPAGE_LEN) {
        rc = SQLITE_IOERR_DATA;
    }
    return rc;
}

static int
open_inner(struct crypt_file *f, const char *path, int flags, int *ret_flags)
{
    sqlite3_vfs *root = f->root;
    bool is_main = (flags & SQLITE_OPEN_MAIN_DB) != 0;
    int rc;

    if (is_main && f->at->mode == CRYPTVFS_EXISTING) {
        flags &= ~SQLITE_OPEN_CREATE;
    }
    f->inner = (sqlite3_file *)(void *)(f + 1);
    /* With the root's own pointer: it compares its name. */
    rc = root->xOpen(root, path, f->inner, flags, ret_flags);
    if (rc == SQLITE_OK && is_main) {
        rc = check_not_empty(f);
    }
    if (rc != SQLITE_OK && f->inner->pMethods != NULL) {
        f->inner->pMethods->xClose(f->inner);
    }
    return rc;
}

static int
on_open(sqlite3_vfs *base, const char *path, sqlite3_file *file, int flags,
        int *ret_flags)
{
    struct crypt_file *f = crypt_file_of(file);
    bool is_main = (flags & SQLITE_OPEN_MAIN_DB) != 0;
    int rc;

    file->pMethods = NULL;
    if ((flags & SQLITE_OPEN_MAIN_JOURNAL) != 0) {
        return open_journal(path, file, flags, ret_flags);
    }
    if (!is_main && (flags & SQLITE_OPEN_WAL) == 0) {
        return SQLITE_CANTOPEN; /* a temporary file would be in plain text */
    }
    memset(f, 0, sizeof(*f));
    f->root = vfs_of(base)->root;
    f->frame_read = CRYPT_NO_FRAME;
    f->frame_pending = CRYPT_NO_FRAME;
    f->at = attachment_of(path, is_main ? "" : "-wal");
    if (f->at == NULL) {
        return SQLITE_AUTH;
    }
    rc = open_inner(f, path, flags, ret_flags);
    if (rc != SQLITE_OK) {
        crypt_release(f->at);
        return rc;
    }
    f->base.pMethods = is_main ? &crypt_main_methods : &crypt_log_methods;
    return SQLITE_OK;
}

static int
on_delete(sqlite3_vfs *base, const char *path, int is_synced)
{
    sqlite3_vfs *root = vfs_of(base)->root;

    if (ends_with(path, "-journal")) {
        return SQLITE_OK;
    }
    return ends_with(path, "-wal") ? root->xDelete(root, path, is_synced)
                                   : SQLITE_IOERR_DELETE;
}

static int
on_access(sqlite3_vfs *base, const char *path, int flags, int *ret_answer)
{
    sqlite3_vfs *root = vfs_of(base)->root;

    if (ends_with(path, "-journal")) {
        *ret_answer = 0;
        return SQLITE_OK;
    }
    return root->xAccess(root, path, flags, ret_answer);
}

static int
on_full_path(sqlite3_vfs *base, const char *path, int len, char *ret_path)
{
    sqlite3_vfs *root = vfs_of(base)->root;

    return root->xFullPathname(root, path, len, ret_path);
}

static void *
on_library_open(sqlite3_vfs *base, const char *path)
{
    (void)base;
    (void)path;
    return NULL; /* no extensions */
}

static void
on_library_error(sqlite3_vfs *base, int len, char *ret_text)
{
    (void)base;
    snprintf(ret_text, (size_t)len, "extensions are not loaded here");
}

static int
on_randomness(sqlite3_vfs *base, int len, char *ret_p)
{
    (void)base;
    secret_random(ret_p, (size_t)len);
    return len;
}

static int
on_sleep(sqlite3_vfs *base, int microseconds)
{
    sqlite3_vfs *root = vfs_of(base)->root;

    return root->xSleep(root, microseconds);
}

static int
on_current_time(sqlite3_vfs *base, double *ret_day)
{
    sqlite3_vfs *root = vfs_of(base)->root;

    return root->xCurrentTime(root, ret_day);
}

static int
on_current_time_ms(sqlite3_vfs *base, sqlite3_int64 *ret_ms)
{
    sqlite3_vfs *root = vfs_of(base)->root;

    return root->xCurrentTimeInt64(root, ret_ms);
}

static int
on_last_error(sqlite3_vfs *base, int len, char *ret_text)
{
    sqlite3_vfs *root = vfs_of(base)->root;

    return root->xGetLastError(root, len, ret_text);
}

enum ent_status
cryptvfs_register(const char *name, const char *root_name)
{
    sqlite3_vfs *root = sqlite3_vfs_find(root_name);
    struct crypt_vfs *vfs;

    if (sqlite3_vfs_find(name) != NULL) {
        return ENT_OK;
    }
    if (root == NULL) {
        return ENT_SELF_IO;
    }
    vfs = ent_alloc_zero(1, sizeof(*vfs)); /* SQLite's for ever */
    vfs->root = root;
    vfs->base = (sqlite3_vfs){
        .iVersion = 2,
        .szOsFile = (int)sizeof(struct crypt_file) + root->szOsFile,
        .mxPathname = root->mxPathname,
        .zName = name,
        .xOpen = on_open,
        .xDelete = on_delete,
        .xAccess = on_access,
        .xFullPathname = on_full_path,
        .xDlOpen = on_library_open,
        .xDlError = on_library_error,
        .xRandomness = on_randomness,
        .xSleep = on_sleep,
        .xCurrentTime = on_current_time,
        .xGetLastError = on_last_error,
        .xCurrentTimeInt64 = on_current_time_ms,
    };
    return sqlite3_vfs_register(&vfs->base, 0) == SQLITE_OK ? ENT_OK
                                                            : ENT_SELF_IO;
}
