/*
 * The anchor: see anchor.h.
 *
 * A slot, 4096 bytes so that no two share a sector or a page:
 *     nonce 24 | tag 16 | cipher 120 | zeros
 * and in the cipher, big endian:
 *     counter 8 | store id 32 | own count 8 | own hash 32 | inode 8 |
 *     machine 32
 * with 'A', the key's store id and the slot's number as associated data. The
 * slot with the higher counter counts; counter n is in slot n % 2.
 */
#include "store/base/anchor.h"

#include "store/base/file.h"
#include "store/base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SLOT_LEN 4096u
#define SLOTS 2u
#define PLAIN_LEN 120u
#define MACHINE_ID_MAX 256u

struct anchor {
    int fd;
    struct secret *secret;
    struct ent_id key_id; /* the store id of the key */
    uint64_t counter;     /* of `state` */
    struct anchor_state state;
};

/* ---- place ---- */

enum ent_status
anchor_place_of(const char *store_path, struct anchor_place *ret_place)
{
    struct ent_hasher h;
    struct ent_buf id;
    struct statx info = {0};
    uint8_t born[12] = {0};

    if (statx(AT_FDCWD, store_path, 0, STATX_INO | STATX_BTIME, &info) != 0) {
        return file_status(errno);
    }
    /* A file system gives the number of a removed file to the next one, so the
     * time when the file was made counts too, where it is kept. Machines
     * without an id share one; the number of the device does not count: it may
     * change when a machine starts. */
    if ((info.stx_mask & STATX_BTIME) != 0) {
        ent_put_u64(born, (uint64_t)info.stx_btime.tv_sec);
        ent_put_u32(born + 8, info.stx_btime.tv_nsec);
    }
    ent_buf_init(&id, MACHINE_ID_MAX);
    if (file_read("/etc/machine-id", MACHINE_ID_MAX, &id) != ENT_OK) {
        ent_buf_clear(&id);
    }
    ent_hasher_init(&h, "entente/machine/1");
    ent_hasher_add(&h, ent_buf_slice(&id));
    ent_hasher_add(&h, ENT_SLICE_OF(born));
    ent_hasher_end(&h, &ret_place->machine);
    ret_place->inode = info.stx_ino;
    ent_buf_release(&id);
    return ENT_OK;
}

/* ---- slots ---- */

static size_t
slot_ad(const struct anchor *a, uint64_t slot, uint8_t ret_ad[64])
{
    ret_ad[0] = 'A';
    memcpy(ret_ad + 1, a->key_id.b, sizeof(a->key_id.b));
    ret_ad[33] = (uint8_t)slot;
    return 34;
}

static void
slot_seal(const struct anchor *a, uint64_t counter,
          const struct anchor_state *state, uint8_t ret_slot[SLOT_LEN])
{
    uint8_t plain[PLAIN_LEN];
    uint8_t ad[64];
    size_t ad_len = slot_ad(a, counter % SLOTS, ad);

    ent_put_u64(plain, counter);
    memcpy(plain + 8, state->store_id.b, 32);
    ent_put_u64(plain + 40, state->own_count);
    memcpy(plain + 48, state->own_hash.b, 32);
    ent_put_u64(plain + 80, state->place.inode);
    memcpy(plain + 88, state->place.machine.b, 32);
    memset(ret_slot, 0, SLOT_LEN);
    secret_nonce(ret_slot);
    secret_seal(secret_open(a->secret), ret_slot, ent_slice(ad, ad_len),
                ENT_SLICE_OF(plain), ret_slot + ENT_SEAL_OVERHEAD,
                ret_slot + ENT_NONCE_LEN);
    secret_shut(a->secret);
}

static bool
slot_open(const struct anchor *a, uint64_t slot, const uint8_t bytes[SLOT_LEN],
          uint64_t *ret_counter, struct anchor_state *ret_state)
{
    uint8_t plain[PLAIN_LEN];
    uint8_t ad[64];
    size_t ad_len = slot_ad(a, slot, ad);
    bool is_good;

    is_good =
        secret_unseal(secret_open(a->secret), bytes, ent_slice(ad, ad_len),
                      ent_slice(bytes + ENT_SEAL_OVERHEAD, PLAIN_LEN),
                      bytes + ENT_NONCE_LEN, plain);
    secret_shut(a->secret);
    if (!is_good) {
        return false;
    }
    *ret_counter = ent_get_u64(plain);
    memcpy(ret_state->store_id.b, plain + 8, 32);
    ret_state->own_count = ent_get_u64(plain + 40);
    memcpy(ret_state->own_hash.b, plain + 48, 32);
    ret_state->place.inode = ent_get_u64(plain + 80);
    memcpy(ret_state->place.machine.b, plain + 88, 32);
    return true;
}

/* ---- the file ---- */

static struct anchor *
anchor_new(const struct storekey *key)
{
    struct anchor *a = ent_alloc_zero(1, sizeof(*a));
    struct ent_key derived;

    a->fd = -1;
    a->key_id = *storekey_id(key);
    storekey_derive(key, STOREKEY_ANCHOR, &derived);
    a->secret = secret_new(derived.b, sizeof(derived.b));
    ent_wipe(&derived, sizeof(derived));
    return a;
}

void
anchor_close(struct anchor *anchor)
{
    if (anchor == NULL) {
        return;
    }
    if (anchor->fd >= 0) {
        close(anchor->fd);
    }
    secret_free(anchor->secret);
    free(anchor);
}

static enum ent_status
anchor_open_file(struct anchor *a, const char *path)
{
    a->fd = open(path, O_RDWR | O_CLOEXEC);
    return a->fd >= 0 ? ENT_OK : file_status(errno);
}

/* Takes the newer of the good slots. */
static enum ent_status
anchor_load(struct anchor *a, const char *path)
{
    struct ent_buf bytes;
    bool has_state = false;
    enum ent_status st;
    uint64_t i;

    ent_buf_init(&bytes, SLOTS * SLOT_LEN);
    st = file_read(path, SLOTS * SLOT_LEN, &bytes);
    if (st == ENT_PEER_TOO_BIG ||
        (st == ENT_OK && bytes.len != SLOTS * SLOT_LEN)) {
        st = ENT_SELF_CORRUPT;
    }
    for (i = 0; st == ENT_OK && i < SLOTS; i++) {
        struct anchor_state state;
        uint64_t counter;

        if (slot_open(a, i, bytes.p + i * SLOT_LEN, &counter, &state) &&
            (!has_state || counter > a->counter)) {
            a->counter = counter;
            a->state = state;
            has_state = true;
        }
    }
    ent_buf_release(&bytes);
    return st == ENT_OK && !has_state ? ENT_SELF_CORRUPT : st;
}

enum ent_status
anchor_open(const char *path, const struct storekey *key,
            struct anchor **ret_anchor)
{
    struct anchor *a = anchor_new(key);
    enum ent_status st = anchor_load(a, path);

    if (st == ENT_OK) {
        st = anchor_open_file(a, path);
    }
    if (st != ENT_OK) {
        anchor_close(a);
        return st;
    }
    *ret_anchor = a;
    return ENT_OK;
}

enum ent_status
anchor_create(const char *path, const struct storekey *key,
              const struct anchor_state *state, struct anchor **ret_anchor)
{
    struct anchor *a = anchor_new(key);
    uint8_t *bytes = ent_alloc_zero(SLOTS, SLOT_LEN);
    enum ent_status st;

    a->counter = 2;
    a->state = *state;
    slot_seal(a, a->counter, state, bytes);
    /* The other slot holds the same, older: both are good from the start. */
    slot_seal(a, a->counter - 1, state, bytes + SLOT_LEN);
    st = file_write(path, ent_slice(bytes, SLOTS * SLOT_LEN), FILE_REPLACE);
    if (st == ENT_OK) {
        st = anchor_open_file(a, path);
    }
    free(bytes);
    if (st != ENT_OK) {
        anchor_close(a);
        return st;
    }
    *ret_anchor = a;
    return ENT_OK;
}

const struct anchor_state *
anchor_get(const struct anchor *anchor)
{
    return &anchor->state;
}

enum ent_status
anchor_write(struct anchor *anchor, const struct anchor_state *state)
{
    uint64_t counter = anchor->counter + 1;
    uint8_t slot[SLOT_LEN];
    ssize_t n;

    ENT_ASSERT(state->own_count >= anchor->state.own_count ||
               !ent_id_eq(&state->store_id, &anchor->state.store_id));
    slot_seal(anchor, counter, state, slot);
    do {
        n = pwrite(anchor->fd, slot, SLOT_LEN,
                   (off_t)(counter % SLOTS * SLOT_LEN));
    } while (n < 0 && errno == EINTR);
    if (n >= 0 && n < (ssize_t)SLOT_LEN) {
        return ENT_SELF_FULL;
    }
    if (n < 0 || fdatasync(anchor->fd) != 0) {
        return file_status(errno);
    }
    anchor->counter = counter;
    anchor->state = *state;
    return ENT_OK;
}
