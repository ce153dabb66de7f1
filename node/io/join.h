/*
 * Joining by invitation: the dialogue before two nodes know each other. Both
 * people compare six digits, and nothing else flows before both confirmed.
 * Normative text: docs/protocol.md 4, docs/trust.md 1.
 *
 *   callee (inviter)                    caller (newcomer)
 *     COMMIT H(r1)              ->
 *                               <-      CALLER r2
 *     CALLEE r1                 ->      checks it against COMMIT
 *   both show the digits; people compare and confirm
 *     CONFIRM                  <->      CONFIRM
 *                               <-      CARD
 *     stores, proposes          ->      CIRCLE id, card: stores; both close
 *
 * Each message is one msgpack array of binary fields.
 */
#ifndef NODE_IO_JOIN_H
#define NODE_IO_JOIN_H

#include <entente/value.h>

#include "io/io.h"

#define JOIN_CODE_LEN 6u
#define JOIN_PENDING_MS (15u * 60u * 1000u)
#define JOIN_WRONG_MAX 3u /* wrong codes, then it is dropped */
#define JOINS_MAX 64u

enum join_state {
    JOIN_DIALLING, /* caller: no answer yet */
    JOIN_COMPARE,  /* the digits are there */
    JOIN_HERE,     /* confirmed here, not there */
    JOIN_THERE,    /* confirmed there, not here */
    JOIN_WRITING,  /* both: cards are being exchanged */
    JOIN_DONE,     /* caller: waits for the circle's vote */
    JOIN_FAILED,
};

enum join_answer {
    JOIN_OK,
    JOIN_NONE,    /* no join waits for this */
    JOIN_DIFFERS, /* the digits are not those of any join that waits */
    JOIN_DROPPED, /* … and that was once too often */
};

struct joins;
struct join;

struct joins *joins_new(struct io *io); /* returns owned: joins_free */
void joins_free(struct joins *joins);   /* when no connection is left */

/* Calls the inviter of a ticket. Returns borrowed (valid in this turn); NULL
 * when JOINS_MAX are under way. */
struct join *join_call(struct io *io, const struct directory_ticket *ticket);
/* Takes over an accepted connection that proved to hold an invitation. False
 * when the invitation is in use by another caller just now. */
bool join_answer(struct io *io, const struct directory_invitation *row,
                 const struct ent_key *remote, struct conn *conn);

/* Both sides: the person here compared the digits. `is_caller` says which
 * side we are. `ret_join` is borrowed. */
enum join_answer join_confirm(struct joins *joins, bool is_caller,
                              const char *code, bool was_compared,
                              struct join **ret_join);
/* The person here says they differ, or does not want to. */
enum join_answer join_refuse(struct joins *joins, const char *code);

/* Describes one, or all of one side (an array). Return owned. */
struct value *join_value(const struct join *join);
struct value *joins_value(const struct joins *joins, bool is_caller);

/* The directory was replaced: who waits for a vote may be a member now. */
void joins_directory_changed(struct joins *joins);
void joins_beat(struct joins *joins, uint64_t now_ms);
bool joins_is_waiting(const struct joins *joins);
/* Ends all dialogues. */
void joins_stop(struct joins *joins);

#endif
