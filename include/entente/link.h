/*
 * The link: preface, Noise handshake and records, as bytes in and bytes out.
 *
 * It stands between a TCP connection and a sync session and knows neither.
 * Time-outs before authentication are the connection's (it has the clock).
 * Normative text: docs/protocol.md 4.
 *
 *   caller                                callee
 *     preface || e                     ->   gate checked: one hash, no DH
 *                                      <-   e, ee[, s, es]
 *     s, se, psk (payload: HELLO)      ->   ENT_LINK_ASK_SECRET: who is it?
 *     records                         <->   records
 */
#ifndef ENTENTE_LINK_H
#define ENTENTE_LINK_H

#include <entente/crypto.h>

#define ENT_HELLO_LEN 256u /* message 3's payload, padded to this */
#define ENT_PREFACE_LEN 24u

enum ent_link_pattern {
    ENT_LINK_JOIN = 1,   /* Noise_XXpsk3_25519_ChaChaPoly_SHA256 */
    ENT_LINK_MEMBER = 2, /* Noise_XKpsk3_25519_ChaChaPoly_SHA256 */
};

enum ent_link_event {
    ENT_LINK_NONE,        /* nothing to report: read more */
    ENT_LINK_ASK_SECRET,  /* callee: look up `remote`, then ent_link_answer */
    ENT_LINK_ASK_CALLER,  /* caller of a JOIN: `remote` is the callee's key;
                             then ent_link_answer with the invitation's psk */
    ENT_LINK_ESTABLISHED, /* both: `remote`, `hello` (callee) are proven */
    ENT_LINK_MESSAGE,     /* `type` and `body` are one whole message */
};

struct ent_link_config {
    bool is_caller;
    enum ent_link_pattern pattern; /* caller only: the callee learns it */
    struct ent_key static_secret;  /* our X25519 transport key */
    struct ent_key static_public;  /* callee: its public half, so that a wrong
                                      gate costs one hash; computed if zero */
    struct ent_key remote_static;  /* caller: the callee's (gate; XK) */
    struct ent_key psk;            /* caller of a MEMBER link */
    struct ent_key seed;           /* randomness of this link, used once */
    uint8_t hello[ENT_HELLO_LEN];  /* caller of a MEMBER link; zero padded.
                                      A JOIN sends zeros */
};

/* What one ent_link_read produced; slices are borrowed until the next call
 * on the link. */
struct ent_link_output {
    enum ent_link_event event;
    enum ent_link_pattern pattern;
    struct ent_key remote;  /* the peer's static key */
    struct ent_slice hello; /* ESTABLISHED at the callee: ENT_HELLO_LEN */
    size_t secret_index;    /* ESTABLISHED at the callee: which psk fitted */
    uint8_t type;           /* MESSAGE */
    struct ent_slice body;  /* MESSAGE */
};

struct ent_link;

/* Returns owned; free with ent_link_free (which wipes). A caller's first
 * bytes are appended to `out` at once. */
struct ent_link *ent_link_new(const struct ent_link_config *config,
                              struct ent_buf *out);
void ent_link_free(struct ent_link *link);

/*
 * Takes bytes as they came, any number, and stops after the first event.
 * `*ret_used` says how many were taken: call again with the rest. Bytes for
 * the peer are appended to `out`.
 * ENT_OK · ENT_PEER_GATE (close without a byte) · ENT_PEER_VERSION ·
 * ENT_PEER_HANDSHAKE · ENT_PEER_DECRYPT · ENT_PEER_MALFORMED (padding, type,
 * length) · ENT_PEER_TOO_BIG (message over ENT_MESSAGE_MAX, or no room in
 * `out`). After an error the link is dead: every further call gives the same
 * status. Handshake messages have fixed lengths, so a callee never takes more
 * than ENT_PREAUTH_BYTES_MAX before authentication; while an answer is due
 * nothing is taken.
 */
ENT_MUST_USE enum ent_status ent_link_read(struct ent_link *link,
                                           struct ent_slice in,
                                           size_t *ret_used,
                                           struct ent_buf *out,
                                           struct ent_link_output *ret_output);

/*
 * Answers ENT_LINK_ASK_SECRET or ENT_LINK_ASK_CALLER. The callee gives the
 * pre-shared keys to try, at most ENT_INVITATIONS_MAX; trying them is not a
 * failed decryption. Then call ent_link_read again (with what is left, or
 * nothing): it reports ESTABLISHED. ENT_PEER_NO_SECRET when none fits.
 */
ENT_MUST_USE enum ent_status ent_link_answer(struct ent_link *link,
                                             const struct ent_key *psks,
                                             size_t psk_count,
                                             struct ent_buf *out);

/* Appends one message (type below 0x80, body up to ENT_MESSAGE_MAX) as
 * records to `out`. Only after ESTABLISHED. ENT_RULE_USAGE for a longer body
 * (nothing happened) · ENT_PEER_FLOOD when `out` is full (the link is dead:
 * the peer does not read) · what killed the link before. */
ENT_MUST_USE enum ent_status ent_link_send(struct ent_link *link, uint8_t type,
                                           struct ent_slice body,
                                           struct ent_buf *out);

/* The handshake hash, for channel binding. Only after ESTABLISHED. */
void ent_link_hash(const struct ent_link *link, uint8_t ret_hash[32]);

#endif
