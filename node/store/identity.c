/*
 * The node's three secret keys, sealed in their own file: they survive a lost
 * store, and a store never holds them.
 */
#include "store/internal.h"

#include "store/base/file.h"

#include <stdio.h>
#include <stdlib.h>

#define IDENTITY_MAGIC "entente-identity/1"
#define SECRETS_LEN (3u * ENT_KEY_LEN)

static void
identity_path(char *out, size_t size, const char *folder)
{
    int n = snprintf(out, size, "%s/%s", folder, ENGINE_IDENTITY);

    ENT_ASSERT(n > 0 && (size_t)n < size);
}

void
identity_make(const char *folder, const struct storekey *key,
              struct ent_rng *rng)
{
    char path[4096];
    struct ent_key seal_key;
    struct ent_buf out = {.is_secret = true};
    uint8_t secrets[SECRETS_LEN];

    ent_rng_fill(rng, secrets, sizeof(secrets));
    storekey_derive(key, STOREKEY_IDENTITY, &seal_key);
    ent_seal(&seal_key, rng, ent_slice_str(IDENTITY_MAGIC),
             ENT_SLICE_OF(secrets), &out);
    identity_path(path, sizeof(path), folder);
    store_must(file_write(path, ent_buf_slice(&out), FILE_KEEP));
    ent_buf_release(&out);
    ent_wipe(&seal_key, sizeof(seal_key));
    ent_wipe(secrets, sizeof(secrets));
}

enum ent_status
identity_read(const char *folder, const struct storekey *key,
              struct node_keys *ret_keys)
{
    char path[4096];
    struct ent_key seal_key;
    struct ent_buf sealed = {0};
    struct ent_buf plain = {.is_secret = true};
    enum ent_status st;

    identity_path(path, sizeof(path), folder);
    st = file_read(path, 4096, &sealed);
    if (st != ENT_OK) {
        return st;
    }
    storekey_derive(key, STOREKEY_IDENTITY, &seal_key);
    st = ent_open(&seal_key, ent_slice_str(IDENTITY_MAGIC),
                  ent_buf_slice(&sealed), &plain);
    ent_wipe(&seal_key, sizeof(seal_key));
    if (st == ENT_OK && plain.len == SECRETS_LEN) {
        memcpy(ret_keys->sign_secret.b, plain.p, ENT_KEY_LEN);
        memcpy(ret_keys->transport_secret.b, plain.p + ENT_KEY_LEN,
               ENT_KEY_LEN);
        memcpy(ret_keys->sealing_secret.b, plain.p + 2 * ENT_KEY_LEN,
               ENT_KEY_LEN);
        ent_sign_public(&ret_keys->sign_secret, &ret_keys->node);
        ent_dh_public(&ret_keys->transport_secret, &ret_keys->transport);
        ent_dh_public(&ret_keys->sealing_secret, &ret_keys->sealing);
    } else {
        st = ENT_SELF_CORRUPT;
    }
    ent_buf_release(&plain);
    ent_buf_release(&sealed);
    return st;
}
