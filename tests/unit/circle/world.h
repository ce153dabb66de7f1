/*
 * Replicas of one space and the control entries they write, for tests of gov:
 * no bytes, no network. Item i is the i-th entry written anywhere; a replica
 * applies items in any causal order.
 */
#ifndef TESTS_UNIT_CIRCLE_WORLD_H
#define TESTS_UNIT_CIRCLE_WORLD_H

#include <entente/gov.h>

#include <stdlib.h>

#define WORLD_ITEMS 640u
#define WORLD_REPLICAS 8u
#define WORLD_PARENTS 24u

struct item {
    struct ent_entry e;
    struct ent_op op;
    struct ent_id ballots[WORLD_REPLICAS * 4];
    uint32_t parents[WORLD_PARENTS];
    size_t parent_count;
};

struct replica {
    struct ent_gov *gov;
    uint32_t inc;
    bool has[WORLD_ITEMS];
    bool is_head[WORLD_ITEMS];
    uint32_t before[WORLD_ITEMS]; /* pasts */
    uint32_t after[WORLD_ITEMS];
    uint8_t verdict[WORLD_ITEMS];
};

struct world {
    struct ent_id nodes[WORLD_REPLICAS];
    struct replica replicas[WORLD_REPLICAS];
    struct item items[WORLD_ITEMS];
    uint32_t count;
};

static inline struct ent_id
world_id(const char *tag, uint64_t n)
{
    uint8_t raw[8];
    struct ent_id id;

    ent_put_u64(raw, n);
    ent_hash(tag, ENT_SLICE_OF(raw), &id);
    return id;
}

/* Applies an item at a replica, after all that it follows. */
static inline void
world_deliver(struct world *w, size_t r, uint32_t i)
{
    struct replica *p = &w->replicas[r];
    struct item *it = &w->items[i];
    struct ent_ops ops = {.count = 1, .ops = &it->op};
    uint32_t pasts[WORLD_PARENTS];
    size_t k;

    if (p->has[i]) {
        return;
    }
    for (k = 0; k < it->parent_count; k++) {
        world_deliver(w, r, it->parents[k]);
        pasts[k] = p->after[it->parents[k]];
        p->is_head[it->parents[k]] = false;
    }
    p->before[i] = ent_gov_join(p->gov, pasts, it->parent_count);
    p->after[i] =
        ent_gov_apply(p->gov, &it->e, &ops, p->before[i], &p->verdict[i]);
    p->has[i] = true;
    p->is_head[i] = true;
}

/* Writes an operation by the node of replica `r` after the given items. */
static inline uint32_t
world_write_after(struct world *w, size_t r, const struct ent_op *op,
                  const uint32_t *parents, size_t parent_count)
{
    uint32_t i = w->count++;
    struct item *it = &w->items[i];

    ENT_ASSERT(i < WORLD_ITEMS && parent_count <= WORLD_PARENTS);
    memset(it, 0, sizeof(*it));
    it->op = *op;
    it->op.is_known = true;
    if (op->type == ENT_OP_DECISION) {
        ENT_ASSERT(op->u.decision.ballot_count <=
                   sizeof(it->ballots) / sizeof(it->ballots[0]));
        memcpy(it->ballots, op->u.decision.ballots,
               op->u.decision.ballot_count * sizeof(it->ballots[0]));
        it->op.u.decision.ballots = it->ballots;
    }
    it->e.class = ENT_CLASS_CONTROL;
    it->e.flags = op->type == ENT_OP_GENESIS ? ENT_FLAG_GENESIS : 0;
    it->e.node = w->nodes[r];
    it->e.inc = w->replicas[r].inc;
    it->e.id = world_id("test/item", i);
    memcpy(it->parents, parents, parent_count * sizeof(*parents));
    it->parent_count = parent_count;
    world_deliver(w, r, i);
    return i;
}

/* Writes it after everything that the replica has. */
static inline uint32_t
world_write(struct world *w, size_t r, const struct ent_op *op)
{
    uint32_t heads[WORLD_PARENTS];
    size_t count = 0;
    uint32_t i;

    for (i = 0; i < w->count; i++) {
        if (w->replicas[r].is_head[i]) {
            ENT_ASSERT(count < WORLD_PARENTS);
            heads[count++] = i;
        }
    }
    return world_write_after(w, r, op, heads, count);
}

/* `r` gets what `from` has. */
static inline void
world_sync(struct world *w, size_t r, size_t from)
{
    uint32_t i;

    for (i = 0; i < w->count; i++) {
        if (w->replicas[from].has[i]) {
            world_deliver(w, r, i);
        }
    }
}

static inline void
world_sync_all(struct world *w)
{
    uint32_t i;
    size_t r;

    for (r = 0; r < WORLD_REPLICAS; r++) {
        for (i = 0; i < w->count; i++) {
            world_deliver(w, r, i);
        }
    }
}

/* Empties a replica, as if it began anew. */
static inline void
world_forget(struct world *w, size_t r)
{
    struct replica *p = &w->replicas[r];
    uint32_t inc = p->inc;

    ent_gov_free(p->gov);
    memset(p, 0, sizeof(*p));
    p->inc = inc;
    p->gov = ent_gov_new(&w->items[0].e.id);
}

/* A world whose item 0 is the genesis by node 0, known to node 0 only.
 * Returns owned; free with world_free(). */
static inline struct world *
world_new(uint8_t kind)
{
    struct world *w = ent_alloc_zero(1, sizeof(*w));
    struct ent_op op = {.type = ENT_OP_GENESIS};
    size_t r;

    for (r = 0; r < WORLD_REPLICAS; r++) {
        struct ent_id space = world_id("test/item", 0);

        w->nodes[r] = world_id("test/node", r);
        w->replicas[r].gov = ent_gov_new(&space);
        w->replicas[r].inc = 1;
    }
    op.u.genesis.kind = kind;
    op.u.genesis.circle = world_id("test/circle", 1);
    world_write(w, 0, &op);
    return w;
}

static inline void
world_free(struct world *w)
{
    size_t r;

    for (r = 0; r < WORLD_REPLICAS; r++) {
        ent_gov_free(w->replicas[r].gov);
    }
    free(w);
}

/* Shorter words for tests. */

static inline enum ent_verdict
world_verdict(const struct world *w, uint32_t i)
{
    size_t r;

    for (r = 0; r < WORLD_REPLICAS; r++) {
        if (w->replicas[r].has[i]) {
            return (enum ent_verdict)w->replicas[r].verdict[i];
        }
    }
    ent_panic("nobody has the item", __FILE__, __LINE__);
}

static inline struct ent_id
world_config(const struct world *w, size_t r)
{
    const struct ent_gov *gov = w->replicas[r].gov;
    struct ent_id config;

    ent_gov_config(gov, ent_gov_now(gov), &config);
    return config;
}

static inline uint32_t
world_motion(struct world *w, size_t r, enum ent_action action,
             const struct ent_id *subject)
{
    struct ent_op op = {.type = ENT_OP_MOTION};

    op.u.motion.base = world_config(w, r);
    op.u.motion.action = (uint8_t)action;
    if (subject != NULL) {
        op.u.motion.subject = *subject;
    }
    return world_write(w, r, &op);
}

static inline uint32_t
world_ballot(struct world *w, size_t r, uint32_t motion)
{
    struct ent_op op = {.type = ENT_OP_BALLOT};

    op.u.ballot.motion = w->items[motion].e.id;
    return world_write(w, r, &op);
}

static inline uint32_t
world_decision(struct world *w, size_t r, uint32_t motion,
               const uint32_t *ballots, size_t count)
{
    struct ent_op op = {.type = ENT_OP_DECISION};
    struct ent_id ids[WORLD_REPLICAS * 4];
    size_t i;

    for (i = 0; i < count; i++) {
        ids[i] = w->items[ballots[i]].e.id;
    }
    op.u.decision.motion = w->items[motion].e.id;
    op.u.decision.ballots = ids;
    op.u.decision.ballot_count = count;
    return world_write(w, r, &op);
}

static inline uint32_t
world_plain(struct world *w, size_t r, enum ent_op_type type)
{
    struct ent_op op = {.type = (uint16_t)type};

    return world_write(w, r, &op);
}

static inline uint32_t
world_grant(struct world *w, size_t r, size_t to, enum ent_level level,
            enum ent_basis basis)
{
    struct ent_op op = {.type = ENT_OP_GRANT};

    op.u.grant.node = w->nodes[to];
    op.u.grant.level = (uint8_t)level;
    op.u.grant.basis = (uint8_t)basis;
    return world_write(w, r, &op);
}

static inline uint32_t
world_withdraw(struct world *w, size_t r, size_t from)
{
    struct ent_op op = {.type = ENT_OP_WITHDRAW};

    op.u.grant.node = w->nodes[from];
    return world_write(w, r, &op);
}

/* The role of node `n` in the newest view of replica `r`. */
static inline enum ent_role
world_role(const struct world *w, size_t r, size_t n)
{
    const struct ent_gov *gov = w->replicas[r].gov;

    return ent_gov_role(gov, ent_gov_now(gov), &w->nodes[n]);
}

/* All of `voters` vote, the first writes the decision; everybody knows all of
 * it afterwards. Returns the decision. */
static inline uint32_t
world_carry(struct world *w, enum ent_action action,
            const struct ent_id *subject, const size_t *voters, size_t count)
{
    uint32_t motion = world_motion(w, voters[0], action, subject);
    uint32_t ballots[WORLD_REPLICAS];
    uint32_t decision;
    size_t i;

    for (i = 0; i < count; i++) {
        world_sync(w, voters[i], voters[0]);
        ballots[i] = world_ballot(w, voters[i], motion);
        world_sync(w, voters[0], voters[i]);
    }
    decision = world_decision(w, voters[0], motion, ballots, count);
    world_sync_all(w);
    return decision;
}

/* Nodes 0 to members - 1 are members, and everybody knows. */
static inline struct world *
world_circle(size_t members)
{
    static const size_t all[] = {0, 1, 2, 3, 4, 5, 6, 7};
    struct world *w = world_new(ENT_SPACE_CIRCLE);
    size_t n;

    world_sync_all(w);
    for (n = 1; n < members; n++) {
        world_carry(w, ENT_ACTION_ADMIT, &w->nodes[n], all, n);
        ENT_ASSERT(world_role(w, 0, n) == ENT_ROLE_MEMBER);
    }
    return w;
}

#endif
