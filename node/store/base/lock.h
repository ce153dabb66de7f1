/*
 * One process to a folder: an flock on the file `lock` in it, held as long as
 * the process lives or until it is released.
 */
#ifndef STORE_BASE_LOCK_H
#define STORE_BASE_LOCK_H

#include <entente/base.h>

struct lock;

/* ENT_OK: `*ret_lock` is returned owned (lock_release). ENT_SELF_BUSY: another
 * process, or another lock in this one, holds the folder. ENT_SELF_IO. */
ENT_MUST_USE enum ent_status lock_take(const char *folder,
                                       struct lock **ret_lock);

void lock_release(struct lock *lock); /* NULL is fine */

#endif
