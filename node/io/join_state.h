/*
 * The inside of a join, shared by join.c (its life, and what people do) and
 * join_talk.c (its messages and the store's part). Nobody else includes it.
 */
#ifndef NODE_IO_JOIN_STATE_H
#define NODE_IO_JOIN_STATE_H

#include "io/join.h"

#include <entente/session.h>

#define JOIN_MAGIC 0x4a4f494eu

struct join {
    unsigned magic;
    struct io *io;
    struct join *next;
    uint8_t id[8];
    bool is_caller;
    enum join_state state;
    struct conn *conn;
    size_t job_count;
    struct directory_ticket ticket; /* caller */
    uint8_t invitation[8];          /* callee */
    struct ent_id circle;
    struct ent_key remote; /* the other side's transport key */
    size_t address_index;
    uint64_t retry_at; /* monotonic; caller without a connection */
    uint64_t begun_ms; /* monotonic */
    uint64_t begun_at; /* wall clock */
    struct ent_id commit;
    uint8_t r1[32];
    uint8_t r2[32];
    bool has_commit;
    bool has_r2;
    bool has_code;
    char code[JOIN_CODE_LEN + 1];
    struct ent_key pair_secret;
    bool is_confirmed_here;
    bool is_confirmed_there;
    bool is_storing; /* nothing of the connection is needed any more */
    bool is_member;  /* caller: the circle took us in */
    bool was_compared;
    unsigned wrong_count;
    struct ent_id node; /* of the other side, once its card came */
    char name[ENT_NAME_MAX + 1];
    char reason[48];
};

struct joins {
    struct io *io;
    struct join *first;
    size_t count;
};

/* DONE or FAILED. */
bool join_is_over(const struct join *join);
/* Moves, and says so in the log: `what` follows the join's id. */
void join_move(struct join *join, enum join_state state, const char *what);
/* Gives up with a reason and closes; nothing when it is over already. */
void join_fail(struct join *join, const char *reason);
/* Sends one array of the binary fields that have a pointer. */
void join_send(struct join *join, enum ent_msg_type type, struct ent_slice a,
               struct ent_slice b);
/* One side confirmed: goes on when both did. */
void join_confirmed(struct join *join);

/* What its connection tells; the owner is the join. */
extern const struct conn_events JOIN_EVENTS;

#endif
