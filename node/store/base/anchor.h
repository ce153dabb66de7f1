/*
 * The anchor: a small sealed file beside the store that remembers how far the
 * own logs had gone when something last left this node, so that a store that
 * was put back to an earlier state is seen when it is opened.
 *
 * Two slots of 4096 bytes are written in turn, each with a counter and a tag,
 * and synced: a power cut leaves the state before or the state after, never
 * half of one. The anchor is written after the commit it speaks of and before
 * anything of that commit leaves the node.
 */
#ifndef STORE_BASE_ANCHOR_H
#define STORE_BASE_ANCHOR_H

#include <entente/base.h>

#include "store/base/storekey.h"

struct anchor;

/* Which file on which machine: a copied store has another one. */
struct anchor_place {
    uint64_t inode;
    struct ent_id machine; /* hash of /etc/machine-id */
};

struct anchor_state {
    struct ent_id store_id; /* of this installation of the store */
    uint64_t own_count;     /* own entries so far */
    struct ent_id own_hash; /* running hash of their ids */
    struct anchor_place place;
};

/* The place of a store's file. ENT_OK; ENT_RULE_NOT_FOUND without a file;
 * ENT_SELF_IO. */
ENT_MUST_USE enum ent_status anchor_place_of(const char *store_path,
                                             struct anchor_place *ret_place);

/* Makes the file with its first state, synced, in place of an earlier one if
 * there is one. ENT_OK: `*ret_anchor` is returned owned (anchor_close).
 * ENT_SELF_IO, ENT_SELF_FULL. */
ENT_MUST_USE enum ent_status anchor_create(const char *path,
                                           const struct storekey *key,
                                           const struct anchor_state *state,
                                           struct anchor **ret_anchor);

/* Opens the file and reads the newer of its good slots. ENT_OK: `*ret_anchor`
 * is returned owned (anchor_close). ENT_RULE_NOT_FOUND: missing.
 * ENT_SELF_CORRUPT: broken, or of another store key. ENT_SELF_IO. */
ENT_MUST_USE enum ent_status anchor_open(const char *path,
                                         const struct storekey *key,
                                         struct anchor **ret_anchor);

void anchor_close(struct anchor *anchor); /* NULL is fine */

/* The state read by anchor_open or last written. Borrowed. */
const struct anchor_state *anchor_get(const struct anchor *anchor);

/* Writes a later state and syncs it. ENT_OK: on disk. ENT_SELF_IO,
 * ENT_SELF_FULL: the state before is still there, or this one; stop. Asserts
 * that own_count does not go back within one store_id. */
ENT_MUST_USE enum ent_status anchor_write(struct anchor *anchor,
                                          const struct anchor_state *state);

#endif
