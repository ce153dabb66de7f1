/*
 * What stands on the disk: how a page of the main file and a frame of the
 * write-ahead log are sealed. cryptvfs.c decides when.
 *
 *   main page n   cipher 4056 | nonce 24 | tag 16
 *                 associated data: 'M', store id, n
 *   log header    nonce 24 | tag 16 | cipher 32
 *                 associated data: 'H', store id
 *   log frame i   nonce 24 | tag 16 | cipher 24 + 4096 + 8
 *                 associated data: 'W', store id, i, the log header's salts
 *
 * SQLite's frame header (24 bytes) is inside the ciphertext because it carries
 * a checksum of the plaintext. The 8 bytes at the end of a frame say how many
 * frames were known to be synced when it was written: with that, recovery can
 * tell a torn tail from damage in the middle.
 */
#ifndef STORE_BASE_CRYPTPAGE_H
#define STORE_BASE_CRYPTPAGE_H

#include <entente/base.h>
#include <entente/crypto.h>

#define CRYPTPAGE_LEN 4096u
#define CRYPTPAGE_RESERVE (ENT_NONCE_LEN + ENT_TAG_LEN)
#define CRYPTPAGE_USABLE (CRYPTPAGE_LEN - CRYPTPAGE_RESERVE)

/* The log as SQLite sees it, and as it is on the disk. */
#define CRYPTWAL_HEADER_LEN 32u
#define CRYPTWAL_HEADER_DISK (CRYPTWAL_HEADER_LEN + CRYPTPAGE_RESERVE)
#define CRYPTWAL_FRAME_HEADER 24u
#define CRYPTWAL_FRAME_LEN (CRYPTWAL_FRAME_HEADER + CRYPTPAGE_LEN)
#define CRYPTWAL_PLAIN_LEN (CRYPTWAL_FRAME_LEN + 8u) /* and the synced count */
#define CRYPTWAL_FRAME_DISK (CRYPTWAL_PLAIN_LEN + CRYPTPAGE_RESERVE)
#define CRYPTWAL_SALTS_AT 16u /* in the log header: two of 4 bytes */

struct crypt_keys {
    struct ent_id store_id;
    struct ent_key pages;
    struct ent_key wal;
};

/* Which frame: its number from 0 and the salts of its log. */
struct crypt_frame_name {
    uint64_t index;
    uint64_t salts;
};

/* `plain` is a page whose last 40 bytes are not kept. */
void cryptpage_seal(const struct crypt_keys *keys, uint64_t number,
                    const uint8_t plain[CRYPTPAGE_LEN],
                    uint8_t ret_disk[CRYPTPAGE_LEN]);
/* In place; the last 40 bytes become zero. False when it is not that page. */
ENT_MUST_USE bool cryptpage_unseal(const struct crypt_keys *keys,
                                   uint64_t number,
                                   uint8_t page[CRYPTPAGE_LEN]);

void cryptwal_seal_header(const struct crypt_keys *keys,
                          const uint8_t plain[CRYPTWAL_HEADER_LEN],
                          uint8_t ret_disk[CRYPTWAL_HEADER_DISK]);
ENT_MUST_USE bool cryptwal_unseal_header(
    const struct crypt_keys *keys, const uint8_t disk[CRYPTWAL_HEADER_DISK],
    uint8_t ret_plain[CRYPTWAL_HEADER_LEN]);

void cryptwal_seal_frame(const struct crypt_keys *keys,
                         const struct crypt_frame_name *name,
                         const uint8_t plain[CRYPTWAL_PLAIN_LEN],
                         uint8_t ret_disk[CRYPTWAL_FRAME_DISK]);
ENT_MUST_USE bool cryptwal_unseal_frame(const struct crypt_keys *keys,
                                        const struct crypt_frame_name *name,
                                        const uint8_t disk[CRYPTWAL_FRAME_DISK],
                                        uint8_t ret_plain[CRYPTWAL_PLAIN_LEN]);

#endif
