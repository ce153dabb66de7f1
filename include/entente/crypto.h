/*
 * The crypto door: every use of libsodium in libentente goes through here.
 *
 * Nothing in it draws randomness: secrets come from a `struct ent_rng` that
 * the caller seeded. `H(tag, x)` of docs/protocol.md is ent_hash(); every
 * signature is over `domain || 0x00 || fixed layout`.
 */
#ifndef ENTENTE_CRYPTO_H
#define ENTENTE_CRYPTO_H

#include <entente/base.h>

#define ENT_SIG_LEN 64u
#define ENT_KEY_LEN 32u
#define ENT_NONCE_LEN 24u /* XChaCha20-Poly1305 */
#define ENT_TAG_LEN 16u
#define ENT_SEAL_OVERHEAD (ENT_NONCE_LEN + ENT_TAG_LEN)
#define ENT_BOX_OVERHEAD (ENT_KEY_LEN + ENT_TAG_LEN) /* ephemeral key + tag */

struct ent_key {
    uint8_t b[ENT_KEY_LEN];
};

/* Chooses the fastest code for this processor. Programs call it first in main,
 * before there are threads; again does nothing. Without it every function here
 * gives the same results, only slower. Panics when the system has no source
 * of randomness, which libsodium opens at this moment and nobody here asks. */
void ent_crypto_start(void);

struct ent_sig {
    uint8_t b[ENT_SIG_LEN];
};

/* Deterministic random bytes from a seed (ChaCha20; fast key erasure, so an
 * earlier output cannot be computed from a later state). */
struct ent_rng {
    struct ent_key key;
};

void ent_rng_init(struct ent_rng *rng, const struct ent_key *seed);
void ent_rng_fill(struct ent_rng *rng, void *ret_p, size_t len);

/* BLAKE2b-256 of `x`, keyed with the ASCII tag (1 to 64 bytes). */
void ent_hash(const char *tag, struct ent_slice x, struct ent_id *ret_id);

/* The same over several parts, one after the other. */
struct ent_hasher {
    _Alignas(64) uint8_t opaque[384];
};
void ent_hasher_init(struct ent_hasher *h, const char *tag);
void ent_hasher_add(struct ent_hasher *h, struct ent_slice x);
void ent_hasher_end(struct ent_hasher *h, struct ent_id *ret_id);

/* BLAKE2b of `x` under a secret key (16 to 64 bytes); `len` is 16 to 64. */
void ent_mac(struct ent_slice key, struct ent_slice x, uint8_t *ret_p,
             size_t len);

/* SipHash-2-4 with 128 bits of output, keyed with 16 bytes. */
void ent_siphash(const uint8_t key[16], struct ent_slice x, uint8_t ret_p[16]);

/* Ed25519. `seed` is the secret. Verification refuses non-canonical
 * signatures and small-order keys (libsodium's strict form). */
void ent_sign_public(const struct ent_key *seed_secret, struct ent_id *ret_pk);
void ent_sign(const struct ent_key *seed_secret, const char *domain,
              struct ent_slice layout, struct ent_sig *ret_sig);
bool ent_verify(const struct ent_id *pk, const char *domain,
                struct ent_slice layout, const struct ent_sig *sig);

/* X25519. ent_dh is false when the result is zero (small-order key). */
void ent_dh_public(const struct ent_key *secret, struct ent_key *ret_pk);
ENT_MUST_USE bool ent_dh(const struct ent_key *secret, const struct ent_key *pk,
                         struct ent_key *ret_shared);

/* XChaCha20-Poly1305: appends nonce || ciphertext || tag to `out`. */
void ent_seal(const struct ent_key *key, struct ent_rng *rng,
              struct ent_slice ad, struct ent_slice plain, struct ent_buf *out);
/* Opens what ent_seal made, appending the plaintext to `out`.
 * ENT_PEER_DECRYPT when anything differs; `out` is then unchanged.
 * ENT_PEER_TOO_BIG when it does not fit `out` (ent_unbox too). */
ENT_MUST_USE enum ent_status ent_open(const struct ent_key *key,
                                      struct ent_slice ad,
                                      struct ent_slice sealed,
                                      struct ent_buf *out);

/* Seals to an X25519 key: ephemeral key || XChaCha20-Poly1305 under
 * H("entente/box/1", dh || ephemeral || recipient), zero nonce (the key is
 * used once). `ad` binds the context. Appends plain.len + ENT_BOX_OVERHEAD. */
void ent_box(const struct ent_key *to, struct ent_rng *rng, struct ent_slice ad,
             struct ent_slice plain, struct ent_buf *out);
/* ENT_PEER_DECRYPT when it was not sealed to `secret` with this `ad`. */
ENT_MUST_USE enum ent_status ent_unbox(const struct ent_key *secret,
                                       struct ent_slice ad,
                                       struct ent_slice box,
                                       struct ent_buf *out);

/* A stream in chunks (libsodium's secretstream, XChaCha20-Poly1305): a chunk
 * left out, moved or repeated does not open, and the last one says so. Both
 * sides begin with one key, used for one stream only, and one header of
 * ENT_STREAM_HEADER_LEN random bytes. */
#define ENT_STREAM_HEADER_LEN 24u
#define ENT_STREAM_OVERHEAD 17u
struct ent_stream {
    uint8_t opaque[64];
};
void ent_stream_begin(struct ent_stream *s, const struct ent_key *key,
                      const uint8_t header[ENT_STREAM_HEADER_LEN]);
/* `ret_cipher` takes plain.len + ENT_STREAM_OVERHEAD bytes. */
void ent_stream_seal(struct ent_stream *s, struct ent_slice ad,
                     struct ent_slice plain, bool is_last, uint8_t *ret_cipher);
/* Appends the plaintext to `out`. ENT_PEER_DECRYPT when it is not this
 * stream's next chunk; ENT_PEER_TOO_BIG when it does not fit. `out` and the
 * stream are then unchanged. */
ENT_MUST_USE enum ent_status ent_stream_open(struct ent_stream *s,
                                             struct ent_slice ad,
                                             struct ent_slice cipher,
                                             struct ent_buf *out,
                                             bool *ret_is_last);

/* ChaCha20-Poly1305 (IETF) with the 64-bit counter of Noise. `out` takes
 * plain_len + 16 (open: len - 16) bytes and may be the same memory. */
void ent_noise_seal(const struct ent_key *key, uint64_t n, struct ent_slice ad,
                    struct ent_slice plain, uint8_t *ret_cipher);
ENT_MUST_USE bool ent_noise_open(const struct ent_key *key, uint64_t n,
                                 struct ent_slice ad, struct ent_slice cipher,
                                 uint8_t *ret_plain);
void ent_sha256(struct ent_slice a, struct ent_slice b, uint8_t ret_p[32]);
/* HKDF of Noise (HMAC-SHA256) with 2 or 3 outputs; ret_3 may be NULL. */
void ent_hkdf(const uint8_t chaining_key[32], struct ent_slice input,
              uint8_t ret_1[32], uint8_t ret_2[32], uint8_t *ret_3);

/* Padmé: the padded size of `len` bytes, at most 12 % more, leaking only
 * O(log log len) bits (Nikitin et al., PETS 2019). */
size_t ent_padme(size_t len);

/* Constant-time comparison; wiping that the compiler keeps. */
bool ent_secret_eq(const void *a, const void *b, size_t len);
void ent_wipe(void *p, size_t len);

#endif
