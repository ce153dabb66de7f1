/*
 * Control operations: what open entries (class 1) say. Members, motions,
 * ballots, decisions, grants and key epochs. Readable by carriers, so never
 * about a person. Normative text: docs/protocol.md 2, docs/trust.md 1-3.
 *
 * A payload is the msgpack array [types_version, person, [operation…]]; an
 * operation is [type << 1 | critical, field…].
 */
#ifndef ENTENTE_CONTROL_H
#define ENTENTE_CONTROL_H

#include <entente/entry.h>
#include <entente/limits.h>

#define ENT_TYPES_VERSION 1u
#define ENT_NAME_MAX 200u    /* bytes of a name */
#define ENT_PERSON_MAX 64u   /* bytes that name a person of a structure */
#define ENT_ADDRESSES_MAX 8u /* of a card */
#define ENT_ADDRESS_MAX 128u

enum ent_op_type {
    ENT_OP_GENESIS = 1,
    ENT_OP_MOTION = 2,
    ENT_OP_BALLOT = 3,
    ENT_OP_DECISION = 4,
    ENT_OP_EPOCH = 5,
    ENT_OP_SHARE = 6,
    ENT_OP_GRANT = 7,
    ENT_OP_WITHDRAW = 8,
    ENT_OP_LEAVE = 9,
    ENT_OP_CARD = 10,
    ENT_OP_SEEN = 11,
    ENT_OP_PUT = 32, /* content: record.h */
};

enum ent_space_kind {
    ENT_SPACE_OWN = 1,
    ENT_SPACE_CIRCLE = 2,
    ENT_SPACE_CARE = 3,
    ENT_SPACE_REVIEW = 4,
};

enum ent_sector {
    ENT_SECTOR_PRIVATE = 1,
    ENT_SECTOR_HOSPITAL,
    ENT_SECTOR_COMMUNITY,
    ENT_SECTOR_SOCIAL,
    ENT_SECTOR_PEER,
    ENT_SECTOR_JUSTICE,
    ENT_SECTOR_OTHER, /* also the moderator's */
};
/* "private", "hospital" …; NULL for an unknown number (as for every name
 * below). */
const char *ent_sector_name(unsigned sector);
/* 0 when there is no such sector. */
unsigned ent_sector_find(const char *name);

/* What a structure tells about its node. The body is signed by the node, so a
 * card can be carried by anybody. Slices are borrowed from the bytes. */
struct ent_card {
    struct ent_id node;
    uint32_t number;          /* the highest number counts */
    struct ent_key transport; /* X25519 */
    struct ent_key sealing;   /* X25519 */
    uint8_t sector;
    struct ent_slice name;
    struct ent_slice languages; /* "fr,en" */
    size_t address_count;
    struct ent_slice addresses[ENT_ADDRESSES_MAX]; /* "host:port" */
};

/* Appends the signed card: msgpack [body bin, signature bin]. Marks `out` as
 * failed when the card has an unknown sector, no name, a text that is too long
 * or not UTF-8, or too many addresses: ent_card_decode would refuse it. */
void ent_card_encode(const struct ent_card *card,
                     const struct ent_key *sign_secret, struct ent_buf *out);
/* ENT_PEER_MALFORMED · ENT_PEER_BAD_SIG. Slices borrow from `bytes`. */
ENT_MUST_USE enum ent_status ent_card_decode(struct ent_slice bytes,
                                             struct ent_card *ret_card);

enum ent_action {
    ENT_ACTION_ADMIT = 1,
    ENT_ACTION_REMOVE,
    ENT_ACTION_APPOINT, /* a moderator: member without a vote */
    ENT_ACTION_RELIEVE,
    ENT_ACTION_CHARTER,
    ENT_ACTION_RULE,
    ENT_ACTION_REFRESH,
};
const char *ent_action_name(unsigned action);

enum ent_level {
    ENT_LEVEL_NONE = 0,
    ENT_LEVEL_CARRIER = 1,
    ENT_LEVEL_READER = 2,
};

/* Why a structure may see a space (docs/trust.md 4). */
enum ent_basis {
    ENT_BASIS_NONE = 0,
    ENT_BASIS_SAME_TEAM = 1,
    ENT_BASIS_CONSENT = 2,
    ENT_BASIS_IDENTIFIED_PROS = 3,
    ENT_BASIS_EMERGENCY = 4,
    ENT_BASIS_REVIEW = 5, /* de-identified review */
    ENT_BASIS_MODERATOR = 6,
};
/* "same-team", "consent-outside-team", "exchange-identified-pros",
 * "emergency-informed-later", "de-identified-review", "moderator". */
const char *ent_basis_name(unsigned basis);
unsigned ent_basis_find(const char *name);

struct ent_box_ref {
    struct ent_id node;
    struct ent_slice box; /* key || epoch id, sealed to the node */
};

struct ent_op_genesis {
    uint8_t kind;
    struct ent_id circle; /* zero for own and circle spaces */
    struct ent_slice name;
    struct ent_slice charter;
    struct ent_slice card; /* the opener's */
};
struct ent_op_motion {
    struct ent_id base; /* config(past) */
    uint8_t action;
    struct ent_id subject; /* zero when there is none */
    struct ent_slice card; /* of the subject, for admit and appoint */
    struct ent_slice text; /* charter, rule, reason */
};
struct ent_op_ballot {
    struct ent_id motion;
    bool has_head; /* removal: the subject's last head accepted */
    uint64_t head_seq;
    struct ent_id head_id;
};
struct ent_op_decision {
    struct ent_id motion;
    size_t ballot_count;
    const struct ent_id *ballots; /* decoded: owned by the ops list */
};
struct ent_op_epoch {
    struct ent_id commitment;
    struct ent_id config;
    size_t box_count;
    const struct ent_box_ref *boxes; /* ascending by node */
};
struct ent_op_share {
    struct ent_id epoch;
    struct ent_id node;
    struct ent_slice box;
};
struct ent_op_grant { /* and withdraw: level NONE */
    struct ent_id node;
    uint8_t level;
    uint8_t basis;
    struct ent_id decision; /* withdraw: the decision behind it, or zero */
};

struct ent_op {
    uint16_t type;
    bool is_critical;
    bool is_known;
    union {
        struct ent_op_genesis genesis;
        struct ent_op_motion motion;
        struct ent_op_ballot ballot;
        struct ent_op_decision decision;
        struct ent_op_epoch epoch;
        struct ent_op_share share;
        struct ent_op_grant grant;
        struct ent_slice card;
    } u;
    struct ent_slice raw; /* decoded: the whole operation as it stands */
};

/* A decoded payload. Slices borrow from the bytes it was decoded from. */
struct ent_ops {
    uint64_t types_version;
    struct ent_slice person;
    size_t count;
    struct ent_op *ops;
    void *arena; /* ballots and boxes */
};

/* Starts a payload in `out` with room for `count` operations, each then
 * appended by ent_op_put (control) or ent_put_encode (record.h). `person` has
 * at most ENT_PERSON_MAX bytes and may be empty. A text that a reader would
 * refuse (too long, not UTF-8) marks `out` as failed. */
void ent_ops_begin(struct ent_buf *out, struct ent_slice person, size_t count);
void ent_op_put(struct ent_buf *out, const struct ent_op *op);

/* Decodes any payload; content operations stay raw (record.h reads them).
 * ENT_PEER_MALFORMED, ENT_PEER_TOO_BIG, ENT_PEER_TOO_DEEP. On ENT_OK release
 * with ent_ops_release. Fields are exact: a known operation with one more is
 * malformed, because all versions must judge it alike. */
ENT_MUST_USE enum ent_status ent_ops_decode(struct ent_slice payload,
                                            struct ent_ops *ret_ops);
void ent_ops_release(struct ent_ops *ops);

/* Key epochs (docs/trust.md 3). */
void ent_epoch_commit(const struct ent_key *key, struct ent_id *ret_commitment);
/* epoch id = H("entente/epoch/1", space || node || inc || commitment || config
 * || H("entente/recipients/1", sorted recipients)). */
void ent_epoch_id(const struct ent_logkey *log, const struct ent_op_epoch *op,
                  struct ent_id *ret_id);
/* Appends a box with `key` and `epoch` for one node's sealing key. */
void ent_epoch_box(const struct ent_key *sealing, struct ent_rng *rng,
                   const struct ent_key *key, const struct ent_id *epoch,
                   struct ent_buf *out);
/* Opens a box; ENT_PEER_DECRYPT, or ENT_PEER_COMMITMENT when what it holds is
 * not this epoch or (with `commitment`) not the key committed to. */
ENT_MUST_USE enum ent_status ent_epoch_unbox(
    const struct ent_key *sealing_secret, struct ent_slice box,
    const struct ent_id *epoch, const struct ent_id *commitment,
    struct ent_key *ret_key);
/* The transport's pre-shared key that a circle epoch gives:
 * H("entente/psk/1", key). */
void ent_epoch_psk(const struct ent_key *key, struct ent_key *ret_psk);

#endif
