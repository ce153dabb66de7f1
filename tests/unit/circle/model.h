/*
 * The rules of docs/trust.md 1 once more, as plainly as they can be written:
 * sets of items, and every question answered by looking at all of them. Slow,
 * and sharing no line with gov.
 */
#ifndef TESTS_UNIT_CIRCLE_MODEL_H
#define TESTS_UNIT_CIRCLE_MODEL_H

#include "unit/circle/world.h"

#define WORDS (WORLD_ITEMS / 64u)

/* A set of items. */
struct set {
    uint64_t bits[WORDS];
};

static inline bool
set_has(const struct set *s, uint32_t i)
{
    return (s->bits[i / 64] >> i % 64 & 1) != 0;
}

static inline void
set_add(struct set *s, uint32_t i)
{
    s->bits[i / 64] |= UINT64_C(1) << i % 64;
}

static inline void
set_join(struct set *s, const struct set *other)
{
    size_t k;

    for (k = 0; k < WORDS; k++) {
        s->bits[k] |= other->bits[k];
    }
}

/* The model. */

struct model {
    const struct world *w;
    struct set past[WORLD_ITEMS];
    bool is_ok[WORLD_ITEMS];
};

static inline uint32_t
item_of(const struct model *m, const struct ent_id *id)
{
    uint32_t i;

    for (i = 0; i < m->w->count; i++) {
        if (ent_id_eq(&m->w->items[i].e.id, id)) {
            return i;
        }
    }
    return UINT32_MAX;
}

static inline bool
is_valid_of(const struct model *m, uint32_t i, const struct set *s,
            enum ent_op_type type)
{
    return set_has(s, i) && m->is_ok[i] && m->w->items[i].op.type == type;
}

/* Was the motion decided in the set? */
static inline bool
was_decided(const struct model *m, uint32_t motion, const struct set *s)
{
    uint32_t i;

    for (i = 0; i < m->w->count; i++) {
        if (is_valid_of(m, i, s, ENT_OP_DECISION) &&
            ent_id_eq(&m->w->items[i].op.u.decision.motion,
                      &m->w->items[motion].e.id)) {
            return true;
        }
    }
    return false;
}

/* Did item `i`, in the set, take the node's role on that track? */
static inline bool
is_loss(const struct model *m, uint32_t i, const struct set *s,
        const struct ent_id *node, bool moderator)
{
    const struct item *it = &m->w->items[i];
    const struct ent_op_motion *op = &it->op.u.motion;

    if (is_valid_of(m, i, s, ENT_OP_LEAVE)) {
        return ent_id_eq(&it->e.node, node);
    }
    return is_valid_of(m, i, s, ENT_OP_MOTION) &&
           (op->action == ENT_ACTION_REMOVE ||
            (moderator && op->action == ENT_ACTION_RELIEVE)) &&
           ent_id_eq(&op->subject, node) && was_decided(m, i, s);
}

/* Does a gain whose proposal's past is `known` hold in the set? */
static inline bool
gain_holds(const struct model *m, const struct set *known, const struct set *s,
           const struct ent_id *node, bool moderator)
{
    uint32_t i;

    for (i = 0; i < m->w->count; i++) {
        if (is_loss(m, i, s, node, moderator) &&
            !is_loss(m, i, known, node, moderator)) {
            return false;
        }
    }
    return true;
}

static inline bool
has_gained(const struct model *m, const struct set *s,
           const struct ent_id *node, bool moderator)
{
    enum ent_action action = moderator ? ENT_ACTION_APPOINT : ENT_ACTION_ADMIT;
    uint32_t i;

    for (i = 0; i < m->w->count; i++) {
        const struct item *it = &m->w->items[i];
        bool is_gain = i == 0 && !moderator && set_has(s, 0) &&
                       ent_id_eq(&it->e.node, node);

        if (is_valid_of(m, i, s, ENT_OP_MOTION) &&
            it->op.u.motion.action == action &&
            ent_id_eq(&it->op.u.motion.subject, node)) {
            is_gain = was_decided(m, i, s);
        }
        if (is_gain && gain_holds(m, &m->past[i], s, node, moderator)) {
            return true;
        }
    }
    return false;
}

static inline enum ent_role
model_role(const struct model *m, const struct set *s,
           const struct ent_id *node)
{
    if (has_gained(m, s, node, false)) {
        return ENT_ROLE_MEMBER;
    }
    return has_gained(m, s, node, true) ? ENT_ROLE_MODERATOR : ENT_ROLE_NONE;
}

static inline size_t
model_voters(const struct model *m, const struct set *s)
{
    size_t count = 0;
    size_t n;

    for (n = 0; n < WORLD_REPLICAS; n++) {
        count += model_role(m, s, &m->w->nodes[n]) == ENT_ROLE_MEMBER;
    }
    return count;
}

static inline int
compare_ids(const void *a, const void *b)
{
    return ent_id_cmp(a, b);
}

static inline struct ent_id
model_config(const struct model *m, const struct set *s)
{
    struct ent_id ids[WORLD_ITEMS];
    struct ent_id config;
    size_t count = 0;
    uint32_t i;

    for (i = 0; i < m->w->count; i++) {
        if (is_valid_of(m, i, s, ENT_OP_LEAVE) ||
            (is_valid_of(m, i, s, ENT_OP_MOTION) && was_decided(m, i, s))) {
            ids[count++] = m->w->items[i].e.id;
        }
    }
    qsort(ids, count, sizeof(ids[0]), compare_ids);
    ent_hash("entente/config/1", ent_slice(ids, count * sizeof(ids[0])),
             &config);
    return config;
}

static inline bool
model_motion(const struct model *m, const struct ent_op_motion *op,
             const struct set *past)
{
    enum ent_role role = model_role(m, past, &op->subject);

    switch ((enum ent_action)op->action) {
    case ENT_ACTION_ADMIT:
    case ENT_ACTION_APPOINT:
        return role == ENT_ROLE_NONE;
    case ENT_ACTION_REMOVE:
        return role != ENT_ROLE_NONE;
    case ENT_ACTION_RELIEVE:
        return role == ENT_ROLE_MODERATOR;
    case ENT_ACTION_CHARTER:
    case ENT_ACTION_RULE:
    case ENT_ACTION_REFRESH:
        return ent_id_is_zero(&op->subject);
    }
    return false;
}

static inline bool
has_other_yes(const struct model *m, uint32_t i, uint32_t motion)
{
    const struct item *it = &m->w->items[i];
    const struct ent_op_motion *op = &m->w->items[motion].op.u.motion;
    uint32_t k;

    for (k = 0; k < i; k++) {
        uint32_t other;

        if (!is_valid_of(m, k, &m->past[i], ENT_OP_BALLOT) ||
            !ent_id_eq(&m->w->items[k].e.node, &it->e.node)) {
            continue;
        }
        other = item_of(m, &m->w->items[k].op.u.ballot.motion);
        if (other != motion &&
            m->w->items[other].op.u.motion.action == ENT_ACTION_REMOVE &&
            ent_id_eq(&m->w->items[other].op.u.motion.base, &op->base)) {
            return true;
        }
    }
    return false;
}

/* A log that is not the node's only one, and that began on this base. */
static inline bool
is_too_young(const struct model *m, uint32_t i, const struct ent_id *base)
{
    const struct item *it = &m->w->items[i];
    bool has_other_log = false;
    uint32_t k;

    for (k = 0; k < i; k++) {
        const struct item *own = &m->w->items[k];
        struct ent_id config;

        if (!set_has(&m->past[i], k) || !ent_id_eq(&own->e.node, &it->e.node)) {
            continue;
        }
        config = model_config(m, &m->past[k]);
        if (own->e.inc != it->e.inc) {
            has_other_log = true;
        } else if (!ent_id_eq(&config, base)) {
            return false;
        }
    }
    return has_other_log;
}

static inline bool
model_ballot(const struct model *m, uint32_t i)
{
    const struct item *it = &m->w->items[i];
    const struct set *past = &m->past[i];
    uint32_t motion = item_of(m, &it->op.u.ballot.motion);
    struct ent_id config = model_config(m, past);
    const struct ent_op_motion *op;

    if (motion == UINT32_MAX || !is_valid_of(m, motion, past, ENT_OP_MOTION)) {
        return false;
    }
    op = &m->w->items[motion].op.u.motion;
    if (model_role(m, past, &it->e.node) != ENT_ROLE_MEMBER ||
        !ent_id_eq(&op->base, &config) ||
        ent_id_eq(&op->subject, &it->e.node)) {
        return false;
    }
    return op->action != ENT_ACTION_REMOVE ||
           (!has_other_yes(m, i, motion) && !is_too_young(m, i, &config));
}

static inline bool
model_decision(const struct model *m, uint32_t i)
{
    const struct item *it = &m->w->items[i];
    const struct ent_op_decision *op = &it->op.u.decision;
    const struct set *past = &m->past[i];
    uint32_t motion = item_of(m, &op->motion);
    struct ent_id config = model_config(m, past);
    size_t k;
    size_t j;

    if (motion == UINT32_MAX || !is_valid_of(m, motion, past, ENT_OP_MOTION) ||
        model_role(m, past, &it->e.node) == ENT_ROLE_NONE ||
        !ent_id_eq(&m->w->items[motion].op.u.motion.base, &config)) {
        return false;
    }
    for (k = 0; k < op->ballot_count; k++) {
        uint32_t b = item_of(m, &op->ballots[k]);

        if (b == UINT32_MAX || !is_valid_of(m, b, past, ENT_OP_BALLOT) ||
            !ent_id_eq(&m->w->items[b].op.u.ballot.motion, &op->motion)) {
            return false;
        }
        for (j = 0; j < k; j++) {
            uint32_t other = item_of(m, &op->ballots[j]);

            if (ent_id_eq(&m->w->items[other].e.node, &m->w->items[b].e.node)) {
                return false;
            }
        }
    }
    return op->ballot_count >= model_voters(m, past) / 2 + 1;
}

static inline bool
model_judge(const struct model *m, uint32_t i)
{
    const struct item *it = &m->w->items[i];
    const struct set *past = &m->past[i];
    enum ent_role role = model_role(m, past, &it->e.node);
    struct ent_id config;

    switch ((enum ent_op_type)it->op.type) {
    case ENT_OP_GENESIS:
        return i == 0;
    case ENT_OP_MOTION:
        config = model_config(m, past);
        return role != ENT_ROLE_NONE &&
               ent_id_eq(&config, &it->op.u.motion.base) &&
               model_motion(m, &it->op.u.motion, past);
    case ENT_OP_BALLOT:
        return model_ballot(m, i);
    case ENT_OP_DECISION:
        return model_decision(m, i);
    case ENT_OP_LEAVE:
    case ENT_OP_SEEN:
        return role != ENT_ROLE_NONE;
    case ENT_OP_EPOCH:
    case ENT_OP_SHARE:
    case ENT_OP_GRANT:
    case ENT_OP_WITHDRAW:
    case ENT_OP_CARD:
    case ENT_OP_PUT:
        break;
    }
    return false;
}

static inline void
model_run(struct model *m, const struct world *w)
{
    uint32_t i;
    size_t k;

    memset(m, 0, sizeof(*m));
    m->w = w;
    for (i = 0; i < w->count; i++) {
        for (k = 0; k < w->items[i].parent_count; k++) {
            set_join(&m->past[i], &m->past[w->items[i].parents[k]]);
            set_add(&m->past[i], w->items[i].parents[k]);
        }
        m->is_ok[i] = model_judge(m, i);
    }
}

#endif
