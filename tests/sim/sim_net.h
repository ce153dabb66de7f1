/*
 * Connections between simulated nodes. Messages of one direction keep their
 * order, with a delay each; between connections nothing is ordered. Loss is a
 * connection that is cut, with all that was under way on it; a half-open one
 * still takes what one end sends and delivers nothing.
 */
#ifndef TESTS_SIM_NET_H
#define TESTS_SIM_NET_H

#include "sim/sim_world.h"

/* Calls `peer` with the secret that is due. How it ends stands in the peer's
 * `end`, or a session has begun. */
void sim_net_call(struct sim_world *world, unsigned node, unsigned peer);

struct sim_conn *sim_net_find(struct sim_world *world, uint64_t id);

/* Sends a message to the other end. `truth` goes with a PROOF: what the
 * checkers compare. Borrows all. */
void sim_net_send(struct sim_world *world, struct sim_conn *conn, unsigned end,
                  const struct ent_session_effect *fx,
                  const struct ent_id *truth);
/* The end has said all: the other hears of it after what was sent. */
void sim_net_finish(struct sim_world *world, struct sim_conn *conn,
                    unsigned end);
/* Cut: both ends hear of it soon, and nothing under way arrives. */
void sim_net_cut(struct sim_world *world, struct sim_conn *conn);
/* The power of a node went: its connections are gone without a word. */
void sim_net_forget_node(struct sim_world *world, unsigned node);

/* May the two reach each other now? */
bool sim_net_is_open(const struct sim_world *world, unsigned a, unsigned b);
/* Cuts what crosses the present partition. */
void sim_net_partition(struct sim_world *world, uint32_t side);
void sim_net_free(struct sim_world *world);

#endif
