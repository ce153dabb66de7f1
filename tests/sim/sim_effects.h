/*
 * A session's effects, carried out as node/io/effects.c does it: what is read
 * goes through the node's one reader in order, what is written through its
 * writer, and each answer comes back later as an event.
 */
#ifndef TESTS_SIM_EFFECTS_H
#define TESTS_SIM_EFFECTS_H

#include "sim/sim_world.h"

void sim_effect(struct sim_world *world, struct sim_talk *talk,
                const struct ent_session_effect *fx);

/* What sim_talk.c does for two of them. */
void sim_talk_ready(struct sim_world *world, struct sim_talk *talk,
                    const struct ent_session_effect *fx);
void sim_talk_close(struct sim_world *world, struct sim_talk *talk,
                    const struct ent_session_effect *fx);

#endif
