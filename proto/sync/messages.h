/*
 * The messages of a session as structs, and each as a strict msgpack array.
 *
 * Decoders check what a message alone can show (lengths, counts, ranges) and
 * leave the rest to the session. Every decoder returns ENT_OK or
 * ENT_PEER_MALFORMED, ENT_PEER_TOO_BIG, ENT_PEER_TOO_DEEP, and writes its
 * result only on success. Normative text: docs/protocol.md 5.
 */
#ifndef ENTENTE_PROTO_SYNC_MESSAGES_H
#define ENTENTE_PROTO_SYNC_MESSAGES_H

#include <entente/link.h>
#include <entente/session.h>

#define ENT_BYE_DETAIL_LEN 48u /* with its NUL */
#define ENT_HEAD_WIRE_MAX 128u /* a head in HEADS or CHANGES takes less */

/* [min, max, features, software, store id, top, known store id | nil,
 *  consumed, consumed id | nil, wall ms, free MiB, …] */
struct msg_hello {
    uint32_t protocol_min;
    uint32_t protocol_max;
    uint64_t features;
    char software[32];
    uint8_t store_id[ENT_STORE_ID_LEN];
    uint64_t top;
    bool knows_store; /* the receiver's, by an earlier meeting */
    uint8_t known_store_id[ENT_STORE_ID_LEN];
    uint64_t consumed;
    uint8_t consumed_id[16]; /* nil on the wire when zero */
    uint64_t wall_ms;
    uint64_t free_mib;
};

/* CHANGES: [after, upto, upto id, [head…]], a head with 7 fields.
 * HEADS: [is last, [head…]], a head with 5 fields. */
struct msg_heads {
    uint64_t after;
    uint64_t upto;
    uint8_t upto_id[16];
    bool is_last;
    size_t count;
    struct ent_head *heads; /* owned once decoded: free() */
};

/* WANT: [[space, node, inc, from, to]…], at least one. */
struct msg_want {
    size_t count;
    struct ent_need *needs; /* owned once decoded: free() */
};

/* RUN: [run], or [space, node, inc] when there is none to be had. */
struct msg_run {
    struct ent_slice run; /* borrowed from the body; empty: denied */
    struct ent_logkey log;
};

/* PROOF: [top, top id, told, consumed, head count, spaces, mac]. */
struct msg_proof {
    uint64_t top; /* read up to here; >= told */
    uint8_t top_id[16];
    uint64_t told;
    uint64_t consumed;
    uint64_t head_count;
    uint8_t spaces[16];
    uint8_t mac[16];
};

/* ACK: [consumed, settled]: committed up to the first number; up to the
 * second nothing is on its way, though some of it waits. */
struct msg_ack {
    uint64_t consumed;
    uint64_t settled;
};

/* BYE: [reason, detail]. */
struct msg_bye {
    uint8_t reason;
    char detail[ENT_BYE_DETAIL_LEN];
};

void msg_hello_encode(const struct msg_hello *m, struct ent_buf *out);
ENT_MUST_USE enum ent_status msg_hello_decode(struct ent_slice body,
                                              struct msg_hello *ret);
/* HELLO as message 3 of the handshake carries it: u16 length || HELLO ||
 * zeros, ENT_HELLO_LEN in all. */
void msg_hello_pad(const struct msg_hello *m, uint8_t ret_p[ENT_HELLO_LEN]);
ENT_MUST_USE enum ent_status msg_hello_unpad(struct ent_slice padded,
                                             struct msg_hello *ret);

void msg_changes_encode(const struct msg_heads *m, struct ent_buf *out);
ENT_MUST_USE enum ent_status msg_changes_decode(struct ent_slice body,
                                                struct msg_heads *ret);
void msg_heads_encode(const struct msg_heads *m, struct ent_buf *out);
ENT_MUST_USE enum ent_status msg_heads_decode(struct ent_slice body,
                                              struct msg_heads *ret);
void msg_want_encode(const struct msg_want *m, struct ent_buf *out);
ENT_MUST_USE enum ent_status msg_want_decode(struct ent_slice body,
                                             struct msg_want *ret);
void msg_run_encode(const struct msg_run *m, struct ent_buf *out);
ENT_MUST_USE enum ent_status msg_run_decode(struct ent_slice body,
                                            struct msg_run *ret);
void msg_proof_encode(const struct msg_proof *m, struct ent_buf *out);
ENT_MUST_USE enum ent_status msg_proof_decode(struct ent_slice body,
                                              struct msg_proof *ret);
void msg_bye_encode(const struct msg_bye *m, struct ent_buf *out);
ENT_MUST_USE enum ent_status msg_bye_decode(struct ent_slice body,
                                            struct msg_bye *ret);

void msg_ack_encode(const struct msg_ack *m, struct ent_buf *out);
ENT_MUST_USE enum ent_status msg_ack_decode(struct ent_slice body,
                                            struct msg_ack *ret);
/* GRANT: [bytes]. */
void msg_grant_encode(uint64_t bytes, struct ent_buf *out);
ENT_MUST_USE enum ent_status msg_grant_decode(struct ent_slice body,
                                              uint64_t *ret);
/* PING and PONG: []. */
void msg_empty_encode(struct ent_buf *out);
ENT_MUST_USE enum ent_status msg_empty_decode(struct ent_slice body);

#endif
