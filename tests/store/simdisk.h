/*
 * A disk that can lose its power: a VFS over "unix-excl" that passes every
 * call on, notes every change in order, and can make calls fail. From the
 * notes a test builds what the disk may hold if the power went at any moment:
 * of what was not synced, each write is lost, whole, or torn at sectors of 512
 * bytes, independently of the others.
 *
 * One disk to a process, for one store (main file and log), for the tests in
 * this folder; each is one program, so the functions are here.
 */
#ifndef TESTS_STORE_SIMDISK_H
#define TESTS_STORE_SIMDISK_H

#include <entente/base.h>

#include <sqlite3.h>
#include <stdlib.h>

#include "lib/fault.h"

#define SIM_NAME "simdisk"
#define SIM_SECTOR 512u
#define SIM_FILES 2u /* 0: the main file, 1: its log */

enum sim_kind {
    SIM_WRITE,
    SIM_TRUNCATE,
    SIM_REMOVE, /* the file's name */
    SIM_SYNC,
    SIM_ACK, /* a commit was acknowledged; its number is in `at` */
};

struct sim_op {
    enum sim_kind kind;
    unsigned int file;
    uint64_t at;
    uint8_t *p;
    size_t len;
};

/* What one file holds; a file that is not there is empty. */
struct sim_image {
    uint8_t *p;
    size_t len;
    size_t cap;
};

struct sim_disk {
    bool is_noting;
    struct sim_op *ops;
    size_t op_count;
    size_t op_cap;
    struct test_fault fault;
    int fault_code;      /* what a call that fails returns */
    bool fault_is_short; /* a failing write does half of its work */
    sqlite3_vfs vfs;
    sqlite3_vfs *root;
};

struct sim_file {
    sqlite3_file base;
    sqlite3_file *inner;
    unsigned int number;
};

static struct sim_disk sim;

/* ---- a small generator: the seed is the test's ---- */

static inline uint64_t
sim_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u); /* splitmix64 */

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static inline uint64_t
sim_below(uint64_t *state, uint64_t limit)
{
    return sim_random(state) % limit;
}

/* ---- notes ---- */

static inline void
sim_note(enum sim_kind kind, unsigned int file, uint64_t at,
         struct ent_slice bytes)
{
    struct sim_op *op;

    if (!sim.is_noting) {
        return;
    }
    if (sim.op_count == sim.op_cap) {
        sim.op_cap = sim.op_cap > 0 ? sim.op_cap * 2 : 256;
        sim.ops = ent_realloc(sim.ops, sim.op_cap * sizeof(*sim.ops));
    }
    op = &sim.ops[sim.op_count++];
    *op = (struct sim_op){.kind = kind, .file = file, .at = at};
    if (bytes.len > 0) {
        op->p = ent_alloc(bytes.len);
        op->len = bytes.len;
        memcpy(op->p, bytes.p, bytes.len);
    }
}

static inline void
sim_forget(void)
{
    size_t i;

    for (i = 0; i < sim.op_count; i++) {
        free(sim.ops[i].p);
    }
    free(sim.ops);
    sim.ops = NULL;
    sim.op_count = 0;
    sim.op_cap = 0;
}

/* ---- the file's methods ---- */

static inline struct sim_file *
sim_file_of(sqlite3_file *base)
{
    return (struct sim_file *)(void *)base;
}

static inline const sqlite3_io_methods *
sim_inner(struct sim_file *f)
{
    return f->inner->pMethods;
}

static inline int
sim_close(sqlite3_file *base)
{
    struct sim_file *f = sim_file_of(base);

    return sim_inner(f)->xClose(f->inner);
}

static inline int
sim_read(sqlite3_file *base, void *p, int len, sqlite3_int64 at)
{
    struct sim_file *f = sim_file_of(base);

    if (test_fault_tick(&sim.fault)) {
        return SQLITE_IOERR_READ;
    }
    return sim_inner(f)->xRead(f->inner, p, len, at);
}

static inline int
sim_write(sqlite3_file *base, const void *p, int len, sqlite3_int64 at)
{
    struct sim_file *f = sim_file_of(base);

    if (test_fault_tick(&sim.fault)) {
        if (sim.fault_is_short) {
            sim_inner(f)->xWrite(f->inner, p, len / 2, at);
        }
        return sim.fault_code;
    }
    sim_note(SIM_WRITE, f->number, (uint64_t)at, ent_slice(p, (size_t)len));
    return sim_inner(f)->xWrite(f->inner, p, len, at);
}

static inline int
sim_truncate(sqlite3_file *base, sqlite3_int64 len)
{
    struct sim_file *f = sim_file_of(base);

    if (test_fault_tick(&sim.fault)) {
        return SQLITE_IOERR_TRUNCATE;
    }
    sim_note(SIM_TRUNCATE, f->number, (uint64_t)len, ent_slice(NULL, 0));
    return sim_inner(f)->xTruncate(f->inner, len);
}

static inline int
sim_sync(sqlite3_file *base, int flags)
{
    struct sim_file *f = sim_file_of(base);

    if (test_fault_tick(&sim.fault)) {
        return SQLITE_IOERR_FSYNC;
    }
    sim_note(SIM_SYNC, f->number, 0, ent_slice(NULL, 0));
    return sim_inner(f)->xSync(f->inner, flags);
}

static inline int
sim_size(sqlite3_file *base, sqlite3_int64 *ret_size)
{
    struct sim_file *f = sim_file_of(base);

    if (test_fault_tick(&sim.fault)) {
        return SQLITE_IOERR_FSTAT;
    }
    return sim_inner(f)->xFileSize(f->inner, ret_size);
}

static inline int
sim_lock(sqlite3_file *base, int level)
{
    struct sim_file *f = sim_file_of(base);

    return sim_inner(f)->xLock(f->inner, level);
}

static inline int
sim_unlock(sqlite3_file *base, int level)
{
    struct sim_file *f = sim_file_of(base);

    return sim_inner(f)->xUnlock(f->inner, level);
}

static inline int
sim_check_reserved(sqlite3_file *base, int *ret_answer)
{
    struct sim_file *f = sim_file_of(base);

    return sim_inner(f)->xCheckReservedLock(f->inner, ret_answer);
}

static inline int
sim_control(sqlite3_file *base, int op, void *arg)
{
    struct sim_file *f = sim_file_of(base);

    return sim_inner(f)->xFileControl(f->inner, op, arg);
}

static inline int
sim_sector_size(sqlite3_file *base)
{
    struct sim_file *f = sim_file_of(base);

    return sim_inner(f)->xSectorSize(f->inner);
}

static inline int
sim_characteristics(sqlite3_file *base)
{
    struct sim_file *f = sim_file_of(base);

    return sim_inner(f)->xDeviceCharacteristics(f->inner);
}

static inline int
sim_shm_map(sqlite3_file *base, int region, int size, int extend,
            void volatile **ret_p)
{
    struct sim_file *f = sim_file_of(base);

    return sim_inner(f)->xShmMap(f->inner, region, size, extend, ret_p);
}

static inline int
sim_shm_lock(sqlite3_file *base, int offset, int n, int flags)
{
    struct sim_file *f = sim_file_of(base);

    return sim_inner(f)->xShmLock(f->inner, offset, n, flags);
}

static inline void
sim_shm_barrier(sqlite3_file *base)
{
    struct sim_file *f = sim_file_of(base);

    sim_inner(f)->xShmBarrier(f->inner);
}

static inline int
sim_shm_unmap(sqlite3_file *base, int is_delete)
{
    struct sim_file *f = sim_file_of(base);

    return sim_inner(f)->xShmUnmap(f->inner, is_delete);
}

static const sqlite3_io_methods sim_methods = {
    .iVersion = 2,
    .xClose = sim_close,
    .xRead = sim_read,
    .xWrite = sim_write,
    .xTruncate = sim_truncate,
    .xSync = sim_sync,
    .xFileSize = sim_size,
    .xLock = sim_lock,
    .xUnlock = sim_unlock,
    .xCheckReservedLock = sim_check_reserved,
    .xFileControl = sim_control,
    .xSectorSize = sim_sector_size,
    .xDeviceCharacteristics = sim_characteristics,
    .xShmMap = sim_shm_map,
    .xShmLock = sim_shm_lock,
    .xShmBarrier = sim_shm_barrier,
    .xShmUnmap = sim_shm_unmap,
};

/* ---- the VFS's methods ---- */

static inline unsigned int
sim_number_of(const char *path)
{
    size_t len = strlen(path);

    return len > 4 && strcmp(path + len - 4, "-wal") == 0 ? 1 : 0;
}

static inline int
sim_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags,
         int *ret_flags)
{
    struct sim_file *f = sim_file_of(file);
    int rc;

    (void)vfs;
    f->base.pMethods = NULL;
    if (test_fault_tick(&sim.fault)) {
        return SQLITE_CANTOPEN;
    }
    f->inner = (sqlite3_file *)(void *)(f + 1);
    f->number = sim_number_of(path);
    rc = sim.root->xOpen(sim.root, path, f->inner, flags, ret_flags);
    if (f->inner->pMethods != NULL) {
        f->base.pMethods = &sim_methods;
    }
    return rc;
}

static inline int
sim_delete(sqlite3_vfs *vfs, const char *path, int is_synced)
{
    (void)vfs;
    if (test_fault_tick(&sim.fault)) {
        return SQLITE_IOERR_DELETE;
    }
    sim_note(SIM_REMOVE, sim_number_of(path), 0, ent_slice(NULL, 0));
    return sim.root->xDelete(sim.root, path, is_synced);
}

static inline int
sim_access(sqlite3_vfs *vfs, const char *path, int flags, int *ret_answer)
{
    (void)vfs;
    return sim.root->xAccess(sim.root, path, flags, ret_answer);
}

static inline int
sim_full_path(sqlite3_vfs *vfs, const char *path, int len, char *ret_path)
{
    (void)vfs;
    return sim.root->xFullPathname(sim.root, path, len, ret_path);
}

/* Registers the disk under SIM_NAME. */
static inline void
sim_register(void)
{
    sim.root = sqlite3_vfs_find("unix-excl");
    ENT_ASSERT(sim.root != NULL);
    sim.vfs = *sim.root; /* time, sleep and randomness are its own */
    sim.vfs.pNext = NULL;
    sim.vfs.iVersion = 2;
    sim.vfs.zName = SIM_NAME;
    sim.vfs.szOsFile = (int)sizeof(struct sim_file) + sim.root->szOsFile;
    sim.vfs.xOpen = sim_open;
    sim.vfs.xDelete = sim_delete;
    sim.vfs.xAccess = sim_access;
    sim.vfs.xFullPathname = sim_full_path;
    ENT_ASSERT(sqlite3_vfs_register(&sim.vfs, 0) == SQLITE_OK);
}

/* ---- what a disk may hold ---- */

static inline void
sim_image_resize(struct sim_image *image, size_t len)
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

static inline void
sim_image_copy(struct sim_image *to, const struct sim_image *from)
{
    to->len = 0;
    sim_image_resize(to, from->len);
    if (from->len > 0) {
        memcpy(to->p, from->p, from->len);
    }
}

static inline void
sim_image_release(struct sim_image *image)
{
    free(image->p);
    *image = (struct sim_image){0};
}

static inline void
sim_put(struct sim_image *image, uint64_t at, const uint8_t *p, size_t len)
{
    if (at + len > image->len) {
        sim_image_resize(image, (size_t)at + len);
    }
    memcpy(image->p + at, p, len);
}

/* Does an operation whole. */
static inline void
sim_apply(struct sim_image *image, const struct sim_op *op)
{
    switch (op->kind) {
    case SIM_WRITE:
        sim_put(image, op->at, op->p, op->len);
        break;
    case SIM_TRUNCATE:
        sim_image_resize(image, (size_t)op->at);
        break;
    case SIM_REMOVE:
        image->len = 0;
        break;
    case SIM_SYNC:
    case SIM_ACK:
        break;
    }
}

/* A write of which each sector is there or not. */
static inline void
sim_tear(struct sim_image *image, const struct sim_op *op, uint64_t *random)
{
    uint64_t at = op->at;
    uint64_t end = op->at + op->len;

    while (at < end) {
        uint64_t next = (at / SIM_SECTOR + 1) * SIM_SECTOR;

        next = next < end ? next : end;
        if (sim_below(random, 2) == 0) {
            sim_put(image, at, op->p + (at - op->at), (size_t)(next - at));
        }
        at = next;
    }
}

/* What became of an operation that was not synced when the power went. */
static inline void
sim_apply_by_chance(struct sim_image *image, const struct sim_op *op,
                    uint64_t *random)
{
    uint64_t chance = sim_below(random, 3);

    if (chance == 0) {
        return;
    }
    if (chance == 1 && op->kind == SIM_WRITE) {
        sim_tear(image, op, random);
        return;
    }
    sim_apply(image, op);
}

#endif
