/*
 * One peer at a glance: what is kept of it, what is live, and what follows
 * from both: does everything match, what waits, and why not.
 */
#ifndef NODE_API_PEER_LOOK_H
#define NODE_API_PEER_LOOK_H

#include "api/api.h"
#include "api/live.h"
#include "api/reasons.h"
#include "store/directory.h"
#include "store/sync.h"

struct peer_look {
    const struct directory_peer *row; /* borrowed from the directory */
    struct sync_state state;
    struct live_peer live;
    bool is_connected;
    uint64_t acked;        /* our number up to which it has everything */
    uint64_t waiting_out;  /* changes it has not acknowledged */
    uint64_t oldest_at;    /* since when the oldest of them waits; 0: none */
    uint64_t waiting_in;   /* known to be missing here */
    uint64_t waiting_here; /* of these: here, but an earlier one is not */
    uint64_t last_at;      /* last exchange, wall ms */
    bool is_proved;        /* equal as of now */
    enum reason reason;    /* REASON_NONE when proved */
    char detail[48];
    char author[ENT_NAME_MAX + 1]; /* of what waits for an earlier one */
    struct reason_facts facts;     /* for the sentences; borrows from here */
};

/* Looks at one peer. `row` must outlive the look, and the look must stay where
 * it is. */
void peer_look_at(struct peer_look *look, struct api_call *call,
                  const struct directory_peer *row);

/* "connected", "dialling" …: the link in a word. */
const char *peer_link_name(enum live_link link);
/* "member", "moderator", or "joining" for one that is in no circle yet. */
const char *peer_role_name(uint8_t role);
/* The addresses of a directory row. Returns owned. */
struct value *peer_addresses_value(const struct directory_peer *row);

#endif
