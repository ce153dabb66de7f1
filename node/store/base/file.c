/*
 * Small files, whole: see file.h.
 */
#include "store/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum ent_status
file_status(int error)
{
    switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return ENT_SELF_FULL;
    case ENOENT:
        return ENT_RULE_NOT_FOUND;
    default:
        return ENT_SELF_IO;
    }
}

enum ent_status
file_read(const char *path, size_t len_max, struct ent_buf *out)
{
    size_t len = 0;
    uint8_t chunk[4096];
    ssize_t n;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return file_status(errno);
    }
    while ((n = read(fd, chunk, sizeof(chunk))) != 0) {
        if (n < 0 && errno == EINTR) {
            continue;
        }
        len += n > 0 ? (size_t)n : 0;
        if (n < 0 || len > len_max) {
            break;
        }
        ent_buf_put(out, chunk, (size_t)n);
    }
    /* Key files come this way. */
    explicit_bzero(chunk, sizeof(chunk));
    close(fd);
    if (n < 0) {
        return ENT_SELF_IO;
    }
    return len > len_max || out->failed ? ENT_PEER_TOO_BIG : ENT_OK;
}

static enum ent_status
write_all(int fd, struct ent_slice s)
{
    while (s.len > 0) {
        ssize_t n = write(fd, s.p, s.len);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return file_status(errno);
        }
        s = ent_slice(s.p + n, s.len - (size_t)n);
    }
    return ENT_OK;
}

static enum ent_status
sync_folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char folder[PATH_MAX] = ".";
    enum ent_status st;
    int fd;

    if (slash != NULL) {
        /* With the slash: the folder of "/x" is "/". */
        snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path) + 1, path);
    }
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return ENT_SELF_IO;
    }
    st = fsync(fd) == 0 ? ENT_OK : file_status(errno);
    close(fd);
    return st;
}

static enum ent_status
sync_file(const char *path)
{
    enum ent_status st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return ENT_SELF_IO;
    }
    st = fsync(fd) == 0 ? ENT_OK : file_status(errno);
    close(fd);
    return st;
}

enum ent_status
file_rename(const char *from, const char *to)
{
    enum ent_status st = sync_file(from);

    if (st != ENT_OK) {
        return st;
    }
    if (rename(from, to) != 0) {
        return errno == ENOENT ? ENT_SELF_IO : file_status(errno);
    }
    return sync_folder_of(to);
}

/* link() fails where rename() would replace. */
static enum ent_status
put_in_place(const char *temporary, const char *path, enum file_exists exists)
{
    if (exists == FILE_REPLACE) {
        return file_rename(temporary, path);
    }
    if (link(temporary, path) != 0) {
        return errno == EEXIST ? ENT_RULE : file_status(errno);
    }
    unlink(temporary);
    return sync_folder_of(path);
}

enum ent_status
file_write(const char *path, struct ent_slice s, enum file_exists exists)
{
    char temporary[PATH_MAX];
    enum ent_status st;
    int fd;
    int n = snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path);

    if (n < 0 || (size_t)n >= sizeof(temporary)) {
        return ENT_SELF_IO;
    }
    fd = mkostemp(temporary, O_CLOEXEC); /* mode 0600 */
    if (fd < 0) {
        return errno == ENOENT ? ENT_SELF_IO : file_status(errno);
    }
    st = write_all(fd, s);
    if (st == ENT_OK && fsync(fd) != 0) {
        st = file_status(errno);
    }
    if (close(fd) != 0 && st == ENT_OK) {
        st = file_status(errno);
    }
    if (st == ENT_OK) {
        st = put_in_place(temporary, path, exists);
    }
    if (st != ENT_OK) {
        unlink(temporary);
    }
    return st;
}
