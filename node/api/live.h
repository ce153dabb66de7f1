/*
 * Live facts of peers, written by the loop and read by any thread (a mutex
 * inside): who is connected, and how far each session is.
 */
#ifndef NODE_API_LIVE_H
#define NODE_API_LIVE_H

#include <entente/session.h>

enum live_link {
    LIVE_IDLE,
    LIVE_DIALLING,
    LIVE_CONNECTED,
    LIVE_BACKOFF,
    LIVE_REFUSED,
};

struct live_peer {
    struct ent_id node;
    enum live_link link;
    bool is_caller; /* we called */
    uint64_t retry_at;
    uint64_t connected_at;
    uint64_t rtt_ms;
    uint64_t bytes_in;
    uint64_t bytes_out;
    int64_t skew_ms;
    char software[32];
    char reason[48]; /* status name of the last failure; empty if none */
    char detail[48];
    struct ent_session_view view;
};

/* Facts of the node itself. */
struct live_node {
    char listen[64]; /* the address really bound */
    uint64_t started_at;
    char folder[256];
    char note[200];
};

struct live;

struct live *live_new(void);
void live_free(struct live *live);
void live_node_set(struct live *live, const struct live_node *node);
void live_node_get(struct live *live, struct live_node *ret_node);
/* Adds or replaces. */
void live_put(struct live *live, const struct live_peer *peer);
/* False, and zeroed, when nothing is known of it. */
bool live_find(struct live *live, const struct ent_id *node,
               struct live_peer *ret_peer);

#endif
