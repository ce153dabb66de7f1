/*
 * Arrays, and the indexes from ids to places in them.
 */
#include "circle/govstate.h"

#include <stdlib.h>

#define SLOTS_MIN 8u

void *
gov_grow(void *p, uint32_t *cap, uint32_t count, size_t size)
{
    ENT_ASSERT(count <= *cap && count < UINT32_MAX / 2);
    if (count < *cap) {
        return p;
    }
    *cap = *cap > 0 ? *cap * 2 : 4;
    return ent_realloc(p, *cap * size);
}

/* An array whose elements begin with their id, and its index. */
struct table {
    const void *base;
    size_t stride;
};

static const struct ent_id *
id_at(struct table t, uint32_t place)
{
    return (const struct ent_id *)((const uint8_t *)t.base + place * t.stride);
}

/* Ids are hashes or keys: any of their bytes are as good as a hash. */
static uint32_t
slot_of(const struct gov_index *x, const struct ent_id *id)
{
    return ent_get_u32(id->b + 8) & (x->cap - 1);
}

static uint32_t
index_find(const struct gov_index *x, struct table t, const struct ent_id *id)
{
    uint32_t at;

    if (x->cap == 0) {
        return GOV_NONE;
    }
    for (at = slot_of(x, id); x->slots[at] != GOV_NONE;
         at = (at + 1) & (x->cap - 1)) {
        if (ent_id_eq(id_at(t, x->slots[at]), id)) {
            return x->slots[at];
        }
    }
    return GOV_NONE;
}

static void
index_put(struct gov_index *x, const struct ent_id *id, uint32_t place)
{
    uint32_t at = slot_of(x, id);

    while (x->slots[at] != GOV_NONE) {
        at = (at + 1) & (x->cap - 1);
    }
    x->slots[at] = place;
    x->used++;
}

/* Doubles the slots when they are half full. */
static void
index_reserve(struct gov_index *x, struct table t)
{
    uint32_t *old = x->slots;
    uint32_t old_cap = x->cap;
    uint32_t i;

    if (2 * (x->used + 1) <= x->cap) {
        return;
    }
    x->cap = old_cap > 0 ? old_cap * 2 : SLOTS_MIN;
    x->used = 0;
    x->slots = ent_alloc(x->cap * sizeof(*x->slots));
    memset(x->slots, 0xff, x->cap * sizeof(*x->slots));
    for (i = 0; i < old_cap; i++) {
        if (old[i] != GOV_NONE) {
            index_put(x, id_at(t, old[i]), old[i]);
        }
    }
    free(old);
}

static struct table
node_table(const struct ent_gov *gov)
{
    return (struct table){gov->nodes, sizeof(*gov->nodes)};
}

static struct table
motion_table(const struct ent_gov *gov)
{
    return (struct table){gov->motions, sizeof(*gov->motions)};
}

static struct table
ballot_table(const struct ent_gov *gov)
{
    return (struct table){gov->ballots, sizeof(*gov->ballots)};
}

uint32_t
gov_node_find(const struct ent_gov *gov, const struct ent_id *id)
{
    return index_find(&gov->node_index, node_table(gov), id);
}

uint32_t
gov_motion_find(const struct ent_gov *gov, const struct ent_id *id)
{
    return index_find(&gov->motion_index, motion_table(gov), id);
}

uint32_t
gov_ballot_find(const struct ent_gov *gov, const struct ent_id *id)
{
    return index_find(&gov->ballot_index, ballot_table(gov), id);
}

uint32_t
gov_node(struct ent_gov *gov, const struct ent_id *id)
{
    uint32_t place = gov_node_find(gov, id);

    if (place != GOV_NONE) {
        return place;
    }
    place = GOV_PUSH(gov, nodes);
    gov->nodes[place] = (struct gov_node){
        .id = *id,
        .chains = GOV_NONE,
        .starts = GOV_NONE,
        .changes = GOV_NONE,
        .removals = GOV_NONE,
    };
    index_reserve(&gov->node_index, node_table(gov));
    index_put(&gov->node_index, id, place);
    return place;
}

uint32_t
gov_motion_add(struct ent_gov *gov, const struct ent_id *id)
{
    uint32_t place;

    ENT_ASSERT(gov_motion_find(gov, id) == GOV_NONE);
    place = GOV_PUSH(gov, motions);
    gov->motions[place] = (struct gov_motion){.id = *id};
    index_reserve(&gov->motion_index, motion_table(gov));
    index_put(&gov->motion_index, id, place);
    return place;
}

uint32_t
gov_ballot_add(struct ent_gov *gov, const struct ent_id *id)
{
    uint32_t place;

    ENT_ASSERT(gov_ballot_find(gov, id) == GOV_NONE);
    place = GOV_PUSH(gov, ballots);
    gov->ballots[place] = (struct gov_ballot){.id = *id};
    index_reserve(&gov->ballot_index, ballot_table(gov));
    index_put(&gov->ballot_index, id, place);
    return place;
}
