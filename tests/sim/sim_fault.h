/*
 * What goes wrong in the simulated world, by the kinds of fault switched on.
 */
#ifndef TESTS_SIM_FAULT_H
#define TESTS_SIM_FAULT_H

#include "sim/sim_world.h"

/* Perhaps something goes wrong now. */
void sim_fault_step(struct sim_world *world);
/* Everything is whole again: network, power; clocks stay as they are. */
void sim_fault_heal(struct sim_world *world);

#endif
