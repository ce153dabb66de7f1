/*
 * The simulator's chance: splitmix64 from the seed, and nothing else.
 */
#ifndef TESTS_SIM_RANDOM_H
#define TESTS_SIM_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

static inline uint64_t
sim_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static inline uint64_t
sim_below(uint64_t *state, uint64_t limit)
{
    return sim_random(state) % limit;
}

/* True once in `n`. */
static inline bool
sim_chance(uint64_t *state, uint64_t n)
{
    return sim_random(state) % n == 0;
}

#endif
