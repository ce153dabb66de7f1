/*
 * Entries and logs: the 256-byte header, its id, the payload, and the hybrid
 * clock. A log is (space, node, incarnation); its entries have consecutive
 * seq from 0. Normative text: docs/protocol.md 3.
 */
#ifndef ENTENTE_ENTRY_H
#define ENTENTE_ENTRY_H

#include <entente/crypto.h>

#define ENT_HEADER_LEN 256u
#define ENT_HEADER_AD_LEN 188u /* up to and with the epoch id */

enum ent_class {
    ENT_CLASS_SEALED = 0,     /* content, encrypted under a key epoch */
    ENT_CLASS_CONTROL = 1,    /* open: readable by carriers */
    ENT_CLASS_CHECKPOINT = 2, /* reserved for docs/protocol.md 7 */
};

#define ENT_FLAG_GENESIS 0x0001u /* first entry of a space */
#define ENT_FLAGS_KNOWN ENT_FLAG_GENESIS

struct ent_logkey {
    struct ent_id space;
    struct ent_id node;
    uint32_t inc;
};

/* One entry in memory. `deps` and `payload` are borrowed from whoever made
 * it. */
struct ent_entry {
    uint8_t class;
    uint16_t flags;
    struct ent_id space; /* as written: random in a genesis */
    struct ent_id node;
    uint32_t inc;
    uint64_t seq;
    struct ent_id prev;
    const struct ent_id *deps; /* strictly ascending */
    size_t dep_count;
    uint64_t hlc;
    struct ent_id epoch; /* zero for control */
    uint32_t payload_len;
    struct ent_id payload_hash;
    struct ent_slice payload; /* as sent; empty when erased */
    bool has_payload;
    struct ent_id id; /* set by ent_entry_finish */
};

/* The id of the space that the entry belongs to: its own id for a genesis. */
const struct ent_id *ent_entry_space_id(const struct ent_entry *e);

/* Writes the fixed layout of docs/protocol.md 3.1. */
void ent_entry_header(const struct ent_entry *e,
                      uint8_t ret_header[ENT_HEADER_LEN]);

/* Sets payload_len and payload_hash from the payload (if it has one) and
 * then the id. */
void ent_entry_finish(struct ent_entry *e);

/* Checks what one entry alone can show: class and flags known, genesis at seq
 * 0 only, prev zero exactly at seq 0, deps ascending and at most
 * ENT_DEPS_MAX, epoch zero exactly for control, payload within
 * ENT_PAYLOAD_MAX. ENT_PEER_MALFORMED or ENT_PEER_TOO_BIG. */
ENT_MUST_USE enum ent_status ent_entry_check(const struct ent_entry *e);

/* sig = Ed25519("entente/seal/1" || 0x00 || id). */
void ent_entry_sign(const struct ent_key *sign_secret, const struct ent_id *id,
                    struct ent_sig *ret_sig);
bool ent_entry_verify(const struct ent_id *node, const struct ent_id *id,
                      const struct ent_sig *sig);

/* Pads and encrypts `plain` for the entry, whose header fields up to the epoch
 * must be set; appends the payload to `out`. ENT_PEER_TOO_BIG when it would
 * pass ENT_PAYLOAD_MAX. */
ENT_MUST_USE enum ent_status ent_payload_seal(const struct ent_entry *e,
                                              const struct ent_key *key,
                                              struct ent_rng *rng,
                                              struct ent_slice plain,
                                              struct ent_buf *out);
/* Opens and unpads it, appending the plaintext to `out`. ENT_PEER_DECRYPT;
 * ENT_PEER_MALFORMED when the padding is not exactly ours. */
ENT_MUST_USE enum ent_status ent_payload_open(const struct ent_entry *e,
                                              const struct ent_key *key,
                                              struct ent_buf *out);

/* Hybrid logical clock: 48 bits of milliseconds, 16 of counter. Advisory:
 * order of display and ties. Returns the next value of our own. */
uint64_t ent_hlc_next(uint64_t last, uint64_t now_ms);
/* Our clock after seeing `seen`, which never advances it when it is more than
 * ENT_SKEW_MS ahead of `now_ms`. */
uint64_t ent_hlc_receive(uint64_t last, uint64_t seen, uint64_t now_ms);
static inline uint64_t
ent_hlc_ms(uint64_t hlc)
{
    return hlc >> 16;
}

#endif
