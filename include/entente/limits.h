/*
 * Every size, count and time that somebody outside can make us spend, with
 * its name. Each is reached by a test. Normative text: docs/protocol.md 9.
 */
#ifndef ENTENTE_LIMITS_H
#define ENTENTE_LIMITS_H

/* Bytes. */
#define ENT_PAYLOAD_MAX (32u * 1024u)    /* an entry's payload, as sent */
#define ENT_MESSAGE_MAX (1024u * 1024u)  /* a message, over several records */
#define ENT_RECORD_MAX 65535u            /* a record's ciphertext */
#define ENT_RUN_BYTES_MAX (512u * 1024u) /* a run, encoded */
#define ENT_BUF_MAX (8u * 1024u * 1024u) /* a buffer without its own cap */
#define ENT_PUSH_MAX (64u * 1024u)       /* pushed without waiting for WANT */
#define ENT_CREDIT_START (256u * 1024u)  /* granted to a new session */
#define ENT_CREDIT_MAX (4u * 1024u * 1024u) /* granted at most to one peer */
#define ENT_CREDIT_ALL_MAX (32u * 1024u * 1024u) /* granted to all peers */
#define ENT_TXN_BYTES_MAX (4u * 1024u * 1024u)   /* one store transaction */
#define ENT_BATCH_BYTES_MAX (1024u * 1024u)      /* a group commit's entries */
#define ENT_PREAUTH_BYTES_MAX 512u /* read before the caller is known */
#define ENT_RPC_BYTES_MAX (4u * 1024u * 1024u) /* a local request or answer */
#define ENT_TEXT_MAX (16u * 1024u)             /* one text field of a record */
#define ENT_BUNDLE_CHUNK_MAX (64u * 1024u)     /* a bundle's chunk, in plain */

/* Counts. */
#define ENT_MSGPACK_DEPTH_MAX 8u
#define ENT_RUN_ENTRIES_MAX 1024u
#define ENT_DEPS_MAX 16u
#define ENT_OPS_MAX 64u /* operations in an entry */
#define ENT_STRUCTURES_MAX 1024u
#define ENT_NODES_OF_STRUCTURE_MAX 16u
#define ENT_CIRCLES_MAX 64u
#define ENT_BOXES_MAX 128u /* sealed keys in one entry */
#define ENT_SPACES_MAX 1000000u
#define ENT_LOGS_MAX 5000000u
#define ENT_WAITING_MAX 1024u /* waiting entries a peer */
#define ENT_WAITING_BYTES_MAX (4u * 1024u * 1024u)
#define ENT_PEERS_MAX 1024u
#define ENT_HALF_OPEN_MAX 64u
#define ENT_HALF_OPEN_PREFIX_MAX 4u
#define ENT_ACCEPT_RATE 5u   /* connections a second a prefix */
#define ENT_ACCEPT_BURST 20u /* … and how many at once */
#define ENT_PEER_MALFORMED_MAX 8u
#define ENT_PEER_REFUSED_MAX 64u
#define ENT_SECRETS_MAX 16u /* circle secrets tried, newest first */
#define ENT_INVITATIONS_MAX 64u
#define ENT_BATCH_ENTRIES_MAX 1000u /* a group commit */
#define ENT_HEADS_PER_MESSAGE_MAX 4096u
#define ENT_REKEY_RECORDS 1024u
#define ENT_BUNDLE_RECEIVERS_MAX 64u /* nodes that one bundle is sealed to */

/* Milliseconds. */
#define ENT_PREAUTH_MS 5000u
#define ENT_BATCH_MS 20u
#define ENT_BACKOFF_MIN_MS 1000u
#define ENT_BACKOFF_MAX_MS 300000u
#define ENT_SKEW_MS 300000u /* told to both operators; never a refusal */
#define ENT_REHANDSHAKE_MS 3600000u
#define ENT_INVITATION_MS (7ull * 24u * 3600u * 1000u)
#define ENT_PING_MS 30000u    /* silence after which we ask */
#define ENT_SILENCE_MS 90000u /* silence after which we hang up */

#endif
