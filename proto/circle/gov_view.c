/*
 * From a past to roles and config.
 *
 * A gain holds in a set S when every loss in S of the same node and track is
 * in the past of the gain: so a loss beats what was concurrent with it, and
 * only what was proposed in its knowledge comes after it. Of several gains
 * that hold (a newer grant with another level), the one with the largest past
 * counts: it is never one that another has in its past. All of this is a
 * function of S.
 */
#include "circle/govstate.h"

#include <stdlib.h>

uint32_t
gov_change_add(struct gov_act *act, const struct gov_change *change)
{
    struct ent_gov *gov = act->gov;
    uint32_t place = GOV_PUSH(gov, changes);
    struct gov_change *c = &gov->changes[place];

    *c = *change;
    c->loc = act->loc;
    c->more = GOV_NONE;
    c->next_of_node = GOV_NONE;
    if (c->node != GOV_NONE) {
        struct gov_node *node = &gov->nodes[c->node];

        c->next_of_node = node->changes;
        node->changes = place;
        node->was_named = node->was_named || c->what == GOV_GAIN;
    }
    act->has_changed = true;
    return place;
}

void
gov_change_again(struct gov_act *act, uint32_t change)
{
    struct ent_gov *gov = act->gov;
    uint32_t place = GOV_PUSH(gov, mores);

    gov->mores[place] = (struct gov_more){act->loc, gov->changes[change].more};
    gov->changes[change].more = place;
    act->has_changed = true;
}

static bool
is_in_counts(const struct ent_gov *gov, const struct gov_change *c,
             const uint32_t *counts)
{
    uint32_t at;

    if (counts[c->loc.chain] >= c->loc.nth) {
        return true;
    }
    for (at = c->more; at != GOV_NONE; at = gov->mores[at].next) {
        if (counts[gov->mores[at].loc.chain] >= gov->mores[at].loc.nth) {
            return true;
        }
    }
    return false;
}

static bool
is_in_past(const struct ent_gov *gov, const struct gov_change *c, uint32_t past)
{
    uint32_t at;

    if (gov_past_has(gov, past, c->loc)) {
        return true;
    }
    for (at = c->more; at != GOV_NONE; at = gov->mores[at].next) {
        if (gov_past_has(gov, past, gov->mores[at].loc)) {
            return true;
        }
    }
    return false;
}

/* PROTO §2.3: "A gain **holds** in S when every loss in S of the same node and
 * track is in the gain's past". Does it know of every loss in the set, from
 * `from` on (newest first)? */
static bool
holds(const struct ent_gov *gov, const struct gov_change *gain, uint32_t from,
      const uint32_t *counts)
{
    uint32_t at;

    for (at = from; at != GOV_NONE; at = gov->changes[at].next_of_node) {
        const struct gov_change *c = &gov->changes[at];

        if (c->what == GOV_LOSS && (c->tracks & gain->tracks) != 0 &&
            is_in_counts(gov, c, counts) && !is_in_past(gov, c, gain->past)) {
            return false;
        }
    }
    return true;
}

/* PROTO §2.3: "Of several gains that hold, the one with the largest past
 * counts; of two with pasts of one size the one that gives the lesser role,
 * then the smaller id." Does `a` count before `b`? */
static bool
counts_before(const struct ent_gov *gov, const struct gov_change *a,
              const struct gov_change *b)
{
    uint32_t a_size = gov->pasts[a->past].size;
    uint32_t b_size = gov->pasts[b->past].size;
    int ids = ent_id_cmp(&a->id, &b->id);

    if (a_size != b_size) {
        return a_size > b_size;
    }
    if (a->role != b->role) {
        return a->role < b->role;
    }
    return ids != 0 ? ids < 0 : a->basis < b->basis;
}

/* The gain of a node that counts on one track, or NULL. */
static const struct gov_change *
find_gain(const struct ent_gov *gov, const struct gov_node *node,
          unsigned track, const uint32_t *counts)
{
    const struct gov_change *best = NULL;
    uint32_t at;

    for (at = node->changes; at != GOV_NONE;
         at = gov->changes[at].next_of_node) {
        const struct gov_change *c = &gov->changes[at];

        if ((c->tracks & track) == 0 || !is_in_counts(gov, c, counts)) {
            continue;
        }
        /* Changes stand in the order in which they were applied, so no gain
         * older than this loss can have it in its past. */
        if (c->what == GOV_LOSS) {
            break;
        }
        if ((best == NULL || counts_before(gov, c, best)) &&
            holds(gov, c, c->next_of_node, counts)) {
            best = c;
        }
    }
    return best;
}

/* The first seat whose node's id is not smaller. */
static uint32_t
seat_place(const struct ent_gov *gov, const struct gov_view *view,
           const struct ent_id *node)
{
    uint32_t low = 0;
    uint32_t high = view->seat_count;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (ent_id_cmp(&gov->nodes[view->seats[mid].node].id, node) < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

static void
seat_node(const struct ent_gov *gov, struct gov_view *view, uint32_t place,
          const uint32_t *counts)
{
    const struct gov_node *node = &gov->nodes[place];
    const struct gov_change *gain =
        find_gain(gov, node, GOV_TRACK_MEMBER, counts);
    uint32_t at;

    if (gain == NULL) {
        gain = find_gain(gov, node, GOV_TRACK_MODERATOR, counts);
    }
    if (gain == NULL) {
        return;
    }
    at = seat_place(gov, view, &node->id);
    memmove(&view->seats[at + 1], &view->seats[at],
            (view->seat_count - at) * sizeof(*view->seats));
    view->seats[at] = (struct gov_seat){place, gain->role, gain->basis};
    view->seat_count++;
    if (gain->role == ENT_ROLE_MEMBER) {
        view->voter_count++;
    }
}

static uint32_t
count_changes(const struct ent_gov *gov, const uint32_t *counts)
{
    uint32_t count = 0;
    uint32_t i;

    for (i = 0; i < gov->changes_count; i++) {
        if (is_in_counts(gov, &gov->changes[i], counts)) {
            count++;
        }
    }
    return count;
}

static void
build_view(const struct ent_gov *gov, uint32_t rep, struct gov_view *view)
{
    const uint32_t *counts = gov_past_load(gov, rep);
    uint32_t i;

    free(view->seats);
    *view = (struct gov_view){
        .rep = rep,
        .change_count = count_changes(gov, counts),
        .seats = ent_alloc(gov->nodes_count * sizeof(*view->seats)),
    };
    for (i = 0; i < gov->nodes_count; i++) {
        if (gov->nodes[i].was_named) {
            seat_node(gov, view, i, counts);
        }
    }
    view->seats =
        ent_realloc(view->seats, view->seat_count * sizeof(*view->seats));
}

const struct gov_view *
gov_view(const struct ent_gov *gov, uint32_t past)
{
    struct gov_view *view;
    uint32_t rep;

    ENT_ASSERT(past < gov->pasts_count);
    rep = gov->pasts[past].rep;
    ENT_ASSERT(rep < gov->pasts_count);
    view = &gov->cache->views[rep % GOV_VIEWS];
    if (view->rep != rep) {
        build_view(gov, rep, view);
    }
    return view;
}

static int
compare_ids(const void *a, const void *b)
{
    return ent_id_cmp(a, b);
}

static void
hash_config(const struct ent_gov *gov, struct gov_view *view)
{
    const uint32_t *counts = gov_past_load(gov, view->rep);
    struct ent_id *ids = ent_alloc(view->change_count * sizeof(*ids));
    struct ent_hasher h;
    uint32_t count = 0;
    uint32_t i;

    for (i = 0; i < gov->changes_count; i++) {
        if (gov->changes[i].is_in_config &&
            is_in_counts(gov, &gov->changes[i], counts)) {
            ids[count++] = gov->changes[i].id;
        }
    }
    qsort(ids, count, sizeof(*ids), compare_ids);
    ent_hasher_init(&h, "entente/config/1");
    for (i = 0; i < count; i++) {
        if (i == 0 || !ent_id_eq(&ids[i - 1], &ids[i])) {
            ent_hasher_add(&h, ENT_SLICE_OF(ids[i]));
        }
    }
    ent_hasher_end(&h, &view->config);
    view->has_config = true;
    free(ids);
}

const struct ent_id *
gov_config(const struct ent_gov *gov, uint32_t past)
{
    uint32_t rep = gov_view(gov, past)->rep;
    struct gov_view *view = &gov->cache->views[rep % GOV_VIEWS];

    if (!view->has_config) {
        hash_config(gov, view);
    }
    return &view->config;
}

const struct gov_seat *
gov_seat_find(const struct ent_gov *gov, const struct gov_view *view,
              const struct ent_id *node)
{
    uint32_t at = seat_place(gov, view, node);

    if (at == view->seat_count ||
        !ent_id_eq(&gov->nodes[view->seats[at].node].id, node)) {
        return NULL;
    }
    return &view->seats[at];
}

void
gov_join_rep(struct ent_gov *gov, uint32_t sum, uint32_t a, uint32_t b)
{
    uint32_t a_rep = gov->pasts[a].rep;
    uint32_t b_rep = gov->pasts[b].rep;
    uint32_t a_count;
    uint32_t b_count;
    uint32_t count;

    ENT_ASSERT(gov->pasts[sum].rep == GOV_NONE);
    if (a_rep == b_rep) {
        gov->pasts[sum].rep = a_rep;
        return;
    }
    /* The union holds the changes of both: as many as one of them has means
     * the very same. */
    a_count = gov_view(gov, a)->change_count;
    b_count = gov_view(gov, b)->change_count;
    count = count_changes(gov, gov_past_load(gov, sum));
    if (count == a_count) {
        gov->pasts[sum].rep = a_rep;
    } else {
        gov->pasts[sum].rep = count == b_count ? b_rep : sum;
    }
}
