/*
 * An exchange: one sync session with one peer over one connection, and the
 * road between its effects and the store's threads.
 *
 *   caller: exchange_call -> (state read) -> conn_call -> established ->
 *           HELLO of the peer -> ready
 *   callee: exchange_answer -> (state read) -> HELLO of message 3 -> ready
 *   both:   step(event) -> effects -> jobs -> their results as events
 *
 * One live exchange a peer: of two that cross, the call of the smaller node id
 * stays; else the newest. It belongs to itself: it is freed when its
 * connection and its last job are gone, and leaves what happened in
 * `peer->end`.
 */
#ifndef NODE_IO_EXCHANGE_H
#define NODE_IO_EXCHANGE_H

#include "io/peers.h"

struct exchange;

/* Calls a peer at one of its addresses with one of its secrets (by index in
 * the directory row, which is copied from). Sets peer->calling. */
void exchange_call(struct io *io, struct peer *peer,
                   const struct directory_peer *row);

/* Takes over an accepted connection that was proven to be this peer's, with
 * the secret of that index. `hello` is message 3's payload. */
void exchange_answer(struct io *io, struct peer *peer,
                     const struct directory_peer *row, size_t secret_index,
                     struct conn *conn, struct ent_slice hello);

/* Ends the peer's exchanges in order, with a BYE. */
void exchange_stop(struct peer *peer, enum ent_bye bye);

/* For every peer: our store moved; members changed; time passed. */
void exchange_moved_all(struct io *io);
void exchange_retry_all(struct io *io);
void exchange_tick_all(struct io *io);

/* Our store was rolled back: its numbers begin anew, and so do all sessions
 * and what memory keeps of peers. */
void exchange_forget_all(struct io *io);

/* Is everything told and heard, and were both sides equal at the last proof,
 * over a link that is not limited? */
bool exchange_is_proved(const struct peer *peer);

/* Something is not yet told, heard or proved: time should pass often. */
bool exchange_is_moving(const struct io *io);

/* The directory names a newer secret than the one a limited link was made
 * with, or does not name the peer any more: when nothing moves, the link ends
 * (and a new handshake follows). */
void exchange_review_all(struct io *io);

#endif
