/*
 * The key of one store: see storekey.h.
 */
#include "store/base/storekey.h"

#include "store/base/secret.h"

#include <stdlib.h>

struct storekey {
    struct ent_id store_id;
    struct secret *root;
};

struct storekey *
storekey_from(const struct ent_id *store_id, const struct ent_key *root_secret)
{
    struct storekey *key = ent_alloc_zero(1, sizeof(*key));

    key->store_id = *store_id;
    key->root = secret_new(root_secret->b, sizeof(root_secret->b));
    return key;
}

struct storekey *
storekey_new(void)
{
    struct ent_id store_id;
    struct ent_key root;
    struct storekey *key;

    secret_random(store_id.b, sizeof(store_id.b));
    secret_random(root.b, sizeof(root.b));
    key = storekey_from(&store_id, &root);
    ent_wipe(&root, sizeof(root));
    return key;
}

void
storekey_free(struct storekey *key)
{
    if (key == NULL) {
        return;
    }
    secret_free(key->root);
    free(key);
}

const struct ent_id *
storekey_id(const struct storekey *key)
{
    return &key->store_id;
}

void
storekey_derive(const struct storekey *key, enum storekey_use use,
                struct ent_key *ret_secret)
{
    secret_derive(secret_open(key->root), (uint64_t)use, ret_secret->b);
    secret_shut(key->root);
}

void
storekey_commitment(const struct storekey *key, struct ent_id *ret_id)
{
    struct ent_hasher h;

    ent_hasher_init(&h, "entente/store/commitment/1");
    ent_hasher_add(&h, ENT_SLICE_OF(key->store_id));
    ent_hasher_add(&h, ent_slice(secret_open(key->root), ENT_KEY_LEN));
    secret_shut(key->root);
    ent_hasher_end(&h, ret_id);
    ent_wipe(&h, sizeof(h));
}

void
storekey_root(const struct storekey *key, struct ent_key *ret_secret)
{
    memcpy(ret_secret->b, secret_open(key->root), sizeof(ret_secret->b));
    secret_shut(key->root);
}
