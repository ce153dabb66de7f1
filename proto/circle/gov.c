/*
 * The doors of gov: one entry applied, and questions about a past.
 */
#include "circle/govstate.h"

#include <stdlib.h>

struct ent_gov *
ent_gov_new(const struct ent_id *space)
{
    struct ent_gov *gov = ent_alloc_zero(1, sizeof(*gov));
    size_t i;

    gov->space = *space;
    gov->opener = GOV_NONE;
    gov->now = ENT_PAST_EMPTY;
    gov->cache = ent_alloc_zero(1, sizeof(*gov->cache));
    gov->cache->loaded = GOV_NONE;
    for (i = 0; i < GOV_VIEWS; i++) {
        gov->cache->views[i].rep = GOV_NONE;
    }
    gov_past_init(gov);
    return gov;
}

static void
free_motion(struct gov_motion *m)
{
    free((void *)(uintptr_t)m->card.p);
    free((void *)(uintptr_t)m->text.p);
    free(m->ballots);
    free(m->voters);
}

static void
free_cache(struct gov_cache *cache)
{
    size_t i;

    for (i = 0; i < GOV_VIEWS; i++) {
        free(cache->views[i].seats);
    }
    free(cache->counts);
    free(cache);
}

void
ent_gov_free(struct ent_gov *gov)
{
    uint32_t i;

    if (gov == NULL) {
        return;
    }
    for (i = 0; i < gov->motions_count; i++) {
        free_motion(&gov->motions[i]);
    }
    free_cache(gov->cache);
    free(gov->nodes);
    free(gov->chains);
    free(gov->starts);
    free(gov->pasts);
    free(gov->pairs);
    free(gov->changes);
    free(gov->mores);
    free(gov->motions);
    free(gov->ballots);
    free(gov->node_index.slots);
    free(gov->motion_index.slots);
    free(gov->ballot_index.slots);
    free(gov->past_buckets);
    free(gov);
}

static uint32_t
join_two(struct ent_gov *gov, uint32_t a, uint32_t b)
{
    uint32_t sum = gov_past_join(gov, a, b);

    if (gov->pasts[sum].rep == GOV_NONE) {
        gov_join_rep(gov, sum, a, b);
    }
    return sum;
}

uint32_t
ent_gov_join(struct ent_gov *gov, const uint32_t *pasts, size_t count)
{
    uint32_t sum = ENT_PAST_EMPTY;
    size_t i;

    for (i = 0; i < count; i++) {
        sum = join_two(gov, sum, pasts[i]);
    }
    return sum;
}

/* Applying. */

/* The place of the entry being judged: at the end of a chain of its author
 * that is wholly in its past, or of a new one. */
static struct gov_loc
place_entry(struct ent_gov *gov, uint32_t author, uint32_t past)
{
    const uint32_t *counts = gov_past_load(gov, past);
    uint32_t at = gov->nodes[author].chains;

    while (at != GOV_NONE && counts[at] != gov->chains[at].len) {
        ENT_ASSERT(counts[at] < gov->chains[at].len);
        at = gov->chains[at].next_of_node;
    }
    if (at == GOV_NONE) {
        at = GOV_PUSH(gov, chains);
        gov->chains[at] = (struct gov_chain){
            .len = 0,
            .next_of_node = gov->nodes[author].chains,
        };
        gov->nodes[author].chains = at;
    }
    return (struct gov_loc){at, ++gov->chains[at].len};
}

/* Notes the first control entry of an incarnation. */
static void
note_start(const struct gov_act *act)
{
    struct ent_gov *gov = act->gov;
    uint32_t at = gov->nodes[act->author].starts;

    for (; at != GOV_NONE; at = gov->starts[at].next_of_node) {
        if (gov->starts[at].inc == act->e->inc &&
            gov_past_has(gov, act->past, gov->starts[at].loc)) {
            return;
        }
    }
    at = GOV_PUSH(gov, starts);
    gov->starts[at] = (struct gov_start){
        .inc = act->e->inc,
        .loc = act->loc,
        .past = act->past,
        .next_of_node = gov->nodes[act->author].starts,
    };
    gov->nodes[act->author].starts = at;
}

static enum ent_verdict
judge_genesis(struct gov_act *act, const struct ent_op_genesis *op)
{
    struct ent_gov *gov = act->gov;
    struct gov_change change = {
        .id = act->e->id,
        .node = act->author,
        .what = GOV_GAIN,
        .tracks = GOV_TRACK_MEMBER,
        .role =
            op->kind == ENT_SPACE_CIRCLE ? ENT_ROLE_MEMBER : ENT_ROLE_READER,
    };

    if ((act->e->flags & ENT_FLAG_GENESIS) == 0 || gov->kind != 0 ||
        !ent_id_eq(&act->e->id, &gov->space)) {
        return ENT_VERDICT_NOT_IN_PLACE;
    }
    if (op->kind < ENT_SPACE_OWN || op->kind > ENT_SPACE_REVIEW) {
        return ENT_VERDICT_NOT_ALLOWED;
    }
    gov->kind = op->kind;
    gov->opener = act->author;
    if (op->kind == ENT_SPACE_CARE || op->kind == ENT_SPACE_REVIEW) {
        gov->circle = op->circle;
    }
    gov_change_add(act, &change);
    act->is_genesis = true;
    return ENT_VERDICT_OK;
}

/* Does this kind of space have this type of operation at all? */
static bool
is_in_place(uint8_t kind, uint16_t type)
{
    switch ((enum ent_op_type)type) {
    case ENT_OP_MOTION:
    case ENT_OP_BALLOT:
    case ENT_OP_DECISION:
        return kind == ENT_SPACE_CIRCLE;
    case ENT_OP_GRANT:
    case ENT_OP_WITHDRAW:
        return kind == ENT_SPACE_CARE || kind == ENT_SPACE_REVIEW;
    case ENT_OP_LEAVE:
        return kind != ENT_SPACE_OWN;
    case ENT_OP_GENESIS:
    case ENT_OP_EPOCH:
    case ENT_OP_SHARE:
    case ENT_OP_CARD:
    case ENT_OP_SEEN:
        return true;
    case ENT_OP_PUT:
        return false; /* content is sealed */
    }
    return true;
}

/* What everybody here may say: a key needs one who may write. */
static enum ent_verdict
judge_plain(const struct gov_act *act, uint16_t type)
{
    enum ent_role role = ent_gov_role(act->gov, act->past, &act->e->node);

    if (act->is_genesis) {
        return ENT_VERDICT_OK;
    }
    if (role == ENT_ROLE_NONE) {
        return ENT_VERDICT_NOT_MEMBER;
    }
    if (role == ENT_ROLE_CARRIER &&
        (type == ENT_OP_EPOCH || type == ENT_OP_SHARE)) {
        return ENT_VERDICT_NOT_ALLOWED;
    }
    return ENT_VERDICT_OK;
}

/* PROTO §2.2: "An entry has at most one operation that is a motion, a ballot
 * or a decision, and is its name". What one entry says twice is in nobody's
 * past. */
static enum ent_verdict
judge_act(struct gov_act *act, const struct ent_op *op)
{
    if (act->has_acted) {
        return ENT_VERDICT_NOT_IN_PLACE;
    }
    act->has_acted = true;
    if (op->type == ENT_OP_MOTION) {
        return gov_judge_motion(act, &op->u.motion);
    }
    if (op->type == ENT_OP_BALLOT) {
        return gov_judge_ballot(act, &op->u.ballot);
    }
    return gov_judge_decision(act, &op->u.decision);
}

/* Is there a space at all, in the past of the entry? The genesis is the first
 * change: nobody has a right to make another before it. */
static bool
has_genesis(const struct gov_act *act)
{
    const struct ent_gov *gov = act->gov;

    return act->is_genesis ||
           (gov->changes_count > 0 &&
            gov_past_has(gov, act->past, gov->changes[0].loc));
}

static enum ent_verdict
judge(struct gov_act *act, const struct ent_op *op)
{
    if (!op->is_known) {
        return op->is_critical ? ENT_VERDICT_NOT_IN_PLACE : ENT_VERDICT_OK;
    }
    if (op->type != ENT_OP_GENESIS && !has_genesis(act)) {
        return ENT_VERDICT_NOT_MEMBER;
    }
    if (!is_in_place(act->gov->kind, op->type)) {
        return ENT_VERDICT_NOT_IN_PLACE;
    }
    switch ((enum ent_op_type)op->type) {
    case ENT_OP_GENESIS:
        return judge_genesis(act, &op->u.genesis);
    case ENT_OP_MOTION:
    case ENT_OP_BALLOT:
    case ENT_OP_DECISION:
        return judge_act(act, op);
    case ENT_OP_GRANT:
        return gov_judge_grant(act, &op->u.grant);
    case ENT_OP_WITHDRAW:
        return gov_judge_withdraw(act, &op->u.grant);
    case ENT_OP_LEAVE:
        return gov_judge_leave(act);
    case ENT_OP_EPOCH:
    case ENT_OP_SHARE:
    case ENT_OP_CARD:
    case ENT_OP_SEEN:
    case ENT_OP_PUT:
        break;
    }
    return judge_plain(act, op->type);
}

/* Adds the entry to a past. */
static uint32_t
add_entry(const struct gov_act *act, uint32_t past)
{
    uint32_t sum = gov_past_add(act->gov, past, act->loc);

    act->gov->pasts[sum].rep =
        act->has_changed ? sum : act->gov->pasts[past].rep;
    return sum;
}

uint32_t
ent_gov_apply(struct ent_gov *gov, const struct ent_entry *e,
              const struct ent_ops *ops, uint32_t past, uint8_t *ret_verdicts)
{
    struct gov_act act = {.gov = gov, .e = e, .past = past};
    bool follows_all = past == gov->now;
    uint32_t sum;
    size_t i;

    ENT_ASSERT(past < gov->pasts_count && e->class == ENT_CLASS_CONTROL);
    act.author = gov_node(gov, &e->node);
    act.loc = place_entry(gov, act.author, past);
    note_start(&act);
    for (i = 0; i < ops->count; i++) {
        ret_verdicts[i] = (uint8_t)judge(&act, &ops->ops[i]);
    }
    sum = add_entry(&act, past);
    gov->now = follows_all ? sum : add_entry(&act, gov->now);
    return sum;
}

/* Questions. */

uint32_t
ent_gov_now(const struct ent_gov *gov)
{
    return gov->now;
}

uint8_t
ent_gov_kind(const struct ent_gov *gov)
{
    return gov->kind;
}

const struct ent_id *
ent_gov_circle(const struct ent_gov *gov)
{
    return &gov->circle;
}

enum ent_role
ent_gov_role(const struct ent_gov *gov, uint32_t past,
             const struct ent_id *node)
{
    const struct gov_seat *seat = gov_seat_find(gov, gov_view(gov, past), node);

    return seat != NULL ? (enum ent_role)seat->role : ENT_ROLE_NONE;
}

/* PROTO §2.3: "**Whoever has a role other than carrier may write**, content as
 * well as control" */
bool
ent_gov_may_write(const struct ent_gov *gov, uint32_t past,
                  const struct ent_id *node)
{
    enum ent_role role = ent_gov_role(gov, past, node);

    return role != ENT_ROLE_NONE && role != ENT_ROLE_CARRIER;
}

size_t
ent_gov_members(const struct ent_gov *gov, uint32_t past,
                struct ent_gov_member *ret_members, size_t max)
{
    const struct gov_view *view = gov_view(gov, past);
    size_t i;

    for (i = 0; i < view->seat_count && i < max; i++) {
        ret_members[i] = (struct ent_gov_member){
            .node = gov->nodes[view->seats[i].node].id,
            .role = view->seats[i].role,
            .basis = view->seats[i].basis,
            .is_opener = view->seats[i].node == gov->opener,
        };
    }
    return view->seat_count;
}

bool
ent_gov_was_named(const struct ent_gov *gov, const struct ent_id *node)
{
    uint32_t place = gov_node_find(gov, node);

    return place != GOV_NONE && gov->nodes[place].was_named;
}

void
ent_gov_config(const struct ent_gov *gov, uint32_t past,
               struct ent_id *ret_config)
{
    *ret_config = *gov_config(gov, past);
}

size_t
ent_gov_motion_count(const struct ent_gov *gov)
{
    return gov->motions_count;
}

void
ent_gov_motion(const struct ent_gov *gov, size_t index,
               struct ent_gov_motion *ret_motion)
{
    const struct gov_motion *m;
    bool is_decided;

    ENT_ASSERT(index < gov->motions_count);
    m = &gov->motions[index];
    is_decided = m->change != GOV_NONE;
    *ret_motion = (struct ent_gov_motion){
        .id = m->id,
        .author = gov->nodes[m->author].id,
        .action = m->action,
        .card = m->card,
        .text = m->text,
        .is_valid = m->is_valid,
        .is_decided = is_decided,
        .is_open = m->is_valid && !is_decided &&
                   ent_id_eq(&m->base, gov_config(gov, gov->now)),
        .needed = gov_view(gov, m->past)->voter_count / 2 + 1,
        .ballot_count = m->ballot_count,
        .ballots = m->ballots,
        .voters = m->voters,
    };
    if (m->subject != GOV_NONE) {
        ret_motion->subject = gov->nodes[m->subject].id;
    }
}
