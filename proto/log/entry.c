/*
 * The 256-byte header, its id and its signature; padding and sealing of the
 * payload. The header is computed when it is needed: it is neither stored nor
 * sent.
 */
#include <entente/entry.h>
#include <entente/limits.h>

#include "log/pad.h"

#define VERSION 1u
#define PLAIN_MIN 64u /* smallest padded plaintext */

static const char magic[4] = {'E', 'N', 'T', '1'};

const struct ent_id *
ent_entry_space_id(const struct ent_entry *e)
{
    return (e->flags & ENT_FLAG_GENESIS) != 0 ? &e->id : &e->space;
}

static void
put_id(uint8_t *p, const struct ent_id *id)
{
    memcpy(p, id->b, sizeof(id->b));
}

static void
hash_deps(const struct ent_entry *e, struct ent_id *ret_hash)
{
    ENT_ASSERT(e->dep_count <= ENT_DEPS_MAX);
    ent_hash("entente/deps/1",
             ent_slice(e->deps, e->dep_count * sizeof(struct ent_id)),
             ret_hash);
}

/* PROTO §3.2: "Associated data of the seal are the first 188 bytes of the
 * header: up to and with the epoch id." The part that the payload's encryption
 * is bound to. */
static void
put_ad(const struct ent_entry *e, uint8_t ret_ad[ENT_HEADER_AD_LEN])
{
    struct ent_id deps;

    hash_deps(e, &deps);
    memcpy(ret_ad, magic, sizeof(magic));
    ret_ad[4] = VERSION;
    ret_ad[5] = e->class;
    ent_put_u16(ret_ad + 6, e->flags);
    put_id(ret_ad + 8, &e->space);
    put_id(ret_ad + 40, &e->node);
    ent_put_u32(ret_ad + 72, e->inc);
    ent_put_u64(ret_ad + 76, e->seq);
    put_id(ret_ad + 84, &e->prev);
    put_id(ret_ad + 116, &deps);
    ent_put_u64(ret_ad + 148, e->hlc);
    put_id(ret_ad + 156, &e->epoch);
}

void
ent_entry_header(const struct ent_entry *e, uint8_t ret_header[ENT_HEADER_LEN])
{
    put_ad(e, ret_header);
    ent_put_u32(ret_header + 188, e->payload_len);
    put_id(ret_header + 192, &e->payload_hash);
    memset(ret_header + 224, 0, ENT_HEADER_LEN - 224);
}

/* PROTO §3.1: "The payload hash is over the *ciphertext*, so an erased payload
 * leaves nothing that could be guessed from." */
void
ent_entry_finish(struct ent_entry *e)
{
    uint8_t header[ENT_HEADER_LEN];

    if (e->has_payload) {
        ENT_ASSERT(e->payload.len <= UINT32_MAX);
        e->payload_len = (uint32_t)e->payload.len;
        ent_hash("entente/payload/1", e->payload, &e->payload_hash);
    }
    ent_entry_header(e, header);
    ent_hash("entente/entry/1", ent_slice(header, sizeof(header)), &e->id);
}

/* PROTO §3.1: "at most 16, strictly ascending, none zero, none equal to prev".
 * Strictly ascending leaves no second way to write one set; neither zero nor
 * prev is the head of another log. */
static enum ent_status
check_deps(const struct ent_entry *e)
{
    size_t i;

    if (e->dep_count > ENT_DEPS_MAX) {
        return ENT_PEER_TOO_BIG;
    }
    for (i = 0; i < e->dep_count; i++) {
        if (ent_id_is_zero(&e->deps[i]) || ent_id_eq(&e->deps[i], &e->prev)) {
            return ENT_PEER_MALFORMED;
        }
        if (i > 0 && ent_id_cmp(&e->deps[i - 1], &e->deps[i]) >= 0) {
            return ENT_PEER_MALFORMED;
        }
    }
    return ENT_OK;
}

/* PROTO §3.1: "A genesis has seq 0, class 1 and no deps." */
static bool
genesis_is_well_formed(const struct ent_entry *e)
{
    return e->seq == 0 && e->dep_count == 0 && e->class == ENT_CLASS_CONTROL;
}

enum ent_status
ent_entry_check(const struct ent_entry *e)
{
    size_t len = e->has_payload ? e->payload.len : e->payload_len;

    if (e->class > ENT_CLASS_CHECKPOINT ||
        (e->flags & ~(unsigned)ENT_FLAGS_KNOWN) != 0) {
        return ENT_PEER_MALFORMED;
    }
    if ((e->flags & ENT_FLAG_GENESIS) != 0 && !genesis_is_well_formed(e)) {
        return ENT_PEER_MALFORMED;
    }
    if (ent_id_is_zero(&e->prev) != (e->seq == 0) ||
        ent_id_is_zero(&e->epoch) != (e->class == ENT_CLASS_CONTROL)) {
        return ENT_PEER_MALFORMED;
    }
    if (len > ENT_PAYLOAD_MAX) {
        return ENT_PEER_TOO_BIG;
    }
    return check_deps(e);
}

void
ent_entry_sign(const struct ent_key *sign_secret, const struct ent_id *id,
               struct ent_sig *ret_sig)
{
    ent_sign(sign_secret, "entente/seal/1", ENT_SLICE_OF(*id), ret_sig);
}

bool
ent_entry_verify(const struct ent_id *node, const struct ent_id *id,
                 const struct ent_sig *sig)
{
    return ent_verify(node, "entente/seal/1", ENT_SLICE_OF(*id), sig);
}

enum ent_status
ent_payload_seal(const struct ent_entry *e, const struct ent_key *key,
                 struct ent_rng *rng, struct ent_slice plain,
                 struct ent_buf *out)
{
    uint8_t ad[ENT_HEADER_AD_LEN];
    struct ent_buf padded = {.is_secret = true};

    if (plain.len > ENT_PAYLOAD_MAX ||
        pad_len(plain.len, PLAIN_MIN) > ENT_PAYLOAD_MAX - ENT_SEAL_OVERHEAD) {
        return ENT_PEER_TOO_BIG;
    }
    pad_put(&padded, plain, PLAIN_MIN);
    ENT_ASSERT(!padded.failed);
    put_ad(e, ad);
    ent_seal(key, rng, ent_slice(ad, sizeof(ad)), ent_buf_slice(&padded), out);
    ent_buf_release(&padded);
    return ENT_OK;
}

enum ent_status
ent_payload_open(const struct ent_entry *e, const struct ent_key *key,
                 struct ent_buf *out)
{
    uint8_t ad[ENT_HEADER_AD_LEN];
    size_t start = out->len;
    size_t len;
    enum ent_status st;

    if (!e->has_payload || e->payload.len > ENT_PAYLOAD_MAX) {
        return ENT_PEER_DECRYPT;
    }
    put_ad(e, ad);
    st = ent_open(key, ent_slice(ad, sizeof(ad)), e->payload, out);
    if (st != ENT_OK) {
        return st;
    }
    if (!pad_strip(out->p + start, out->len - start, PLAIN_MIN, &len)) {
        ent_wipe(out->p + start, out->len - start);
        out->len = start;
        return ENT_PEER_MALFORMED;
    }
    out->len = start + len;
    return ENT_OK;
}
