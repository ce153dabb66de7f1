/*
 * Sealed answers: a commitment that nobody can guess (32 random bytes are in
 * it) and a box that nobody can open before its key is shown.
 */
#include <entente/limits.h>
#include <entente/record.h>

#include "log/pad.h"

#define SALT_LEN 32u
#define PLAIN_MIN 1024u /* five short answers and one look alike */

static void
commit_key(const struct ent_key *key, struct ent_id *ret_commitment)
{
    ent_hash("entente/answer-key/1", ENT_SLICE_OF(*key), ret_commitment);
}

void
ent_answer_seal(const struct ent_key *key, struct ent_rng *rng,
                struct ent_slice context, struct ent_slice answers,
                struct ent_buf *box_out, struct ent_sealed_answer *ret)
{
    struct ent_buf plain = {.is_secret = true};
    struct ent_buf padded = {.is_secret = true};
    uint8_t salt[SALT_LEN];
    size_t start = box_out->len;

    ent_rng_fill(rng, salt, sizeof(salt));
    ent_buf_put(&plain, salt, sizeof(salt));
    ent_buf_put_slice(&plain, answers);
    pad_put(&padded, ent_buf_slice(&plain), PLAIN_MIN);
    ENT_ASSERT(!padded.failed);
    ent_hash("entente/answer/1", ent_buf_slice(&plain), &ret->commitment);
    commit_key(key, &ret->key_commitment);
    ent_seal(key, rng, context, ent_buf_slice(&padded), box_out);
    ret->box = ent_slice(box_out->p + start, box_out->len - start);
    ent_wipe(salt, sizeof(salt));
    ent_buf_release(&plain);
    ent_buf_release(&padded);
}

/* Takes the padding off and compares with the commitment. */
static enum ent_status
check_plain(const struct ent_sealed_answer *sealed, const struct ent_buf *plain,
            size_t *ret_len)
{
    struct ent_id commitment;
    size_t len;

    if (!pad_strip(plain->p, plain->len, PLAIN_MIN, &len) || len < SALT_LEN) {
        return ENT_PEER_COMMITMENT;
    }
    ent_hash("entente/answer/1", ent_slice(plain->p, len), &commitment);
    if (!ent_id_eq(&commitment, &sealed->commitment)) {
        return ENT_PEER_COMMITMENT;
    }
    *ret_len = len;
    return ENT_OK;
}

/* PROTO §9.3: "Whoever opens checks the key first, then the padding, then the
 * commitment." */
enum ent_status
ent_answer_open(const struct ent_sealed_answer *sealed,
                const struct ent_key *key, struct ent_slice context,
                struct ent_buf *out)
{
    struct ent_buf plain = {.is_secret = true};
    struct ent_id commitment;
    enum ent_status st;
    size_t len = 0;

    commit_key(key, &commitment);
    if (!ent_id_eq(&commitment, &sealed->key_commitment)) {
        return ENT_PEER_COMMITMENT;
    }
    st = ent_open(key, context, sealed->box, &plain);
    if (st == ENT_OK) {
        st = check_plain(sealed, &plain, &len);
    }
    if (st == ENT_OK) {
        ent_buf_put(out, plain.p + SALT_LEN, len - SALT_LEN);
    }
    ent_buf_release(&plain);
    return st;
}
