/*
 * The hybrid logical clock: 48 bits of milliseconds, 16 of counter. It orders
 * what is shown and breaks ties; it never gives or takes a right.
 */
#include <entente/entry.h>
#include <entente/limits.h>

#define MS_MAX ((UINT64_C(1) << 48) - 1)

/* PROTO §3.1: "The next of our own is the clock if that is later than the last,
 * else the last plus one." */
uint64_t
ent_hlc_next(uint64_t last, uint64_t now_ms)
{
    uint64_t now = (now_ms < MS_MAX ? now_ms : MS_MAX) << 16;

    if (now > last) {
        return now;
    }
    /* A full counter carries into the milliseconds. At the end of time it
     * stands still: it is advisory, and wrapping would reorder everything. */
    return last < UINT64_MAX ? last + 1 : last;
}

/* PROTO §3.1: "an hlc more than 5 minutes ahead never advances ours" */
uint64_t
ent_hlc_receive(uint64_t last, uint64_t seen, uint64_t now_ms)
{
    uint64_t ms = ent_hlc_ms(seen);

    if (seen <= last || (ms > now_ms && ms - now_ms > ENT_SKEW_MS)) {
        return last;
    }
    return seen;
}
