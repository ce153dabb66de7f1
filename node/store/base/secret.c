/*
 * The store's door to libsodium: see secret.h.
 */
#include "store/base/secret.h"

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>

#define NONCE_PREFIX_LEN 16u

_Static_assert(ENT_NONCE_LEN == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
               "XChaCha20-Poly1305");
_Static_assert(ENT_NONCE_LEN == NONCE_PREFIX_LEN + sizeof(uint64_t),
               "prefix and counter fill a nonce");
_Static_assert(SECRET_SALT_LEN == crypto_pwhash_SALTBYTES, "Argon2id");
_Static_assert(ENT_KEY_LEN == crypto_kdf_KEYBYTES, "libsodium's kdf");

struct secret {
    uint8_t *p; /* from sodium_malloc */
    size_t len;
    unsigned int openers;
    pthread_mutex_t mutex;
};

static pthread_once_t start_once = PTHREAD_ONCE_INIT;
static atomic_bool has_unlocked_secret;
static uint8_t nonce_prefix[NONCE_PREFIX_LEN];
static _Atomic uint64_t nonce_counter;

/* After fork() the child would go on with its parent's nonces. */
static void
renew_nonces(void)
{
    randombytes_buf(nonce_prefix, sizeof(nonce_prefix));
}

static void
start(void)
{
    int rc = sodium_init();

    ENT_ASSERT(rc >= 0);
    renew_nonces();
    rc = pthread_atfork(NULL, NULL, renew_nonces);
    ENT_ASSERT(rc == 0);
}

static void
start_if_needed(void)
{
    int rc = pthread_once(&start_once, start);

    ENT_ASSERT(rc == 0);
}

struct secret *
secret_new(const void *p, size_t len)
{
    struct secret *s = ent_alloc_zero(1, sizeof(*s));

    ENT_ASSERT(len > 0);
    start_if_needed();
    s->len = len;
    s->p = sodium_malloc(len);
    ENT_ASSERT(s->p != NULL);
    /* sodium_malloc goes on when it cannot lock; locking again says. */
    if (sodium_mlock(s->p, len) != 0) {
        atomic_store(&has_unlocked_secret, true);
    }
    if (p != NULL) {
        memcpy(s->p, p, len);
    } else {
        memset(s->p, 0, len);
    }
    ENT_ASSERT(pthread_mutex_init(&s->mutex, NULL) == 0);
    ENT_ASSERT(sodium_mprotect_noaccess(s->p) == 0);
    return s;
}

void
secret_free(struct secret *s)
{
    if (s == NULL) {
        return;
    }
    ENT_ASSERT(s->openers == 0);
    sodium_free(s->p); /* wipes */
    pthread_mutex_destroy(&s->mutex);
    free(s);
}

const uint8_t *
secret_open(struct secret *s)
{
    pthread_mutex_lock(&s->mutex);
    if (s->openers++ == 0) {
        ENT_ASSERT(sodium_mprotect_readonly(s->p) == 0);
    }
    pthread_mutex_unlock(&s->mutex);
    return s->p;
}

void
secret_shut(struct secret *s)
{
    pthread_mutex_lock(&s->mutex);
    ENT_ASSERT(s->openers > 0);
    if (--s->openers == 0) {
        ENT_ASSERT(sodium_mprotect_noaccess(s->p) == 0);
    }
    pthread_mutex_unlock(&s->mutex);
}

bool
secret_is_locked(void)
{
    return !atomic_load(&has_unlocked_secret);
}

void
secret_random(void *ret_p, size_t len)
{
    start_if_needed();
    randombytes_buf(ret_p, len);
}

void
secret_nonce(uint8_t ret_nonce[ENT_NONCE_LEN])
{
    uint64_t n;

    start_if_needed();
    n = atomic_fetch_add_explicit(&nonce_counter, 1, memory_order_relaxed);
    ENT_ASSERT(n != UINT64_MAX);
    memcpy(ret_nonce, nonce_prefix, NONCE_PREFIX_LEN);
    ent_put_u64(ret_nonce + NONCE_PREFIX_LEN, n);
}

void
secret_derive(const uint8_t root[ENT_KEY_LEN], uint64_t id,
              uint8_t ret_secret[ENT_KEY_LEN])
{
    int rc = crypto_kdf_derive_from_key(ret_secret, ENT_KEY_LEN, id, "entstore",
                                        root);

    ENT_ASSERT(rc == 0);
}

void
secret_seal(const uint8_t key[ENT_KEY_LEN], const uint8_t nonce[ENT_NONCE_LEN],
            struct ent_slice ad, struct ent_slice plain, uint8_t *ret_cipher,
            uint8_t ret_tag[ENT_TAG_LEN])
{
    int rc = crypto_aead_xchacha20poly1305_ietf_encrypt_detached(
        ret_cipher, ret_tag, NULL, plain.p, plain.len, ad.p, ad.len, NULL,
        nonce, key);

    ENT_ASSERT(rc == 0);
}

bool
secret_unseal(const uint8_t key[ENT_KEY_LEN],
              const uint8_t nonce[ENT_NONCE_LEN], struct ent_slice ad,
              struct ent_slice cipher, const uint8_t tag[ENT_TAG_LEN],
              uint8_t *ret_plain)
{
    return crypto_aead_xchacha20poly1305_ietf_decrypt_detached(
               ret_plain, NULL, cipher.p, cipher.len, tag, ad.p, ad.len, nonce,
               key) == 0;
}

enum ent_status
secret_stretch(struct ent_slice passphrase, const uint8_t salt[SECRET_SALT_LEN],
               uint32_t passes, uint32_t memory_kib,
               uint8_t ret_secret[ENT_KEY_LEN])
{
    ENT_ASSERT(passes > 0 && memory_kib >= 8);
    start_if_needed();
    if (crypto_pwhash(ret_secret, ENT_KEY_LEN, (const char *)passphrase.p,
                      passphrase.len, salt, passes, (size_t)memory_kib * 1024,
                      crypto_pwhash_ALG_ARGON2ID13) != 0) {
        return ENT_SELF_IO;
    }
    return ENT_OK;
}
