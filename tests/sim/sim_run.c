/* One seed: see sim_run.h. */
#include "sim/sim_run.h"

#include "sim/sim_check.h"
#include "sim/sim_fault.h"
#include "sim/sim_work.h"

#define STEP_MS 60u
#define LONG_STEP_MS 3000u
#define SETTLE_MS (20u * 60u * 1000u)
#define SETTLE_STEP_MS 500u

static void
step(struct sim_world *world)
{
    bool is_long = sim_world_chance(world, 40);

    sim_world_advance(world,
                      sim_world_below(world, is_long ? LONG_STEP_MS : STEP_MS));
    sim_work_step(world);
    sim_fault_step(world);
    if (sim_world_chance(world, 100)) {
        unsigned node = (unsigned)sim_world_below(world, world->node_count);

        if (world->nodes[node].engine != NULL &&
            world->nodes[node].unheard == 0) {
            sim_check_rebuild(world, node);
        }
    }
    if (sim_world_chance(world, 50)) {
        sim_check_entitled(world);
    }
}

void
sim_run_settle(struct sim_world *world)
{
    uint64_t until = world->now_ms + SETTLE_MS;

    do {
        if (world->now_ms > until) {
            sim_check_tell_unsettled(world);
            sim_finding("not settled in %u s of a whole network",
                        SETTLE_MS / 1000u);
        }
        sim_world_advance(world, SETTLE_STEP_MS);
    } while (!sim_check_is_settled(world));
}

void
sim_run(const struct sim_plan *plan, const char *replay,
        struct sim_counters *ret_count)
{
    struct sim_world *world;
    uint64_t i;

    sim_trace_begin(plan->seed, replay, plan->is_loud);
    world = sim_world_new(plan->seed, plan->nodes, plan->faults);
    sim_work_found(world);
    for (i = 0; i < plan->steps; i++) {
        step(world);
    }
    sim_fault_heal(world);
    sim_work_help_in(world);
    sim_run_settle(world);
    sim_check_end(world);
    *ret_count = world->count;
    sim_world_free(world);
}
