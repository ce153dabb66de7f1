/*
 * Secrets in memory and the store's own door to libsodium: guarded and locked
 * pages, the sealing of disk pages under a nonce that the caller draws here,
 * password hashing, key derivation, and the process' source of randomness.
 */
#ifndef STORE_BASE_SECRET_H
#define STORE_BASE_SECRET_H

#include <entente/base.h>
#include <entente/crypto.h>

/*
 * Bytes between guard pages, locked in memory and kept out of core dumps as
 * far as the system allows, unreadable unless somebody has them open.
 */
struct secret;

/* Copies `len` bytes (borrows `p`; NULL: zeros). Returns owned: free with
 * secret_free(). */
struct secret *secret_new(const void *p, size_t len);

/* Wipes and frees; NULL is fine. Nobody may have it open. */
void secret_free(struct secret *s);

/* Makes the bytes readable until the matching secret_shut(); calls nest and
 * may come from several threads. Borrowed until secret_shut(). */
const uint8_t *secret_open(struct secret *s);
void secret_shut(struct secret *s);

/* Could every secret so far be locked in memory? If not the node says so once
 * (the limit on locked memory is too small); nothing fails. */
bool secret_is_locked(void);

/* Random bytes from the system. */
void secret_random(void *ret_p, size_t len);

/* A nonce that this process and its forks never repeat: a random prefix,
 * renewed after fork(), and a counter. Any thread. */
void secret_nonce(uint8_t ret_nonce[ENT_NONCE_LEN]);

/* The sub-key number `id` of a 32-byte root (BLAKE2b, libsodium's kdf). */
void secret_derive(const uint8_t root[ENT_KEY_LEN], uint64_t id,
                   uint8_t ret_secret[ENT_KEY_LEN]);

/* XChaCha20-Poly1305 with the tag apart. `ret_cipher` takes plain.len bytes
 * and may be the same memory as the plaintext. */
void secret_seal(const uint8_t key[ENT_KEY_LEN],
                 const uint8_t nonce[ENT_NONCE_LEN], struct ent_slice ad,
                 struct ent_slice plain, uint8_t *ret_cipher,
                 uint8_t ret_tag[ENT_TAG_LEN]);
/* False when anything differs; `ret_plain` is then unspecified. */
ENT_MUST_USE bool secret_unseal(const uint8_t key[ENT_KEY_LEN],
                                const uint8_t nonce[ENT_NONCE_LEN],
                                struct ent_slice ad, struct ent_slice cipher,
                                const uint8_t tag[ENT_TAG_LEN],
                                uint8_t *ret_plain);

#define SECRET_SALT_LEN 16u

/* Argon2id. ENT_OK; ENT_SELF_IO when the memory cannot be had. The caller has
 * checked `passes` and `memory_kib` against its limits. */
ENT_MUST_USE enum ent_status secret_stretch(struct ent_slice passphrase,
                                            const uint8_t salt[SECRET_SALT_LEN],
                                            uint32_t passes,
                                            uint32_t memory_kib,
                                            uint8_t ret_secret[ENT_KEY_LEN]);

#endif
