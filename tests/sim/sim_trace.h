/*
 * What happened in the simulated world, line by line: a hash over all lines,
 * so that two runs of one seed can be compared, and the last lines for
 * somebody who looks for the cause of a finding.
 */
#ifndef TESTS_SIM_TRACE_H
#define TESTS_SIM_TRACE_H

#include <entente/base.h>

/* Begins the trace of a seed. `replay` is the command that plays it again
 * (borrowed for the run); lines go to stderr too if `is_loud`. */
void sim_trace_begin(uint64_t seed, const char *replay, bool is_loud);

/* The present time in front of each line, simulated milliseconds. */
void sim_trace_at(uint64_t now_ms);

/* One line, at most 160 bytes; more is cut. */
__attribute__((format(printf, 1, 2))) void sim_trace(const char *format, ...);

uint64_t sim_trace_hash(void);
uint64_t sim_trace_count(void);

/* A checker found something: prints it with the last 50 lines, the seed and
 * the command to play it again, and ends the process with 1. */
__attribute__((format(printf, 1, 2), noreturn)) void sim_finding(
    const char *format, ...);

/* FNV-1a over some bytes: short names for long things in the trace. */
uint32_t sim_trace_short(struct ent_slice bytes);

#endif
