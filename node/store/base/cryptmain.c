/*
 * The main file of an encrypted store: whole pages, each sealed by itself.
 *
 * SQLite 3.40 reads 100 bytes at 0 when it opens, 16 at 24, otherwise whole
 * pages, and writes whole pages. Other reads are served as slices of a page;
 * other writes are refused.
 */
#include "store/base/cryptfile.h"

#include <stdio.h>

#define PEEK_LEN 100u /* SQLite's first look at a main file */

/* What SQLite is shown instead of the first bytes of page 1, so that it takes
 * our page size and reserve for granted: in a new file, and when page 1 was
 * torn by a power cut in a checkpoint and the log still has it whole. */
static void
synthetic_header(uint8_t *ret_p, size_t len)
{
    static const char magic[16] = "SQLite format 3";

    ENT_ASSERT(len >= PEEK_LEN);
    memset(ret_p, 0, len);
    memcpy(ret_p, magic, sizeof(magic));
    ent_put_u16(ret_p + 16, CRYPTPAGE_LEN);
    ret_p[18] = 2; /* write-ahead log */
    ret_p[19] = 2;
    ret_p[20] = CRYPTPAGE_RESERVE;
}

static int
has_log(struct crypt_file *f, bool *ret_has_log)
{
    char path[CRYPT_PATH_MAX + 8];
    int exists = 0;
    int rc;

    snprintf(path, sizeof(path), "%s-wal", f->at->path);
    rc = f->root->xAccess(f->root, path, SQLITE_ACCESS_EXISTS, &exists);
    *ret_has_log = exists != 0;
    return rc;
}

/* Page 1 is dead. That is final, unless it is SQLite's first look and there is
 * a log that may have a good copy. */
static int
peek_at_torn_page(struct crypt_file *f, uint8_t *p, size_t len, uint64_t at)
{
    bool is_there = false;
    int rc;

    if (at != 0 || len != PEEK_LEN) {
        return SQLITE_IOERR_DATA;
    }
    rc = has_log(f, &is_there);
    if (rc != SQLITE_OK) {
        return rc;
    }
    if (!is_there) {
        return SQLITE_IOERR_DATA;
    }
    synthetic_header(p, len);
    return SQLITE_OK;
}

/* SQLite takes a short read for a page of zeros: only an empty new file may
 * say that. */
static int
read_past_end(struct crypt_file *f, uint8_t *p, size_t len, uint64_t at)
{
    uint64_t size = 0;
    int rc = crypt_inner_size(f, &size);

    if (rc != SQLITE_OK) {
        return rc;
    }
    if (size != 0 || at >= CRYPTPAGE_LEN || f->at->mode == CRYPTVFS_EXISTING) {
        return SQLITE_IOERR_DATA;
    }
    if (f->at->mode == CRYPTVFS_NEW && at == 0 && len == PEEK_LEN) {
        synthetic_header(p, len);
        return SQLITE_OK;
    }
    memset(p, 0, len);
    return SQLITE_IOERR_SHORT_READ;
}

static int
on_main_read(sqlite3_file *base, void *ret_p, int amount, sqlite3_int64 offset)
{
    struct crypt_file *f = crypt_file_of(base);
    uint8_t page[CRYPTPAGE_LEN];
    size_t len = (size_t)amount;
    uint64_t at = (uint64_t)offset;
    uint64_t number = at / CRYPTPAGE_LEN + 1;
    size_t begin = at % CRYPTPAGE_LEN;
    uint8_t *into = len == CRYPTPAGE_LEN ? ret_p : page;
    int rc;

    ENT_ASSERT(amount > 0 && offset >= 0);
    if (begin + len > CRYPTPAGE_LEN) {
        return SQLITE_IOERR_READ;
    }
    rc = crypt_inner_read(f, into, CRYPTPAGE_LEN, at - begin);
    if (rc == SQLITE_IOERR_SHORT_READ) {
        return read_past_end(f, ret_p, len, at);
    }
    if (rc != SQLITE_OK) {
        return rc;
    }
    if (!cryptpage_unseal(f->at->keys, number, into)) {
        return number == 1 ? peek_at_torn_page(f, ret_p, len, at)
                           : SQLITE_IOERR_DATA;
    }
    if (into == page) {
        memcpy(ret_p, page + begin, len);
        ent_wipe(page, sizeof(page));
    }
    return SQLITE_OK;
}

/* Refuses pages that are not laid out as ours, for example those of a backup
 * of an ordinary database: their last 40 bytes would be lost. */
static bool
is_our_page(const uint8_t *page, uint64_t number)
{
    static const uint8_t zero[CRYPTPAGE_RESERVE];

    if (number == 1 && (page[20] != CRYPTPAGE_RESERVE ||
                        ent_get_u16(page + 16) != CRYPTPAGE_LEN)) {
        return false;
    }
    return memcmp(page + CRYPTPAGE_USABLE, zero, sizeof(zero)) == 0;
}

static int
on_main_write(sqlite3_file *base, const void *p, int amount,
              sqlite3_int64 offset)
{
    struct crypt_file *f = crypt_file_of(base);
    uint64_t at = (uint64_t)offset;
    uint64_t number = at / CRYPTPAGE_LEN + 1;

    if (amount != (int)CRYPTPAGE_LEN || at % CRYPTPAGE_LEN != 0 ||
        !is_our_page(p, number)) {
        return SQLITE_IOERR_WRITE;
    }
    cryptpage_seal(f->at->keys, number, p, f->disk);
    return crypt_inner_write(f, f->disk, CRYPTPAGE_LEN, at);
}

static int
on_main_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    struct crypt_file *f = crypt_file_of(base);

    if (size % (sqlite3_int64)CRYPTPAGE_LEN != 0) {
        return SQLITE_IOERR_TRUNCATE;
    }
    return f->inner->pMethods->xTruncate(f->inner, size);
}

static int
on_main_sync(sqlite3_file *base, int flags)
{
    struct crypt_file *f = crypt_file_of(base);

    return f->inner->pMethods->xSync(f->inner, flags);
}

static int
on_main_size(sqlite3_file *base, sqlite3_int64 *ret_size)
{
    struct crypt_file *f = crypt_file_of(base);

    return f->inner->pMethods->xFileSize(f->inner, ret_size);
}

static int
on_shm_map(sqlite3_file *base, int region, int size, int extend,
           void volatile **ret_p)
{
    struct crypt_file *f = crypt_file_of(base);

    return f->inner->pMethods->xShmMap(f->inner, region, size, extend, ret_p);
}

static int
on_shm_lock(sqlite3_file *base, int offset, int n, int flags)
{
    struct crypt_file *f = crypt_file_of(base);

    return f->inner->pMethods->xShmLock(f->inner, offset, n, flags);
}

static void
on_shm_barrier(sqlite3_file *base)
{
    struct crypt_file *f = crypt_file_of(base);

    f->inner->pMethods->xShmBarrier(f->inner);
}

static int
on_shm_unmap(sqlite3_file *base, int is_delete)
{
    struct crypt_file *f = crypt_file_of(base);

    return f->inner->pMethods->xShmUnmap(f->inner, is_delete);
}

/* Version 2: no xFetch, so no memory-mapped pages. */
const sqlite3_io_methods crypt_main_methods = {
    .iVersion = 2,
    .xClose = crypt_on_close,
    .xRead = on_main_read,
    .xWrite = on_main_write,
    .xTruncate = on_main_truncate,
    .xSync = on_main_sync,
    .xFileSize = on_main_size,
    .xLock = crypt_on_lock,
    .xUnlock = crypt_on_unlock,
    .xCheckReservedLock = crypt_on_check_reserved,
    .xFileControl = crypt_on_control,
    .xSectorSize = crypt_on_sector_size,
    .xDeviceCharacteristics = crypt_on_characteristics,
    .xShmMap = on_shm_map,
    .xShmLock = on_shm_lock,
    .xShmBarrier = on_shm_barrier,
    .xShmUnmap = on_shm_unmap,
};
