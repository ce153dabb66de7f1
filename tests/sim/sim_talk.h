/*
 * A session over a simulated connection, and its effects carried out: what
 * node/io/exchange.c and node/io/effects.c are in the daemon, with the same
 * order of things, on a simulated clock.
 */
#ifndef TESTS_SIM_TALK_H
#define TESTS_SIM_TALK_H

#include "sim/sim_world.h"

/* A session to be, under the secret at `secret_index` of the peer's row; what
 * the store says of both is read now. Returns owned: sim_talk_start takes it,
 * or sim_talk_free. */
struct sim_talk *sim_talk_new(struct sim_world *world, unsigned node,
                              unsigned peer, const struct directory_peer *row,
                              size_t secret_index);
void sim_talk_free(struct sim_talk *talk);

/* The link stands. `hello` is empty at the caller. */
void sim_talk_start(struct sim_world *world, struct sim_talk *talk,
                    struct sim_conn *conn, const uint8_t hash[32],
                    struct ent_slice hello);
struct sim_talk *sim_talk_find(struct sim_world *world, uint64_t id);

void sim_talk_message(struct sim_world *world, uint64_t id, uint8_t type,
                      struct ent_slice body, const struct ent_id *truth);
void sim_talk_step(struct sim_world *world, uint64_t id,
                   struct ent_session_event *event);
/* The connection is gone: keeps how it ended, and frees. */
void sim_talk_closed(struct sim_world *world, uint64_t id);
/* Says BYE, if there is such a session. */
void sim_talk_stop(struct sim_world *world, uint64_t id, enum ent_bye bye);

/* All live sessions of a node: one event for each. */
void sim_talk_all(struct sim_world *world, unsigned node,
                  const struct ent_session_event *event);
/* A session that is limited, or with somebody who is no peer any more, ends. */
void sim_talk_review(struct sim_world *world, unsigned node, unsigned peer);
/* Quiet and proved, about everything. */
bool sim_talk_is_proved(struct sim_world *world, uint64_t id);
/* What is not in use any more, when the node's power went. */
void sim_talk_forget_node(struct sim_world *world, unsigned node);

#endif
