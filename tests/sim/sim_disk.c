/* The simulated disk: see sim_disk.h. One thread, so no locks. */
#include "sim/sim_disk.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/sim_random.h"
#include "store/base/cryptvfs.h"
#include "store/base/file.h"

#define DISK_NAME "sim-disk"
#define SECTOR 512u
#define PATH_LEN 512u
#define FILES 4u
#define REGIONS 64u
#define REAL_FILE_MAX (64u * 1024u)

/* A change that was not synced: enough to take it back and to do it again. */
struct change {
    bool is_truncate;
    uint64_t at;
    size_t len;
    size_t old_len; /* of the file */
    uint8_t *bytes; /* written */
    uint8_t *old;   /* what stood there */
};

struct image {
    char path[PATH_LEN]; /* empty: free */
    bool is_there;
    uint8_t *p;
    size_t len;
    size_t cap;
    struct change *changes;
    size_t change_count;
    size_t change_cap;
    void *regions[REGIONS]; /* the index of the log, in shared memory */
};

struct sim_disk {
    struct sim_disk *next;
    char folder[PATH_LEN];
    uint64_t random;
    bool is_dead;
    uint64_t countdown; /* 0: none */
    struct image images[FILES];
};

struct sim_backup {
    struct image images[FILES];
    struct ent_buf anchor;
};

struct disk_file {
    sqlite3_file base;
    struct sim_disk *disk;
    struct image *image;
};

static struct sim_disk *disks;
static sqlite3_vfs disk_vfs;
static sqlite3_vfs *unix_vfs;

/* ---- images ---- */

static void
image_resize(struct image *image, size_t len)
{
    if (len > image->cap) {
        image->cap = len * 2;
        image->p = ent_realloc(image->p, image->cap);
    }
    if (len > image->len) {
        memset(image->p + image->len, 0, len - image->len);
    }
    image->len = len;
}

static void
image_put(struct image *image, uint64_t at, const uint8_t *p, size_t len)
{
    if (at + len > image->len) {
        image_resize(image, (size_t)at + len);
    }
    memcpy(image->p + at, p, len);
}

static void
image_synced(struct image *image)
{
    size_t i;

    for (i = 0; i < image->change_count; i++) {
        free(image->changes[i].bytes);
        free(image->changes[i].old);
    }
    image->change_count = 0;
}

static void
image_clear(struct image *image)
{
    image_synced(image);
    free(image->changes);
    free(image->p);
    memset(image, 0, sizeof(*image));
}

static void
image_copy(struct image *to, const struct image *from)
{
    image_synced(to);
    memcpy(to->path, from->path, sizeof(to->path));
    to->is_there = from->is_there;
    image_resize(to, 0);
    image_resize(to, from->len);
    if (from->len > 0) {
        memcpy(to->p, from->p, from->len);
    }
}

static struct change *
add_change(struct image *image)
{
    struct change *c;

    if (image->change_count == image->change_cap) {
        image->change_cap = image->change_cap > 0 ? 2 * image->change_cap : 64;
        image->changes =
            ent_realloc(image->changes, image->change_cap * sizeof(*c));
    }
    c = &image->changes[image->change_count++];
    *c = (struct change){.old_len = image->len};
    return c;
}

/* ---- what becomes of unsynced changes ---- */

static void
take_back(struct image *image, const struct change *c)
{
    if (c->is_truncate) {
        size_t kept = image->len;

        image_resize(image, c->old_len);
        if (c->old != NULL) {
            memcpy(image->p + kept, c->old, c->old_len - kept);
        }
        return;
    }
    if (c->old != NULL) {
        memcpy(image->p + c->at, c->old, c->len);
    }
    image_resize(image, c->old_len);
}

static void
tear(struct image *image, const struct change *c, uint64_t *random)
{
    uint64_t at = c->at;
    uint64_t end = c->at + c->len;

    while (at < end) {
        uint64_t next = (at / SECTOR + 1) * SECTOR;

        next = next < end ? next : end;
        if (sim_chance(random, 2)) {
            image_put(image, at, c->bytes + (at - c->at), (size_t)(next - at));
        }
        at = next;
    }
}

static void
do_by_chance(struct image *image, const struct change *c, uint64_t *random)
{
    uint64_t chance = sim_below(random, 3);

    if (chance == 0) {
        return;
    }
    if (c->is_truncate) {
        image_resize(image, (size_t)c->at);
    } else if (chance == 1) {
        tear(image, c, random);
    } else {
        image_put(image, c->at, c->bytes, c->len);
    }
}

static size_t
lose_power(struct image *image, uint64_t *random)
{
    size_t count = image->change_count;
    size_t i;

    for (i = count; i > 0; i--) {
        take_back(image, &image->changes[i - 1]);
    }
    for (i = 0; i < count; i++) {
        do_by_chance(image, &image->changes[i], random);
    }
    image_synced(image);
    return count;
}

/* ---- the file's methods ---- */

static struct disk_file *
file_of(sqlite3_file *base)
{
    return (struct disk_file *)(void *)base;
}

/* Does the power go with this call? */
static bool
is_last_call(struct sim_disk *disk)
{
    if (disk->countdown > 0 && --disk->countdown == 0) {
        disk->is_dead = true;
        return true;
    }
    return false;
}

static int
on_close(sqlite3_file *base)
{
    struct image *image = file_of(base)->image;
    size_t i;

    for (i = 0; i < REGIONS; i++) {
        free(image->regions[i]);
        image->regions[i] = NULL;
    }
    return SQLITE_OK;
}

static int
on_read(sqlite3_file *base, void *ret_p, int amount, sqlite3_int64 at)
{
    struct disk_file *f = file_of(base);
    size_t len = (size_t)amount;
    size_t begin = (size_t)at;
    size_t there = begin < f->image->len ? f->image->len - begin : 0;

    if (f->disk->is_dead) {
        return SQLITE_IOERR_READ;
    }
    if (there >= len) {
        memcpy(ret_p, f->image->p + begin, len);
        return SQLITE_OK;
    }
    memset(ret_p, 0, len);
    if (there > 0) {
        memcpy(ret_p, f->image->p + begin, there);
    }
    return SQLITE_IOERR_SHORT_READ;
}

static int
on_write(sqlite3_file *base, const void *p, int amount, sqlite3_int64 at)
{
    struct disk_file *f = file_of(base);
    struct image *image = f->image;
    size_t len = (size_t)amount;
    struct change *c;

    if (f->disk->is_dead) {
        return SQLITE_IOERR_WRITE;
    }
    c = add_change(image);
    c->at = (uint64_t)at;
    c->len = len;
    c->bytes = ent_alloc(len);
    memcpy(c->bytes, p, len);
    image_resize(image,
                 c->at + len > image->len ? (size_t)c->at + len : image->len);
    c->old = ent_alloc(len);
    memcpy(c->old, image->p + c->at, len);
    memcpy(image->p + c->at, p, len);
    return is_last_call(f->disk) ? SQLITE_IOERR_WRITE : SQLITE_OK;
}

static int
on_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    struct disk_file *f = file_of(base);
    struct image *image = f->image;
    size_t len = (size_t)size;
    struct change *c;

    if (f->disk->is_dead) {
        return SQLITE_IOERR_TRUNCATE;
    }
    if (len < image->len) {
        c = add_change(image);
        c->is_truncate = true;
        c->at = len;
        c->old = ent_alloc(image->len - len);
        memcpy(c->old, image->p + len, image->len - len);
        image_resize(image, len);
    }
    return is_last_call(f->disk) ? SQLITE_IOERR_TRUNCATE : SQLITE_OK;
}

/* The power may go just before a sync is done, or just after. */
static int
on_sync(sqlite3_file *base, int flags)
{
    struct disk_file *f = file_of(base);
    bool is_last;

    (void)flags;
    if (f->disk->is_dead) {
        return SQLITE_IOERR_FSYNC;
    }
    is_last = is_last_call(f->disk);
    if (!is_last || sim_chance(&f->disk->random, 2)) {
        image_synced(f->image);
    }
    return is_last ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

static int
on_size(sqlite3_file *base, sqlite3_int64 *ret_size)
{
    *ret_size = (sqlite3_int64)file_of(base)->image->len;
    return SQLITE_OK;
}

static int
on_lock(sqlite3_file *base, int level)
{
    (void)base;
    (void)level;
    return SQLITE_OK; /* one connection to a store */
}

static int
on_check_reserved(sqlite3_file *base, int *ret_answer)
{
    (void)base;
    *ret_answer = 0;
    return SQLITE_OK;
}

static int
on_control(sqlite3_file *base, int op, void *arg)
{
    (void)base;
    (void)op;
    (void)arg;
    return SQLITE_NOTFOUND;
}

static int
on_sector_size(sqlite3_file *base)
{
    (void)base;
    return 4096;
}

static int
on_characteristics(sqlite3_file *base)
{
    (void)base;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static int
on_shm_map(sqlite3_file *base, int region, int size, int extend,
           void volatile **ret_p)
{
    struct image *image = file_of(base)->image;

    ENT_ASSERT(region >= 0 && (unsigned)region < REGIONS);
    if (image->regions[region] == NULL && extend != 0) {
        image->regions[region] = ent_alloc_zero(1, (size_t)size);
    }
    *ret_p = image->regions[region];
    return SQLITE_OK;
}

static int
on_shm_lock(sqlite3_file *base, int offset, int n, int flags)
{
    (void)base;
    (void)offset;
    (void)n;
    (void)flags;
    return SQLITE_OK;
}

static void
on_shm_barrier(sqlite3_file *base)
{
    (void)base;
}

static int
on_shm_unmap(sqlite3_file *base, int is_delete)
{
    (void)is_delete;
    return on_close(base);
}

static const sqlite3_io_methods disk_methods = {
    .iVersion = 2,
    .xClose = on_close,
    .xRead = on_read,
    .xWrite = on_write,
    .xTruncate = on_truncate,
    .xSync = on_sync,
    .xFileSize = on_size,
    .xLock = on_lock,
    .xUnlock = on_lock,
    .xCheckReservedLock = on_check_reserved,
    .xFileControl = on_control,
    .xSectorSize = on_sector_size,
    .xDeviceCharacteristics = on_characteristics,
    .xShmMap = on_shm_map,
    .xShmLock = on_shm_lock,
    .xShmBarrier = on_shm_barrier,
    .xShmUnmap = on_shm_unmap,
};

/* ---- the VFS's methods ---- */

static struct sim_disk *
disk_of(const char *path)
{
    struct sim_disk *disk;

    for (disk = disks; disk != NULL; disk = disk->next) {
        size_t len = strlen(disk->folder);

        if (strncmp(path, disk->folder, len) == 0 && path[len] == '/') {
            return disk;
        }
    }
    return NULL;
}

static struct image *
find_image(struct sim_disk *disk, const char *path)
{
    size_t i;

    for (i = 0; i < FILES; i++) {
        if (strcmp(disk->images[i].path, path) == 0) {
            return &disk->images[i];
        }
    }
    return NULL;
}

/* A store is made under a name that ends in ".new" and then renamed. */
static struct image *
find_renamed(struct sim_disk *disk, const char *path)
{
    char before[PATH_LEN];
    struct image *image;

    snprintf(before, sizeof(before), "%.500s.new", path);
    image = find_image(disk, before);
    if (image != NULL) {
        snprintf(image->path, sizeof(image->path), "%s", path);
    }
    return image;
}

static struct image *
make_image(struct sim_disk *disk, const char *path)
{
    struct image *image = find_image(disk, "");

    ENT_ASSERT(image != NULL && strlen(path) < PATH_LEN);
    image_resize(image, 0);
    snprintf(image->path, sizeof(image->path), "%s", path);
    return image;
}

static int
on_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags,
        int *ret_flags)
{
    struct disk_file *f = file_of(file);
    struct sim_disk *disk = disk_of(path);
    struct image *image;

    (void)vfs;
    ENT_ASSERT(disk != NULL);
    file->pMethods = NULL;
    if (disk->is_dead) {
        return SQLITE_CANTOPEN;
    }
    image = find_image(disk, path);
    if (image == NULL && (flags & SQLITE_OPEN_MAIN_DB) != 0) {
        image = find_renamed(disk, path);
    }
    if (image == NULL) {
        image = make_image(disk, path);
    }
    image->is_there = true;
    f->disk = disk;
    f->image = image;
    f->base.pMethods = &disk_methods;
    if (ret_flags != NULL) {
        *ret_flags = flags;
    }
    return SQLITE_OK;
}

static int
on_delete(sqlite3_vfs *vfs, const char *path, int is_synced)
{
    struct sim_disk *disk = disk_of(path);
    struct image *image = find_image(disk, path);

    (void)vfs;
    (void)is_synced;
    if (disk->is_dead) {
        return SQLITE_IOERR_DELETE;
    }
    if (image != NULL) {
        image_clear(image);
    }
    return SQLITE_OK;
}

static int
on_access(sqlite3_vfs *vfs, const char *path, int flags, int *ret_answer)
{
    struct sim_disk *disk = disk_of(path);
    const struct image *image = find_image(disk, path);

    (void)vfs;
    *ret_answer = image != NULL && image->is_there &&
                  (flags != SQLITE_ACCESS_EXISTS || image->len > 0);
    return SQLITE_OK;
}

static int
on_full_path(sqlite3_vfs *vfs, const char *path, int len, char *ret_path)
{
    (void)vfs;
    return unix_vfs->xFullPathname(unix_vfs, path, len, ret_path);
}

void
sim_disk_register(void)
{
    enum ent_status st;

    unix_vfs = sqlite3_vfs_find("unix-excl");
    ENT_ASSERT(unix_vfs != NULL);
    disk_vfs = *unix_vfs; /* time, sleep and randomness are its own */
    disk_vfs.pNext = NULL;
    disk_vfs.iVersion = 2;
    disk_vfs.zName = DISK_NAME;
    disk_vfs.szOsFile = (int)sizeof(struct disk_file);
    disk_vfs.xOpen = on_open;
    disk_vfs.xDelete = on_delete;
    disk_vfs.xAccess = on_access;
    disk_vfs.xFullPathname = on_full_path;
    ENT_ASSERT(sqlite3_vfs_register(&disk_vfs, 0) == SQLITE_OK);
    st = cryptvfs_register(CRYPTVFS_NAME, DISK_NAME);
    ENT_ASSERT(st == ENT_OK);
}

/* ---- disks ---- */

struct sim_disk *
sim_disk_new(const char *folder, uint64_t random_seed)
{
    struct sim_disk *disk = ent_alloc_zero(1, sizeof(*disk));

    snprintf(disk->folder, sizeof(disk->folder), "%s", folder);
    disk->random = random_seed;
    disk->next = disks;
    disks = disk;
    return disk;
}

void
sim_disk_free(struct sim_disk *disk)
{
    struct sim_disk **link;
    size_t i;

    for (link = &disks; *link != disk; link = &(*link)->next) {
        ENT_ASSERT(*link != NULL);
    }
    *link = disk->next;
    for (i = 0; i < FILES; i++) {
        image_clear(&disk->images[i]);
    }
    free(disk);
}

void
sim_disk_arm(struct sim_disk *disk, uint64_t n)
{
    disk->countdown = n;
}

void
sim_disk_kill(struct sim_disk *disk)
{
    disk->is_dead = true;
}

bool
sim_disk_is_dead(const struct sim_disk *disk)
{
    return disk->is_dead;
}

size_t
sim_disk_revive(struct sim_disk *disk)
{
    size_t count = 0;
    size_t i;

    for (i = 0; i < FILES; i++) {
        count += lose_power(&disk->images[i], &disk->random);
    }
    disk->is_dead = false;
    disk->countdown = 0;
    return count;
}

/* ---- copies ---- */

static void
path_in(const struct sim_disk *disk, const char *name, char ret[PATH_LEN + 32])
{
    snprintf(ret, PATH_LEN + 32, "%s/%s", disk->folder, name);
}

struct sim_backup *
sim_disk_copy(const struct sim_disk *disk)
{
    struct sim_backup *backup = ent_alloc_zero(1, sizeof(*backup));
    char path[PATH_LEN + 32];
    enum ent_status st;
    size_t i;

    for (i = 0; i < FILES; i++) {
        image_copy(&backup->images[i], &disk->images[i]);
    }
    path_in(disk, "anchor", path);
    ent_buf_init(&backup->anchor, REAL_FILE_MAX);
    st = file_read(path, REAL_FILE_MAX, &backup->anchor);
    ENT_ASSERT(st == ENT_OK);
    return backup;
}

void
sim_backup_free(struct sim_backup *backup)
{
    size_t i;

    if (backup != NULL) {
        for (i = 0; i < FILES; i++) {
            image_clear(&backup->images[i]);
        }
        ent_buf_release(&backup->anchor);
        free(backup);
    }
}

void
sim_disk_restore(struct sim_disk *disk, const struct sim_backup *backup,
                 enum sim_restore how)
{
    char path[PATH_LEN + 32];
    enum ent_status st = ENT_OK;
    size_t i;

    ENT_ASSERT(!disk->is_dead);
    for (i = 0; i < FILES; i++) {
        image_clear(&disk->images[i]);
        image_copy(&disk->images[i], &backup->images[i]);
    }
    if (how != SIM_RESTORE_STORE) {
        path_in(disk, "anchor", path);
        st = file_write(path, ent_buf_slice(&backup->anchor), FILE_REPLACE);
    }
    if (how == SIM_RESTORE_FOLDER && st == ENT_OK) {
        path_in(disk, "store.db", path);
        st = file_write(path, ent_slice(NULL, 0), FILE_REPLACE);
    }
    ENT_ASSERT(st == ENT_OK);
}
