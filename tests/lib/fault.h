/*
 * Faults on purpose: a countdown that a test places in front of an operation.
 * The n-th call fails, once, a number of times, or for ever. Run a test with
 * n = 0, 1, 2, … until it passes without the fault having struck: then every
 * call of it has failed once.
 */
#ifndef TESTS_LIB_FAULT_H
#define TESTS_LIB_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#define TEST_FAULT_FOR_EVER UINT32_MAX

/* Zeroed is a fault that never strikes. */
struct test_fault {
    uint32_t countdown; /* calls that pass before the first failure */
    uint32_t repeat;    /* how often it strikes then */
    uint32_t struck;    /* how often it has */
    bool is_paused;     /* calls pass and are not counted */
};

/* Lets `countdown` calls pass and the next `repeat` ones fail. */
void test_fault_init(struct test_fault *f, uint32_t countdown, uint32_t repeat);

/* One call of the operation. Returns true when this one shall fail. */
bool test_fault_tick(struct test_fault *f);

#endif
