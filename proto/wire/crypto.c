/*
 * The crypto door: the one file that includes libsodium.
 *
 * Nothing here asks the system for randomness. sodium_init() is not needed for
 * right results: it picks the fastest code for this processor, and programs
 * have it called once at their start, by ent_crypto_start().
 */
#include <entente/crypto.h>

#include <sodium.h>
#include <stdlib.h>

#define SIGNED_STACK_LEN 512u /* most signed layouts fit on the stack */

_Static_assert(sizeof(struct ent_hasher) >= sizeof(crypto_generichash_state),
               "the opaque hasher holds libsodium's state");
_Static_assert(_Alignof(struct ent_hasher) >=
                   _Alignof(crypto_generichash_state),
               "the opaque hasher is aligned for libsodium's state");
_Static_assert(ENT_SIG_LEN == crypto_sign_BYTES, "Ed25519");
_Static_assert(ENT_NONCE_LEN == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
               "XChaCha20-Poly1305");
_Static_assert(ENT_TAG_LEN == crypto_aead_xchacha20poly1305_ietf_ABYTES,
               "Poly1305");

void
ent_crypto_start(void)
{
    int rc = sodium_init();

    ENT_ASSERT(rc >= 0);
}

bool
ent_secret_eq(const void *a, const void *b, size_t len)
{
    return sodium_memcmp(a, b, len) == 0;
}

void
ent_wipe(void *p, size_t len)
{
    sodium_memzero(p, len);
}

void
ent_rng_init(struct ent_rng *rng, const struct ent_key *seed)
{
    rng->key = *seed;
}

void
ent_rng_fill(struct ent_rng *rng, void *ret_p, size_t len)
{
    static const uint8_t nonce[crypto_stream_chacha20_ietf_NONCEBYTES];
    uint8_t block[64];
    uint8_t *out = ret_p;
    size_t head = len < 32 ? len : 32;

    /* The first half of block 0 is the next key, everything after it is
     * output; the old key is gone when this returns. */
    crypto_stream_chacha20_ietf(block, sizeof(block), nonce, rng->key.b);
    if (head > 0) {
        memcpy(out, block + 32, head);
    }
    if (len > head) {
        memset(out + head, 0, len - head);
        crypto_stream_chacha20_ietf_xor_ic(out + head, out + head, len - head,
                                           nonce, 1, rng->key.b);
    }
    memcpy(rng->key.b, block, sizeof(rng->key.b));
    ent_wipe(block, sizeof(block));
}

static crypto_generichash_state *
hasher_state(struct ent_hasher *h)
{
    return (crypto_generichash_state *)(void *)h->opaque;
}

void
ent_hasher_init(struct ent_hasher *h, const char *tag)
{
    size_t len = strlen(tag);
    int rc;

    ENT_ASSERT(len > 0 && len <= crypto_generichash_KEYBYTES_MAX);
    rc = crypto_generichash_init(hasher_state(h), (const uint8_t *)tag, len,
                                 sizeof(struct ent_id));
    ENT_ASSERT(rc == 0);
}

void
ent_hasher_add(struct ent_hasher *h, struct ent_slice x)
{
    if (x.len > 0) {
        crypto_generichash_update(hasher_state(h), x.p, x.len);
    }
}

void
ent_hasher_end(struct ent_hasher *h, struct ent_id *ret_id)
{
    crypto_generichash_final(hasher_state(h), ret_id->b, sizeof(ret_id->b));
    ent_wipe(h, sizeof(*h));
}

void
ent_hash(const char *tag, struct ent_slice x, struct ent_id *ret_id)
{
    size_t len = strlen(tag);
    int rc;

    ENT_ASSERT(len > 0 && len <= crypto_generichash_KEYBYTES_MAX);
    rc = crypto_generichash(ret_id->b, sizeof(ret_id->b), x.p, x.len,
                            (const uint8_t *)tag, len);
    ENT_ASSERT(rc == 0);
}

void
ent_mac(struct ent_slice key, struct ent_slice x, uint8_t *ret_p, size_t len)
{
    int rc;

    ENT_ASSERT(key.len >= crypto_generichash_KEYBYTES_MIN &&
               key.len <= crypto_generichash_KEYBYTES_MAX);
    ENT_ASSERT(len >= crypto_generichash_BYTES_MIN &&
               len <= crypto_generichash_BYTES_MAX);
    rc = crypto_generichash(ret_p, len, x.p, x.len, key.p, key.len);
    ENT_ASSERT(rc == 0);
}

void
ent_siphash(const uint8_t key[16], struct ent_slice x, uint8_t ret_p[16])
{
    crypto_shorthash_siphashx24(ret_p, x.p, x.len, key);
}

/* domain || 0x00 || layout, in `stack` if it fits and allocated otherwise.
 * What is signed is public, so nothing is wiped. */
static struct ent_slice
signed_bytes(const char *domain, struct ent_slice layout,
             uint8_t stack[SIGNED_STACK_LEN])
{
    size_t domain_len = strlen(domain) + 1; /* its NUL is the separator */
    uint8_t *p = stack;

    if (layout.len > SIGNED_STACK_LEN - domain_len) {
        p = ent_alloc(domain_len + layout.len);
    }
    memcpy(p, domain, domain_len);
    if (layout.len > 0) {
        memcpy(p + domain_len, layout.p, layout.len);
    }
    return ent_slice(p, domain_len + layout.len);
}

static void
signed_bytes_free(struct ent_slice bytes, const uint8_t *stack)
{
    if (bytes.p != stack) {
        free((void *)(uintptr_t)bytes.p);
    }
}

void
ent_sign_public(const struct ent_key *seed_secret, struct ent_id *ret_pk)
{
    uint8_t secret[crypto_sign_SECRETKEYBYTES];

    crypto_sign_seed_keypair(ret_pk->b, secret, seed_secret->b);
    ent_wipe(secret, sizeof(secret));
}

void
ent_sign(const struct ent_key *seed_secret, const char *domain,
         struct ent_slice layout, struct ent_sig *ret_sig)
{
    uint8_t pk[crypto_sign_PUBLICKEYBYTES];
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    uint8_t stack[SIGNED_STACK_LEN];
    struct ent_slice bytes;

    ENT_ASSERT(strlen(domain) < SIGNED_STACK_LEN);
    bytes = signed_bytes(domain, layout, stack);
    crypto_sign_seed_keypair(pk, secret, seed_secret->b);
    crypto_sign_detached(ret_sig->b, NULL, bytes.p, bytes.len, secret);
    ent_wipe(secret, sizeof(secret));
    signed_bytes_free(bytes, stack);
}

bool
ent_verify(const struct ent_id *pk, const char *domain, struct ent_slice layout,
           const struct ent_sig *sig)
{
    uint8_t stack[SIGNED_STACK_LEN];
    struct ent_slice bytes;
    int rc;

    ENT_ASSERT(strlen(domain) < SIGNED_STACK_LEN);
    bytes = signed_bytes(domain, layout, stack);
    rc = crypto_sign_verify_detached(sig->b, bytes.p, bytes.len, pk->b);
    signed_bytes_free(bytes, stack);
    return rc == 0;
}

void
ent_dh_public(const struct ent_key *secret, struct ent_key *ret_pk)
{
    crypto_scalarmult_curve25519_base(ret_pk->b, secret->b);
}

bool
ent_dh(const struct ent_key *secret, const struct ent_key *pk,
       struct ent_key *ret_shared)
{
    struct ent_key shared;
    bool is_good;

    is_good = crypto_scalarmult_curve25519(shared.b, secret->b, pk->b) == 0;
    if (is_good) {
        *ret_shared = shared;
    }
    ent_wipe(&shared, sizeof(shared));
    return is_good;
}

void
ent_seal(const struct ent_key *key, struct ent_rng *rng, struct ent_slice ad,
         struct ent_slice plain, struct ent_buf *out)
{
    uint8_t *at;

    at = ent_buf_grow(out, plain.len + ENT_SEAL_OVERHEAD);
    if (at == NULL) {
        return;
    }
    ent_rng_fill(rng, at, ENT_NONCE_LEN);
    crypto_aead_xchacha20poly1305_ietf_encrypt(at + ENT_NONCE_LEN, NULL,
                                               plain.p, plain.len, ad.p, ad.len,
                                               NULL, at, key->b);
}

/* Opens ciphertext || tag under a nonce; `out` is unchanged on failure. */
static enum ent_status
xchacha_open(const struct ent_key *key, const uint8_t *nonce,
             struct ent_slice ad, struct ent_slice cipher, struct ent_buf *out)
{
    size_t before = out->len;
    uint8_t nothing[1];
    uint8_t *at = nothing;
    int rc;

    ENT_ASSERT(cipher.len >= ENT_TAG_LEN);
    if (cipher.len > ENT_TAG_LEN) {
        at = ent_buf_grow(out, cipher.len - ENT_TAG_LEN);
    }
    if (at == NULL) {
        return ENT_PEER_TOO_BIG;
    }
    rc = crypto_aead_xchacha20poly1305_ietf_decrypt(
        at, NULL, NULL, cipher.p, cipher.len, ad.p, ad.len, nonce, key->b);
    if (rc != 0) {
        out->len = before;
        return ENT_PEER_DECRYPT;
    }
    return ENT_OK;
}

enum ent_status
ent_open(const struct ent_key *key, struct ent_slice ad,
         struct ent_slice sealed, struct ent_buf *out)
{
    if (sealed.len < ENT_SEAL_OVERHEAD) {
        return ENT_PEER_DECRYPT;
    }
    return xchacha_open(
        key, sealed.p, ad,
        ent_slice(sealed.p + ENT_NONCE_LEN, sealed.len - ENT_NONCE_LEN), out);
}

/* The key of one box: H("entente/box/1", dh || ephemeral || recipient). */
static void
box_key(const struct ent_key *shared, const uint8_t *ephemeral,
        const struct ent_key *recipient, struct ent_key *ret_key)
{
    struct ent_hasher h;
    struct ent_id digest;

    ent_hasher_init(&h, "entente/box/1");
    ent_hasher_add(&h, ENT_SLICE_OF(*shared));
    ent_hasher_add(&h, ent_slice(ephemeral, ENT_KEY_LEN));
    ent_hasher_add(&h, ENT_SLICE_OF(*recipient));
    ent_hasher_end(&h, &digest);
    memcpy(ret_key->b, digest.b, sizeof(ret_key->b));
    ent_wipe(&digest, sizeof(digest));
}

static const uint8_t box_nonce[ENT_NONCE_LEN];

void
ent_box(const struct ent_key *to, struct ent_rng *rng, struct ent_slice ad,
        struct ent_slice plain, struct ent_buf *out)
{
    struct ent_key ephemeral, ephemeral_pk, shared, key;
    uint8_t *at = ent_buf_grow(out, plain.len + ENT_BOX_OVERHEAD);

    if (at == NULL) {
        return;
    }
    ent_rng_fill(rng, &ephemeral, sizeof(ephemeral));
    ent_dh_public(&ephemeral, &ephemeral_pk);
    if (!ent_dh(&ephemeral, to, &shared)) {
        /* A small-order key: a zero secret would open the box to everybody,
         * a random one opens it to nobody. */
        ent_rng_fill(rng, &shared, sizeof(shared));
    }
    box_key(&shared, ephemeral_pk.b, to, &key);
    memcpy(at, ephemeral_pk.b, ENT_KEY_LEN);
    crypto_aead_xchacha20poly1305_ietf_encrypt(at + ENT_KEY_LEN, NULL, plain.p,
                                               plain.len, ad.p, ad.len, NULL,
                                               box_nonce, key.b);
    ent_wipe(&ephemeral, sizeof(ephemeral));
    ent_wipe(&shared, sizeof(shared));
    ent_wipe(&key, sizeof(key));
}

enum ent_status
ent_unbox(const struct ent_key *secret, struct ent_slice ad,
          struct ent_slice box, struct ent_buf *out)
{
    struct ent_key ephemeral, recipient, shared, key;
    enum ent_status st;

    if (box.len < ENT_BOX_OVERHEAD) {
        return ENT_PEER_DECRYPT;
    }
    memcpy(ephemeral.b, box.p, ENT_KEY_LEN);
    if (!ent_dh(secret, &ephemeral, &shared)) {
        return ENT_PEER_DECRYPT;
    }
    ent_dh_public(secret, &recipient);
    box_key(&shared, box.p, &recipient, &key);
    st = xchacha_open(&key, box_nonce, ad,
                      ent_slice(box.p + ENT_KEY_LEN, box.len - ENT_KEY_LEN),
                      out);
    ent_wipe(&shared, sizeof(shared));
    ent_wipe(&key, sizeof(key));
    return st;
}

_Static_assert(sizeof(struct ent_stream) >=
                   sizeof(crypto_secretstream_xchacha20poly1305_state),
               "the opaque stream holds libsodium's state");
_Static_assert(_Alignof(crypto_secretstream_xchacha20poly1305_state) == 1,
               "the opaque stream needs no alignment");
_Static_assert(ENT_STREAM_HEADER_LEN ==
                   crypto_secretstream_xchacha20poly1305_HEADERBYTES,
               "secretstream");
_Static_assert(ENT_STREAM_OVERHEAD ==
                   crypto_secretstream_xchacha20poly1305_ABYTES,
               "secretstream");

static crypto_secretstream_xchacha20poly1305_state *
stream_state(struct ent_stream *s)
{
    return (crypto_secretstream_xchacha20poly1305_state *)(void *)s->opaque;
}

/* init_push is init_pull with a header that it draws itself; ours comes from
 * the caller's generator, so both sides begin with init_pull. */
void
ent_stream_begin(struct ent_stream *s, const struct ent_key *key,
                 const uint8_t header[ENT_STREAM_HEADER_LEN])
{
    int rc;

    memset(s, 0, sizeof(*s));
    rc = crypto_secretstream_xchacha20poly1305_init_pull(stream_state(s),
                                                         header, key->b);
    ENT_ASSERT(rc == 0);
}

void
ent_stream_seal(struct ent_stream *s, struct ent_slice ad,
                struct ent_slice plain, bool is_last, uint8_t *ret_cipher)
{
    uint8_t tag = is_last ? crypto_secretstream_xchacha20poly1305_TAG_FINAL : 0;
    int rc = crypto_secretstream_xchacha20poly1305_push(
        stream_state(s), ret_cipher, NULL, plain.p, plain.len, ad.p, ad.len,
        tag);

    ENT_ASSERT(rc == 0);
}

enum ent_status
ent_stream_open(struct ent_stream *s, struct ent_slice ad,
                struct ent_slice cipher, struct ent_buf *out, bool *ret_is_last)
{
    size_t before = out->len;
    uint8_t tag = 0;
    uint8_t *at;

    if (cipher.len <= ENT_STREAM_OVERHEAD) {
        return ENT_PEER_DECRYPT;
    }
    at = ent_buf_grow(out, cipher.len - ENT_STREAM_OVERHEAD);
    if (at == NULL) {
        return ENT_PEER_TOO_BIG;
    }
    if (crypto_secretstream_xchacha20poly1305_pull(stream_state(s), at, NULL,
                                                   &tag, cipher.p, cipher.len,
                                                   ad.p, ad.len) != 0) {
        out->len = before;
        return ENT_PEER_DECRYPT;
    }
    *ret_is_last = tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL;
    return ENT_OK;
}

/* Noise: 32 zero bits, then the counter, little endian. */
static void
noise_nonce(uint64_t n, uint8_t ret_nonce[12])
{
    memset(ret_nonce, 0, 4);
    for (size_t i = 0; i < 8; i++) {
        ret_nonce[4 + i] = (uint8_t)(n >> (8 * i));
    }
}

void
ent_noise_seal(const struct ent_key *key, uint64_t n, struct ent_slice ad,
               struct ent_slice plain, uint8_t *ret_cipher)
{
    uint8_t nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES];

    noise_nonce(n, nonce);
    crypto_aead_chacha20poly1305_ietf_encrypt(ret_cipher, NULL, plain.p,
                                              plain.len, ad.p, ad.len, NULL,
                                              nonce, key->b);
}

bool
ent_noise_open(const struct ent_key *key, uint64_t n, struct ent_slice ad,
               struct ent_slice cipher, uint8_t *ret_plain)
{
    uint8_t nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES];

    if (cipher.len < ENT_TAG_LEN) {
        return false;
    }
    noise_nonce(n, nonce);
    return crypto_aead_chacha20poly1305_ietf_decrypt(
               ret_plain, NULL, NULL, cipher.p, cipher.len, ad.p, ad.len, nonce,
               key->b) == 0;
}

void
ent_sha256(struct ent_slice a, struct ent_slice b, uint8_t ret_p[32])
{
    crypto_hash_sha256_state state;

    crypto_hash_sha256_init(&state);
    if (a.len > 0) {
        crypto_hash_sha256_update(&state, a.p, a.len);
    }
    if (b.len > 0) {
        crypto_hash_sha256_update(&state, b.p, b.len);
    }
    crypto_hash_sha256_final(&state, ret_p);
    ent_wipe(&state, sizeof(state));
}

/* HMAC-SHA256(key, before || counter); `before` is empty for the first. */
static void
hkdf_expand(const uint8_t key[32], struct ent_slice before, uint8_t counter,
            uint8_t ret_p[32])
{
    crypto_auth_hmacsha256_state state;

    crypto_auth_hmacsha256_init(&state, key, 32);
    if (before.len > 0) {
        crypto_auth_hmacsha256_update(&state, before.p, before.len);
    }
    crypto_auth_hmacsha256_update(&state, &counter, 1);
    crypto_auth_hmacsha256_final(&state, ret_p);
    ent_wipe(&state, sizeof(state));
}

void
ent_hkdf(const uint8_t chaining_key[32], struct ent_slice input,
         uint8_t ret_1[32], uint8_t ret_2[32], uint8_t *ret_3)
{
    crypto_auth_hmacsha256_state state;
    uint8_t extracted[32];

    crypto_auth_hmacsha256_init(&state, chaining_key, 32);
    if (input.len > 0) {
        crypto_auth_hmacsha256_update(&state, input.p, input.len);
    }
    crypto_auth_hmacsha256_final(&state, extracted);
    hkdf_expand(extracted, ent_slice(NULL, 0), 1, ret_1);
    hkdf_expand(extracted, ent_slice(ret_1, 32), 2, ret_2);
    if (ret_3 != NULL) {
        hkdf_expand(extracted, ent_slice(ret_2, 32), 3, ret_3);
    }
    ent_wipe(&state, sizeof(state));
    ent_wipe(extracted, sizeof(extracted));
}

static unsigned
log2_floor(size_t v)
{
    unsigned bits = 0;

    ENT_ASSERT(v > 0);
    while (v > 1) {
        v >>= 1;
        bits++;
    }
    return bits;
}

size_t
ent_padme(size_t len)
{
    unsigned exponent, kept;
    size_t mask;

    if (len < 2) {
        return len;
    }
    exponent = log2_floor(len);
    kept = log2_floor(exponent) + 1;
    mask = ((size_t)1 << (exponent - kept)) - 1;
    ENT_ASSERT(len <= SIZE_MAX - mask);
    return (len + mask) & ~mask;
}
