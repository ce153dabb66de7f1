/*
 * The key of one store: a random 32-byte root in guarded memory, the store's
 * id, and the keys that are derived from the root, one for each use. It comes
 * out of a key file (keyfile.h) and goes into db.h and anchor.h.
 */
#ifndef STORE_BASE_STOREKEY_H
#define STORE_BASE_STOREKEY_H

#include <entente/base.h>
#include <entente/crypto.h>

/* What a derived key is for; the numbers are part of the disk format. */
enum storekey_use {
    STOREKEY_PAGES = 1,
    STOREKEY_WAL = 2,
    STOREKEY_ANCHOR = 3,
    STOREKEY_BACKUP = 4,
    STOREKEY_IDENTITY = 5,
};

struct storekey;

/* Makes a key with a random root and a random id. Returns owned: free with
 * storekey_free(). */
struct storekey *storekey_new(void);

/* Makes a key from its parts, which are copied (borrows both). Returns owned:
 * free with storekey_free(). */
struct storekey *storekey_from(const struct ent_id *store_id,
                               const struct ent_key *root_secret);

/* Wipes and frees; NULL is fine. Derived keys live on. */
void storekey_free(struct storekey *key);

/* The store's id: borrowed, lives as long as the key. */
const struct ent_id *storekey_id(const struct storekey *key);

/* Derives the key for one use. The caller wipes `ret_secret` with
 * ent_wipe(). */
void storekey_derive(const struct storekey *key, enum storekey_use use,
                     struct ent_key *ret_secret);

/* H("entente/store/commitment/1", id || root): says whether a key is this
 * one, and nothing else about it. */
void storekey_commitment(const struct storekey *key, struct ent_id *ret_id);

/* Copies the root out, for a slot of the key file. The caller wipes
 * `ret_secret` with ent_wipe(). */
void storekey_root(const struct storekey *key, struct ent_key *ret_secret);

#endif
