/*
 * One TCP connection and the link over it. It knows no peers and no sessions:
 * whoever owns it is told what happens through `struct conn_events`.
 *
 *   callee:  conn_accept -> on_ask (who is it?) -> on_established ->
 *            on_message … -> on_closed
 *   caller:  conn_call   -> connected -> [on_ask in a JOIN] ->
 *            on_established -> on_message … -> on_closed
 *
 * Failure modes: refused or unreachable address, time-out, a broken preface,
 * handshake or record, an owner that sends more than the cap, the peer gone.
 * Each ends in on_closed, once, from the loop and never from inside a call of
 * the owner's; the connection is freed right after it.
 */
#ifndef NODE_IO_CONN_H
#define NODE_IO_CONN_H

#include <entente/link.h>

#include "io/address.h"

#include <uv.h>

#define CONN_READ_TURN_MAX (256u * 1024u)   /* bytes read in one turn */
#define CONN_QUEUE_MAX (6u * 1024u * 1024u) /* bytes waiting to be written */
#define CONN_CONNECT_MS 10000u
#define CONN_DRAIN_MS 2000u

struct conn;

/* How a connection ended. */
struct conn_end {
    enum ent_status st; /* ENT_OK: closed by us, as asked; ENT_AGAIN: the
                            other side closed; ENT_SELF_IO: no connection came
                            about; ENT_PEER_TIMEOUT; a broken rule */
    bool was_connected;
    bool was_established;
};

struct conn_events {
    /* ENT_LINK_ASK_SECRET or ENT_LINK_ASK_CALLER: call conn_answer, or
     * conn_close, before returning. */
    void (*on_ask)(void *owner, struct conn *conn,
                   const struct ent_link_output *output);
    void (*on_established)(void *owner, struct conn *conn,
                           const struct ent_link_output *output);
    void (*on_message)(void *owner, struct conn *conn, uint8_t type,
                       struct ent_slice body);
    void (*on_closed)(void *owner, struct conn *conn,
                      const struct conn_end *end);
};

/* All connections of a node: memory for reading, and the list. */
struct conn_set;
struct conn_set *conn_set_new(uv_loop_t *loop);
void conn_set_free(struct conn_set *set); /* when none is left */
size_t conn_set_count(const struct conn_set *set);
/* Closes what is past its time. Call it every 100 ms while there are some. */
void conn_set_beat(struct conn_set *set, uint64_t now_ms);
/* Closes them all without another byte. */
void conn_set_close_all(struct conn_set *set);
/* Has any a deadline? */
bool conn_set_is_waiting(const struct conn_set *set);

/* Takes a connection from the listener, which is ready for uv_accept. The
 * callee's config: static_secret and seed are set. NULL when the accepting
 * itself failed. Owned by itself; on_closed is its end. */
struct conn *conn_accept(struct conn_set *set, uv_stream_t *listener,
                         const struct ent_link_config *config,
                         const struct conn_events *events, void *owner);
/* Calls `address` ("host:port"). */
struct conn *conn_call(struct conn_set *set, const char *address,
                       const struct ent_link_config *config,
                       const struct conn_events *events, void *owner);

/* Gives the connection to another owner. */
void conn_own(struct conn *conn, const struct conn_events *events, void *owner);
/* The pre-shared keys to try; inside on_ask. */
void conn_answer(struct conn *conn, const struct ent_key *psks, size_t count);
/* Queues one message; nothing happens when the connection is closing. */
void conn_send(struct conn *conn, uint8_t type, struct ent_slice body);
/* Writes what was queued: once after everything of one event. */
void conn_flush(struct conn *conn);
/* Stops or goes on handing over what comes. While held nothing is read. */
void conn_hold(struct conn *conn, bool is_held);
/* Authenticated: the time-out and the byte limit before it are over. */
void conn_trust(struct conn *conn);
/* Closes without another byte. */
void conn_close(struct conn *conn, enum ent_status st);
/* Writes what is queued, then closes. */
void conn_finish(struct conn *conn);

bool conn_is_open(const struct conn *conn); /* not closing */
void conn_hash(const struct conn *conn, uint8_t ret_hash[32]);
uint64_t conn_bytes_in(const struct conn *conn);
uint64_t conn_bytes_out(const struct conn *conn);
/* The kernel's smoothed round trip; 0 when it is not known. */
uint64_t conn_rtt_ms(const struct conn *conn);
/* The address of the other side, for the log. Borrowed. */
const char *conn_where(const struct conn *conn);
/* The prefix of the other side; callee only. */
const struct address_prefix *conn_prefix(const struct conn *conn);

#endif
