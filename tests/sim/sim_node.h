/*
 * A simulated node: the real engine over its simulated disk, one writer with
 * group commit, and the calling of peers as node/io/dial.c does it. Its power
 * may go between two events, or in the middle of a commit.
 */
#ifndef TESTS_SIM_NODE_H
#define TESTS_SIM_NODE_H

#include "sim/sim_world.h"

/* Makes a new node with its store and starts it. */
void sim_node_make(struct sim_world *world, unsigned node);
/* Starts one that is down. */
void sim_node_start(struct sim_world *world, unsigned node);
/* The power goes. Does nothing when it is down. */
void sim_node_crash(struct sim_world *world, unsigned node);
/* Closes the store in order; the network hears nothing. */
void sim_node_stop(struct sim_world *world, unsigned node);
/* Frees what is left of one that is down. */
void sim_node_release(struct sim_node *n);

/* A transaction of its own, and what follows by itself. False when the power
 * went in it (or the node was down): then nobody was told of it. */
bool sim_node_write(struct sim_world *world, unsigned node,
                    void (*write)(struct engine *engine, void *arg), void *arg);

/* Gives a run (or a write) to the writer; takes it. */
void sim_node_post(struct sim_world *world, unsigned node, struct sim_run *run);
void sim_node_run_free(struct sim_run *run);

/* The highest change number of its store; it is up. */
uint64_t sim_node_top(const struct sim_node *n);
/* One number of one row of its store. */
uint64_t sim_node_number(const struct sim_node *n, const char *sql);

#endif
