/*
 * Clocks and randomness: the only module of the node that reads either.
 * Everything else is told the time, or asks here.
 */
#ifndef NODE_CLOCK_H
#define NODE_CLOCK_H

#include <entente/crypto.h>

/* Milliseconds since 1970 UTC, as this machine believes. */
uint64_t clock_wall_ms(void);

/* Milliseconds that only ever grow; for waiting and for measuring. */
uint64_t clock_mono_ms(void);

#define CLOCK_TEXT_LEN 24u /* "2026-11-23T00:00:00.000Z" */

/* Writes `wall_ms` as text with a NUL: ret_text has CLOCK_TEXT_LEN + 1. */
void clock_text(uint64_t wall_ms, char ret_text[CLOCK_TEXT_LEN + 1]);

/* Fills `ret_p` from the kernel. Panics when there is no randomness. */
void clock_random(void *ret_p, size_t len);

/* A seed for one generator or one link. */
void clock_seed(struct ent_key *ret_seed);

#endif
