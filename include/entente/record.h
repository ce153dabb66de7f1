/*
 * Content operations: records and their fields, with conflicts kept.
 *
 * A write names the writes that it supersedes. What nobody has superseded is
 * current; two current writes of one field are a conflict, shown side by
 * side until somebody writes over both. So the fold is a set function and
 * the order of arrival cannot matter. docs/protocol.md 3.2.
 */
#ifndef ENTENTE_RECORD_H
#define ENTENTE_RECORD_H

#include <entente/control.h>
#include <entente/msgpack.h>

#define ENT_RECORD_ID_LEN 16u
#define ENT_FIELDS_MAX 64u     /* of one put */
#define ENT_SUPERSEDES_MAX 16u /* of one field write */

struct ent_record_id {
    uint8_t b[ENT_RECORD_ID_LEN];
};

/* Names one field write: the first 16 bytes of its entry's id, and which of
 * the entry's field writes it is, counted over all its operations. */
struct ent_write_ref {
    uint8_t entry[16];
    uint16_t index;
};

struct ent_field_write {
    uint16_t field;
    struct ent_slice value; /* msgpack: nil, int, str, bin or a flat array */
    size_t supersedes_count;
    struct ent_write_ref supersedes[ENT_SUPERSEDES_MAX];
};

struct ent_put {
    uint16_t kind;
    struct ent_record_id record;
    size_t field_count;
    struct ent_field_write fields[ENT_FIELDS_MAX];
};

/* Appends the operation. */
void ent_put_encode(const struct ent_put *put, struct ent_buf *out);
/* Reads `op->raw` of an ENT_OP_PUT. Values are borrowed.
 * ENT_PEER_MALFORMED, ENT_PEER_TOO_BIG. */
ENT_MUST_USE enum ent_status ent_put_decode(const struct ent_op *op,
                                            struct ent_put *ret_put);

/*
 * Sealed answers (docs/trust.md 5). The plaintext is `32 random || answers`;
 * the commitment H("entente/answer/1", plaintext) and the key's commitment go
 * out at once with the ciphertext, the key at the reveal.
 */
struct ent_sealed_answer {
    struct ent_id commitment;
    struct ent_id key_commitment; /* H("entente/answer-key/1", key) */
    struct ent_slice box;         /* ent_seal under the key, ad = context */
};
/* `context` binds it to situation and structure. `box_out` receives the
 * ciphertext, padded so that its length tells only a bucket; ret->box borrows
 * from it. */
void ent_answer_seal(const struct ent_key *key, struct ent_rng *rng,
                     struct ent_slice context, struct ent_slice answers,
                     struct ent_buf *box_out, struct ent_sealed_answer *ret);
/* Appends the answers to `out`. ENT_PEER_COMMITMENT when key or answers are
 * not those committed to; ENT_PEER_DECRYPT. */
ENT_MUST_USE enum ent_status ent_answer_open(
    const struct ent_sealed_answer *sealed, const struct ent_key *key,
    struct ent_slice context, struct ent_buf *out);

#endif
