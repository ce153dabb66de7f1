/*
 * Small files, whole: read under a cap, written so that a power cut leaves the
 * old or the new one.
 */
#ifndef STORE_BASE_FILE_H
#define STORE_BASE_FILE_H

#include <entente/base.h>

/* Appends the file to `out`. ENT_OK; ENT_RULE_NOT_FOUND; ENT_PEER_TOO_BIG when
 * it has more than `len_max` bytes; ENT_SELF_IO. */
ENT_MUST_USE enum ent_status file_read(const char *path, size_t len_max,
                                       struct ent_buf *out);

/* What file_write does if the file is there already. */
enum file_exists {
    FILE_REPLACE,
    FILE_KEEP, /* ENT_RULE */
};

/* Writes a temporary file beside `path` with mode 0600, syncs it, renames it
 * and syncs the folder. ENT_OK; ENT_RULE; ENT_SELF_IO; ENT_SELF_FULL. */
ENT_MUST_USE enum ent_status file_write(const char *path, struct ent_slice s,
                                        enum file_exists exists);

/* Renames over whatever is at `to` and syncs the folder. ENT_OK; ENT_SELF_IO;
 * ENT_SELF_FULL. */
ENT_MUST_USE enum ent_status file_rename(const char *from, const char *to);

/* The status of an errno of a failed write, read or sync. */
enum ent_status file_status(int error);

#endif
