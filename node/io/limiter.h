/*
 * How many strangers at once: connections that have not shown who they are are
 * counted in all and by prefix, and each prefix has a token bucket. Pure: the
 * time comes in. Normative text: docs/protocol.md 4, "Before authentication".
 *
 * The table of prefixes has a fixed size. When it is full, the prefix that was
 * quiet longest and has nothing half-open is forgotten: by then its bucket is
 * full again, or nearly so.
 */
#ifndef NODE_IO_LIMITER_H
#define NODE_IO_LIMITER_H

#include "io/address.h"

struct limiter_config {
    unsigned half_open_max;        /* in all */
    unsigned half_open_prefix_max; /* of one prefix */
    unsigned rate;                 /* connections a second a prefix */
    unsigned burst;
};

enum limiter_answer {
    LIMITER_YES,
    LIMITER_FULL,   /* too many half-open in all */
    LIMITER_PREFIX, /* too many half-open of this prefix */
    LIMITER_RATE,   /* this prefix calls too often */
};
const char *limiter_answer_name(enum limiter_answer answer);

struct limiter;

/* Copies `config`. Returns owned: limiter_free. */
struct limiter *limiter_new(const struct limiter_config *config);
void limiter_free(struct limiter *limiter);

/* May one more of this prefix come in? LIMITER_YES counts it as half-open:
 * limiter_leave must follow, once. */
enum limiter_answer limiter_enter(struct limiter *limiter,
                                  const struct address_prefix *prefix,
                                  uint64_t now_ms);
/* It showed who it is, or it is gone. */
void limiter_leave(struct limiter *limiter,
                   const struct address_prefix *prefix);
unsigned limiter_half_open(const struct limiter *limiter);

#endif
