/*
 * The inside of an exchange, shared by exchange.c (its life) and effects.c
 * (the road to the store and back). Nobody else includes it.
 */
#ifndef NODE_IO_EXCHANGE_STATE_H
#define NODE_IO_EXCHANGE_STATE_H

#include "io/exchange.h"

#define EXCHANGE_MAGIC 0x45584348u

struct exchange {
    unsigned magic;
    struct io *io;
    struct peer *peer;
    struct conn *conn; /* NULL: not yet, or gone */
    struct ent_session *session;
    struct ent_session_config config;
    struct sync_peer who;
    struct ent_key proof_key;
    struct ent_key transport; /* the peer's */
    struct ent_key secret;    /* of this link; caller: to try */
    struct ent_key newest;    /* the newest known when it was made */
    char address[ENT_ADDRESS_MAX + 1];
    struct ent_buf hello; /* callee: message 3's payload, until the start */
    size_t refs;          /* its connection, and jobs under way */
    bool is_caller;
    bool is_ready;
    bool is_over;       /* CLOSE was seen, or the connection is gone */
    uint8_t bye_due;    /* say this BYE after the effects at hand */
    bool is_moved_due;  /* our store may have moved before it was live */
    uint64_t ready_ms;  /* monotonic */
    uint64_t proof_top; /* our number at the last READ_PROOF */
    struct peer_end end;
};

/* Takes one event: steps the session, carries out the effects, writes. */
void exchange_step(struct exchange *ex, struct ent_session_event *event);

/* What the effects need of exchange.c. */
void exchange_on_ready(struct exchange *ex,
                       const struct ent_session_effect *fx);
void exchange_on_close(struct exchange *ex,
                       const struct ent_session_effect *fx);
/* A job under way, and its end (which may free the exchange). False when its
 * result has nobody to go to. */
void exchange_hold(struct exchange *ex);
bool exchange_release(struct exchange *ex);

/* Carries out one effect. */
void effects_run(struct exchange *ex, const struct ent_session_effect *effect);

#endif
