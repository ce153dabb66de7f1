/*
 * A simulated world in which a test says what happens, one call a step. The
 * checkers are on: a finding ends the test program with 1.
 */
#ifndef TESTS_SIM_STORY_H
#define TESTS_SIM_STORY_H

#include "lib/cmocka.h"
#include "sim/sim_check.h"
#include "sim/sim_dial.h"
#include "sim/sim_fault.h"
#include "sim/sim_net.h"
#include "sim/sim_node.h"
#include "sim/sim_run.h"
#include "sim/sim_work.h"

#define STORY_JOIN_MS 3000u

/* A circle of `count` nodes that are proved equal. */
static inline struct sim_world *
story_begin(size_t count, const char *name)
{
    struct sim_world *world;
    unsigned i;

    sim_trace_begin(1, name, false);
    world = sim_world_new(1, count, 0);
    sim_work_found(world);
    for (i = 1; i < count; i++) {
        sim_work_invite(world, 0, i);
        sim_world_advance(world, STORY_JOIN_MS);
        sim_work_vote_all(world);
        sim_world_advance(world, STORY_JOIN_MS);
    }
    sim_run_settle(world);
    return world;
}

static inline uint64_t
story_entries(const struct sim_world *world, unsigned node)
{
    return sim_node_number(&world->nodes[node], "SELECT count(*) FROM entry");
}

/* All is whole again, and everything that must hold does. */
static inline void
story_end(struct sim_world *world)
{
    sim_fault_heal(world);
    sim_run_settle(world);
    sim_check_end(world);
    sim_world_free(world);
}

#endif
