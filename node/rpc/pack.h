/*
 * The second and last msgpack door, for local calls only: value trees to
 * msgpack and back (docs/protocol.md 1, with maps, booleans and float64).
 * rpc.c needs one level more than value.h allows: its envelope.
 */
#ifndef ENTENTE_NODE_RPC_PACK_H
#define ENTENTE_NODE_RPC_PACK_H

#include <entente/value.h>

/* One level for the message's own array. */
#define PACK_DEPTH_MAX (VALUE_DEPTH_MAX + 1u)

/* Reads one tree that takes up all of `bytes` (borrowed). ENT_PEER_MALFORMED,
 * ENT_PEER_TOO_BIG, ENT_PEER_TOO_DEEP (over `depth_max`, itself at most
 * PACK_DEPTH_MAX). Returns owned: value_free. */
ENT_MUST_USE enum ent_status pack_read(struct ent_slice bytes, size_t depth_max,
                                       struct value **ret_v);

#endif
