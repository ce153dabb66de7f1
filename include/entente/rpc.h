/*
 * Local calls: msgpack-RPC over the daemon's Unix socket. The contract that
 * the daemon and the command line share.
 *
 * Each message is a u32 length (big endian, at most ENT_RPC_BYTES_MAX) and
 * then msgpack: request [0, id, method, params], response [1, id, error,
 * result], notification [2, method, params] (progress and events).
 * An error is {"code": "situation.no-basis", "exit": 1, "text": sentence,
 * "hint": what to do next}; exits are those of docs/guide.md.
 */
#ifndef ENTENTE_RPC_H
#define ENTENTE_RPC_H

#include <entente/value.h>

/* Exit codes of the command line. */
enum ent_exit {
    ENT_EXIT_DONE = 0,
    ENT_EXIT_REFUSED = 1, /* by a rule, which is named */
    ENT_EXIT_USAGE = 2,
    ENT_EXIT_NO_DAEMON = 3,
    ENT_EXIT_NOT_AUTHORISED = 4,
    ENT_EXIT_NOT_FOUND = 5,
    ENT_EXIT_STORE = 6,
};

enum rpc_kind { RPC_REQUEST = 0, RPC_RESPONSE = 1, RPC_NOTIFY = 2 };

struct rpc_message {
    enum rpc_kind kind;
    uint64_t id;          /* request, response */
    char method[64];      /* request, notification */
    struct value *params; /* request, notification; owned */
    struct value *error;  /* response; owned; NULL when it went well */
    struct value *result; /* response; owned */
};

/* Appends one framed message; takes nothing. */
void rpc_encode(const struct rpc_message *msg, struct ent_buf *out);
/* ENT_WANT_MORE until a whole message is there; then ENT_OK with `*ret_used`
 * bytes taken. ENT_PEER_MALFORMED, ENT_PEER_TOO_BIG. Release it with
 * rpc_message_release. */
ENT_MUST_USE enum ent_status rpc_decode(struct ent_slice in,
                                        struct rpc_message *ret_msg,
                                        size_t *ret_used);
void rpc_message_release(struct rpc_message *msg);

/* The socket's name inside a node's folder. */
#define RPC_SOCKET_NAME "entented.sock"

#endif
