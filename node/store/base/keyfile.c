/*
 * The key file: see keyfile.h for its layout.
 */
#include "store/base/keyfile.h"

#include "store/base/file.h"
#include "store/base/secret.h"

#include <stdlib.h>
#include <time.h>

#define MAGIC_LEN 16u
#define HEADER_LEN 88u
#define SLOT_LEN 128u
#define SLOT_AD_LEN 28u
#define SEALED_LEN (ENT_KEY_LEN + ENT_TAG_LEN)
#define SUMMED_LEN (HEADER_LEN + KEYFILE_SLOTS * SLOT_LEN)
#define FILE_LEN (SUMMED_LEN + sizeof(struct ent_id))
#define PROBE_KIB (16u * 1024u)
#define PATIENCE_MS 2000u

/* In the header. */
#define STORE_ID_AT 16u
#define CREATED_AT 48u
#define COMMITMENT_AT 56u

/* In a slot. */
#define PASSES_AT 4u
#define MEMORY_AT 8u
#define SALT_AT 12u
#define NONCE_AT 28u
#define SEALED_AT 52u

static const uint8_t magic[MAGIC_LEN] = "entente-keys/1\n";

_Static_assert(SALT_AT + SECRET_SALT_LEN == SLOT_AD_LEN, "slot layout");
_Static_assert(SEALED_AT + SEALED_LEN <= SLOT_LEN, "slot layout");
_Static_assert(NONCE_AT + ENT_NONCE_LEN == SEALED_AT, "slot layout");

/* The file's bytes. Nothing in them is secret without a slot's key. */
struct image {
    uint8_t b[FILE_LEN];
};

static uint8_t *
slot_of(struct image *image, size_t index)
{
    ENT_ASSERT(index < KEYFILE_SLOTS);
    return image->b + HEADER_LEN + index * SLOT_LEN;
}

static void
image_sum(const struct image *image, struct ent_id *ret_sum)
{
    ent_hash("entente/keyfile/sum/1", ent_slice(image->b, SUMMED_LEN), ret_sum);
}

/* ---- reading and writing the image ---- */

/* Are the slot's numbers within what a file may ask of us? */
static bool
slot_is_sane(const uint8_t *slot)
{
    uint32_t passes = ent_get_u32(slot + PASSES_AT);
    uint32_t memory_kib = ent_get_u32(slot + MEMORY_AT);

    if (slot[0] == KEYFILE_PASSPHRASE) {
        return passes >= KEYFILE_PASSES_MIN && passes <= KEYFILE_PASSES_MAX &&
               memory_kib >= KEYFILE_MEMORY_KIB_MIN &&
               memory_kib <= KEYFILE_MEMORY_KIB_MAX;
    }
    return slot[0] <= KEYFILE_RECOVERY && passes == 0 && memory_kib == 0;
}

static enum ent_status
image_check(struct image *image)
{
    struct ent_id sum;
    size_t i;

    image_sum(image, &sum);
    if (memcmp(image->b, magic, MAGIC_LEN) != 0 ||
        memcmp(image->b + SUMMED_LEN, sum.b, sizeof(sum.b)) != 0) {
        return ENT_SELF_CORRUPT;
    }
    for (i = 0; i < KEYFILE_SLOTS; i++) {
        if (!slot_is_sane(slot_of(image, i))) {
            return ENT_SELF_CORRUPT;
        }
    }
    return ENT_OK;
}

static enum ent_status
image_load(const char *path, struct image *ret_image)
{
    struct ent_buf bytes;
    enum ent_status st;

    ent_buf_init(&bytes, FILE_LEN);
    st = file_read(path, FILE_LEN, &bytes);
    if (st == ENT_PEER_TOO_BIG || (st == ENT_OK && bytes.len != FILE_LEN)) {
        st = ENT_SELF_CORRUPT;
    }
    if (st == ENT_OK) {
        memcpy(ret_image->b, bytes.p, FILE_LEN);
        st = image_check(ret_image);
    }
    ent_buf_release(&bytes);
    return st;
}

static enum ent_status
image_save(const char *path, struct image *image, enum file_exists exists)
{
    struct ent_id sum;

    image_sum(image, &sum);
    memcpy(image->b + SUMMED_LEN, sum.b, sizeof(sum.b));
    ENT_ASSERT(image_check(image) == ENT_OK);
    return file_write(path, ent_slice(image->b, FILE_LEN), exists);
}

static void
image_init(struct image *image, const struct storekey *key, uint64_t created_ms)
{
    struct ent_id commitment;

    memset(image, 0, sizeof(*image));
    storekey_commitment(key, &commitment);
    memcpy(image->b, magic, MAGIC_LEN);
    memcpy(image->b + STORE_ID_AT, storekey_id(key)->b, sizeof(struct ent_id));
    ent_put_u64(image->b + CREATED_AT, created_ms);
    memcpy(image->b + COMMITMENT_AT, commitment.b, sizeof(commitment.b));
}

/* Is `key` the one that this file wraps? */
static bool
image_is_of(const struct image *image, const struct storekey *key)
{
    struct ent_id commitment;

    storekey_commitment(key, &commitment);
    return memcmp(image->b + STORE_ID_AT, storekey_id(key)->b,
                  sizeof(struct ent_id)) == 0 &&
           memcmp(image->b + COMMITMENT_AT, commitment.b,
                  sizeof(commitment.b)) == 0;
}

/* ---- one slot ---- */

/* The key of a slot that a raw key file opens: it is random, so no stretching,
 * but another one for each salt. */
static enum ent_status
key_from_raw(const char *path, const uint8_t *salt, struct ent_key *ret_secret)
{
    struct ent_buf raw;
    enum ent_status st;

    ent_buf_init(&raw, KEYFILE_RAW_LEN);
    raw.is_secret = true;
    st = file_read(path, KEYFILE_RAW_LEN, &raw);
    if (st == ENT_PEER_TOO_BIG ||
        (st == ENT_OK && raw.len != KEYFILE_RAW_LEN)) {
        st = ENT_RULE_AUTH;
    } else if (st != ENT_OK) {
        st = ENT_SELF_IO; /* "not found" would speak of the key file */
    }
    if (st == ENT_OK) {
        ent_mac(ent_buf_slice(&raw), ent_slice(salt, SECRET_SALT_LEN),
                ret_secret->b, ENT_KEY_LEN);
    }
    ent_buf_release(&raw);
    return st;
}

static enum ent_status
slot_key(const uint8_t *slot, const struct keyfile_way *way,
         struct ent_key *ret_secret)
{
    if (way->type == KEYFILE_RAW) {
        return key_from_raw(way->raw_path, slot + SALT_AT, ret_secret);
    }
    ENT_ASSERT(way->type == KEYFILE_PASSPHRASE && slot_is_sane(slot));
    return secret_stretch(way->passphrase, slot + SALT_AT,
                          ent_get_u32(slot + PASSES_AT),
                          ent_get_u32(slot + MEMORY_AT), ret_secret->b);
}

/* What a slot's seal binds: the file's header and the slot's own words. */
static void
slot_ad(struct image *image, size_t index,
        uint8_t ret_ad[HEADER_LEN + 1 + SLOT_AD_LEN])
{
    memcpy(ret_ad, image->b, HEADER_LEN);
    ret_ad[HEADER_LEN] = (uint8_t)index;
    memcpy(ret_ad + HEADER_LEN + 1, slot_of(image, index), SLOT_AD_LEN);
}

/* ENT_RULE_AUTH when `way` is not this slot's. */
static enum ent_status
slot_open(struct image *image, size_t index, const struct keyfile_way *way,
          struct ent_key *ret_root)
{
    const uint8_t *slot = slot_of(image, index);
    uint8_t ad[HEADER_LEN + 1 + SLOT_AD_LEN];
    struct ent_key secret;
    enum ent_status st = slot_key(slot, way, &secret);

    if (st != ENT_OK) {
        return st;
    }
    slot_ad(image, index, ad);
    if (!secret_unseal(secret.b, slot + NONCE_AT, ENT_SLICE_OF(ad),
                       ent_slice(slot + SEALED_AT, ENT_KEY_LEN),
                       slot + SEALED_AT + ENT_KEY_LEN, ret_root->b)) {
        st = ENT_RULE_AUTH;
    }
    ent_wipe(&secret, sizeof(secret));
    return st;
}

/*
 * As much of the default memory as three passes need at most two seconds of
 * this processor for, down to the floor: a small probe tells the speed. The
 * processor's time, not the wall's, so that a busy moment weakens nothing.
 */
static uint32_t
measure_memory(uint32_t passes)
{
    static const uint8_t salt[SECRET_SALT_LEN];
    uint32_t memory_kib = KEYFILE_MEMORY_KIB_DEFAULT;
    uint8_t unused[ENT_KEY_LEN];
    uint64_t probe_ms;
    clock_t begin = clock();

    if (secret_stretch(ent_slice_str("probe"), salt, passes, PROBE_KIB,
                       unused) != ENT_OK) {
        return KEYFILE_MEMORY_KIB_FLOOR;
    }
    probe_ms = (uint64_t)(clock() - begin) * 1000 / CLOCKS_PER_SEC;
    while (memory_kib > KEYFILE_MEMORY_KIB_FLOOR &&
           probe_ms * memory_kib / PROBE_KIB > PATIENCE_MS) {
        memory_kib /= 2;
    }
    return memory_kib;
}

/* ENT_RULE_USAGE for a way that no slot can have. */
static enum ent_status
way_check(const struct keyfile_way *way)
{
    switch (way->type) {
    case KEYFILE_RAW:
        return way->raw_path != NULL ? ENT_OK : ENT_RULE_USAGE;
    case KEYFILE_PASSPHRASE:
        if (way->passphrase.len == 0 ||
            way->passphrase.len > KEYFILE_PASSPHRASE_MAX ||
            way->passes > KEYFILE_PASSES_MAX ||
            way->memory_kib > KEYFILE_MEMORY_KIB_MAX ||
            (way->memory_kib > 0 && way->memory_kib < KEYFILE_MEMORY_KIB_MIN)) {
            return ENT_RULE_USAGE;
        }
        return ENT_OK;
    case KEYFILE_EMPTY:
    case KEYFILE_RECOVERY:
        break;
    }
    return ENT_RULE_USAGE;
}

static void
slot_describe(uint8_t *slot, const struct keyfile_way *way)
{
    uint32_t passes = way->passes > 0 ? way->passes : KEYFILE_PASSES_DEFAULT;

    memset(slot, 0, SLOT_LEN);
    slot[0] = (uint8_t)way->type;
    secret_random(slot + SALT_AT, SECRET_SALT_LEN);
    if (way->type == KEYFILE_PASSPHRASE) {
        ent_put_u32(slot + PASSES_AT, passes);
        ent_put_u32(slot + MEMORY_AT, way->memory_kib > 0
                                          ? way->memory_kib
                                          : measure_memory(passes));
    }
}

static enum ent_status
slot_seal(struct image *image, size_t index, const struct storekey *key,
          const struct keyfile_way *way)
{
    uint8_t ad[HEADER_LEN + 1 + SLOT_AD_LEN];
    uint8_t *slot = slot_of(image, index);
    struct ent_key secret;
    struct ent_key root;
    enum ent_status st = way_check(way);

    if (st != ENT_OK) {
        return st;
    }
    slot_describe(slot, way);
    st = slot_key(slot, way, &secret);
    if (st != ENT_OK) {
        return st;
    }
    slot_ad(image, index, ad);
    secret_nonce(slot + NONCE_AT);
    storekey_root(key, &root);
    secret_seal(secret.b, slot + NONCE_AT, ENT_SLICE_OF(ad), ENT_SLICE_OF(root),
                slot + SEALED_AT, slot + SEALED_AT + ENT_KEY_LEN);
    ent_wipe(&root, sizeof(root));
    ent_wipe(&secret, sizeof(secret));
    return ENT_OK;
}

/* ---- the file ---- */

enum ent_status
keyfile_create(const char *path, const struct keyfile_way *ways,
               size_t way_count, uint64_t created_ms, struct storekey **ret_key)
{
    struct storekey *key = storekey_new();
    enum ent_status st = ENT_OK;
    struct image image;
    size_t i;

    ENT_ASSERT(way_count > 0 && way_count <= KEYFILE_SLOTS);
    image_init(&image, key, created_ms);
    for (i = 0; i < way_count && st == ENT_OK; i++) {
        st = slot_seal(&image, i, key, &ways[i]);
    }
    if (st == ENT_OK) {
        st = image_save(path, &image, FILE_KEEP);
    }
    if (st != ENT_OK) {
        storekey_free(key);
        return st == ENT_RULE_NOT_FOUND ? ENT_SELF_IO : st;
    }
    *ret_key = key;
    return ENT_OK;
}

/* Tries each slot of the way's type. */
static enum ent_status
image_open(struct image *image, const struct keyfile_way *way,
           struct ent_key *ret_root)
{
    size_t i;

    for (i = 0; i < KEYFILE_SLOTS; i++) {
        enum ent_status st;

        if (slot_of(image, i)[0] != way->type) {
            continue;
        }
        st = slot_open(image, i, way, ret_root);
        if (st != ENT_RULE_AUTH) {
            return st;
        }
    }
    return ENT_RULE_AUTH;
}

enum ent_status
keyfile_open(const char *path, const struct keyfile_way *way,
             struct storekey **ret_key)
{
    struct storekey *key;
    struct ent_id store_id;
    struct ent_key root;
    struct image image;
    enum ent_status st = way_check(way);

    if (st == ENT_OK) {
        st = image_load(path, &image);
    }
    if (st == ENT_OK) {
        st = image_open(&image, way, &root);
    }
    if (st != ENT_OK) {
        return st;
    }
    memcpy(store_id.b, image.b + STORE_ID_AT, sizeof(store_id.b));
    key = storekey_from(&store_id, &root);
    ent_wipe(&root, sizeof(root));
    if (!image_is_of(&image, key)) {
        storekey_free(key);
        return ENT_SELF_CORRUPT;
    }
    *ret_key = key;
    return ENT_OK;
}

static size_t
count_slots(struct image *image)
{
    size_t count = 0;
    size_t i;

    for (i = 0; i < KEYFILE_SLOTS; i++) {
        count += slot_of(image, i)[0] != KEYFILE_EMPTY;
    }
    return count;
}

enum ent_status
keyfile_replace_slot(const char *path, const struct storekey *key, size_t slot,
                     const struct keyfile_way *way)
{
    struct image image;
    enum ent_status st = image_load(path, &image);

    if (st != ENT_OK) {
        return st;
    }
    if (slot >= KEYFILE_SLOTS) {
        return ENT_RULE_USAGE;
    }
    if (!image_is_of(&image, key)) {
        return ENT_RULE;
    }
    if (way->type == KEYFILE_EMPTY) {
        memset(slot_of(&image, slot), 0, SLOT_LEN);
        st = count_slots(&image) > 0 ? ENT_OK : ENT_RULE;
    } else {
        st = slot_seal(&image, slot, key, way);
    }
    return st == ENT_OK ? image_save(path, &image, FILE_REPLACE) : st;
}

enum ent_status
keyfile_add_slot(const char *path, const struct storekey *key,
                 const struct keyfile_way *way, size_t *ret_slot)
{
    struct image image;
    size_t slot = 0;
    enum ent_status st = image_load(path, &image);

    if (st != ENT_OK) {
        return st;
    }
    while (slot < KEYFILE_SLOTS && slot_of(&image, slot)[0] != KEYFILE_EMPTY) {
        slot++;
    }
    if (slot == KEYFILE_SLOTS) {
        return ENT_RULE;
    }
    st = way_check(way);
    if (st == ENT_OK) {
        st = keyfile_replace_slot(path, key, slot, way);
    }
    if (st == ENT_OK) {
        *ret_slot = slot;
    }
    return st;
}

enum ent_status
keyfile_info(const char *path, struct keyfile_info *ret_info)
{
    struct image image;
    enum ent_status st = image_load(path, &image);
    size_t i;

    if (st != ENT_OK) {
        return st;
    }
    memcpy(ret_info->store_id.b, image.b + STORE_ID_AT,
           sizeof(ret_info->store_id.b));
    ret_info->created_ms = ent_get_u64(image.b + CREATED_AT);
    for (i = 0; i < KEYFILE_SLOTS; i++) {
        const uint8_t *slot = slot_of(&image, i);

        ret_info->slots[i] = (struct keyfile_slot){
            .type = slot[0],
            .passes = ent_get_u32(slot + PASSES_AT),
            .memory_kib = ent_get_u32(slot + MEMORY_AT),
        };
    }
    return ENT_OK;
}

enum ent_status
keyfile_make_raw(const char *path)
{
    uint8_t raw[KEYFILE_RAW_LEN];
    enum ent_status st;

    secret_random(raw, sizeof(raw));
    st = file_write(path, ENT_SLICE_OF(raw), FILE_KEEP);
    ent_wipe(raw, sizeof(raw));
    return st;
}
