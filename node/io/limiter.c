/* Counts and token buckets by prefix, in a table of fixed size. */
#include "io/limiter.h"

#include <stdlib.h>

#define PREFIXES_MAX 256u
#define MILLI 1000u /* a token in thousandths */

struct slot {
    struct address_prefix prefix;
    bool is_taken;
    unsigned half_open;
    uint64_t tokens; /* thousandths */
    uint64_t seen_ms;
};

struct limiter {
    struct limiter_config config;
    unsigned half_open;
    struct slot slots[PREFIXES_MAX];
};

const char *
limiter_answer_name(enum limiter_answer answer)
{
    switch (answer) {
    case LIMITER_YES:
        return "yes";
    case LIMITER_FULL:
        return "half-open-full";
    case LIMITER_PREFIX:
        return "half-open-prefix";
    case LIMITER_RATE:
        return "rate";
    }
    return "unknown";
}

struct limiter *
limiter_new(const struct limiter_config *config)
{
    struct limiter *limiter = ent_alloc_zero(1, sizeof(*limiter));

    limiter->config = *config;
    return limiter;
}

void
limiter_free(struct limiter *limiter)
{
    free(limiter);
}

static struct slot *
find(struct limiter *limiter, const struct address_prefix *prefix)
{
    for (size_t i = 0; i < PREFIXES_MAX; i++) {
        struct slot *slot = &limiter->slots[i];

        if (slot->is_taken &&
            memcmp(&slot->prefix, prefix, sizeof(*prefix)) == 0) {
            return slot;
        }
    }
    return NULL;
}

/* A free slot, or the quietest one with nothing half-open; NULL when every
 * prefix in the table has something half-open. */
static struct slot *
find_room(struct limiter *limiter)
{
    struct slot *best = NULL;

    for (size_t i = 0; i < PREFIXES_MAX; i++) {
        struct slot *slot = &limiter->slots[i];

        if (!slot->is_taken) {
            return slot;
        }
        if (slot->half_open == 0 &&
            (best == NULL || slot->seen_ms < best->seen_ms)) {
            best = slot;
        }
    }
    return best;
}

static void
refill(const struct limiter *limiter, struct slot *slot, uint64_t now_ms)
{
    uint64_t full = (uint64_t)limiter->config.burst * MILLI;
    uint64_t passed = now_ms > slot->seen_ms ? now_ms - slot->seen_ms : 0;
    uint64_t missing = full - slot->tokens;

    ENT_ASSERT(slot->tokens <= full);
    if (limiter->config.rate > 0 && passed > missing / limiter->config.rate) {
        slot->tokens = full;
    } else {
        slot->tokens += passed * limiter->config.rate;
    }
    slot->seen_ms = now_ms;
}

static struct slot *
find_or_make(struct limiter *limiter, const struct address_prefix *prefix,
             uint64_t now_ms)
{
    struct slot *slot = find(limiter, prefix);

    if (slot != NULL) {
        refill(limiter, slot, now_ms);
        return slot;
    }
    slot = find_room(limiter);
    if (slot != NULL) {
        *slot = (struct slot){
            .prefix = *prefix,
            .is_taken = true,
            .tokens = (uint64_t)limiter->config.burst * MILLI,
            .seen_ms = now_ms,
        };
    }
    return slot;
}

enum limiter_answer
limiter_enter(struct limiter *limiter, const struct address_prefix *prefix,
              uint64_t now_ms)
{
    struct slot *slot = find_or_make(limiter, prefix, now_ms);

    if (slot == NULL || limiter->half_open >= limiter->config.half_open_max) {
        return LIMITER_FULL;
    }
    if (slot->half_open >= limiter->config.half_open_prefix_max) {
        return LIMITER_PREFIX;
    }
    if (slot->tokens < MILLI) {
        return LIMITER_RATE;
    }
    slot->tokens -= MILLI;
    slot->half_open++;
    limiter->half_open++;
    return LIMITER_YES;
}

void
limiter_leave(struct limiter *limiter, const struct address_prefix *prefix)
{
    struct slot *slot = find(limiter, prefix);

    /* A slot with something half-open is never given away. */
    ENT_ASSERT(slot != NULL && slot->half_open > 0);
    ENT_ASSERT(limiter->half_open > 0);
    slot->half_open--;
    limiter->half_open--;
}

unsigned
limiter_half_open(const struct limiter *limiter)
{
    return limiter->half_open;
}
