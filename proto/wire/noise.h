/*
 * The Noise Protocol Framework (revision 34) for 25519, ChaChaPoly, SHA256 and
 * the patterns NK, XK, XX, IK with the modifiers psk0 to psk3.
 *
 * Pure state, organised after the objects of the specification: CipherState
 * (noise_cipher), SymmetricState (noise_symmetric), HandshakeState (noise).
 * All three are plain values: copying one and trying something on the copy is
 * how a callee tries several pre-shared keys. Wipe what you copied.
 */
#ifndef ENTENTE_WIRE_NOISE_H
#define ENTENTE_WIRE_NOISE_H

#include <entente/crypto.h>

#define NOISE_MESSAGES_MAX 3u
#define NOISE_TOKENS_MAX 8u /* of one message, with two psk */
#define NOISE_PSKS_MAX 4u
#define NOISE_MESSAGE_MAX 65535u

/* §5.1. `n` counts messages; 2^64 - 1 is reserved and refused. */
struct noise_cipher {
    struct ent_key key;
    uint64_t n;
    bool has_key;
};

/* §5.2 */
struct noise_symmetric {
    struct noise_cipher cipher;
    uint8_t chaining_key[32];
    uint8_t hash[32];
};

enum noise_token {
    NOISE_END, /* of the message's tokens */
    NOISE_E,
    NOISE_S,
    NOISE_EE,
    NOISE_ES,
    NOISE_SE,
    NOISE_SS,
    NOISE_PSK,
};

/* A handshake pattern with its modifiers applied (§7, §9.4). All patterns here
 * are read initiator first and have at most the responder's static key as a
 * pre-message. */
struct noise_pattern {
    uint8_t tokens[NOISE_MESSAGES_MAX][NOISE_TOKENS_MAX]; /* NOISE_END ends */
    size_t message_count;
    size_t psk_count;
    bool is_responder_known;  /* "<- s" before the messages */
    bool is_initiator_static; /* the initiator has a static key */
};

/* §5.3. The psks are used in the order of the pattern's psk tokens. */
struct noise {
    struct noise_symmetric symmetric;
    struct noise_pattern pattern;
    struct ent_key s_secret, s_public;
    struct ent_key e_secret, e_public;
    struct ent_key rs, re;
    struct ent_key psks[NOISE_PSKS_MAX];
    size_t psk_used;
    size_t message; /* index of the message in work */
    size_t token;   /* … and of its next token */
    bool is_initiator;
};

/* Reads "Noise_XKpsk3_25519_ChaChaPoly_SHA256". False: not one that this
 * module speaks. Joined modifiers ("psk0+psk3") are allowed. */
ENT_MUST_USE bool noise_pattern_parse(const char *name,
                                      struct noise_pattern *ret_pattern);

/* What a handshake starts from. Keys that the pattern does not use are
 * ignored. All are borrowed until noise_init returns. */
struct noise_config {
    const char *name;
    bool is_initiator;
    struct ent_slice prologue;
    struct ent_key s_secret;
    struct ent_key e_secret; /* fresh for each handshake */
    struct ent_key rs;       /* initiator of a pattern with "<- s" */
};

/* `name` must be one that noise_pattern_parse accepts. */
void noise_init(struct noise *ns, const struct noise_config *config);
void noise_wipe(struct noise *ns);
/* The psk of the pattern's psk token number `index`. */
void noise_set_psk(struct noise *ns, size_t index, const struct ent_key *psk);

/* Is it this side's turn to write? False when the handshake is over. */
bool noise_is_writer(const struct noise *ns);
bool noise_is_done(const struct noise *ns);

/*
 * WriteMessage: appends the next message to `out`.
 * ENT_OK · ENT_PEER_HANDSHAKE (the peer's key is of small order: the state is
 * then of no further use) · ENT_PEER_TOO_BIG (message over 65,535 or `out`
 * full; nothing was done).
 */
ENT_MUST_USE enum ent_status noise_write(struct noise *ns,
                                         struct ent_slice payload,
                                         struct ent_buf *out);

/*
 * ReadMessage: checks the whole message and appends its payload to `out`.
 * ENT_OK · ENT_PEER_HANDSHAKE (anything else than what the peer wrote).
 * After a failure the state is of no further use.
 */
ENT_MUST_USE enum ent_status noise_read(struct noise *ns,
                                        struct ent_slice message,
                                        struct ent_buf *out);

/*
 * ReadMessage in parts: works off tokens until the next one is `stop` or none
 * is left, and takes what they used from the front of `*message`. Then go on
 * with another call or with noise_read on the rest.
 */
ENT_MUST_USE enum ent_status noise_read_until(struct noise *ns,
                                              struct ent_slice *message,
                                              enum noise_token stop);

/* Split: the ciphers of the two directions, once the handshake is done. */
void noise_split(const struct noise *ns, struct noise_cipher *ret_send,
                 struct noise_cipher *ret_receive);

/* EncryptWithAd: `ret_p` takes plain.len + 16 bytes (the same without a key),
 * and may be plain.p. False when n is used up. */
ENT_MUST_USE bool noise_cipher_seal(struct noise_cipher *c, struct ent_slice ad,
                                    struct ent_slice plain, uint8_t *ret_p);
/* DecryptWithAd into cipher.len - 16 bytes (the same without a key). False:
 * refused; n stays then, and `ret_p` may have been zeroed. */
ENT_MUST_USE bool noise_cipher_open(struct noise_cipher *c, struct ent_slice ad,
                                    struct ent_slice cipher, uint8_t *ret_p);
/* Rekey (§4.2, the default for a cipher without its own): n goes on. */
void noise_cipher_rekey(struct noise_cipher *c);

#endif
