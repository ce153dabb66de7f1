/*
 * What the loop keeps of each peer: how far both sides are (kept in the store
 * a little later), the session that is live, how calling it went, and what is
 * told to people. At most ENT_PEERS_MAX.
 */
#ifndef NODE_IO_PEERS_H
#define NODE_IO_PEERS_H

#include "io/io.h"
#include "store/sync.h"

struct exchange;

/* How a connection with a peer ended, for whoever decides to call again. */
struct peer_end {
    struct conn_end conn;
    bool is_caller;
    bool was_ready;     /* HELLO was good */
    enum ent_status st; /* the session's word, if it had one */
    uint8_t bye;        /* enum ent_bye, 0: none */
    bool is_theirs;
    char detail[48];
};

struct peer {
    struct ent_id node;
    bool is_listed;            /* in the newest directory */
    struct ent_id fingerprint; /* of its directory row */

    struct sync_state state;
    bool is_loaded; /* `state` was read; from then on memory counts */
    bool is_dirty;  /* … and is to be written */

    struct exchange *live;    /* the session that stays */
    struct exchange *calling; /* ours, under way */

    bool has_end; /* `end` is to be looked at */
    struct peer_end end;
    size_t address_index;
    size_t secret_index;
    uint64_t backoff_ms;
    uint64_t limited_ms; /* how long a link on an old secret may be quiet */
    uint64_t retry_at;   /* monotonic; 0: now */
    bool is_refused;     /* by version or right: wait for the directory */

    struct live_peer facts;
    bool is_stale; /* `facts` changed since they were told */
};

struct peers;

struct peers *peers_new(struct io *io); /* returns owned: peers_free */
void peers_free(struct peers *peers);

/* Finds, or makes; NULL when there are ENT_PEERS_MAX already. */
struct peer *peers_get(struct peers *peers, const struct ent_id *node);
struct peer *peers_find(struct peers *peers, const struct ent_id *node);
size_t peers_count(const struct peers *peers);
struct peer *peers_at(struct peers *peers, size_t index);

/* Something that people see changed: it is told within 100 ms. */
void peers_touch(struct peers *peers, struct peer *peer);
/* Something to keep changed: it is written within 500 ms. */
void peers_keep(struct peers *peers, struct peer *peer);
/* What the store keeps was changed there: of peers without a session it is
 * read again before the next one. */
void peers_reload(struct peers *peers);
/* Is anything to be told or written? */
bool peers_is_waiting(const struct peers *peers);
/* Tells what changed, and writes what is due (all of it if `is_last`). */
void peers_beat(struct peers *peers, uint64_t now_ms, bool is_last);

#endif
