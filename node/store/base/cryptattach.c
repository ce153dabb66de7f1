/*
 * Which path has which key, for all stores that this process has open; and
 * what main files and logs have in common.
 */
#include "store/base/cryptfile.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static pthread_mutex_t attach_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct cryptvfs_attachment *attachments;

/* The mutex is held. */
static struct cryptvfs_attachment *
attachment_find(const char *path, size_t len)
{
    struct cryptvfs_attachment *at;

    for (at = attachments; at != NULL; at = at->next) {
        if (strlen(at->path) == len && memcmp(at->path, path, len) == 0) {
            return at;
        }
    }
    return NULL;
}

static void
attachment_free(struct cryptvfs_attachment *at)
{
    secret_shut(at->memory);
    secret_free(at->memory);
    free(at);
}

void
crypt_release(struct cryptvfs_attachment *at)
{
    struct cryptvfs_attachment **link;
    bool is_last;

    pthread_mutex_lock(&attach_mutex);
    ENT_ASSERT(at->user_count > 0);
    is_last = --at->user_count == 0;
    if (is_last) {
        for (link = &attachments; *link != at; link = &(*link)->next) {
            ENT_ASSERT(*link != NULL);
        }
        *link = at->next;
    }
    pthread_mutex_unlock(&attach_mutex);
    if (is_last) {
        attachment_free(at);
    }
}

struct cryptvfs_attachment *
crypt_retain(const char *path, size_t len)
{
    struct cryptvfs_attachment *at;

    pthread_mutex_lock(&attach_mutex);
    at = attachment_find(path, len);
    if (at != NULL) {
        at->user_count++;
    }
    pthread_mutex_unlock(&attach_mutex);
    return at;
}

static struct cryptvfs_attachment *
attachment_new(const char *path, const struct storekey *key,
               enum cryptvfs_mode mode)
{
    struct cryptvfs_attachment *at = ent_alloc_zero(1, sizeof(*at));
    struct crypt_keys keys = {.store_id = *storekey_id(key)};

    storekey_derive(key, STOREKEY_PAGES, &keys.pages);
    storekey_derive(key, STOREKEY_WAL, &keys.wal);
    at->memory = secret_new(&keys, sizeof(keys));
    ent_wipe(&keys, sizeof(keys));
    /* Unreadable between two pages would cost two system calls a page. */
    at->keys = (const void *)secret_open(at->memory);
    at->mode = mode;
    at->user_count = 1;
    snprintf(at->path, sizeof(at->path), "%s", path);
    return at;
}

enum ent_status
cryptvfs_attach(const char *path, const struct storekey *key,
                enum cryptvfs_mode mode,
                struct cryptvfs_attachment **ret_attachment)
{
    sqlite3_vfs *root = sqlite3_vfs_find(CRYPTVFS_ROOT);
    struct cryptvfs_attachment *fresh;
    struct cryptvfs_attachment *at;
    char full[CRYPT_PATH_MAX];
    bool is_same;

    ENT_ASSERT(root != NULL && root->mxPathname < CRYPT_PATH_MAX);
    if ((root->xFullPathname(root, path, CRYPT_PATH_MAX, full) & 0xff) !=
        SQLITE_OK) {
        return ENT_SELF_IO;
    }
    fresh = attachment_new(full, key, mode);
    pthread_mutex_lock(&attach_mutex);
    at = attachment_find(full, strlen(full));
    if (at == NULL) {
        fresh->next = attachments;
        attachments = fresh;
        pthread_mutex_unlock(&attach_mutex);
        *ret_attachment = fresh;
        return ENT_OK;
    }
    is_same = at->mode == mode &&
              ent_secret_eq(at->keys, fresh->keys, sizeof(*at->keys));
    at->user_count += is_same ? 1 : 0;
    pthread_mutex_unlock(&attach_mutex);
    attachment_free(fresh);
    if (!is_same) {
        return ENT_RULE_AUTH;
    }
    *ret_attachment = at;
    return ENT_OK;
}

const char *
cryptvfs_path(const struct cryptvfs_attachment *attachment)
{
    return attachment->path;
}

void
cryptvfs_detach(struct cryptvfs_attachment *attachment)
{
    if (attachment != NULL) {
        crypt_release(attachment);
    }
}

struct crypt_file *
crypt_file_of(sqlite3_file *base)
{
    return (struct crypt_file *)(void *)base;
}

int
crypt_inner_read(struct crypt_file *f, void *p, size_t len, uint64_t at)
{
    return f->inner->pMethods->xRead(f->inner, p, (int)len, (sqlite3_int64)at);
}

int
crypt_inner_write(struct crypt_file *f, const void *p, size_t len, uint64_t at)
{
    return f->inner->pMethods->xWrite(f->inner, p, (int)len, (sqlite3_int64)at);
}

int
crypt_inner_size(struct crypt_file *f, uint64_t *ret_size)
{
    sqlite3_int64 size = 0;
    int rc = f->inner->pMethods->xFileSize(f->inner, &size);

    *ret_size = (uint64_t)size;
    return rc;
}

int
crypt_on_close(sqlite3_file *base)
{
    struct crypt_file *f = crypt_file_of(base);
    int rc = f->inner->pMethods->xClose(f->inner);

    ent_wipe(f->frame, sizeof(f->frame));
    crypt_release(f->at);
    f->base.pMethods = NULL;
    return rc;
}

int
crypt_on_lock(sqlite3_file *base, int level)
{
    struct crypt_file *f = crypt_file_of(base);

    return f->inner->pMethods->xLock(f->inner, level);
}

int
crypt_on_unlock(sqlite3_file *base, int level)
{
    struct crypt_file *f = crypt_file_of(base);

    return f->inner->pMethods->xUnlock(f->inner, level);
}

int
crypt_on_check_reserved(sqlite3_file *base, int *ret_is_reserved)
{
    struct crypt_file *f = crypt_file_of(base);

    return f->inner->pMethods->xCheckReservedLock(f->inner, ret_is_reserved);
}

/* A fixed list: a newer SQLite or a special file system must not learn of
 * abilities that this shim does not carry through. */
int
crypt_on_control(sqlite3_file *base, int op, void *arg)
{
    struct crypt_file *f = crypt_file_of(base);

    switch (op) {
    case SQLITE_FCNTL_MMAP_SIZE:
        *(sqlite3_int64 *)arg = 0;
        return SQLITE_OK;
    case SQLITE_FCNTL_LOCKSTATE:
    case SQLITE_FCNTL_LAST_ERRNO:
    case SQLITE_FCNTL_PERSIST_WAL:
    case SQLITE_FCNTL_HAS_MOVED:
        return f->inner->pMethods->xFileControl(f->inner, op, arg);
    default:
        return SQLITE_NOTFOUND;
    }
}

int
crypt_on_sector_size(sqlite3_file *base)
{
    (void)base;
    return (int)CRYPTPAGE_LEN;
}

int
crypt_on_characteristics(sqlite3_file *base)
{
    (void)base;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE |
           SQLITE_IOCAP_UNDELETABLE_WHEN_OPEN;
}
