/*
 * A node's simulated disk: what SQLite writes stays in memory, and of what was
 * not synced when the power goes each write is lost, whole, or torn at sectors
 * of 512 bytes, independently of the others. It stands as a VFS *under* the
 * encrypting one, which is registered over it before any store is opened.
 *
 * The small files beside the store (keys, identity, anchor, lock) are real
 * files in the node's folder: the store's own code writes them in one piece
 * and syncs them.
 */
#ifndef TESTS_SIM_DISK_H
#define TESTS_SIM_DISK_H

#include <entente/base.h>

struct sim_disk;

/* Registers the simulated disk and the encrypting VFS over it under the name
 * that stores use. Once, before the first store. */
void sim_disk_register(void);

/* A disk for the store in `folder`. Returns owned: sim_disk_free. */
struct sim_disk *sim_disk_new(const char *folder, uint64_t random_seed);
void sim_disk_free(struct sim_disk *disk); /* its store is closed */

/* The power goes at the n-th write, truncation or sync from now on (n > 0):
 * that call and all later ones fail. */
void sim_disk_arm(struct sim_disk *disk, uint64_t n);
/* The power goes now. */
void sim_disk_kill(struct sim_disk *disk);
bool sim_disk_is_dead(const struct sim_disk *disk);
/* The power is back: decides what became of unsynced writes. Returns how many
 * of them there were. The store is closed. */
size_t sim_disk_revive(struct sim_disk *disk);

/* A copy of all files of the store, and of the anchor. */
struct sim_backup;

/* Returns owned: sim_backup_free. */
struct sim_backup *sim_disk_copy(const struct sim_disk *disk);
void sim_backup_free(struct sim_backup *backup); /* NULL is fine */

enum sim_restore {
    SIM_RESTORE_STORE,    /* the store alone; the anchor is newer */
    SIM_RESTORE_FOLDER,   /* both, into a new file: another inode */
    SIM_RESTORE_SNAPSHOT, /* both, as a virtual machine's disk put back */
};
/* Puts a copy back. The store is closed. */
void sim_disk_restore(struct sim_disk *disk, const struct sim_backup *backup,
                      enum sim_restore how);

#endif
