/*
 * The encrypting VFS: a shim under SQLite that seals every page and every
 * frame of the write-ahead log (cryptpage.h), over SQLite's own "unix-excl".
 *
 * A store is opened in three steps: the VFS is registered once, the store's
 * path is attached with its key, then SQLite opens the path. Several stores
 * with different keys can be open in one process; a path without a key cannot
 * be opened. db.c is the only user outside tests.
 *
 * What it refuses, because SQLite would be misled: an existing file of less
 * than a page, reads past the end, a rollback journal beside an existing
 * store, temporary files, pages of another size or reserve. What does not
 * authenticate is SQLITE_IOERR_DATA, never a short read.
 */
#ifndef STORE_BASE_CRYPTVFS_H
#define STORE_BASE_CRYPTVFS_H

#include <entente/base.h>

#include "store/base/storekey.h"

#define CRYPTVFS_NAME "entente"
#define CRYPTVFS_ROOT "unix-excl"

enum cryptvfs_mode {
    CRYPTVFS_EXISTING,
    CRYPTVFS_NEW,    /* an empty file becomes a store with our page layout */
    CRYPTVFS_TARGET, /* an empty file that VACUUM INTO fills */
};

struct cryptvfs_attachment;

/*
 * Registers a VFS called `name` over the registered VFS `root_name`; a name
 * registered before stays as it is. Outside tests: CRYPTVFS_NAME over
 * CRYPTVFS_ROOT; with a root that lets two processes in, frames would be lost.
 * Not from two threads at once. Borrows `name` for ever. ENT_OK; ENT_SELF_IO
 * when there is no such root.
 */
ENT_MUST_USE enum ent_status cryptvfs_register(const char *name,
                                               const char *root_name);

/*
 * Gives the VFS the key of the store at `path` (borrows both). Attachments of
 * one path nest and must agree. ENT_OK: `*ret_attachment` is returned owned
 * (cryptvfs_detach). ENT_RULE_AUTH when the path is attached under another
 * key; ENT_SELF_IO when the path cannot be resolved.
 */
ENT_MUST_USE enum ent_status cryptvfs_attach(
    const char *path, const struct storekey *key, enum cryptvfs_mode mode,
    struct cryptvfs_attachment **ret_attachment);

/* The resolved path, to be given to SQLite. Borrowed from the attachment. */
const char *cryptvfs_path(const struct cryptvfs_attachment *attachment);

/* Takes the key away once all its connections are closed. NULL is fine. */
void cryptvfs_detach(struct cryptvfs_attachment *attachment);

#endif
