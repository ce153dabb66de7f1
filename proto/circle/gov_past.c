/*
 * Pasts: interned vectors, kept as differences.
 *
 * A past is a parent and the pairs that differ; after DEPTH_MAX steps the
 * vector is written out, so that a lookup walks a bounded way and a long
 * history of many logs costs some bytes an entry. What happens all the time
 * is cheap: adding an entry writes one pair; joining a past with itself or
 * with one of its parents writes nothing; the last joins are remembered.
 */
#include "circle/govstate.h"

#include <stdlib.h>

#define DEPTH_MAX 31u
#define BUCKETS_MIN 16u

/* Vectors hash as the sum of their pairs, so a difference is enough. An
 * equal hash is never taken for equality. */
static uint64_t
hash_pair(uint32_t chain, uint32_t nth)
{
    uint64_t x = (uint64_t)chain << 32 | nth;

    if (nth == 0) {
        return 0;
    }
    x += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static uint32_t
bucket_of(const struct ent_gov *gov, uint64_t hash)
{
    return (uint32_t)hash & (gov->past_bucket_count - 1);
}

static void
reserve_buckets(struct ent_gov *gov)
{
    uint32_t i;

    if (gov->pasts_count < gov->past_bucket_count) {
        return;
    }
    gov->past_bucket_count =
        gov->past_bucket_count > 0 ? gov->past_bucket_count * 2 : BUCKETS_MIN;
    gov->past_buckets = ent_realloc(
        gov->past_buckets, gov->past_bucket_count * sizeof(*gov->past_buckets));
    memset(gov->past_buckets, 0xff,
           gov->past_bucket_count * sizeof(*gov->past_buckets));
    for (i = 0; i < gov->pasts_count; i++) {
        uint32_t bucket = bucket_of(gov, gov->pasts[i].hash);

        gov->pasts[i].next_of_hash = gov->past_buckets[bucket];
        gov->past_buckets[bucket] = i;
    }
}

/* Appends a past and enters it by its hash. */
static uint32_t
push_past(struct ent_gov *gov, const struct gov_past *past)
{
    uint32_t bucket;
    uint32_t place;

    reserve_buckets(gov);
    place = GOV_PUSH(gov, pasts);
    gov->pasts[place] = *past;
    bucket = bucket_of(gov, past->hash);
    gov->pasts[place].next_of_hash = gov->past_buckets[bucket];
    gov->past_buckets[bucket] = place;
    return place;
}

void
gov_past_init(struct ent_gov *gov)
{
    struct gov_past empty = {.parent = ENT_PAST_EMPTY, .rep = ENT_PAST_EMPTY};
    uint32_t place = push_past(gov, &empty);

    ENT_ASSERT(place == ENT_PAST_EMPTY);
}

/* The nth of `chain` among the past's own pairs, or 0. */
static uint32_t
own_count(const struct ent_gov *gov, const struct gov_past *p, uint32_t chain)
{
    const struct gov_loc *pairs = gov->pairs + p->first;
    uint32_t low = 0;
    uint32_t high = p->pair_count;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (pairs[mid].chain == chain) {
            return pairs[mid].nth;
        }
        if (pairs[mid].chain < chain) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return 0;
}

bool
gov_past_has(const struct ent_gov *gov, uint32_t past, struct gov_loc loc)
{
    uint32_t nth = 0;

    while (past != ENT_PAST_EMPTY && nth == 0) {
        nth = own_count(gov, &gov->pasts[past], loc.chain);
        past = gov->pasts[past].parent;
    }
    return nth >= loc.nth;
}

/* Counts never shrink from parent to child, so the largest one stands. */
static void
fill_counts(const struct ent_gov *gov, uint32_t past, uint32_t *counts)
{
    memset(counts, 0, gov->chains_count * sizeof(*counts));
    while (past != ENT_PAST_EMPTY) {
        const struct gov_past *p = &gov->pasts[past];
        uint32_t i;

        for (i = 0; i < p->pair_count; i++) {
            struct gov_loc pair = gov->pairs[p->first + i];

            if (counts[pair.chain] < pair.nth) {
                counts[pair.chain] = pair.nth;
            }
        }
        past = p->parent;
    }
}

const uint32_t *
gov_past_load(const struct ent_gov *gov, uint32_t past)
{
    struct gov_cache *cache = gov->cache;

    ENT_ASSERT(past < gov->pasts_count);
    if (cache->counts_cap < gov->chains_count || cache->counts == NULL) {
        free(cache->counts);
        cache->counts_cap = gov->chains_cap + 1;
        /* Zeroed: a chain that begins later is in no past loaded now. */
        cache->counts =
            ent_alloc_zero(cache->counts_cap, sizeof(*cache->counts));
        cache->loaded = GOV_NONE;
    }
    if (cache->loaded != past) {
        fill_counts(gov, past, cache->counts);
        cache->loaded = past;
    }
    return cache->counts;
}

static void
push_pair(struct ent_gov *gov, uint32_t chain, uint32_t nth)
{
    uint32_t at = GOV_PUSH(gov, pairs);

    gov->pairs[at] = (struct gov_loc){chain, nth};
}

uint32_t
gov_past_add(struct ent_gov *gov, uint32_t past, struct gov_loc loc)
{
    const struct gov_past *old = &gov->pasts[past];
    struct gov_past p = {
        .hash = old->hash + hash_pair(loc.chain, loc.nth) -
                hash_pair(loc.chain, loc.nth - 1),
        .parent = past,
        .first = gov->pairs_count,
        .depth = old->depth + 1,
        .size = old->size + 1,
        .rep = GOV_NONE,
    };
    const uint32_t *counts;
    uint32_t chain;

    if (p.depth <= DEPTH_MAX && past != ENT_PAST_EMPTY) {
        push_pair(gov, loc.chain, loc.nth);
    } else {
        counts = gov_past_load(gov, past);
        p.parent = ENT_PAST_EMPTY;
        p.depth = 0;
        for (chain = 0; chain < gov->chains_count; chain++) {
            uint32_t nth = chain == loc.chain ? loc.nth : counts[chain];

            if (nth > 0) {
                push_pair(gov, chain, nth);
            }
        }
    }
    p.pair_count = gov->pairs_count - p.first;
    return push_past(gov, &p);
}

static bool
is_parent(const struct ent_gov *gov, uint32_t parent, uint32_t past)
{
    while (past > parent) { /* parents have smaller numbers */
        past = gov->pasts[past].parent;
    }
    return past == parent;
}

/* Is all of `past` within `counts`? */
static bool
is_within(const struct ent_gov *gov, uint32_t past, const uint32_t *counts)
{
    while (past != ENT_PAST_EMPTY) {
        const struct gov_past *p = &gov->pasts[past];
        uint32_t i;

        for (i = 0; i < p->pair_count; i++) {
            struct gov_loc pair = gov->pairs[p->first + i];

            if (counts[pair.chain] < pair.nth) {
                return false;
            }
        }
        past = p->parent;
    }
    return true;
}

/* A known past that is the union of `a` and `b`, given their counts. */
static uint32_t
find_union(const struct ent_gov *gov, uint64_t hash, const uint32_t *a,
           const uint32_t *b)
{
    uint32_t *counts = ent_alloc(gov->chains_count * sizeof(*counts));
    uint32_t at = gov->past_buckets[bucket_of(gov, hash)];

    for (; at != GOV_NONE; at = gov->pasts[at].next_of_hash) {
        uint32_t i = 0;

        if (gov->pasts[at].hash != hash) {
            continue;
        }
        fill_counts(gov, at, counts);
        while (i < gov->chains_count &&
               counts[i] == (a[i] > b[i] ? a[i] : b[i])) {
            i++;
        }
        if (i == gov->chains_count) {
            break;
        }
    }
    free(counts);
    return at;
}

/* The union as a difference from `base`, whose counts are `b`; written out
 * when that is not much longer. */
static uint32_t
push_union(struct ent_gov *gov, uint32_t base, const uint32_t *a,
           const uint32_t *b)
{
    struct gov_past p = gov->pasts[base];
    uint32_t differ = 0;
    bool is_whole;
    uint32_t i;

    for (i = 0; i < gov->chains_count; i++) {
        if (a[i] > b[i]) {
            p.hash += hash_pair(i, a[i]) - hash_pair(i, b[i]);
            p.size += a[i] - b[i];
            differ++;
        }
    }
    is_whole = p.depth == DEPTH_MAX || differ > gov->chains_count / 4;
    p.parent = is_whole ? ENT_PAST_EMPTY : base;
    p.depth = is_whole ? 0 : p.depth + 1;
    p.rep = GOV_NONE;
    i = find_union(gov, p.hash, a, b);
    if (i != GOV_NONE) {
        return i;
    }
    p.first = gov->pairs_count;
    for (i = 0; i < gov->chains_count; i++) {
        uint32_t nth = a[i] > b[i] ? a[i] : b[i];

        if (nth > 0 && (is_whole || a[i] > b[i])) {
            push_pair(gov, i, nth);
        }
    }
    p.pair_count = gov->pairs_count - p.first;
    return push_past(gov, &p);
}

static uint32_t
join(struct ent_gov *gov, uint32_t a, uint32_t b)
{
    const uint32_t *b_counts = gov_past_load(gov, b);
    uint32_t *a_counts;
    uint32_t sum;

    if (is_within(gov, a, b_counts)) {
        return b;
    }
    a_counts = ent_alloc(gov->chains_count * sizeof(*a_counts));
    fill_counts(gov, a, a_counts);
    if (is_within(gov, b, a_counts)) {
        sum = a;
    } else {
        sum = push_union(gov, b, a_counts, b_counts);
    }
    free(a_counts);
    return sum;
}

uint32_t
gov_past_join(struct ent_gov *gov, uint32_t a, uint32_t b)
{
    struct gov_join *memo;

    ENT_ASSERT(a < gov->pasts_count && b < gov->pasts_count);
    if (a > b) { /* one order, so that the numbers do not depend on it */
        uint32_t swap = a;

        a = b;
        b = swap;
    }
    if (is_parent(gov, a, b)) {
        return b;
    }
    memo = &gov->cache->joins[(a * 31u + b) % GOV_JOINS];
    if (memo->a != a || memo->b != b || memo->sum == ENT_PAST_EMPTY) {
        *memo = (struct gov_join){a, b, join(gov, a, b)};
    }
    return memo->sum;
}
