/*
 * One seed from its beginning to its last check.
 */
#ifndef TESTS_SIM_RUN_H
#define TESTS_SIM_RUN_H

#include "sim/sim_world.h"

struct sim_plan {
    uint64_t seed;
    size_t nodes;
    uint64_t steps;
    unsigned faults; /* of enum sim_faults */
    bool is_loud;    /* the trace as it happens */
};

/* Time passes until everybody is proved equal with everybody; a finding when
 * that does not come. */
void sim_run_settle(struct sim_world *world);

/* Returns when nothing was found; ends the process otherwise. Adds to the
 * counters; the trace hash is sim_trace_hash(). `replay` is borrowed. */
void sim_run(const struct sim_plan *plan, const char *replay,
             struct sim_counters *ret_count);

#endif
