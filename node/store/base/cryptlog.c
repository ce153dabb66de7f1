/*
 * The write-ahead log of an encrypted store.
 *
 * SQLite 3.40 reads 32 bytes at 0; whole frames in recovery and when it
 * computes checksums again; pages at +24 otherwise. It writes 32 bytes at 0; a
 * frame's 24-byte header and then its page; a page alone when the same page
 * changes twice in a transaction; a header alone right after reading that
 * whole frame.
 *
 * A frame's header is held back until its page comes, and both are sealed
 * together: anything else in between drops it. Reads of another form are
 * served as slices of a frame; other writes are refused.
 */
#include "store/base/cryptfile.h"

static uint64_t
frame_at(uint64_t index)
{
    return CRYPTWAL_HEADER_DISK + index * CRYPTWAL_FRAME_DISK;
}

static void
forget_frame(struct crypt_file *f)
{
    f->frame_read = CRYPT_NO_FRAME;
    f->frame_pending = CRYPT_NO_FRAME;
}

static struct crypt_frame_name
name_of(struct crypt_file *f, uint64_t index)
{
    return (struct crypt_frame_name){index, atomic_load(&f->at->salts)};
}

/* Reads frame `index` into f->frame. *ret_is_good is false when it does not
 * authenticate under the log's present salts. */
static int
load_frame(struct crypt_file *f, uint64_t index, bool *ret_is_good)
{
    struct crypt_frame_name name = name_of(f, index);
    int rc;

    forget_frame(f);
    *ret_is_good = false;
    rc = crypt_inner_read(f, f->disk, CRYPTWAL_FRAME_DISK, frame_at(index));
    if (rc != SQLITE_OK) {
        return rc == SQLITE_IOERR_SHORT_READ ? SQLITE_IOERR_DATA : rc;
    }
    if (cryptwal_unseal_frame(f->at->keys, &name, f->disk, f->frame)) {
        f->frame_read = index;
        *ret_is_good = true;
    }
    return SQLITE_OK;
}

/* Writes f->frame as frame `index`. */
static int
store_frame(struct crypt_file *f, uint64_t index)
{
    struct crypt_frame_name name = name_of(f, index);

    forget_frame(f);
    if (f->synced > index) {
        f->synced = index;
    }
    if (f->written < index + 1) {
        f->written = index + 1;
    }
    ent_put_u64(f->frame + CRYPTWAL_FRAME_LEN, f->synced);
    cryptwal_seal_frame(f->at->keys, &name, f->frame, f->disk);
    return crypt_inner_write(f, f->disk, CRYPTWAL_FRAME_DISK, frame_at(index));
}

/*
 * In recovery a frame that is not good is either the torn tail that a power
 * cut leaves, where the log simply ends, or damage. It is damage if a later
 * good frame says that this one had been synced. For a torn tail SQLite gets
 * a frame of zeros, which it takes for the end.
 */
static int
tail_or_damage(struct crypt_file *f, uint64_t bad, void *ret_p)
{
    uint64_t size = 0;
    uint64_t i;
    int rc = crypt_inner_size(f, &size);

    for (i = bad + 1; rc == SQLITE_OK && frame_at(i + 1) <= size; i++) {
        bool is_good = false;

        rc = load_frame(f, i, &is_good);
        if (rc == SQLITE_OK && is_good &&
            ent_get_u64(f->frame + CRYPTWAL_FRAME_LEN) > bad) {
            rc = SQLITE_IOERR_DATA;
        }
    }
    forget_frame(f);
    if (rc == SQLITE_OK) {
        memset(ret_p, 0, CRYPTWAL_FRAME_LEN);
    }
    return rc;
}

static int
read_log_header(struct crypt_file *f, void *ret_p, size_t len, size_t begin)
{
    static const uint8_t zero[CRYPTWAL_HEADER_DISK];
    uint8_t disk[CRYPTWAL_HEADER_DISK];
    uint8_t plain[CRYPTWAL_HEADER_LEN];
    uint64_t size = 0;
    int rc = crypt_inner_read(f, disk, sizeof(disk), 0);

    if (rc == SQLITE_IOERR_SHORT_READ) {
        memset(ret_p, 0, len);
    }
    if (rc != SQLITE_OK) {
        return rc;
    }
    if (!cryptwal_unseal_header(f->at->keys, disk, plain)) {
        rc = crypt_inner_size(f, &size);
        if (rc != SQLITE_OK) {
            return rc;
        }
        /* The header is synced before any frame is written. Nothing but zeros
         * and no frame: the power went before that first sync. */
        if (size > sizeof(disk) || memcmp(disk, zero, sizeof(disk)) != 0) {
            return SQLITE_IOERR_DATA;
        }
        memset(plain, 0, sizeof(plain));
    }
    if (begin == 0 && len == CRYPTWAL_HEADER_LEN) {
        atomic_store(&f->at->salts, ent_get_u64(plain + CRYPTWAL_SALTS_AT));
    }
    memcpy(ret_p, plain + begin, len);
    return SQLITE_OK;
}

static int
on_log_read(sqlite3_file *base, void *ret_p, int amount, sqlite3_int64 offset)
{
    struct crypt_file *f = crypt_file_of(base);
    size_t len = (size_t)amount;
    uint64_t at = (uint64_t)offset;
    bool is_good = false;
    uint64_t index;
    size_t begin;
    int rc;

    ENT_ASSERT(amount > 0 && offset >= 0);
    forget_frame(f);
    if (at + len <= CRYPTWAL_HEADER_LEN) {
        return read_log_header(f, ret_p, len, at);
    }
    if (at < CRYPTWAL_HEADER_LEN) {
        return SQLITE_IOERR_READ;
    }
    index = (at - CRYPTWAL_HEADER_LEN) / CRYPTWAL_FRAME_LEN;
    begin = (at - CRYPTWAL_HEADER_LEN) % CRYPTWAL_FRAME_LEN;
    if (begin + len > CRYPTWAL_FRAME_LEN) {
        return SQLITE_IOERR_READ;
    }
    rc = load_frame(f, index, &is_good);
    if (rc != SQLITE_OK) {
        return rc;
    }
    if (!is_good) {
        /* Only recovery reads whole frames that this file did not write. */
        return len == CRYPTWAL_FRAME_LEN && index >= f->written
                   ? tail_or_damage(f, index, ret_p)
                   : SQLITE_IOERR_DATA;
    }
    memcpy(ret_p, f->frame + begin, len);
    if (len != CRYPTWAL_FRAME_LEN) {
        forget_frame(f);
    }
    return SQLITE_OK;
}

static int
write_log_header(struct crypt_file *f, const uint8_t *plain)
{
    uint8_t disk[CRYPTWAL_HEADER_DISK];
    int rc;

    forget_frame(f);
    f->written = 0;
    f->synced = 0;
    cryptwal_seal_header(f->at->keys, plain, disk);
    rc = crypt_inner_write(f, disk, sizeof(disk), 0);
    if (rc == SQLITE_OK) {
        atomic_store(&f->at->salts, ent_get_u64(plain + CRYPTWAL_SALTS_AT));
    }
    return rc;
}

/* A header alone: of the frame that was just read it is a new checksum;
 * otherwise its page comes next. */
static int
write_frame_header(struct crypt_file *f, uint64_t index, const uint8_t *header)
{
    bool is_checksum = f->frame_read == index;

    forget_frame(f);
    memcpy(f->frame, header, CRYPTWAL_FRAME_HEADER);
    if (is_checksum) {
        return store_frame(f, index);
    }
    f->frame_pending = index;
    return SQLITE_OK;
}

/* A page: with the header that was held back, or in place of the page of a
 * frame that is there. */
static int
write_frame_page(struct crypt_file *f, uint64_t index, const uint8_t *page)
{
    bool is_good = true;

    if (f->frame_pending != index) {
        int rc = load_frame(f, index, &is_good);

        if (rc != SQLITE_OK) {
            return rc;
        }
    }
    if (!is_good) {
        return SQLITE_IOERR_DATA;
    }
    memcpy(f->frame + CRYPTWAL_FRAME_HEADER, page, CRYPTPAGE_LEN);
    return store_frame(f, index);
}

static int
on_log_write(sqlite3_file *base, const void *p, int amount,
             sqlite3_int64 offset)
{
    struct crypt_file *f = crypt_file_of(base);
    uint64_t at = (uint64_t)offset;
    uint64_t index;
    size_t begin;

    ENT_ASSERT(amount > 0 && offset >= 0);
    if (at == 0 && amount == (int)CRYPTWAL_HEADER_LEN) {
        return write_log_header(f, p);
    }
    if (at < CRYPTWAL_HEADER_LEN) {
        return SQLITE_IOERR_WRITE;
    }
    index = (at - CRYPTWAL_HEADER_LEN) / CRYPTWAL_FRAME_LEN;
    begin = (at - CRYPTWAL_HEADER_LEN) % CRYPTWAL_FRAME_LEN;
    if (begin == 0 && amount == (int)CRYPTWAL_FRAME_HEADER) {
        return write_frame_header(f, index, p);
    }
    if (begin == CRYPTWAL_FRAME_HEADER && amount == (int)CRYPTPAGE_LEN) {
        return write_frame_page(f, index, p);
    }
    forget_frame(f);
    return SQLITE_IOERR_WRITE;
}

/* SQLite truncates to 0, to the header, or (journal_size_limit) to anything:
 * rounded up to whole frames. */
static int
on_log_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    struct crypt_file *f = crypt_file_of(base);
    uint64_t want = (uint64_t)size;
    uint64_t frames = 0;
    uint64_t disk = 0;

    forget_frame(f);
    if (want > CRYPTWAL_HEADER_LEN) {
        frames = (want - CRYPTWAL_HEADER_LEN + CRYPTWAL_FRAME_LEN - 1) /
                 CRYPTWAL_FRAME_LEN;
    }
    if (want > 0) {
        disk = frame_at(frames);
    }
    f->written = f->written < frames ? f->written : frames;
    f->synced = f->synced < frames ? f->synced : frames;
    return f->inner->pMethods->xTruncate(f->inner, (sqlite3_int64)disk);
}

static int
on_log_sync(sqlite3_file *base, int flags)
{
    struct crypt_file *f = crypt_file_of(base);
    int rc;

    forget_frame(f);
    rc = f->inner->pMethods->xSync(f->inner, flags);
    if (rc == SQLITE_OK) {
        f->synced = f->written;
    }
    return rc;
}

static int
on_log_size(sqlite3_file *base, sqlite3_int64 *ret_size)
{
    struct crypt_file *f = crypt_file_of(base);
    uint64_t disk = 0;
    uint64_t size = 0;
    int rc = crypt_inner_size(f, &disk);

    if (disk >= CRYPTWAL_HEADER_DISK) {
        size = CRYPTWAL_HEADER_LEN + (disk - CRYPTWAL_HEADER_DISK) /
                                         CRYPTWAL_FRAME_DISK *
                                         CRYPTWAL_FRAME_LEN;
    }
    *ret_size = (sqlite3_int64)size;
    return rc;
}

const sqlite3_io_methods crypt_log_methods = {
    .iVersion = 1,
    .xClose = crypt_on_close,
    .xRead = on_log_read,
    .xWrite = on_log_write,
    .xTruncate = on_log_truncate,
    .xSync = on_log_sync,
    .xFileSize = on_log_size,
    .xLock = crypt_on_lock,
    .xUnlock = crypt_on_unlock,
    .xCheckReservedLock = crypt_on_check_reserved,
    .xFileControl = crypt_on_control,
    .xSectorSize = crypt_on_sector_size,
    .xDeviceCharacteristics = crypt_on_characteristics,
};
