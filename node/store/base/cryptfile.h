/*
 * Inside the encrypting VFS: an open file, what both kinds of file share, and
 * the attachments that give a path its key. Only cryptvfs.c, cryptattach.c,
 * cryptmain.c and cryptlog.c include this.
 */
#ifndef STORE_BASE_CRYPTFILE_H
#define STORE_BASE_CRYPTFILE_H

#include "store/base/cryptpage.h"
#include "store/base/cryptvfs.h"
#include "store/base/secret.h"

#include <sqlite3.h>
#include <stdatomic.h>

#define CRYPT_PATH_MAX 1024
#define CRYPT_NO_FRAME UINT64_MAX

/* One attached path, shared by all connections to it. */
struct cryptvfs_attachment {
    struct cryptvfs_attachment *next;
    char path[CRYPT_PATH_MAX];
    enum cryptvfs_mode mode;
    unsigned int user_count; /* attachments and open files */
    struct secret *memory;   /* of the keys; open as long as this lives */
    const struct crypt_keys *keys;
    /* Of the log's present header: set when one is read or written. A reader
     * that finds the index of the log ready never reads the header itself. */
    _Atomic uint64_t salts;
};

/* An open main file or log; the root's file stands behind it in memory. */
struct crypt_file {
    sqlite3_file base;
    sqlite3_file *inner;
    sqlite3_vfs *root;
    struct cryptvfs_attachment *at;
    /* The rest is used for logs only, but for `disk`. */
    uint64_t frame_read;    /* whose plaintext `frame` holds, or none */
    uint64_t frame_pending; /* whose header `frame` begins with, or none */
    uint64_t written;       /* frames 0 ... were written by this file */
    uint64_t synced;        /* ... and are known to be on the disk */
    uint8_t frame[CRYPTWAL_PLAIN_LEN];
    uint8_t disk[CRYPTWAL_FRAME_DISK];
};

/* What SQLite calls for a main file and for a log. */
extern const sqlite3_io_methods crypt_main_methods;
extern const sqlite3_io_methods crypt_log_methods;

/* The attachment of `path` (its first `len` characters), or NULL; returned
 * owned: give it back with crypt_release(). */
struct cryptvfs_attachment *crypt_retain(const char *path, size_t len);
void crypt_release(struct cryptvfs_attachment *at);

/* The file behind SQLite's pointer. */
struct crypt_file *crypt_file_of(sqlite3_file *base);

/* The root's file, in SQLite's result codes; offsets are those on the disk. */
int crypt_inner_read(struct crypt_file *f, void *ret_p, size_t len,
                     uint64_t at);
int crypt_inner_write(struct crypt_file *f, const void *p, size_t len,
                      uint64_t at);
int crypt_inner_size(struct crypt_file *f, uint64_t *ret_size);

/* Methods that are the same for both kinds of file. */
int crypt_on_close(sqlite3_file *base);
int crypt_on_lock(sqlite3_file *base, int level);
int crypt_on_unlock(sqlite3_file *base, int level);
int crypt_on_check_reserved(sqlite3_file *base, int *ret_is_reserved);
int crypt_on_control(sqlite3_file *base, int op, void *arg);
int crypt_on_sector_size(sqlite3_file *base);
int crypt_on_characteristics(sqlite3_file *base);

#endif
