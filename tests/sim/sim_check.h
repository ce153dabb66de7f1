/*
 * What must hold in the simulated world, whatever happens in it. Each check
 * ends the process with a finding when it does not.
 *
 *   always   a commit that returned survives a crash · what a session calls
 *            proved was equal (sim_effects.c) · caps of a session (sim_talk.c)
 *   at times views folded anew are the views that grew · nobody holds what it
 *            may not
 *   at the end, once the network is whole: everybody is proved equal with
 *            everybody in bounded time, holds the same, lost nothing, and saw
 *            no fork
 */
#ifndef TESTS_SIM_CHECK_H
#define TESTS_SIM_CHECK_H

#include "sim/sim_world.h"

/* A commit has returned: from now on it must survive. */
void sim_check_committed(struct sim_world *world, unsigned node);
/* A store was opened: is everything there? */
void sim_check_survived(struct sim_world *world, unsigned node);
/* A store was put back: what nobody has any more is lost, and may be. */
void sim_check_restored(struct sim_world *world, unsigned node);

/* The views of a node, folded anew. */
void sim_check_rebuild(struct sim_world *world, unsigned node);
/* Does anybody hold entries of a space that it was never granted? */
void sim_check_entitled(struct sim_world *world);
/* Whom anybody thinks a member of the circle (bits). All nodes are up. */
uint32_t sim_check_members(const struct sim_world *world);
/* Is everybody of the circle proved equal with everybody else? */
bool sim_check_is_settled(struct sim_world *world);
/* Traces who is not, and how its session stands. */
void sim_check_tell_unsettled(struct sim_world *world);
/* Everything, at the end of a settled world. */
void sim_check_end(struct sim_world *world);

#endif
