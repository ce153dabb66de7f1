/*
 * What the people of the simulated structures do: found a circle, invite, vote,
 * draft and offer situations, answer, reveal, conclude, and write into the
 * same records at the same time.
 */
#ifndef TESTS_SIM_WORK_H
#define TESTS_SIM_WORK_H

#include "sim/sim_world.h"

/* Node 0 founds the circle. */
void sim_work_found(struct sim_world *world);
/* Somebody does something, if there is something to do. */
void sim_work_step(struct sim_world *world);
/* Everybody votes yes for whatever is open. */
void sim_work_vote_all(struct sim_world *world);
/* Who was let in and does not know it is invited again: its power went while
 * it joined a second time, and only one of the two kept the new secret. */
void sim_work_help_in(struct sim_world *world);
/* The node writes into one of a few records, of the circle or of a space. */
void sim_work_edit(struct sim_world *world, unsigned node);
/* `inviter` invites `newcomer`, and both confirm. */
void sim_work_invite(struct sim_world *world, unsigned inviter,
                     unsigned newcomer);

#endif
