/*
 * The key file: wraps the store's key in up to eight slots, each opened by one
 * way in (a passphrase, a raw key file). Replaced atomically; changing a
 * passphrase never touches the store itself.
 *
 * Layout, big endian:
 *   0  magic "entente-keys/1\n\0"   16
 *  16  store id                     32
 *  48  created, ms since 1970        8
 *  56  commitment to the store key  32
 *  88  8 slots of 128 bytes
 *          0 type 1 | zero 3 | passes 4 | memory KiB 4 | salt 16
 *         28 nonce 24
 *         52 store key, sealed 32 + tag 16
 *        100 zero 28
 *      associated data: bytes 0..88 of the file, slot number, 0..28 of the slot
 * 1112 checksum (unkeyed hash) of all before: tells damage from a wrong key
 */
#ifndef STORE_BASE_KEYFILE_H
#define STORE_BASE_KEYFILE_H

#include <entente/base.h>

#include "store/base/storekey.h"

#define KEYFILE_SLOTS 8u
#define KEYFILE_RAW_LEN 32u
#define KEYFILE_PASSPHRASE_MAX 1024u

/* Limits on what a file may ask of us, applied before deriving. */
#define KEYFILE_PASSES_MIN 1u
#define KEYFILE_PASSES_MAX 20u
#define KEYFILE_MEMORY_KIB_MIN (8u * 1024u)
#define KEYFILE_MEMORY_KIB_MAX (2u * 1024u * 1024u)

/* What a new slot gets if nothing is asked for: as much of the default memory
 * as takes at most two seconds here, never less than the floor. */
#define KEYFILE_PASSES_DEFAULT 3u
#define KEYFILE_MEMORY_KIB_DEFAULT (256u * 1024u)
#define KEYFILE_MEMORY_KIB_FLOOR (64u * 1024u)

enum keyfile_type {
    KEYFILE_EMPTY = 0,
    KEYFILE_PASSPHRASE = 1,
    KEYFILE_RAW = 2,
    KEYFILE_RECOVERY = 3, /* reserved: a key put together from shares */
};

/* One way in. All borrowed during the call. */
struct keyfile_way {
    enum keyfile_type type;
    struct ent_slice passphrase; /* KEYFILE_PASSPHRASE */
    const char *raw_path;        /* KEYFILE_RAW: a file of 32 bytes */
    uint32_t passes;             /* for a new slot; 0: default */
    uint32_t memory_kib;         /* for a new slot; 0: measured */
};

/* What can be told about a slot without opening it. */
struct keyfile_slot {
    enum keyfile_type type;
    uint32_t passes;
    uint32_t memory_kib;
};

struct keyfile_info {
    struct ent_id store_id;
    uint64_t created_ms;
    struct keyfile_slot slots[KEYFILE_SLOTS];
};

/*
 * Makes a new store key and its key file with one slot for each way (1 to 8).
 * ENT_OK: `*ret_key` is returned owned (storekey_free). ENT_RULE when the file
 * exists; ENT_RULE_USAGE for an impossible way (empty passphrase, parameters
 * over the limits, reserved type); ENT_RULE_AUTH when a raw key file has
 * another length than 32; ENT_SELF_IO, ENT_SELF_FULL.
 */
ENT_MUST_USE enum ent_status keyfile_create(const char *path,
                                            const struct keyfile_way *ways,
                                            size_t way_count,
                                            uint64_t created_ms,
                                            struct storekey **ret_key);

/*
 * Opens the store's key by one way. ENT_OK: `*ret_key` is returned owned.
 * ENT_RULE_NOT_FOUND: no key file there. ENT_RULE_AUTH: no slot of this type
 * opens (wrong passphrase, wrong raw key). ENT_SELF_CORRUPT: the file is
 * damaged, asks for parameters over the limits, or the key in it is not the
 * one committed to. ENT_RULE_USAGE, ENT_SELF_IO.
 */
ENT_MUST_USE enum ent_status keyfile_open(const char *path,
                                          const struct keyfile_way *way,
                                          struct storekey **ret_key);

/* Adds a way in. ENT_OK with the slot's number; ENT_RULE when all eight are
 * taken or `key` is not this file's; otherwise as keyfile_create and
 * keyfile_open. */
ENT_MUST_USE enum ent_status keyfile_add_slot(const char *path,
                                              const struct storekey *key,
                                              const struct keyfile_way *way,
                                              size_t *ret_slot);

/* Puts another way in a slot's place (type KEYFILE_EMPTY: takes it away;
 * ENT_RULE if it is the last). Otherwise as keyfile_add_slot. */
ENT_MUST_USE enum ent_status keyfile_replace_slot(
    const char *path, const struct storekey *key, size_t slot,
    const struct keyfile_way *way);

/* What the file says about itself. ENT_OK, ENT_RULE_NOT_FOUND,
 * ENT_SELF_CORRUPT, ENT_SELF_IO. */
ENT_MUST_USE enum ent_status keyfile_info(const char *path,
                                          struct keyfile_info *ret_info);

/* Writes a new raw key of 32 random bytes, mode 0600. ENT_OK; ENT_RULE when
 * the file exists; ENT_SELF_IO, ENT_SELF_FULL. */
ENT_MUST_USE enum ent_status keyfile_make_raw(const char *path);

#endif
