/*
 * Sealing of pages and frames: see cryptpage.h.
 */
#include "store/base/cryptpage.h"

#include "store/base/secret.h"

#include <stdlib.h>

#define AD_MAX 64u

_Static_assert(CRYPTPAGE_RESERVE == 40, "part of the disk format");
_Static_assert(CRYPTPAGE_USABLE == 4056, "part of the disk format");
_Static_assert(CRYPTWAL_HEADER_DISK == 72, "part of the disk format");
_Static_assert(CRYPTWAL_FRAME_DISK == 4168, "part of the disk format");

struct ad {
    uint8_t b[AD_MAX];
    size_t len;
};

static void
ad_init(struct ad *ad, char what, const struct crypt_keys *keys)
{
    ad->b[0] = (uint8_t)what;
    memcpy(ad->b + 1, keys->store_id.b, sizeof(keys->store_id.b));
    ad->len = 1 + sizeof(keys->store_id.b);
}

static void
ad_add(struct ad *ad, uint64_t v)
{
    ENT_ASSERT(ad->len + sizeof(v) <= sizeof(ad->b));
    ent_put_u64(ad->b + ad->len, v);
    ad->len += sizeof(v);
}

static struct ent_slice
ad_slice(const struct ad *ad)
{
    return ent_slice(ad->b, ad->len);
}

#ifdef ENT_SABOTAGE
/* For the test that shows that a search for plaintext would find it. */
static bool
is_plaintext_store(void)
{
    const char *what = getenv("ENTENTE_SABOTAGE");

    return what != NULL && strcmp(what, "plaintext-store") == 0;
}
#endif

static void
seal(const struct ent_key *key, const struct ad *ad, struct ent_slice plain,
     uint8_t *ret_cipher, uint8_t *ret_nonce_and_tag)
{
    uint8_t *tag = ret_nonce_and_tag + ENT_NONCE_LEN;

#ifdef ENT_SABOTAGE
    if (is_plaintext_store()) {
        memmove(ret_cipher, plain.p, plain.len);
        memset(ret_nonce_and_tag, 0, CRYPTPAGE_RESERVE);
        return;
    }
#endif
    secret_nonce(ret_nonce_and_tag);
    secret_seal(key->b, ret_nonce_and_tag, ad_slice(ad), plain, ret_cipher,
                tag);
}

static bool
unseal(const struct ent_key *key, const struct ad *ad, struct ent_slice cipher,
       const uint8_t *nonce_and_tag, uint8_t *ret_plain)
{
#ifdef ENT_SABOTAGE
    if (is_plaintext_store()) {
        memmove(ret_plain, cipher.p, cipher.len);
        return true;
    }
#endif
    return secret_unseal(key->b, nonce_and_tag, ad_slice(ad), cipher,
                         nonce_and_tag + ENT_NONCE_LEN, ret_plain);
}

void
cryptpage_seal(const struct crypt_keys *keys, uint64_t number,
               const uint8_t plain[CRYPTPAGE_LEN],
               uint8_t ret_disk[CRYPTPAGE_LEN])
{
    struct ad ad;

    ENT_ASSERT(number > 0);
    ad_init(&ad, 'M', keys);
    ad_add(&ad, number);
    seal(&keys->pages, &ad, ent_slice(plain, CRYPTPAGE_USABLE), ret_disk,
         ret_disk + CRYPTPAGE_USABLE);
}

bool
cryptpage_unseal(const struct crypt_keys *keys, uint64_t number,
                 uint8_t page[CRYPTPAGE_LEN])
{
    struct ad ad;

    ENT_ASSERT(number > 0);
    ad_init(&ad, 'M', keys);
    ad_add(&ad, number);
    if (!unseal(&keys->pages, &ad, ent_slice(page, CRYPTPAGE_USABLE),
                page + CRYPTPAGE_USABLE, page)) {
        return false;
    }
    memset(page + CRYPTPAGE_USABLE, 0, CRYPTPAGE_RESERVE);
    return true;
}

void
cryptwal_seal_header(const struct crypt_keys *keys,
                     const uint8_t plain[CRYPTWAL_HEADER_LEN],
                     uint8_t ret_disk[CRYPTWAL_HEADER_DISK])
{
    struct ad ad;

    ad_init(&ad, 'H', keys);
    seal(&keys->wal, &ad, ent_slice(plain, CRYPTWAL_HEADER_LEN),
         ret_disk + CRYPTPAGE_RESERVE, ret_disk);
}

bool
cryptwal_unseal_header(const struct crypt_keys *keys,
                       const uint8_t disk[CRYPTWAL_HEADER_DISK],
                       uint8_t ret_plain[CRYPTWAL_HEADER_LEN])
{
    struct ad ad;

    ad_init(&ad, 'H', keys);
    return unseal(&keys->wal, &ad,
                  ent_slice(disk + CRYPTPAGE_RESERVE, CRYPTWAL_HEADER_LEN),
                  disk, ret_plain);
}

static void
ad_of_frame(struct ad *ad, const struct crypt_keys *keys,
            const struct crypt_frame_name *name)
{
    ad_init(ad, 'W', keys);
    ad_add(ad, name->index);
    ad_add(ad, name->salts);
}

void
cryptwal_seal_frame(const struct crypt_keys *keys,
                    const struct crypt_frame_name *name,
                    const uint8_t plain[CRYPTWAL_PLAIN_LEN],
                    uint8_t ret_disk[CRYPTWAL_FRAME_DISK])
{
    struct ad ad;

    ad_of_frame(&ad, keys, name);
    seal(&keys->wal, &ad, ent_slice(plain, CRYPTWAL_PLAIN_LEN),
         ret_disk + CRYPTPAGE_RESERVE, ret_disk);
}

bool
cryptwal_unseal_frame(const struct crypt_keys *keys,
                      const struct crypt_frame_name *name,
                      const uint8_t disk[CRYPTWAL_FRAME_DISK],
                      uint8_t ret_plain[CRYPTWAL_PLAIN_LEN])
{
    struct ad ad;

    ad_of_frame(&ad, keys, name);
    return unseal(&keys->wal, &ad,
                  ent_slice(disk + CRYPTPAGE_RESERVE, CRYPTWAL_PLAIN_LEN), disk,
                  ret_plain);
}
