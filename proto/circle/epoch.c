/*
 * Key epochs. The id of an epoch commits to its key, to who made it where, to
 * the members seen then, and to every recipient, so that nobody can give two
 * members two keys and show them two contents under one ciphertext.
 */
#include <entente/control.h>

#define BOX_CONTEXT "entente/epoch-box/1"
#define BOX_PLAIN_LEN (ENT_KEY_LEN + 32u) /* key || epoch id */

void
ent_epoch_commit(const struct ent_key *key, struct ent_id *ret_commitment)
{
    ent_hash("entente/epoch-key/1", ENT_SLICE_OF(*key), ret_commitment);
}

static void
hash_recipients(const struct ent_op_epoch *op, struct ent_id *ret_hash)
{
    struct ent_hasher h;
    size_t i;

    ent_hasher_init(&h, "entente/recipients/1");
    for (i = 0; i < op->box_count; i++) {
        ENT_ASSERT(i == 0 ||
                   ent_id_cmp(&op->boxes[i - 1].node, &op->boxes[i].node) < 0);
        ent_hasher_add(&h, ENT_SLICE_OF(op->boxes[i].node));
    }
    ent_hasher_end(&h, ret_hash);
}

void
ent_epoch_id(const struct ent_logkey *log, const struct ent_op_epoch *op,
             struct ent_id *ret_id)
{
    struct ent_hasher h;
    struct ent_id recipients;
    uint8_t inc[4];

    hash_recipients(op, &recipients);
    ent_put_u32(inc, log->inc);
    ent_hasher_init(&h, "entente/epoch/1");
    ent_hasher_add(&h, ENT_SLICE_OF(log->space));
    ent_hasher_add(&h, ENT_SLICE_OF(log->node));
    ent_hasher_add(&h, ENT_SLICE_OF(inc));
    ent_hasher_add(&h, ENT_SLICE_OF(op->commitment));
    ent_hasher_add(&h, ENT_SLICE_OF(op->config));
    ent_hasher_add(&h, ENT_SLICE_OF(recipients));
    ent_hasher_end(&h, ret_id);
}

void
ent_epoch_box(const struct ent_key *sealing, struct ent_rng *rng,
              const struct ent_key *key, const struct ent_id *epoch,
              struct ent_buf *out)
{
    uint8_t plain[BOX_PLAIN_LEN];

    memcpy(plain, key->b, sizeof(key->b));
    memcpy(plain + sizeof(key->b), epoch->b, sizeof(epoch->b));
    ent_box(sealing, rng, ent_slice_str(BOX_CONTEXT), ENT_SLICE_OF(plain), out);
    ent_wipe(plain, sizeof(plain));
}

/* PROTO §2.5: "A recipient checks key and epoch id after opening; a box that
 * fails is noted and changes nothing." Is the opened box for this epoch, with
 * the key committed to? */
static bool
plain_is_right(const struct ent_buf *plain, const struct ent_id *epoch,
               const struct ent_id *commitment)
{
    struct ent_key key;
    struct ent_id commits;
    bool is_right;

    if (plain->len != BOX_PLAIN_LEN ||
        memcmp(plain->p + ENT_KEY_LEN, epoch->b, sizeof(epoch->b)) != 0) {
        return false;
    }
    if (commitment == NULL) {
        return true;
    }
    memcpy(key.b, plain->p, sizeof(key.b));
    ent_epoch_commit(&key, &commits);
    is_right = ent_id_eq(&commits, commitment);
    ent_wipe(&key, sizeof(key));
    return is_right;
}

enum ent_status
ent_epoch_unbox(const struct ent_key *sealing_secret, struct ent_slice box,
                const struct ent_id *epoch, const struct ent_id *commitment,
                struct ent_key *ret_key)
{
    struct ent_buf plain = {.is_secret = true};
    enum ent_status st;

    st = ent_unbox(sealing_secret, ent_slice_str(BOX_CONTEXT), box, &plain);
    if (st == ENT_OK && !plain_is_right(&plain, epoch, commitment)) {
        st = ENT_PEER_COMMITMENT;
    }
    if (st == ENT_OK) {
        memcpy(ret_key->b, plain.p, sizeof(ret_key->b));
    }
    ent_buf_release(&plain);
    return st;
}

void
ent_epoch_psk(const struct ent_key *key, struct ent_key *ret_psk)
{
    struct ent_id psk;

    ent_hash("entente/psk/1", ENT_SLICE_OF(*key), &psk);
    memcpy(ret_psk->b, psk.b, sizeof(ret_psk->b));
    ent_wipe(&psk, sizeof(psk));
}
