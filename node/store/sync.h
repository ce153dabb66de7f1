/*
 * What sessions ask of the store. Reading functions use any read connection;
 * writing ones run on the writer's thread inside a transaction.
 *
 * The sender's check (docs/trust.md P2) is in the reading functions: a peer is
 * told of a space only when our newest view names it there.
 */
#ifndef NODE_STORE_SYNC_H
#define NODE_STORE_SYNC_H

#include <entente/session.h>

#include "store/base/db.h"

/* Who asks. */
struct sync_peer {
    struct ent_id node;
    bool is_limited; /* link on an old secret: circle spaces only */
};

struct sync_changes {
    uint64_t upto;
    uint8_t upto_id[16];
    size_t count;
    struct ent_head *heads; /* owned: free() */
    size_t push_bytes;
};
/* Logs that the peer may see and that moved after `after`, circles first, at
 * most `max`; `upto` is how far that covers. is_coming is set on our own. */
void sync_read_changes(struct db *db, const struct sync_peer *peer,
                       uint64_t after, uint32_t max,
                       struct sync_changes *ret_changes);

/* Encodes one run of the log from `from_seq`, ending at a signed entry at or
 * before `to_seq` where there is one, within `max_bytes` and the limits of a
 * run (at least one signed stretch; the first run of a care or review space
 * reaches the entry that lets the peer in). `*ret_last_seq` is its last seq.
 * Nothing is appended when the peer may not see it or we have it not, or when
 * that entry lies further than a run can reach. */
void sync_read_run(struct db *db, const struct sync_peer *peer,
                   const struct ent_need *need, size_t max_bytes,
                   struct ent_buf *out, uint64_t *ret_last_seq);

/* Which of the heads go past ours, or show another past of a log that is not
 * known as forked yet? `needs` has room for `count`; returns how many were
 * written. */
size_t sync_check(struct db *db, const struct sync_peer *peer,
                  const struct ent_head *heads, size_t count,
                  struct ent_need *ret_needs);

/* The first 16 bytes of the id of the entry at our number, or of the last one
 * before it; zero when there is none. */
void sync_id_at(struct db *db, uint64_t number, uint8_t ret_id[16]);

struct sync_proof {
    uint8_t sum[16];
    uint64_t head_count;
    uint8_t spaces[16];
    uint64_t top;
};
/* `key` is the pair's key: H("entente/proof/1", static DH). */
void sync_read_proof(struct db *db, const struct sync_peer *peer,
                     const struct ent_key *key, struct sync_proof *ret_proof);

/* All heads of all spaces in common. Returns owned (free). */
struct ent_head *sync_read_heads(struct db *db, const struct sync_peer *peer,
                                 size_t *ret_count);

/* ---- per peer, kept ---- */
struct sync_state {
    bool knows_peer_store;
    uint8_t peer_store_id[ENT_STORE_ID_LEN];
    uint64_t consumed;
    uint8_t consumed_id[16];
    uint64_t acked;
    uint64_t last_exchange_at; /* wall ms */
    uint64_t proved_at;
    uint64_t proved_top; /* our number at that proof */
    char software[32];
    char refusal[48]; /* last reason, a status name; empty when none */
    char refusal_detail[48];
    int64_t skew_ms;
};
/* Zeroed when the peer is not known yet. */
void sync_state_read(struct db *db, const struct ent_id *peer,
                     struct sync_state *ret_state);
void sync_state_write(struct db *db, const struct ent_id *peer,
                      const struct sync_state *state);

/* Our own node. Zero before the own space was made. */
void sync_store_node(struct db *db, struct ent_id *ret_node);

/* Our own store's number space. */
void sync_store(struct db *db, uint8_t ret_store_id[ENT_STORE_ID_LEN],
                uint64_t *ret_top, bool *ret_is_recovering);

/* How many entries of ours the peer has not acknowledged, that it may see, and
 * since when the oldest of them waits (wall ms; 0 for none). */
void sync_waiting(struct db *db, const struct ent_id *peer, uint64_t acked,
                  uint64_t *ret_count, uint64_t *ret_oldest_at);
/* Entries stored that wait for an earlier one, of logs shared with the peer. */
uint64_t sync_waiting_for_earlier(struct db *db, const struct ent_id *peer);

#endif
