/*
 * Calling peers and the beat of a simulated node, as node/io/dial.c and
 * node/node.c do it.
 */
#ifndef TESTS_SIM_DIAL_H
#define TESTS_SIM_DIAL_H

#include "sim/sim_world.h"

/* Reads the directory again; whoever can be called differently is called. */
void sim_dial_directory(struct sim_world *world, unsigned node);
/* The first beat of a life. */
void sim_dial_begin(struct sim_world *world, unsigned node);
/* Calls everybody at once, however long it was to wait. */
void sim_dial_now(struct sim_world *world, unsigned node);

#endif
