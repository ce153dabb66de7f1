/*
 * One process to a folder: see lock.h.
 */
#include "store/base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

struct lock {
    int fd;
};

enum ent_status
lock_take(const char *folder, struct lock **ret_lock)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof(path), "%s/lock", folder);
    int fd;

    if (n < 0 || (size_t)n >= sizeof(path)) {
        return ENT_SELF_IO;
    }
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return ENT_SELF_IO;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        enum ent_status st = errno == EWOULDBLOCK ? ENT_SELF_BUSY : ENT_SELF_IO;

        close(fd);
        return st;
    }
    *ret_lock = ent_alloc(sizeof(**ret_lock));
    (*ret_lock)->fd = fd;
    return ENT_OK;
}

void
lock_release(struct lock *lock)
{
    if (lock == NULL) {
        return;
    }
    /* The file stays: removing it would let two processes lock two files. */
    close(lock->fd);
    free(lock);
}
