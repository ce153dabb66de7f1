/*
 * Status codes of libentente and of the node.
 *
 * Four classes lead to four actions. *Want* is not an error: call again with
 * more. *Peer* means that this peer (or file) broke a rule: refuse it, note
 * the name, never assert. *Rule* means that a person here asked for something
 * that a rule forbids: say which. *Self* is our own trouble: stop cleanly and
 * start again.
 */
#ifndef ENTENTE_STATUS_H
#define ENTENTE_STATUS_H

#include <stdbool.h>

#define ENT_MUST_USE __attribute__((warn_unused_result))

/* X(symbol, name for logs and people, sentence) */
#define ENT_STATUS_LIST(X)                                                     \
    X(ENT_OK, "ok", "done")                                                    \
    X(ENT_WANT_MORE, "want-more", "more bytes are needed")                     \
    X(ENT_AGAIN, "again", "not now: try again later")                          \
    X(ENT_PEER_MALFORMED, "malformed", "bytes that the format does not allow") \
    X(ENT_PEER_TOO_BIG, "too-big", "a length over its named limit")            \
    X(ENT_PEER_TOO_DEEP, "too-deep", "nested deeper than the format allows")   \
    X(ENT_PEER_GATE, "wrong-gate", "preface made for another node")            \
    X(ENT_PEER_VERSION, "wrong-version", "no protocol version in common")      \
    X(ENT_PEER_HANDSHAKE, "handshake-failed", "the handshake did not verify")  \
    X(ENT_PEER_NO_SECRET, "no-common-secret", "no circle secret in common")    \
    X(ENT_PEER_STRANGER, "stranger", "the caller is not a member")             \
    X(ENT_PEER_INVITE_USED, "invitation-used", "this invitation was used")     \
    X(ENT_PEER_INVITE_EXPIRED, "invitation-expired",                           \
      "this invitation has expired")                                           \
    X(ENT_PEER_INVITE_UNKNOWN, "invitation-unknown",                           \
      "no such invitation was given here")                                     \
    X(ENT_PEER_DECRYPT, "decryption-failed",                                   \
      "a record or payload did not decrypt")                                   \
    X(ENT_PEER_BAD_SIG, "bad-signature", "a signature did not verify")         \
    X(ENT_PEER_BAD_CHAIN, "bad-chain", "an entry does not follow its log")     \
    X(ENT_PEER_FORK, "fork", "two different entries with one number")          \
    X(ENT_PEER_UNKNOWN_AUTHOR, "unknown-author",                               \
      "no control entry names this author yet")                                \
    X(ENT_PEER_UNKNOWN_SPACE, "unknown-space", "the space is not known here")  \
    X(ENT_PEER_NOT_ENTITLED, "not-entitled", "the author had no such right")   \
    X(ENT_PEER_EPOCH, "unknown-epoch", "the key of this entry is not here")    \
    X(ENT_PEER_COMMITMENT, "broken-commitment",                                \
      "the opened value is not the one committed to")                          \
    X(ENT_PEER_STATE, "out-of-order", "a message that this state forbids")     \
    X(ENT_PEER_TIMEOUT, "timeout", "the peer was silent for too long")         \
    X(ENT_PEER_FLOOD, "flood", "more than was granted, or too many errors")    \
    X(ENT_RULE, "refused", "a rule forbids this")                              \
    X(ENT_RULE_NOT_FOUND, "not-found", "there is no such thing here")          \
    X(ENT_RULE_USAGE, "usage", "the call's words are off")                     \
    X(ENT_RULE_AUTH, "not-authorised", "the key or passphrase does not open")  \
    X(ENT_SELF_IO, "io", "reading or writing failed")                          \
    X(ENT_SELF_FULL, "full", "the disk is full")                               \
    X(ENT_SELF_CORRUPT, "corrupt", "the store failed its own checks")          \
    X(ENT_SELF_BUSY, "busy", "another process holds this folder")

enum ent_status {
#define X(symbol, name, text) symbol,
    ENT_STATUS_LIST(X)
#undef X
};

/* The status' short name ("bad-chain"), for logs, reason codes and JSON. */
const char *ent_status_name(enum ent_status st);

/* One sentence for a person. */
const char *ent_status_text(enum ent_status st);

static inline bool
ent_status_is_peer(enum ent_status st)
{
    return st >= ENT_PEER_MALFORMED && st <= ENT_PEER_FLOOD;
}

static inline bool
ent_status_is_self(enum ent_status st)
{
    return st >= ENT_SELF_IO;
}

#endif
